import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { readEncoderFixture, encoderFixtureNames, fixtureBytes } from './encoder-fixture.ts'
import { RawClient, head } from './raw-client.ts'
import { replayEncoder } from './replay.ts'

async function serve(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return urlOf(server.address())
}

function urlOf(address: unknown): string {
  // A TCP server that listens has an AddressInfo.
  return `http://127.0.0.1:${String((address as AddressInfo).port)}`
}

t.test('the raw client reads answers of every framing on one connection, pipelined', async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url === '/length') response.setHeader('Content-Length', 5)
    if (request.url === '/empty') response.statusCode = 204
    if (request.url === '/unchanged') response.statusCode = 304
    response.end(request.url === '/length' || request.url === '/chunks' ? 'hello' : undefined)
  })
  const client = await RawClient.open(url)
  const targets = ['/length', '/chunks', '/empty', '/unchanged']
  await client.send(targets.map((target) => head('GET', target)).join(''))
  const framings: string[] = []
  while (framings.length < targets.length) framings.push((await client.readResponse()).framing)
  t.same(framings, ['content-length', 'content-length', 'none', 'none'])
  t.equal((await client.request('HEAD', '/length')).body.length, 0)
  t.equal(await client.isUsable(), true)
  client.destroy()
})

t.test('the raw client sends pieces, half-closes and sees interim answers', async (t) => {
  const url = await serve(t, (request, response) => {
    request.resume()
    request.on('end', () => response.end('got it'))
  })
  const client = await RawClient.open(url)
  const expects = ['Expect: 100-continue', 'Transfer-Encoding: chunked', 'Connection: close']
  await client.send(head('PUT', '/x', expects))
  t.equal((await client.readResponse('PUT')).status, 100)
  await client.sendChunk('some')
  await client.send('0\r\n\r\n')
  client.endWriting()
  t.equal((await client.readResponse('PUT')).body.toString(), 'got it')
  t.equal(await client.waitForEnd(), 'fin')
})

t.test('the raw client tells a reset from an orderly end', async (t) => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', (data) => {
      if (data.includes('reset')) socket.resetAndDestroy()
      else socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const dropped = await RawClient.open(urlOf(server.address()))
  await dropped.send(head('GET', '/reset'))
  t.equal(await dropped.waitForEnd(), 'reset')
  t.equal(await dropped.isUsable(), false)
  const ended = await RawClient.open(urlOf(server.address()))
  const answer = await ended.request('GET', '/end')
  t.equal(answer.body.toString(), 'until the end')
  t.equal(answer.framing, 'until-close')
  t.equal(await ended.waitForEnd(), 'fin')
  ended.destroy()
})

t.test('a replay sends what was recorded, in order, with its own credential', async (t) => {
  const seen: string[] = []
  const url = await serve(t, (request, response) => {
    let sizeBytes = 0
    request.on('data', (data: Buffer) => (sizeBytes += data.length))
    request.on('end', () => {
      seen.push(`${request.method ?? ''} ${request.url ?? ''} ${String(sizeBytes)}`)
      response.writeHead(204).end()
    })
  })
  const fixture = readEncoderFixture('final-v9-F-keylast')
  const replay = await replayEncoder(fixture, { originUrl: url, credential: 'KEY' })
  t.equal(seen.length, fixture.requests.length)
  t.equal(seen[0], 'PUT /cache/live-origin?token=KEY&ttl_seconds=3600&key=playlist0.ts 713084')
  t.ok(replay.answers.every(({ response }) => response?.status === 204))
  t.ok(replay.connections.every(({ endBeforeClient }) => endBeforeClient === 'open'))
})

t.test('every fixture can be read, and its bytes are the same each time', async (t) => {
  const names = encoderFixtureNames()
  t.ok(names.length >= 40)
  for (const name of names) t.ok(readEncoderFixture(name).requests.length > 0, name)
  t.same(fixtureBytes('a.ts', 1000), fixtureBytes('a.ts', 1000))
  t.equal(fixtureBytes('a.ts', 1000)[0], 0x47)
  t.notSame(fixtureBytes('a.ts', 1000), fixtureBytes('b.ts', 1000))
})
