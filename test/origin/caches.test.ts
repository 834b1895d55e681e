import t from 'tap'
import { CacheRegistry } from '../../src/origin/caches.ts'
import type { CacheRegistryOptions } from '../../src/origin/caches.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { cacheName, DEFAULT_SETTINGS } from './support.ts'

function memoryDocument() {
  let stored: unknown
  return {
    read: async () => stored,
    write: async (value: unknown) => {
      stored = JSON.parse(JSON.stringify(value))
    },
  }
}

function open(options: Partial<CacheRegistryOptions> = {}) {
  return CacheRegistry.open({
    document: memoryDocument(),
    clock: new ManualClock(),
    defaults: DEFAULT_SETTINGS,
    declared: [],
    cachesMax: 10,
    ...options,
  })
}

t.test('caches and their settings outlive a restart', async (t) => {
  const document = memoryDocument()
  const before = await open({ document })
  await before.create('b', { defaultTtlSeconds: 60 })
  await before.create('a')
  await before.set('a', { anonymous: 'read' })
  const after = await open({ document })
  t.same(
    after.list().map((cache) => [cache.name, cache.overrides]),
    [
      ['a', { anonymous: 'read' }],
      ['b', { defaultTtlSeconds: 60 }],
    ],
  )
  t.equal(after.read('b').settings.defaultTtlSeconds, 60)
  t.equal(after.read('b').settings.itemSizeBytesMax, DEFAULT_SETTINGS.itemSizeBytesMax)
})

t.test('declared settings win at a restart over what was set while running', async (t) => {
  const document = memoryDocument()
  const declared = [{ name: 'a', defaultTtlSeconds: 10 }]
  const before = await open({ document, declared })
  await before.set('a', { defaultTtlSeconds: 99, anonymous: 'read' })
  t.equal(before.read('a').settings.defaultTtlSeconds, 99)
  const after = await open({ document, declared })
  t.match(after.read('a').settings, { defaultTtlSeconds: 10, anonymous: 'read' })
  t.ok(after.read('a').declared)
})

t.test('what cannot be made is refused with the reason', async (t) => {
  const caches = await open({ cachesMax: 1 })
  await t.rejects(caches.create('no spaces'), { code: 'HW_CACHE_INVALID' })
  await t.rejects(caches.create('a', { defaultTtlSeconds: 0 }), {
    code: 'HW_CACHE_INVALID',
    message: /defaultTtlSeconds/,
  })
  await t.rejects(caches.create('a', { unknown: 1 }), { code: 'HW_CACHE_INVALID' })
  await caches.create('a')
  await t.rejects(caches.create('a'), { code: 'HW_CACHE_EXISTS' })
  await t.rejects(caches.create('b'), { code: 'HW_CACHE_INVALID', message: /cachesMax/ })
  await t.rejects(caches.set('b', {}), { code: 'HW_CACHE_NOT_FOUND' })
  await caches.delete('a')
  t.equal(caches.get(cacheName('a')), undefined)
  await t.rejects(caches.delete('a'), { code: 'HW_CACHE_NOT_FOUND' })
})

t.test('a foreign document is refused and left alone', async (t) => {
  const document = {
    read: async () => ({ version: 7 }),
    write: async () => {
      t.fail('written over')
    },
  }
  await t.rejects(open({ document }), { code: 'HW_DATA_DIR_CORRUPT' })
})

t.test('a failed write is told to its caller and does not stop the next', async (t) => {
  let failing = true
  const document = {
    read: async () => undefined,
    write: async () => {
      if (failing) throw new Error('disk full')
    },
  }
  const caches = await open({ document })
  await t.rejects(caches.create('a'), { message: 'disk full' })
  failing = false
  await caches.create('b')
})
