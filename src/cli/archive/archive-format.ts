/**
 * What an archive of objects is: a tar file whose first member tells the version, then the objects,
 * each with its metadata in the `comment` record of a pax header (which every tar reads over in
 * silence, as POSIX asks), then a member with the counts, by which a cut archive is known.
 *
 * Keys are never file names: members are named by number, so that nothing in an archive can point
 * outside the folder where somebody unpacks it.
 */

import Type from 'typebox'
import type { Static } from 'typebox'
import { HeadwaterError } from '../../base/errors.ts'

export const ARCHIVE_FORMAT = 'headwater-archive'
/** Readers take this one alone. */
export const ARCHIVE_VERSION = 1
export const FIRST_MEMBER = 'headwater-archive.json'
export const LAST_MEMBER = 'headwater-end.json'
export const METADATA_KEYWORD = 'comment'
/** Of JSON in an archive, metadata and both members: many times what we write. */
export const JSON_BYTES_MAX = 16_384

const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Text = Type.String({ maxLength: 300 })

export const ArchiveHeadSchema = Type.Object({
  format: Type.Literal(ARCHIVE_FORMAT),
  version: Type.Integer(),
  /** Where it comes from; information. */
  cache: Type.Optional(Text),
  prefix: Type.Optional(Type.String({ maxLength: 6000 })),
  exportedAt: Type.Optional(Text),
})

export const ObjectMetadataSchema = Type.Object({
  /** The exact bytes, base64url. */
  key: Type.String({ minLength: 2, maxLength: 1400 }),
  // What may stand in a header: anything else would end the request that uploads it.
  contentType: Type.String({ maxLength: 255, pattern: '^[\\x20-\\x7e\\xa0-\\xff]*$' }),
  contentEncoding: Type.String({ maxLength: 64, pattern: '^[A-Za-z0-9_-]*$' }),
  /** What was left when it was exported, rounded up. */
  ttlSeconds: Type.Integer({ minimum: 1, maximum: 315_360_000 }),
  /** RFC 3339. */
  expiresAt: Text,
  /** RFC 3339; information. */
  storedAt: Text,
  /** Of the origin that it was exported from; information. */
  etag: Text,
  /** Of the body, hexadecimal. */
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
})

export const ArchiveEndSchema = Type.Object({ objectCount: Count, bodyBytes: Count })

export type ArchiveHead = Readonly<Static<typeof ArchiveHeadSchema>>
export type ObjectMetadata = Readonly<Static<typeof ObjectMetadataSchema>>
export type ArchiveEnd = Readonly<Static<typeof ArchiveEndSchema>>

/** What is wrong with an archive, and what to do. */
export function archiveError(problem: string, detail?: string): HeadwaterError {
  return new HeadwaterError(
    'HW_ARCHIVE_INVALID',
    `The archive cannot be imported: ${problem}.`,
    detail === undefined ? {} : { detail },
  )
}
