/**
 * Reads an archive of objects from a stream of bytes, one object in memory at a time. The archive may
 * be anybody's: every length has a bound, nothing is taken on trust, and what is not exactly an
 * archive ends with a sentence that says why.
 */

import { createHash } from 'node:crypto'
import type { TSchema, Static } from 'typebox'
import { Value } from 'typebox/value'
import type { ItemKey } from '../../base/names.ts'
import { parseKeyBase64Url } from '../../origin/object-list.ts'
import {
  ARCHIVE_VERSION,
  archiveError,
  ArchiveEndSchema,
  ArchiveHeadSchema,
  FIRST_MEMBER,
  JSON_BYTES_MAX,
  LAST_MEMBER,
  METADATA_KEYWORD,
  ObjectMetadataSchema,
} from './archive-format.ts'
import type { ArchiveEnd, ObjectMetadata } from './archive-format.ts'
import { ByteReader } from './byte-reader.ts'
import { BLOCK_BYTES, paddingBytes, parsePaxRecords, parseTarHeader } from './tar-format.ts'
import type { TarHeader } from './tar-format.ts'

export interface ArchiveLimits {
  /** Objects in one archive. */
  readonly objectsMax: number
  /** Of one object: it is in memory while it is uploaded. */
  readonly objectSizeBytesMax: number
}

/** The second is the most that a cache can be set to take (`itemSizeBytesMax`). */
export const ARCHIVE_LIMITS: ArchiveLimits = {
  objectsMax: 10_000_000,
  objectSizeBytesMax: 1_073_741_824,
}

export interface ArchivedObject {
  readonly metadata: ObjectMetadata
  readonly key: ItemKey
  readonly body: Buffer
}

/**
 * The objects in the order of the archive. Ends after the archive's last member; what follows is not
 * read.
 *
 * @throws HeadwaterError `HW_ARCHIVE_INVALID`, also after objects that were good.
 */
export async function* readArchive(
  chunks: AsyncIterable<unknown>,
  limits: ArchiveLimits = ARCHIVE_LIMITS,
): AsyncGenerator<ArchivedObject, void, undefined> {
  const reader = new ByteReader(chunks)
  await readHead(reader)
  let objectCount = 0
  let bodyBytes = 0
  for (;;) {
    const header = await readHeader(reader)
    if (header.name === LAST_MEMBER && header.type === 'file') {
      checkEnd(await readJson(reader, header, ArchiveEndSchema), { objectCount, bodyBytes })
      return
    }
    objectCount += 1
    if (objectCount > limits.objectsMax) {
      throw archiveError(`it has more than ${limits.objectsMax} objects`)
    }
    const object = await readObject(reader, header, limits)
    bodyBytes += object.body.length
    yield object
  }
}

async function readHead(reader: ByteReader): Promise<void> {
  const first = await reader.peek(2)
  if (first.length === 0) throw archiveError('it is empty')
  if (first[0] === 0x1f && first[1] === 0x8b) {
    throw archiveError('it is compressed', 'gunzip -c FILE | headwater import - --cache NAME')
  }
  const header = await readHeader(reader)
  if (header.name !== FIRST_MEMBER || header.type !== 'file') {
    throw archiveError('it is a tar file, but not one of headwater export')
  }
  const head = await readJson(reader, header, ArchiveHeadSchema)
  if (head.version !== ARCHIVE_VERSION) {
    throw archiveError(
      `its version is ${head.version}, and this program reads ${ARCHIVE_VERSION}`,
      'Import it with the version of Headwater that wrote it, or a later one.',
    )
  }
}

async function readObject(
  reader: ByteReader,
  paxHeader: TarHeader,
  limits: ArchiveLimits,
): Promise<ArchivedObject> {
  if (paxHeader.type !== 'pax') throw archiveError('an object has no metadata')
  const text = parsePaxRecords(await readBody(reader, paxHeader, JSON_BYTES_MAX))?.get(
    METADATA_KEYWORD,
  )
  const metadata = parseChecked(text, ObjectMetadataSchema)
  const key = metadata === undefined ? undefined : parseKeyBase64Url(metadata.key)
  if (metadata === undefined || key === undefined) {
    throw archiveError('the metadata of an object makes no sense')
  }
  const header = await readHeader(reader)
  if (header.type !== 'file') throw archiveError('the bytes of an object are missing')
  const body = await readBody(reader, header, limits.objectSizeBytesMax)
  if (createHash('sha256').update(body).digest('hex') !== metadata.sha256) {
    throw archiveError(`the bytes of ${header.name} are not those that were exported`)
  }
  return { metadata, key, body }
}

async function readHeader(reader: ByteReader): Promise<TarHeader> {
  const header = parseTarHeader(await readExactly(reader, BLOCK_BYTES))
  if (header === 'end') throw archiveError('it ends before its last member')
  if ('problem' in header) throw archiveError(header.problem)
  return header
}

async function readBody(
  reader: ByteReader,
  { sizeBytes }: TarHeader,
  sizeBytesMax: number,
): Promise<Buffer> {
  if (sizeBytes > sizeBytesMax) {
    throw archiveError(`a member of ${sizeBytes} bytes is more than the ${sizeBytesMax} it may be`)
  }
  const body = await readExactly(reader, sizeBytes)
  await readExactly(reader, paddingBytes(sizeBytes))
  return body
}

async function readExactly(reader: ByteReader, sizeBytes: number): Promise<Buffer> {
  const bytes = await reader.read(sizeBytes)
  if (bytes !== undefined) return bytes
  throw archiveError('it was cut short', 'Export it again; what was read of it is imported.')
}

async function readJson<Schema extends TSchema>(
  reader: ByteReader,
  header: TarHeader,
  schema: Schema,
): Promise<Static<Schema>> {
  const text = (await readBody(reader, header, JSON_BYTES_MAX)).toString('utf8')
  const value = parseChecked(text, schema)
  if (value === undefined) throw archiveError(`${header.name} makes no sense`)
  return value
}

function parseChecked<Schema extends TSchema>(
  text: string | undefined,
  schema: Schema,
): Static<Schema> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '')
    return Value.Check(schema, value) ? value : undefined
  } catch {
    // Ignored: not JSON; the caller says so.
    return undefined
  }
}

function checkEnd(end: ArchiveEnd, read: ArchiveEnd): void {
  if (end.objectCount === read.objectCount && end.bodyBytes === read.bodyBytes) return
  throw archiveError(`it should hold ${end.objectCount} objects, and holds ${read.objectCount}`)
}
