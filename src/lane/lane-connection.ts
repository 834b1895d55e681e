/**
 * One connection of the express lane: reads requests one after the other, hands each to the item
 * routes, and gives the whole connection to the other lane, for good, with the first request that is
 * not plainly its own. Limits in time are those of the other lane.
 */

import type { Socket } from 'node:net'
import { LaneRequest } from './lane-request.ts'
import { LaneResponse } from './lane-response.ts'
import { HeadReader } from './request-head.ts'
import type { HeadBounds, RequestHead } from './request-head.ts'

/** What a connection needs of the server it belongs to. */
export interface LaneHost extends HeadBounds {
  readonly headersTimeoutMs: number
  readonly keepAliveMs: number
  /** Answers a read; errors included. */
  readonly read: (request: LaneRequest, response: LaneResponse) => void
  /** A request begins. False: the connection is being closed, whatever comes is not looked at. */
  readonly begin: (socket: Socket, response: LaneResponse) => boolean
  /** Half-closes in order: what still comes is read and dropped. */
  readonly leave: (socket: Socket) => void
  /** The other lane takes the connection; bytes that were read are to be read again. */
  readonly handOver: (socket: Socket) => void
  /** A head did not come to its end in time: says so and leaves. */
  readonly headTimedOut: (socket: Socket) => void
}

export class LaneConnection {
  readonly #socket: Socket
  readonly #host: LaneHost
  readonly #reader: HeadReader
  readonly #keepAliveFields: string
  /** A head whose end has not come. */
  #begun: Buffer | undefined
  #response: LaneResponse | undefined
  #headTimer: NodeJS.Timeout | undefined
  #isReading = false
  #isHalfClosed = false
  #isDone = false

  constructor(socket: Socket, host: LaneHost) {
    this.#socket = socket
    this.#host = host
    this.#reader = new HeadReader(host)
    const seconds = Math.floor(host.keepAliveMs / 1000)
    this.#keepAliveFields = `Connection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n`
    socket.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose)
    socket.on('drain', this.#goOn).on('timeout', this.#onTimeout).on('error', ignore)
    this.#awaitHead()
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isDone) return
    if (this.#response !== undefined) this.#putBack(chunk)
    else {
      const known = this.#begun
      this.#begun = undefined
      this.#read(known === undefined ? chunk : Buffer.concat([known, chunk]))
    }
  }

  /** The client has said all it will: what it asked for is answered. */
  readonly #onEnd = (): void => {
    this.#isHalfClosed = true
    if (this.#response === undefined && !this.#isDone) this.#finish()
  }

  readonly #onClose = (): void => {
    this.#isDone = true
    clearTimeout(this.#headTimer)
    this.#response?.connectionClosed()
  }

  readonly #goOn = (): void => {
    const socket = this.#socket
    if (this.#isDone || this.#response !== undefined || socket.writableNeedDrain) return
    if (socket.isPaused()) socket.resume()
    else if (this.#isHalfClosed) this.#finish()
  }

  readonly #onTimeout = (): void => {
    const socket = this.#socket
    if (this.#isDone || this.#response?.timedOut() === true) return
    // Somebody waits for something to be stored: that has a limit of its own.
    if (this.#response !== undefined) return
    // The limit of a reader that had stalled, and does not any more.
    if (socket.timeout !== this.#host.keepAliveMs && socket.writableLength === 0) {
      socket.setTimeout(this.#host.keepAliveMs)
    } else socket.destroy()
  }

  /** Called by the answer when all of it was handed to the socket. */
  readonly #answered = (response: LaneResponse): void => {
    this.#response = undefined
    if (this.#isDone) return
    if (!response.isKeptAlive) {
      this.#isDone = true
      this.#host.leave(this.#socket)
      return
    }
    const { keepAliveMs } = this.#host
    if (this.#socket.timeout !== keepAliveMs) this.#socket.setTimeout(keepAliveMs)
    // Out of whatever the routes were doing when they ended the answer.
    if (!this.#isReading) process.nextTick(this.#goOn)
  }

  /** Begins what the bytes ask for, one request after the other. */
  #read(bytes: Buffer): void {
    const socket = this.#socket
    this.#isReading = true
    let offset = 0
    while (offset < bytes.length && this.#response === undefined && !this.#isDone) {
      // A reader that does not read is not given more: its answers would pile up.
      if (socket.writableNeedDrain) break
      const head = this.#reader.read(bytes, offset)
      if (head === 'other') {
        this.#giveAway(bytes.subarray(offset))
        return
      }
      if (head === 'incomplete') {
        this.#begun = bytes.subarray(offset)
        offset = bytes.length
        this.#awaitHead()
        break
      }
      this.#headCame()
      offset = head.endOffset
      this.#begin(head)
    }
    this.#isReading = false
    if (this.#isDone) return
    if (offset < bytes.length) this.#putBack(bytes.subarray(offset))
    else if (this.#isHalfClosed && this.#response === undefined) this.#finish()
  }

  #begin(head: RequestHead): void {
    const socket = this.#socket
    const response = new LaneResponse({
      socket,
      isHead: head.method === 'HEAD',
      keepAliveFields: this.#keepAliveFields,
      answered: this.#answered,
    })
    if (!this.#host.begin(socket, response)) {
      this.#isDone = true
      return
    }
    this.#response = response
    this.#host.read(new LaneRequest(head, socket), response)
  }

  /**
   * Requests before their turn wait in the socket's own buffer, and their client with them: so an end
   * that follows them is not heard too early, and the other lane can still be given them.
   */
  #putBack(bytes: Buffer): void {
    this.#socket.pause()
    this.#socket.unshift(bytes)
  }

  /** Nothing more is asked. A request that was cut off cannot be answered any more. */
  #finish(): void {
    this.#isDone = true
    if (this.#begun === undefined) this.#socket.end()
    else this.#socket.destroy()
  }

  #awaitHead(): void {
    this.#headTimer ??= setTimeout(() => {
      this.#isDone = true
      this.#host.headTimedOut(this.#socket)
    }, this.#host.headersTimeoutMs).unref()
  }

  #headCame(): void {
    if (this.#headTimer === undefined) return
    clearTimeout(this.#headTimer)
    this.#headTimer = undefined
  }

  #giveAway(rest: Buffer): void {
    const socket = this.#socket
    this.#isDone = true
    clearTimeout(this.#headTimer)
    socket.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose)
    socket.off('drain', this.#goOn).off('timeout', this.#onTimeout).off('error', ignore)
    socket.setTimeout(0)
    socket.pause()
    socket.unshift(rest)
    this.#host.handOver(socket)
    // A socket that was paused on purpose is not resumed by a new listener.
    socket.resume()
  }
}

/** What follows an error is the connection's close. */
function ignore(): void {
  return
}
