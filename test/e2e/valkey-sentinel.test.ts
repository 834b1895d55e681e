import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import type { Redis } from 'ioredis'
import { startHeadwater } from '../../src/app.ts'
import type { Headwater } from '../../src/app.ts'
import { loadConfig } from '../../src/cli/load-config.ts'
import { tlsFixture } from '../support/tls.ts'
import { startSentinels } from '../support/valkey-sentinel.ts'
import { connectTo, until } from '../support/valkey-server.ts'

async function openOrigin(t: Test, url: string, valkey: object = {}): Promise<Headwater> {
  const origin = await startHeadwater({
    settings: {
      storage: { kind: 'valkey', timeoutMs: 1500, valkey: { url, ...valkey } },
      http: { shutdownSeconds: 1 },
    },
  })
  t.teardown(() => origin.close())
  return origin
}

function put(origin: Headwater, key: string, body: string) {
  return fetch(`${origin.dataPlaneUrl}/cache/live-origin/${key}?ttl_seconds=60`, {
    ...{ method: 'PUT', body, headers: { authorization: origin.keys.encoder } },
  })
}

async function get(origin: Headwater, key: string) {
  const url = `${origin.dataPlaneUrl}/cache/live-origin/${key}`
  const answer = await fetch(url, { headers: { authorization: origin.keys.player } })
  return { status: answer.status, body: await answer.text() }
}

function sentinelUrl(ports: readonly number[], userInfo = '') {
  return `redis://${userInfo}${ports.map((port) => `127.0.0.1:${port}`).join(',')}/0?sentinel=main`
}

/** Pushes until a write is stored again; what the answers were meanwhile. */
async function pushThroughFailover(origin: Headwater) {
  const refusals = new Set<string>()
  const startedAtMs = performance.now()
  let slowestMs = 0
  await until(async () => {
    const sentAtMs = performance.now()
    const answer = await put(origin, 'after.ts', 'after')
    slowestMs = Math.max(slowestMs, performance.now() - sentAtMs)
    if (answer.status === 204) return true
    const reason = answer.headers.get('x-headwater-reason') ?? ''
    const isTold = Number(answer.headers.get('retry-after')) >= 1
    refusals.add(`${answer.status} ${reason} ${isTold ? 'with' : 'without'} Retry-After`)
    return false
  }, 60_000)
  return { refusals: [...refusals], recoveredMs: performance.now() - startedAtMs, slowestMs }
}

/** What one writes, the other one reads, and remembers until it hears of the next. */
async function checkSharing(t: Test, a: Headwater, b: Headwater, direct: Redis) {
  await until(async () => {
    return /^tracking_clients:[2-9]/m.test(await direct.info('clients'))
  }, 20_000)
  for (let round = 0; round < 5; round++) {
    for (const [writer, reader] of [[a, b] as const, [b, a] as const]) {
      const body = `${round} ${writer === a ? 'a' : 'b'}`
      t.equal((await put(writer, 'shared.ts', body)).status, 204)
      await until(async () => (await get(reader, 'shared.ts')).body === body, 5000)
    }
  }
  const readCount = await readsThrough(b)
  for (let round = 0; round < 10; round++) t.equal((await get(b, 'shared.ts')).status, 200)
  t.equal(await readsThrough(b), readCount, 'read from memory')
}

/** How often an origin has asked for an object. */
async function readsThrough(origin: Headwater): Promise<number> {
  const text = await (await fetch(`${origin.adminUrl}/metrics`)).text()
  return Number(/^headwater_valkey_reads_total (\d+)$/m.exec(text)?.[1])
}

t.test('a primary that three Sentinels watch dies: the origins follow them', async (t) => {
  const set = await startSentinels(t, { password: 'of-servers', sentinelPassword: 'of-sentinels' })
  const url = sentinelUrl(set.sentinelPorts, ':of-servers@')
  const valkey = { sentinelPassword: 'of-sentinels' }
  const [a, b] = await Promise.all([openOrigin(t, url, valkey), openOrigin(t, url, valkey)])
  t.equal((await put(a, '1.ts', 'before')).status, 204)
  t.same(await get(b, '1.ts'), { status: 200, body: 'before' })
  await checkSharing(t, a, b, connectTo(t, set.servers[0], 'of-servers'))

  const [primary, replica] = set.servers
  await primary.kill()
  const { refusals, recoveredMs, slowestMs } = await pushThroughFailover(a)
  t.same(refusals, ['503 store-unavailable with Retry-After'])
  t.equal(await set.primaryPort(), set.watchedPorts[1])
  await until(async () => (await get(b, 'after.ts')).body === 'after', 20_000)
  t.same(await get(b, '1.ts'), { status: 200, body: 'before' }, 'it had been replicated')
  await checkSharing(t, a, b, connectTo(t, replica, 'of-servers'))
  t.comment(
    `killed: a PUT was stored again after ${recoveredMs.toFixed(0)} ms (Sentinels wait 1000 ms), the slowest answer took ${slowestMs.toFixed(0)} ms`,
  )
})

t.test('a primary that says nothing any more, with its connections open', async (t) => {
  const set = await startSentinels(t, { count: 1 })
  // All secrets in the URL, as a file of secrets would have it.
  const origin = await openOrigin(t, sentinelUrl(set.sentinelPorts))
  const other = await openOrigin(t, sentinelUrl(set.sentinelPorts))
  t.equal((await put(origin, '1.ts', 'before')).status, 204)
  const [primary, replica] = set.servers
  primary.pause()
  t.teardown(() => primary.resume())
  const { refusals, recoveredMs, slowestMs } = await pushThroughFailover(origin)
  t.same(refusals, ['503 store-unavailable with Retry-After'])
  await checkSharing(t, origin, other, connectTo(t, replica))
  // It still takes itself for the primary for some seconds, and nobody asks it any more.
  primary.resume()
  t.equal((await put(origin, '2.ts', 'later')).status, 204)
  t.same(await get(other, '2.ts'), { status: 200, body: 'later' })
  t.same(await get(other, 'after.ts'), { status: 200, body: 'after' })
  t.comment(
    `frozen: a PUT was stored again after ${recoveredMs.toFixed(0)} ms (Sentinels wait 1000 ms), the slowest answer took ${slowestMs.toFixed(0)} ms`,
  )
})

t.test('TLS to Sentinels and to what they watch; all secrets in one file', async (t) => {
  const set = await startSentinels(t, {
    ...{ count: 1, tls: true, password: 'of-servers', sentinelPassword: 'of-sentinels' },
  })
  const plain = sentinelUrl(set.sentinelPorts, ':of-servers@').replace('redis:', 'valkeys:')
  const urlFile = join(t.testdir(), 'url')
  await writeFile(urlFile, `${plain}&sentinelPassword=of-sentinels\n`)
  const { config } = loadConfig({
    ...{ argv: [], cwd: '/', own: {} },
    env: {
      HEADWATER_STORAGE_KIND: 'valkey',
      HEADWATER_STORAGE_VALKEY_URL_FILE: urlFile,
      HEADWATER_STORAGE_VALKEY_CA_FILE: tlsFixture('first.cert.pem'),
    },
  })
  const { url, caFile } = config.storage.valkey
  const origin = await openOrigin(t, url, { caFile })
  t.equal((await put(origin, '1.ts', 'before')).status, 204)
  await set.servers[0].kill()
  const { recoveredMs } = await pushThroughFailover(origin)
  t.same(await get(origin, '1.ts'), { status: 200, body: 'before' })
  t.comment(`with TLS: a PUT was stored again after ${recoveredMs.toFixed(0)} ms`)
})

t.test('what is wrong with Sentinels is said', async (t) => {
  const set = await startSentinels(t, { count: 1, sentinelPassword: 'of-sentinels' })
  const [sentinelPort = 0] = set.sentinelPorts
  const refused = async (query: string, message: RegExp, port = sentinelPort) => {
    const url = `redis://127.0.0.1:${port}/0?${query}`
    const starting = startHeadwater({ settings: { storage: { kind: 'valkey', valkey: { url } } } })
    const error: unknown = await starting.catch((thrown: unknown) => thrown)
    t.match(error, { code: 'HW_START_VALKEY', message })
    t.notMatch(String(error), /of-sentinels|wrong-one/)
  }
  await refused('sentinel=main', /NOAUTH.*set storage\.valkey\.sentinelPassword/)
  await refused(
    'sentinel=main&sentinelPassword=wrong-one',
    /WRONGPASS.*set storage\.valkey\.sentinelPassword/,
  )
  await refused(
    'sentinel=other&sentinelPassword=of-sentinels',
    /know no primary called other: name the one/,
  )
  const [server] = set.servers
  await refused('sentinel=main', /is no Sentinel: name the Sentinels/, server.port)
})
