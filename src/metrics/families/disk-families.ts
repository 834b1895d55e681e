/** Metrics of the objects on disk. Without a disk they have no values. */

import { scalarsOf } from '../scalar-family.ts'
import type { Scrape } from '../sources.ts'
import type { Family } from '../text.ts'

const disk = scalarsOf((scrape) => scrape.disk)

export const DISK_FAMILIES: readonly Family<Scrape>[] = [
  disk('gauge', 'headwater_disk_items', 'Objects on disk.', ({ itemCount }) => itemCount),
  disk(
    'gauge',
    'headwater_disk_size_bytes',
    'What they take: bodies in whole pages, and what is kept about them.',
    ({ sizeBytes }) => sizeBytes,
  ),
  disk(
    'gauge',
    'headwater_disk_size_bytes_max',
    'Bound on that.',
    ({ sizeBytesMax }) => sizeBytesMax,
    '**Alert when the size is over 0.9 of it**: over it uploads get 507.',
  ),
  disk(
    'gauge',
    'headwater_disk_file_bytes',
    "The database's file. It keeps the length it once had; what has expired is room in it.",
    ({ fileBytes }) => fileBytes,
  ),
  disk(
    'counter',
    'headwater_disk_reads_total',
    'Objects read from disk, since memory had dropped them.',
    ({ readCount }) => readCount,
    'Against `headwater_hot_store_hits_total`: many are a hot store that is too small.',
  ),
  disk(
    'counter',
    'headwater_disk_read_bytes_total',
    'Bytes of them.',
    ({ readBytes }) => readBytes,
  ),
  disk(
    'counter',
    'headwater_disk_expirations_total',
    'Objects on disk whose TTL passed.',
    ({ expirationCount }) => expirationCount,
  ),
  disk(
    'counter',
    'headwater_disk_full_total',
    'Uploads refused because the disk, or its bound, was full.',
    ({ fullCount }) => fullCount,
    '**Alert when it grows.**',
  ),
]
