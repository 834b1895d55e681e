import t from 'tap'
import { DiskStore } from '../../src/storage/disk-store.ts'
import { HotStore } from '../../src/storage/hot-store.ts'
import { storeConformance } from './store-conformance.ts'

let count = 0
const dir = t.testdir()

storeConformance(
  t,
  async ({ clock, sizeBytesMax }) => {
    const hot = new HotStore({ sizeBytesMax, clock })
    return new DiskStore({
      ...{ hot, clock, path: `${dir}/${count++}` },
      sizeBytesMax: 256 * 1024 ** 2,
      sync: 'interval',
    })
  },
  { pins: false },
)
