/** A process that writes a few items to a disk store and says when each began and was acknowledged. */

import { writeSync } from 'node:fs'
import { systemClock } from '../../src/base/clock.ts'
import { NO_ATTACHMENTS } from '../../src/storage/attachment-codec.ts'
import { DiskStore } from '../../src/storage/disk-store.ts'
import type { SyncMode } from '../../src/storage/disk-tables.ts'
import { HotStore } from '../../src/storage/hot-store.ts'
import { sampleItem } from './sample-item.ts'

const [, , path = '', sync = ''] = process.argv
const hot = new HotStore({ sizeBytesMax: 16 * 1024 ** 2, clock: systemClock })
const store = new DiskStore({
  ...{ hot, path, clock: systemClock, attachments: NO_ATTACHMENTS },
  sizeBytesMax: 1024 ** 3,
  // The parent gives one of the two.
  sync: sync as SyncMode,
})

for (let index = 0; index < 3; index++) {
  const item = sampleItem(`live/${index}`, systemClock.monotonicMs(), {
    body: 100_000,
    ttlMs: 600_000,
  })
  writeSync(1, `BEGUN ${index}\n`)
  await store.put(item)
  writeSync(1, `STORED ${index}\n`)
}
await store.close()
