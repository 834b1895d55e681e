/**
 * Uploads that are too large, too short, torn, empty, endless, slow or not what their name says:
 * the old object stays, the answer says why, the connection serves the next request where it can.
 */

import { gzipSync } from 'node:zlib'
import t from 'tap'
import type { Test } from 'tap'
import type { Headwater } from '../../src/app.ts'
import { http } from '../support/http.ts'
import { RawClient, head } from '../support/raw-client.ts'
import { openOrigin } from '../support/origin.ts'
import { checkRefusal, checkUsable } from '../support/refusal-checks.ts'

const MIB = 1024 * 1024
const TARGET = '/cache/live-origin/a.ts'
const PLAYLIST = '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n'

/** Uploads in flight may hold as much as one object. */
const SMALL = {
  limits: { uploadsInFlightBytesMax: MIB },
  caches: { defaults: { itemSizeBytesMax: MIB } },
}

/** A client with a good key and something stored under {@link TARGET}. */
async function openClient(t: Test, origin: Headwater) {
  const client = await RawClient.open(origin.dataPlaneUrl)
  t.teardown(() => client.destroy())
  const auth = `Authorization: ${origin.keys.encoder}`
  const put = (body: string | Uint8Array, headers: readonly string[] = [], target = TARGET) => {
    const length = `Content-Length: ${String(body.length)}`
    return client.request('PUT', target, [auth, length, ...headers], body)
  }
  t.equal((await put('the old object')).status, 204)
  const read = (target = TARGET) => client.request('GET', target, [auth])
  const checkOld = async () => t.equal((await read()).body.toString(), 'the old object')
  return { client, auth, put, read, checkOld }
}

/** Sends a chunked body of `sizeBytes` in pieces of 64 KiB; stops when the connection ends. */
async function sendChunks(client: RawClient, sizeBytes: number): Promise<void> {
  const piece = Buffer.alloc(65_536, 0x47)
  for (let sent = 0; sent < sizeBytes && client.end === 'open'; sent += piece.length) {
    await client.sendChunk(piece.subarray(0, Math.min(piece.length, sizeBytes - sent)))
  }
}

t.test('10 MiB is stored, one byte more is 413, by length and by chunks', async (t) => {
  const origin = await openOrigin(t)
  const { client, auth, put, read, checkOld } = await openClient(t, origin)
  const chunked = [auth, 'Transfer-Encoding: chunked']
  checkRefusal(t, await put(Buffer.alloc(10 * MIB + 1)), 413, 'body-too-large')
  await checkOld()
  await client.send(head('PUT', TARGET, chunked))
  await sendChunks(client, 10 * MIB + 1)
  await client.send('0\r\n\r\n')
  checkRefusal(t, await client.readResponse('PUT'), 413, 'body-too-large')
  await checkOld()

  t.equal((await put(Buffer.alloc(10 * MIB, 1))).status, 204)
  t.equal((await read()).body.length, 10 * MIB)
  await client.send(head('PUT', TARGET, chunked))
  await sendChunks(client, 10 * MIB)
  await client.send('0\r\n\r\n')
  t.equal((await client.readResponse('PUT')).status, 204)
  t.equal((await read()).body[0], 0x47)
  await checkUsable(t, client)
})

t.test('a too large upload that asks first is refused before its body', async (t) => {
  const origin = await openOrigin(t)
  const { client, auth } = await openClient(t, origin)
  const length = `Content-Length: ${String(10 * MIB + 1)}`
  await client.send(head('PUT', TARGET, [auth, 'Expect: 100-continue', length]))
  checkRefusal(t, await client.readResponse('PUT'), 413, 'body-too-large')
  client.destroy()
  const reader = await RawClient.open(origin.dataPlaneUrl)
  t.equal((await reader.request('GET', TARGET, [auth])).body.toString(), 'the old object')
  reader.destroy()
})

t.test(
  'Expect: 100 and then 204 with a good key, 401 and never a 100 with a bad one',
  async (t) => {
    const origin = await openOrigin(t)
    const { client, auth, read } = await openClient(t, origin)
    for (const framing of ['Content-Length: 3', 'Transfer-Encoding: chunked']) {
      await client.send(head('PUT', TARGET, [auth, 'Expect: 100-continue', framing]))
      t.equal((await client.readResponse('PUT')).status, 100)
      await client.send(framing.startsWith('C') ? 'new' : '3\r\nnew\r\n0\r\n\r\n')
      t.equal((await client.readResponse('PUT')).status, 204)
      t.equal((await read()).body.toString(), 'new')
    }
    await checkUsable(t, client)
    for (const [target, headers, status] of [
      [TARGET, [], 401],
      [TARGET, ['Authorization: nonsense'], 401],
      [TARGET, [`Authorization: ${origin.keys.player}`], 403],
      [`${TARGET}?ttl_seconds=0`, [auth], 400],
    ] as const) {
      const asking = await RawClient.open(origin.dataPlaneUrl)
      const lines = [...headers, 'Expect: 100-continue', 'Transfer-Encoding: chunked']
      await asking.send(head('PUT', target, lines))
      checkRefusal(t, await asking.readResponse('PUT'), status)
      asking.destroy()
    }
  },
)

t.test('a body that ends early or is torn changes nothing', async (t) => {
  const origin = await openOrigin(t)
  const { auth, checkOld } = await openClient(t, origin)
  const torn: readonly (readonly [string, string])[] = [
    ['Content-Length: 100000', 'x'.repeat(5000)],
    ['Transfer-Encoding: chunked', '1388\r\n' + 'x'.repeat(5000) + '\r\n'],
    ['Transfer-Encoding: chunked', 'ffff\r\nonly a part'],
    ['Content-Length: 100000', ''],
  ]
  for (const [framing, part] of torn) {
    for (const how of ['half-close', 'close', 'reset'] as const) {
      const client = await RawClient.open(origin.dataPlaneUrl)
      await client.send(head('PUT', TARGET, [auth, framing]), part)
      if (how === 'half-close') {
        client.endWriting()
        const answer = await client.tryReadResponse('PUT', 2_000)
        if (answer !== undefined) checkRefusal(t, answer, 400)
        t.equal(await client.waitForEnd(), 'fin', 'no reset')
      }
      if (how === 'reset') client.reset()
      else client.destroy()
      await checkOld()
    }
  }
})

t.test('an upload of a client that half-closes after its last byte is stored', async (t) => {
  const origin = await openOrigin(t)
  const { auth, read } = await openClient(t, origin)
  const hasty = await RawClient.open(origin.dataPlaneUrl)
  await hasty.send(head('PUT', TARGET, [auth, 'Transfer-Encoding: chunked', 'Connection: close']))
  await hasty.send('6\r\nhasty!\r\n0\r\n\r\n')
  hasty.endWriting()
  t.not(await hasty.waitForEnd(), 'reset')
  hasty.destroy()
  t.equal((await read()).body.toString(), 'hasty!')
})

t.test(
  'no framing is 411, Content-Range 400, an empty body 400: nothing is overwritten',
  async (t) => {
    const origin = await openOrigin(t)
    const { client, auth, put, checkOld } = await openClient(t, origin)
    for (const method of ['PUT', 'POST']) {
      checkRefusal(t, await client.request(method, TARGET, [auth]), 411, 'length-required')
    }
    const range = await put('tail', ['Content-Range: bytes 376-379/*'])
    checkRefusal(t, range, 400, 'content-range')
    checkRefusal(t, await put(''), 400, 'body-empty')
    const chunked = [auth, 'Transfer-Encoding: chunked']
    const empty = await client.request('POST', TARGET, chunked, '0\r\n\r\n')
    checkRefusal(t, empty, 400, 'body-empty')
    await checkOld()
    await checkUsable(t, client)
  },
)

t.test('a cache with emptyBody: ignore answers probes with 204 and stores nothing', async (t) => {
  const origin = await openOrigin(t, { caches: { defaults: { emptyBody: 'ignore' } } })
  const { client, auth, put, read, checkOld } = await openClient(t, origin)
  t.equal((await put('')).status, 204)
  await checkOld()
  const probe = '/cache/live-origin/Streams(video.cmfv)'
  const chunked = [auth, 'Transfer-Encoding: chunked']
  t.equal((await client.request('POST', probe, chunked, '0\r\n\r\n')).status, 204)
  checkRefusal(t, await read(probe), 404)
})

t.test('a .m3u8 that is no playlist is 400; gzip-coded ones are stored as identity', async (t) => {
  const origin = await openOrigin(t)
  const { client, put, read } = await openClient(t, origin)
  const target = '/cache/live-origin/playlist.m3u8'
  const gzip = ['Content-Encoding: gzip']
  t.equal((await put(PLAYLIST, [], target)).status, 204)
  checkRefusal(t, await put(Buffer.alloc(188, 0x47), [], target), 400, 'not-a-playlist')
  checkRefusal(t, await put('#EXTM3', [], target), 400, 'not-a-playlist')
  checkRefusal(t, await put(gzipSync('plain text'), gzip, target), 400, 'not-a-playlist')
  checkRefusal(t, await put(gzipSync(PLAYLIST).subarray(0, 30), gzip, target), 400)
  checkRefusal(t, await put('not gzip at all', gzip, target), 400)
  t.equal((await read(target)).body.toString(), PLAYLIST, 'the old playlist stays')
  const mpd = '/cache/live-origin/manifest.mpd'
  checkRefusal(t, await put('G not xml', [], mpd), 400)

  for (const headers of [gzip, []]) {
    const text = `${PLAYLIST}#EXT-X-ENDLIST\n# ${String(headers.length)}\n`
    t.equal((await put(gzipSync(text), headers, target)).status, 204)
    const stored = await read(target)
    t.equal(stored.body.toString(), text)
    t.equal(stored.header('content-encoding'), undefined)
    t.equal(stored.header('content-length'), String(text.length))
  }
  // 64 MiB out of 64 KiB: unpacked no further than the size limit.
  const bomb = gzipSync(Buffer.concat([Buffer.from('#EXTM3U\n'), Buffer.alloc(64 * MIB)]))
  const refused = await put(bomb, gzip, target)
  t.ok(refused.status === 400 || refused.status === 413, String(refused.status))
  checkRefusal(t, refused, refused.status)
  await checkUsable(t, client)
})

t.test('an endless upload is cut after at most twice the limit, with an answer', async (t) => {
  const origin = await openOrigin(t)
  await origin.createCache('small', { itemSizeBytesMax: MIB })
  const { auth, checkOld } = await openClient(t, origin)
  for (const [headers, target, status, limitBytes] of [
    [['Authorization: nonsense'], TARGET, 401, 10 * MIB],
    [[], TARGET, 401, 10 * MIB],
    [[auth], TARGET, 413, 10 * MIB],
    [[auth], '/cache/small/a.ts', 403, 10 * MIB],
    [[`Authorization: ${origin.keys.superUser}`], '/cache/small/a.ts', 413, MIB],
  ] as const) {
    const client = await RawClient.open(origin.dataPlaneUrl)
    await client.send(head('PUT', target, [...headers, 'Transfer-Encoding: chunked']))
    const sending = sendChunks(client, 256 * MIB)
    checkRefusal(t, await client.tryReadResponse('PUT'), status)
    await sending
    // What the kernel buffers on a loopback connection comes on top: 32 MiB of it on a large Linux.
    const boundBytes = 2 * limitBytes + 48 * MIB
    t.ok(client.sentBytes < boundBytes, `cut after ${String(client.sentBytes)} bytes`)
    client.destroy()
  }
  await checkOld()
})

t.test('a refused body is drained for every reason, and the connection lives', async (t) => {
  const origin = await openOrigin(t)
  const { client, auth } = await openClient(t, origin)
  const body = Buffer.alloc(2 * MIB)
  for (const [target, headers, status] of [
    [TARGET, [], 401],
    [`${TARGET}?ttl_seconds=0`, [auth], 400],
    ['/cache/live-origin', [auth], 400],
    [TARGET, [`Authorization: ${origin.keys.player}`], 403],
    ['/cache/nowhere/a', [`Authorization: ${origin.keys.superUser}`], 404],
    [TARGET, [auth, 'Content-Range: bytes 0-1/2'], 400],
  ] as const) {
    const length = `Content-Length: ${String(body.length)}`
    const byLength = await client.request('PUT', target, [...headers, length], body)
    checkRefusal(t, byLength, status)
    await client.send(head('POST', target, [...headers, 'Transfer-Encoding: chunked']))
    await sendChunks(client, body.length)
    await client.send('0\r\n\r\n')
    checkRefusal(t, await client.readResponse('POST'), status)
  }
  await checkUsable(t, client)
})

t.test('a thousand slow uploads hold no more than the limit; the rest get 503', async (t) => {
  const origin = await openOrigin(t, SMALL)
  const { auth, put, read } = await openClient(t, origin)
  const key = origin.keys.superUser
  const body = Buffer.alloc(2048, 0x47)
  const clients: RawClient[] = []
  t.teardown(() => {
    for (const client of clients) client.destroy()
  })
  for (let batch = 0; batch < 10; batch++) {
    clients.push(
      ...(await Promise.all(
        Array.from({ length: 100 }, () => RawClient.open(origin.dataPlaneUrl)),
      )),
    )
  }
  const length = `Content-Length: ${String(body.length)}`
  await Promise.all(
    clients.map((client, index) => {
      const target = `/cache/live-origin/slow-${String(index)}.ts`
      return client.send(head('PUT', target, [auth, length]), body.subarray(0, -1))
    }),
  )
  // Once a further upload is refused, the bound is reached.
  let probe = await put(Buffer.alloc(4096))
  for (let attempt = 0; attempt < 2000 && probe.status === 204; attempt++) {
    probe = await put(Buffer.alloc(4096))
  }
  checkRefusal(t, probe, 503, 'uploads-busy')
  const metrics = await http(`${origin.adminUrl}/metrics`, { headers: { authorization: key } })
  const held = /^headwater_uploads_in_flight_bytes (\d+)$/m.exec(metrics.text)
  t.ok(Number(held?.[1]) > MIB / 2 && Number(held?.[1]) <= MIB, `${held?.[1] ?? 'no'} bytes held`)

  await Promise.all(clients.map((client) => client.send(body.subarray(-1))))
  const answers = await Promise.all(clients.map((client) => client.readResponse('PUT')))
  const stored = answers.filter(({ status }) => status === 204)
  const refused = answers.filter(({ status }) => status === 503)
  t.equal(stored.length + refused.length, 1000)
  t.ok(stored.length > 0 && refused.length > 0, `${String(stored.length)} were stored`)
  checkRefusal(t, refused[0], 503, 'uploads-busy')
  t.match(refused[0]?.header('retry-after'), /^\d+$/)
  const firstStored = answers.findIndex(({ status }) => status === 204)
  const target = `/cache/live-origin/slow-${String(firstStored)}.ts`
  t.ok((await read(target)).body.equals(body))
  t.equal((await put(Buffer.alloc(MIB - 4096))).status, 204, 'everything was given back')
})

t.test('what a vanished client had sent is given back', async (t) => {
  const origin = await openOrigin(t, SMALL)
  const { auth, put, read, checkOld } = await openClient(t, origin)
  const gone = await RawClient.open(origin.dataPlaneUrl)
  await gone.send(head('PUT', TARGET, [auth, 'Content-Length: 1000000']), Buffer.alloc(900_000))
  for (let turn = 0; turn < 20; turn++) await read()
  checkRefusal(t, await put(Buffer.alloc(900_000)), 503, 'uploads-busy')
  await checkOld()
  gone.reset()
  let status = 503
  for (let attempt = 0; attempt < 50 && status === 503; attempt++) {
    status = (await put(Buffer.alloc(900_000))).status
  }
  t.equal(status, 204)
})
