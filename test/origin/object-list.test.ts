import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { OBJECT_SORTS, listObjects } from '../../src/origin/object-list.ts'
import type { ObjectSort } from '../../src/origin/object-list.ts'
import { HotStore } from '../../src/storage/hot-store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { cacheNamed, sampleItem, storeKey } from '../storage/sample-item.ts'

const OBJECT_COUNT = 100_000
const cacheName = cacheNamed('live')

/** In an order that is none: 7,919 and the number of objects have no factor in common. */
const keyOf = (index: number) =>
  `live/seg_${String((index * 7919) % OBJECT_COUNT).padStart(6, '0')}.ts`

async function openLarge() {
  const clock = new ManualClock()
  const store = new HotStore({ sizeBytesMax: 1e9, clock })
  for (let index = 0; index < OBJECT_COUNT; index++) {
    await store.put(sampleItem(keyOf(index), clock.monotonicMs(), { body: index % 7 }))
  }
  return { clock, store }
}

/** How often others had their turn until `work` was done. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  const state = { isDone: false, turnCount: 0 }
  const ended = work.then(() => (state.isDone = true))
  for (; !state.isDone; state.turnCount++) await setImmediate()
  await ended
  return state.turnCount
}

t.test('the first page of 100,000 objects lets others in, whatever its order', async (t) => {
  const { store } = await openLarge()
  t.teardown(() => store.close())
  const page = (sort: ObjectSort) =>
    listObjects(store, { cacheName, keyPrefix: 'seg_05', sort, after: undefined, limit: 100 })
  t.ok((await turnsDuring(page('key'))) > OBJECT_COUNT / 4096, 'sorted in slices')
  t.ok((await turnsDuring(page('key'))) <= 2, 'and kept')
  for (const sort of OBJECT_SORTS) {
    const { items, nextAfter } = (await page(sort)) ?? { items: [] }
    t.equal(items.length, 100, sort)
    t.type(nextAfter, 'string', 'there is more')
  }
})

t.test('what comes and goes while 100,000 keys are sorted is in the page, or not', async (t) => {
  const { clock, store } = await openLarge()
  t.teardown(() => store.close())
  const query = { cacheName, keyPrefix: '', sort: 'key', after: undefined, limit: 3 } as const
  const [first, second] = [listObjects(store, query), listObjects(store, query)]
  await setImmediate()
  await store.delete(storeKey('live/seg_000000.ts'))
  await store.delete(storeKey('live/seg_000002.ts'))
  await store.put(sampleItem('live/seg_000002.ts', clock.monotonicMs(), {}))
  await store.put(sampleItem('live/aaa.ts', clock.monotonicMs(), {}))
  const keys = ['live/aaa.ts', 'live/seg_000001.ts', 'live/seg_000002.ts']
  for (const page of [await first, await second, await listObjects(store, query)]) {
    t.strictSame(
      page?.items.map((item) => item.storeKey),
      keys,
    )
  }
})

t.test('a cache that shrinks while its keys are sorted is listed at once', async (t) => {
  const { clock, store } = await openLarge()
  t.teardown(() => store.close())
  const query = { cacheName, keyPrefix: '', sort: 'key', after: undefined, limit: 2 } as const
  const early = listObjects(store, query)
  for (let index = 5; index < OBJECT_COUNT; index++) await store.delete(storeKey(keyOf(index)))
  const listed = await listObjects(store, query)
  t.strictSame(
    listed?.items.map((item) => item.storeKey),
    ['live/seg_000000.ts', 'live/seg_007919.ts'],
  )
  t.strictSame(await early, listed)
  await store.flush(cacheName)
  t.strictSame((await listObjects(store, query))?.items, [])
  await store.put(sampleItem('live/new.ts', clock.monotonicMs(), {}))
  t.equal((await listObjects(store, query))?.items.length, 1)
})
