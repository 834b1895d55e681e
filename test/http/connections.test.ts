import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { startHeadwater } from '../../src/app.ts'
import { RawClient, head } from '../support/raw-client.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'

t.test(
  'a client that closes its side after a body is still answered, first key or not',
  async (t) => {
    const origin = await openOrigin(t)
    const encoder = (await origin.mintKey({ role: 'readwrite', caches: '*' })).apiKey
    const client = await RawClient.open(origin.dataPlaneUrl)
    await client.send(
      head('PUT', '/cache/live-origin/a.ts', [`Authorization: ${encoder}`, 'Content-Length: 5']),
      'bytes',
    )
    client.endWriting()
    t.equal((await client.readResponse('PUT')).status, 204)
    t.equal(await client.waitForEnd(), 'fin')
    const read = await http(`${origin.dataPlaneUrl}/cache/live-origin/a.ts`, {
      headers: { authorization: encoder },
    })
    t.equal(read.text, 'bytes')
  },
)

t.test('a client that closes its side inside a body has changed nothing', async (t) => {
  const origin = await openOrigin(t)
  const client = await RawClient.open(origin.dataPlaneUrl)
  await client.send(
    head('PUT', '/cache/live-origin/a.ts', [
      `Authorization: ${origin.keys.encoder}`,
      'Content-Length: 5',
    ]),
    'byt',
  )
  client.endWriting()
  await client.waitForEnd()
  const read = await http(`${origin.dataPlaneUrl}/cache/live-origin/a.ts`, {
    headers: { authorization: origin.keys.player },
  })
  t.equal(read.status, 404)
})

t.test('localhost is 127.0.0.1 and ::1, with one port', async (t) => {
  const origin = await openOrigin(t)
  const { port } = new URL(origin.dataPlaneUrl)
  t.equal((await http(`http://127.0.0.1:${port}/health/ready`)).status, 200)
  if (await hasIpv6()) t.equal((await http(`http://[::1]:${port}/health/ready`)).status, 200)
})

t.test('a port that is taken is said so', async (t) => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  t.teardown(() => other.close())
  const { port } = other.address() as AddressInfo
  await t.rejects(startHeadwater({ settings: { http: { port } } }), {
    code: 'HW_START_PORT_TAKEN',
    message: new RegExp(`data plane.*${port}.*taken`),
  })
  await t.rejects(startHeadwater({ settings: { admin: { port } } }), {
    code: 'HW_START_PORT_TAKEN',
    message: /admin plane/,
  })
  await t.rejects(startHeadwater({ settings: { http: { host: '192.0.2.1' } } }), {
    code: 'HW_START_LISTEN_FAILED',
  })
})

t.test('the whole network, for `*`', async (t) => {
  const origin = await openOrigin(t, { http: { host: '*' } })
  t.equal((await http(`${origin.dataPlaneUrl}/health/live`)).status, 200)
})

t.test('connections over the limit are closed at once, the others live on', async (t) => {
  const origin = await openOrigin(t, { http: { connectionsMax: 16 } })
  const clients = []
  for (let count = 0; count < 16; count++) clients.push(await RawClient.open(origin.dataPlaneUrl))
  const over = await RawClient.open(origin.dataPlaneUrl)
  t.not(await over.waitForEnd(), 'open')
  const [first] = clients
  t.ok(await first?.isUsable())
  for (const client of clients) client.destroy()
})

t.test('a request head that never ends is cut', async (t) => {
  const origin = await openOrigin(t, { http: { headersTimeoutSeconds: 1 } })
  const client = await RawClient.open(origin.dataPlaneUrl)
  await client.send('GET /cache/live-origin/a HTTP/1.1\r\nHost: x\r\n')
  const answer = await client.readResponse()
  t.equal(answer.status, 408)
  t.equal(answer.header('x-headwater-reason'), 'head-timeout')
})

t.test('500 half-sent heads hinder nobody and are cut', async (t) => {
  const origin = await openOrigin(t, { http: { headersTimeoutSeconds: 1 } })
  const slow: RawClient[] = []
  for (let count = 0; count < 500; count++) slow.push(await RawClient.open(origin.dataPlaneUrl))
  for (const client of slow) await client.send('GET /cache/live-origin/a HTTP/1.1\r\nHost: x')
  const good = await RawClient.open(origin.dataPlaneUrl)
  const headers = [`Authorization: ${origin.keys.encoder}`]
  for (let count = 0; count < 20; count++) {
    const target = `/cache/live-origin/${String(count)}.ts`
    const put = await good.request('PUT', target, [...headers, 'Content-Length: 5'], 'bytes')
    t.equal(put.status, 204)
    t.equal((await good.request('GET', target, headers)).body.toString(), 'bytes')
  }
  for (const client of slow) {
    await client.send('\r\nX-Drop: y')
    await client.waitForEnd()
    client.destroy()
  }
  t.ok(slow.every((client) => client.end !== 'open'))
  t.ok(await good.isUsable(), 'the good one lives on')
})

t.test('a silent upload is cut after its idle limit, in words', async (t) => {
  const origin = await openOrigin(t, { http: { uploadIdleSeconds: 1 } })
  const client = await RawClient.open(origin.dataPlaneUrl)
  await client.send(
    head('PUT', '/cache/live-origin/a.ts', [
      `Authorization: ${origin.keys.encoder}`,
      'Content-Length: 5',
    ]),
    'by',
  )
  const answer = await client.readResponse('PUT')
  t.equal(answer.status, 408)
  t.equal(answer.header('x-headwater-reason'), 'body-timeout')
  t.equal(answer.header('connection'), 'close')
})

t.test('stopping: not ready, connections close, uploads in progress are finished', async (t) => {
  const origin = await startHeadwater({ settings: { http: { shutdownSeconds: 5 } } })
  const upload = await RawClient.open(origin.dataPlaneUrl)
  await upload.send(
    head('PUT', '/cache/live-origin/a.ts', [
      `Authorization: ${origin.keys.encoder}`,
      'Content-Length: 5',
    ]),
    'by',
  )
  t.ok(await (await RawClient.open(origin.dataPlaneUrl)).isUsable())
  const closed = origin.close()
  await new Promise((resolve) => setImmediate(resolve))
  await upload.send('tes')
  const answer = await upload.readResponse('PUT')
  t.equal(answer.status, 204)
  t.equal(answer.header('connection'), 'close')
  await closed
  await t.rejects(RawClient.open(origin.dataPlaneUrl), 'nobody listens any more')
  await origin.close()
})

t.test('while it waits to stop, it serves and says that it is not ready', async (t) => {
  const origin = await startHeadwater({ settings: { http: { shutdownDelaySeconds: 0.3 } } })
  const closed = origin.close()
  const ready = await http(`${origin.dataPlaneUrl}/health/ready`)
  t.equal(ready.status, 503)
  t.match(ready.text, /stopping/)
  t.equal((await http(`${origin.dataPlaneUrl}/health/live`)).status, 200)
  await closed
})

function hasIpv6(): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(0, '::1', () => probe.close(() => resolve(true)))
  })
}

t.test('an answer to half a request never resets the connection', async (t) => {
  const origin = await openOrigin(t)
  const socket = connect(Number(new URL(origin.dataPlaneUrl).port), '127.0.0.1')
  let reset = false
  socket.on('error', () => (reset = true))
  socket.write('GARBAGE\r\n\r\n')
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  const ended = new Promise((resolve) => socket.on('end', resolve))
  for (let count = 0; count < 20; count++) socket.write('more bytes than anybody wants\r\n')
  await ended
  socket.destroy()
  t.match(text, /^HTTP\/1\.1 400 /)
  t.match(text, /request-malformed/)
  t.equal(text.split('HTTP/1.1 400').length, 2, 'answered once')
  t.notOk(reset)
})

t.test('an endless body of a GET or a DELETE ends its connection, after the answer', async (t) => {
  const origin = await openOrigin(t)
  for (const [method, status] of [
    ['GET', 404],
    ['DELETE', 204],
  ] as const) {
    const client = await RawClient.open(origin.dataPlaneUrl)
    await client.send(
      head(method, '/cache/live-origin/a.ts', [
        `Authorization: ${origin.keys.encoder}`,
        'Transfer-Encoding: chunked',
      ]),
    )
    for (let sent = 0; sent < 3; sent++) await client.sendChunk('x'.repeat(40_000))
    const answer = await client.readResponse(method)
    t.equal(answer.status, status, method)
    t.equal(answer.header('connection'), 'close')
    await client.sendChunk('x')
    t.equal(await client.waitForEnd(), 'fin', 'and without a reset')
    client.destroy()
  }
})
