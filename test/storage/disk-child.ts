/**
 * A process that writes to a disk store until it is killed: random lengths, some names again and again.
 * Prints each write when it is acknowledged, and what it found when it started.
 */

import { createHash, randomBytes } from 'node:crypto'
import { writeSync } from 'node:fs'
import { systemClock } from '../../src/base/clock.ts'
import { NO_ATTACHMENTS } from '../../src/storage/attachment-codec.ts'
import { prepareDiskDirectory } from '../../src/storage/disk-directory.ts'
import { DiskStore } from '../../src/storage/disk-store.ts'
import type { SyncMode } from '../../src/storage/disk-tables.ts'
import { HotStore } from '../../src/storage/hot-store.ts'
import { sampleItem } from './sample-item.ts'

const [, , path = '', sync = 'interval', round = '0'] = process.argv
const WRITERS = 4
const NAMES = 30
const BODY_BYTES_MAX = 1_500_000

await prepareDiskDirectory(path, systemClock)
const hot = new HotStore({ sizeBytesMax: 16 * 1024 ** 2, clock: systemClock })
const store = new DiskStore({
  ...{ hot, path, clock: systemClock, attachments: NO_ATTACHMENTS },
  sizeBytesMax: 1024 ** 3,
  // The parent gives one of the two.
  sync: sync as SyncMode,
})

function say(message: unknown): void {
  // At once: what is told was acknowledged, whatever comes next.
  writeSync(1, `${JSON.stringify(message)}\n`)
}

async function write(writer: number): Promise<never> {
  for (let count = 0; ; count++) {
    const bytes = randomBytes(Math.floor(Math.random() ** 3 * BODY_BYTES_MAX) + 1)
    const name = `live/${writer}-${Math.floor(Math.random() * NAMES)}.ts`
    const hash = createHash('sha256').update(bytes).digest('hex')
    // The ETag says what the bytes must be: also of a write that is not told any more.
    const item = sampleItem(name, systemClock.monotonicMs(), { ttlMs: 3_600_000, etag: hash })
    const half = bytes.length >> 1
    const chunks = [bytes.subarray(0, half), bytes.subarray(half)].filter(
      ({ length }) => length > 0,
    )
    say({ kind: 'begun', name, hash })
    const outcome = await store.put({ ...item, chunks, sizeBytes: bytes.length })
    say({ kind: outcome.kind, name, hash })
  }
}

say({ kind: 'open', round, itemCount: store.diskStats.itemCount })
for (let writer = 0; writer < WRITERS; writer++) void write(writer)
