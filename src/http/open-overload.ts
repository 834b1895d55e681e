/** The overload guard on this process's own event loop and memory. */

import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Clock } from '../base/clock.ts'
import type { Config } from '../config/schema.ts'
import { Overload } from '../origin/overload.ts'
import { memoryLimitBytes } from '../storage/hot-store-size.ts'

const EVENT_LOOP_RESOLUTION_MS = 20
/** Of the memory that this process may use, when no limit is set. */
const MEMORY_SHARE = 0.9

/**
 * Runs until it is closed.
 * @param onLongestDelay  Told of the longest delay of the event loop since the last call, seconds.
 */
export function openOverload(
  config: Config,
  clock: Clock,
  onLongestDelay: (seconds: number) => void,
): Overload {
  const histogram = monitorEventLoopDelay({ resolution: EVENT_LOOP_RESOLUTION_MS })
  histogram.enable()
  return new Overload({
    clock,
    eventLoopDelayMsMax: config.limits.eventLoopDelayMsMax,
    rssBytesMax: config.limits.rssBytesMax || Math.floor(MEMORY_SHARE * memoryLimitBytes()),
    readEventLoopDelayMs: () => {
      // The histogram counts the interval it waits for as delay.
      const delayMs = histogram.mean / 1e6 - EVENT_LOOP_RESOLUTION_MS
      // Without an observation in it, its maximum is 0.
      if (histogram.max > 0) {
        onLongestDelay(Math.max(0, histogram.max / 1e6 - EVENT_LOOP_RESOLUTION_MS) / 1000)
      }
      histogram.reset()
      return Number.isNaN(delayMs) ? 0 : Math.max(0, delayMs)
    },
    readRssBytes: () => process.memoryUsage.rss(),
    onClose: () => histogram.disable(),
  })
}
