/**
 * Reads a tape from a stream of bytes, one record in memory at a time. The tape may be anybody's: every
 * length has a bound, nothing is taken on trust, and what is not exactly a tape ends with a sentence
 * that says why. Where it is cut the reader says so, and its user decides.
 */

import { Value } from 'typebox/value'
import type { TSchema, Static } from 'typebox'
import { isPlayableField } from '../../tape/recorded-headers.ts'
import {
  BODY_BYTES_MAX,
  bodyBytesOf,
  RECORD_BYTES_MAX,
  staysBelow,
  TAPE_FORMAT,
  TAPE_VERSION,
  tapeError,
  TapeCloseSchema,
  TapeEndSchema,
  TapeGapSchema,
  TapeHeadSchema,
  TapeRequestSchema,
} from '../../tape/tape-format.ts'
import type { TapeHead, TapeRecord, TapeRequest } from '../../tape/tape-format.ts'
import { parseItemTarget } from '../../wire/target.ts'
import { ByteReader } from '../archive/byte-reader.ts'

export interface TapeLimits {
  readonly requestsMax: number
  /** Of all requests. */
  readonly chunksMax: number
  /** Of all bodies, those that are only sizes included. */
  readonly bodyBytesMax: number
}

/** A week of a ladder of six. */
export const TAPE_LIMITS: TapeLimits = {
  requestsMax: 2_000_000,
  chunksMax: 5_000_000,
  bodyBytesMax: 1_099_511_627_776,
}

export interface TapeItem {
  readonly record: Exclude<TapeRecord, TapeHead>
  /** Of a request; empty when there is none or it is scrubbed. */
  readonly body: Buffer
  /** Where the body begins on the tape, bytes. */
  readonly bodyAt: number
}

const NO_BODY = Buffer.alloc(0)

export class TapeReader {
  readonly head: TapeHead
  readonly #lines: LineReader
  readonly #limits: TapeLimits
  readonly #numbers = new Set<number>()
  #chunkCount = 0
  #bodyBytes = 0

  private constructor(head: TapeHead, lines: LineReader, limits: TapeLimits) {
    this.head = head
    this.#lines = lines
    this.#limits = limits
  }

  /** @throws HeadwaterError `HW_TAPE_INVALID` when it is no tape of this version. */
  static async open(
    chunks: AsyncIterable<unknown>,
    limits: TapeLimits = TAPE_LIMITS,
  ): Promise<TapeReader> {
    const lines = new LineReader(chunks)
    const line = await lines.line(4096)
    const value = line === undefined ? undefined : parseJson(line)
    if (value === undefined || !isTapeHead(value)) {
      throw tapeError((await lines.isEmpty()) ? 'it is empty' : 'it is no tape of headwater record')
    }
    if (value.version !== TAPE_VERSION) {
      throw tapeError(
        `its version is ${String(value.version)}, and this program reads ${TAPE_VERSION}`,
        'Replay it with the version of Headwater that recorded it, or a later one.',
      )
    }
    if (!Value.Check(TapeHeadSchema, value)) throw tapeError('its first line makes no sense')
    return new TapeReader(value, lines, limits)
  }

  /**
   * The next record, the last one included; `cut` when the tape ends before a record is whole.
   *
   * @throws HeadwaterError `HW_TAPE_INVALID`, also after records that were good.
   */
  async next(): Promise<TapeItem | 'cut'> {
    const line = await this.#lines.line(RECORD_BYTES_MAX)
    if (line === undefined) return 'cut'
    const record = checkRecord(parseJson(line))
    if (record === undefined) throw tapeError('one of its records makes no sense')
    if (record.type === 'request') this.#checkRequest(record)
    const sizeBytes = bodyBytesOf(record)
    const bodyAt = this.#lines.offsetBytes
    if (sizeBytes > BODY_BYTES_MAX) {
      throw tapeError(`a body of ${sizeBytes} bytes is more than the ${BODY_BYTES_MAX} it may be`)
    }
    const body = sizeBytes === 0 ? NO_BODY : await this.#lines.body(sizeBytes)
    if (body === undefined) return 'cut'
    if (record.type === 'end') this.#checkEnd(record)
    return { record, body, bodyAt }
  }

  #checkRequest(request: TapeRequest): void {
    const { requestsMax, chunksMax, bodyBytesMax } = this.#limits
    const problem = problemOf(request)
    if (problem !== undefined) throw tapeError(`request ${request.number} ${problem}`)
    if (this.#numbers.has(request.number)) {
      throw tapeError(`it has two requests of number ${request.number}`)
    }
    this.#numbers.add(request.number)
    this.#chunkCount += request.chunks.length
    this.#bodyBytes += request.sizeBytes
    if (this.#numbers.size > requestsMax)
      throw tapeError(`it has more than ${requestsMax} requests`)
    if (this.#chunkCount > chunksMax) throw tapeError(`it has more than ${chunksMax} chunks`)
    if (this.#bodyBytes > bodyBytesMax) throw tapeError(`its bodies are over ${bodyBytesMax} bytes`)
  }

  #checkEnd(end: { readonly requestCount: number; readonly bodyBytes: number }): void {
    const { requestCount, bodyBytes } = end
    if (requestCount === this.#numbers.size && bodyBytes === this.#bodyBytes) return
    throw tapeError(`it should hold ${requestCount} requests, and holds ${this.#numbers.size}`)
  }
}

/** What would make one request another, or lead it elsewhere. */
function problemOf(request: TapeRequest): string | undefined {
  const { path, query, headers, framing, lengthBytes, sizeBytes, chunks, end } = request
  const target = parseItemTarget(`/cache/tape/${path}${query === '' ? '' : `?${query}`}`)
  if (target.problem !== undefined) return `has no key (${target.problem})`
  if (!staysBelow(path)) return 'leads out of the folder that it is replayed to'
  const strange = headers.find(([name]) => !isPlayableField(name))
  if (strange !== undefined) return `has a field that no tape may have (${strange[0]})`
  const chunkBytes = chunks.reduce((sum, [, bytes]) => sum + bytes, 0)
  if (chunkBytes !== sizeBytes) return 'has chunks that are not its body'
  let at = request.at
  for (const [chunkAt] of chunks) {
    if (chunkAt < at) return 'has chunks that come before others'
    at = chunkAt
  }
  if (request.endAt < at || request.answeredAt < request.at) return 'ends before it begins'
  if (framing === 'none' && sizeBytes > 0) return 'has a body and no framing'
  if (framing !== 'length') return undefined
  const isFitting = end === 'whole' ? lengthBytes === sizeBytes : (lengthBytes ?? -1) >= sizeBytes
  return isFitting ? undefined : 'has another length than it says'
}

function isTapeHead(
  value: unknown,
): value is { readonly format: string; readonly version: unknown } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'format' in value &&
    value.format === TAPE_FORMAT &&
    'version' in value
  )
}

function checkRecord(value: unknown): TapeItem['record'] | undefined {
  return (
    checked(value, TapeRequestSchema) ??
    checked(value, TapeCloseSchema) ??
    checked(value, TapeGapSchema) ??
    checked(value, TapeEndSchema)
  )
}

function checked<Schema extends TSchema>(
  value: unknown,
  schema: Schema,
): Static<Schema> | undefined {
  return Value.Check(schema, value) ? value : undefined
}

function parseJson(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8')) as unknown
  } catch {
    // Ignored: not JSON; the caller says what that means.
    return undefined
  }
}

const LINE_FEED = 0x0a

/** Lines and counted bytes in turn. */
class LineReader {
  readonly #reader: ByteReader
  #offsetBytes = 0

  constructor(chunks: AsyncIterable<unknown>) {
    this.#reader = new ByteReader(chunks)
  }

  /** Read so far, bytes. */
  get offsetBytes(): number {
    return this.#offsetBytes
  }

  /** Whether nothing came, and nothing comes. */
  async isEmpty(): Promise<boolean> {
    return this.#offsetBytes === 0 && (await this.#reader.peek(1)).length === 0
  }

  /** Without its line end. `undefined` when the stream ends before it. @throws when it is too long. */
  async line(bytesMax: number): Promise<Buffer | undefined> {
    let lookBytes = Math.min(1024, bytesMax + 1)
    for (;;) {
      const seen = await this.#reader.peek(lookBytes)
      const end = seen.indexOf(LINE_FEED)
      if (end !== -1) {
        const line = await this.#take(end + 1)
        return line?.subarray(0, end)
      }
      if (seen.length < lookBytes) return undefined
      if (lookBytes > bytesMax) throw tapeError('one of its lines has no end')
      lookBytes = Math.min(lookBytes * 8, bytesMax + 1)
    }
  }

  /** With the line end behind it; `undefined` when the stream ends before. */
  async body(sizeBytes: number): Promise<Buffer | undefined> {
    const bytes = await this.#take(sizeBytes + 1)
    if (bytes === undefined) return undefined
    if (bytes[sizeBytes] !== LINE_FEED) throw tapeError('a body is longer than it says')
    return bytes.subarray(0, sizeBytes)
  }

  async #take(sizeBytes: number): Promise<Buffer | undefined> {
    const bytes = await this.#reader.read(sizeBytes)
    if (bytes !== undefined) this.#offsetBytes += sizeBytes
    return bytes
  }
}
