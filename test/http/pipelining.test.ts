import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { createLogger } from '../../src/base/log.ts'
import { UNANSWERED_MAX } from '../../src/http/connections.ts'
import { PlaneServer } from '../../src/http/plane-server.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { openOrigin } from '../support/origin.ts'
import { head, RawClient } from '../support/raw-client.ts'

const REQUEST_COUNT = 10_000
/** What node reads of a socket at once. */
const READ_BYTES = 65_536

async function openPlane(
  t: Test,
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ plane: PlaneServer; url: string }> {
  const plane = new PlaneServer(
    {
      name: 'test plane',
      headerBytesMax: 32_768,
      urlBytesMax: 8192,
      headersTimeoutMs: 10_000,
      keepAliveMs: 125_000,
      connectionsMax: 100,
      clock: new ManualClock(),
      log: createLogger('silent'),
      onExpectContinue: () => undefined,
    },
    listener,
  )
  t.teardown(() => plane.close(0))
  return { plane, url: await plane.listen({ host: '127.0.0.1', port: 0 }) }
}

/** Counts answers to `REQUEST_COUNT` requests written at once. */
function pipeline(url: string, request: string, answerMark: string) {
  const socket: Socket = connect(Number(new URL(url).port), '127.0.0.1')
  let text = ''
  const answered = new Promise<number>((resolve) => {
    let count = 0
    socket.on('data', (data: Buffer) => {
      text += data.toString('latin1')
      const marks = text.split(answerMark)
      count += marks.length - 1
      text = marks.at(-1) ?? ''
      if (count >= REQUEST_COUNT) resolve(count)
    })
    socket.on('close', () => resolve(count))
  })
  socket.on('error', () => undefined)
  socket.write(request.repeat(REQUEST_COUNT))
  return { socket, answered }
}

t.test('10,000 pipelined requests are all answered', async (t) => {
  const origin = await openOrigin(t)
  const request = head('GET', `/cache/live-origin/a.ts?token=${origin.keys.player}`)
  const { socket, answered } = pipeline(origin.dataPlaneUrl, request, 'HTTP/1.1 404')
  t.equal(await answered, REQUEST_COUNT)
  socket.destroy()
})

t.test('unanswered requests of one connection are bounded', async (t) => {
  const waiting: ServerResponse[] = []
  let arrivedCount = 0
  const { url } = await openPlane(t, (_request, response) => {
    arrivedCount++
    waiting.push(response)
  })
  const request = head('GET', '/', [`Padding: ${'x'.repeat(1000)}`])
  const { socket, answered } = pipeline(url, request, 'mark\n')
  while (arrivedCount < UNANSWERED_MAX) await turns(5)
  await turns(50)
  const bound = UNANSWERED_MAX + Math.ceil(READ_BYTES / request.length)
  t.ok(arrivedCount <= bound, `${arrivedCount} of at most ${bound}`)
  let mostWaiting = waiting.length
  const answering = setInterval(() => {
    mostWaiting = Math.max(mostWaiting, waiting.length)
    for (const response of waiting.splice(0)) response.end('mark\n')
  }, 0)
  t.equal(await answered, REQUEST_COUNT)
  clearInterval(answering)
  t.ok(mostWaiting <= bound, `never more: ${mostWaiting}`)
  socket.destroy()
})

t.test('a client that does not read its answers stops being read', async (t) => {
  let arrivedCount = 0
  const body = Buffer.alloc(16_384)
  const { url } = await openPlane(t, (_request, response) => {
    arrivedCount++
    response.end(body)
  })
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.pause()
  socket.on('error', () => undefined)
  socket.write(head('GET', '/', [`Padding: ${'x'.repeat(1000)}`]).repeat(REQUEST_COUNT))
  let before = -1
  while (before !== arrivedCount) {
    before = arrivedCount
    await turns(20)
  }
  t.ok(arrivedCount < REQUEST_COUNT / 4, `${arrivedCount} were taken`)
  socket.destroy()
})

t.test('an upload behind a full pipeline arrives whole', async (t) => {
  const waiting: ServerResponse[] = []
  let bodyBytes = 0
  const { url } = await openPlane(t, (request, response) => {
    if (request.method === 'GET') {
      waiting.push(response)
      return
    }
    request.on('data', (chunk: Buffer) => (bodyBytes += chunk.length))
    request.on('end', () => response.end('stored'))
  })
  const client = await RawClient.open(url)
  const gets = head('GET', '/').repeat(UNANSWERED_MAX - 1)
  await client.send(gets + head('PUT', '/', ['Content-Length: 1000000']))
  while (waiting.length < UNANSWERED_MAX - 1) await turns(5)
  const sent = client.send(Buffer.alloc(1_000_000))
  await turns(20)
  for (const response of waiting.splice(0)) response.end()
  await sent
  for (let count = 1; count < UNANSWERED_MAX; count++) await client.readResponse()
  t.equal((await client.readResponse('PUT')).body.toString(), 'stored')
  t.equal(bodyBytes, 1_000_000)
  client.destroy()
})

/** Lets the event loop go round. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setTimeout(resolve, 1))
}
