/**
 * What is kept in Valkey about an item beside its body, key and deadline: JSON with names, since
 * nodes of two versions share it while one follows the other. Unknown names are ignored.
 */

import Type from 'typebox'
import { Value } from 'typebox/value'
import { ITEM_KINDS } from '../store.ts'
import type { ItemKind, StoredItem } from '../store.ts'

/** An item without key, body and deadline. */
export interface ValkeyRecord {
  readonly kind: ItemKind
  readonly sizeBytes: number
  readonly contentType: string
  readonly contentEncoding: string
  readonly etag: string
  readonly storedAtMs: number
  readonly ttlSeconds: number
  readonly version: number
  /** The lasting part of {@link StoredItem.attachment}. */
  readonly attachmentText: string
}

const RecordSchema = Type.Object({
  kind: Type.String(),
  sizeBytes: Type.Number(),
  contentType: Type.String(),
  contentEncoding: Type.String(),
  etag: Type.String(),
  storedAtMs: Type.Number(),
  ttlSeconds: Type.Number(),
  version: Type.Number(),
  attachmentText: Type.String(),
})

export function encodeValkeyRecord(item: StoredItem, attachmentText: string): string {
  const { kind, sizeBytes, contentType, contentEncoding, etag, storedAtMs, ttlSeconds } = item
  const record: ValkeyRecord = {
    ...{ kind, sizeBytes, contentType, contentEncoding, etag, storedAtMs, ttlSeconds },
    version: item.version,
    attachmentText,
  }
  return JSON.stringify(record)
}

/** `undefined` for what is not a record. A kind that a newer version knows is `other` here. */
export function decodeValkeyRecord(record: Buffer): ValkeyRecord | undefined {
  let read: unknown
  try {
    read = JSON.parse(record.toString('utf8'))
  } catch {
    return undefined
  }
  if (!Value.Check(RecordSchema, read)) return undefined
  return { ...read, kind: ITEM_KINDS.find((known) => known === read.kind) ?? 'other' }
}
