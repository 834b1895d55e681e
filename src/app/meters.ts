/** The part of the composition root that measures: what counts, and where it is read. */

import type { Clock } from '../base/clock.ts'
import { VERSION } from '../base/version.ts'
import type { Config } from '../config/schema.ts'
import { metricsText } from '../metrics/families.ts'
import { MetricsHistory } from '../metrics/history.ts'
import { PlaylistReads } from '../metrics/playlist-reads.ts'
import { ProcessMeters } from '../metrics/process-meters.ts'
import { RequestMeters } from '../metrics/request-meters.ts'
import { RENDITIONS_MAX } from '../metrics/sources.ts'
import type { MetricSources } from '../metrics/sources.ts'
import type { Core } from './core.ts'

/** What counts as requests come; made before the planes. */
export interface Meters {
  /** To be told of every item request. */
  readonly requests: RequestMeters
  readonly process: ProcessMeters
  /** Once the planes are there: where everything is read. */
  open(planes: MeteredPlanes): OpenMetrics
  close(): void
}

export type MeteredPlanes = Pick<
  MetricSources,
  'overload' | 'connections' | 'accessLog' | 'webhooks'
>

export interface OpenMetrics {
  /** Prometheus text. */
  readonly text: () => string
  /** The last hour. */
  readonly history: MetricsHistory
}

export interface MetersOptions {
  readonly config: Config
  readonly clock: Clock
  readonly core: Core
}

/** Counts until it is closed. */
export function openMeters({ config, clock, core }: MetersOptions): Meters {
  const { channelsMax } = config.metrics
  const playlistReads = new PlaylistReads(channelsMax * RENDITIONS_MAX)
  const requests = new RequestMeters(playlistReads)
  const processMeters = new ProcessMeters()
  const refusedWrites = new Map<string, number>()
  const startedAtMs = clock.nowMs()
  let history: MetricsHistory | undefined
  core.origin.events.on('write-refused', ({ reason }) => {
    refusedWrites.set(reason, (refusedWrites.get(reason) ?? 0) + 1)
  })
  return {
    requests,
    process: processMeters,
    open: (planes) => {
      const sources: MetricSources = {
        store: core.store.stats,
        disk: core.diskStats,
        valkey: core.measuredValkey,
        origin: core.origin.stats,
        waiters: core.origin.waiterStats,
        waiterCount: () => core.origin.waiterCount,
        reloads: core.origin.reloads.counts,
        cacheCount: () => core.origin.caches.list().length,
        findingCounts: core.origin.findings.countByRule,
        ...planes,
        tokenGuard: core.tokenGuard.stats,
        auth: () => core.authenticator.stats,
        requests,
        playlistReads,
        refusedWrites,
        faults: core.faults,
        channels: core.origin.channels,
        channelsMax,
        process: processMeters,
        nowMs: () => clock.nowMs(),
        startedAtMs,
        version: VERSION,
      }
      history = new MetricsHistory({ clock, sources })
      return { text: () => metricsText(sources), history }
    },
    close: () => {
      history?.close()
      processMeters.close()
    },
  }
}
