/** The recorder beside the data plane: what gets onto a tape, and that uploads never notice. */

import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { gunzipSync, gzipSync } from 'node:zlib'
import t from 'tap'
import type { Test } from 'tap'
import type { Headwater } from '../../../src/app.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { parseCacheName } from '../../../src/base/names.ts'
import type { TapeItem } from '../../../src/cli/tape/tape-reader.ts'
import { Recordings, RECORDINGS_MAX } from '../../../src/http/rig/recordings.ts'
import type { TapeRequest } from '../../../src/tape/tape-format.ts'
import { readAll } from '../../cli/tape/tape-bytes.ts'
import { http } from '../../support/http.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { basicAuthorization, innerJwt, openOrigin } from '../../support/origin.ts'
import { RawClient } from '../../support/raw-client.ts'

/** A recording by the admin API: the tape's bytes so far. */
async function startTape(
  t: Test,
  { adminUrl, keys }: Headwater,
  body: object = {},
): Promise<{ readonly response: IncomingMessage; readonly bytes: () => Buffer }> {
  const request = httpRequest(`${adminUrl}/api/recordings`, {
    method: 'POST',
    headers: { authorization: keys.superUser, 'content-type': 'application/json' },
  })
  request.end(JSON.stringify({ cache: 'live-origin', ...body }))
  // The event's one argument.
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  response.on('data', (chunk: Buffer) => chunks.push(chunk))
  response.on('error', () => undefined)
  t.teardown(() => response.destroy())
  return { response, bytes: () => Buffer.concat(chunks) }
}

async function stopTape({ adminUrl, keys }: Headwater, cache = 'live-origin'): Promise<number> {
  const headers = { authorization: keys.superUser }
  return (await http(`${adminUrl}/api/recordings/${cache}`, { method: 'DELETE', headers })).status
}

/** Records while the work runs, and reads the tape. */
async function record(
  t: Test,
  origin: Headwater,
  work: () => Promise<unknown>,
  body: object = {},
): Promise<{ readonly bytes: Buffer; readonly items: readonly TapeItem[] }> {
  const tape = await startTape(t, origin, body)
  await work()
  await stopTape(origin)
  if (!tape.response.complete) await once(tape.response, 'end')
  const { items, isCut } = await readAll(tape.bytes())
  t.notOk(isCut, 'the tape is whole')
  return { bytes: tape.bytes(), items }
}

function requestsOf(items: readonly TapeItem[]): readonly TapeRequest[] {
  return items.flatMap(({ record }) => (record.type === 'request' ? [record] : []))
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((done) => setTimeout(done, 5))
}

const RIG = { rig: { enabled: true } } as const

t.test('methods, keys, fields, bodies, statuses and connections are on the tape', async (t) => {
  const origin = await openOrigin(t, RIG)
  const { encoder } = origin.keys
  const { items } = await record(t, origin, async () => {
    const client = await RawClient.open(origin.dataPlaneUrl)
    const headers = [`Authorization: ${encoder}`, 'User-Agent: Lavf/61', 'X-Order: 1']
    await client.request(
      ...(['PUT', '/cache/live-origin/a%20b/(1).ts?ttl_seconds=60&role=origin'] as const),
      ...([[...headers, 'Host: a', 'Content-Length: 3'], 'abc'] as const),
    )
    await client.request('POST', '/cache/live-origin?ttl_seconds=60&key=b.ts', [
      ...[...headers, 'Host: a', 'Content-Length: 0'],
    ])
    await client.request('DELETE', '/cache/live-origin/b.ts', [...headers, 'Host: a'])
    await client.request('GET', '/cache/live-origin/b.ts', [...headers, 'Host: a'])
    client.destroy()
    const other = await RawClient.open(origin.dataPlaneUrl)
    await other.request('MKCOL', '/cache/live-origin/dir/', [...headers, 'Host: a'])
    await other.request('PUT', '/cache/other/x.ts', [...headers, 'Host: a', 'Content-Length: 0'])
  })
  t.match(requestsOf(items), [
    {
      ...{ number: 1, connection: 1, method: 'PUT', path: 'a%20b/(1).ts' },
      query: 'ttl_seconds=60&role=origin',
      headers: [
        ['User-Agent', 'Lavf/61'],
        ['X-Order', '1'],
        ['Host', 'a'],
        ['Content-Length', '3'],
      ],
      ...{ credential: 'header', framing: 'length', lengthBytes: 3, sizeBytes: 3 },
      ...{ end: 'whole', status: 204 },
    },
    {
      method: 'POST',
      path: '',
      query: 'ttl_seconds=60&key=b.ts',
      status: 400,
      reason: 'body-empty',
    },
    { method: 'DELETE', path: 'b.ts', status: 204, framing: 'none', connection: 1 },
    { method: 'MKCOL', path: 'dir/', status: 201, connection: 2 },
  ])
  t.equal(items[0]?.body.toString(), 'abc')
  t.ok(items.some(({ record }) => record.type === 'close' && record.connection === 1))
})

t.test('chunks keep their time and an upload that breaks off is one', async (t) => {
  const clock = new ManualClock()
  const origin = await openOrigin(t, RIG, { clock })
  const { items } = await record(t, origin, async () => {
    const client = await RawClient.open(origin.dataPlaneUrl)
    const headers = [`Authorization: ${origin.keys.encoder}`, 'Transfer-Encoding: chunked']
    const seen = () => origin.dataPlaneUrl !== ''
    await client.send(
      `PUT /cache/live-origin/1.ts HTTP/1.1\r\nHost: a\r\n${headers.join('\r\n')}\r\n\r\n`,
    )
    for (const text of ['one', 'two!']) {
      await client.sendChunk(text)
      await new Promise((done) => setTimeout(done, 20))
      t.ok(seen())
    }
    await client.send('0\r\n\r\n')
    await client.readResponse()
    await client.send(
      `PUT /cache/live-origin/2.ts HTTP/1.1\r\nHost: a\r\n${headers.join('\r\n')}\r\n\r\n`,
    )
    await client.sendChunk('torn')
    await new Promise((done) => setTimeout(done, 20))
    client.destroy()
    const api = `${origin.adminUrl}/api/recordings`
    const authorization = origin.keys.superUser
    for (let count = 0; count < 2;) {
      const { text } = await http(api, { headers: { authorization } })
      count = Number(/"requestCount":(\d+)/.exec(text)?.[1])
    }
  })
  const [whole, torn] = requestsOf(items)
  t.match(whole, { framing: 'chunked', sizeBytes: 7, end: 'whole', status: 204 })
  t.same(
    whole?.chunks.map(([, bytes]) => bytes),
    [3, 4],
  )
  t.match(torn, { sizeBytes: 4, end: 'aborted', status: 0, connection: 1 })
})

t.test('no form of a credential is anywhere on the tape', async (t) => {
  const origin = await openOrigin(t, RIG)
  const key = origin.keys.encoder
  const jwt = innerJwt(key)
  const url = `${origin.dataPlaneUrl}/cache/live-origin`
  await http(`${origin.adminUrl}/api/caches/live-origin`, {
    method: 'PATCH',
    headers: { authorization: origin.keys.superUser, 'content-type': 'application/json' },
    body: JSON.stringify({ playlistTokens: 'keep' }),
  })
  const playlistOf = (uri: string) =>
    `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:2,\n${uri}\n`
  const percent = [...jwt].map((char) => `%${char.charCodeAt(0).toString(16)}`).join('')
  const basic = Buffer.from(`momento:${key}`).toString('base64')
  const { bytes, items } = await record(t, origin, async () => {
    const put = (name: string, body: string | Buffer, headers: Record<string, string> = {}) =>
      http(`${url}/${name}`, { method: 'PUT', body, headers })
    await put(`1.ts?token=${key}&ttl_seconds=60`, 'media')
    await put('2.ts', 'media', { authorization: basicAuthorization(key) })
    await put('3.ts', 'media', { authorization: `Bearer ${jwt}`, 'x-note': `key is ${jwt}` })
    await put('4.ts', 'media', {
      authorization: key,
      cookie: `a=${key}`,
      'x-amz-security-token': 'a',
    })
    await put('5.ts', 'media', { authorization: key, referer: `http://a/?token=${percent}` })
    const headers = { authorization: key }
    await put('a.m3u8', playlistOf(`1.ts?token=${key}&ttl_seconds=60`), headers)
    await put('b.m3u8', playlistOf(`http://u:${key}@other.example/1.ts?a=${percent}&b=1`), headers)
    await put('c.m3u8', `${playlistOf('1.ts')}## made with ${jwt}\n`, headers)
    await put('d.m3u8', `${playlistOf('1.ts')}## Authorization: Basic ${basic}\n`, headers)
    await put('e.m3u8', gzipSync(playlistOf(`1.ts?token=${jwt}`)), headers)
    await put('f.m3u8', `${playlistOf('1.ts')}## ${percent}\n`, headers)
    await put('g.mpd', `<MPD><BaseURL>x/?token=${jwt}&amp;b=1</BaseURL></MPD>`, headers)
    await put('h.ts', `media with ${key} in it`, headers)
    await put(`${jwt}.ts`, 'media', headers)
    await put('j.vtt', `WEBVTT\n\nNOTE ${jwt}\n`, headers)
  })
  const texts = [bytes.toString('latin1')]
  for (const { body } of items) {
    if (body[0] === 0x1f) texts.push(gunzipSync(body).toString('latin1'))
  }
  const forms = [key, jwt, percent, percent.toUpperCase().replaceAll('%', '%'), basic]
  for (const [index, form] of [...forms, jwt.slice(40, 80), basic.slice(40, 80)].entries()) {
    t.notOk(
      texts.some((text) => text.includes(form)),
      `form ${index}`,
    )
  }
  const byPath = new Map(
    items.flatMap(({ record, body }) =>
      record.type === 'request' ? [[record.path, { record, text: body.toString('latin1') }]] : [],
    ),
  )
  t.match(byPath.get('1.ts')?.record, { query: 'ttl_seconds=60', credential: 'query', status: 204 })
  t.equal(byPath.get('a.m3u8')?.text, playlistOf('1.ts?ttl_seconds=60'))
  t.equal(byPath.get('b.m3u8')?.text, playlistOf('http://other.example/1.ts?b=1'))
  t.match(byPath.get('c.m3u8')?.text, '## made with [redacted]')
  t.match(byPath.get('g.mpd')?.text, '<BaseURL>x/?b=1</BaseURL>')
  t.match(byPath.get('j.vtt')?.text, 'NOTE [redacted]')
  t.equal(byPath.get('a.m3u8')?.record.lengthBytes, playlistOf('1.ts?ttl_seconds=60').length)
  const gaps = items.flatMap(({ record }) => (record.type === 'gap' ? [record] : []))
  t.match(gaps, [{ reason: 'credential' }])
  t.equal(
    gaps.reduce((sum, { requestCount }) => sum + requestCount, 0),
    3,
    'f, h and the key',
  )
})

t.test('scrubbed media are sizes, playlists stay', async (t) => {
  const origin = await openOrigin(t, RIG)
  const playlist = '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n1.ts\n'
  const { items, bytes } = await record(
    ...([t, origin] as const),
    async () => {
      const headers = { authorization: origin.keys.encoder }
      const url = `${origin.dataPlaneUrl}/cache/live-origin`
      await http(`${url}/1.ts`, { method: 'PUT', body: 'secret media', headers })
      await http(`${url}/a.m3u8`, { method: 'PUT', body: playlist, headers })
    },
    { scrubMedia: true },
  )
  t.match(requestsOf(items), [
    { path: '1.ts', sizeBytes: 12, isScrubbed: true },
    { path: 'a.m3u8', isScrubbed: undefined },
  ])
  t.equal(items[1]?.body.toString(), playlist)
  t.notOk(bytes.includes('secret media'))
})

t.test('a cache has one recorder; the second is refused until the first has gone', async (t) => {
  const origin = await openOrigin(t, RIG)
  const first = await startTape(t, origin)
  const headers = { authorization: origin.keys.superUser, 'content-type': 'application/json' }
  const begin = (body: object) =>
    http(`${origin.adminUrl}/api/recordings`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
  const second = await begin({ cache: 'live-origin' })
  t.equal(second.status, 409)
  t.match(second.text, /HW_RECORDING_EXISTS.*is being recorded/)
  t.equal((await begin({ cache: 'absent' })).status, 404)
  t.equal((await begin({ cache: 'live-origin', seconds: 0 })).status, 400)
  t.equal((await begin({ cache: 'live-origin', seconds: 86_401 })).status, 400)
  const list = () => http(`${origin.adminUrl}/api/recordings`, { headers })
  t.match((await list()).text, /"cache":"live-origin".*"missedCount":0/)
  first.response.destroy()
  while ((await list()).text.includes('live-origin'))
    await new Promise((done) => setTimeout(done, 5))
  const put = await http(`${origin.dataPlaneUrl}/cache/live-origin/1.ts`, {
    ...{ method: 'PUT', body: 'x', headers: { authorization: origin.keys.encoder } },
  })
  t.equal(put.status, 204, 'uploads go on without the recorder')
  const third = await startTape(t, origin, { seconds: 86_400 })
  t.equal(third.response.statusCode, 200)
  t.equal(await stopTape(origin), 204)
  t.equal(await stopTape(origin), 404)
})

t.test('a recorder that goes in the middle of an upload does not end it', async (t) => {
  const origin = await openOrigin(t, RIG)
  const tape = await startTape(t, origin)
  const client = await RawClient.open(origin.dataPlaneUrl)
  await client.send(
    `PUT /cache/live-origin/1.ts HTTP/1.1\r\nHost: a\r\nAuthorization: ${origin.keys.encoder}\r\nContent-Length: 6\r\n\r\nabc`,
  )
  tape.response.destroy()
  await new Promise((done) => setTimeout(done, 20))
  await client.send('def')
  t.equal((await client.readResponse()).status, 204)
  client.destroy()
})

t.test(
  'uploads in progress when a tape ends are counted, and tapes end with the server',
  async (t) => {
    const origin = await openOrigin(t, RIG)
    const tape = await startTape(t, origin)
    const client = await RawClient.open(origin.dataPlaneUrl)
    await client.send(
      `PUT /cache/live-origin/1.ts HTTP/1.1\r\nHost: a\r\nAuthorization: ${origin.keys.encoder}\r\nContent-Length: 6\r\n\r\nabc`,
    )
    await new Promise((done) => setTimeout(done, 20))
    await origin.close()
    await until(() => tape.bytes().includes('"end"'))
    const { items, isCut } = await readAll(tape.bytes())
    t.notOk(isCut)
    t.match(items.at(-1)?.record, { type: 'end', requestCount: 0, unfinishedCount: 1 })
    client.destroy()
  },
)

t.test('without a rig there is nothing, and keys of the data plane may not', async (t) => {
  const plain = await openOrigin(t)
  const authorization = plain.keys.superUser
  for (const [method, path] of [
    ['GET', ''],
    ['DELETE', '/x'],
  ] as const) {
    const answer = await http(`${plain.adminUrl}/api/recordings${path}`, {
      ...{ method, headers: { authorization } },
    })
    t.match(answer, { status: 404, text: /HW_RIG_DISABLED/ })
  }
  const rig = await openOrigin(t, RIG)
  const refused = await http(`${rig.adminUrl}/api/recordings`, {
    headers: { authorization: rig.keys.encoder },
  })
  t.equal(refused.status, 403)
})

t.test(
  'a reader that is slow gets a gap, one that takes nothing for a minute is given up',
  async (t) => {
    const clock = new ManualClock()
    const recordings = new Recordings(clock, clock)
    const cacheName = parseCacheName('live-origin')
    if (cacheName === undefined) throw new Error('a name')
    const written: Uint8Array[] = []
    let waitingBytes = 0
    const ends: string[] = []
    const sink = {
      write: (bytes: Uint8Array) => void written.push(bytes),
      get waitingBytes() {
        return waitingBytes
      },
      end: (how: string) => void ends.push(how),
    }
    const recording = recordings.begin({
      ...{ cacheName, isScrubbed: false, sink, waitingBytesMax: 1000, heldBytesMax: 10 },
    })
    const origin = await openOrigin(t)
    const { createServer } = await import('node:http')
    const server = createServer((request, response) => {
      recordings.watch(request, response)
      request.resume().on('end', () => response.writeHead(204).end())
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    t.teardown(() => server.close())
    // A server that listens has an address of this form.
    const { port } = server.address() as { readonly port: number }
    const put = async (path: string, body: string) => {
      const { requestCount, missedCount } = recording.stats
      await http(`http://127.0.0.1:${port}/cache/live-origin/${path}`, { method: 'PUT', body })
      const { stats } = recording
      await until(
        () =>
          stats.requestCount + stats.missedCount > requestCount + missedCount || ends.length > 0,
      )
    }
    await put('1.ts', '1234567890')
    waitingBytes = 1001
    await put('2.ts', 'x')
    await put('3.ts', 'x')
    waitingBytes = 1000
    await put('4.ts', '12345678901')
    await put('5.ts', 'x')
    const { items } = await readAll(Buffer.concat(written))
    t.match(
      items.filter(({ record }) => record.type !== 'close').map(({ record }) => record),
      [
        { type: 'request', path: '1.ts' },
        { type: 'gap', reason: 'slow', requestCount: 2 },
        { type: 'gap', reason: 'large', requestCount: 1 },
        { type: 'request', path: '5.ts' },
      ],
    )
    t.match(recording.stats, { requestCount: 2, missedCount: 3 })
    waitingBytes = 1001
    clock.advance(60_001)
    await put('6.ts', 'x')
    t.same(ends, ['broken'])
    await put('7.ts', 'x')
    recording.stop()
    t.same(ends, ['broken'])
    t.ok(origin)
  },
)

t.test('seconds are of the injected clock, and recordings have a bound', (t) => {
  const clock = new ManualClock()
  const recordings = new Recordings(clock, systemClock)
  const ends: string[] = []
  const sink = {
    write: () => undefined,
    waitingBytes: 0,
    end: (how: string) => void ends.push(how),
  }
  const begin = (name: string) => {
    const cacheName = parseCacheName(name)
    if (cacheName === undefined) throw new Error(name)
    return recordings.begin({ cacheName, isScrubbed: false, seconds: 5, sink })
  }
  for (let index = 0; index < RECORDINGS_MAX; index++) begin(`cache-${index}`)
  t.throws(() => begin('one-more'), { code: 'HW_RECORDING_EXISTS' })
  clock.advance(4999)
  t.equal(ends.length, 0)
  clock.advance(1)
  t.same(ends, Array(RECORDINGS_MAX).fill('whole'))
  t.same(recordings.list(), [])
  t.end()
})
