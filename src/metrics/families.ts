/**
 * What is measured: every family by name, in one table. Gives `/metrics`, `docs/metrics.md` and the
 * test of dashboards and alerts.
 */

import { CHANNEL_FAMILIES } from './families/channel-families.ts'
import { DISK_FAMILIES } from './families/disk-families.ts'
import { REQUEST_FAMILIES } from './families/request-families.ts'
import { SERVER_FAMILIES } from './families/server-families.ts'
import { STORE_FAMILIES } from './families/store-families.ts'
import { TELLING_FAMILIES } from './families/telling-families.ts'
import { RIG_FAMILIES } from './families/rig-families.ts'
import { VALKEY_FAMILIES } from './families/valkey-families.ts'
import { takeScrape } from './sources.ts'
import type { MetricSources, Scrape } from './sources.ts'
import { formatMetrics } from './text.ts'
import type { Family } from './text.ts'

/** Families of one theme. */
export interface FamilyGroup {
  readonly title: string
  /** Markdown. */
  readonly introduction: string
  readonly families: readonly Family<Scrape>[]
}

export const FAMILY_GROUPS: readonly FamilyGroup[] = [
  {
    title: 'Requests',
    introduction:
      'Requests for items on the data plane. Latencies are as the origin sees them: without the network before it.',
    families: REQUEST_FAMILIES,
  },
  {
    title: 'Objects',
    introduction: 'Uploads, the hot store, and what is wrong with playlists.',
    families: STORE_FAMILIES,
  },
  {
    title: 'Disk',
    introduction: 'With `storage.kind: disk` ([Operations](operations.md#storage)).',
    families: DISK_FAMILIES,
  },
  {
    title: 'Valkey',
    introduction: 'With `storage.kind: valkey` ([Several origins](valkey.md)).',
    families: VALKEY_FAMILIES,
  },
  {
    title: 'Channels',
    introduction:
      'What an encoder does, by its playlists. A channel has its series while it is known; at most `metrics.channelsMax` channels and 32 renditions of each.',
    families: CHANNEL_FAMILIES,
  },
  {
    title: 'Server',
    introduction: 'Connections, keys, the process.',
    families: SERVER_FAMILIES,
  },
  {
    title: 'Access log and webhooks',
    introduction: 'What the origin tells others, and what it could not tell them.',
    families: TELLING_FAMILIES,
  },
  {
    title: 'Test rig',
    introduction: 'What is made to go wrong, with `rig.enabled` ([Test rigs](rigs.md)).',
    families: RIG_FAMILIES,
  },
]

export const METRIC_FAMILIES: readonly Family<Scrape>[] = FAMILY_GROUPS.flatMap(
  ({ families }) => families,
)

/** The text of `/metrics`. */
export function metricsText(sources: MetricSources): string {
  return formatMetrics(METRIC_FAMILIES, takeScrape(sources))
}
