/**
 * What the disk store writes about an item beside its body. Deadline, size and kind stand first, so
 * that most questions are answered without reading the rest.
 */

import { ITEM_KINDS } from './store.ts'
import type { ItemKind, StoredItem } from './store.ts'

/** An item without its body and its key. Deadlines on disk are wall clock: they outlive a process. */
export interface DiskRecord {
  /** Ms since the Unix epoch. */
  readonly expiresAtMs: number
  readonly sizeBytes: number
  readonly kind: ItemKind
  readonly contentType: string
  readonly contentEncoding: string
  readonly etag: string
  readonly storedAtMs: number
  readonly ttlSeconds: number
  readonly version: number
  /** The durable part of {@link StoredItem.attachment}, as its owner wrote it. */
  readonly attachmentText: string
}

const SIZE_AT = 8
const KIND_AT = 16
const HEAD_BYTES = 17

export function encodeRecord(
  item: StoredItem,
  expiresAtMs: number,
  attachmentText: string,
): Buffer {
  const { sizeBytes, kind, contentType, contentEncoding, etag, storedAtMs, ttlSeconds } = item
  const rest = JSON.stringify([
    ...[contentType, contentEncoding, etag, storedAtMs, ttlSeconds],
    ...[item.version, attachmentText],
  ])
  const record = Buffer.allocUnsafeSlow(HEAD_BYTES + Buffer.byteLength(rest))
  record.writeDoubleBE(expiresAtMs, 0)
  record.writeDoubleBE(sizeBytes, SIZE_AT)
  record.writeUInt8(ITEM_KINDS.indexOf(kind), KIND_AT)
  record.write(rest, HEAD_BYTES)
  return record
}

/** The same record with another deadline. */
export function withDeadline(record: Buffer, expiresAtMs: number): Buffer {
  const changed = Buffer.from(record)
  changed.writeDoubleBE(expiresAtMs, 0)
  return changed
}

/** Whether two records are of one write; deadlines may move. */
export function isSameWrite(left: Buffer, right: Buffer): boolean {
  return left.subarray(SIZE_AT).equals(right.subarray(SIZE_AT))
}

/** Whether it may be one at all: the parts of fixed place can be read. */
export function isRecord(record: Buffer): boolean {
  return record.length > HEAD_BYTES && kindOf(record) !== undefined && sizeOf(record) >= 0
}

export function deadlineOf(record: Buffer): number {
  return record.readDoubleBE(0)
}

export function sizeOf(record: Buffer): number {
  return record.readDoubleBE(SIZE_AT)
}

export function kindOf(record: Buffer): ItemKind | undefined {
  return ITEM_KINDS[record.readUInt8(KIND_AT)]
}

/** `undefined` for what is not a record of ours. */
export function decodeRecord(record: Buffer): DiskRecord | undefined {
  if (!isRecord(record)) return undefined
  const kind = kindOf(record)
  let rest: unknown
  try {
    rest = JSON.parse(record.toString('utf8', HEAD_BYTES))
  } catch {
    // Ignored: said by the absence of a result.
    return undefined
  }
  if (!Array.isArray(rest)) return undefined
  // Each member is checked below; an array of JSON has no closer type.
  const [contentType, contentEncoding, etag, storedAtMs, ttlSeconds, version, text] =
    rest as readonly unknown[]
  if (
    kind === undefined ||
    typeof contentType !== 'string' ||
    typeof contentEncoding !== 'string' ||
    typeof etag !== 'string' ||
    typeof storedAtMs !== 'number' ||
    typeof ttlSeconds !== 'number' ||
    typeof version !== 'number' ||
    typeof text !== 'string'
  ) {
    return undefined
  }
  return {
    expiresAtMs: deadlineOf(record),
    sizeBytes: sizeOf(record),
    kind,
    contentType,
    contentEncoding,
    etag,
    storedAtMs,
    ttlSeconds,
    version,
    attachmentText: text,
  }
}
