/**
 * What is kept of a key: everything but the key. The shape on disk and its strict check; the
 * registry holds the records, this file knows how they look.
 */

import Type from 'typebox'
import type { Static } from 'typebox'
import { Value } from 'typebox/value'
import { HeadwaterError } from '../base/errors.ts'
import type { AdminScope, CachePermission, Grant } from './grant.ts'
import { findRole } from './roles.ts'

/** Key ids are letters, digits, `.`, `_`, `-`, up to 64 chars; they show in logs and in URLs. */
export const KEY_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** A key id, or the name of short-lived tokens: `disposable:<tokenId>`, `disposable:`, `sign-in:link`. */
export const REVOCABLE_ID =
  /^(?:[A-Za-z0-9][A-Za-z0-9._-]{0,63}|disposable:[\x20-\x7e]{0,64}|sign-in:link)$/

export const DESCRIPTION_CHARS_MAX = 200

/** A key as lists show it: no credential, no hash of one. */
export interface KeyRecord {
  readonly keyId: string
  /** Free text; empty when there is none. */
  readonly description: string
  /**
   * `minted` here, `imported`: a string that somebody already had, `v2`: made by Momento's account
   * API, for a role.
   */
  readonly kind: 'minted' | 'imported' | 'v2'
  readonly superUser: boolean
  readonly permissions: readonly CachePermission[]
  readonly admin: AdminScope | undefined
  readonly issuedAtMs: number
  /** `undefined`: never. */
  readonly expiresAtMs: number | undefined
  /** `undefined`: it is not. */
  readonly revokedAtMs: number | undefined
  /** The role of a `v2` key. */
  readonly roleId?: string
  /** The first of the keys of which this one is a refreshed copy. */
  readonly refreshedFrom?: string
}

/**
 * A revocation of what has no record: a key that another registry held, or tokens. For a key it is
 * for good; an id with a colon (`disposable:…`, `sign-in:…`) stands for many short-lived tokens, of
 * which those are revoked that were made until then.
 */
export interface Revocation {
  readonly keyId: string
  readonly revokedAtMs: number
}

/** What the registry keeps. */
export interface KeyDocument {
  readonly keys: readonly StoredKeyRecord[]
  readonly revocations: readonly Revocation[]
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
    kind: Type.Union([Type.Literal('minted'), Type.Literal('imported'), Type.Literal('v2')]),
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
    roleId: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    refreshedFrom: Type.Optional(Type.String({ pattern: KEY_ID.source })),
    credentialSha256: Type.Array(Type.String({ pattern: '^[0-9a-f]{64}$' })),
  },
  closed,
)

const RevocationsSchema = Type.Array(
  Type.Object(
    {
      keyId: Type.String({ pattern: REVOCABLE_ID.source }),
      revokedAtMs: timeMs,
    },
    closed,
  ),
)

const DOCUMENT_VERSION = 1

/** The document that {@link parseKeyDocument} reads back. Absent times are left out. */
export function toKeyDocument({ keys, revocations }: KeyDocument): unknown {
  return {
    version: DOCUMENT_VERSION,
    keys,
    // Left out where there are none, so that an older version of this program reads the document.
    ...(revocations.length === 0 ? {} : { revocations }),
  }
}

/**
 * The records and revocations of a document; none when there is no document yet.
 *
 * @throws HeadwaterError `HW_DATA_DIR_CORRUPT` that names the record and the member, never a value.
 */
export function parseKeyDocument(document: unknown): KeyDocument {
  if (document === undefined) return { keys: [], revocations: [] }
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
  const keys = document.keys.map((value: unknown, index) => parseRecord(value, index, seen))
  const revocations: unknown = 'revocations' in document ? document.revocations : []
  if (!Value.Check(RevocationsSchema, revocations)) {
    throw corrupt('its list "revocations" is not valid')
  }
  return { keys, revocations }
}

/** What a record allows. */
export function grantOfRecord(record: KeyRecord): Grant {
  const { roleId } = record
  const authManagement = roleId === undefined ? undefined : findRole(roleId)?.grant.authManagement
  return {
    keyId: record.keyId,
    superUser: record.superUser,
    permissions: record.permissions,
    admin: record.admin,
    expiresAtMs: record.expiresAtMs,
    ...(authManagement === undefined ? {} : { authManagement }),
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
    ...(record.roleId === undefined ? {} : { roleId: record.roleId }),
    ...(record.refreshedFrom === undefined ? {} : { refreshedFrom: record.refreshedFrom }),
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
  if ((record.kind === 'v2') !== (record.roleId !== undefined)) {
    throw corrupt(`${nameOf(value, index)} is not valid at /roleId`)
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
