import t from 'tap'
import type { Test } from 'tap'
import { readItem } from '../storage/store-conformance.ts'
import { cacheNamed, sampleItem, storeKey } from '../storage/sample-item.ts'
import { connectTo, startValkeyServer, until } from '../support/valkey-server.ts'
import { openTestStore } from '../support/valkey-store.ts'
import type { StoreChange, StoredItem } from '../../src/storage/store.ts'
import { systemClock } from '../../src/base/clock.ts'
import { objectNameOf, tagOf } from '../../src/storage/valkey/valkey-keys.ts'

const server = await startValkeyServer(t)
const direct = connectTo(t, server)
const nowMs = () => systemClock.monotonicMs()

async function openNode(t: Test) {
  const { store, link } = await openTestStore({ url: server.url })
  t.teardown(() => store.close())
  return { store, link }
}

function bodyOf(item: StoredItem | undefined): string | undefined {
  return item === undefined ? undefined : Buffer.concat(item.chunks).toString('latin1')
}

t.test('what a node writes stays in its memory, and another node reads it', async (t) => {
  const a = await openNode(t)
  const b = await openNode(t)
  await a.store.put(sampleItem('live/1', nowMs(), { body: 'one' }))
  t.type(a.store.peek(storeKey('live/1')), 'object', 'its own writes are not taken from it')
  t.equal(b.store.peek(storeKey('live/1')), 'elsewhere')
  t.equal(bodyOf(await b.store.load(storeKey('live/1'))), 'one')
  t.type(b.store.peek(storeKey('live/1')), 'object')
  // A round trip on every connection, so that what had to be told was told.
  await direct.ping()
  await b.store.put(sampleItem('live/other', nowMs()))
  t.type(a.store.peek(storeKey('live/1')), 'object')
})

t.test('an overwrite on one node is read on another within 50 ms, never the old one', async (t) => {
  const a = await openNode(t)
  const b = await openNode(t)
  const key = storeKey('live/p.m3u8')
  const delaysMs: number[] = []
  for (let version = 0; version < 200; version++) {
    await a.store.put(sampleItem('live/p.m3u8', nowMs(), { body: `v${version}` }))
    const writtenAtMs = nowMs()
    await until(async () => bodyOf(await readItem(b.store, key)) === `v${version}`, 1000)
    delaysMs.push(nowMs() - writtenAtMs)
    // From the first read of it on there is no other.
    t.equal(bodyOf(await readItem(b.store, key)), `v${version}`)
  }
  delaysMs.sort((left, right) => left - right)
  const [median = 0, last = 0] = [delaysMs[100], delaysMs[199]]
  t.comment(`PUT on A to read on B: median ${median.toFixed(2)} ms, most ${last.toFixed(2)} ms`)
  t.ok(median < 50)
})

t.test('many writers and readers of a few keys agree in the end', async (t) => {
  const nodes = [await openNode(t), await openNode(t), await openNode(t)]
  const keys = ['live/x', 'live/y', 'live/z']
  await Promise.all(
    nodes.flatMap(({ store }, node) =>
      keys.map(async (key) => {
        for (let round = 0; round < 60; round++) {
          await store.put(sampleItem(key, nowMs(), { body: `${node}-${round}` }))
          await readItem(store, storeKey(key))
          if (round % 10 === node) await store.delete(storeKey(key))
        }
      }),
    ),
  )
  await Promise.all(nodes.map(({ store }) => store.put(sampleItem('live/fence', nowMs()))))
  for (const key of keys) {
    const name = objectNameOf(tagOf(storeKey(key)), storeKey(key))
    const truth = (await direct.hgetBuffer(name, 'b'))?.toString('latin1')
    for (const { store } of nodes) {
      await until(async () => bodyOf(await readItem(store, storeKey(key))) === truth, 1000)
    }
  }
  t.pass('all nodes read what Valkey has')
})

t.test('a deletion, an expiry and a flush of the database reach other nodes', async (t) => {
  const a = await openNode(t)
  const b = await openNode(t)
  const key = storeKey('live/gone')
  const heard: StoreChange[] = []
  b.store.watch(key, (change) => heard.push(change))
  await a.store.put(sampleItem('live/gone', nowMs()))
  await b.store.load(key)
  await a.store.delete(key)
  await until(() => typeof b.store.peek(key) === 'string')
  t.equal(await readItem(b.store, key), undefined)
  t.equal(b.store.peek(key), 'absent', 'what is not there is remembered')
  t.ok(heard.includes('evict'))

  await a.store.put(sampleItem('live/gone', nowMs(), { ttlMs: 60 }))
  await until(async () => (await readItem(b.store, key)) !== undefined)
  await until(async () => (await readItem(b.store, key)) === undefined)
  t.equal(await direct.exists(objectNameOf(tagOf(key), key)), 0, 'its memory is free')

  await a.store.put(sampleItem('live/gone', nowMs()))
  await b.store.load(key)
  await direct.flushdb()
  await until(() => b.store.peek(key) === 'elsewhere')
  t.equal(await readItem(b.store, key), undefined)
})

t.test('an object lives as long in memory as in Valkey', async (t) => {
  const a = await openNode(t)
  const b = await openNode(t)
  const key = storeKey('live/ttl')
  await a.store.put(sampleItem('live/ttl', nowMs(), { ttlMs: 30_000 }))
  const item = await b.store.load(key)
  const leftMs = await direct.pttl(objectNameOf(tagOf(key), key))
  t.ok(Math.abs((item?.expiresAtMonotonicMs ?? 0) - nowMs() - leftMs) < 200)
  t.equal(await b.store.extendDeadline(key, nowMs() + 90_000), true)
  const extendedMs = await direct.pttl(objectNameOf(tagOf(key), key))
  t.ok(extendedMs > 80_000)
  await until(async () => ((await a.store.load(key))?.expiresAtMonotonicMs ?? 0) > nowMs() + 80_000)
})

t.test('large bodies are cut, stay whole, and leave nothing behind', async (t) => {
  const a = await openNode(t)
  const b = await openNode(t)
  const key = storeKey('live/large')
  await direct.flushdb()
  for (const sizeBytes of [512 * 1024, 512 * 1024 + 1, 3_000_000]) {
    const bytes = Buffer.alloc(sizeBytes, 'abcdefg')
    const sample = sampleItem('live/large', nowMs())
    await a.store.put({ ...sample, chunks: [bytes.subarray(0, 7), bytes.subarray(7)], sizeBytes })
    await until(async () => (await b.store.load(key))?.sizeBytes === sizeBytes, 1000)
    const read = await b.store.load(key)
    t.ok(Buffer.concat(read?.chunks ?? []).equals(bytes))
    const chunkCount = sizeBytes > 512 * 1024 ? Math.ceil(sizeBytes / (512 * 1024)) : 0
    t.equal((await direct.keys('hw:c:*')).length, chunkCount)
    for (const name of await direct.keys('hw:c:*')) t.ok((await direct.pttl(name)) > 50_000)
  }
  t.match(b.store.usage(cacheNamed('live')), { itemCount: 0 }, 'not told yet')
  await b.store.refreshUsage()
  t.match(b.store.usage(cacheNamed('live')), { itemCount: 1, sizeBytes: 3_000_000 })
  await a.store.delete(key)
  t.same(await direct.keys('hw:[^u]:*'), [])
})
