/**
 * What the disk store writes about an item beside its body. The deadline and the size stand first,
 * so that most questions are answered without reading the rest.
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

const HEAD_BYTES = 16

export function encodeRecord(
  item: StoredItem,
  expiresAtMs: number,
  attachmentText: string,
): Buffer {
  const { sizeBytes, kind, contentType, contentEncoding, etag, storedAtMs, ttlSeconds } = item
  const rest = JSON.stringify([
    ...[kind, contentType, contentEncoding, etag, storedAtMs, ttlSeconds],
    ...[item.version, attachmentText],
  ])
  const record = Buffer.allocUnsafeSlow(HEAD_BYTES + Buffer.byteLength(rest))
  record.writeDoubleBE(expiresAtMs, 0)
  record.writeDoubleBE(sizeBytes, 8)
  record.write(rest, HEAD_BYTES)
  return record
}

/** The same record with another deadline. */
export function withDeadline(record: Buffer, expiresAtMs: number): Buffer {
  const changed = Buffer.from(record)
  changed.writeDoubleBE(expiresAtMs, 0)
  return changed
}

export function deadlineOf(record: Buffer): number {
  return record.readDoubleBE(0)
}

export function sizeOf(record: Buffer): number {
  return record.readDoubleBE(8)
}

/** `undefined` for what is not a record of ours. */
export function decodeRecord(record: Buffer): DiskRecord | undefined {
  if (record.length < HEAD_BYTES) return undefined
  let rest: unknown
  try {
    rest = JSON.parse(record.toString('utf8', HEAD_BYTES))
  } catch {
    return undefined
  }
  if (!Array.isArray(rest)) return undefined
  // Each member is checked below; an array of JSON has no closer type.
  const [kind, contentType, contentEncoding, etag, storedAtMs, ttlSeconds, version, text] =
    rest as readonly unknown[]
  const found = ITEM_KINDS.find((known) => known === kind)
  if (
    found === undefined ||
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
    kind: found,
    contentType,
    contentEncoding,
    etag,
    storedAtMs,
    ttlSeconds,
    version,
    attachmentText: text,
  }
}
