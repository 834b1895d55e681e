import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { Redis } from 'ioredis'
import t from 'tap'
import { cutConnection } from '../../../src/storage/valkey/cut-connection.ts'

t.test('a connection is reset, what waits for it fails, and a new one is opened', async (t) => {
  const ends: string[] = []
  let openCount = 0
  let receivedBytes = 0
  const server = createServer((socket) => {
    openCount++
    // Takes everything and answers nothing.
    socket.on('data', ({ length }) => (receivedBytes += length))
    socket.on('error', (error: NodeJS.ErrnoException) => ends.push(error.code ?? ''))
    socket.on('end', () => ends.push('end'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server's address, not a pipe's.
  const { port } = server.address() as AddressInfo
  const client = new Redis({
    ...{ host: '127.0.0.1', port, protocol: 2, enableReadyCheck: false, disableClientInfo: true },
    ...{ retryStrategy: () => 1, maxRetriesPerRequest: 0, autoResendUnfulfilledCommands: false },
  })
  client.on('error', () => undefined)
  t.teardown(async () => {
    client.disconnect()
    server.close()
    await once(server, 'close')
  })
  await once(client, 'ready')
  const asked = t.rejects(client.set('key', 'value'))
  while (receivedBytes === 0) await new Promise((resolve) => setImmediate(resolve))
  const reopened = once(client, 'ready')
  cutConnection(client)
  await asked
  await reopened
  while (ends.length === 0 || openCount < 2) await new Promise((resolve) => setImmediate(resolve))
  t.strictSame(ends, ['ECONNRESET'], 'a reset: what the system had not delivered is dropped')
})

t.test('what cannot be reset is closed, and what was never open is left alone', (t) => {
  let isDestroyed = false
  const stream = {
    resetAndDestroy: () => {
      throw new TypeError('not a TCP handle')
    },
    destroy: () => (isDestroyed = true),
  }
  // All that is looked at.
  cutConnection({ stream } as unknown as Redis)
  t.equal(isDestroyed, true)
  cutConnection(new Redis({ lazyConnect: true }))
  t.end()
})
