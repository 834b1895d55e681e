import t from 'tap'
import type { Test } from 'tap'
import { accountedBytesOf } from '../../src/storage/hot-entry.ts'
import { HotStore } from '../../src/storage/hot-store.ts'
import type { HotStoreOptions } from '../../src/storage/hot-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { cacheNamed, sampleItem, storeKey } from './sample-item.ts'
import { listAll, randomNumbers, storeConformance } from './store-conformance.ts'

const live = cacheNamed('live')

storeConformance(t, async (options) => new HotStore(options))

/** What must hold after every step: the counters are the sums of what is there. */
async function checkSizes(t: Test, store: HotStore, cacheNames: readonly string[]): Promise<void> {
  let itemCount = 0
  let nonEmptyCount = 0
  for (const name of cacheNames) {
    const usage = store.usage(cacheNamed(name))
    itemCount += usage.itemCount
    if (usage.itemCount > 0) nonEmptyCount++
    const bodies = (await listAll(store, cacheNamed(name), '', 1000)).map((item) => item.sizeBytes)
    if (bodies.length === usage.itemCount) {
      t.equal(
        usage.sizeBytes,
        bodies.reduce((sum, sizeBytes) => sum + sizeBytes, 0),
      )
    }
  }
  t.equal(store.stats.itemCount, itemCount)
  t.equal(store.cacheCount, nonEmptyCount)
  t.match(store.stats, store.recount())
  t.ok(store.stats.sizeBytes <= store.stats.sizeBytesMax)
}

function open(t: Test, options: Partial<HotStoreOptions> = {}) {
  const clock = new ManualClock()
  const store = new HotStore({ sizeBytesMax: 1_000_000, clock, ...options })
  t.teardown(() => store.close())
  const put = (key: string, more: Parameters<typeof sampleItem>[2] = {}) =>
    store.put(sampleItem(key, clock.monotonicMs(), more))
  return { clock, store, put }
}

function holds(store: Store, key: string): boolean {
  return store.peek(storeKey(key)) !== 'absent'
}

t.test('sizes agree after each of 3,000 random steps, under pressure', async (t) => {
  const { clock, store, put } = open(t, { sizeBytesMax: 30_000 })
  const random = randomNumbers(3)
  for (let step = 0; step < 3000; step++) {
    const key = `c${random(3)}/${random(60)}`
    const action = random(20)
    if (action < 12) await put(key, { body: random(3000), ttlMs: 1 + random(20_000) })
    else if (action < 15) store.peek(storeKey(key))
    else if (action < 17) await store.delete(storeKey(key))
    else if (action < 19) clock.advance(random(500))
    else if (random(20) === 0) await store.flush(cacheNamed(`c${random(3)}`))
    await checkSizes(t, store, ['c0', 'c1', 'c2'])
  }
  t.ok(store.stats.evictionCount > 100)
  t.ok(store.stats.expirationCount > 20)
})

t.test('the bound holds to the byte', async (t) => {
  const sample = sampleItem('live/a', 0, { body: 1000 })
  const { store, put } = open(t, { sizeBytesMax: 2 * accountedBytesOf(sample) })
  await put('live/a', { body: 1000 })
  await put('live/b', { body: 1000 })
  t.equal(store.stats.itemCount, 2, 'at it')
  await put('live/c', { body: 1000 })
  t.equal(store.stats.itemCount, 2)
  t.equal(store.stats.evictionCount, 1)
  await put('live/d', { body: 1001 })
  t.equal(store.stats.itemCount, 1, 'over it')

  const exact = store.stats.sizeBytesMax - accountedBytesOf(sample) + 1000
  t.equal((await put('live/e', { body: exact })).kind, 'stored')
  t.equal((await put('live/f', { body: exact + 1 })).kind, 'too-large')
  t.ok(holds(store, 'live/e'), 'nothing is evicted for what cannot fit')
})

t.test('the least recently read or written goes first', async (t) => {
  const sample = sampleItem('live/a', 0, { body: 1000 })
  const { store, put } = open(t, { sizeBytesMax: 3 * accountedBytesOf(sample) })
  for (const key of ['live/a', 'live/b', 'live/c']) await put(key, { body: 1000 })
  store.peek(storeKey('live/a'))
  await put('live/b', { body: 1000 })
  await store.list(live, { keyPrefix: '', limit: 9 })
  await store.load(storeKey('live/c'))
  await put('live/d', { body: 1000 })
  t.notOk(holds(store, 'live/c'))
  await put('live/e', { body: 1000 })
  t.notOk(holds(store, 'live/a'))
  t.ok(holds(store, 'live/b'))
})

t.test('an overwrite counts the old body out before it evicts', async (t) => {
  const sample = sampleItem('live/a', 0, { body: 1000 })
  const { store, put } = open(t, { sizeBytesMax: 2 * accountedBytesOf(sample) })
  await put('live/a', { body: 1000 })
  await put('live/b', { body: 1000 })
  await put('live/a', { body: 1000 })
  t.equal(store.stats.evictionCount, 0)
  await put('live/a', { body: 1400 })
  t.equal(store.stats.evictionCount, 1)
  t.ok(holds(store, 'live/a'))
  await put('live/a', { body: 2000 })
  t.equal(store.cacheCount, 1)
  t.match(store.usage(live), { itemCount: 1, sizeBytes: 2000 })
})

t.test('expired items are freed at the next tick', async (t) => {
  const { clock, store, put } = open(t, { expiryTickMs: 100 })
  await put('live/a', { ttlMs: 1000 })
  await put('live/b', { ttlMs: 5000 })
  clock.advance(1000)
  t.equal(store.stats.itemCount, 1)
  t.equal(store.stats.expirationCount, 1)
  clock.advance(4100)
  t.equal(store.stats.itemCount, 0)
  t.equal(store.stats.sizeBytes, 0)
  t.equal(store.cacheCount, 0)
})

t.test('a timer runs only while there are items', async (t) => {
  const { clock, store, put } = open(t)
  t.equal(clock.timerCount, 0)
  await put('live/a', { ttlMs: 1000 })
  await put('live/b')
  t.equal(clock.timerCount, 1)
  clock.advance(5000)
  t.equal(clock.timerCount, 1)
  await store.delete(storeKey('live/b'))
  t.equal(clock.timerCount, 0)
  await put('live/c', { ttlMs: 1000 })
  clock.advance(2000)
  t.equal(clock.timerCount, 0)
})

t.test('a crowd that expires at once is freed in slices', async (t) => {
  const { clock, store, put } = open(t, { expiryTickMs: 100, expiryBudgetPerTick: 10 })
  for (let index = 0; index < 35; index++) await put(`live/${index}`, { ttlMs: 1000 })
  clock.advance(999)
  t.equal(store.stats.itemCount, 35)
  clock.advance(1)
  t.equal(store.stats.itemCount, 25)
  t.notOk(holds(store, 'live/34'), 'absent for readers all the same')
  clock.advance(4)
  t.equal(store.stats.itemCount, 15)
  clock.advance(8)
  t.equal(store.stats.itemCount, 0)
})

t.test('with many TTLs memory is freed late by 5 % of the TTL and a tick at most', async (t) => {
  const { clock, store, put } = open(t, { sizeBytesMax: 100_000_000, expiryTickMs: 100 })
  const random = randomNumbers(11)
  const deadlines: number[] = []
  for (let index = 0; index < 2000; index++) {
    const ttlMs = 1 + random(100_000)
    // As late as its class allows: what comes due before something older of the same class.
    deadlines.push(clock.monotonicMs() + ttlMs * 1.05 + 101)
    await put(`live/${index}`, { ttlMs })
    clock.advance(random(20))
  }
  deadlines.sort((a, b) => a - b)
  while (store.stats.itemCount > 0) {
    clock.advance(100)
    const nowMs = clock.monotonicMs()
    const notYet = deadlines.filter((deadlineMs) => deadlineMs > nowMs).length
    t.ok(store.stats.itemCount <= notYet)
  }
})

t.test('watchers hear of expiry and eviction, after the fact', async (t) => {
  const sample = sampleItem('live/a', 0, { body: 1000 })
  const { clock, store, put } = open(t, { sizeBytesMax: 2 * accountedBytesOf(sample) })
  const heard: string[] = []
  for (const key of ['live/a', 'live/b', 'live/c']) {
    store.watch(storeKey(key), (change) =>
      heard.push(`${key} ${change} ${holds(store, key) ? 'there' : 'gone'}`),
    )
  }
  await put('live/a', { body: 1000 })
  await put('live/b', { body: 1000, ttlMs: 100 })
  await put('live/c', { body: 1000 })
  clock.advance(500)
  t.same(heard, [
    'live/a put there',
    'live/b put there',
    'live/a evict gone',
    'live/c put there',
    'live/b expire gone',
  ])
})

t.test('a listener may use the store', async (t) => {
  const { clock, store, put } = open(t, { expiryTickMs: 100, expiryBudgetPerTick: 2 })
  let renewedCount = 0
  for (const key of ['live/a', 'live/b', 'live/c']) {
    const end = store.watch(storeKey(key), (change) => {
      if (change !== 'expire') return
      renewedCount++
      end()
      void put(key, { ttlMs: 10_000 })
      void store.delete(storeKey('live/d'))
    })
  }
  for (const key of ['live/a', 'live/b', 'live/c', 'live/d']) await put(key, { ttlMs: 1000 })
  clock.advance(1500)
  t.equal(renewedCount, 3)
  t.equal(store.stats.itemCount, 3)
  t.equal(clock.timerCount, 1)
  await checkSizes(t, store, ['live'])
})

t.test('a watcher that deletes what was just put leaves a sound store', async (t) => {
  const { store, put } = open(t)
  store.watch(storeKey('live/a'), (change) => {
    if (change === 'put') void store.delete(storeKey('live/a'))
  })
  await put('live/a')
  t.notOk(holds(store, 'live/a'))
  await checkSizes(t, store, ['live'])
})

t.test('ordered keys survive any mix of writes between pages', async (t) => {
  const { store, put } = open(t, { sizeBytesMax: 100_000_000 })
  const random = randomNumbers(5)
  const keys = new Set<string>()
  const name = () => String(random(30_000)).padStart(5, '0')
  // More changes than the snapshot takes, and fewer.
  for (const changeCount of [50, 6000, 20, 12_000, 300, 5]) {
    for (let change = 0; change < changeCount; change++) {
      const key = name()
      if (random(4) === 0) {
        keys.delete(key)
        await store.delete(storeKey(`live/${key}`))
      } else {
        keys.add(key)
        await put(`live/${key}`, { body: 1 })
      }
    }
    const listed = (await listAll(store, live, '', 997)).map((item) => item.storeKey.slice(5))
    t.strictSame(listed, [...keys].sort())
  }
})

t.test('a listing after most keys have gone is right', async (t) => {
  const { store, put } = open(t, { sizeBytesMax: 100_000_000 })
  for (let index = 0; index < 10_000; index++) await put(`live/${index}`, { body: 1 })
  t.equal((await listAll(store, live, '', 4000)).length, 10_000)
  for (let index = 0; index < 9990; index++) await store.delete(storeKey(`live/${index}`))
  t.equal((await listAll(store, live, '', 4)).length, 10)
})

t.test('a page of nothing is a fault of the caller', async (t) => {
  const { store } = open(t)
  t.throws(() => store.list(live, { keyPrefix: '', limit: 0 }))
})

t.test('load finds what peek finds and counts nothing', async (t) => {
  const { clock, store, put } = open(t)
  await put('live/a', { ttlMs: 100 })
  t.ok(await store.load(storeKey('live/a')))
  t.equal(await store.load(storeKey('live/b')), undefined)
  clock.advance(100)
  t.equal(await store.load(storeKey('live/a')), undefined)
  t.match(store.stats, { hitCount: 0, missCount: 0 })
})
