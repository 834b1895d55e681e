/** Items for the store's tests. */

import { parseCacheName, parseItemKey, toStoreKey } from '../../src/base/names.ts'
import type { CacheName, StoreKey } from '../../src/base/names.ts'
import type { StoredItem } from '../../src/storage/store.ts'

export function cacheNamed(name: string): CacheName {
  const cacheName = parseCacheName(name)
  if (cacheName === undefined) throw new Error(`not a cache name: ${name}`)
  return cacheName
}

/** `live/a.ts` and the like; the key is a byte string. */
export function storeKey(text: string): StoreKey {
  const slash = text.indexOf('/')
  const key = parseItemKey(text.slice(slash + 1))
  if (key === undefined) throw new Error(`not a key: ${text}`)
  return toStoreKey(cacheNamed(text.slice(0, slash)), key)
}

/**
 * An item that lives for `ttlMs` from `nowMonotonicMs`.
 *
 * @param body  A text, or how many bytes.
 */
export function sampleItem(
  key: string,
  nowMonotonicMs: number,
  options: {
    readonly body?: string | number
    readonly ttlMs?: number
    readonly etag?: string
  } = {},
): StoredItem {
  const { body = 'body', ttlMs = 60_000, etag = '1-1' } = options
  const bytes = typeof body === 'number' ? new Uint8Array(body) : new TextEncoder().encode(body)
  return {
    storeKey: storeKey(key),
    chunks: [bytes],
    sizeBytes: bytes.length,
    kind: 'segment',
    contentType: 'video/mp2t',
    contentEncoding: '',
    etag,
    storedAtMs: 1_768_478_400_000,
    ttlSeconds: Math.ceil(ttlMs / 1000),
    expiresAtMonotonicMs: nowMonotonicMs + ttlMs,
    version: 1,
    attachment: undefined,
  }
}
