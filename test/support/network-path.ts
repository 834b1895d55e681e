/**
 * The network between an origin and a server: TCP as it is, until a test makes it slow, lets packets
 * vanish without a word, cuts it, or leads it to another server.
 */

import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import type { Test } from 'tap'

/** One connection through it. */
interface PathConnection {
  readonly client: Socket
  readonly server: Socket
  /** What the client has sent first, as text: who it is. */
  opening: string
  /** What is on its way, with its time of arrival; `undefined` for the end of what is sent. */
  readonly waiting: Delivery[]
}

interface Delivery {
  readonly to: Socket
  readonly bytes: Buffer | undefined
  readonly dueMs: number
}

/** Enough to see a subscription among the first commands. */
const OPENING_BYTES_MAX = 4096

export class NetworkPath {
  readonly #connections = new Set<PathConnection>()
  #serverPort: number
  #port = 0
  #isSilent: ((opening: string) => boolean) | undefined
  /** Added to each direction from now on. */
  delayMs = 0

  private constructor(serverPort: number) {
    this.#serverPort = serverPort
  }

  /** Closed at the end of the test. */
  static async open(t: Test, serverPort: number): Promise<NetworkPath> {
    const path = new NetworkPath(serverPort)
    const server = createServer({ allowHalfOpen: true }, (client) => path.#accept(client))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    // A TCP server's address, not a pipe's.
    path.#port = (server.address() as AddressInfo).port
    t.teardown(async () => {
      server.close()
      path.cut()
      await once(server, 'close')
    })
    return path
  }

  get port(): number {
    return this.#port
  }

  get url(): string {
    return `redis://127.0.0.1:${String(this.#port)}`
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  /**
   * Nothing passes from now on, in either direction, and nobody is told: as when packets are lost.
   * What is sent meanwhile arrives after {@link heal}, as TCP would send it again, unless its sender
   * has reset the connection.
   *
   * @param isMeant  By what a connection has sent first; all of them when it is absent.
   */
  fallSilent(isMeant: (opening: string) => boolean = () => true): void {
    this.#isSilent = isMeant
  }

  heal(): void {
    this.#isSilent = undefined
    for (const connection of this.#connections) this.#deliver(connection)
  }

  /** Ends all connections, as a server that is killed does. */
  cut(): void {
    for (const { client, server } of this.#connections) {
      client.destroy()
      server.destroy()
    }
  }

  /** To another server from now on, as an address that is moved. */
  lead(serverPort: number): void {
    this.#serverPort = serverPort
    this.cut()
  }

  #accept(client: Socket): void {
    const server = connect({ host: '127.0.0.1', port: this.#serverPort, allowHalfOpen: true })
    const connection: PathConnection = { client, server, opening: '', waiting: [] }
    this.#connections.add(connection)
    for (const socket of [client, server]) socket.setNoDelay(true)
    this.#forward(connection, client, server)
    this.#forward(connection, server, client)
  }

  #forward(connection: PathConnection, from: Socket, to: Socket): void {
    const { client, waiting } = connection
    const arrive = (bytes: Buffer | undefined) => {
      if (from === client && connection.opening.length < OPENING_BYTES_MAX) {
        connection.opening += bytes?.toString('latin1') ?? ''
      }
      waiting.push({ to, bytes, dueMs: performance.now() + this.delayMs })
      if (this.delayMs === 0) this.#deliver(connection)
      else setTimeout(() => this.#deliver(connection), this.delayMs)
    }
    from.on('data', arrive)
    from.on('end', () => arrive(undefined))
    // Ignored: 'close' follows.
    from.on('error', () => undefined)
    from.on('close', (hadError) => {
      // What its sender has taken back does not arrive any more.
      if (hadError || this.#isSilent === undefined) {
        to.destroy()
        this.#connections.delete(connection)
      }
    })
  }

  #deliver(connection: PathConnection): void {
    const { waiting, opening } = connection
    if (this.#isSilent?.(opening) === true) return
    const nowMs = performance.now()
    // A timer may be early by a part of a millisecond.
    while (waiting[0] !== undefined && waiting[0].dueMs <= nowMs + 1) {
      const { to, bytes } = waiting.shift() as Delivery // Looked at just now.
      if (bytes === undefined) to.end()
      else to.write(bytes)
    }
  }
}
