/**
 * The entries of a memory store and every order they are in: by key, by last use, by deadline, by
 * cache. Keeps these and the counters of what is there in step; it decides nothing and tells nobody.
 */

import { splitStoreKey } from '../base/names.ts'
import type { CacheName, StoreKey } from '../base/names.ts'
import { CacheIndex } from './cache-index.ts'
import { EvictionOrder } from './eviction-order.ts'
import { ExpiryQueue } from './expiry-queue.ts'
import type { HotEntry } from './hot-entry.ts'
import type { StoredItem, StoreStats } from './store.ts'

/** The counters that an {@link EntryTable} keeps. */
export type EntryCounts = Pick<
  StoreStats,
  'itemCount' | 'sizeBytes' | 'pinnedItemCount' | 'pinnedBytes'
>

export class EntryTable {
  /** All of them: a map for the pinned and one for the rest would cost most reads a second look-up. */
  readonly #entries = new Map<StoreKey, HotEntry>()
  readonly #evictionOrder = new EvictionOrder()
  readonly #expiry = new ExpiryQueue()
  readonly #caches = new Map<CacheName, CacheIndex>()
  readonly #counts: EntryCounts

  constructor(counts: EntryCounts) {
    this.#counts = counts
  }

  /** How many caches hold something. */
  get cacheCount(): number {
    return this.#caches.size
  }

  /** Whatever is stored under a key, expired or not. */
  get(storeKey: StoreKey): HotEntry | undefined {
    return this.#entries.get(storeKey)
  }

  cache(cacheName: CacheName): CacheIndex | undefined {
    return this.#caches.get(cacheName)
  }

  cacheOf(storeKey: StoreKey): CacheIndex | undefined {
    return this.#caches.get(splitStoreKey(storeKey).cacheName)
  }

  /** Makes an entry the most recently used, of all and of its cache. */
  touch(entry: HotEntry): void {
    if (!entry.isPinned && this.#evictionOrder.touch(entry)) entry.cache?.touch(entry)
  }

  /** What goes next of all; `undefined` when nothing may. */
  leastRecentlyUsed(): HotEntry | undefined {
    return this.#evictionOrder.leastRecent
  }

  /**
   * The key must be free: what it held was removed.
   *
   * @param isNewKey  Whether its cache did not hold this key until now.
   */
  add(entry: HotEntry, nowMonotonicMs: number, isNewKey: boolean): void {
    const { storeKey } = entry.item
    this.#entries.set(storeKey, entry)
    if (!entry.isPinned) this.#evictionOrder.add(entry)
    this.#expiry.add(entry, nowMonotonicMs)
    const cache = this.cacheOf(storeKey) ?? this.#newCacheOf(storeKey)
    cache.add(entry, isNewKey)
    this.#counts.itemCount++
    this.#counts.sizeBytes += entry.accountedBytes
    if (entry.isPinned) this.#countPinned(entry, 1)
  }

  /**
   * @param isOverwrite  Whether an entry with the same key takes its place at once.
   */
  remove(entry: HotEntry, isOverwrite: boolean): void {
    const { cache } = entry
    this.#entries.delete(entry.item.storeKey)
    if (!entry.isPinned) this.#evictionOrder.remove(entry)
    this.#expiry.remove(entry)
    if (cache !== undefined) {
      cache.remove(entry, isOverwrite)
      if (cache.itemCount === 0 && !isOverwrite) this.#caches.delete(cache.cacheName)
    }
    this.#counts.itemCount--
    this.#counts.sizeBytes -= entry.accountedBytes
    if (entry.isPinned) this.#countPinned(entry, -1)
  }

  /** What is stored under a key changes sides, if anything is; nothing is copied. */
  setPinned(storeKey: StoreKey, isPinned: boolean): void {
    const entry = this.#entries.get(storeKey)
    if (entry === undefined) return
    if (isPinned) this.#evictionOrder.remove(entry)
    else this.#evictionOrder.add(entry)
    entry.cache?.setPinned(entry, isPinned)
    this.#countPinned(entry, isPinned ? 1 : -1)
  }

  setDeadline(entry: HotEntry, expiresAtMonotonicMs: number, nowMonotonicMs: number): void {
    this.#expiry.remove(entry)
    entry.item = withDeadline(entry.item, expiresAtMonotonicMs)
    this.#expiry.add(entry, nowMonotonicMs)
  }

  /** As {@link ExpiryQueue.takeDue}. */
  takeDue(nowMonotonicMs: number, budget: number, onDue: (entry: HotEntry) => void): boolean {
    return this.#expiry.takeDue(nowMonotonicMs, budget, onDue)
  }

  /** Pinned entries of all caches whose deadline has passed. Walks all that are pinned. */
  expiredPinned(nowMonotonicMs: number): readonly HotEntry[] {
    const expired: HotEntry[] = []
    for (const cache of this.#caches.values()) {
      cache.forEachPinned((entry) => {
        if (entry.item.expiresAtMonotonicMs <= nowMonotonicMs) expired.push(entry)
      })
    }
    return expired
  }

  clear(): void {
    this.#entries.clear()
    this.#evictionOrder.clear()
    this.#expiry.clear()
    this.#caches.clear()
    this.#counts.itemCount = 0
    this.#counts.sizeBytes = 0
    this.#counts.pinnedItemCount = 0
    this.#counts.pinnedBytes = 0
  }

  /** What the counters should say, counted anew entry by entry. For tests. */
  recount(): EntryCounts {
    const counts = { itemCount: 0, sizeBytes: 0, pinnedItemCount: 0, pinnedBytes: 0 }
    for (const { accountedBytes, isPinned } of this.#entries.values()) {
      counts.itemCount++
      counts.sizeBytes += accountedBytes
      if (!isPinned) continue
      counts.pinnedItemCount++
      counts.pinnedBytes += accountedBytes
    }
    return counts
  }

  #newCacheOf(storeKey: StoreKey): CacheIndex {
    const { cacheName } = splitStoreKey(storeKey)
    const cache = new CacheIndex(cacheName)
    this.#caches.set(cacheName, cache)
    return cache
  }

  #countPinned(entry: HotEntry, sign: 1 | -1): void {
    this.#counts.pinnedItemCount += sign
    this.#counts.pinnedBytes += sign * entry.accountedBytes
  }
}

/**
 * A new object, since readers go by the item's own deadline; it shares everything else. Written out:
 * a spread would make an object of another hidden class, which every reader would have to tell apart.
 */
function withDeadline(item: StoredItem, expiresAtMonotonicMs: number): StoredItem {
  return {
    storeKey: item.storeKey,
    chunks: item.chunks,
    sizeBytes: item.sizeBytes,
    kind: item.kind,
    contentType: item.contentType,
    contentEncoding: item.contentEncoding,
    etag: item.etag,
    storedAtMs: item.storedAtMs,
    ttlSeconds: item.ttlSeconds,
    expiresAtMonotonicMs,
    version: item.version,
    attachment: item.attachment,
  }
}
