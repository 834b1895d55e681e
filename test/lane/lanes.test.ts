/** Both lanes answer alike, byte for byte, whatever is sent. */

import t from 'tap'
import type { Test } from 'tap'
import { smugglingCorpus } from './corpus.ts'
import { RequestGenerator } from './request-generator.ts'
import { isAlike, openTwoLanes } from './two-lanes.ts'
import type { TwoLanes } from './two-lanes.ts'

const FUZZED_COUNT = 1500
const LIVE_PLAYLIST = [
  '#EXTM3U',
  '#EXT-X-TARGETDURATION:2',
  '#EXT-X-MEDIA-SEQUENCE:7',
  ...Array.from({ length: 60 }, (_, index) => `#EXTINF:2,\ns${String(index)}.ts`),
  '',
].join('\n')

async function openFilled(t: Test): Promise<TwoLanes> {
  const lanes = await openTwoLanes(t)
  await lanes.put('/cache/live-origin/p.m3u8?ttl_seconds=600', LIVE_PLAYLIST)
  await lanes.put('/cache/live-origin/s0.ts?ttl_seconds=600', Buffer.alloc(200_000, 7))
  await lanes.put('/cache/live-origin/small.ts?ttl_seconds=600', 'segment')
  await lanes.put('/cache/live-origin/page?ttl_seconds=600', '<p>', { 'content-type': 'text/html' })
  return lanes
}

function get(path: string, fields: readonly string[] = [], method = 'GET'): Buffer {
  return Buffer.from(
    [`${method} ${path} HTTP/1.1`, 'Host: origin', ...fields, '', ''].join('\r\n'),
    'latin1',
  )
}

/** The same bytes; where something malformed is pipelined, as far as both go. */
async function checkSame(t: Test, lanes: TwoLanes, bytes: Uint8Array | Uint8Array[], name: string) {
  const [plain, express] = await lanes.answers(bytes)
  if (isAlike(plain, express)) t.pass(name)
  else t.equal(express, plain, name)
  return plain
}

t.test('what players and CDNs ask is answered alike, and by the express lane', async (t) => {
  const lanes = await openFilled(t)
  const key = `Authorization: ${lanes.player}`
  const token = `?token=${lanes.player}`
  const base = '/cache/live-origin'
  const asked: [string, Buffer, RegExp][] = [
    ['playlist', get(`${base}/p.m3u8`, [key]), /^HTTP\/1\.1 200 /],
    [
      'playlist, gzip',
      get(`${base}/p.m3u8`, [key, 'Accept-Encoding: gzip']),
      /Content-Encoding: gzip/,
    ],
    ['playlist by token', get(`${base}/p.m3u8${token}`), /private/],
    ['playlist, HEAD', get(`${base}/p.m3u8`, [key], 'HEAD'), /^HTTP\/1\.1 200 /],
    ['segment', get(`${base}/s0.ts`, [key]), /Content-Length: 200000/],
    ['segment, HEAD', get(`${base}/s0.ts`, [key], 'HEAD'), /Content-Length: 200000/],
    ['small segment', get(`${base}/small.ts`, [key]), /\r\n\r\nsegment$/],
    ['range from 0', get(`${base}/s0.ts`, [key, 'Range: bytes=0-']), /^HTTP\/1\.1 206 /],
    ['range', get(`${base}/s0.ts`, [key, 'Range: bytes=5-9']), /Content-Range: bytes 5-9/],
    ['range beyond', get(`${base}/s0.ts`, [key, 'Range: bytes=900000-']), /^HTTP\/1\.1 416 /],
    ['304', get(`${base}/small.ts`, [key, 'If-None-Match: *']), /^HTTP\/1\.1 304 /],
    ['412', get(`${base}/small.ts`, [key, 'If-Match: "x"']), /^HTTP\/1\.1 412 /],
    ['active type', get(`${base}/page`, [key]), /Content-Security-Policy: sandbox/],
    ['miss', get(`${base}/none.ts`, [key]), /^HTTP\/1\.1 404 /],
    ['miss of CloudFront', get(`${base}/none.ts`, [key, 'X-Amz-Cf-Id: a']), /no-store/],
    ['no such cache', get('/cache/nowhere/a', [key]), /^HTTP\/1\.1 40[34] /],
    ['query key', get(`${base}?key=small.ts`, [key]), /segment$/],
    ['no key', get(`${base}`, [key]), /^HTTP\/1\.1 400 /],
    ['no credential', get(`${base}/small.ts`), /^HTTP\/1\.1 401 /],
    ['wrong credential', get(`${base}/small.ts`, ['Authorization: x']), /^HTTP\/1\.1 401 /],
    ['a page', get(`${base}/small.ts`, [key, 'Origin: https://a.example']), /Access-Control/],
    ['kept alive', get(`${base}/small.ts`, [key, 'Connection: keep-alive']), /Keep-Alive/],
    ['escaped key', get(`${base}/sm%61ll.ts`, [key]), /segment$/],
  ]
  for (const [name, bytes, expected] of asked) {
    t.match(await checkSame(t, lanes, bytes, name), expected, name)
  }
  t.equal(await lanes.expressCount(), asked.length)
})

t.test('many on one connection, in their order', async (t) => {
  const lanes = await openFilled(t)
  const key = `Authorization: ${lanes.player}`
  const small = get('/cache/live-origin/small.ts', [key])
  const large = get('/cache/live-origin/s0.ts', [key])
  const missing = get('/cache/live-origin/none', [key])
  const all = Array.from({ length: 60 }, (_, index) => [small, large, missing][index % 3] ?? small)
  const text = await checkSame(t, lanes, Buffer.concat(all), 'one write')
  t.equal(text.match(/HTTP\/1\.1 /g)?.length, 60)
  await checkSame(t, lanes, all, 'one write each')
})

t.test('a connection that asks something else goes to the other lane, for good', async (t) => {
  const lanes = await openFilled(t)
  const key = `Authorization: ${lanes.player}`
  const small = get('/cache/live-origin/small.ts', [key])
  const others = [
    get('/health/live'),
    get('/'),
    get('/cache/live-origin/small.ts', [key], 'OPTIONS'),
    Buffer.from(
      `PUT /cache/live-origin/new?ttl_seconds=60 HTTP/1.1\r\nHost: a\r\nAuthorization: ${lanes.encoder}\r\nContent-Length: 3\r\n\r\nabc`,
    ),
    Buffer.from(
      `PUT /cache/live-origin/new?ttl_seconds=60 HTTP/1.1\r\nHost: a\r\nAuthorization: ${lanes.encoder}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
    ),
    get('/cache/live-origin/small.ts', [key, 'Connection: close']),
    Buffer.from('GET /cache/live-origin/small.ts HTTP/1.0\r\n\r\n'),
  ]
  for (const [index, other] of others.entries()) {
    const text = await checkSame(
      t,
      lanes,
      Buffer.concat([small, other, small]),
      `other ${String(index)}`,
    )
    t.match(text, /^HTTP\/1\.1 200 /)
    await checkSame(t, lanes, [small, other, small], `other ${String(index)}, in parts`)
  }
})

t.test('byte by byte, and cut off at every byte', async (t) => {
  const lanes = await openFilled(t)
  const whole = get('/cache/live-origin/small.ts', [`Authorization: ${lanes.player}`])
  await checkSame(
    t,
    lanes,
    Array.from(whole, (byte) => Buffer.of(byte)),
    'byte by byte',
  )
  for (let length = 0; length < whole.length; length++) {
    const [plain, express] = await lanes.answers(whole.subarray(0, length))
    if (!isAlike(plain, express)) t.equal(express, plain, `the first ${String(length)} bytes`)
  }
  t.pass('each prefix')
})

t.test('what smuggles requests through other servers', async (t) => {
  const lanes = await openFilled(t)
  for (const { name, bytes } of smugglingCorpus(lanes.player)) {
    await checkSame(t, lanes, bytes, name)
  }
})

t.test('generated requests', async (t) => {
  const lanes = await openFilled(t)
  const generator = new RequestGenerator(1, lanes.player)
  let differed = 0
  for (let count = 0; count < FUZZED_COUNT && differed < 5; count++) {
    const { bytes, isOrdinary } = generator.next()
    const [plain, express] = await lanes.answers(bytes)
    if (isOrdinary ? plain === express : isAlike(plain, express)) continue
    differed++
    t.equal(express, plain, JSON.stringify(bytes.toString('latin1')))
  }
  t.equal(differed, 0)
})
