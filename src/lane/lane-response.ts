/**
 * An answer on the raw socket: byte for byte what Node's `ServerResponse` would send for the same
 * calls, without being a stream of its own.
 */

import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { ItemResponse } from '../wire/item-exchange.ts'

export interface LaneResponseOptions {
  readonly socket: Socket
  readonly isHead: boolean
  /** The lines of an answer after which the connection stays open, each with its CRLF. */
  readonly keepAliveFields: string
  /** Called when all of it was handed to the socket, which may not have sent it yet. */
  readonly answered: (response: LaneResponse) => void
}

/** Bodies up to here are copied behind their head: one buffer costs less than two writes. */
const COPIED_BYTES_MAX = 16 * 1024
const LAST_CHUNK = '0\r\n\r\n'

export class LaneResponse implements ItemResponse {
  readonly socket: Socket
  readonly #options: LaneResponseOptions
  statusCode = 200
  headersSent = false
  writableFinished = false
  destroyed = false
  /** False: this is the connection's last answer. */
  isKeptAlive = true
  /** Built, and not written yet. */
  #head = ''
  #isChunked = false
  #isEnded = false
  #onTimeout: (() => void) | undefined
  readonly #onClose: ((this: ItemResponse) => void)[] = []

  constructor(options: LaneResponseOptions) {
    this.#options = options
    this.socket = options.socket
  }

  get writableLength(): number {
    return this.socket.writableLength
  }

  writeHead(statusCode: number, fields: readonly string[]): void {
    const { isHead, keepAliveFields } = this.#options
    this.statusCode = statusCode
    this.headersSent = true
    let head = `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? 'unknown'}\r\n`
    let hasLength = false
    let hasConnection = false
    for (let index = 0; index + 1 < fields.length; index += 2) {
      const name = fields[index] ?? ''
      if (name === 'Content-Length') hasLength = true
      else if (name === 'Connection') {
        // The only one that the routes ever send says `close`.
        hasConnection = true
        this.isKeptAlive = false
      }
      head += `${name}: ${fields[index + 1] ?? ''}\r\n`
    }
    if (!hasConnection) head += keepAliveFields
    if (!hasLength && !isHead && statusCode !== 204 && statusCode !== 304) {
      this.#isChunked = true
      head += 'Transfer-Encoding: chunked\r\n'
    }
    this.#head = `${head}\r\n`
  }

  write(chunk: Uint8Array | undefined): void {
    if (this.destroyed || this.#isEnded || chunk === undefined || chunk.length === 0) return
    const { socket } = this
    socket.cork()
    this.#flushHead()
    if (this.#isChunked) socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1')
    socket.write(chunk)
    if (this.#isChunked) socket.write('\r\n', 'latin1')
    socket.uncork()
  }

  end(chunk?: Uint8Array | string): void {
    if (this.destroyed || this.#isEnded) return
    const { socket } = this
    const body = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    const bodyBytes = this.#options.isHead ? 0 : (body?.length ?? 0)
    if (body !== undefined && bodyBytes > COPIED_BYTES_MAX) {
      socket.cork()
      this.write(body)
      this.#isEnded = true
      socket.write(this.#isChunked ? LAST_CHUNK : '', 'latin1', this.#sent)
      socket.uncork()
    } else if (body !== undefined && bodyBytes > 0 && !this.#isChunked) {
      this.#isEnded = true
      const headBytes = this.#head.length
      const bytes = Buffer.allocUnsafe(headBytes + bodyBytes)
      bytes.write(this.#head, 0, 'latin1')
      bytes.set(body, headBytes)
      socket.write(bytes, this.#sent)
    } else {
      if (bodyBytes > 0) this.write(body)
      this.#isEnded = true
      const last = this.#isChunked ? LAST_CHUNK : ''
      socket.write(`${this.#head}${last}`, 'latin1', this.#sent)
    }
    this.#head = ''
    this.#options.answered(this)
  }

  destroy(): void {
    this.socket.destroy()
  }

  cork(): void {
    this.socket.cork()
  }

  uncork(): void {
    this.socket.uncork()
  }

  on(_event: 'close', listener: (this: ItemResponse) => void): void {
    this.#onClose.push(listener)
  }

  /** As {@link on}: there is one close. */
  once(event: 'close', listener: (this: ItemResponse) => void): void {
    this.on(event, listener)
  }

  setTimeout(ms: number, listener: () => void): void {
    this.#onTimeout = listener
    this.socket.setTimeout(ms)
  }

  /** The socket has been silent for so long. @returns Whether anybody had asked to be told. */
  timedOut(): boolean {
    if (this.destroyed || this.#onTimeout === undefined) return false
    this.#onTimeout()
    return true
  }

  /** The connection is gone. */
  connectionClosed(): void {
    this.#close()
  }

  #flushHead(): void {
    if (this.#head === '') return
    this.socket.write(this.#head, 'latin1')
    this.#head = ''
  }

  readonly #sent = (error?: Error | null): void => {
    if (this.destroyed) return
    this.writableFinished = error === undefined || error === null
    this.#close()
  }

  #close(): void {
    if (this.destroyed) return
    this.destroyed = true
    for (const listener of this.#onClose) listener.call(this)
  }
}
