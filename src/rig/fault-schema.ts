/**
 * A fault as somebody writes it down: in a request, in a file, in a scenario. Every field with its
 * bound; what it does is `http/rig/`'s, when it does it `fault-rule.ts`'s.
 */

import Type from 'typebox'
import type { Static } from 'typebox'
import { oneOf } from '../config/sections/fields.ts'
import { ITEM_KINDS } from '../storage/store.ts'

/** Each thing that can go wrong, and on which operations it can. The first one is the default. */
export const FAULT_ACTIONS = {
  /** Answers `statusCode` instead; an upload's body is read first and dropped. */
  status: ['read', 'write', 'delete'],
  /** Sets and removes fields of the answer. */
  headers: ['read', 'write', 'delete'],
  /** Answers `delaySeconds` later; a write is stored in time and acknowledged late. */
  delay: ['read', 'write', 'delete'],
  /** Resets the connection after `afterBytes` of the answer's body, or of the upload's. */
  reset: ['read', 'write'],
  /** Sends the body at `bytesPerSecond`. */
  throttle: ['read'],
  /** Sends `afterBytes` of the body, then nothing for `stallSeconds`. */
  stall: ['read'],
  /** Ends the connection after `afterBytes` of the body, which its length promised whole. */
  truncate: ['read'],
  /** Changes one byte in every `everyBytes`. */
  corrupt: ['read'],
  /** Another `Content-Type`. */
  'wrong-type': ['read'],
  /** The playlist stays as it was at the first request that matched. */
  'frozen-playlist': ['read'],
  /** 404 for the newest `segmentCount` segments, which their playlist names. */
  'newest-missing': ['read'],
  /** 404 for a media playlist and all it names, which the multivariant playlist goes on naming. */
  'rendition-gone': ['read'],
  /** The playlist's media sequence number is `bySegments` lower than it is. */
  'backwards-sequence': ['read'],
  /** No `Access-Control-*` field, on preflights neither. */
  'no-cors': ['read'],
  /** 204, and nothing was stored. */
  lose: ['write'],
  /** 204 at once, stored `delaySeconds` later: playlists come before their segments. */
  'store-late': ['write'],
  /** Stored, and never answered. */
  'no-answer': ['write'],
} as const satisfies Record<string, readonly FaultOperation[]>

export type FaultAction = keyof typeof FAULT_ACTIONS
export type FaultOperation = 'read' | 'write' | 'delete'

export const FAULT_ACTION_NAMES = Object.keys(FAULT_ACTIONS) as readonly FaultAction[] // Its own keys.

/** Faults of the same scope at once. */
export const FAULTS_MAX = 100
export const FAULT_LIMIT_SECONDS_DEFAULT = 3600
export const FAULT_LIMIT_SECONDS_MAX = 604_800
/** Of a rule's name and of a scenario's. */
export const FAULT_NAME = '^[a-z0-9][a-z0-9-]{0,63}$'

const closed = { additionalProperties: false } as const
const words = <const Names extends readonly string[]>(names: Names, description: string) =>
  oneOf(names, { description })
const integer = (minimum: number, maximum: number, description: string) =>
  Type.Optional(Type.Integer({ minimum, maximum, description }))
const seconds = (maximum: number, description: string) =>
  Type.Optional(Type.Number({ minimum: 0, maximum, description }))
const text = (maxLength: number, description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength, description }))

export const FaultMatchSchema = Type.Object(
  {
    operation: Type.Optional(
      words(['read', 'write', 'delete'], 'What is asked for. By the action, unless said.'),
    ),
    cache: text(255, 'Name of the cache.'),
    key: text(1024, 'Glob over keys, as in `ttlRules`: `*.m3u8`, `live/**`.'),
    kind: Type.Optional(
      words(
        ['playlist', ...ITEM_KINDS],
        'What the object is; `playlist` is `media` and `multivariant` together. Of a write that stores something new, by its name.',
      ),
    ),
    rendition: text(1024, 'Glob over keys of media playlists: that playlist and what it names.'),
    sequenceFrom: integer(0, 2 ** 48, 'Media sequence number, first; of a playlist its newest.'),
    sequenceTo: integer(0, 2 ** 48, 'Media sequence number, last.'),
    edgeFrom: integer(-100_000, 0, 'The same counted from the live edge: 0 is the newest segment.'),
    edgeTo: integer(-100_000, 0, 'The last, counted from the live edge.'),
    client: text(64, 'Address or CIDR range.'),
    userAgent: text(200, 'Part of the User-Agent, whatever its case.'),
    probability: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 1,
        description: 'Share of requests, by the seed.',
      }),
    ),
    skip: integer(0, 1_000_000, 'So many matching requests are left alone first.'),
    count: integer(1, 1_000_000, 'So many requests at most are faulted.'),
    fromSeconds: seconds(FAULT_LIMIT_SECONDS_MAX, 'Not before, counted from when it was added.'),
    untilSeconds: seconds(FAULT_LIMIT_SECONDS_MAX, 'Not after.'),
  },
  { ...closed, description: 'Which requests. All of what is given has to hold.' },
)

export const FaultSchema = Type.Object(
  {
    id: Type.Optional(
      Type.String({ pattern: FAULT_NAME, description: 'Its name; one is made up unless said.' }),
    ),
    action: words(FAULT_ACTION_NAMES, 'What goes wrong.'),
    match: Type.Optional(FaultMatchSchema),
    seed: integer(0, 0xffff_ffff, 'Of probability and corruption. 1 unless said.'),
    limitSeconds: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: FAULT_LIMIT_SECONDS_MAX,
        description: 'After so long it is gone, whoever forgot it. 3600 unless said.',
      }),
    ),
    statusCode: integer(400, 599, '`status`. 503 unless said.'),
    retryAfterSeconds: integer(1, 86_400, '`status`: `Retry-After`.'),
    delaySeconds: seconds(600, '`delay` and `store-late`. 2 unless said.'),
    bytesPerSecond: integer(1, 2 ** 40, '`throttle`. 50,000 unless said.'),
    afterBytes: integer(0, 2 ** 40, '`reset`, `truncate`, `stall`. 1024 unless said.'),
    stallSeconds: seconds(3600, '`stall`. 30 unless said.'),
    everyBytes: integer(1, 2 ** 30, '`corrupt`. 4096 unless said.'),
    contentType: Type.Optional(
      Type.String({
        pattern: '^[!-~]+(?: [!-~]+)*$',
        maxLength: 200,
        description: '`wrong-type`. `text/html` unless said.',
      }),
    ),
    segmentCount: integer(1, 1000, '`newest-missing`. 1 unless said.'),
    bySegments: integer(1, 100_000, '`backwards-sequence`. 5 unless said.'),
    set: Type.Optional(
      Type.Record(
        Type.String({ pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$" }),
        Type.String({ pattern: '^[\\t\\x20-\\x7e]*$', maxLength: 1000 }),
        { ...closed, maxProperties: 20, description: '`headers`: fields to set.' },
      ),
    ),
    remove: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
        maxItems: 20,
        description: '`headers`: fields to leave out.',
      }),
    ),
  },
  { ...closed, description: 'A fault.' },
)

/** A fault as it is written down. */
export type Fault = Static<typeof FaultSchema>
export type FaultMatch = Static<typeof FaultMatchSchema>
