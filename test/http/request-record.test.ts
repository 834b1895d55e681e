import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import type { Headwater } from '../../src/app.ts'
import { attachRecord, RequestRecord } from '../../src/http/request-record.ts'
import { parseItemTarget } from '../../src/wire/target.ts'
import { closeIdleConnections, http } from '../support/http.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { openOrigin } from '../support/origin.ts'
import { RawClient, head } from '../support/raw-client.ts'

type Settings = Parameters<typeof openOrigin>[1]

/** An origin that logs everything; its lines are read after its close. */
async function open(t: Test, settings: Settings = {}) {
  const path = join(t.testdir(), 'access.log')
  const clock = new ManualClock()
  const origin = await openOrigin(t, { accessLog: { path, sample: 1 }, ...settings }, { clock })
  const url = (key: string) => `${origin.dataPlaneUrl}/cache/live-origin/${key}`
  const put = (key: string, body: string) =>
    http(url(key), { method: 'PUT', body, headers: { authorization: origin.keys.encoder } })
  const get = (key: string, headers: Record<string, string> = {}, method = 'GET') =>
    http(url(key), { method, headers: { authorization: origin.keys.player, ...headers } })
  const lines = async () => {
    closeIdleConnections()
    await origin.close()
    const text = await readFile(path, 'utf8')
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }
  return { origin, clock, url, put, get, lines }
}

const live = (count: number) =>
  `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:1\n` +
  Array.from({ length: count }, (_, index) => `#EXTINF:2,\nseg_${index + 1}.ts\n`).join('')

async function untilWaiting(origin: Headwater, count: number): Promise<void> {
  for (;;) {
    const { text } = await http(`${origin.adminUrl}/metrics`)
    if (text.includes(`headwater_waiters ${count}\n`)) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}

t.test('one line for each request, with its bytes, age, key and reason', async (t) => {
  const { clock, put, get, lines } = await open(t)
  await put('a.ts', 'twelve bytes')
  clock.advance(1500)
  await get('a.ts')
  await get('a.ts', { range: 'bytes=2-4' })
  await get('a.ts', {}, 'HEAD')
  await get('b.ts')
  await get('a.ts', { authorization: 'nothing-known' })
  await get('a.ts', {}, 'DELETE')
  await get('a.ts', {}, 'PATCH')
  const read = { operation: 'get_object', status: 'cache_hit', object_age_us: 1_500_000 }
  t.match(await lines(), [
    { operation: 'put_object', status: 'ok', size: 12, http_status_code: 204, key_id: String },
    { ...read, size: 12, http_status_code: 200, key: 'a.ts', store: 'live-origin' },
    { ...read, size: 3, http_status_code: 206 },
    { ...read, size: 0, http_status_code: 200, method: 'HEAD' },
    { operation: 'get_object', status: 'miss', reason: 'key-not-found', object_age_us: undefined },
    { status: 'authz_error', reason: /^credential-/, key_id: undefined },
    {
      operation: 'delete_object',
      status: 'authz_error',
      reason: 'permission-denied',
      key_id: String,
    },
    { operation: 'other', status: 'bad_request', reason: 'method-not-allowed' },
  ])
})

t.test('an upload that breaks off and a refused body count what came of them', async (t) => {
  const { origin, url, get, lines } = await open(t)
  const refused = new Promise((resolve) => origin.events.once('write-refused', resolve))
  const encoder = await RawClient.open(origin.dataPlaneUrl)
  await encoder.send(
    head('PUT', '/cache/live-origin/a.ts', [
      `Authorization: ${origin.keys.encoder}`,
      'Content-Length: 100',
    ]),
  )
  await encoder.send('ten bytes.')
  // The bytes have arrived when the read of them has.
  while ((await get('a.ts', {}, 'HEAD')).status !== 200) await new Promise(setImmediate)
  encoder.destroy()
  await refused
  await http(url('b.ts'), { method: 'PUT', body: 'seven..', headers: {} })
  const written = (await lines()).filter(({ operation }) => operation === 'put_object')
  t.match(written, [
    { reason: 'body-incomplete', size: 10, http_status_code: 0, aborted: true },
    { reason: 'credential-missing', size: 7, http_status_code: 401 },
  ])
})

t.test('an answer that is broken off is told once, as broken off', async (t) => {
  const ended: RequestRecord[] = []
  let told = () => undefined as void
  const isTold = new Promise<void>((resolve) => (told = resolve))
  const observer = {
    requestEnded: (record: RequestRecord) => {
      ended.push(record)
      told()
    },
  }
  const server = createServer((request, response) => {
    const recording = { clock: new ManualClock(), observers: [observer] }
    const target = parseItemTarget(request.url ?? '')
    attachRecord(response, new RequestRecord(recording, request, target, 'read', ''))
    response.writeHead(200, { 'content-length': '10' })
    response.write('half.')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const reader = await RawClient.open(`http://127.0.0.1:${port}`)
  await reader.send(head('GET', '/cache/c/a.ts', []))
  reader.destroy()
  await isTold
  t.match(ended, [{ statusCode: 200, isComplete: false, reason: undefined }])
  t.equal(ended.length, 1)
})

t.test('Server-Timing: at once, waited for, missed after waiting', async (t) => {
  const { origin, clock, put, get, lines } = await open(t)
  await put('a.ts', 'a')
  t.equal((await get('a.ts')).headers['server-timing'], 'origin;desc="hit";dur=0')
  t.equal((await get('none.ts')).headers['server-timing'], undefined)
  await put('live.m3u8', live(2))
  const held = get('seg_1.ts')
  const missed = get('seg_2.ts')
  await untilWaiting(origin, 2)
  clock.advance(250)
  await put('seg_1.ts', 'one')
  // Held until it was there, or until its upload could be read along.
  t.match(
    (await held).headers['server-timing'],
    /^origin;desc="(?:held|streamed)";dur=250, hold;dur=250$/,
  )
  clock.advance(1750)
  t.equal((await missed).headers['server-timing'], 'origin;desc="miss";dur=2000, hold;dur=2000')
  t.match(
    (await lines()).filter((line) => line['held_us'] !== undefined),
    [
      { held_us: 250_000, status: 'cache_hit', total_time_us: 250_000 },
      { held_us: 2_000_000, status: 'miss' },
    ],
  )
})

t.test('an upload that is read while it is written says so', async (t) => {
  const { origin, get, lines } = await open(t)
  const encoder = await RawClient.open(origin.dataPlaneUrl)
  await encoder.send(
    head('PUT', '/cache/live-origin/a.ts', [
      `Authorization: ${origin.keys.encoder}`,
      'Transfer-Encoding: chunked',
    ]),
  )
  await encoder.sendChunk('one')
  while ((await get('a.ts', {}, 'HEAD')).status !== 200) await new Promise(setImmediate)
  const reader = get('a.ts')
  await encoder.send('0\r\n\r\n')
  const { headers, text } = await reader
  t.equal(text, 'one')
  t.match(headers['server-timing'], /^origin;desc="(?:streamed|hit)";dur=0$/)
  const streamed = (await lines()).filter((line) => line['in_progress'] === true)
  t.ok(streamed.length > 0)
  t.match(streamed, [{ status: 'cache_hit', object_age_us: undefined }])
})

t.test('Momento says nothing of times, and neither does its profile', async (t) => {
  const { put, get } = await open(t, { delivery: { serverTiming: false } })
  await put('a.ts?ttl_seconds=60', 'a')
  t.equal((await get('a.ts')).headers['server-timing'], undefined)
})
