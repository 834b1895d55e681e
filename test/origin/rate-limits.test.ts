import t from 'tap'
import type { CacheName, StoreKey } from '../../src/base/names.ts'
import type { CacheSettings } from '../../src/config/schema.ts'
import type { Cache } from '../../src/origin/caches.ts'
import { RateLimits } from '../../src/origin/rate-limits.ts'
import type { ItemKind, StoredItem } from '../../src/storage/store.ts'
import { ManualClock } from '../support/manual-clock.ts'

const cacheName = 'c' as CacheName

function setUp(settings: Partial<CacheSettings>) {
  const clock = new ManualClock()
  const items = new Map<string, StoredItem>()
  const all = {
    readsPerSecondMax: 0,
    readBytesPerSecondMax: 0,
    writesPerSecondMax: 0,
    writeBytesPerSecondMax: 0,
    ...settings,
  }
  // Only these settings are looked at.
  const caches = new Map([[cacheName, { name: cacheName, settings: all } as Cache]])
  const limits = new RateLimits({
    clock,
    caches,
    store: { inspect: (key) => items.get(key) ?? 'absent' },
  })
  const store = (key: string, kind: ItemKind) => {
    // Only these fields are looked at.
    items.set(key, { kind, storedAtMs: clock.nowMs() } as StoredItem)
  }
  const take = (operation: 'read' | 'write' | 'delete', key = 'x') =>
    limits.take(operation, { cacheName, storeKey: key as StoreKey })
  const end = (operation: string, bytes: number, statusCode = 200) =>
    limits.requestEnded({
      target: { cacheName },
      operation,
      statusCode,
      bytesIn: operation === 'write' ? bytes : 0,
      bytesOut: operation === 'write' ? 0 : bytes,
    })
  return { clock, caches, limits, store, take, end }
}

t.test('without limits nothing is refused', async (t) => {
  const { take, end } = setUp({})
  for (let count = 0; count < 1000; count++) {
    t.equal(take('read') ?? take('write') ?? take('delete'), undefined)
    end('read', 1e9)
    end('write', 1e9)
  }
})

t.test(
  'a second is worth as many operations as the limit says, and one more is refused',
  async (t) => {
    const { clock, take } = setUp({ writesPerSecondMax: 3 })
    for (const operation of ['write', 'delete', 'write'] as const)
      t.equal(take(operation), undefined)
    t.same(take('write'), { reason: 'writes-per-second', retryAfterSeconds: 1 })
    t.equal(take('read'), undefined, 'reads are another matter')
    clock.advance(333)
    t.ok(take('write'), 'a ms too early')
    clock.advance(1)
    t.equal(take('write'), undefined)
    t.ok(take('write'))
    clock.advance(60_000)
    for (let count = 0; count < 3; count++) t.equal(take('write'), undefined)
    t.ok(take('write'), 'a minute of silence is worth a second')
  },
)

t.test(
  'reads far from the live edge are refused first, playlists and new segments last',
  async (t) => {
    const { clock, store, take } = setUp({ readsPerSecondMax: 10 })
    store('old.ts', 'segment')
    clock.advance(60_001)
    store('new.ts', 'segment')
    store('live.m3u8', 'media')
    store('init.mp4', 'init')
    for (let count = 0; count < 5; count++) t.equal(take('read', 'old.ts'), undefined)
    t.same(take('read', 'old.ts'), { reason: 'reads-per-second', retryAfterSeconds: 1 })
    for (const key of ['new.ts', 'live.m3u8', 'init.mp4', 'absent.ts', 'new.ts']) {
      t.equal(take('read', key), undefined, key)
    }
    t.same(take('read', 'live.m3u8'), { reason: 'reads-per-second', retryAfterSeconds: 1 })
    clock.advance(100)
    t.ok(take('read', 'old.ts'))
    t.equal(take('read', 'live.m3u8'), undefined)
  },
)

t.test('of one read a second nothing is put aside', async (t) => {
  const { clock, store, take } = setUp({ readsPerSecondMax: 1 })
  store('old.ts', 'segment')
  clock.advance(61_000)
  t.equal(take('read', 'old.ts'), undefined)
  t.ok(take('read', 'old.ts'))
  clock.advance(1000)
  t.equal(take('read', 'old.ts'), undefined)
})

t.test('bytes are charged when they are known; what is owed is waited for', async (t) => {
  const { clock, store, take, end } = setUp({
    readBytesPerSecondMax: 1000,
    writeBytesPerSecondMax: 1000,
  })
  store('old.ts', 'segment')
  clock.advance(61_000)
  t.equal(take('read', 'old.ts'), undefined)
  end('read', 500)
  t.same(take('read', 'old.ts'), { reason: 'read-bytes-per-second', retryAfterSeconds: 1 })
  t.equal(take('read'), undefined, 'the live edge has the other half')
  end('read', 5500)
  t.same(take('read'), { reason: 'read-bytes-per-second', retryAfterSeconds: 5 })
  clock.advance(5000)
  t.ok(take('read'), 'nothing is left, though nothing is owed')
  clock.advance(1)
  t.equal(take('read'), undefined)

  t.equal(take('write'), undefined)
  end('write', 3000, 204)
  t.same(take('write'), { reason: 'write-bytes-per-second', retryAfterSeconds: 2 })
  end('write', 9000, 429)
  clock.advance(2001)
  t.equal(take('write'), undefined, 'a refused body costs nothing')
})

t.test('a changed limit holds at once, and a cache that is gone has none', async (t) => {
  const { caches, clock, take, end } = setUp({ readsPerSecondMax: 1 })
  take('read')
  t.ok(take('read'))
  caches.set(cacheName, {
    ...caches.get(cacheName),
    settings: { readsPerSecondMax: 0, readBytesPerSecondMax: 0 },
  } as Cache)
  t.equal(take('read'), undefined)
  caches.delete(cacheName)
  t.equal(take('read'), undefined)
  end('read', 1)
  clock.advance(1)
})
