/** What every store must do about pins, budgets and extended deadlines. Part of `storeConformance`. */

import type { Test } from 'tap'
import type { Store, StoreChange } from '../../src/storage/store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { cacheNamed, sampleItem, storeKey } from './sample-item.ts'
import type { OpenStore } from './store-conformance.ts'

const MIB = 1024 ** 2
const SEGMENT_BYTES = 100_000
const live = cacheNamed('live')
const playlist = storeKey('live/a.m3u8')
const other = storeKey('live/b.m3u8')

export function pinConformance(t: Test, openStore: OpenStore): void {
  async function open(t: Test) {
    const clock = new ManualClock()
    const store = await openStore({ clock, sizeBytesMax: MIB })
    t.teardown(() => store.close())
    const put = (
      key: string,
      options: Parameters<typeof sampleItem>[2] & { cacheBytesMax?: number } = {},
    ) => {
      const item = sampleItem(key, clock.monotonicMs(), { body: SEGMENT_BYTES, ...options })
      const { cacheBytesMax } = options
      return store.put(item, cacheBytesMax === undefined ? {} : { cacheBytesMax })
    }
    const crowd = async (cache = 'crowd') => {
      for (let index = 0; index < 30; index++) await put(`${cache}/${index}`)
    }
    return { clock, store, put, crowd, has: (key: string) => holds(store, key) }
  }

  t.test('what is pinned stays, whether it was pinned before or after it was stored', async (t) => {
    const { store, put, crowd, has } = await open(t)
    store.pin(storeKey('live/early'), playlist)
    await put('live/early')
    await put('live/late')
    store.pin(storeKey('live/late'), playlist)
    await put('live/unpinned')
    t.match(store.stats, { itemCount: 3, pinnedItemCount: 2 })
    await crowd()
    t.same(
      ['early', 'late', 'unpinned'].map((name) => has(`live/${name}`)),
      [true, true, false],
    )
    t.ok(store.stats.sizeBytes <= MIB)
    t.equal(store.stats.pinnedItemCount, 2)
    t.equal(store.usage(live).pinnedItemCount, 2)
    t.equal(store.usage(live).pinnedBytes, store.stats.pinnedBytes)
  })

  t.test('an item is pinned while any owner pins it, each once', async (t) => {
    const { store, put, crowd, has } = await open(t)
    const key = storeKey('live/1')
    await put('live/1')
    store.pin(key, playlist)
    store.pin(key, playlist)
    store.pin(key, other)
    store.unpin(key, playlist)
    store.unpin(key, playlist)
    store.unpin(key, storeKey('live/nobody.m3u8'))
    await crowd()
    t.ok(has('live/1'))
    store.releasePins(other)
    store.releasePins(other)
    t.match(store.stats, { pinnedItemCount: 0, pinnedBytes: 0 })
    await crowd()
    t.notOk(has('live/1'))
  })

  t.test('a replacement of pins is a sliding window', async (t) => {
    const { store, put, crowd, has } = await open(t)
    for (const index of [1, 2, 3, 4]) await put(`live/${index}`)
    const window = (...names: readonly number[]) => names.map((name) => storeKey(`live/${name}`))
    store.replacePins(playlist, window(1, 2, 3))
    store.replacePins(other, window(2))
    store.replacePins(playlist, new Set(window(3, 4, 4, 5)))
    t.equal(store.stats.pinnedItemCount, 3)
    await put('live/5')
    t.equal(store.stats.pinnedItemCount, 4)
    await crowd()
    t.same(
      [1, 2, 3, 4, 5].map((name) => has(`live/${name}`)),
      [false, true, true, true, true],
    )
    store.replacePins(playlist, [])
    store.releasePins(other)
    t.equal(store.stats.pinnedItemCount, 0)
  })

  t.test('a write is refused rather than a pinned item dropped', async (t) => {
    const { store, put, crowd, has } = await open(t)
    const names = Array.from({ length: 9 }, (_, index) => `live/${index}`)
    store.replacePins(playlist, names.map(storeKey))
    for (const name of names) await put(name)
    await put('quiet/1')
    const before = { ...store.stats }
    const outcome = await put('quiet/2', { body: 3 * SEGMENT_BYTES })
    t.match(outcome, { kind: 'full', sizeBytesMax: MIB, pinnedBytes: before.pinnedBytes })
    t.same({ ...store.stats }, before)
    t.ok(has('quiet/1'), 'nothing is evicted for what cannot fit')
    t.match(await put('live/0', { body: 3 * SEGMENT_BYTES }), { kind: 'full' })
    t.equal(store.peek(storeKey('live/0')) !== 'absent', true, 'the old version stays')
    t.match(await put('live/0', { body: SEGMENT_BYTES + 1 }), { kind: 'stored' })
    t.match(await put('quiet/2', { body: 2 * MIB }), { kind: 'too-large' })
    store.releasePins(playlist)
    t.match(await put('quiet/2', { body: 3 * SEGMENT_BYTES }), { kind: 'stored' })
    await crowd()
    t.notOk(has('live/0'))
  })

  t.test(
    'a pinned item can be overwritten, deleted and flushed, and its name stays pinned',
    async (t) => {
      const { store, put, crowd, has } = await open(t)
      const heard: StoreChange[] = []
      store.watch(storeKey('live/1'), (change) => heard.push(change))
      store.pin(storeKey('live/1'), playlist)
      await put('live/1', { etag: '1-1' })
      t.match(await put('live/1', { etag: '1-2' }), { kind: 'stored', replaced: { etag: '1-1' } })
      t.equal(store.stats.pinnedItemCount, 1)
      t.equal(await store.delete(storeKey('live/1')), true)
      t.match(store.stats, { pinnedItemCount: 0, pinnedBytes: 0 })
      await put('live/1')
      await put('live/2')
      t.equal(await store.flush(live), 2)
      t.match(store.stats, { pinnedItemCount: 0, pinnedBytes: 0 })
      await put('live/1')
      await crowd()
      t.ok(has('live/1'))
      t.same(heard, ['put', 'put', 'delete', 'put', 'delete', 'put'])
    },
  )

  t.test('a pinned item expires, and its name stays pinned', async (t) => {
    const { clock, store, put, crowd, has } = await open(t)
    store.pin(storeKey('live/1'), playlist)
    await put('live/1', { ttlMs: 5000 })
    clock.advance(4999)
    t.ok(has('live/1'))
    clock.advance(1)
    t.notOk(has('live/1'))
    clock.advance(1000)
    t.match(store.stats, { pinnedItemCount: 0, pinnedBytes: 0 })
    await put('live/1')
    await crowd()
    t.ok(has('live/1'))
  })

  t.test('a deadline moves later, never earlier, and changes nothing else', async (t) => {
    const { clock, store, put } = await open(t)
    const key = storeKey('live/a.m3u8')
    const attachment = { head: 'prebuilt' }
    await store.put({
      ...sampleItem('live/a.m3u8', clock.monotonicMs(), { ttlMs: 1000 }),
      attachment,
    })
    const changes: StoreChange[] = []
    store.watch(key, (change) => changes.push(change))
    const before = await store.load(key)
    const startMs = clock.monotonicMs()
    t.equal(await store.extendDeadline(key, startMs + 5000), true)
    t.equal(await store.extendDeadline(key, startMs + 2000), true, 'there, though nothing to do')
    const after = await store.load(key)
    t.same(after, { ...before, expiresAtMonotonicMs: startMs + 5000 })
    t.equal(after?.attachment, attachment)
    t.equal(before?.expiresAtMonotonicMs, startMs + 1000, 'who reads the old object is undisturbed')
    clock.advance(4999)
    t.ok(holds(store, 'live/a.m3u8'))
    t.same(changes, [])
    clock.advance(1)
    t.notOk(holds(store, 'live/a.m3u8'))
    t.equal(await store.extendDeadline(key, startMs + 9000), false, 'what expired stays so')
    t.notOk(holds(store, 'live/a.m3u8'))
    t.equal(await store.extendDeadline(storeKey('live/none'), startMs + 9000), false)
    clock.advance(1000)
    t.same(changes, ['expire'])
    await put('live/a.m3u8', { ttlMs: 100 })
    clock.advance(100)
    t.notOk(holds(store, 'live/a.m3u8'), 'an overwrite has its own deadline')
  })

  t.test('a cache over its budget gives up its own items, then is refused', async (t) => {
    const { store, put, has } = await open(t)
    const one = sampleItem('live/1', 0, { body: SEGMENT_BYTES })
    await store.put(one)
    await put('quiet/1')
    const itemBytes = store.usage(live).accountedBytes
    const cacheBytesMax = 3 * itemBytes
    for (const index of [2, 3, 4, 5]) {
      t.match(await put(`live/${index}`, { cacheBytesMax }), { kind: 'stored' })
      t.ok(store.usage(live).accountedBytes <= cacheBytesMax)
    }
    t.equal(store.usage(live).accountedBytes, cacheBytesMax, 'at it')
    t.ok(has('quiet/1'))
    t.ok(has('live/5'))
    const before = { ...store.stats, ...store.usage(live) }
    const over = await put('live/6', { cacheBytesMax, body: 3 * SEGMENT_BYTES + 2000 })
    t.match(over, { kind: 'cache-full', sizeBytesMax: cacheBytesMax, pinnedBytes: 0 })
    t.match(
      { ...store.stats, ...store.usage(live) },
      { ...before, missCount: Number, hitCount: Number },
    )

    store.replacePins(playlist, ['live/4', 'live/5', 'live/6', 'live/7'].map(storeKey))
    t.match(await put('live/6', { cacheBytesMax }), { kind: 'stored' })
    const full = await put('live/7', { cacheBytesMax })
    t.match(full, { kind: 'cache-full', pinnedBytes: cacheBytesMax })
    t.match(await put('live/6', { cacheBytesMax }), { kind: 'stored' }, 'an overwrite counts out')
    t.match(await put('quiet/2', { cacheBytesMax }), { kind: 'stored' }, 'each has its own')
    t.match(await put('live/7'), { kind: 'stored' }, 'without a budget only the store has a bound')
  })
}

function holds(store: Store, key: string): boolean {
  return store.inspect(storeKey(key)) !== 'absent'
}
