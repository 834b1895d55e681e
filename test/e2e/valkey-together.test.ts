/** Origins on one Valkey are one for encoders and players, whichever of them receives or serves what. */

import { request as startRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { http } from '../support/http.ts'
import type { HttpAnswer } from '../support/http.ts'
import { openApi } from '../support/admin-api.ts'
import { connectTo, startValkeyServer, until } from '../support/valkey-server.ts'
import { storeKey } from '../storage/sample-item.ts'
import { objectNameOf, tagOf, uploadNameOf } from '../../src/storage/valkey/valkey-keys.ts'
import type { ChannelInList } from '../../src/http/admin/channel-routes.ts'
import type { CacheSettings } from '../../src/config/schema.ts'
import { mediaPlaylist, msnOf, openValkeyOrigin } from './support/valkey-origin.ts'
import type { ValkeyOrigin } from './support/valkey-origin.ts'
import { startValkeyPair } from './support/valkey-pair.ts'

const TIMEOUT_MS = 2000
const LADDER =
  '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000000,RESOLUTION=640x360,CODECS="avc1.4d401e"\np.m3u8\n'

const server = await startValkeyServer(t)
const direct = connectTo(t, server)

async function openPair(t: Test, settings: Partial<CacheSettings> = {}) {
  await direct.flushdb()
  const a = await openValkeyOrigin(t, server.url, TIMEOUT_MS)
  const b = await openValkeyOrigin(t, server.url, TIMEOUT_MS)
  if (Object.keys(settings).length > 0) {
    const api = await openApi(t, a.headwater)
    t.equal((await api('PATCH', '/api/caches/live-origin', settings)).status, 200)
  }
  return { a, b }
}

/** A write that goes on until it is told to end. */
function startUpload({ headwater }: ValkeyOrigin, key: string) {
  const target = `${headwater.dataPlaneUrl}/cache/live-origin/${key}?ttl_seconds=60`
  const request = startRequest(target, {
    ...{ method: 'PUT', headers: { authorization: headwater.keys.encoder } },
  })
  const status = new Promise<number | undefined>((resolve) => {
    request.on('response', (response) => resolve(response.resume().statusCode))
    request.on('error', () => resolve(undefined))
  })
  request.write('first')
  return { request, status }
}

/** An answer and how long it took. */
async function timed(answer: Promise<HttpAnswer>) {
  const startedAtMs = performance.now()
  const { status, text } = await answer
  return { status, text, atMs: performance.now(), tookMs: performance.now() - startedAtMs }
}

function isWaiting(answer: Promise<unknown>): Promise<boolean> {
  return Promise.race([answer.then(() => false), sleep(20).then(() => true)])
}

async function channelsOf(t: Test, origin: ValkeyOrigin): Promise<readonly ChannelInList[]> {
  const api = await openApi(t, origin.headwater)
  const { json } = await api('GET', '/api/channels')
  // Held against its schema by the call.
  return (json as { readonly channels: readonly ChannelInList[] }).channels
}

t.test('who asks B for what A is receiving gets it when it is whole', async (t) => {
  const { a, b } = await openPair(t)
  t.equal((await b.get('1.ts')).status, 404, 'nobody knows of it')
  const upload = startUpload(a, '1.ts')
  await until(async () => (await direct.keys('hw:a:*')).length === 1)
  const reading = timed(b.get('1.ts'))
  t.ok(await isWaiting(reading))
  upload.request.end('second')
  t.equal(await upload.status, 204)
  const storedAtMs = performance.now()
  const read = await reading
  t.match(read, { status: 200, text: 'firstsecond' })
  t.comment(`read on B ${(read.atMs - storedAtMs).toFixed(1)} ms after the 204 of A`)
  t.same(await direct.keys('hw:a:*'), [], 'nothing is announced any more')

  const cut = startUpload(a, '2.ts')
  await until(async () => (await direct.keys('hw:a:*')).length === 1)
  const vain = timed(b.get('2.ts'))
  t.ok(await isWaiting(vain))
  const cutAtMs = performance.now()
  cut.request.destroy()
  const { status, atMs } = await vain
  t.equal(status, 404)
  t.comment(`404 on B ${(atMs - cutAtMs).toFixed(1)} ms after the upload to A was cut`)
})

t.test('an upload goes on being announced while it does', async (t) => {
  const { a, b } = await openPair(t)
  const upload = startUpload(a, '1.ts')
  const key = storeKey('live-origin/1.ts')
  const name = uploadNameOf(tagOf(key), key)
  await until(async () => (await direct.exists(name)) === 1)
  const reading = timed(b.get('1.ts'))
  await direct.pexpire(name, 2500)
  await until(async () => (await direct.pttl(name)) > 4000)
  t.ok(await isWaiting(reading), 'it was renewed')
  upload.request.end()
  t.equal((await reading).status, 200)
})

t.test('a node that is killed while it receives an upload is forgotten', async (t) => {
  await direct.flushdb()
  const { a, b } = await startValkeyPair(t, server.url)
  const request = startRequest(`${a.url}/cache/live-origin/1.ts?ttl_seconds=60`, {
    ...{ method: 'PUT', headers: { authorization: a.encoderKey } },
  })
  request.on('error', () => undefined)
  request.write('first')
  await until(async () => (await direct.keys('hw:a:*')).length === 1)
  const url = `${b.url}/cache/live-origin/1.ts`
  const reading = timed(http(url, { headers: { authorization: b.playerKey } }))
  t.ok(await isWaiting(reading))
  await a.served.end('SIGKILL')
  const killedAtMs = performance.now()
  const { status, atMs } = await reading
  t.equal(status, 404)
  t.comment(`404 at B ${(atMs - killedAtMs).toFixed(0)} ms after A was killed`)
})

t.test('a segment that a playlist at A has named is waited for at B', async (t) => {
  const { a, b } = await openPair(t)
  await b.get('4.ts')
  t.equal((await a.put('p.m3u8', mediaPlaylist(2, 6))).status, 204)
  await until(async () => msnOf(await b.get('p.m3u8')) === 2)
  const delaysMs: number[] = []
  for (const key of ['2.ts', '3.ts', '4.ts']) {
    const reading = timed(b.get(key))
    t.ok(await isWaiting(reading), `${key} is held`)
    t.equal((await a.put(key, key)).status, 204)
    const storedAtMs = performance.now()
    const read = await reading
    t.match(read, { status: 200, text: key })
    delaysMs.push(read.atMs - storedAtMs)
  }
  t.comment(
    `held at B, read after the 204 of A: ${delaysMs.map((ms) => ms.toFixed(1)).join(', ')} ms`,
  )
})

const LOW_LATENCY = (partCount: number) =>
  [
    '#EXTM3U',
    '#EXT-X-VERSION:9',
    '#EXT-X-TARGETDURATION:4',
    '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3,CAN-SKIP-UNTIL=24',
    '#EXT-X-PART-INF:PART-TARGET=1',
    '#EXT-X-MEDIA-SEQUENCE:10',
    ...Array.from({ length: 12 }, (_, index) => `#EXTINF:4,\n${10 + index}.mp4`),
    ...Array.from(
      { length: partCount },
      (_, index) => `#EXT-X-PART:DURATION=1,URI="22.${index}.mp4"`,
    ),
    `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="22.${partCount}.mp4"`,
    '',
  ].join('\n')

t.test(
  'low latency works at B: reloads block, hinted parts are held, deltas are made',
  async (t) => {
    const { a, b } = await openPair(t)
    await a.put('22.0.mp4', 'part 0')
    t.equal((await a.put('ll.m3u8', LOW_LATENCY(1))).status, 204)
    await until(async () => (await b.get('ll.m3u8')).status === 200)
    const delta = await b.get('ll.m3u8?_HLS_skip=YES')
    t.match(delta.text, /#EXT-X-SKIP:SKIPPED-SEGMENTS=\d/)
    const ready = await timed(b.get('ll.m3u8?_HLS_msn=22&_HLS_part=0'))
    t.equal(ready.status, 200)
    const delaysMs: number[] = []
    for (let part = 1; part <= 3; part++) {
      const reload = timed(b.get(`ll.m3u8?_HLS_msn=22&_HLS_part=${part}`))
      const hinted = timed(b.get(`22.${part}.mp4`))
      t.ok(await isWaiting(Promise.race([reload, hinted])), 'both wait')
      await a.put(`22.${part}.mp4`, `part ${part}`)
      t.match(await hinted, { status: 200, text: `part ${part}` })
      await a.put('ll.m3u8', LOW_LATENCY(part + 1))
      const storedAtMs = performance.now()
      const reloaded = await reload
      t.match(reloaded, { status: 200, text: LOW_LATENCY(part + 1) })
      delaysMs.push(reloaded.atMs - storedAtMs)
    }
    t.comment(
      `blocking reload at B after the 204 of A: ${delaysMs.map((ms) => ms.toFixed(1)).join(', ')} ms`,
    )
    const refused = await b.get('ll.m3u8?_HLS_msn=99')
    t.equal(refused.status, 400, 'too far')
  },
)

t.test('a channel is known to every node, to one that joins, and goes stale on all', async (t) => {
  const { a, b } = await openPair(t, { staleAfterTargetDurations: 3 })
  await a.put('live.m3u8', LADDER, 600)
  for (const msn of [2, 3, 4]) await a.put(`${msn}.ts`, 'segment')
  await a.put('p.m3u8', mediaPlaylist(2))
  const live = { key: 'live.m3u8', state: 'live', targetDurationSeconds: 1, missingSegmentCount: 0 }
  t.match(await channelsOf(t, a), [live])
  await until(async () => (await channelsOf(t, b)).length === 1)
  t.match(await channelsOf(t, b), [live])
  const c = await openValkeyOrigin(t, server.url, TIMEOUT_MS)
  t.match(
    await channelsOf(t, c),
    [{ key: 'live.m3u8', targetDurationSeconds: 1 }],
    'without a write',
  )
  const variantAge = (await b.get('live.m3u8')).headers['cache-control']
  t.equal(variantAge, (await a.get('live.m3u8')).headers['cache-control'], 'cache times are alike')
  // Nobody writes any more.
  for (const origin of [a, b, c]) {
    await until(async () => (await origin.get('p.m3u8')).status === 404)
    t.equal((await origin.get('p.m3u8')).headers['x-headwater-reason'], 'stale')
  }
  await a.put('p.m3u8', mediaPlaylist(3))
  for (const origin of [a, b, c]) await until(async () => msnOf(await origin.get('p.m3u8')) === 3)
})

t.test('what one node has received is missing on none, and one node reports', async (t) => {
  const { a, b } = await openPair(t)
  const found: Record<'a' | 'b', string[]> = { a: [], b: [] }
  a.headwater.events.on('finding', ({ finding }) => found.a.push(finding.rule))
  b.headwater.events.on('finding', ({ finding }) => found.b.push(finding.rule))
  await a.put('live.m3u8', LADDER, 600)
  // A balancer in front of both: segments to one, playlists to the other, asked for too early.
  for (let msn = 2; msn < 5; msn++) {
    await b.get(`${msn}.ts`)
    await a.put(`${msn}.ts`, 'segment')
  }
  await b.put('p.m3u8', mediaPlaylist(2))
  await a.put('5.ts', 'segment')
  await b.put('p.m3u8', mediaPlaylist(3))
  for (const origin of [a, b]) {
    await until(
      async () => (await channelsOf(t, origin))[0]?.renditions[0]?.lastMediaSequenceNumber === 5,
    )
    t.match(await channelsOf(t, origin), [{ missingSegmentCount: 0 }])
  }
  t.same(found, { a: [], b: [] })
  await b.put('p.m3u8', mediaPlaylist(4))
  await b.put('p.m3u8', mediaPlaylist(5))
  t.same(found, { a: [], b: ['segment-missing'] }, '6.ts came to nobody')
})

t.test(
  'a late playlist is ignored by a node that never received one; a restart wins',
  async (t) => {
    const { a, b } = await openPair(t)
    const found: string[] = []
    b.headwater.events.on('finding', ({ finding }) => found.push(finding.rule))
    for (let msn = 12; msn < 17; msn++) await a.put(`${msn}.ts`, 'segment')
    await a.put('p.m3u8', mediaPlaylist(12, 6))
    await a.put('p.m3u8', mediaPlaylist(14, 6))
    // A node of its own, which has read nothing yet.
    const c = await openValkeyOrigin(t, server.url, TIMEOUT_MS)
    c.headwater.events.on('finding', ({ finding }) => found.push(finding.rule))
    for (const origin of [b, c]) {
      t.equal((await origin.put('p.m3u8', mediaPlaylist(13, 6))).status, 204)
      t.equal(msnOf(await a.get('p.m3u8')), 14, 'ignored')
      t.equal(msnOf(await origin.get('p.m3u8')), 14)
    }
    t.same(found, ['media-sequence-backwards', 'media-sequence-backwards'])
    for (let msn = 0; msn < 3; msn++) await a.put(`${msn}.ts`, 'of the next run')
    t.equal((await b.put('p.m3u8', mediaPlaylist(0, 6))).status, 204)
    for (const origin of [a, b, c]) await until(async () => msnOf(await origin.get('p.m3u8')) === 0)
  },
)

t.test('Valkey loses the newest playlist: nobody who has seen it is taken back', async (t) => {
  const saved = await startValkeyServer(t)
  const ofSaved = connectTo(t, saved)
  const a = await openValkeyOrigin(t, saved.url, TIMEOUT_MS)
  const b = await openValkeyOrigin(t, saved.url, TIMEOUT_MS)
  const newcomer = () => openValkeyOrigin(t, saved.url, TIMEOUT_MS)
  await a.put('p.m3u8', mediaPlaylist(2, 4))
  // What a replica has that is promoted: all but the last write.
  await ofSaved.call('SAVE')
  await a.put('p.m3u8', mediaPlaylist(3, 4))
  await until(async () => msnOf(await b.get('p.m3u8')) === 3)
  await saved.kill()
  const lostAtMs = performance.now()
  await saved.restart()
  const shown = { a: new Set<number>(), b: new Set<number>() }
  await until(async () => {
    shown.a.add(msnOf(await a.get('p.m3u8')))
    shown.b.add(msnOf(await b.get('p.m3u8')))
    return performance.now() - lostAtMs > 5000
  }, 60_000)
  t.equal(msnOf(await (await newcomer()).get('p.m3u8')), 2, 'what Valkey has')
  for (const msns of [shown.a, shown.b]) {
    t.ok(msns.has(3))
    t.notOk(msns.has(2), 'never back')
  }
  await until(async () => (await a.put('p.m3u8', mediaPlaylist(4, 4))).status === 204)
  await until(async () => msnOf(await b.get('p.m3u8')) === 4)
})

t.test('an older record in Valkey takes nobody back, and the next write ends that', async (t) => {
  const { a, b } = await openPair(t)
  const key = storeKey('live-origin/p.m3u8')
  const name = objectNameOf(tagOf(key), key)
  await a.put('p.m3u8', mediaPlaylist(2, 6))
  const older = await direct.hgetallBuffer(name)
  await a.put('p.m3u8', mediaPlaylist(3, 6))
  await until(async () => msnOf(await b.get('p.m3u8')) === 3)
  await direct.hset(name, ...Object.entries(older).flat())
  for (let times = 0; times < 20; times++) {
    for (const origin of [a, b]) t.equal(msnOf(await origin.get('p.m3u8')), 3)
    await sleep(5)
  }
  await b.put('p.m3u8', mediaPlaylist(4, 6))
  for (const origin of [a, b]) await until(async () => msnOf(await origin.get('p.m3u8')) === 4)
  // What is deleted and begun anew is no step back.
  const api = await openApi(t, a.headwater)
  await api('POST', '/api/caches/live-origin/flush')
  await a.put('p.m3u8', mediaPlaylist(0, 6))
  for (const origin of [a, b]) await until(async () => msnOf(await origin.get('p.m3u8')) === 0)
})

t.test('keys, revocations, caches and their settings hold on every node', async (t) => {
  const { a, b } = await openPair(t)
  const api = await openApi(t, a.headwater)
  const took: string[] = []
  const measure = async (what: string, isSo: () => Promise<boolean>) => {
    took.push(`${what} ${(await until(isSo)).toFixed(0)}`)
  }
  const put = (key: string, apiKey: string, cache = 'made') =>
    http(`${b.headwater.dataPlaneUrl}/cache/${cache}/${key}?ttl_seconds=60`, {
      ...{ method: 'PUT', body: 'x'.repeat(2000), headers: { authorization: apiKey } },
    })
  const minted = await a.headwater.mintKey({ role: 'readwrite', caches: ['made'] })
  t.equal((await api('POST', '/api/caches', { name: 'made' })).status, 201)
  await measure('key and cache', async () => (await put('x', minted.apiKey)).status === 204)
  await api('PATCH', '/api/caches/made', { itemSizeBytesMax: 1024 })
  await measure('setting', async () => (await put('x', minted.apiKey)).status === 413)
  const read = () =>
    http(`${b.headwater.dataPlaneUrl}/cache/made/x`, { headers: { authorization: minted.apiKey } })
  t.equal((await read()).status, 200)
  t.match((await api('POST', '/api/caches/made/flush')).json, { flushedCount: 1 })
  await measure('flush', async () => (await read()).status === 404)
  await a.headwater.revokeKey(minted.keyId)
  await measure('revocation', async () => (await read()).status === 401)
  const { superUser } = b.headwater.keys
  await api('PATCH', '/api/caches/made', { itemSizeBytesMax: 4096 })
  await measure('setting', async () => (await put('x', superUser)).status === 204)
  await api('DELETE', '/api/caches/made')
  await measure('deletion', async () => (await put('x', superUser)).status === 404)
  t.same(await direct.keys('hw:o:*made*'), [], 'with its objects')
  t.comment(`done by A, seen at B after (ms): ${took.join(', ')}`)
})
