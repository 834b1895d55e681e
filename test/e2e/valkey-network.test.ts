/** What becomes of readers and writers when the network to Valkey is slow, or loses everything. */

import t from 'tap'
import { http } from '../support/http.ts'
import { NetworkPath } from '../support/network-path.ts'
import { connectTo, startValkeyServer, until } from '../support/valkey-server.ts'
import { mediaPlaylist, median, msnOf, openValkeyOrigin } from './support/valkey-origin.ts'
import type { ValkeyOrigin } from './support/valkey-origin.ts'

const TIMEOUT_MS = 600
/** For what a busy machine adds. */
const PATIENCE_MS = 2500
const HEARTBEAT_MS = 500

/** Where B stays, A may be cut off. */
async function openPair(t: Parameters<typeof startValkeyServer>[0]) {
  const server = await startValkeyServer(t)
  const path = await NetworkPath.open(t, server.port)
  const a = await openValkeyOrigin(t, path.url, TIMEOUT_MS)
  const b = await openValkeyOrigin(t, server.url, TIMEOUT_MS)
  return { server, path, a, b }
}

async function timed<Result>(what: () => Promise<Result>) {
  const startedMs = performance.now()
  const result = await what()
  return { result, tookMs: performance.now() - startedMs }
}

t.test('one origin is cut off without a word: it says so, keeps its promises, heals', async (t) => {
  const { path, a, b } = await openPair(t)
  await a.put('0.ts', 'segment')
  await a.put('p.m3u8', mediaPlaylist(0))
  await until(async () => msnOf(await b.get('p.m3u8')) === 0)
  const revoked = await a.headwater.mintKey({ role: 'readonly', caches: ['live-origin'] })
  const byRevoked = async ({ headwater }: ValkeyOrigin) => {
    const url = `${headwater.dataPlaneUrl}/cache/live-origin/0.ts`
    return (await http(url, { headers: { authorization: revoked.apiKey } })).status
  }
  await until(async () => (await byRevoked(b)) === 200)

  path.fallSilent()
  const unreadyMs = await until(async () => !(await a.isReady()))
  t.ok(unreadyMs < HEARTBEAT_MS + TIMEOUT_MS + PATIENCE_MS, 'readiness tells')
  t.equal(await b.isReady(), true)
  const refused = await timed(() => a.put('p.m3u8', mediaPlaylist(1)))
  t.equal(refused.result.status, 503)
  t.equal(refused.result.headers['x-headwater-reason'], 'store-unavailable')
  t.ok(refused.tookMs < TIMEOUT_MS + PATIENCE_MS)
  t.equal(msnOf(await a.get('p.m3u8')), 0, 'the last playlist')
  t.equal((await a.get('unknown.ts')).status, 503, 'what it cannot know it does not deny')

  for (let msn = 1; msn <= 5; msn++)
    t.equal((await b.put('p.m3u8', mediaPlaylist(msn))).status, 204)
  const withheldMs = await until(async () => (await a.get('p.m3u8')).status === 503)
  t.equal((await a.get('0.ts')).status, 200, 'segments go on')
  await b.headwater.revokeKey(revoked.keyId)
  t.equal(await byRevoked(b), 401)
  t.equal(await byRevoked(a), 200, 'it has not heard of it')

  path.heal()
  const healedMs = await until(() => a.isReady())
  const first = await a.get('p.m3u8')
  t.equal(msnOf(first), 5, 'nothing older than what is there')
  await until(async () => (await byRevoked(a)) === 401, 1000 + PATIENCE_MS)
  t.equal((await a.put('p.m3u8', mediaPlaylist(6))).status, 204)
  await until(async () => msnOf(await b.get('p.m3u8')) === 6)
  t.comment(
    `cut off: told after ${unreadyMs.toFixed(0)} ms; its last playlist withheld ` +
      `${withheldMs.toFixed(0)} ms later; well ${healedMs.toFixed(0)} ms after the network; 0 lost`,
  )
})

t.test('a write that was refused while cut off does not happen later', async (t) => {
  const { path, a, b } = await openPair(t)
  for (let round = 0; round < 3; round++) {
    const key = `${String(round)}.m3u8`
    await a.put(key, mediaPlaylist(10))
    // On its way when the network goes.
    path.fallSilent()
    const refused = await timed(() => a.put(key, mediaPlaylist(11)))
    t.equal(refused.result.status, 503)
    t.ok(refused.tookMs < TIMEOUT_MS + PATIENCE_MS, 'refused in time')
    // The encoder went elsewhere.
    for (const msn of [11, 12, 13]) t.equal((await b.put(key, mediaPlaylist(msn))).status, 204)
    path.heal()
    await until(() => a.isReady())
    // Whatever was held up has arrived: this one was sent after it.
    t.equal((await a.put('fence.ts', 'x')).status, 204)
    for (const origin of [a, b]) t.equal(msnOf(await origin.get(key)), 13)
  }
})

t.test('only invalidations are lost, in silence: noticed, then every read asks', async (t) => {
  const { path, a, b } = await openPair(t)
  const isListening = (opening: string) => /subscribe/i.test(opening)
  await a.put('p.m3u8', mediaPlaylist(0))
  path.fallSilent(isListening)
  t.equal((await b.put('p.m3u8', mediaPlaylist(1))).status, 204)
  const oldMs = await until(async () => msnOf(await a.get('p.m3u8')) === 1)
  t.ok(oldMs < HEARTBEAT_MS + TIMEOUT_MS + PATIENCE_MS, 'an old version only until it is noticed')
  for (let msn = 2; msn < 12; msn++) {
    await b.put('p.m3u8', mediaPlaylist(msn))
    t.equal(msnOf(await a.get('p.m3u8')), msn, 'never an old one from there on')
  }
  t.equal(await a.isReady(), true, 'it has what it needs')
  path.heal()
  t.comment(`deaf: an old playlist was read for up to ${oldMs.toFixed(0)} ms`)
})

t.test('slow: what is in memory is read as ever, the rest waits, nothing piles up', async (t) => {
  const server = await startValkeyServer(t)
  const direct = connectTo(t, server)
  const path = await NetworkPath.open(t, server.port)
  const a = await openValkeyOrigin(t, path.url, 2000)
  const b = await openValkeyOrigin(t, server.url, 2000)
  await a.put('hot.ts', new Uint8Array(200_000))
  await b.put('cold.ts', new Uint8Array(200_000))
  const without = await readTimes(a)

  path.delayMs = 100
  const putMs: number[] = []
  const writing = Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const { result, tookMs } = await timed(() => a.put(`${String(index)}.ts`, 'segment'))
      t.equal(result.status, 204)
      putMs.push(tookMs)
    }),
  )
  const during = await readTimes(a)
  await writing
  t.ok(Math.min(...putMs) >= 2 * path.delayMs, 'a write is as slow as Valkey')
  t.ok(median(during) < path.delayMs, 'a read of what is in memory is not')

  const readsBefore = await readCount(direct)
  const cold = await Promise.all(Array.from({ length: 30 }, () => timed(() => a.get('cold.ts'))))
  t.ok(cold.every(({ result }) => result.status === 200 && result.body.length === 200_000))
  t.equal((await readCount(direct)) - readsBefore, 1, 'asked for once, however many wait')
  t.comment(
    `${String(2 * path.delayMs)} ms more to Valkey and back: hot GET ${median(without).toFixed(1)} ms ` +
      `without, ${median(during).toFixed(1)} ms with; PUT ${median(putMs).toFixed(0)} ms; ` +
      `30 cold GETs ${Math.max(...cold.map(({ tookMs }) => tookMs)).toFixed(0)} ms, one read`,
  )
})

t.test('slower than the time limit: writes are refused in time, and all ends well', async (t) => {
  const { path, a, b } = await openPair(t)
  await a.put('hot.ts', 'segment')
  path.delayMs = 2 * TIMEOUT_MS
  const refused = await Promise.all(
    Array.from({ length: 30 }, (_, index) =>
      timed(() => a.put(`${String(index)}.ts`, 'x'.repeat(100_000))),
    ),
  )
  t.ok(refused.every(({ result }) => result.status === 503))
  for (const { result } of refused) t.ok(Number(result.headers['retry-after']) >= 1)
  const slowestMs = Math.max(...refused.map(({ tookMs }) => tookMs))
  t.ok(slowestMs < TIMEOUT_MS + PATIENCE_MS)
  t.equal(await a.isReady(), false)
  t.equal((await a.get('hot.ts')).status, 200)
  t.ok(path.connectionCount < 10, 'no connection after connection')
  path.delayMs = 0
  const healedMs = await until(() => a.isReady())
  t.equal((await a.put('0.ts', 'after')).status, 204)
  // Those that Valkey got too late are whole, or not there.
  for (let index = 0; index < 30; index++) {
    const answer = await b.get(`${String(index)}.ts`)
    const isWhole = answer.body.length === 100_000 || answer.text === 'after'
    t.ok(answer.status === 404 || isWhole)
  }
  t.comment(
    `too slow: refused within ${slowestMs.toFixed(0)} ms (limit ${String(TIMEOUT_MS)} ms), ` +
      `ready ${healedMs.toFixed(0)} ms after the network was`,
  )
})

async function readTimes(origin: ValkeyOrigin): Promise<readonly number[]> {
  const times: number[] = []
  for (let round = 0; round < 100; round++) {
    const { result, tookMs } = await timed(() => origin.get('hot.ts'))
    if (result.status !== 200) throw new Error(`hot.ts: ${String(result.status)}`)
    times.push(tookMs)
  }
  return times
}

/** How often an object was asked for: no other command but scripts reads one. */
async function readCount(direct: ReturnType<typeof connectTo>): Promise<number> {
  const stats = await direct.info('commandstats')
  return Number(/cmdstat_hmget:calls=(\d+)/.exec(stats)?.[1] ?? 0)
}
