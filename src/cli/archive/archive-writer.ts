/** Writes an archive of objects, one after the other, to whatever takes bytes. */

import { createHash } from 'node:crypto'
import { parseIsoTime } from '../../base/dates.ts'
import {
  ARCHIVE_FORMAT,
  ARCHIVE_VERSION,
  FIRST_MEMBER,
  LAST_MEMBER,
  METADATA_KEYWORD,
} from './archive-format.ts'
import type { ArchiveEnd, ArchiveHead, ObjectMetadata } from './archive-format.ts'
import { BLOCK_BYTES, formatPaxRecord, formatTarHeader, paddingBytes } from './tar-format.ts'

/** Resolves when more may follow. */
export type WriteBytes = (bytes: Uint8Array) => Promise<void>

export class ArchiveWriter {
  readonly #write: WriteBytes
  #objectCount = 0
  #bodyBytes = 0
  #modifiedSeconds = 0

  constructor(write: WriteBytes) {
    this.#write = write
  }

  /** The first call. */
  async begin(head: Omit<ArchiveHead, 'format' | 'version'>): Promise<void> {
    this.#modifiedSeconds = secondsOf(head.exportedAt ?? '')
    const document = { format: ARCHIVE_FORMAT, version: ARCHIVE_VERSION, ...head }
    await this.#writeJson(FIRST_MEMBER, document)
  }

  async add(metadata: Omit<ObjectMetadata, 'sha256'>, body: Buffer): Promise<void> {
    this.#objectCount += 1
    this.#bodyBytes += body.length
    const sha256 = createHash('sha256').update(body).digest('hex')
    const number = String(this.#objectCount).padStart(8, '0')
    const modifiedSeconds = secondsOf(metadata.storedAt)
    const record = formatPaxRecord(METADATA_KEYWORD, JSON.stringify({ ...metadata, sha256 }))
    await this.#writeMember(`PaxHeaders/${number}`, 'pax', record, modifiedSeconds)
    const name = `objects/${number}${memberSuffix(metadata.key)}`
    await this.#writeMember(name, 'file', body, modifiedSeconds)
  }

  /** The last call. @returns What is in the archive. */
  async end(): Promise<ArchiveEnd> {
    const counts = { objectCount: this.#objectCount, bodyBytes: this.#bodyBytes }
    await this.#writeJson(LAST_MEMBER, counts)
    await this.#write(Buffer.alloc(2 * BLOCK_BYTES))
    return counts
  }

  #writeJson(name: string, document: unknown): Promise<void> {
    const body = Buffer.from(`${JSON.stringify(document)}\n`)
    return this.#writeMember(name, 'file', body, this.#modifiedSeconds)
  }

  async #writeMember(
    name: string,
    type: 'file' | 'pax',
    body: Buffer,
    modifiedSeconds: number,
  ): Promise<void> {
    await this.#write(formatTarHeader({ name, type, sizeBytes: body.length, modifiedSeconds }))
    await this.#write(body)
    const padding = paddingBytes(body.length)
    if (padding > 0) await this.#write(Buffer.alloc(padding))
  }
}

/** The last part of the key, for people who look into the archive; only what no shell minds. */
function memberSuffix(keyBase64Url: string): string {
  const key = Buffer.from(keyBase64Url, 'base64url').toString('latin1')
  const name = key.slice(key.lastIndexOf('/') + 1)
  return `-${name.replace(/[^A-Za-z0-9._-]/g, '_').slice(-60)}`
}

function secondsOf(time: string): number {
  return Math.floor((parseIsoTime(time) ?? 0) / 1000)
}
