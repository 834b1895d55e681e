import t from 'tap'
import type { Test } from 'tap'
import { gunzipSync } from 'node:zlib'
import type { StartOptions } from '../../src/app.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'

const CONTROL = 'CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12'
const range = (id: string) => `#EXT-X-DATERANGE:ID="${id}",START-DATE="2026-01-01T00:00:00Z"\n`

/** Segments of 2 s from 10 on, as many as said. */
const playlist = (count: number, { control = CONTROL, ranges = '', end = '' } = {}) =>
  '#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:10\n' +
  `#EXT-X-SERVER-CONTROL:${control}\n${ranges}` +
  Array.from({ length: count }, (_, index) => `#EXTINF:2,\nsegment_${10 + index}.ts\n`).join('') +
  end

const delta = (count: number) => {
  const first = 10 + count - 7
  const whole = playlist(count).replace('VERSION:6', 'VERSION:9')
  const [head, body] = [whole.indexOf('#EXTINF'), whole.indexOf(`#EXTINF:2,\nsegment_${first}.ts`)]
  return `${whole.slice(0, head)}#EXT-X-SKIP:SKIPPED-SEGMENTS=${count - 7}\n${whole.slice(body)}`
}

async function open(t: Test, settings: StartOptions['settings'] = {}) {
  const clock = new ManualClock()
  const origin = await openOrigin(t, settings, { clock })
  const url = `${origin.dataPlaneUrl}/cache/live-origin/live.m3u8`
  const { encoder, player } = origin.keys
  const put = (body: string) =>
    http(`${url}?ttl_seconds=600`, { method: 'PUT', body, headers: { authorization: encoder } })
  const get = (query: string, headers = {}) =>
    http(url + query, { headers: { authorization: player, ...headers } })
  return { clock, origin, url, put, get }
}

t.test('a delta update is another representation of the playlist', async (t) => {
  const { put, get } = await open(t)
  await put(playlist(30))
  const whole = await get('')
  t.equal(whole.text, playlist(30))
  const answer = await get('?_HLS_skip=YES')
  t.equal(answer.text, delta(30))
  t.not(answer.headers.etag, whole.headers.etag)
  t.equal(answer.headers['cache-control'], whole.headers['cache-control'])
  t.equal(answer.headers['last-modified'], whole.headers['last-modified'])
  t.equal(
    (await get('?_HLS_skip=v2')).text,
    delta(30),
    'v2 where date ranges are not to be left out',
  )
  const ifNoneMatch = { 'if-none-match': answer.headers.etag }
  t.equal((await get('?_HLS_skip=YES', ifNoneMatch)).status, 304)
  t.equal((await get('', ifNoneMatch)).status, 200)
  const blocking = await get('?_HLS_msn=39&_HLS_skip=YES')
  t.equal(blocking.text, delta(30))
  t.equal(blocking.headers['cache-control'], 'public, max-age=12')
  const part = await get('?_HLS_skip=YES', { range: 'bytes=0-6' })
  t.equal(part.status, 206)
  t.equal(part.text, '#EXTM3U')
})

t.test('gzip-coded, and with a token on what is left', async (t) => {
  const { origin, url, put, get } = await open(t)
  await put(playlist(60))
  const zipped = await get('?_HLS_skip=YES', { 'accept-encoding': 'gzip' })
  t.equal(zipped.headers['content-encoding'], 'gzip')
  t.equal(zipped.headers.vary, 'Accept-Encoding')
  t.equal(gunzipSync(zipped.body).toString(), delta(60))
  const token = encodeURIComponent(origin.keys.player)
  const mine = await http(`${url}?token=${token}&_HLS_skip=YES`)
  t.match(mine.text, `segment_69.ts?token=${token}`)
  t.equal(mine.text.replaceAll(`?token=${token}`, ''), delta(60))
  t.match(mine.headers['cache-control'], /^private/)
  const etags = [zipped.headers.etag, mine.headers.etag, (await get('?_HLS_skip=YES')).headers.etag]
  t.equal(new Set(etags).size, 3)
})

t.test('the whole playlist, where there is nothing to leave out', async (t) => {
  const { put, get } = await open(t)
  for (const body of [
    playlist(7),
    playlist(30, { control: 'CAN-BLOCK-RELOAD=YES' }),
    playlist(30, { control: `${CONTROL}00` }),
    playlist(30, { end: '#EXT-X-ENDLIST\n' }),
  ]) {
    await put(body)
    t.equal((await get('?_HLS_skip=YES')).text, body)
    t.equal((await get('?_HLS_skip=YES')).headers.etag, (await get('')).headers.etag)
  }
  await put(playlist(30))
  t.equal((await get('?_HLS_skip=v9')).text, playlist(30), 'a value of a later draft')
  const twice = await get('?_HLS_skip=YES&_HLS_skip=v2')
  t.equal(twice.status, 400)
  t.equal(twice.headers['x-headwater-reason'], 'directive-invalid')
  const { put: putOff, get: getOff } = await open(t, {
    caches: { defaults: { lowLatency: false } },
  })
  await putOff(playlist(30))
  t.equal((await getOff('?_HLS_skip=YES&_HLS_skip=v2')).text, playlist(30))
})

t.test('a boundary below six target durations is taken for six', async (t) => {
  const { put, get } = await open(t)
  const body = playlist(30, { control: 'CAN-SKIP-UNTIL=2' })
  await put(body)
  t.match((await get('?_HLS_skip=YES')).text, 'SKIPPED-SEGMENTS=23\n')
})

t.test('date ranges: those of the last while are there, those that went are named', async (t) => {
  const { clock, put, get } = await open(t)
  const control = `${CONTROL},CAN-SKIP-DATERANGES=YES`
  const put2 = (ranges: string) => put(playlist(30, { control, ranges }))
  const get2 = async () => (await get('?_HLS_skip=v2')).text
  await put2(range('a') + range('b'))
  t.match(await get2(), 'RECENTLY-REMOVED-DATERANGES=""')
  t.match(await get2(), range('a'), 'new to us')
  t.match(await get2(), '#EXT-X-VERSION:10\n')
  clock.advance(13_000)
  await put2(range('a') + range('b') + range('c'))
  t.notMatch(await get2(), range('a'))
  t.match(await get2(), range('c'))
  t.match((await get('?_HLS_skip=YES')).text, range('a'), 'only v2 leaves them out')
  await put2(range('b').replace('00:00:00Z', '00:00:01Z') + range('c'))
  t.match(await get2(), 'RECENTLY-REMOVED-DATERANGES="a"')
  t.match(await get2(), 'ID="b"', 'changed')
  clock.advance(13_000)
  await put2(range('c'))
  t.match(await get2(), 'RECENTLY-REMOVED-DATERANGES="b"')
  await put2(range('c') + range('b'))
  t.match(await get2(), 'RECENTLY-REMOVED-DATERANGES=""')
  t.match(await get2(), range('b'), 'back again')
})

t.test('too many date ranges are not tracked', async (t) => {
  const { put, get } = await open(t)
  const control = `${CONTROL},CAN-SKIP-DATERANGES=YES`
  const ranges = Array.from({ length: 1001 }, (_, index) => range(`r${index}`))
  await put(playlist(30, { control, ranges: ranges.slice(0, 1000).join('') }))
  t.match((await get('?_HLS_skip=v2')).text, 'RECENTLY-REMOVED')
  await put(playlist(30, { control, ranges: ranges.join('') }))
  const { text } = await get('?_HLS_skip=v2')
  t.notMatch(text, 'RECENTLY-REMOVED')
  t.match(text, range('r1000'))
})

t.test('nor are their names when they are very long, those that went included', async (t) => {
  const { put, get } = await open(t)
  const control = `${CONTROL},CAN-SKIP-DATERANGES=YES`
  const put2 = (ranges: string) => put(playlist(30, { control, ranges }))
  const long = (letter: string) => letter.repeat(40_000)
  await put2(range('a') + range(long('b')))
  t.match((await get('?_HLS_skip=v2')).text, 'RECENTLY-REMOVED')
  await put2(range(long('b')) + range(long('c')))
  t.notMatch((await get('?_HLS_skip=v2')).text, 'RECENTLY-REMOVED')
  // Each alone is short enough; of those that went the last is named.
  await put2(range(long('b')))
  await put2(range(long('c')))
  await put2('')
  const { text } = await get('?_HLS_skip=v2')
  t.ok(text.includes(`RECENTLY-REMOVED-DATERANGES="${long('c')}"`))
})
