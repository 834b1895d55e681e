import t from 'tap'
import type { Test } from 'tap'
import { accountedBytesOf } from '../../src/storage/hot-entry.ts'
import { HotStore } from '../../src/storage/hot-store.ts'
import type { HotStoreOptions } from '../../src/storage/hot-store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { EvictionModel } from './eviction-model.ts'
import { cacheNamed, sampleItem, storeKey } from './sample-item.ts'
import { randomNumbers } from './store-conformance.ts'

const playlist = storeKey('live/a.m3u8')
const other = storeKey('live/b.m3u8')
/** A key of six chars with a body of 1,000 bytes, as the store accounts it. */
const ITEM_BYTES = accountedBytesOf(sampleItem('live/1', 0, { body: 1000 }))

function open(t: Test, itemsMax: number, options: Partial<HotStoreOptions> = {}) {
  const clock = new ManualClock()
  const store = new HotStore({ sizeBytesMax: itemsMax * ITEM_BYTES, clock, ...options })
  t.teardown(() => store.close())
  const put = (
    key: string,
    more: Parameters<typeof sampleItem>[2] & { itemsInCacheMax?: number } = {},
  ) => {
    const item = sampleItem(key, clock.monotonicMs(), { body: 1000, ...more })
    const { itemsInCacheMax } = more
    return store.put(
      item,
      itemsInCacheMax === undefined ? {} : { cacheBytesMax: itemsInCacheMax * ITEM_BYTES },
    )
  }
  const held = (...keys: readonly string[]) =>
    keys.filter((key) => store.inspect(storeKey(key)) !== 'absent').join(' ')
  return { clock, store, put, held }
}

t.test('12,000 random operations under pressure agree with the model, step by step', async (t) => {
  const { clock, store } = open(t, 9, { expiryTickMs: 50 })
  const model = new EvictionModel(store.stats.sizeBytesMax)
  const random = randomNumbers(21)
  const counts: Record<string, number> = {}
  const evicted: string[] = []
  const keyAt = () => `c${random(3)}/${random(15)}`
  for (const cache of ['c0', 'c1', 'c2']) {
    for (let name = 0; name < 15; name++) {
      const key = `${cache}/${name}`
      store.watch(storeKey(key), (change) => {
        if (change === 'evict') evicted.push(key)
      })
    }
  }

  for (let step = 0; step < 12_000; step++) {
    const key = keyAt()
    const now = clock.monotonicMs()
    const action = random(100)
    if (action < 45) {
      const item = sampleItem(key, now, { body: random(2200), ttlMs: 1 + random(30_000) })
      const budget = random(2) === 0 ? Number.POSITIVE_INFINITY : random(12) * ITEM_BYTES
      const accountedBytes = accountedBytesOf(item)
      const expiresAtMs = item.expiresAtMonotonicMs
      const expected = model.put({ key, accountedBytes, expiresAtMs }, budget)
      const outcome = await store.put(item, { cacheBytesMax: budget })
      counts[outcome.kind] = (counts[outcome.kind] ?? 0) + 1
      if (outcome.kind !== expected.kind || evicted.join() !== expected.evicted.join()) {
        t.same({ step, kind: outcome.kind, evicted }, { step, ...expected })
        return
      }
      evicted.length = 0
    } else if (action < 65) {
      if (store.peek(storeKey(key)) !== 'absent' && !model.isPinned(key)) model.touch(key)
    } else if (action < 70) {
      await store.delete(storeKey(key))
      model.remove(key)
    } else if (action < 76) {
      const deadlineMs = now + random(60_000)
      const isThere = await store.extendDeadline(storeKey(key), deadlineMs)
      if (isThere) model.extend(key, deadlineMs)
    } else if (action < 90) {
      changePins(store, model, random, keyAt)
    } else if (action < 99) {
      clock.advance(random(1500))
      // Deleting what has expired frees it; a tick may do so later where TTLs are mixed.
      for (const { key, expiresAtMs } of model.items) {
        if (expiresAtMs > clock.monotonicMs()) continue
        await store.delete(storeKey(key))
        model.remove(key)
      }
    } else if (random(4) === 0) {
      const cache = `c${random(3)}`
      await store.flush(cacheNamed(cache))
      for (const { key } of model.items) if (key.startsWith(cache)) model.remove(key)
    }
    const fault = faultOf(store, model)
    if (fault !== undefined) {
      t.fail(`step ${step}: ${fault}`)
      return
    }
  }
  t.ok((counts['full'] ?? 0) > 50, 'the bound was reached by pins')
  t.ok((counts['cache-full'] ?? 0) > 500, 'budgets were reached by pins')
  t.ok(store.stats.evictionCount > 1000)
  t.ok(store.stats.expirationCount > 100)
})

/** One owner pins, unpins, replaces or releases. */
function changePins(
  store: HotStore,
  model: EvictionModel,
  random: (below: number) => number,
  keyAt: () => string,
): void {
  const owner = `c0/owner${random(3)}`
  const key = keyAt()
  const before = [...(model.owners.get(owner) ?? [])]
  const kind = random(8)
  if (kind < 3) {
    store.pin(storeKey(key), storeKey(owner))
    model.setPins(owner, [...before, key])
  } else if (kind < 4) {
    store.unpin(storeKey(key), storeKey(owner))
    model.setPins(
      owner,
      before.filter((pinned) => pinned !== key),
    )
  } else if (kind < 7) {
    const keys = [...before.slice(random(4)), ...Array.from({ length: random(5) }, keyAt)].slice(-8)
    store.replacePins(storeKey(owner), keys.map(storeKey))
    model.setPins(owner, keys)
  } else {
    store.releasePins(storeKey(owner))
    model.setPins(owner, [])
  }
}

/** `checkSizes`: counters are the sums of what is there, and what is there is the model's. */
function faultOf(store: HotStore, model: EvictionModel): string | undefined {
  const { stats } = store
  const { itemCount, sizeBytes, pinnedItemCount, pinnedBytes } = stats
  const kept = JSON.stringify({ itemCount, sizeBytes, pinnedItemCount, pinnedBytes })
  const counted = JSON.stringify(store.recount())
  if (kept !== counted) return `counters say ${kept}, counted ${counted}`
  if (stats.sizeBytes > stats.sizeBytesMax) return 'over the bound'
  if (stats.itemCount !== model.items.length) return `holds ${stats.itemCount} items`
  if (stats.sizeBytes !== model.sizeBytes()) return `holds ${stats.sizeBytes} bytes`
  const pinned = model.pinned()
  if (stats.pinnedItemCount !== pinned.length) return `${stats.pinnedItemCount} pinned`
  for (const cache of ['c0', 'c1', 'c2']) {
    const usage = store.usage(cacheNamed(cache))
    if (usage.accountedBytes !== model.sizeBytes(cache)) return `${cache}: ${usage.accountedBytes}`
    const pinnedCount = pinned.filter(({ key }) => key.startsWith(cache)).length
    if (usage.pinnedItemCount !== pinnedCount) return `${cache}: ${usage.pinnedItemCount} pinned`
  }
  const missing = model.items.find(({ key }) => store.inspect(storeKey(key)) === 'absent')
  return missing === undefined ? undefined : `${missing.key} is missing`
}

t.test('pins and the rest share the bound to the byte', async (t) => {
  const { store, put, held } = open(t, 3)
  store.replacePins(playlist, ['live/1', 'live/2', 'live/3'].map(storeKey))
  await put('live/1')
  await put('live/2')
  await put('live/4')
  t.match(await put('live/3'), { kind: 'stored' }, 'at it')
  t.equal(held('live/1', 'live/2', 'live/3', 'live/4'), 'live/1 live/2 live/3')
  t.equal(store.stats.sizeBytes, store.stats.sizeBytesMax)
  t.match(await put('live/3', { body: 1001 }), {
    kind: 'full',
    sizeBytes: ITEM_BYTES + 1,
    sizeBytesMax: 3 * ITEM_BYTES,
    pinnedBytes: 2 * ITEM_BYTES,
  })
  t.equal(store.stats.putCount, 4)
})

t.test('what nobody pins any more is the most recently used', async (t) => {
  const { store, put, held } = open(t, 4)
  for (const name of ['1', '2', '3', '4']) await put(`live/${name}`)
  store.replacePins(playlist, [storeKey('live/2'), storeKey('live/1')])
  store.releasePins(playlist)
  await put('live/5')
  await put('live/6')
  t.equal(held('live/1', 'live/2', 'live/3', 'live/4'), 'live/1 live/2')
  await put('live/7')
  t.equal(held('live/1', 'live/2'), 'live/1', 'in the order it named them')
})

t.test('a budget takes the least recently used of its cache, reads counted', async (t) => {
  const { store, put, held } = open(t, 9)
  await put('quie/1')
  for (const name of ['1', '2', '3']) await put(`live/${name}`)
  store.peek(storeKey('live/1'))
  store.peek(storeKey('quie/1'))
  await put('live/4', { itemsInCacheMax: 3 })
  t.equal(held('live/1', 'live/2', 'live/3'), 'live/1 live/3')
  store.pin(storeKey('live/3'), playlist)
  await put('live/5', { itemsInCacheMax: 3 })
  t.equal(held('live/1', 'live/3', 'live/4', 'quie/1'), 'live/3 live/4 quie/1')
  await put('live/6', { itemsInCacheMax: 2 })
  t.equal(held('live/3', 'live/4', 'live/5', 'live/6'), 'live/3 live/6', 'a lowered budget')
  t.equal(store.stats.evictionCount, 4)
})

t.test('a budget that leaves room for the new item alone', async (t) => {
  const { store, put, held } = open(t, 9)
  for (const name of ['1', '2']) await put(`live/${name}`)
  t.match(await put('live/1', { itemsInCacheMax: 1 }), { kind: 'stored' })
  t.equal(held('live/1', 'live/2'), 'live/1')
  t.match(await put('live/2', { itemsInCacheMax: 1 }), { kind: 'stored' })
  t.equal(held('live/1', 'live/2'), 'live/2')
  t.equal(store.cacheCount, 1)
  t.match(store.stats, store.recount())
  t.match(await put('none/1', { itemsInCacheMax: 0 }), { kind: 'cache-full' })
  t.equal(store.cacheCount, 1, 'a refused write makes no cache')
})

t.test('what has expired but is not freed yet is in nobody’s way', async (t) => {
  const { clock, store, put } = open(t, 2, { expiryTickMs: 10_000 })
  const heard: string[] = []
  for (const key of ['live/1', 'othr/1']) {
    store.pin(storeKey(key), playlist)
    store.watch(storeKey(key), (change) => heard.push(`${key} ${change}`))
    await put(key, { ttlMs: 100 })
  }
  store.pin(storeKey('live/2'), playlist)
  t.match(await put('live/2'), { kind: 'full' })
  clock.advance(100)
  t.equal(store.stats.pinnedItemCount, 2)
  t.match(await put('live/2', { itemsInCacheMax: 1 }), { kind: 'stored' })
  t.same(heard, ['live/1 put', 'othr/1 put', 'live/1 expire', 'othr/1 expire'])
  t.match(store.stats, { pinnedItemCount: 1, expirationCount: 2 })
})

t.test('a listener that takes expired items away does not disturb a write', async (t) => {
  const { clock, store, put } = open(t, 3, { expiryTickMs: 10_000 })
  for (const key of ['live/1', 'live/2', 'live/3']) {
    store.pin(storeKey(key), playlist)
    store.watch(storeKey(key), (change) => {
      if (change === 'expire') void store.flush(cacheNamed('live'))
    })
    await put(key, { ttlMs: 100 })
  }
  clock.advance(100)
  store.pin(storeKey('live/4'), playlist)
  t.match(await put('live/4'), { kind: 'stored' })
  t.match(store.stats, { itemCount: 1, expirationCount: 3, deleteCount: 0 })
  t.match(store.stats, store.recount())
})

t.test('an extended item is freed at its new deadline, pinned or not', async (t) => {
  const { clock, store, put } = open(t, 4, { expiryTickMs: 100 })
  store.pin(storeKey('live/1'), playlist)
  for (const key of ['live/1', 'live/2', 'live/3']) await put(key, { ttlMs: 1000 })
  const startMs = clock.monotonicMs()
  clock.advance(900)
  for (const key of ['live/1', 'live/2']) await store.extendDeadline(storeKey(key), startMs + 3000)
  clock.advance(200)
  t.equal(store.stats.itemCount, 2)
  clock.advance(1800)
  t.equal(store.stats.itemCount, 2)
  clock.advance(200)
  t.match(store.stats, { itemCount: 0, pinnedItemCount: 0, expirationCount: 3 })
  t.equal(clock.timerCount, 0)
  t.throws(() => store.extendDeadline(storeKey('live/1'), Number.NaN))
})

t.test('a playlist extended again and again outlives its TTL by hours', async (t) => {
  const { clock, store, put } = open(t, 4)
  await put('live/m.m3u8', { ttlMs: 3_600_000 })
  for (let minute = 0; minute < 240; minute++) {
    clock.advance(60_000)
    const isThere = await store.extendDeadline(
      storeKey('live/m.m3u8'),
      clock.monotonicMs() + 120_000,
    )
    if (!isThere) t.fail(`gone after ${minute} minutes`)
  }
  clock.advance(121_000)
  t.equal(store.stats.itemCount, 0)
})

t.test('closing forgets pins', async (t) => {
  const { store, put } = open(t, 4)
  store.replacePins(playlist, [storeKey('live/1')])
  store.pin(storeKey('live/1'), other)
  await put('live/1')
  await store.close()
  t.match(store.stats, { pinnedItemCount: 0, pinnedBytes: 0, itemCount: 0 })
  store.releasePins(playlist)
  t.match(store.stats, store.recount())
})
