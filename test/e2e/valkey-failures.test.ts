import t from 'tap'
import type { Test } from 'tap'
import { readItem } from '../storage/store-conformance.ts'
import { sampleItem, storeKey } from '../storage/sample-item.ts'
import { connectTo, startValkeyServer, until } from '../support/valkey-server.ts'
import { openTestStore } from '../support/valkey-store.ts'
import { systemClock } from '../../src/base/clock.ts'
import type { StoredItem } from '../../src/storage/store.ts'

const TIMEOUT_MS = 300
const nowMs = () => systemClock.monotonicMs()
const segment = storeKey('live/1.ts')
const playlist = storeKey('live/p.m3u8')

async function openNode(t: Test, url: string, playlistMs = 400) {
  const { store, link } = await openTestStore({
    ...{ url, timeoutMs: TIMEOUT_MS },
    servableWhileDownMs: ({ kind }) => (kind === 'media' ? playlistMs : Number.POSITIVE_INFINITY),
  })
  t.teardown(() => store.close())
  return { store, link }
}

function media(body: string): StoredItem {
  return { ...sampleItem('live/p.m3u8', nowMs(), { body }), kind: 'media' }
}

function bodyOf(item: StoredItem | undefined): string | undefined {
  return item === undefined ? undefined : Buffer.concat(item.chunks).toString('latin1')
}

t.test(
  'killed: memory serves on, writes fail at once, and all is well again by itself',
  async (t) => {
    const server = await startValkeyServer(t)
    const { store } = await openNode(t, server.url)
    await store.put(sampleItem('live/1.ts', nowMs(), { body: 'segment' }))
    await store.put(media('playlist'))
    await server.kill()
    await until(() => store.isDown)
    t.type(store.peek(segment), 'object')
    t.type(store.peek(playlist), 'object')
    const refusedAtMs = nowMs()
    await t.rejects(store.put(media('next')), { code: 'HW_STORE_UNAVAILABLE' })
    await t.rejects(store.delete(segment), { code: 'HW_STORE_UNAVAILABLE' })
    await t.rejects(store.load(storeKey('live/unknown')), { code: 'HW_STORE_UNAVAILABLE' })
    t.ok(nowMs() - refusedAtMs < TIMEOUT_MS)
    // The last playlist helps for a while, then its reader is better off elsewhere.
    await until(() => typeof store.peek(playlist) === 'string')
    t.equal(store.peek(playlist), 'elsewhere', 'not a 404')
    await t.rejects(store.load(playlist), { code: 'HW_STORE_UNAVAILABLE' })
    t.type(store.peek(segment), 'object', 'segments go on')

    await server.restart()
    const recoveredMs = await until(() => !store.isDown)
    await until(async () => {
      return (await store.put(media('next')).catch(() => undefined))?.kind === 'stored'
    })
    t.equal(bodyOf(await readItem(store, playlist)), 'next')
    t.equal(await readItem(store, segment), undefined, 'it is not there any more')
    t.comment(`answers again ${recoveredMs.toFixed(0)} ms after the server does`)
  },
)

t.test('frozen: a write fails in time and its outcome is not guessed', async (t) => {
  const server = await startValkeyServer(t)
  const { store } = await openNode(t, server.url, 60_000)
  await store.put(media('before'))
  await store.put(sampleItem('live/1.ts', nowMs(), { body: 'segment' }))
  server.pause()
  t.teardown(() => server.resume())
  const sentAtMs = nowMs()
  await t.rejects(store.put(media('during')), { code: 'HW_STORE_UNAVAILABLE' })
  const refusedMs = nowMs() - sentAtMs
  t.ok(refusedMs < 2 * TIMEOUT_MS, `refused after ${refusedMs.toFixed(0)} ms`)
  t.ok(store.isDown)
  t.equal(bodyOf(await readItem(store, playlist)), 'before', 'what it had goes on')
  t.type(store.peek(segment), 'object')
  server.resume()
  await until(() => !store.isDown)
  // Done after all, since it was on its way: what counts is that nobody reads the old one any more.
  await until(async () => bodyOf(await readItem(store, playlist)) === 'during')
  t.equal((await store.put(media('after'))).kind, 'stored')
  t.equal(bodyOf(await readItem(store, playlist)), 'after')
})

t.test(
  'frozen without a request: hot objects are read, and it is noticed all the same',
  async (t) => {
    const server = await startValkeyServer(t)
    const { store } = await openNode(t, server.url)
    await store.put(sampleItem('live/1.ts', nowMs()))
    server.pause()
    t.teardown(() => server.resume())
    await until(() => store.isDown)
    t.type(store.peek(segment), 'object')
    server.resume()
    await until(() => !store.isDown)
  },
)

t.test('the ear is lost while the link is up: nothing is served without asking', async (t) => {
  const server = await startValkeyServer(t)
  const direct = connectTo(t, server)
  const a = await openNode(t, server.url)
  const b = await openNode(t, server.url)
  await a.store.put(media('one'))
  t.equal(bodyOf(await readItem(b.store, playlist)), 'one')
  // Every connection that listens, and none that carries commands.
  for (let round = 0; round < 20; round++) {
    await direct.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await a.store.put(media(`round ${round}`))
    await until(async () => bodyOf(await readItem(b.store, playlist)) === `round ${round}`, 1000)
    t.equal(b.store.isDown, false)
  }
  await until(() => b.link.isTracking && a.link.isTracking)
  await a.store.put(media('last'))
  await until(async () => bodyOf(await readItem(b.store, playlist)) === 'last', 1000)
})

t.test('all connections are cut again and again: nobody is left with an old version', async (t) => {
  const server = await startValkeyServer(t)
  const direct = connectTo(t, server)
  const a = await openNode(t, server.url)
  const b = await openNode(t, server.url)
  let version = 0
  for (let round = 0; round < 15; round++) {
    await direct.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await direct.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await until(async () => {
      const outcome = await a.store.put(media(`v${version + 1}`)).catch(() => undefined)
      return outcome !== undefined
    })
    version++
    await until(async () => {
      return bodyOf(await readItem(b.store, playlist).catch(() => undefined)) === `v${version}`
    })
    t.equal(bodyOf(await readItem(a.store, playlist)), `v${version}`)
  }
})

t.test(
  'full: the write is refused, what is there stays, and there is room again later',
  async (t) => {
    const args = ['--maxmemory', '8mb', '--maxmemory-policy', 'noeviction']
    const server = await startValkeyServer(t, { args })
    const { store } = await openNode(t, server.url)
    await store.put(media('playlist'))
    let storedCount = 0
    for (;;) {
      const item = sampleItem(`live/${storedCount}.ts`, nowMs(), { body: 400_000 })
      const outcome = await store.put(item)
      if (outcome.kind === 'full') break
      storedCount++
    }
    t.ok(storedCount > 3)
    t.equal(store.valkeyStats.fullCount, 1)
    const large = sampleItem('live/large.ts', nowMs(), { body: 2_000_000 })
    t.equal((await store.put(large)).kind, 'full')
    t.equal(await readItem(store, storeKey(`live/${storedCount}.ts`)), undefined, 'nothing of it')
    t.equal(bodyOf(await readItem(store, playlist)), 'playlist')
    t.equal((await readItem(store, storeKey('live/0.ts')))?.sizeBytes, 400_000)
    for (let index = 0; index < storedCount; index++) {
      t.equal(await store.delete(storeKey(`live/${index}.ts`)), true, 'a full one deletes')
    }
    t.equal((await store.put(sampleItem('live/1.ts', nowMs()))).kind, 'stored')
  },
)
