import { createHash } from 'node:crypto'
import t from 'tap'
import type { Headwater } from '../../src/app.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'
import { RawClient, head } from '../support/raw-client.ts'

const TARGET = '/cache/live-origin/seg_1.ts'

async function openUpload(origin: Headwater, target = TARGET): Promise<RawClient> {
  const encoder = await RawClient.open(origin.dataPlaneUrl)
  await encoder.send(
    head('PUT', target, [
      `Authorization: ${origin.keys.encoder}`,
      'Transfer-Encoding: chunked',
      'Connection: keep-alive',
    ]),
  )
  await encoder.sendChunk('first,')
  await untilUploads(origin, 1)
  return encoder
}

/** Waits until the origin knows of so many uploads; asks, does not guess. */
async function untilUploads(origin: Headwater, count: number): Promise<void> {
  for (;;) {
    const { text } = await http(`${origin.adminUrl}/metrics`)
    if (text.includes(`headwater_uploads_in_flight ${count}\n`)) {
      if (count === 0 || !text.includes('headwater_uploads_in_flight_bytes 0\n')) return
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function openReader(origin: Headwater, target = TARGET, version = '1.1'): Promise<RawClient> {
  const reader = await RawClient.open(origin.dataPlaneUrl)
  const request = head('GET', target, [`Authorization: ${origin.keys.player}`, 'Range: bytes=0-'])
  await reader.send(version === '1.1' ? request : request.replace('HTTP/1.1', 'HTTP/1.0'))
  return reader
}

t.test('what begins as a playlist is never read as it comes, whatever it is called', async (t) => {
  const origin = await openOrigin(t)
  const target = '/cache/live-origin/live'
  const encoder = await RawClient.open(origin.dataPlaneUrl)
  const { encoder: key } = origin.keys
  await encoder.send(head('PUT', target, [`Authorization: ${key}`, 'Transfer-Encoding: chunked']))
  await encoder.sendChunk('#EX')
  await untilUploads(origin, 1)
  const reader = await openReader(origin, target)
  await encoder.sendChunk(`TM3U\n#EXTINF:2,\na.ts?token=${key}\n`)
  await encoder.send('0\r\n\r\n')
  t.equal((await encoder.readResponse('PUT')).status, 204)
  const answer = await reader.readResponse()
  t.equal(answer.status, 206)
  t.equal(answer.body.toString(), '#EXTM3U\n#EXTINF:2,\na.ts\n')
})

t.test('a first upload is read as it comes, chunked, and is then an object', async (t) => {
  const origin = await openOrigin(t)
  const encoder = await openUpload(origin)
  const reader = await openReader(origin)
  while (reader.unreadBytes < 200) await new Promise((resolve) => setImmediate(resolve))
  await encoder.sendChunk('second')
  const late = await openReader(origin)
  while (late.unreadBytes < 200) await new Promise((resolve) => setImmediate(resolve))
  await encoder.send('0\r\n\r\n')
  t.equal((await encoder.readResponse('PUT')).status, 204)
  for (const client of [reader, late]) {
    const answer = await client.readResponse()
    t.equal(answer.status, 200)
    t.equal(answer.header('transfer-encoding'), 'chunked')
    t.equal(answer.header('content-length'), undefined)
    t.equal(answer.header('etag'), undefined)
    t.equal(answer.header('content-type'), 'video/mp2t')
    t.equal(answer.header('cache-control'), 'public, max-age=300')
    t.equal(answer.body.toString(), 'first,second')
    t.ok(await client.isUsable())
  }
  const complete = await http(`${origin.dataPlaneUrl}${TARGET}`, {
    headers: { authorization: origin.keys.player },
  })
  t.equal(complete.text, 'first,second')
  t.equal(complete.headers['content-length'], '12')
})

t.test('when the encoder dies, the reader is cut and never ended', async (t) => {
  const origin = await openOrigin(t)
  const encoder = await openUpload(origin)
  const reader = await openReader(origin)
  while (reader.unreadBytes < 200) await new Promise((resolve) => setImmediate(resolve))
  encoder.reset()
  await reader.waitForEnd()
  await t.rejects(reader.readResponse(), 'no whole answer')
  const after = await http(`${origin.dataPlaneUrl}${TARGET}`, {
    headers: { authorization: origin.keys.player },
  })
  t.equal(after.status, 404)
})

t.test('an upload that turns out too large cuts its readers, too', async (t) => {
  const origin = await openOrigin(t, { caches: { defaults: { itemSizeBytesMax: 2000 } } })
  const encoder = await openUpload(origin)
  const reader = await openReader(origin)
  while (reader.unreadBytes < 200) await new Promise((resolve) => setImmediate(resolve))
  await encoder.sendChunk('x'.repeat(2000))
  await reader.waitForEnd()
  await t.rejects(reader.readResponse())
  await encoder.send('0\r\n\r\n')
  t.equal((await encoder.readResponse('PUT')).status, 413)
})

t.test('a complete object is served until the next one is complete', async (t) => {
  const origin = await openOrigin(t)
  await http(`${origin.dataPlaneUrl}${TARGET}`, {
    method: 'PUT',
    body: 'old',
    headers: { authorization: origin.keys.encoder },
  })
  const encoder = await openUpload(origin)
  const read = async () =>
    (
      await http(`${origin.dataPlaneUrl}${TARGET}`, {
        headers: { authorization: origin.keys.player },
      })
    ).text
  t.equal(await read(), 'old')
  await encoder.send('0\r\n\r\n')
  await encoder.readResponse('PUT')
  t.equal(await read(), 'first,')
})

t.test('where reads in progress are off, there is nothing until it is complete', async (t) => {
  const origin = await openOrigin(t, { profile: 'momento' })
  const encoder = await openUpload(origin, `${TARGET}?ttl_seconds=60`)
  t.equal((await (await openReader(origin)).readResponse()).status, 404)
  encoder.reset()
})

t.test('playlists, manifests and keys are never served half', async (t) => {
  const origin = await openOrigin(t)
  for (const key of ['index.m3u8', 'live.mpd', 'k.key']) {
    const encoder = await openUpload(origin, `/cache/live-origin/${key}`)
    const answer = await http(`${origin.dataPlaneUrl}/cache/live-origin/${key}`, {
      headers: { authorization: origin.keys.player },
    })
    t.equal(answer.status, 404, key)
    encoder.reset()
    await untilUploads(origin, 0)
  }
})

t.test(
  'HEAD says what it will be; HTTP/1.0, which knows no chunks, waits for the whole',
  async (t) => {
    const origin = await openOrigin(t)
    const encoder = await openUpload(origin)
    const answer = await http(`${origin.dataPlaneUrl}${TARGET}`, {
      method: 'HEAD',
      headers: { authorization: origin.keys.player },
    })
    t.equal(answer.status, 200)
    t.equal(answer.headers['content-length'], undefined)
    const old = await openReader(origin, TARGET, '1.0')
    while (!(await http(`${origin.adminUrl}/metrics`)).text.includes('headwater_waiters 1\n')) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    await encoder.send('0\r\n\r\n')
    await encoder.readResponse('PUT')
    const whole = await old.readResponse()
    t.equal(whole.header('content-length'), '6')
    t.equal(whole.body.toString(), 'first,')
  },
)

t.test('a reader without rights sees nothing of an upload', async (t) => {
  const origin = await openOrigin(t)
  const stranger = await origin.mintKey({ role: 'readonly', caches: ['other'] })
  const encoder = await openUpload(origin)
  const answer = await http(`${origin.dataPlaneUrl}${TARGET}`, {
    headers: { authorization: stranger.apiKey },
  })
  t.equal(answer.status, 403)
  encoder.reset()
})

t.test('a large upload in odd pieces reads back the same while and after', async (t) => {
  const origin = await openOrigin(t)
  const encoder = await openUpload(origin)
  const readers = await Promise.all([openReader(origin), openReader(origin)])
  const hash = createHash('sha256').update('first,')
  let sizeBytes = 6
  for (let piece = 1; piece < 60; piece++) {
    const bytes = Buffer.alloc((piece * 7919) % 50_000, piece)
    if (bytes.length === 0) continue
    hash.update(bytes)
    sizeBytes += bytes.length
    await encoder.sendChunk(bytes)
  }
  await encoder.send('0\r\n\r\n')
  await encoder.readResponse('PUT')
  const wanted = hash.digest('hex')
  for (const reader of readers) {
    const { body } = await reader.readResponse()
    t.equal(body.length, sizeBytes)
    t.equal(createHash('sha256').update(body).digest('hex'), wanted)
  }
})

t.test('a reader that stops reading is cut', async (t) => {
  const origin = await openOrigin(t, { http: { readerStallSeconds: 1 } })
  await http(`${origin.dataPlaneUrl}${TARGET}`, {
    method: 'PUT',
    body: Buffer.alloc(10_000_000),
    headers: { authorization: origin.keys.encoder },
  })
  const reader = await RawClient.open(origin.dataPlaneUrl)
  reader.pause()
  await reader.send(head('GET', TARGET, [`Authorization: ${origin.keys.player}`]))
  const open = async () => {
    const { text } = await http(`${origin.adminUrl}/metrics`)
    return Number(/headwater_connections\{plane="data"\} (\d+)/.exec(text)?.[1])
  }
  // One kept alive by the PUT, one that stalls.
  while ((await open()) < 2) await new Promise((resolve) => setImmediate(resolve))
  const startedAtMs = performance.now()
  while ((await open()) > 1) await new Promise((resolve) => setImmediate(resolve))
  t.ok(performance.now() - startedAtMs < 5000)
  reader.destroy()
})
