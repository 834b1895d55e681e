import t from 'tap'
import type { Test } from 'tap'
import { startHeadwater } from '../../src/app.ts'
import type { Headwater } from '../../src/app.ts'
import { startValkeyServer, until } from '../support/valkey-server.ts'

async function openOrigin(t: Test, url: string): Promise<Headwater> {
  const origin = await startHeadwater({
    settings: {
      storage: { kind: 'valkey', timeoutMs: 1500, valkey: { url } },
      http: { shutdownSeconds: 1 },
    },
  })
  t.teardown(() => origin.close())
  return origin
}

function put(origin: Headwater, key: string, body: string, apiKey = origin.keys.encoder) {
  return fetch(`${origin.dataPlaneUrl}/cache/live-origin/${key}?ttl_seconds=60`, {
    ...{ method: 'PUT', body, headers: { authorization: apiKey } },
  })
}

function get(origin: Headwater, key: string, apiKey = origin.keys.player) {
  const url = `${origin.dataPlaneUrl}/cache/live-origin/${key}`
  return fetch(url, { headers: { authorization: apiKey } })
}

function playlist(msn: number, targetDuration = 1): string {
  const head = `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:${targetDuration}\n`
  const segments = [msn, msn + 1, msn + 2].map((index) => `#EXTINF:1,\n${index}.ts\n`)
  return `${head}#EXT-X-MEDIA-SEQUENCE:${msn}\n${segments.join('')}`
}

t.test('two origins on one Valkey are one', async (t) => {
  const server = await startValkeyServer(t)
  const [a, b] = await Promise.all([openOrigin(t, server.url), openOrigin(t, server.url)])
  t.equal((await put(a, '1.ts', 'segment')).status, 204)
  const read = await get(b, '1.ts')
  t.equal(read.status, 200)
  t.equal(await read.text(), 'segment')
  t.equal(read.headers.get('etag'), (await get(a, '1.ts')).headers.get('etag'))
  t.equal((await get(b, '1.ts', a.keys.player)).status, 200, 'keys of one are keys of the other')

  for (let msn = 0; msn < 20; msn++) {
    const writer = msn % 2 === 0 ? a : b
    t.equal((await put(writer, 'p.m3u8', playlist(msn))).status, 204)
    for (const reader of [a, b]) {
      await until(async () => (await (await get(reader, 'p.m3u8')).text()) === playlist(msn), 500)
    }
  }
})

t.test('caches and revocations hold on every origin within a second', async (t) => {
  const server = await startValkeyServer(t)
  const a = await openOrigin(t, server.url)
  const b = await openOrigin(t, server.url)
  const key = await a.mintKey({ role: 'readwrite', caches: ['live-origin'] })
  t.equal((await put(b, '2.ts', 'segment', key.apiKey)).status, 204)
  await a.revokeKey(key.keyId)
  const revokedMs = await until(async () => {
    return (await put(b, '2.ts', 'segment', key.apiKey)).status === 401
  }, 1000)
  t.comment(`revoked on A, refused by B after ${revokedMs.toFixed(0)} ms`)
  // Both at once, again and again: nobody's key and nobody's cache is lost.
  const minted = await Promise.all(
    [a, b, a, b, a, b].map((origin, index) => {
      return origin.mintKey({ role: 'readwrite', caches: [`cache-${index}`] })
    }),
  )
  await Promise.all([a, b, a, b, a, b].map((origin, index) => origin.createCache(`cache-${index}`)))
  for (const [index, { apiKey }] of minted.entries()) {
    for (const origin of [a, b]) {
      await until(async () => {
        const url = `${origin.dataPlaneUrl}/cache/cache-${index}/x?ttl_seconds=9`
        const headers = { authorization: apiKey }
        return (await fetch(url, { method: 'PUT', body: 'x', headers })).status === 204
      }, 1000)
    }
  }
  for (const { keyId } of minted) await b.revokeKey(keyId)
  t.pass('each of them is known to both')
})

t.test('Valkey dies and comes back: reads go on, writes say when to try again', async (t) => {
  const server = await startValkeyServer(t)
  const origin = await openOrigin(t, server.url)
  await put(origin, '0.ts', 'segment')
  await put(origin, 'p.m3u8', playlist(0))
  await server.kill()
  const refused = await put(origin, '1.ts', 'segment')
  t.equal(refused.status, 503)
  t.equal(refused.headers.get('x-headwater-reason'), 'store-unavailable')
  t.ok(Number(refused.headers.get('retry-after')) >= 1)
  await until(async () => (await fetch(`${origin.dataPlaneUrl}/health/ready`)).status === 503)
  t.equal((await get(origin, '0.ts')).status, 200)
  t.equal((await get(origin, 'p.m3u8')).status, 200)
  const unknown = await get(origin, 'unknown.ts')
  t.equal(unknown.status, 503, 'nobody knows that it is not there')
  await until(async () => (await get(origin, 'p.m3u8')).status === 503)
  t.equal((await get(origin, '0.ts')).status, 200)
  await server.restart()
  const down = await (await fetch(`${origin.adminUrl}/metrics`)).text()
  t.match(down, /^headwater_valkey_down_seconds_total (?!0$)\d/m)
  const recoveredMs = await until(async () => (await put(origin, '1.ts', 'segment')).status === 204)
  await until(async () => (await fetch(`${origin.dataPlaneUrl}/health/ready`)).status === 200)
  t.equal((await get(origin, '1.ts')).status, 200)
  t.comment(`a PUT was stored ${recoveredMs.toFixed(0)} ms after Valkey was back`)
})

t.test('a full Valkey refuses with the reason, and what is live plays on', async (t) => {
  const server = await startValkeyServer(t, {
    args: ['--maxmemory', '8mb', '--maxmemory-policy', 'noeviction'],
  })
  const origin = await openOrigin(t, server.url)
  await put(origin, '0.ts', 'segment')
  let response = await put(origin, 'fill-0.ts', 'x'.repeat(400_000))
  for (let index = 1; response.status === 204; index++) {
    response = await put(origin, `fill-${index}.ts`, 'x'.repeat(400_000))
  }
  t.equal(response.status, 507)
  t.equal(response.headers.get('x-headwater-reason'), 'store-full')
  t.match(await response.json(), { detail: /Valkey.*maxmemory.*raise maxmemory in Valkey/ })
  const metrics = await (await fetch(`${origin.adminUrl}/metrics`)).text()
  t.match(metrics, /^headwater_valkey_full_total 1$/m)
  t.match(metrics, /^headwater_valkey_up 1$/m)
  t.match(metrics, /^headwater_valkey_tracking 1$/m)
  t.equal((await get(origin, '0.ts')).status, 200)
})
