/**
 * What is kept of a key: everything but the key. The shape on disk and its strict check; the
 * registry holds the records, this file knows how they look.
 */

import Type from 'typebox'
import type { Static } from 'typebox'
import { Value } from 'typebox/value'
import { HeadwaterError } from '../base/errors.ts'
import type { AdminScope, CachePermission, Grant } from './grant.ts'

/** Key ids are letters, digits, `.`, `_`, `-`, up to 64 chars; they show in logs and in URLs. */
export const KEY_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

export const DESCRIPTION_CHARS_MAX = 200

/** A key as lists show it: no credential, no hash of one. */
export interface KeyRecord {
  readonly keyId: string
  /** Free text; empty when there is none. */
  readonly description: string
  /** `minted` here, or `imported`: a string that somebody already had. */
  readonly kind: 'minted' | 'imported'
  readonly superUser: boolean
  readonly permissions: readonly CachePermission[]
  readonly admin: AdminScope | undefined
  readonly issuedAtMs: number
  /** `undefined`: never. */
  readonly expiresAtMs: number | undefined
  /** `undefined`: it is not. */
  readonly revokedAtMs: number | undefined
}

/** A record with what only the registry may see. */
export interface StoredKeyRecord extends KeyRecord {
  /**
   * SHA-256 in hex of every form an imported credential may come in: the string, and the inner JWT
   * when it is a v1 wrapper. Empty for a minted key, which its signature proves.
   */
  readonly credentialSha256: readonly string[]
}

const cacheName = Type.String({ pattern: '^[A-Za-z0-9._-]{1,255}$' })
const byteString = Type.String({ pattern: '^[\\u0000-\\u00ff]{1,1024}$' })
const timeMs = Type.Integer({ minimum: 0 })
const closed = { additionalProperties: false }

const RecordSchema = Type.Object(
  {
    keyId: Type.String({ pattern: KEY_ID.source }),
    description: Type.String({ maxLength: DESCRIPTION_CHARS_MAX }),
    kind: Type.Union([Type.Literal('minted'), Type.Literal('imported')]),
    superUser: Type.Boolean(),
    permissions: Type.Array(
      Type.Object(
        {
          role: Type.Union([
            Type.Literal('readwrite'),
            Type.Literal('readonly'),
            Type.Literal('writeonly'),
          ]),
          cacheName: Type.Union([Type.Literal('*'), cacheName]),
          items: Type.Union([
            Type.Object({ kind: Type.Literal('all') }, closed),
            Type.Object({ kind: Type.Literal('key'), key: byteString }, closed),
            Type.Object({ kind: Type.Literal('prefix'), prefix: byteString }, closed),
          ]),
        },
        closed,
      ),
    ),
    admin: Type.Optional(
      Type.Object(
        { cacheNames: Type.Union([Type.Literal('*'), Type.Array(cacheName, { minItems: 1 })]) },
        closed,
      ),
    ),
    issuedAtMs: timeMs,
    expiresAtMs: Type.Optional(timeMs),
    revokedAtMs: Type.Optional(timeMs),
    credentialSha256: Type.Array(Type.String({ pattern: '^[0-9a-f]{64}$' })),
  },
  closed,
)

const DOCUMENT_VERSION = 1

/** The document that {@link parseKeyDocument} reads back. Absent times are left out. */
export function toKeyDocument(records: Iterable<StoredKeyRecord>): unknown {
  return { version: DOCUMENT_VERSION, keys: [...records] }
}

/**
 * The records of a document; none when there is no document yet.
 *
 * @throws HeadwaterError `HW_DATA_DIR_CORRUPT` that names the record and the member, never a value.
 */
export function parseKeyDocument(document: unknown): readonly StoredKeyRecord[] {
  if (document === undefined) return []
  if (typeof document !== 'object' || document === null || !('version' in document)) {
    throw corrupt('it is not a key document')
  }
  if (document.version !== DOCUMENT_VERSION) {
    throw corrupt(
      `it is not of version ${DOCUMENT_VERSION}: another version of this program wrote it`,
    )
  }
  if (!('keys' in document) || !Array.isArray(document.keys)) throw corrupt('it has no list "keys"')
  const seen = new Set<string>()
  return document.keys.map((value: unknown, index) => parseRecord(value, index, seen))
}

/** What a record allows. */
export function grantOfRecord(record: KeyRecord): Grant {
  return {
    keyId: record.keyId,
    superUser: record.superUser,
    permissions: record.permissions,
    admin: record.admin,
    expiresAtMs: record.expiresAtMs,
  }
}

/** The record without its hashes. */
export function withoutHashes(record: StoredKeyRecord): KeyRecord {
  return {
    keyId: record.keyId,
    description: record.description,
    kind: record.kind,
    superUser: record.superUser,
    permissions: record.permissions,
    admin: record.admin,
    issuedAtMs: record.issuedAtMs,
    expiresAtMs: record.expiresAtMs,
    revokedAtMs: record.revokedAtMs,
  }
}

function parseRecord(value: unknown, index: number, seen: Set<string>): StoredKeyRecord {
  if (!Value.Check(RecordSchema, value)) {
    const paths = Value.Errors(RecordSchema, value).map((error) => error.instancePath)
    // The deepest place is the cause; the objects and unions around it fail along with it.
    const deepest = paths.reduce((a, b) => (b.length > a.length ? b : a), '')
    throw corrupt(`${nameOf(value, index)} is not valid${deepest === '' ? '' : ` at ${deepest}`}`)
  }
  const record = fromDocument(value)
  for (const name of [record.keyId, ...record.credentialSha256.map((hash) => `sha256 ${hash}`)]) {
    if (seen.has(name)) throw corrupt(`${nameOf(value, index)} is there twice`)
    seen.add(name)
  }
  if ((record.kind === 'imported') !== record.credentialSha256.length > 0) {
    throw corrupt(`${nameOf(value, index)} is not valid at /credentialSha256`)
  }
  return record
}

/** The schema checks what the brands of names promise, so the cast only says so. */
function fromDocument(value: Static<typeof RecordSchema>): StoredKeyRecord {
  const { admin, expiresAtMs, revokedAtMs, ...rest } = value
  return { ...rest, admin, expiresAtMs, revokedAtMs } as StoredKeyRecord
}

function nameOf(value: unknown, index: number): string {
  const keyId = typeof value === 'object' && value !== null && 'keyId' in value ? value.keyId : ''
  return typeof keyId === 'string' && KEY_ID.test(keyId)
    ? `record ${index} (key id ${keyId})`
    : `record ${index}`
}

function corrupt(what: string): HeadwaterError {
  return new HeadwaterError('HW_DATA_DIR_CORRUPT', `The list of keys cannot be used: ${what}.`, {
    detail:
      'Nothing was changed. Put back a copy of the file, or repair what the message names. Without the list, revoked keys would be accepted again.',
  })
}
