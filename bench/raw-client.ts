/**
 * Load over bare sockets, for objects that autocannon cannot carry (it keeps bodies as strings and
 * stops at 200 segments a second). Bytes are counted and dropped: one buffer per connection takes
 * them all, so this is a reader that copies, in reads of 64 KiB, as players and proxies do.
 */

import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { Load, Recorder } from './recorder.ts'

/** A request, whole, and what must come back. */
export interface RawRequest {
  /** Written together; not changed afterwards. */
  readonly pieces: readonly Uint8Array[]
  readonly status: number
  /** `Content-Length` of the answer; 0 for one without a body. */
  readonly answerBytes: number
  /** Counted as transferred: the body's, up or down. */
  readonly bodyBytes: number
}

export interface RawLoadOptions {
  /** `http://host:port`. */
  readonly url: string
  readonly connections: number
  /** Stops by itself after as many. Absent: goes on until it is stopped. */
  readonly requestCount?: number
  readonly nextRequest: () => RawRequest
  readonly recorder: Recorder
}

/** Each connection asks again as soon as it is answered: a closed loop, no pipelining. */
export async function startRawLoad(options: RawLoadOptions): Promise<Load> {
  let leftCount = options.requestCount ?? Number.POSITIVE_INFINITY
  const take = () => (leftCount-- > 0 ? options.nextRequest() : undefined)
  const connections = await Promise.all(
    Array.from({ length: options.connections }, () =>
      RawConnection.open(options.url, options.recorder, take),
    ),
  )
  for (const connection of connections) connection.askNext()
  return {
    done: Promise.all(connections.map((connection) => connection.done)).then(() => undefined),
    stop: async () => {
      await Promise.all(connections.map((connection) => connection.stop()))
    },
  }
}

const READ_BYTES = 64 * 1024
const HEAD_BYTES_MAX = 8 * 1024

class RawConnection {
  readonly done: Promise<void>
  readonly #socket: Socket
  readonly #recorder: Recorder
  readonly #take: () => RawRequest | undefined
  #finish: () => void = () => undefined
  #request: RawRequest | undefined
  #askedAtMs = 0
  /** What has come of an answer's head so far. */
  #head = ''
  /** Body still to come; 0 while a head is awaited. */
  #leftBytes = 0

  static open(
    url: string,
    recorder: Recorder,
    take: () => RawRequest | undefined,
  ): Promise<RawConnection> {
    const { hostname, port } = new URL(url)
    return new Promise((resolve, reject) => {
      let connection: RawConnection | undefined
      const socket = connect({
        host: hostname,
        port: Number(port),
        noDelay: true,
        onread: {
          buffer: Buffer.allocUnsafeSlow(READ_BYTES),
          callback: (sizeBytes, buffer) => {
            connection?.onBytes(buffer, sizeBytes)
            return true
          },
        },
      })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        connection = new RawConnection(socket, recorder, take)
        resolve(connection)
      })
    })
  }

  private constructor(socket: Socket, recorder: Recorder, take: () => RawRequest | undefined) {
    this.#socket = socket
    this.#recorder = recorder
    this.#take = take
    this.done = new Promise((resolve) => {
      this.#finish = resolve
    })
    socket.on('error', (error) => recorder.fail(`a connection broke: ${error.message}`))
    socket.on('close', () => {
      if (this.#request !== undefined) recorder.fail('a connection ended before its answer')
      this.#finish()
    })
  }

  askNext(): void {
    const request = this.#take()
    this.#request = request
    if (request === undefined) {
      this.#socket.destroy()
      return
    }
    this.#askedAtMs = performance.now()
    const { pieces } = request
    const [only] = pieces
    if (pieces.length === 1 && only !== undefined) {
      this.#socket.write(only)
      return
    }
    this.#socket.cork()
    for (const piece of pieces) this.#socket.write(piece)
    this.#socket.uncork()
  }

  onBytes(buffer: Uint8Array, sizeBytes: number): void {
    if (this.#leftBytes > 0) {
      this.#leftBytes -= sizeBytes
      if (this.#leftBytes === 0) this.#answered()
      else if (this.#leftBytes < 0) this.#wrong('more bytes than its Content-Length')
      return
    }
    const request = this.#request
    if (request === undefined) return
    const text = Buffer.from(buffer.buffer, buffer.byteOffset, sizeBytes)
    const head = this.#head + text.toString('latin1', 0, Math.min(sizeBytes, HEAD_BYTES_MAX))
    const headEnd = head.indexOf('\r\n\r\n')
    if (headEnd === -1) {
      this.#head = head
      if (head.length >= HEAD_BYTES_MAX) this.#wrong('no end of its head')
      return
    }
    const status = head.slice(9, 12)
    const length = /\r\ncontent-length: *(\d+)/i.exec(head.slice(0, headEnd))?.[1] ?? '0'
    if (Number(status) !== request.status || Number(length) !== request.answerBytes) {
      this.#wrong(`status ${status} and ${length} bytes, not ${String(request.status)}`)
      return
    }
    this.#leftBytes = request.answerBytes - (sizeBytes - (headEnd + 4 - this.#head.length))
    this.#head = ''
    if (this.#leftBytes === 0) this.#answered()
  }

  stop(): Promise<void> {
    this.#request = undefined
    this.#socket.destroy()
    return this.done
  }

  #answered(): void {
    this.#recorder.add(performance.now() - this.#askedAtMs, this.#request?.bodyBytes ?? 0)
    this.askNext()
  }

  #wrong(what: string): void {
    this.#recorder.fail(`an answer has ${what}`)
    void this.stop()
  }
}
