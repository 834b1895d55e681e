/**
 * One cache being recorded: watches its uploads as their bytes arrive and writes each, once it is
 * over, as a record of a tape. Never in an upload's way: what it cannot hold, or its reader does not
 * take, becomes a gap on the tape.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { credentialFromAuthorization, unwrapCredential } from '../../auth/credential.ts'
import type { Clock } from '../../base/clock.ts'
import { formatIsoTime } from '../../base/dates.ts'
import type { CacheName } from '../../base/names.ts'
import { VERSION } from '../../base/version.ts'
import { isPlaylistKey, recordedBody } from '../../tape/recorded-body.ts'
import { isSecretText, recordedHeaders, recordedQuery } from '../../tape/recorded-headers.ts'
import { BODY_BYTES_MAX, CHUNKS_MAX, encodeTapeRecord, staysBelow } from '../../tape/tape-format.ts'
import { TAPE_FORMAT, TAPE_METHODS, TAPE_VERSION } from '../../tape/tape-format.ts'
import type { TapeGap, TapeGapReason, TapeRecord, TapeRequest } from '../../tape/tape-format.ts'
import type { ItemTarget } from '../../wire/target.ts'
import { recordOf } from '../request-record.ts'

/** Where a tape goes. */
export interface TapeSink {
  write(bytes: Uint8Array): void
  /** Written and not yet taken. */
  readonly waitingBytes: number
  /** After the last record; `broken` instead of one. */
  end(how: 'whole' | 'broken'): void
}

export interface RecordingOptions {
  readonly cacheName: CacheName
  readonly isScrubbed: boolean
  readonly clock: Clock
  /** By which its reader is given up. */
  readonly machineClock: Clock
  readonly sink: TapeSink
  /** Of bodies that are not over yet. */
  readonly heldBytesMax?: number | undefined
  /** Of what its reader has not taken. */
  readonly waitingBytesMax?: number | undefined
}

/** How a recording does. */
export interface RecordingStats {
  requestCount: number
  bodyBytes: number
  /** Requests that are missing. */
  missedCount: number
}

interface Watched {
  readonly number: number
  readonly connection: number
  readonly at: number
  readonly isHeld: boolean
  body: Buffer[]
  chunks: [number, number][]
  sizeBytes: number
  endAt: number | undefined
  /** More than may be held. */
  isLarge: boolean
}

const HELD_BYTES_MAX = 64 * 1024 * 1024
const WAITING_BYTES_MAX = 64 * 1024 * 1024
/** A reader that takes nothing for so long has gone without a word. */
const STALLED_MS = 60_000
/** Different ones of one recording; encoders have one or two. */
const CREDENTIALS_MAX = 32

export class Recording {
  readonly stats: RecordingStats = { requestCount: 0, bodyBytes: 0, missedCount: 0 }
  readonly cacheName: CacheName
  readonly startedAtMs: number
  readonly #options: RecordingOptions
  readonly #startedAtMonotonicMs: number
  readonly #watched = new Set<Watched>()
  readonly #connections = new Map<Socket, number>()
  readonly #credentials = new Set<string>()
  #heldBytes = 0
  #requestNumber = 0
  #connectionNumber = 0
  #gap: TapeGap | undefined
  #takenAtMonotonicMs: number
  #isOver = false

  constructor(options: RecordingOptions) {
    const { clock, cacheName, isScrubbed } = options
    this.#options = options
    this.cacheName = cacheName
    this.startedAtMs = clock.nowMs()
    this.#startedAtMonotonicMs = clock.monotonicMs()
    this.#takenAtMonotonicMs = options.machineClock.monotonicMs()
    this.#write({
      ...{ type: 'head', format: TAPE_FORMAT, version: TAPE_VERSION, cache: cacheName, isScrubbed },
      recordedAt: formatIsoTime(this.startedAtMs),
      program: VERSION,
    })
  }

  /** From its head on, before a byte of its body was read. */
  watch(request: IncomingMessage, response: ServerResponse, target: ItemTarget): void {
    if (this.#isOver || !isPlayable(request.method)) return
    this.#try(() => this.#watch(request, response, target))
  }

  #watch(request: IncomingMessage, response: ServerResponse, target: ItemTarget): void {
    const at = this.#now()
    const isHeld = !this.#options.isScrubbed || isPlaylistKey(target.key)
    const watched: Watched = {
      ...{ number: ++this.#requestNumber, connection: this.#connectionOf(request.socket), at },
      ...{ isHeld, body: [], chunks: [], sizeBytes: 0, endAt: undefined, isLarge: false },
    }
    this.#watched.add(watched)
    // Where node's parser hands the body over: bytes are seen as they come, whoever reads them later.
    const push = request.push.bind(request)
    Object.assign(request, {
      push: (chunk: Buffer | null, encoding?: BufferEncoding) => {
        this.#try(() => {
          if (chunk === null) watched.endAt = this.#now()
          else this.#keep(watched, chunk)
        })
        return push(chunk, encoding)
      },
    })
    response.once('close', () => {
      this.#try(() => this.#finish(watched, request, response, target))
    })
  }

  /** Writes the last record; uploads in progress are not on the tape. */
  stop(): void {
    if (this.#isOver) return
    const unfinishedCount = this.#watched.size
    this.#flushGap()
    const { requestCount, bodyBytes } = this.stats
    this.#write({ type: 'end', at: this.#now(), requestCount, bodyBytes, unfinishedCount })
    this.#leave()
    this.#options.sink.end('whole')
  }

  /** The reader has gone, or is to go without a last record. */
  abandon(): void {
    if (this.#isOver) return
    this.#leave()
    this.#options.sink.end('broken')
  }

  /** Whatever goes wrong here ends the tape: an upload, or the process, is never the price. */
  #try(work: () => void): void {
    try {
      work()
    } catch {
      // Ignored: the reader sees a tape that is cut, and says so.
      this.abandon()
    }
  }

  #leave(): void {
    this.#isOver = true
    for (const watched of this.#watched) watched.body = []
    this.#watched.clear()
    this.#connections.clear()
    this.#heldBytes = 0
  }

  #keep(watched: Watched, chunk: Buffer): void {
    if (this.#isOver) return
    const { chunks } = watched
    watched.sizeBytes += chunk.length
    if (chunks.length === CHUNKS_MAX) watched.chunks = pairUp(chunks)
    watched.chunks.push([this.#now(), chunk.length])
    if (!watched.isHeld || watched.isLarge) return
    const { heldBytesMax = HELD_BYTES_MAX } = this.#options
    if (watched.sizeBytes > BODY_BYTES_MAX || this.#heldBytes + chunk.length > heldBytesMax) {
      watched.isLarge = true
      this.#release(watched)
      return
    }
    this.#heldBytes += chunk.length
    watched.body.push(chunk)
  }

  #release(watched: Watched): Buffer {
    const body = watched.body.length === 1 ? watched.body[0] : Buffer.concat(watched.body)
    watched.body = []
    const bytes = body ?? Buffer.alloc(0)
    this.#heldBytes -= bytes.length
    return bytes
  }

  #finish(
    watched: Watched,
    request: IncomingMessage,
    response: ServerResponse,
    target: ItemTarget,
  ): void {
    if (!this.#watched.delete(watched)) return
    const body = this.#release(watched)
    const answeredAt = this.#now()
    const status = response.headersSent ? response.statusCode : 0
    const credentials = this.#credentialsOf(request, target, status)
    const { path, query } = splitTarget(request.url ?? '')
    const cleanQuery = recordedQuery(query, credentials)
    const cleanBody = watched.isHeld ? recordedBody(body, target.key, credentials) : body
    if (watched.isLarge) return this.#miss('large', watched.at)
    if (!staysBelow(path)) return this.#miss('key', watched.at)
    if (cleanBody === undefined || isSecretText(path, credentials)) {
      return this.#miss('credential', watched.at)
    }
    if (this.#isSlow()) return this.#miss('slow', watched.at)
    this.#flushGap()
    const reason = recordOf(response)?.reason
    const sizeBytes = watched.isHeld ? cleanBody.length : watched.sizeBytes
    const record: TapeRequest = {
      ...{ type: 'request', number: watched.number, connection: watched.connection },
      ...{ at: watched.at, method: methodOf(request), path, query: cleanQuery },
      headers: recordedHeaders(request.rawHeaders, credentials),
      credential: placeOfCredential(request, target),
      ...framingOf(request, sizeBytes - watched.sizeBytes),
      sizeBytes,
      ...(watched.isHeld ? {} : { isScrubbed: true }),
      chunks: resize(watched.chunks, sizeBytes),
      endAt: watched.endAt ?? answeredAt,
      end: request.complete ? 'whole' : status === 0 ? 'aborted' : 'refused',
      ...{ answeredAt, status, ...(reason === undefined ? {} : { reason }) },
    }
    this.stats.requestCount++
    this.stats.bodyBytes += sizeBytes
    this.#write(record, watched.isHeld ? cleanBody : undefined)
  }

  /** This request's own, and those that this recording has seen accepted. */
  #credentialsOf(
    request: IncomingMessage,
    target: ItemTarget,
    status: number,
  ): ReadonlySet<string> {
    const { authorization } = request.headers
    const own = new Set<string>()
    for (const credential of [
      authorization === undefined ? undefined : credentialFromAuthorization(authorization),
      target.token,
    ]) {
      if (credential === undefined || credential === '') continue
      own.add(credential)
      own.add(unwrapCredential(credential) ?? credential)
    }
    if (status !== 401 && this.#credentials.size < CREDENTIALS_MAX) {
      for (const credential of own) this.#credentials.add(credential)
    }
    for (const credential of this.#credentials) own.add(credential)
    return own
  }

  #connectionOf(socket: Socket): number {
    const known = this.#connections.get(socket)
    if (known !== undefined) return known
    const connection = ++this.#connectionNumber
    this.#connections.set(socket, connection)
    socket.once('close', () => {
      if (!this.#connections.delete(socket) || this.#isSlow()) return
      // Behind the request that ended with it, which hears of it in this turn, too.
      const at = this.#now()
      setImmediate(() => {
        if (!this.#isOver) this.#write({ type: 'close', connection, at })
      })
    })
    return connection
  }

  #miss(reason: TapeGapReason, from: number): void {
    this.stats.missedCount++
    if (this.#gap !== undefined && this.#gap.reason !== reason && !this.#isSlow()) this.#flushGap()
    const { requestCount = 0, from: earlier = from } = this.#gap ?? {}
    const to = this.#now()
    const first = Math.min(earlier, from)
    this.#gap = { type: 'gap', from: first, to, reason, requestCount: requestCount + 1 }
  }

  #flushGap(): void {
    const gap = this.#gap
    this.#gap = undefined
    if (gap !== undefined) this.#write(gap)
  }

  #isSlow(): boolean {
    const { waitingBytesMax = WAITING_BYTES_MAX, sink, machineClock } = this.#options
    if (sink.waitingBytes <= waitingBytesMax) return false
    const silentMs = machineClock.monotonicMs() - this.#takenAtMonotonicMs
    if (silentMs > STALLED_MS) this.abandon()
    return true
  }

  /** The sink was emptied: its reader is there. */
  taken(): void {
    this.#takenAtMonotonicMs = this.#options.machineClock.monotonicMs()
  }

  #write(record: TapeRecord, body?: Buffer): void {
    if (this.#isOver) return
    if (this.#options.sink.waitingBytes === 0) this.taken()
    for (const bytes of encodeTapeRecord(record, body)) this.#options.sink.write(bytes)
  }

  #now(): number {
    const ms = this.#options.clock.monotonicMs() - this.#startedAtMonotonicMs
    return Math.max(0, Math.round(ms * 10) / 10)
  }
}

function isPlayable(method: string | undefined): boolean {
  return TAPE_METHODS.some((playable) => playable === method)
}

function methodOf({ method }: IncomingMessage): TapeRequest['method'] {
  return TAPE_METHODS.find((playable) => playable === method) ?? 'PUT'
}

/** What follows `/cache/<cache>/`, and the query. The target has been parsed: it has this form. */
function splitTarget(url: string): { readonly path: string; readonly query: string } {
  const [target = ''] = url.split('#', 1)
  const question = target.indexOf('?')
  const whole = question === -1 ? target : target.slice(0, question)
  const path = /^(?:https?:\/\/[^/]*)?\/cache\/[^/]*\/(.*)$/is.exec(whole)?.[1] ?? ''
  return { path, query: question === -1 ? '' : target.slice(question + 1) }
}

function placeOfCredential(
  { headers }: IncomingMessage,
  { token }: ItemTarget,
): TapeRequest['credential'] {
  const isInHeader = headers.authorization !== undefined
  if (token === '') return isInHeader ? 'header' : 'none'
  return isInHeader ? 'both' : 'query'
}

/** @param changeBytes  By which the body has grown: the announced length grows with it. */
function framingOf(
  { headers }: IncomingMessage,
  changeBytes: number,
): Pick<TapeRequest, 'framing' | 'lengthBytes'> {
  if (headers['transfer-encoding'] !== undefined) return { framing: 'chunked' }
  const length = headers['content-length']
  if (length === undefined) return { framing: 'none' }
  return { framing: 'length', lengthBytes: Math.max(0, Number(length) + changeBytes) }
}

/** Half as many chunks: two become one, with the time of the second. */
function pairUp(chunks: readonly (readonly [number, number])[]): [number, number][] {
  const paired: [number, number][] = []
  for (let index = 0; index < chunks.length; index += 2) {
    const [firstAt = 0, firstBytes = 0] = chunks[index] ?? []
    const [secondAt = firstAt, secondBytes = 0] = chunks[index + 1] ?? []
    paired.push([secondAt, firstBytes + secondBytes])
  }
  return paired
}

/** The chunks of a body that has another size now: the first ones as they were, the last takes the rest. */
function resize(chunks: [number, number][], sizeBytes: number): [number, number][] {
  const resized: [number, number][] = []
  let leftBytes = sizeBytes
  for (const [index, [at, bytes]] of chunks.entries()) {
    const isLast = index === chunks.length - 1
    const taken = isLast ? leftBytes : Math.min(leftBytes, bytes)
    if (taken > 0) resized.push([at, taken])
    leftBytes -= taken
  }
  return resized
}
