/**
 * Names in Valkey. All that belongs to an object shares a slot by its bucket, which is a hash of
 * cache and key: what changes together can be changed together, in a cluster, too.
 */

import { createHash } from 'node:crypto'
import type { StoreKey } from '../../base/names.ts'

/**
 * How many buckets there are. Each has an index of its own, so that writing needs one slot; a listing
 * asks all of them.
 */
export const BUCKET_COUNT = 64

/** Objects: all nodes are told of their changes. The bucket's tag and the key follow. */
export const OBJECT_PREFIX = 'hw:o:'

/** Uploads in progress, told to all nodes, too; the same follows. */
export const UPLOAD_PREFIX = 'hw:a:'

/** What this version of the layout is called in {@link MARKER_NAME}. */
export const LAYOUT = 'headwater-1'

/** Says whose database it is. */
export const MARKER_NAME = 'hw:layout'

/** `{00}` to `{3f}`: what is hashed for the slot. */
export function tagOfBucket(bucket: number): string {
  return `{${bucket.toString(16).padStart(2, '0')}}`
}

const TAGS = Array.from({ length: BUCKET_COUNT }, (_, bucket) => tagOfBucket(bucket))

/** All tags, in order. */
export function allTags(): readonly string[] {
  return TAGS
}

export function tagOf(storeKey: StoreKey): string {
  const hash = createHash('sha1').update(storeKey, 'latin1').digest()
  return TAGS[(hash[0] ?? 0) % BUCKET_COUNT] ?? ''
}

/** A store key is a byte string, and so are names in Valkey. */
export function objectNameOf(tag: string, storeKey: StoreKey): Buffer {
  return Buffer.from(OBJECT_PREFIX + tag + storeKey, 'latin1')
}

/** There while an upload of the key is in progress somewhere. */
export function uploadNameOf(tag: string, storeKey: StoreKey): Buffer {
  return Buffer.from(UPLOAD_PREFIX + tag + storeKey, 'latin1')
}

/** `undefined` when it is neither an object's name nor an upload's. */
export function subjectOfName(
  name: Buffer,
): { readonly kind: 'item' | 'upload'; readonly storeKey: StoreKey } | undefined {
  const text = name.toString('latin1')
  const isItem = text.startsWith(OBJECT_PREFIX)
  if (!isItem && !text.startsWith(UPLOAD_PREFIX)) return undefined
  // Behind the prefix and a tag of four. Only keys of items were written.
  const storeKey = text.slice(OBJECT_PREFIX.length + 4) as StoreKey
  return { kind: isItem ? 'item' : 'upload', storeKey }
}

/** One piece of a large body; part of the Lua in `valkey-scripts.ts`, too. */
export function chunkNameOf(tag: string, versionId: string, index: number): string {
  return `hw:c:${tag}${versionId}:${index}`
}

/** Anything that is in a bucket's slot, for routing. */
export function bucketNameOf(tag: string): string {
  return `hw:u:${tag}`
}
