/**
 * One connection of a replay, as an encoder's: requests are written as they are due, whether or not
 * those before have been answered; answers come in their order. It goes where it is told and nowhere
 * else: no redirect is followed, no proxy asked.
 */

import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { AnswerReader } from './answer-reader.ts'
import type { ReplayTarget } from './replay-target.ts'

/** What came of a request: its status; 0 when the connection ended before. */
export interface Pending {
  readonly answered: Promise<number>
  /** Whether the client may go on after `Expect: 100-continue`; false when it has been answered. */
  readonly continued: Promise<boolean>
}

interface Waiting extends Pending {
  readonly answer: (status: number) => void
  readonly goOn: (mayGoOn: boolean) => void
}

const CONNECT_MS = 10_000
/** What may wait in this process for a slow origin. */
const UNSENT_BYTES_MAX = 4 * 1024 * 1024

export class ReplayConnection {
  readonly #socket: Socket
  readonly #reader = new AnswerReader()
  readonly #waiting: Waiting[] = []
  #isEnding = false

  /** @throws Error as the socket does. */
  static open(target: ReplayTarget): Promise<ReplayConnection> {
    const { isTls, hostname, port } = target
    const isName = !/^[\d.]+$|:/.test(hostname)
    const socket = isTls
      ? connectTls({
          ...{ host: hostname, port, ALPNProtocols: ['http/1.1'] },
          ...(isName ? { servername: hostname } : {}),
        })
      : connect({ host: hostname, port })
    socket.setNoDelay(true)
    return new Promise((resolve, reject) => {
      socket.setTimeout(CONNECT_MS, () => socket.destroy(new Error('no connection within 10 s')))
      socket.once('error', reject)
      socket.once(isTls ? 'secureConnect' : 'connect', () => {
        socket.setTimeout(0).removeAllListeners('timeout').off('error', reject)
        resolve(new ReplayConnection(socket))
      })
    })
  }

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => this.#read(bytes))
    // Whatever breaks a connection: `close` follows, and says it to all that wait.
    socket.on('error', () => undefined)
    socket.on('close', () => this.#ended())
    socket.on('timeout', () => socket.destroy())
  }

  /** Whether a further request may be written. */
  get isOpen(): boolean {
    return this.#socket.writable && !this.#isEnding
  }

  /** For the request that is written next. */
  expect(): Pending {
    let answer: Waiting['answer'] = () => undefined
    let goOn: Waiting['goOn'] = () => undefined
    const answered = new Promise<number>((resolve) => (answer = resolve))
    const continued = new Promise<boolean>((resolve) => (goOn = resolve))
    const waiting: Waiting = { answered, continued, answer, goOn }
    if (this.#socket.destroyed) {
      answer(0)
      goOn(false)
    } else this.#waiting.push(waiting)
    return waiting
  }

  /** Resolves when more may follow, or the connection is gone. Never throws. */
  write(bytes: Uint8Array): Promise<void> {
    const socket = this.#socket
    if (!socket.writable) return Promise.resolve()
    socket.write(bytes)
    if (socket.writableLength <= UNSENT_BYTES_MAX) return Promise.resolve()
    return new Promise((resolve) => {
      const done = () => {
        socket.off('drain', done).off('close', done)
        resolve()
      }
      socket.once('drain', done).once('close', done)
    })
  }

  /** Gives the connection up when nothing moves on it for so long; 0: never. */
  giveUpAfter(ms: number): void {
    this.#socket.setTimeout(ms)
  }

  /** As a client that has no more to send: what is due is still answered. */
  end(): void {
    this.#isEnding = true
    if (this.#waiting.length === 0) this.#socket.end()
  }

  /** As a client that goes away in the middle: what was written arrives, and no more. */
  breakOff(): void {
    this.#isEnding = true
    this.#socket.destroySoon()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #read(bytes: Buffer): void {
    try {
      for (const { status, isLast } of this.#reader.add(bytes)) {
        if (status < 200) this.#waiting[0]?.goOn(true)
        else this.#answer(status)
        if (isLast) this.#isEnding = true
      }
    } catch {
      // Ignored: what answers is no HTTP; those who wait hear that there was no answer.
      this.#socket.destroy()
    }
    if (this.#isEnding && this.#waiting.length === 0) this.#socket.end()
  }

  #answer(status: number): void {
    const waiting = this.#waiting.shift()
    // An answer to nothing: whatever follows could not be told apart.
    if (waiting === undefined) this.#socket.destroy()
    waiting?.answer(status)
    waiting?.goOn(false)
  }

  #ended(): void {
    const last = this.#reader.end()
    if (last !== undefined) this.#answer(last.status)
    for (const { answer, goOn } of this.#waiting.splice(0)) {
      answer(0)
      goOn(false)
    }
  }
}
