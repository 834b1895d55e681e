/** Archives made in tests: by the real writer, and by hand where it would not write such a thing. */

import { createHash } from 'node:crypto'
import type { ObjectMetadata } from '../../../src/cli/archive/archive-format.ts'
import { readArchive } from '../../../src/cli/archive/archive-reader.ts'
import type { ArchivedObject, ArchiveLimits } from '../../../src/cli/archive/archive-reader.ts'
import { ArchiveWriter } from '../../../src/cli/archive/archive-writer.ts'
import {
  formatPaxRecord,
  formatTarHeader,
  paddingBytes,
} from '../../../src/cli/archive/tar-format.ts'

export function metadataFor(key: string | Buffer): Omit<ObjectMetadata, 'sha256'> {
  return {
    key: Buffer.from(key as string).toString('base64url'),
    contentType: 'video/mp2t',
    contentEncoding: '',
    ttlSeconds: 60,
    expiresAt: '2026-01-15T12:01:00.000Z',
    storedAt: '2026-01-15T12:00:00.000Z',
    etag: '"1-2"',
  }
}

export async function archiveOf(
  objects: Readonly<Record<string, string>> | ReadonlyMap<Buffer, Buffer>,
): Promise<Buffer> {
  const chunks: Buffer[] = []
  const writer = new ArchiveWriter(async (bytes) => void chunks.push(Buffer.from(bytes)))
  await writer.begin({ cache: 'c', prefix: '', exportedAt: '2026-01-15T12:00:00.000Z' })
  const entries: Iterable<readonly [string | Buffer, string | Buffer]> =
    Symbol.iterator in objects ? objects : Object.entries(objects)
  for (const [key, body] of entries) await writer.add(metadataFor(key), Buffer.from(body))
  await writer.end()
  return Buffer.concat(chunks)
}

/** A member with its padding. */
export function member(name: string, body: string | Buffer, type: 'file' | 'pax' = 'file'): Buffer {
  const bytes = Buffer.from(body)
  const header = formatTarHeader({ name, type, sizeBytes: bytes.length, modifiedSeconds: 0 })
  return Buffer.concat([header, bytes, Buffer.alloc(paddingBytes(bytes.length))])
}

export const HEAD = member(
  'headwater-archive.json',
  JSON.stringify({ format: 'headwater-archive', version: 1 }),
)

/** One object, with whatever its metadata should say instead. */
export function objectMembers(
  body: string,
  changed: Readonly<Record<string, unknown>> = {},
): Buffer {
  const sha256 = createHash('sha256').update(body).digest('hex')
  const metadata = { ...metadataFor('a.ts'), sha256, ...changed }
  const record = formatPaxRecord('comment', JSON.stringify(metadata))
  return Buffer.concat([member('p', record, 'pax'), member('objects/1', body)])
}

export function endMember(objectCount: number, bodyBytes: number): Buffer {
  return member('headwater-end.json', JSON.stringify({ objectCount, bodyBytes }))
}

/** Everything in it, read in chunks of this size. */
export async function readAll(
  archive: Buffer,
  { chunkBytes = 65_536, limits }: { chunkBytes?: number; limits?: ArchiveLimits } = {},
): Promise<readonly ArchivedObject[]> {
  async function* chunks() {
    for (let start = 0; start < archive.length; start += chunkBytes) {
      yield archive.subarray(start, start + chunkBytes)
    }
  }
  const objects: ArchivedObject[] = []
  for await (const object of readArchive(chunks(), limits)) objects.push(object)
  return objects
}
