/**
 * What a tape is: the requests that an encoder pushed into one cache, with their timing, as lines of
 * JSON, each followed by the bytes it speaks of. `docs/tapes.md` describes it for other programs; who
 * records and who replays is not here.
 */

import Type from 'typebox'
import type { Static } from 'typebox'
import { HeadwaterError } from '../base/errors.ts'

export const TAPE_FORMAT = 'headwater-tape'
/** Readers take this one alone. */
export const TAPE_VERSION = 1
/** Of one line of JSON: 32 KiB of header fields, escaped, and {@link CHUNKS_MAX} chunks fit. */
export const RECORD_BYTES_MAX = 512 * 1024
/** Chunks of one body that are told apart; beyond it two become one. */
export const CHUNKS_MAX = 4096
/** Of one body. Larger ones are not recorded. */
export const BODY_BYTES_MAX = 64 * 1024 * 1024
/** What is recorded, and all that a tape may ask for when it is replayed. */
export const TAPE_METHODS = ['PUT', 'POST', 'DELETE', 'MKCOL'] as const

const YEAR_MS = 366 * 86_400_000
const closed = { additionalProperties: false } as const
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
/** Milliseconds since the recording began, with one decimal. */
const At = Type.Number({ minimum: 0, maximum: YEAR_MS })
const FIELD_VALUE = '^[\\t\\x20-\\x7e\\x80-\\xff]*$'

export const TapeHeadSchema = Type.Object(
  {
    type: Type.Literal('head'),
    format: Type.Literal(TAPE_FORMAT),
    version: Type.Integer(),
    /** RFC 3339. */
    recordedAt: Type.String({ maxLength: 40 }),
    cache: Type.String({ pattern: '^[A-Za-z0-9._-]{1,255}$' }),
    /** Media are sizes without bytes. */
    isScrubbed: Type.Boolean(),
    /** Version of the program; information. */
    program: Type.String({ maxLength: 100 }),
  },
  closed,
)

export const TapeRequestSchema = Type.Object(
  {
    type: Type.Literal('request'),
    /** Counts up from 1 in the order in which requests began. */
    number: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    /** Requests of one number came on one connection. */
    connection: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    at: At,
    method: Type.Enum(TAPE_METHODS),
    /** Behind `/cache/<cache>/`, as it was sent; '' when the query has the key. */
    path: Type.String({
      maxLength: 8192,
      pattern: '^[\\x21-\\x22\\x24-\\x3e\\x40-\\x7e\\x80-\\xff]*$',
    }),
    /** Without its `?` and without credentials. */
    query: Type.String({ maxLength: 8192, pattern: '^[\\x21-\\x22\\x24-\\x7e\\x80-\\xff]*$' }),
    /** Name and value, in order, without credentials. */
    headers: Type.Array(
      Type.Tuple([
        Type.String({ pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,255}$" }),
        Type.String({ maxLength: 32_768, pattern: FIELD_VALUE }),
      ]),
      { maxItems: 2000 },
    ),
    /** Where the credential was; information. */
    credential: Type.Enum(['none', 'header', 'query', 'both']),
    framing: Type.Enum(['none', 'length', 'chunked']),
    /** With `length`: what was announced; more than came when the upload broke off. */
    lengthBytes: Type.Optional(Count),
    /** Of the body, as far as it came. So many bytes follow the line, unless it is scrubbed. */
    sizeBytes: Count,
    isScrubbed: Type.Optional(Type.Literal(true)),
    /** When and how many bytes; together {@link sizeBytes}. */
    chunks: Type.Array(Type.Tuple([At, Type.Integer({ minimum: 1 })]), { maxItems: CHUNKS_MAX }),
    /** When the body was whole or the client was gone. */
    endAt: At,
    /** `refused`: answered before the body was whole. */
    end: Type.Enum(['whole', 'aborted', 'refused']),
    answeredAt: At,
    /** 0: there was no answer. */
    status: Type.Integer({ minimum: 0, maximum: 599 }),
    /** Of `X-Headwater-Reason`; information. */
    reason: Type.Optional(Type.String({ maxLength: 100 })),
  },
  closed,
)

/** A connection that ended. */
export const TapeCloseSchema = Type.Object(
  { type: Type.Literal('close'), connection: Type.Integer({ minimum: 1 }), at: At },
  closed,
)

/** Why requests are missing. */
export const TAPE_GAP_REASONS = [
  'slow', // the recorder did not take what there was
  'large', // bodies beyond what may be held
  'credential', // a credential that could not be taken out
  'key', // a key that cannot be replayed below a prefix
] as const

export const TapeGapSchema = Type.Object(
  {
    type: Type.Literal('gap'),
    from: At,
    to: At,
    reason: Type.Enum(TAPE_GAP_REASONS),
    requestCount: Count,
  },
  closed,
)

/** The last line: a tape without it was cut. */
export const TapeEndSchema = Type.Object(
  {
    type: Type.Literal('end'),
    at: At,
    requestCount: Count,
    bodyBytes: Count,
    /** In progress when the recording ended: they are not on the tape. */
    unfinishedCount: Count,
  },
  closed,
)

export type TapeHead = Readonly<Static<typeof TapeHeadSchema>>
export type TapeRequest = Readonly<Static<typeof TapeRequestSchema>>
export type TapeClose = Readonly<Static<typeof TapeCloseSchema>>
export type TapeGap = Readonly<Static<typeof TapeGapSchema>>
export type TapeGapReason = (typeof TAPE_GAP_REASONS)[number]
export type TapeEnd = Readonly<Static<typeof TapeEndSchema>>
export type TapeRecord = TapeHead | TapeRequest | TapeClose | TapeGap | TapeEnd

/** One record as bytes: its line, and for a request with a body the body and a line end. */
export function encodeTapeRecord(record: TapeRecord, body?: Uint8Array): readonly Uint8Array[] {
  const line = Buffer.from(`${JSON.stringify(record)}\n`)
  if (body === undefined || body.length === 0) return [line]
  return [line, body, LINE_END]
}

const LINE_END = Buffer.from('\n')

/** Whether bytes of the body follow the line of this record. */
export function bodyBytesOf(record: TapeRecord): number {
  return record.type === 'request' && record.isScrubbed !== true ? record.sizeBytes : 0
}

/**
 * Whether a path stays below its prefix whatever a server makes of it: no `.` or `..` between
 * slashes of either kind, in any percent-encoding.
 */
export function staysBelow(path: string): boolean {
  let reading = path
  for (let round = 0; round < 4; round++) {
    if (/(?:^|[/\\])\.{1,2}(?:[/\\;]|$)/.test(reading)) return false
    const decoded = reading.replace(/%(2e|2f|5c|25|3b)/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    if (decoded === reading) return true
    reading = decoded
  }
  // Encoded that often nobody means a name by it.
  return false
}

/** What is wrong with a tape, and what to do. */
export function tapeError(problem: string, detail?: string): HeadwaterError {
  return new HeadwaterError(
    'HW_TAPE_INVALID',
    `The tape cannot be replayed: ${problem}.`,
    detail === undefined ? {} : { detail },
  )
}
