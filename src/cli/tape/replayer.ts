/**
 * Plays a tape: every event when it is due, in the order of the recording. What had been answered when
 * something began is answered before it begins here, too, so that a faster replay or a slower origin
 * changes no order; what overlapped overlaps.
 */

import type { Clock } from '../../base/clock.ts'
import { HeadwaterError } from '../../base/errors.ts'
import { socketReason } from '../admin-client.ts'
import type { PrepareRequest, PreparedRequest } from './prepared-request.ts'
import { ReplayConnection } from './replay-connection.ts'
import type { Pending } from './replay-connection.ts'
import type { ReplayReport } from './replay-report.ts'
import { headOf } from './replay-target.ts'
import type { ReplayAuth, ReplayTarget } from './replay-target.ts'
import type { TapedRequest } from './tape-source.ts'
import type { TapeEvent } from './timeline.ts'

export interface ReplayerOptions {
  readonly target: ReplayTarget
  readonly key: string
  readonly auth: ReplayAuth
  /** Times the speed of the recording; `Infinity`: as fast as the order allows. */
  readonly speed: number
  readonly clock: Clock
  /** Waits; sooner over when the signal says so. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** Aborted: the replay ends where it is. */
  readonly signal: AbortSignal
  readonly prepare: PrepareRequest
  readonly report: ReplayReport
  /** Called before each request; a stepped replay waits there. */
  readonly onRequest?: ((request: TapedRequest, loop: number) => Promise<void> | void) | undefined
}

interface Playing {
  readonly request: TapedRequest
  readonly prepared: PreparedRequest
  readonly connection: ReplayConnection
  readonly pending: Pending
  offsetBytes: number
  /** Answered instead of a 100: its body is not sent. */
  isRefused: boolean
}

/** How long an origin may be silent when an answer is due. */
const ANSWER_MS = 60_000
/** As curl does it: then the body goes out all the same. */
const CONTINUE_MS = 1000
const PIECE_BYTES = 1024 * 1024

export class Replayer {
  readonly #options: ReplayerOptions
  readonly #connections = new Map<number, ReplayConnection>()
  readonly #playing = new Map<number, Playing>()
  #loop = 0
  #hasConnected = false

  constructor(options: ReplayerOptions) {
    this.#options = options
  }

  /**
   * Plays the events once.
   *
   * @throws HeadwaterError `HW_REPLAY_UNREACHABLE` when there never was a connection, `HW_TAPE_FILE`.
   */
  async play(events: readonly TapeEvent[], loop: number): Promise<void> {
    const { clock, speed, sleep, signal, report } = this.#options
    this.#loop = loop
    const startedAtMs = clock.monotonicMs()
    // The encoder may have come long after the recorder.
    const firstAt = events[0]?.at ?? 0
    for (const event of events) {
      const dueMs = speed === Infinity ? 0 : startedAtMs + (event.at - firstAt) / speed
      const leftMs = dueMs - clock.monotonicMs()
      if (leftMs > 0) await sleep(leftMs, signal)
      else if (speed !== Infinity) report.lateMsMax = Math.max(report.lateMsMax, -leftMs)
      if (signal.aborted) break
      await this.#do(event)
    }
    for (const playing of [...this.#playing.values()]) {
      if (signal.aborted) playing.connection.destroy()
      else await this.#answered(playing)
    }
    this.#playing.clear()
    for (const connection of this.#connections.values()) connection.end()
    this.#connections.clear()
  }

  async #do(event: TapeEvent): Promise<void> {
    if (event.kind === 'close') {
      this.#connections.get(event.connection)?.end()
      this.#connections.delete(event.connection)
      return
    }
    if (event.kind === 'start') return this.#start(event.request)
    const playing = this.#playing.get(event.request.number)
    if (playing === undefined) return
    if (event.kind === 'chunk') return this.#sendChunk(playing, event.index)
    if (event.kind === 'end') return this.#sendEnd(playing)
    return this.#answered(playing)
  }

  async #start(request: TapedRequest): Promise<void> {
    const { prepare, onRequest, report, signal } = this.#options
    const prepared = await prepare(request, this.#loop)
    if (prepared === undefined) return
    await onRequest?.(request, this.#loop)
    if (signal.aborted) return
    report.requestCount++
    const connection = await this.#connect(request.connection)
    if (connection === undefined) {
      if (request.end === 'whole') report.answered(request, 0)
      return
    }
    const pending = connection.expect()
    const playing: Playing = {
      ...{ request, prepared, connection, pending, offsetBytes: 0, isRefused: false },
    }
    this.#playing.set(request.number, playing)
    await connection.write(this.#head(prepared))
    if (!prepared.sent.headers.some(([name]) => name.toLowerCase() === 'expect')) return
    const waited = sleepOnce(this.#options, CONTINUE_MS)
    playing.isRefused = !(await Promise.race([pending.continued, waited.over]))
    waited.cancel()
  }

  async #sendChunk(playing: Playing, index: number): Promise<void> {
    const { prepared } = playing
    const sizeBytes = prepared.chunkBytes[index] ?? 0
    if (sizeBytes === 0 || playing.isRefused) return
    const bytes = await prepared.read(playing.offsetBytes, sizeBytes)
    playing.offsetBytes += sizeBytes
    await this.#sendBytes(playing.connection, prepared, bytes)
  }

  async #sendBytes(
    connection: ReplayConnection,
    { sent }: PreparedRequest,
    bytes: Buffer,
  ): Promise<void> {
    this.#options.report.sentBytes += bytes.length
    if (sent.framing !== 'chunked') return connection.write(bytes)
    const head = Buffer.from(`${bytes.length.toString(16)}\r\n`)
    await connection.write(Buffer.concat([head, bytes, CRLF]))
  }

  async #sendEnd(playing: Playing): Promise<void> {
    const { request, prepared, connection } = playing
    if (request.end === 'aborted') {
      this.#options.report.abortedCount++
      this.#playing.delete(request.number)
      this.#connections.delete(request.connection)
      connection.breakOff()
    } else if (playing.isRefused) {
      // Its body was announced and does not come: nothing else can follow on this connection.
      this.#connections.delete(request.connection)
      connection.end()
    } else if (prepared.sent.framing === 'chunked') await connection.write(LAST_CHUNK)
  }

  async #answered(playing: Playing): Promise<void> {
    const { request, connection, pending } = playing
    const { report, signal } = this.#options
    this.#playing.delete(request.number)
    let status = await this.#statusOf(connection, pending)
    if (status === 0 && request.status !== 0 && !signal.aborted) {
      report.retriedCount++
      status = await this.#sendAgain(playing)
    }
    if (!signal.aborted) report.answered(request, status)
  }

  async #statusOf(connection: ReplayConnection, pending: Pending): Promise<number> {
    const { signal } = this.#options
    const leave = () => connection.destroy()
    signal.addEventListener('abort', leave, { once: true })
    connection.giveUpAfter(ANSWER_MS)
    const status = await pending.answered
    connection.giveUpAfter(0)
    signal.removeEventListener('abort', leave)
    return status
  }

  /** The origin has ended the connection before it answered, as it may at any time; once. */
  async #sendAgain({ request, prepared }: Playing): Promise<number> {
    this.#connections.delete(request.connection)
    const connection = await this.#connect(request.connection)
    if (connection === undefined) return 0
    const pending = connection.expect()
    await connection.write(this.#head(prepared))
    for (let offset = 0; offset < prepared.sizeBytes; offset += PIECE_BYTES) {
      const sizeBytes = Math.min(PIECE_BYTES, prepared.sizeBytes - offset)
      await this.#sendBytes(connection, prepared, await prepared.read(offset, sizeBytes))
    }
    if (prepared.sent.framing === 'chunked') await connection.write(LAST_CHUNK)
    return this.#statusOf(connection, pending)
  }

  #head({ sent }: PreparedRequest): Buffer {
    const { target, key, auth } = this.#options
    return headOf(target, sent, { key, auth })
  }

  /** The one that the encoder had, or a new one when the origin has ended it. */
  async #connect(number: number): Promise<ReplayConnection | undefined> {
    const known = this.#connections.get(number)
    if (known?.isOpen === true) return known
    const { target } = this.#options
    try {
      const connection = await ReplayConnection.open(target)
      this.#hasConnected = true
      this.#connections.set(number, connection)
      return connection
    } catch (error) {
      if (this.#hasConnected) return undefined
      throw new HeadwaterError(
        'HW_REPLAY_UNREACHABLE',
        `${target.host} does not answer: ${socketReason(error)}.`,
        { cause: error },
      )
    }
  }
}

const CRLF = Buffer.from('\r\n')
const LAST_CHUNK = Buffer.from('0\r\n\r\n')

function sleepOnce({ sleep, signal }: Pick<ReplayerOptions, 'sleep' | 'signal'>, ms: number) {
  const cancelled = new AbortController()
  const over = sleep(ms, AbortSignal.any([signal, cancelled.signal])).then(() => true)
  return { over, cancel: () => cancelled.abort() }
}
