/**
 * One item inside the memory store: the item, what it is accounted as, and its places in the three
 * linked lists (its TTL class, its cache, the order of eviction). Lists run through the entries, so
 * that taking one out costs a few stores and never a rehash of a big table.
 */

import type { CacheIndex } from './cache-index.ts'
import type { StoredItem } from './store.ts'

/**
 * What an item costs beside its body and its key: entry, item object, its slot in the map, ETag and
 * key headers. Measured on Node 20.20 with 100,000 items (`bench/store`): 379 bytes, rounded up for
 * what fragments and for a pin.
 */
export const ITEM_OVERHEAD_BYTES = 448

/**
 * What each chunk costs beside its bytes: the view, its ArrayBuffer and the backing store's record.
 * Measured with the former: 207 bytes.
 */
export const CHUNK_OVERHEAD_BYTES = 256

/**
 * An item's place in the store. Its links are written by `ExpiryQueue`, `CacheIndex` and
 * `EvictionOrder`.
 */
export class HotEntry {
  /** Replaced only by the same version with a later deadline. */
  item: StoredItem
  /** Body, key and overhead: what counts against the store's bound. */
  readonly accountedBytes: number
  /** A pinned entry is never evicted. Set while it is in no list. */
  isPinned: boolean
  /** Which TTL class it is queued in; -1 in none. */
  ttlClass = -1
  olderInClass: HotEntry | undefined = undefined
  newerInClass: HotEntry | undefined = undefined
  cache: CacheIndex | undefined = undefined
  previousInCache: HotEntry | undefined = undefined
  nextInCache: HotEntry | undefined = undefined
  moreRecent: HotEntry | undefined = undefined
  lessRecent: HotEntry | undefined = undefined

  constructor(item: StoredItem, isPinned = false) {
    this.item = item
    this.accountedBytes = accountedBytesOf(item)
    this.isPinned = isPinned
  }
}

/** What {@link HotEntry.accountedBytes} would be for an item. A key is one byte per char. */
export function accountedBytesOf(item: StoredItem): number {
  return (
    item.sizeBytes +
    item.storeKey.length +
    ITEM_OVERHEAD_BYTES +
    item.chunks.length * CHUNK_OVERHEAD_BYTES
  )
}
