import t from 'tap'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import type { Test } from 'tap'
import { ProbeClient } from '../../../src/cli/doctor/probe-client.ts'
import { Reader } from '../../../src/cli/doctor/reader.ts'
import { ManualClock } from '../../support/manual-clock.ts'

/** A server of raw bytes. @returns `host:port`. */
async function openServer(t: Test, onSocket: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {
      // Ignored: the client cuts connections on purpose.
    })
    onSocket(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  // A TCP server's address is an AddressInfo once it listens.
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

function openClient(t: Test, options: { requestsMax?: number; idleMsMax?: number } = {}) {
  const client = new ProbeClient({ clock: new ManualClock(), ...options })
  t.teardown(() => client.close())
  return client
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody'

t.test('a body over the bound is cut, one at it is not', async (t) => {
  const host = await openServer(t, (socket) => socket.on('data', () => socket.write(OK)))
  const client = openClient(t)
  const whole = await client.ask({ url: `http://${host}/`, bodyBytesMax: 4 })
  t.match(whole, { kind: 'answer', isCut: false })
  t.match(await client.ask({ url: `http://${host}/`, bodyBytesMax: 3 }), { isCut: true })
})

t.test('requests are counted, and no more than the bound are sent', async (t) => {
  const host = await openServer(t, (socket) => socket.on('data', () => socket.write(OK)))
  const client = openClient(t, { requestsMax: 2 })
  t.match(await client.ask({ url: `http://${host}/` }), { kind: 'answer', isReused: false })
  t.match(await client.ask({ url: `http://${host}/` }), { kind: 'answer', isReused: true })
  t.strictSame(await client.ask({ url: `http://${host}/` }), { kind: 'failure', code: 'BUDGET' })
  t.equal(client.requestCount, 2)
  t.equal(client.answers.length, 2)
})

t.test('a kept connection that is closed under the request is tried anew', async (t) => {
  let answered = 0
  const host = await openServer(t, (socket) => {
    let onThis = 0
    socket.on('data', () => {
      if (onThis++ > 0) socket.destroy()
      else socket.write(OK)
      answered++
    })
  })
  const client = openClient(t)
  await client.ask({ url: `http://${host}/` })
  t.match(await client.ask({ url: `http://${host}/` }), { kind: 'answer', status: 200 })
  t.equal(answered, 3)
})

t.test('silence, nonsense, a torn body, no server and no URL are outcomes', async (t) => {
  const silent = await openServer(t, () => undefined)
  const nonsense = await openServer(t, (socket) => socket.end('what?\r\n\r\n'))
  const torn = await openServer(t, (socket) =>
    socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody')),
  )
  const client = openClient(t, { idleMsMax: 15 })
  t.strictSame(await client.ask({ url: `http://${silent}/` }), { kind: 'failure', code: 'TIMEOUT' })
  t.match(await client.ask({ url: `http://${nonsense}/` }), { kind: 'failure', code: /^HPE_/ })
  t.match(await client.ask({ url: `http://${torn}/` }), { kind: 'answer', isCut: true })
  t.strictSame(await client.ask({ url: 'http://127.0.0.1:1/' }), {
    ...{ kind: 'failure', code: 'ECONNREFUSED' },
  })
  t.strictSame(await client.ask({ url: 'not a url' }), { kind: 'failure', code: 'URL' })
  t.match(await client.ask({ url: `https://${silent}/` }), { kind: 'failure', code: 'TIMEOUT' })
})

t.test('a key follows redirects on its host, and goes to no other', async (t) => {
  const seen: string[] = []
  const record = (name: string) => (socket: Socket) =>
    socket.on('data', (data) => {
      const text = data.toString('latin1')
      seen.push(
        `${name} ${/^GET (\S+)/.exec(text)?.[1]} ${/authorization: (\S+)/i.exec(text)?.[1]}`,
      )
      const location = /GET \/(?:\?\S*)? /.test(text)
        ? `http://localhost:${text.includes('elsewhere') ? '1' : hostPort}/next`
        : undefined
      socket.write(
        location === undefined
          ? OK
          : `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`,
      )
    })
  const host = await openServer(t, record('a'))
  const hostPort = host.split(':')[1]
  const client = openClient(t)
  const url = `http://${host}/`
  const reader = new Reader({ client, url, key: 'secret', userAgent: 'test' })
  reader.mode = 'header'
  await reader.get(url)
  // 127.0.0.1 and localhost are two hosts to a browser, too.
  t.equal(seen[0], 'a / secret')
  t.notOk(seen.slice(1).some((line) => line.includes('secret')))
  await reader.get(`http://${host}/x?token=own`)
  t.equal(seen.at(-1), 'a /x?token=own undefined')
  await reader.get(`http://${host}/x`, { mode: 'query' })
  t.equal(seen.at(-1), 'a /x?token=secret undefined')
})

t.test('redirects without end are given up', async (t) => {
  const host = await openServer(t, (socket) =>
    socket.on('data', () =>
      socket.write('HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n'),
    ),
  )
  const client = openClient(t)
  const url = `http://${host}/`
  const reader = new Reader({ client, url, key: undefined, userAgent: 'test' })
  t.strictSame(await reader.get(url), { kind: 'failure', code: 'REDIRECTS' })
  t.equal(client.requestCount, 4)
})
