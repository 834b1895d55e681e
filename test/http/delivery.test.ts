import { gunzipSync } from 'node:zlib'
import t from 'tap'
import type { Headwater } from '../../src/app.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'

const LINES = Array.from({ length: 60 }, (_, index) => `#EXTINF:4.000000,\nsegment_${index}.ts\n`)
const MEDIA = `#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:0\n${LINES.join('')}`
const MULTIVARIANT =
  '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=2\nmedia.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n'

function client(origin: Headwater) {
  const url = (key: string) => `${origin.dataPlaneUrl}/cache/live-origin/${key}`
  return {
    put: (key: string, body: string | Uint8Array, query = '') =>
      http(`${url(key)}${query}`, {
        method: 'PUT',
        body,
        headers: { authorization: origin.keys.encoder },
      }),
    get: (key: string, headers: Record<string, string> = {}, method = 'GET') =>
      http(url(key), { method, headers: { authorization: origin.keys.player, ...headers } }),
  }
}

t.test('a playlist is gzip-coded for who accepts it, with an ETag of its own', async (t) => {
  const { put, get } = client(await openOrigin(t))
  await put('media.m3u8', MEDIA)
  const plain = await get('media.m3u8')
  t.equal(plain.text, MEDIA)
  t.equal(plain.headers['content-encoding'], undefined)
  t.equal(plain.headers.vary, 'Accept-Encoding')
  const zipped = await get('media.m3u8', { 'accept-encoding': 'gzip' })
  t.equal(zipped.headers['content-encoding'], 'gzip')
  t.equal(zipped.headers.vary, 'Accept-Encoding')
  t.equal(zipped.headers['content-length'], String(zipped.body.length))
  t.equal(gunzipSync(zipped.body).toString(), MEDIA)
  t.not(zipped.headers.etag, plain.headers.etag)

  const etag = zipped.headers.etag ?? ''
  const again = await get('media.m3u8', { 'accept-encoding': 'gzip', 'if-none-match': etag })
  t.equal(again.status, 304)
  t.equal(again.headers.etag, etag)
  t.equal(again.headers.vary, 'Accept-Encoding')
  t.ok(again.headers['cache-control'] && again.headers.date && again.headers.expires)
  t.equal((await get('media.m3u8', { 'if-none-match': etag })).status, 200, 'another entity')

  const head = await get('media.m3u8', { 'accept-encoding': 'gzip' }, 'HEAD')
  t.equal(head.headers['content-length'], zipped.headers['content-length'])
  t.equal(head.headers['content-encoding'], 'gzip')
  t.equal(head.body.length, 0)
})

t.test('a range is of the identity bytes', async (t) => {
  const { put, get } = client(await openOrigin(t))
  await put('media.m3u8', MEDIA)
  const range = await get('media.m3u8', { 'accept-encoding': 'gzip', range: 'bytes=0-6' })
  t.equal(range.status, 206)
  t.equal(range.text, '#EXTM3U')
  t.equal(range.headers['content-encoding'], undefined)
  t.equal(range.headers['content-range'], `bytes 0-6/${MEDIA.length}`)
  const whole = await get('media.m3u8', { 'accept-encoding': 'gzip', range: 'bytes=0-' })
  t.equal(whole.text, MEDIA)
})

t.test('small playlists and segments are never coded, and do not vary', async (t) => {
  const { put, get } = client(await openOrigin(t))
  await put('small.m3u8', '#EXTM3U\n')
  await put('a.ts', 'a'.repeat(5000))
  for (const key of ['small.m3u8', 'a.ts']) {
    const answer = await get(key, { 'accept-encoding': 'gzip' })
    t.equal(answer.headers['content-encoding'], undefined)
    t.equal(answer.headers.vary, undefined)
  }
})

t.test('a hundred readers at once of a new playlist get the same coded bytes', async (t) => {
  const { put, get } = client(await openOrigin(t))
  await put('media.m3u8', MEDIA)
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => get('media.m3u8', { 'accept-encoding': 'gzip' })),
  )
  const [first] = answers
  t.ok(answers.every((answer) => first !== undefined && answer.body.equals(first.body)))
})

t.test('Cache-Control suits the kind and never outlives the TTL', async (t) => {
  const clock = new ManualClock()
  const { put, get } = client(await openOrigin(t, {}, { clock }))
  const age = async (key: string) => {
    const { headers } = await get(key)
    const match = /^public, max-age=(\d+)$/.exec(headers['cache-control'] ?? '')
    const seconds = Number(match?.[1])
    t.equal(
      Date.parse(headers.expires ?? '') - Date.parse(headers.date ?? ''),
      seconds * 1000,
      `Expires of ${key}`,
    )
    return seconds
  }
  await put('playlist.m3u8', MULTIVARIANT)
  t.equal(await age('playlist.m3u8'), 2, 'no variant is known yet')
  await put('media.m3u8', MEDIA.replace('TARGETDURATION:4', 'TARGETDURATION:9'))
  t.equal(await age('media.m3u8'), 4)
  t.equal(await age('playlist.m3u8'), 4, 'as its variant')
  await put('low.m3u8', MEDIA.replace('TARGETDURATION:4', 'TARGETDURATION:6'))
  t.equal(await age('playlist.m3u8'), 3, 'as the smallest of its variants')
  await put('fast.m3u8', MEDIA.replace('TARGETDURATION:4', 'TARGETDURATION:1'))
  t.equal(await age('fast.m3u8'), 1, 'never 0')
  await put('segment_0.ts', 'bytes')
  await put('segment_1.ts', 'bytes')
  await put('segment_1.ts', 'other bytes')
  await put('short.ts', 'bytes', '?ttl_seconds=20')
  t.equal(await age('segment_0.ts'), 300)
  t.equal(await age('segment_1.ts'), 1, 'its name was used before')
  t.equal(await age('short.ts'), 20)
  clock.advance(15_500)
  t.equal(await age('short.ts'), 4)
  await put('media.m3u8', `${MEDIA}#EXT-X-ENDLIST\n`, '?ttl_seconds=1000')
  t.equal(await age('media.m3u8'), 1000)
  await put('media.m3u8', `${MEDIA}#EXT-X-ENDLIST\n`, '?ttl_seconds=100000')
  t.equal(await age('media.m3u8'), 86_400)
  t.equal(await age('segment_0.ts'), 3584, 'ended: as long as its TTL lasts')
  t.equal(await age('segment_1.ts'), 1)
})

t.test('misses are short-lived, and not kept at all by CloudFront', async (t) => {
  const { get } = client(await openOrigin(t))
  t.equal((await get('a.ts')).headers['cache-control'], 'public, max-age=1')
  const cloudFront = await get('a.ts', { 'x-amz-cf-id': 'x' })
  t.equal(cloudFront.headers['cache-control'], 'no-store')
})

t.test('Last-Modified moves with every PUT, and a 304 repeats the validators', async (t) => {
  const clock = new ManualClock()
  const { put, get } = client(await openOrigin(t, {}, { clock }))
  await put('media.m3u8', MEDIA)
  const first = await get('media.m3u8')
  clock.advance(4000)
  const since = new Date(clock.nowMs()).toUTCString()
  t.equal((await get('media.m3u8', { 'if-modified-since': since })).status, 304)
  await put('media.m3u8', MEDIA)
  const second = await get('media.m3u8')
  t.equal(
    Date.parse(second.headers['last-modified'] ?? '') -
      Date.parse(first.headers['last-modified'] ?? ''),
    4000,
  )
  t.not(first.headers.etag, second.headers.etag)
  t.equal((await get('media.m3u8', { 'if-modified-since': since })).status, 200)
})

t.test('the momento profile sends bytes and nothing else', async (t) => {
  const { put, get } = client(await openOrigin(t, { profile: 'momento' }))
  await put('media.m3u8', MEDIA, '?ttl_seconds=60')
  const answer = await get('media.m3u8', { 'accept-encoding': 'gzip' })
  t.equal(answer.text, MEDIA)
  t.equal(answer.headers['content-type'], 'application/octet-stream')
  for (const name of ['cache-control', 'expires', 'content-encoding', 'vary']) {
    t.equal(answer.headers[name], undefined, name)
  }
})
