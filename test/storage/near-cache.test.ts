import t from 'tap'
import { HotStore } from '../../src/storage/hot-store.ts'
import { NearCache } from '../../src/storage/valkey/near-cache.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { sampleItem, storeKey } from './sample-item.ts'

const KEY = storeKey('live/1.ts')

function open() {
  const clock = new ManualClock()
  const near = new NearCache(new HotStore({ sizeBytesMax: 100_000, clock }))
  const item = sampleItem('live/1.ts', clock.monotonicMs())
  const fill = (found: Parameters<NearCache['remember']>[1]) => {
    const begun = near.begin(KEY)
    near.remember(begun, found)
    near.end(begun)
  }
  const describe = (found: Parameters<NearCache['rememberDescribed']>[1]) => {
    const begun = near.begin(KEY)
    near.rememberDescribed(begun, found)
    near.end(begun)
  }
  return { near, item, fill, describe }
}

t.test('what is absent may be on its way; a change makes that unknown', async (t) => {
  const { near, item, fill } = open()
  fill('uploading')
  t.ok(near.isKnownAbsent(KEY) && near.isUploading(KEY))
  t.equal(near.forgetAbsence(KEY), true)
  t.notOk(near.isKnownAbsent(KEY) || near.isUploading(KEY))
  t.equal(near.forgetAbsence(KEY), false)
  fill(undefined)
  t.ok(near.isKnownAbsent(KEY))
  t.notOk(near.isUploading(KEY))
  fill(item)
  t.notOk(near.isKnownAbsent(KEY))
  t.equal(near.forgetAbsence(KEY), false)
  t.type(near.hot.inspect(KEY), 'object', 'what is there stays')
})

t.test('an upload that begins or ends spoils a question that is under way', async (t) => {
  const { near } = open()
  const begun = near.begin(KEY)
  near.forgetAbsence(KEY)
  near.remember(begun, undefined)
  t.notOk(near.isKnownAbsent(KEY))
  near.rememberDescribed(begun, undefined)
  t.notOk(near.isKnownAbsent(KEY))
  near.end(begun)
})

t.test(
  'a description has no body, counts until a change, and never stands for a playlist',
  async (t) => {
    const { near, item, describe, fill } = open()
    describe(item)
    t.same(near.described(KEY)?.chunks, [])
    near.forget(KEY)
    t.equal(near.described(KEY), undefined)
    describe({ ...item, kind: 'media' })
    t.equal(near.described(KEY), undefined)
    describe('uploading')
    t.ok(near.isUploading(KEY))
    describe(item)
    near.forgetAll()
    t.equal(near.described(KEY), undefined)
    fill(item)
    describe(undefined)
    t.notOk(near.isKnownAbsent(KEY), 'memory knows better')
  },
)

t.test('10,000 absent names are remembered', async (t) => {
  const { near } = open()
  for (let index = 0; index <= 10_000; index++) {
    const begun = near.begin(storeKey(`live/${index}`))
    near.remember(begun, undefined)
    near.end(begun)
  }
  t.notOk(near.isKnownAbsent(storeKey('live/0')))
  t.ok(near.isKnownAbsent(storeKey('live/1')))
  t.ok(near.isKnownAbsent(storeKey('live/10000')))
})
