/** What any CDN in front of the origin has to do; run against each program of docker/cdn. */

import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import type { Test } from 'tap'
import type { Headwater, StartOptions } from '../../../src/app.ts'
import { http } from '../../support/http.ts'
import type { HttpAnswer } from '../../support/http.ts'
import { openOrigin } from '../../support/origin.ts'
import { openCdn } from './cdn-process.ts'
import type { CdnProgram } from './cdn-process.ts'
import { OriginGate } from './origin-gate.ts'
import { crowd } from './crowd.ts'

/** As many as a small event's first second. */
const VIEWERS = 200
const MEDIA_PLAYLIST =
  '#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:2,\na1.ts\n'

export interface Rig {
  readonly origin: Headwater
  readonly gate: OriginGate
  readonly cdnUrl: string
  readonly put: (key: string, body: string | Uint8Array) => Promise<void>
}

/** An origin, a gate and the CDN before them, for this test. */
export async function openRig(
  t: Test,
  program: CdnProgram,
  settings: StartOptions['settings'] = {},
): Promise<Rig> {
  const origin = await openOrigin(t, settings)
  const gate = await OriginGate.open(t, origin.dataPlaneUrl)
  const { encoder, player } = origin.keys
  const cdnUrl = await openCdn(t, program, { originUrl: gate.url, playerKey: player })
  return {
    origin,
    gate,
    cdnUrl,
    put: async (key, body) => {
      const url = `${origin.dataPlaneUrl}/cache/live-origin/${key}?ttl_seconds=600`
      const answer = await http(url, { method: 'PUT', headers: { authorization: encoder }, body })
      if (answer.status !== 204) throw new Error(`PUT ${key}: ${String(answer.status)}`)
    },
  }
}

/** Asks again every 20 ms until the answer is right. */
async function until(
  ask: () => Promise<HttpAnswer>,
  isRight: (answer: HttpAnswer) => boolean,
  msMax: number,
): Promise<{ readonly answer: HttpAnswer; readonly tookMs: number }> {
  const startedMs = performance.now()
  for (;;) {
    const answer = await ask()
    const tookMs = performance.now() - startedMs
    if (isRight(answer) || tookMs > msMax) return { answer, tookMs }
    await sleep(20)
  }
}

/** All of them, each in a test of its own. */
export function checkCdn(t: Test, program: CdnProgram): void {
  checkCollapsing(t, program)
  checkFreshness(t, program)
  checkFailures(t, program)
  checkCredentials(t, program)
  checkAddresses(t, program)
}

function checkCollapsing(t: Test, program: CdnProgram): void {
  t.test('200 viewers of a cold segment cost the origin one GET', async (t) => {
    const { gate, cdnUrl, put } = await openRig(t, program)
    const body = Buffer.alloc(300_000, 7)
    await put('a1.ts', body)
    gate.delayMs = 300
    const answers = await crowd(VIEWERS, (viewer) => ({
      url: `${cdnUrl}/a1.ts?CMCD=sid%3D${String(viewer)}&token=${String(viewer)}`,
    }))
    t.same([...new Set(answers.map(({ status }) => status))], [200])
    t.ok(answers.every((answer) => answer.body.equals(body)))
    t.equal(gate.reads('/cache/live-origin/a1.ts').length, 1)
  })

  t.test('200 viewers of a cold playlist, and of an expired one, cost one GET each', async (t) => {
    const { gate, cdnUrl, put } = await openRig(t, program)
    await put('playlist_a.m3u8', MEDIA_PLAYLIST)
    gate.delayMs = 300
    const ask = (viewer: number) => ({
      url: `${cdnUrl}/playlist_a.m3u8?CMCD=sid%3D${String(viewer)}`,
      // Browsers spell the same wish differently.
      headers: {
        'accept-encoding': viewer % 2 === 0 ? 'gzip, deflate' : 'gzip, deflate, br, zstd',
      },
    })
    const cold = await crowd(VIEWERS, ask)
    t.same([...new Set(cold.map(({ status }) => status))], [200])
    t.equal(gate.reads('/cache/live-origin/playlist_a.m3u8').length, 1)
    await put('playlist_a.m3u8', `${MEDIA_PLAYLIST}#EXTINF:2,\na2.ts\n`)
    const url = `${cdnUrl}/playlist_a.m3u8`
    const headers = { 'accept-encoding': 'gzip' }
    await until(
      () => http(url, { headers }),
      ({ text }) => text.includes('a2.ts'),
      5000,
    )
    // nginx counts whole seconds: max-age=1 lasts up to 2 s there.
    for (let waited = 0; waited < 2200; waited += 20) await sleep(20)
    gate.forget()
    const expired = await crowd(VIEWERS, ask)
    t.same([...new Set(expired.map(({ status }) => status))], [200])
    const reads = gate.reads('/cache/live-origin/playlist_a.m3u8')
    t.equal(reads.length, 1)
    t.ok(reads[0]?.headers['if-none-match'], 'revalidated, not fetched')
  })
}

function checkFreshness(t: Test, program: CdnProgram): void {
  t.test('a 404 that was asked too early is gone within 2 s of the PUT', async (t) => {
    const { gate, cdnUrl, put } = await openRig(t, program)
    const early = await crowd(VIEWERS, () => ({ url: `${cdnUrl}/early.ts` }))
    t.same([...new Set(early.map(({ status }) => status))], [404])
    t.equal(early[0]?.headers['access-control-allow-origin'], '*')
    t.ok(gate.reads('/cache/live-origin/early.ts').length <= 2, 'the storm was collapsed')
    await put('early.ts', 'segment')
    const ask = () => http(`${cdnUrl}/early.ts`)
    const { answer, tookMs } = await until(ask, ({ status }) => status === 200, 5000)
    t.equal(answer.text, 'segment')
    t.ok(tookMs < 2000, `${String(Math.round(tookMs))} ms`)
  })

  t.test('after a pause the first viewer gets what is new, not what was kept', async (t) => {
    const { cdnUrl, put } = await openRig(t, program)
    await put('playlist_p.m3u8', MEDIA_PLAYLIST)
    await http(`${cdnUrl}/playlist_p.m3u8`)
    t.equal((await http(`${cdnUrl}/later.ts`)).status, 404)
    const next = `${MEDIA_PLAYLIST}#EXTINF:2,\nlater.ts\n`
    await put('later.ts', 'segment')
    await put('playlist_p.m3u8', next)
    // Nobody asks until both copies have expired; nginx counts whole seconds.
    for (let waited = 0; waited < 2200; waited += 20) await sleep(20)
    t.equal((await http(`${cdnUrl}/playlist_p.m3u8`)).text, next)
    t.equal((await http(`${cdnUrl}/later.ts`)).text, 'segment')
  })

  t.test('without Cache-Control a segment is kept, a playlist for a second', async (t) => {
    const { gate, cdnUrl, put } = await openRig(t, program, { delivery: { cacheControl: false } })
    await put('b1.ts', 'segment')
    await put('playlist_b.m3u8', MEDIA_PLAYLIST)
    await http(`${cdnUrl}/b1.ts`)
    await http(`${cdnUrl}/playlist_b.m3u8`)
    await put('playlist_b.m3u8', `${MEDIA_PLAYLIST}#EXTINF:2,\nb2.ts\n`)
    const ask = () => http(`${cdnUrl}/playlist_b.m3u8`)
    const { tookMs } = await until(ask, ({ text }) => text.includes('b2.ts'), 5000)
    t.ok(tookMs < 2000, `${String(Math.round(tookMs))} ms`)
    await http(`${cdnUrl}/b1.ts`)
    t.equal(gate.reads('/cache/live-origin/b1.ts').length, 1)
  })

  t.test(
    'a playlist comes gzipped or not, as the viewer can read it; a range is whole',
    async (t) => {
      const { cdnUrl, put } = await openRig(t, program)
      let long = MEDIA_PLAYLIST
      for (let number = 2; number < 200; number++) long += `#EXTINF:2,\na${String(number)}.ts\n`
      await put('playlist_g.m3u8', long)
      const url = `${cdnUrl}/playlist_g.m3u8`
      const zipped = await http(url, { headers: { 'accept-encoding': 'gzip, deflate, br' } })
      t.equal(zipped.headers['content-encoding'], 'gzip')
      t.ok(zipped.body.length < long.length / 2, 'as the origin sends it')
      t.equal(gunzipSync(zipped.body).toString(), long)
      const plain = await http(url)
      t.equal(plain.headers['content-encoding'], undefined)
      t.equal(plain.text, long)
      // ffmpeg and the native player of Chromium send it with everything.
      const range = { 'accept-encoding': 'gzip, identity;q=1, *;q=0', range: 'bytes=0-' }
      const ranged = await http(url, { headers: range })
      t.ok([200, 206].includes(ranged.status))
      const bytes =
        ranged.headers['content-encoding'] === 'gzip' ? gunzipSync(ranged.body) : ranged.body
      t.equal(bytes.toString(), long)
    },
  )
}

function checkFailures(t: Test, program: CdnProgram): void {
  t.test('a stale playlist is served while the origin fails, the new one afterwards', async (t) => {
    const { gate, cdnUrl, put } = await openRig(t, program)
    await put('playlist_s.m3u8', MEDIA_PLAYLIST)
    const ask = () => http(`${cdnUrl}/playlist_s.m3u8`)
    t.equal((await ask()).status, 200)
    const next = `${MEDIA_PLAYLIST}#EXTINF:2,\na2.ts\n`
    await put('playlist_s.m3u8', next)
    const failures = [
      { name: '500', begin: async () => void (gate.failWithStatus = 500) },
      { name: '503', begin: async () => void (gate.failWithStatus = 503) },
      { name: 'no connection', begin: () => gate.down() },
    ]
    for (const { name, begin } of failures) {
      await begin()
      // Longer than the copy is fresh, so that several attempts have failed.
      const answers: HttpAnswer[] = []
      const startedMs = performance.now()
      while (performance.now() - startedMs < 2500) {
        answers.push(await ask())
        await sleep(20)
      }
      t.same([...new Set(answers.map(({ status }) => status))], [200], name)
      t.same([...new Set(answers.map((answer) => answer.text))], [MEDIA_PLAYLIST], name)
    }
    gate.failWithStatus = undefined
    await gate.up()
    const { answer } = await until(ask, ({ text }) => text === next, 6000)
    t.equal(answer.text, next, 'fresh again')
  })

  t.test('with nothing to serve, a failure is a 503 that no one keeps', async (t) => {
    const { gate, cdnUrl, put } = await openRig(t, program)
    await put('cold.ts', 'segment')
    gate.failWithStatus = 503
    const failed = await http(`${cdnUrl}/cold.ts`)
    t.equal(failed.status, 503)
    gate.failWithStatus = undefined
    t.equal((await http(`${cdnUrl}/cold.ts`)).text, 'segment', 'at once')
    await gate.down()
    const gone = await http(`${cdnUrl}/colder.ts`)
    t.equal(gone.status, 503)
    t.equal(gone.headers['access-control-allow-origin'], '*')
    t.equal(gone.headers['cache-control'], 'no-store')
    t.ok(gone.headers['retry-after'])
    await gate.up()
    const ask = () => http(`${cdnUrl}/cold.ts`)
    t.equal((await until(ask, ({ status }) => status === 200, 5000)).answer.text, 'segment')
  })
}

function checkCredentials(t: Test, program: CdnProgram): void {
  t.test("a viewer's credentials never reach the origin, the key never a viewer", async (t) => {
    const { origin, gate, cdnUrl, put } = await openRig(t, program)
    await put('playlist.m3u8', '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nplaylist_a.m3u8\n')
    await put('playlist_a.m3u8', MEDIA_PLAYLIST)
    await put('a1.ts', 'segment')
    const viewer = 'viewer-secret-0123456789'
    const paths = ['/playlist.m3u8', '/playlist_a.m3u8', '/a1.ts', '/manifest.mpd', '/none.ts']
    const pages = ['/play/live-origin/playlist.m3u8', '/play/assets/player.page.js']
    const answers: HttpAnswer[] = []
    for (const path of [...paths, ...pages]) {
      for (const method of ['GET', 'HEAD', 'OPTIONS']) {
        answers.push(
          await http(`${cdnUrl}${path}?token=${viewer}`, {
            method,
            headers: { authorization: viewer, cookie: `a=${viewer}`, 'x-amz-cf-id': viewer },
          }),
        )
      }
    }
    const keys = [origin.keys.player, origin.keys.encoder, origin.keys.superUser]
    for (const answer of answers) {
      const shown = JSON.stringify(answer.headers) + answer.text
      t.notOk(keys.some((key) => shown.includes(key)))
    }
    const items = gate.seen.filter(({ target }) => !target.startsWith('/play/'))
    t.ok(items.length >= paths.length)
    const shown = items.map(({ target, headers }) => target + JSON.stringify(headers)).join('\n')
    t.notOk(shown.includes(viewer), 'an item is asked for with nothing of the viewer')
    for (const { method, headers } of items) {
      if (method !== 'OPTIONS') t.equal(headers.authorization, origin.keys.player)
    }
    const own = gate.seen.filter(({ target }) => target.startsWith('/play/'))
    t.ok(own.length > 0)
    t.ok(
      own.every(({ headers }) => headers.authorization === undefined),
      'a page needs no key',
    )
  })
}

function checkAddresses(t: Test, program: CdnProgram): void {
  t.test('the path is put behind the cache; the query is cut to what counts', async (t) => {
    const { origin, gate, cdnUrl, put } = await openRig(t, program)
    await put('playlist_q.m3u8', MEDIA_PLAYLIST)
    await put('x/1%2B2 .ts'.replace(' ', '%20'), 'odd')
    const targets = async (path: string) => {
      gate.forget()
      await http(`${cdnUrl}${path}`)
      return gate.seen.map(({ target }) => target)
    }
    const base = '/cache/live-origin'
    t.same(await targets('/x/1%2B2%20.ts?a=1'), [`${base}/x/1%2B2%20.ts`], 'bytes as they came')
    t.same(await targets('/cache/live-origin/x/1%2B2%20.ts'), [], 'the page shares the copy')
    t.same(await targets('/playlist_q.m3u8?ttl_seconds=3600&role=origin&token=x'), [
      `${base}/playlist_q.m3u8`,
    ])
    t.same(await targets('/playlist_q.m3u8?_HLS_part=1&a=b&_HLS_msn=7&_HLS_skip=YES'), [
      `${base}/playlist_q.m3u8?_HLS_msn=7&_HLS_part=1&_HLS_skip=YES`,
    ])
    t.same(await targets('/playlist_q.m3u8?_HLS_msn=7&_HLS_part=1&_HLS_skip=YES'), [], 'one order')
    t.same(await targets('/playlist_q.m3u8?_HLS_msn=8'), [`${base}/playlist_q.m3u8?_HLS_msn=8`])
    await origin.createCache('other')
    t.same(await targets('/cache/other/a.ts'), [`${base}/cache/other/a.ts`], 'no other cache')
  })

  t.test('viewers read: other methods are refused, a preflight passes', async (t) => {
    const { gate, cdnUrl, put } = await openRig(t, program)
    await put('a1.ts', 'segment')
    for (const method of ['PUT', 'POST', 'DELETE']) {
      const answer = await http(`${cdnUrl}/a1.ts`, { method, body: 'x' })
      t.equal(answer.status, 405, method)
      t.equal(answer.headers['access-control-allow-origin'], '*')
    }
    t.equal(gate.seen.length, 0)
    const preflight = await http(`${cdnUrl}/a1.ts`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://player.example',
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'authorization',
      },
    })
    t.equal(preflight.status, 204)
    t.equal(preflight.headers['access-control-allow-origin'], '*')
    t.match(preflight.headers['access-control-allow-headers'], /authorization/i)
    const part = await http(`${cdnUrl}/a1.ts`, { headers: { range: 'bytes=2-4' } })
    t.equal(part.status, 206)
    t.equal(part.text, 'gme')
    const head = await http(`${cdnUrl}/a1.ts`, { method: 'HEAD' })
    t.equal(head.headers['content-length'], '7')
    const same = await http(`${cdnUrl}/a1.ts`, {
      headers: { 'if-none-match': head.headers.etag ?? '' },
    })
    t.equal(same.status, 304)
  })
}
