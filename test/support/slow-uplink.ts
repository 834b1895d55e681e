/**
 * A slow uplink before the origin: TCP as it is, but what is sent up goes at the rate that its first
 * line is given. Answers come back at once.
 */

import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import type { Test } from 'tap'

const TICK_MS = 20

export interface SlowUplinkOptions {
  readonly originUrl: string
  /** @param requestLine  Of the first request of a connection: `PUT /cache/… HTTP/1.1`. */
  readonly bytesPerSecond: (requestLine: string) => number
}

/** Closed at the end of the test. Returns `http://127.0.0.1:port`, no trailing slash. */
export async function openSlowUplink(t: Test, options: SlowUplinkOptions): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const { hostname, port } = new URL(options.originUrl)
    const origin = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
    for (const socket of [client, origin]) {
      sockets.add(socket)
      // Ignored: an encoder does not wait for its answers.
      socket.on('error', () => undefined)
      socket.on('close', () => sockets.delete(socket))
    }
    sendSlowly(client, origin, options.bytesPerSecond)
    origin.on('data', (data) => void client.write(data))
    origin.on('close', () => client.end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
    await once(server, 'close')
  })
  // A TCP server's address, not a pipe's.
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
}

function sendSlowly(
  client: Socket,
  origin: Socket,
  bytesPerSecond: SlowUplinkOptions['bytesPerSecond'],
): void {
  let waiting = Buffer.alloc(0)
  let rate: number | undefined
  let hasEnded = false
  client.on('data', (data: Buffer) => {
    waiting = Buffer.concat([waiting, data])
    rate ??= bytesPerSecond(waiting.toString('latin1').split('\r\n', 1)[0] ?? '')
  })
  // What was sent before the encoder left is still on its way.
  client.on('end', () => (hasEnded = true))
  client.on('close', () => (hasEnded = true))
  const timer = setInterval(() => {
    const sizeBytes = Math.ceil(((rate ?? 0) * TICK_MS) / 1000)
    if (waiting.length > 0) origin.write(waiting.subarray(0, sizeBytes))
    waiting = waiting.subarray(sizeBytes)
    if (!hasEnded || waiting.length > 0) return
    clearInterval(timer)
    origin.end()
  }, TICK_MS)
  origin.on('close', () => clearInterval(timer))
}
