import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { NO_ATTACHMENTS } from '../../src/storage/attachment-codec.ts'
import { DiskStore } from '../../src/storage/disk-store.ts'
import { HotStore } from '../../src/storage/hot-store.ts'
import { storeConformance } from './store-conformance.ts'

// 10,000 writes, one after the other: what a disk's flushes would cost is not what is asked.
const dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'headwater-disk-'))
t.teardown(() => rmSync(dir, { recursive: true, force: true }))
let count = 0

storeConformance(
  t,
  async ({ clock, sizeBytesMax }) => {
    const hot = new HotStore({ sizeBytesMax, clock })
    return new DiskStore({
      ...{ hot, clock, path: `${dir}/${count++}` },
      sizeBytesMax: 256 * 1024 ** 2,
      sync: 'interval',
      attachments: NO_ATTACHMENTS,
    })
  },
  { pins: false },
)
