import t from 'tap'
import type { Test } from 'tap'
import type { Headwater, StartOptions } from '../../src/app.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'
import { RawClient, head } from '../support/raw-client.ts'

const CONTROL = '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5\n'

/** Segments 10 to `last`, two parts each, and so many parts of the next one. */
const playlist = (last: number, openPartCount: number, { control = CONTROL, end = '' } = {}) => {
  const part = (segment: number, index: number) =>
    `#EXT-X-PART:DURATION=0.5,URI="p${segment}.${index}.m4s"\n`
  let text = `#EXTM3U\n#EXT-X-TARGETDURATION:2\n${control}#EXT-X-PART-INF:PART-TARGET=0.5\n#EXT-X-MEDIA-SEQUENCE:10\n`
  for (let segment = 10; segment <= last; segment++) {
    text += `${part(segment, 0)}${part(segment, 1)}#EXTINF:2,\ns${segment}.m4s\n`
  }
  for (let index = 0; index < openPartCount; index++) text += part(last + 1, index)
  return text + end
}

async function open(
  t: Test,
  settings: StartOptions['settings'] = {},
  options: Pick<StartOptions, 'waitersPerCacheMax'> = {},
) {
  const clock = new ManualClock()
  const origin = await openOrigin(t, settings, { clock, ...options })
  const url = (key: string) => `${origin.dataPlaneUrl}/cache/live-origin/${key}`
  const { encoder, player } = origin.keys
  const write = (method: string, key: string, body?: string) =>
    http(url(key), {
      method,
      ...(body === undefined ? {} : { body }),
      headers: { authorization: encoder },
    })
  const put = (body: string, query = '') => write('PUT', `live.m3u8${query}`, body)
  const get = (query: string, headers = {}) =>
    http(url(`live.m3u8${query}`), { headers: { authorization: player, ...headers } })
  return { clock, origin, put, get, write }
}

/** Until so many readers wait; asks, does not guess. */
async function untilWaiting(origin: Headwater, count: number): Promise<void> {
  for (;;) {
    const { text } = await http(`${origin.adminUrl}/metrics`)
    if (text.includes(`headwater_waiters ${count}\n`)) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}

t.test('what is there is answered at once, with cache times of the draft', async (t) => {
  const { put, get } = await open(t)
  await put(playlist(12, 1))
  for (const query of ['?_HLS_msn=12', '?_HLS_msn=3&_HLS_part=9', '?_HLS_msn=13&_HLS_part=0']) {
    const answer = await get(query)
    t.equal(answer.text, playlist(12, 1), query)
    t.equal(answer.headers['cache-control'], 'public, max-age=12')
  }
  t.equal((await get('')).headers['cache-control'], 'public, max-age=1')
  const { headers } = await get('?_HLS_msn=12')
  const again = await get('?_HLS_msn=12', { 'if-none-match': headers.etag })
  t.equal(again.status, 304)
  t.equal(again.headers['cache-control'], 'public, max-age=12')
})

t.test('cache times are never beyond the TTL', async (t) => {
  const { put, get } = await open(t)
  await put(playlist(12, 1), '?ttl_seconds=5')
  t.equal((await get('?_HLS_msn=12')).headers['cache-control'], 'public, max-age=5')
})

t.test('what is to come is waited for, through as many PUTs as it takes', async (t) => {
  const { origin, put, get } = await open(t)
  await put(playlist(12, 1))
  const part = get('?_HLS_msn=13&_HLS_part=1')
  const segment = get('?_HLS_msn=13')
  const next = get('?_HLS_msn=13&_HLS_part=2')
  await untilWaiting(origin, 3)
  await put(playlist(12, 2))
  t.equal((await part).text, playlist(12, 2))
  await untilWaiting(origin, 2)
  await put(playlist(13, 0))
  t.equal((await segment).text, playlist(13, 0))
  await untilWaiting(origin, 1)
  await put(playlist(13, 1))
  t.equal((await next).text, playlist(13, 1), 'beyond the last part: the first of the next segment')
  await untilWaiting(origin, 0)
})

t.test('one PUT releases hundreds', async (t) => {
  const { origin, put } = await open(t)
  await put(playlist(12, 1))
  const request = head('GET', '/cache/live-origin/live.m3u8?_HLS_msn=13&_HLS_part=1', [
    `Authorization: ${origin.keys.player}`,
  ])
  const readers = await Promise.all(
    Array.from({ length: 300 }, async () => {
      const reader = await RawClient.open(origin.dataPlaneUrl)
      await reader.send(request)
      return reader
    }),
  )
  await untilWaiting(origin, 300)
  await put(playlist(12, 2))
  const answers = await Promise.all(readers.map((reader) => reader.readResponse()))
  t.ok(answers.every(({ status }) => status === 200))
  t.ok(answers.every(({ body }) => body.toString() === playlist(12, 2)))
  for (const reader of readers) reader.destroy()
})

t.test('400 for what may not be asked for', async (t) => {
  const { put, get } = await open(t)
  await put(playlist(12, 1))
  for (const [query, reason] of [
    ['?_HLS_part=1', 'part-without-msn'],
    ['?_HLS_msn=15', 'reload-too-far'],
    ['?_HLS_msn=13&_HLS_part=7', 'reload-too-far'],
    ['?_HLS_msn=x', 'directive-invalid'],
    ['?_HLS_msn=12&_HLS_msn=12', 'directive-invalid'],
    ['?_HLS_msn=12&_HLS_part=-1', 'directive-invalid'],
  ] as const) {
    const answer = await get(query)
    t.equal(answer.status, 400, query)
    t.equal(answer.headers['x-headwater-reason'], reason)
    t.equal(answer.headers['cache-control'], 'no-store')
    t.equal(answer.headers['access-control-allow-origin'], '*')
  }
})

t.test('directives mean nothing where nobody advertises them', async (t) => {
  const { put, get, write } = await open(t)
  for (const body of [
    playlist(12, 1, { control: '' }),
    playlist(12, 1, { control: '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=NO\n' }),
    playlist(12, 0, { end: '#EXT-X-ENDLIST\n' }),
  ]) {
    await put(body)
    for (const query of ['?_HLS_msn=500', '?_HLS_msn=x', '?_HLS_part=1', '?_HLS_skip=YES']) {
      const answer = await get(query)
      t.equal(answer.text, body, query)
      t.not(answer.headers['cache-control'], 'public, max-age=12')
    }
  }
  const segment = await write('PUT', 'live.m3u8_HLS.ts', 'bytes')
  t.equal(segment.status, 204)
  t.equal((await get('_HLS.ts?_HLS_msn=99')).text, 'bytes')
})

t.test('nor where the cache has it off, nor in the profile momento', async (t) => {
  for (const settings of [
    { caches: { defaults: { lowLatency: false } } },
    { profile: 'momento' as const },
  ]) {
    const { put, get } = await open(t, settings)
    await put(playlist(12, 1), '?ttl_seconds=60')
    t.equal((await get('?_HLS_msn=500')).text, playlist(12, 1))
    t.equal((await get('?_HLS_part=x')).text, playlist(12, 1))
  }
})

t.test('503 after three target durations', async (t) => {
  const { clock, origin, put, get } = await open(t)
  await put(playlist(12, 1))
  const reader = get('?_HLS_msn=13')
  await untilWaiting(origin, 1)
  clock.advance(3000)
  await put(playlist(12, 2))
  await untilWaiting(origin, 1)
  clock.advance(2999)
  await untilWaiting(origin, 1)
  clock.advance(1)
  const answer = await reader
  t.equal(answer.status, 503)
  t.equal(answer.headers['x-headwater-reason'], 'reload-timeout')
  t.equal(answer.headers['cache-control'], 'no-store')
  t.equal(answer.headers['retry-after'], '1')
})

t.test('who waits for a playlist that goes away gets a 404', async (t) => {
  const { clock, origin, put, get, write } = await open(t)
  await put(playlist(12, 1))
  const deleted = get('?_HLS_msn=13')
  await untilWaiting(origin, 1)
  await write('DELETE', 'live.m3u8')
  t.equal((await deleted).status, 404)
  await put(playlist(12, 1), '?ttl_seconds=4')
  const expired = get('?_HLS_msn=13')
  await untilWaiting(origin, 1)
  clock.advance(4000)
  t.equal((await expired).status, 404)
  t.equal((await get('?_HLS_msn=13')).status, 404)
})

t.test('a stale playlist is a 404 for who waits for it, too', async (t) => {
  const settings = { caches: { defaults: { staleAfterTargetDurations: 2 } } }
  const { clock, origin, put, get } = await open(t, settings)
  await put(playlist(12, 1))
  const reader = get('?_HLS_msn=13')
  await untilWaiting(origin, 1)
  clock.advance(6000)
  const answer = await reader
  t.equal(answer.status, 404)
  t.equal(answer.headers['x-headwater-reason'], 'stale')
})

t.test('an end releases, and so does a playlist that is not advertised any more', async (t) => {
  const { origin, put, get } = await open(t)
  for (const body of [
    playlist(12, 0, { end: '#EXT-X-ENDLIST\n' }),
    playlist(12, 1, { control: '' }),
  ]) {
    await put(playlist(12, 1))
    const reader = get('?_HLS_msn=13')
    await untilWaiting(origin, 1)
    await put(body)
    t.equal((await reader).text, body)
  }
})

t.test('an encoder that starts again: what was waited for is too far', async (t) => {
  const { origin, put, get } = await open(t)
  await put(playlist(12, 1))
  const reader = get('?_HLS_msn=13')
  await untilWaiting(origin, 1)
  await put(playlist(12, 1).replace('SEQUENCE:10', 'SEQUENCE:0'))
  t.equal((await reader).headers['x-headwater-reason'], 'reload-too-far')
})

t.test('a reader that leaves is forgotten, a stopping server answers the others', async (t) => {
  const { origin, put, get } = await open(t)
  await put(playlist(12, 1))
  const leaver = await RawClient.open(origin.dataPlaneUrl)
  await leaver.send(
    head('GET', '/cache/live-origin/live.m3u8?_HLS_msn=13', [
      `Authorization: ${origin.keys.player}`,
    ]),
  )
  await untilWaiting(origin, 1)
  leaver.reset()
  await untilWaiting(origin, 0)
  const reader = get('?_HLS_msn=13')
  await untilWaiting(origin, 1)
  const closed = origin.close()
  const answer = await reader
  t.equal(answer.status, 503)
  t.equal(answer.headers['x-headwater-reason'], 'stopping')
  await closed
})

t.test('HEAD waits as GET does', async (t) => {
  const { origin, put, write } = await open(t)
  await put(playlist(12, 1))
  const reader = write('HEAD', 'live.m3u8?_HLS_msn=13')
  await untilWaiting(origin, 1)
  await put(playlist(13, 0))
  const answer = await reader
  t.equal(answer.status, 200)
  t.equal(answer.headers['content-length'], String(playlist(13, 0).length))
})

t.test('503 when as many wait as may, which costs those who wait nothing', async (t) => {
  const { origin, put, get, write } = await open(t, {}, { waitersPerCacheMax: 3 })
  await put(playlist(12, 1))
  const waiting = Array.from({ length: 3 }, () => get('?_HLS_msn=13&_HLS_part=1'))
  await untilWaiting(origin, 3)
  for (const method of ['GET', 'HEAD']) {
    const { dataPlaneUrl, keys } = origin
    const busy = await http(`${dataPlaneUrl}/cache/live-origin/live.m3u8?_HLS_msn=13&_HLS_part=1`, {
      method,
      headers: { authorization: keys.player },
    })
    t.equal(busy.status, 503)
    t.equal(busy.headers['x-headwater-reason'], 'waiters-busy')
    t.match(busy.headers['retry-after'], /^\d+$/)
    t.equal(busy.headers['cache-control'], 'no-store')
  }
  t.equal((await get('')).status, 200, 'who does not wait is served')
  // Segments and parts are held by the same bound; over it they are misses.
  t.equal((await write('GET', 'p13.0.m4s')).status, 404)
  await put(playlist(12, 2))
  for (const answer of waiting) t.equal((await answer).text, playlist(12, 2))
  const next = get('?_HLS_msn=13')
  await untilWaiting(origin, 1)
  await put(playlist(13, 0))
  t.equal((await next).status, 200, 'there is room again')
  const { text } = await http(`${origin.adminUrl}/metrics`)
  t.match(text, /reload[a-z_]*\{[^}]*busy"\} 2\n/)
})
