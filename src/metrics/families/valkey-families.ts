/** Metrics of the objects in Valkey, and of the link to it. Without Valkey they have no values. */

import { scalarsOf } from '../scalar-family.ts'
import type { Scrape } from '../sources.ts'
import type { Family } from '../text.ts'

const valkey = scalarsOf((scrape) => scrape.valkey)

export const VALKEY_FAMILIES: readonly Family<Scrape>[] = [
  valkey(
    'gauge',
    'headwater_valkey_up',
    'Whether Valkey answers: 1 or 0.',
    ({ link }) => Number(link.downSinceMs === undefined),
    '**Alert when it is 0**: writes get 503, reads go on from memory.',
  ),
  valkey(
    'counter',
    'headwater_valkey_down_seconds_total',
    'How long it has not answered, altogether.',
    ({ link }) => link.downTotalMs / 1000,
  ),
  valkey(
    'gauge',
    'headwater_valkey_tracking',
    'Whether Valkey tells of what other origins change: 1 or 0.',
    ({ link }) => Number(link.isTracking),
    'While it is 0, every read asks Valkey.',
  ),
  valkey(
    'counter',
    'headwater_valkey_invalidations_total',
    'Objects in memory that another origin has changed.',
    ({ stats }) => stats.invalidationCount,
  ),
  valkey(
    'counter',
    'headwater_valkey_reads_total',
    'Objects that were not in memory and were asked for.',
    ({ stats }) => stats.readCount,
    'Against `headwater_hot_store_hits_total`: once for each object on each origin is right, many more are a hot store that is too small.',
  ),
  valkey(
    'counter',
    'headwater_valkey_read_bytes_total',
    'Bytes of them.',
    ({ stats }) => stats.readBytes,
  ),
  valkey(
    'counter',
    'headwater_valkey_full_total',
    "Uploads refused because Valkey's memory was full.",
    ({ stats }) => stats.fullCount,
    '**Alert when it grows**: raise `maxmemory` in Valkey, or lower `ttl_seconds`.',
  ),
]
