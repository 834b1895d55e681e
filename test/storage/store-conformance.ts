/** What every store must do, whatever it is made of. Run by each driver's own test. */

import type { Test } from 'tap'
import type { CacheName, StoreKey } from '../../src/base/names.ts'
import type { Store, StoreChange, StoredItem } from '../../src/storage/store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { cacheNamed, sampleItem, storeKey } from './sample-item.ts'
import { pinConformance } from './pin-conformance.ts'

export interface OpenStore {
  (options: { readonly clock: ManualClock; readonly sizeBytesMax: number }): Promise<Store>
}

const MIB = 1024 ** 2
const live = cacheNamed('live')

/** What a reader gets, from wherever the store has it. */
export async function readItem(store: Store, key: StoreKey): Promise<StoredItem | undefined> {
  const peeked = store.peek(key)
  if (peeked === 'absent') return undefined
  return peeked === 'elsewhere' ? store.load(key) : peeked
}

/** All pages of a listing. */
export async function listAll(
  store: Store,
  cacheName: CacheName,
  keyPrefix: string,
  limit: number,
): Promise<readonly StoredItem[]> {
  const items: StoredItem[] = []
  let after: StoreKey | undefined
  do {
    const page = await store.list(cacheName, {
      keyPrefix,
      limit,
      ...(after === undefined ? {} : { after }),
    })
    if (page.items.length > limit) throw new Error('a page is over its limit')
    items.push(...page.items)
    after = page.nextAfter
  } while (after !== undefined)
  return items
}

/** Bodies compare by content, wherever their chunks end. */
function bodyOf(item: StoredItem | undefined): string | undefined {
  return item === undefined ? undefined : Buffer.concat(item.chunks).toString('latin1')
}

export function storeConformance(t: Test, openStore: OpenStore, { pins = true } = {}): void {
  async function open(t: Test, sizeBytesMax = 64 * MIB) {
    const clock = new ManualClock()
    const store = await openStore({ clock, sizeBytesMax })
    t.teardown(() => store.close())
    return { clock, store, now: () => clock.monotonicMs() }
  }

  t.test('keeps bytes 0x00-0xff of bodies and keys', async (t) => {
    const { store, now } = await open(t)
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
    const key = `live/${Buffer.from(bytes).toString('latin1')}`
    const item = { ...sampleItem(key, now()), chunks: [bytes, bytes], sizeBytes: 512 }
    await store.put(item)
    const read = await readItem(store, storeKey(key))
    t.equal(read?.sizeBytes, 512)
    t.equal(bodyOf(read), Buffer.concat([bytes, bytes]).toString('latin1'))
    t.same(
      (await listAll(store, live, '\x00\x01', 10)).map((found) => found.storeKey),
      [storeKey(key)],
    )
  })

  t.test('keeps metadata and ETag', async (t) => {
    const { store, now } = await open(t)
    const item: StoredItem = {
      ...sampleItem('live/a.m3u8', now(), { etag: 'e7-42' }),
      kind: 'media',
      contentType: 'application/vnd.apple.mpegurl',
      contentEncoding: 'gzip',
      version: 3,
    }
    await store.put(item)
    const read = await readItem(store, storeKey('live/a.m3u8'))
    t.same({ ...read, chunks: [] }, { ...item, chunks: [] })
  })

  t.test('an item is there 1 ms before its deadline and absent at it', async (t) => {
    const { store, clock, now } = await open(t)
    await store.put(sampleItem('live/a', now(), { ttlMs: 5000 }))
    clock.advance(4999)
    t.ok(await readItem(store, storeKey('live/a')))
    t.equal((await listAll(store, live, '', 10)).length, 1)
    clock.advance(1)
    t.equal(await readItem(store, storeKey('live/a')), undefined)
    t.equal((await listAll(store, live, '', 10)).length, 0)
    t.equal(await store.delete(storeKey('live/a')), false)
    clock.advance(1)
    t.equal(await readItem(store, storeKey('live/a')), undefined)
  })

  t.test('the wall clock has no say in deadlines', async (t) => {
    const { store, clock, now } = await open(t)
    await store.put(sampleItem('live/a', now(), { ttlMs: 5000 }))
    clock.jumpWall(86_400_000)
    t.ok(await readItem(store, storeKey('live/a')))
  })

  t.test(
    'an overwrite replaces body, metadata and deadline, and tells what was there',
    async (t) => {
      const { store, clock, now } = await open(t)
      const first = await store.put(sampleItem('live/a', now(), { ttlMs: 1000, etag: '1-1' }))
      t.match(first, { kind: 'stored', replaced: undefined })
      const second = await store.put(
        sampleItem('live/a', now(), { body: 'longer body', ttlMs: 9000, etag: '1-2' }),
      )
      t.match(second, { kind: 'stored', replaced: { etag: '1-1' } })
      clock.advance(1000)
      const read = await readItem(store, storeKey('live/a'))
      t.equal(bodyOf(read), 'longer body')
      t.equal(read?.etag, '1-2')
      t.equal(store.usage(live).itemCount, 1)
      clock.advance(8000)
      const third = await store.put(sampleItem('live/a', now()))
      t.match(third, { kind: 'stored', replaced: undefined }, 'what had expired is not replaced')
    },
  )

  t.test('concurrent writes, reads and deletes of a key leave one version', async (t) => {
    const { store, now } = await open(t)
    const key = storeKey('live/a')
    const operations: Promise<unknown>[] = []
    for (let version = 0; version < 50; version++) {
      operations.push(store.put(sampleItem('live/a', now(), { body: `v${version}` })))
      operations.push(readItem(store, key))
      if (version % 7 === 3) operations.push(store.delete(key))
    }
    const results = await Promise.all(operations)
    t.equal(results.length, operations.length)
    t.equal(bodyOf(await readItem(store, key)), 'v49')
    t.equal(store.usage(live).itemCount, 1)
    t.equal(await store.delete(key), true)
    t.equal(await readItem(store, key), undefined)
    t.equal(store.usage(live).itemCount, 0)
  })

  t.test('stays within its bound and says so when something cannot fit', async (t) => {
    const { store, now } = await open(t, MIB)
    for (let index = 0; index < 40; index++) {
      const outcome = await store.put(sampleItem(`live/${index}`, now(), { body: 100_000 }))
      t.equal(outcome.kind, 'stored')
      t.ok(store.stats.sizeBytes <= MIB)
    }
    const before = { ...store.stats }
    const outcome = await store.put(sampleItem('live/39', now(), { body: MIB }))
    t.match(outcome, { kind: 'too-large', sizeBytesMax: MIB })
    t.equal(store.stats.sizeBytes, before.sizeBytes)
    t.equal(store.stats.itemCount, before.itemCount)
    t.equal((await readItem(store, storeKey('live/39')))?.sizeBytes, 100_000)
  })

  t.test('lists by prefix in byte order, page by page', async (t) => {
    const { store, now } = await open(t)
    const keys = ['b/1', 'b/10', 'b/2', 'a', 'b', 'b/\xff', 'b0', 'c', 'B/1', 'b/\x00']
    for (const key of keys) await store.put(sampleItem(`live/${key}`, now()))
    await store.put(sampleItem('live2/b/1', now()))
    const names = async (prefix: string, limit: number) =>
      (await listAll(store, live, prefix, limit)).map((item) => item.storeKey.slice(5))
    t.same(await names('b/', 2), ['b/\x00', 'b/1', 'b/10', 'b/2', 'b/\xff'])
    t.same(await names('b/', 5), ['b/\x00', 'b/1', 'b/10', 'b/2', 'b/\xff'])
    t.same(await names('', 1), [...keys].sort())
    t.same(await names('zzz', 3), [])
    t.same(await listAll(store, cacheNamed('none'), '', 3), [])
    const last = await store.list(live, { keyPrefix: 'b/', limit: 5 })
    t.equal(last.nextAfter, undefined, 'a full last page is the last')
    const first = await store.list(live, { keyPrefix: 'b/', limit: 4 })
    t.equal(first.nextAfter, storeKey('live/b/2'))
    const gone = await store.list(live, { keyPrefix: '', after: storeKey('live/b/15'), limit: 1 })
    t.equal(gone.items[0]?.storeKey, storeKey('live/b/2'), '`after` need not exist')
    const early = await store.list(live, { keyPrefix: 'b/', after: storeKey('live/B'), limit: 1 })
    t.equal(early.items[0]?.storeKey, storeKey('live/b/\x00'), '`after` may be before the prefix')
  })

  t.test('a listing sees what changes between its pages', async (t) => {
    const { store, now } = await open(t)
    for (const key of ['a', 'c', 'e', 'g']) await store.put(sampleItem(`live/${key}`, now()))
    const page = await store.list(live, { keyPrefix: '', limit: 2 })
    t.equal(page.nextAfter, storeKey('live/c'))
    await store.delete(storeKey('live/e'))
    await store.put(sampleItem('live/d', now()))
    await store.delete(storeKey('live/g'))
    await store.put(sampleItem('live/g', now(), { etag: '1-9' }))
    const rest = await store.list(live, { keyPrefix: '', after: storeKey('live/c'), limit: 9 })
    t.same(
      rest.items.map((item) => `${item.storeKey} ${item.etag}`),
      ['live/d 1-1', 'live/g 1-9'],
    )
  })

  t.test('a flush empties one cache', async (t) => {
    const { store, clock, now } = await open(t)
    for (let index = 0; index < 20; index++) await store.put(sampleItem(`live/${index}`, now()))
    await store.put(sampleItem('live/short', now(), { ttlMs: 10 }))
    await store.put(sampleItem('other/0', now()))
    clock.advance(10)
    t.equal(await store.flush(live), 20)
    t.equal(await store.flush(live), 0)
    t.match(store.usage(live), { itemCount: 0, sizeBytes: 0, accountedBytes: 0 })
    t.ok(await readItem(store, storeKey('other/0')))
  })

  t.test('usage counts bodies per cache', async (t) => {
    const { store, now } = await open(t)
    await store.put(sampleItem('live/a', now(), { body: 10 }))
    await store.put(sampleItem('live/b', now(), { body: 20 }))
    await store.put(sampleItem('other/a', now(), { body: 40 }))
    await store.put(sampleItem('live/b', now(), { body: 5 }))
    t.match(store.usage(live), { itemCount: 2, sizeBytes: 15 })
    t.match(store.usage(cacheNamed('other')), { itemCount: 1, sizeBytes: 40 })
  })

  t.test('a watcher hears of its key until it ends', async (t) => {
    const { store, now } = await open(t)
    const heard: StoreChange[] = []
    const twice: StoreChange[] = []
    const listener = (change: StoreChange) => heard.push(change)
    const end = store.watch(storeKey('live/a'), listener)
    const endOther = store.watch(storeKey('live/a'), (change) => twice.push(change))
    await store.put(sampleItem('live/b', now()))
    await store.put(sampleItem('live/a', now()))
    await store.delete(storeKey('live/a'))
    await store.delete(storeKey('live/a'))
    t.same(heard, ['put', 'delete'])
    end()
    end()
    await store.put(sampleItem('live/a', now()))
    await store.flush(live)
    t.same(heard, ['put', 'delete'])
    t.same(twice, ['put', 'delete', 'put', 'delete'])
    endOther()
  })

  t.test('counts what happens', async (t) => {
    const { store, now } = await open(t)
    store.peek(storeKey('live/a'))
    await store.put(sampleItem('live/a', now()))
    await readItem(store, storeKey('live/a'))
    await store.delete(storeKey('live/a'))
    t.match(store.stats, { missCount: 1, hitCount: 1, putCount: 1, deleteCount: 1, itemCount: 0 })
  })

  t.test('closes twice, and refuses writes from then on', async (t) => {
    const { store, clock, now } = await open(t)
    await store.put(sampleItem('live/a', now()))
    await store.close()
    await store.close()
    t.equal(store.peek(storeKey('live/a')), 'absent')
    await t.rejects(store.put(sampleItem('live/a', now())), { code: 'HW_STORE_UNAVAILABLE' })
    t.equal(clock.timerCount, 0)
  })

  if (pins) pinConformance(t, openStore)

  t.test('10,000 random operations agree with a plain Map', async (t) => {
    const { store, clock, now } = await open(t)
    const fault = await compareWithModel({ store, clock, now, operationCount: 10_000, seed: 7 })
    t.equal(fault, undefined)
  })
}

interface ModelRun {
  readonly store: Store
  readonly clock: ManualClock
  readonly now: () => number
  readonly operationCount: number
  readonly seed: number
}

/** The first operation whose result differs from a Map's, in words; `undefined` when none does. */
async function compareWithModel(run: ModelRun): Promise<string | undefined> {
  const { store, clock, now } = run
  const random = randomNumbers(run.seed)
  const model = new Map<string, { readonly etag: string; readonly expiresAtMs: number }>()
  const isLive = (key: string) => (model.get(key)?.expiresAtMs ?? 0) > now()
  for (let step = 0; step < run.operationCount; step++) {
    const cache = `c${random(3)}`
    const key = `${cache}/${random(40)}`
    const action = random(100)
    const fault = (what: string) => `step ${step}, ${key}: ${what}`
    if (action < 40) {
      const ttlMs = 1 + random(4) * random(2000)
      const wasThere = isLive(key) ? model.get(key)?.etag : undefined
      const item = sampleItem(key, now(), { body: random(50), ttlMs, etag: `${step}` })
      const outcome = await store.put(item)
      if (outcome.kind !== 'stored') return fault('not stored')
      if (outcome.replaced?.etag !== wasThere) return fault(`replaced, not ${wasThere}`)
      model.set(key, { etag: `${step}`, expiresAtMs: item.expiresAtMonotonicMs })
    } else if (action < 75) {
      const etag = (await readItem(store, storeKey(key)))?.etag
      const expected = isLive(key) ? model.get(key)?.etag : undefined
      if (etag !== expected) return fault(`read ${etag}, not ${expected}`)
    } else if (action < 85) {
      const expected = isLive(key)
      if ((await store.delete(storeKey(key))) !== expected) return fault(`delete not ${expected}`)
      model.delete(key)
    } else if (action < 88) {
      clock.advance(random(700))
    } else if (action < 91) {
      const deadlineMs = now() + random(4000)
      const expected = isLive(key)
      if ((await store.extendDeadline(storeKey(key), deadlineMs)) !== expected) {
        return fault(`extended, not ${expected}`)
      }
      const { etag = '', expiresAtMs = 0 } = model.get(key) ?? {}
      if (expected) model.set(key, { etag, expiresAtMs: Math.max(expiresAtMs, deadlineMs) })
    } else if (action < 93) {
      const owner = storeKey(`${cache}/owner${random(4)}`)
      const named = Array.from({ length: random(20) }, () =>
        storeKey(`c${random(3)}/${random(40)}`),
      )
      if (random(3) > 0) store.replacePins(owner, named)
      else store.releasePins(owner)
    } else if (action < 99) {
      const prefix = String(random(5) === 0 ? '' : random(4))
      const items = await listAll(store, cacheNamed(cache), prefix, 1 + random(6))
      const found = items.map((item) => `${item.storeKey} ${item.etag}`).join(', ')
      const expected = [...model.keys()]
        .filter((name) => isLive(name) && name.startsWith(`${cache}/${prefix}`))
        .sort()
        .map((name) => `${name} ${model.get(name)?.etag}`)
        .join(', ')
      if (found !== expected) return fault(`listed ${found}, not ${expected}`)
    } else {
      const names = [...model.keys()].filter((name) => name.startsWith(`${cache}/`))
      const expected = names.filter(isLive).length
      if ((await store.flush(cacheNamed(cache))) !== expected) return fault('flush')
      for (const name of names) model.delete(name)
    }
  }
  return undefined
}

/** Whole numbers below a bound, the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
