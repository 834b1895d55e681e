/**
 * HTTP/1.1 over a bare socket, for what a well-behaved client cannot do: exact bytes in exact
 * pieces, pipelining, half-close, torn uploads. It sees interim answers, the framing of each answer
 * and how the connection ended. Not a client for ordinary requests: `http.ts` is.
 */

import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ConnectionOptions } from 'node:tls'
import { takeResponse } from './raw-response.ts'
import type { RawResponse } from './raw-response.ts'

export type { RawResponse } from './raw-response.ts'

/** How the server left: not yet, with FIN, or with RST. */
export type ConnectionEnd = 'open' | 'fin' | 'reset'

export class RawClient {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #end: ConnectionEnd = 'open'
  #sentBytes = 0
  #wake: () => void = () => undefined

  /**
   * @param url  `http://host:port` or `https://host:port`, where any certificate will do; a path is
   *   ignored.
   */
  static async open(url: string, tlsOptions: ConnectionOptions = {}): Promise<RawClient> {
    const { hostname, port, protocol } = new URL(url)
    const address = { host: hostname, port: Number(port), allowHalfOpen: true }
    const isTls = protocol === 'https:'
    const socket = isTls
      ? connectTls({ ...address, rejectUnauthorized: false, ...tlsOptions })
      : connect(address)
    socket.setNoDelay(true)
    await new Promise<void>((resolve, reject) => {
      socket.once(isTls ? 'secureConnect' : 'connect', resolve)
      socket.once('error', reject)
    })
    return new RawClient(socket)
  }

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (data: Buffer) => {
      this.#received = Buffer.concat([this.#received, data])
      this.#wake()
    })
    socket.on('end', () => {
      if (this.#end === 'open') this.#end = 'fin'
      this.#wake()
    })
    socket.on('error', () => {
      // Every error of an established connection means that the peer dropped it: ECONNRESET, EPIPE.
      if (this.#end === 'open') this.#end = 'reset'
      this.#wake()
    })
    socket.on('close', () => {
      if (this.#end === 'open') this.#end = 'reset'
      this.#wake()
    })
  }

  /** How the server ended the connection, so far. */
  get end(): ConnectionEnd {
    return this.#end
  }

  /** For what only the socket knows: addresses, the certificate. */
  get socket(): Socket {
    return this.#socket
  }

  /** Bytes given to the kernel's socket so far, not those the server has read. */
  get sentBytes(): number {
    return this.#sentBytes
  }

  /** Bytes received and not yet taken by {@link readResponse}. */
  get unreadBytes(): number {
    return this.#received.length
  }

  /** Sends bytes; resolves when the kernel took them, or when the connection broke. */
  async send(...pieces: readonly (string | Uint8Array)[]): Promise<void> {
    for (const piece of pieces) {
      if (this.#socket.destroyed || !this.#socket.writable) return
      const bytes = typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece
      await new Promise<void>((resolve) => {
        const done = () => {
          this.#socket.off('close', done)
          resolve()
        }
        this.#socket.once('close', done)
        this.#socket.write(bytes, (error) => {
          if (!error) this.#sentBytes += bytes.length
          done()
        })
      })
    }
  }

  /** One chunk of a chunked body. */
  async sendChunk(bytes: string | Uint8Array): Promise<void> {
    const data = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
    await this.send(Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, CRLF]))
  }

  /**
   * The next answer, interim ones (100) included.
   *
   * @param method  Of the request it answers: a HEAD's answer has no body whatever its head says.
   * @throws Error when the connection ends, or `timeoutMs` pass, before an answer is whole.
   */
  async readResponse(method = 'GET', timeoutMs = 10_000): Promise<RawResponse> {
    const deadlineMs = performance.now() + timeoutMs
    for (;;) {
      const taken = takeResponse(this.#received, method, this.#end !== 'open')
      if (taken !== undefined) {
        this.#received = taken.rest
        return taken.response
      }
      if (this.#end !== 'open') {
        throw new Error(`connection ended (${this.#end}) before an answer: ${this.#preview()}`)
      }
      const leftMs = deadlineMs - performance.now()
      if (leftMs <= 0) throw new Error(`no answer within ${timeoutMs} ms: ${this.#preview()}`)
      await this.#changed(leftMs)
    }
  }

  /** The next answer, or `undefined` when the connection ends or `timeoutMs` pass without one. */
  async tryReadResponse(method = 'GET', timeoutMs = 10_000): Promise<RawResponse | undefined> {
    try {
      return await this.readResponse(method, timeoutMs)
    } catch {
      // Ignored: the caller asked for "an answer or nothing".
      return undefined
    }
  }

  /** Sends one request and reads its answer. `headers` are whole lines. */
  async request(
    method: string,
    target: string,
    headers: readonly string[] = [],
    body: string | Uint8Array = '',
  ): Promise<RawResponse> {
    await this.send(head(method, target, headers), body)
    return this.readResponse(method)
  }

  /** Half-close: no more bytes come from here; answers are still read. */
  endWriting(): void {
    this.#socket.end()
  }

  /** Waits until the server has left, at most `timeoutMs`; says how. */
  async waitForEnd(timeoutMs = 10_000): Promise<ConnectionEnd> {
    const deadlineMs = performance.now() + timeoutMs
    while (this.#end === 'open') {
      const leftMs = deadlineMs - performance.now()
      if (leftMs <= 0) break
      await this.#changed(leftMs)
    }
    return this.#end
  }

  /** Whether a further request on this connection is answered. */
  async isUsable(target = '/health/live'): Promise<boolean> {
    if (this.#end !== 'open') return false
    await this.send(head('GET', target))
    const response = await this.tryReadResponse('GET', 5_000)
    return response?.status === 200
  }

  /** Drops the connection: FIN, or RST when bytes from the server were not read. */
  destroy(): void {
    this.#socket.destroy()
  }

  /** Drops the connection with RST. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }

  /** Stops reading, as a client whose buffers are full; {@link resume} goes on. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  async #changed(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #preview(): string {
    return JSON.stringify(this.#received.subarray(0, 200).toString('latin1'))
  }
}

const CRLF = Buffer.from('\r\n')

/** A request head. `Host: origin.test` unless `headers` have one (or more). */
export function head(method: string, target: string, headers: readonly string[] = []): string {
  const hasHost = headers.some((line) => /^host:/i.test(line))
  const lines = hasHost ? headers : ['Host: origin.test', ...headers]
  return `${method} ${target} HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`
}
