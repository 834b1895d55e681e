/**
 * What to give up when there is too much to do: reads far from the live edge first, then nearer
 * ones; never a playlist, an init section, a key, what was stored within the last minute, or a write.
 */

import type { Clock, Timer } from '../base/clock.ts'
import type { StoredItem } from '../storage/store.ts'

export interface OverloadOptions {
  readonly clock: Clock
  /** 0: no limit. */
  readonly eventLoopDelayMsMax: number
  /** 0: no limit. */
  readonly rssBytesMax: number
  /** Mean delay of the event loop since the last call, ms. */
  readonly readEventLoopDelayMs: () => number
  readonly readRssBytes: () => number
  /** Ends whatever the readings come from. */
  readonly onClose?: () => void
}

/** Plain counters, read by metrics. */
export interface OverloadStats {
  /** 0: none. At each level objects of a lower age are refused. */
  level: number
  refusedCount: number
  eventLoopDelayMs: number
}

const SAMPLE_MS = 250
/** Items older than this are refused at the level of the same index. Players hold back three segments or so. */
const AGE_SECONDS_MIN: readonly number[] = [Infinity, 600, 180, 60]
/** Below this part of a limit the level goes down. */
const RELIEF = 0.8

export class Overload {
  readonly stats: OverloadStats = { level: 0, refusedCount: 0, eventLoopDelayMs: 0 }
  readonly #options: OverloadOptions
  #timer: Timer | undefined

  constructor(options: OverloadOptions) {
    this.#options = options
    this.#schedule()
  }

  close(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimer(this.#timer)
    this.#timer = undefined
    this.#options.onClose?.()
  }

  /** Whether a read of this item is to be answered 503; counts it. One comparison while all is well. */
  refuses(item: StoredItem): boolean {
    if (this.stats.level === 0) return false
    if (item.kind !== 'segment' && item.kind !== 'part' && item.kind !== 'other') return false
    const ageSeconds = (this.#options.clock.nowMs() - item.storedAtMs) / 1000
    if (ageSeconds <= (AGE_SECONDS_MIN[this.stats.level] ?? Infinity)) return false
    this.stats.refusedCount++
    return true
  }

  #schedule(): void {
    this.#timer = this.#options.clock.setTimer(() => {
      this.#sample()
      this.#schedule()
    }, SAMPLE_MS)
  }

  #sample(): void {
    const { eventLoopDelayMsMax, rssBytesMax, readEventLoopDelayMs, readRssBytes } = this.#options
    const delayMs = readEventLoopDelayMs()
    this.stats.eventLoopDelayMs = delayMs
    const load = Math.max(
      eventLoopDelayMsMax === 0 ? 0 : delayMs / eventLoopDelayMsMax,
      rssBytesMax === 0 ? 0 : readRssBytes() / rssBytesMax,
    )
    if (load > 1) this.stats.level = Math.min(this.stats.level + 1, AGE_SECONDS_MIN.length - 1)
    else if (load < RELIEF) this.stats.level = Math.max(this.stats.level - 1, 0)
  }
}
