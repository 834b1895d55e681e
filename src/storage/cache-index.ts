/**
 * What the memory store knows about one cache: how much is in it and how much of that is pinned, its
 * other entries in the order of their use (for its own byte budget), and, only once somebody lists
 * it, its keys in order.
 */

import type { CacheName, StoreKey } from '../base/names.ts'
import type { HotEntry } from './hot-entry.ts'

/** New keys that the ordered snapshot takes on before it is dropped, at least. */
const ADDED_KEYS_MIN = 4096

/** A cache of more keys than this is sorted in slices ({@link CacheIndex.prepareSortedKeys}). */
export const SORTED_AT_ONCE_KEYS_MAX = 8192

/** Keys that are sorted or merged before others have their turn: about 2 ms. */
const SLICE_KEYS = 4096

/** Up to so many are put into the snapshot one by one, which moves memory but makes none. */
const INSERTED_KEYS_MAX = 64

/**
 * A cache's entries. Listing sorts all its keys once (100,000: 60 ms and more, in slices) and keeps
 * them; later
 * pages put in what was added since (into 100,000: about 10 ms, 1 ms for a few) and skip what has
 * gone. The snapshot is dropped when more has changed than it holds, so that a cache that nobody
 * lists any more pays nothing but a comparison per write.
 */
export class CacheIndex {
  readonly cacheName: CacheName
  /** Bodies only. */
  sizeBytes = 0
  itemCount = 0
  /** Bodies, keys and overhead: what a budget bounds. */
  accountedBytes = 0
  pinnedItemCount = 0
  /** The pinned part of {@link accountedBytes}. */
  pinnedBytes = 0
  /** What may be evicted, the most recently used first; an entry is in this list or in the other. */
  readonly #evictable = new CacheList()
  readonly #pinned = new CacheList()
  /** Every key of the cache and some that have gone, in order; `undefined` when nobody lists. */
  #sortedKeys: StoreKey[] | undefined = undefined
  #addedKeys: StoreKey[] = []
  #removedCount = 0
  /** Under way: a sort in slices. Keys that come meanwhile are in {@link #addedKeys}. */
  #sorting: Promise<void> | undefined = undefined

  constructor(cacheName: CacheName) {
    this.cacheName = cacheName
  }

  /**
   * @param isNewKey  Whether the cache did not hold this key until now.
   */
  add(entry: HotEntry, isNewKey: boolean): void {
    entry.cache = this
    this.itemCount++
    this.sizeBytes += entry.item.sizeBytes
    this.accountedBytes += entry.accountedBytes
    this.#link(entry)
    if (!isNewKey || (this.#sortedKeys === undefined && this.#sorting === undefined)) return
    this.#addedKeys.push(entry.item.storeKey)
    if (this.#sortedKeys === undefined) return
    if (this.#addedKeys.length > Math.max(ADDED_KEYS_MIN, this.#sortedKeys.length)) this.#forget()
  }

  /**
   * @param isOverwrite  Whether an entry with the same key takes its place.
   */
  remove(entry: HotEntry, isOverwrite: boolean): void {
    this.#unlink(entry)
    entry.cache = undefined
    this.itemCount--
    this.sizeBytes -= entry.item.sizeBytes
    this.accountedBytes -= entry.accountedBytes
    if (this.#sortedKeys === undefined || isOverwrite) return
    this.#removedCount++
    if (this.#removedCount > Math.max(ADDED_KEYS_MIN, this.#sortedKeys.length / 2)) this.#forget()
  }

  /** Makes an evictable entry the most recently used. */
  touch(entry: HotEntry): void {
    this.#evictable.touch(entry)
  }

  /** Pins an entry, or makes it evictable and the most recently used. It must be the other now. */
  setPinned(entry: HotEntry, isPinned: boolean): void {
    this.#unlink(entry)
    entry.isPinned = isPinned
    this.#link(entry)
  }

  /** What this cache gives up first; `undefined` when all it has is pinned. */
  leastRecentlyUsed(): HotEntry | undefined {
    return this.#evictable.oldest
  }

  /** Any entry, `undefined` when it is empty. */
  any(): HotEntry | undefined {
    return this.#evictable.newest ?? this.#pinned.newest
  }

  /** `visit` must change nothing. */
  forEachPinned(visit: (entry: HotEntry) => void): void {
    this.#pinned.forEach(visit)
  }

  /**
   * Makes {@link sortedKeys} cheap, in slices between which others have their turn; `undefined` when
   * it is already. May be called again while it is under way. A cache that changes as a whole
   * meanwhile may have to be sorted anew, at once.
   */
  prepareSortedKeys(): Promise<void> | undefined {
    if (this.#sortedKeys !== undefined || this.itemCount <= SORTED_AT_ONCE_KEYS_MAX)
      return undefined
    this.#sorting ??= this.#sortInSlices()
    return this.#sorting
  }

  async #sortInSlices(): Promise<void> {
    let runs: StoreKey[][] = []
    const keys = this.#keys()
    for (let start = 0; start < keys.length; start += SLICE_KEYS) {
      await othersTurn()
      runs.push(keys.slice(start, start + SLICE_KEYS).sort(compareKeys))
    }
    while (runs.length > 1) {
      const merged: StoreKey[][] = []
      for (let index = 0; index < runs.length; index += 2) {
        merged.push(await mergeInSlices(runs[index] ?? [], runs[index + 1] ?? []))
      }
      runs = merged
    }
    this.#sorting = undefined
    this.#sortedKeys = runs[0] ?? []
  }

  #keys(): StoreKey[] {
    const keys: StoreKey[] = []
    const pushKey = (entry: HotEntry): void => void keys.push(entry.item.storeKey)
    this.#evictable.forEach(pushKey)
    this.#pinned.forEach(pushKey)
    return keys
  }

  /**
   * The cache's keys in ascending order. Some may have gone, none is twice. For use at once: the
   * next change may alter it.
   */
  sortedKeys(): readonly StoreKey[] {
    if (this.#sortedKeys === undefined) {
      const keys = this.#keys().sort(compareKeys)
      // Of a sort in slices, nothing is to be added twice.
      if (this.#sorting !== undefined) return keys
      this.#sortedKeys = keys
    } else if (this.#addedKeys.length > INSERTED_KEYS_MAX) {
      this.#sortedKeys = mergeSorted(this.#sortedKeys, this.#addedKeys.sort(compareKeys))
    } else {
      for (const key of this.#addedKeys) insertSorted(this.#sortedKeys, key)
    }
    this.#addedKeys = []
    return this.#sortedKeys
  }

  #link(entry: HotEntry): void {
    if (!entry.isPinned) return this.#evictable.add(entry)
    this.#pinned.add(entry)
    this.pinnedItemCount++
    this.pinnedBytes += entry.accountedBytes
  }

  #unlink(entry: HotEntry): void {
    if (!entry.isPinned) return this.#evictable.remove(entry)
    this.#pinned.remove(entry)
    this.pinnedItemCount--
    this.pinnedBytes -= entry.accountedBytes
  }

  #forget(): void {
    this.#sortedKeys = undefined
    this.#addedKeys = []
    this.#removedCount = 0
  }
}

/** Entries linked by `previousInCache` (newer) and `nextInCache` (older). */
class CacheList {
  newest: HotEntry | undefined = undefined
  oldest: HotEntry | undefined = undefined

  add(entry: HotEntry): void {
    const { newest } = this
    entry.nextInCache = newest
    if (newest === undefined) this.oldest = entry
    else newest.previousInCache = entry
    this.newest = entry
  }

  remove(entry: HotEntry): void {
    const { previousInCache: newer, nextInCache: older } = entry
    if (newer === undefined) this.newest = older
    else newer.nextInCache = older
    if (older === undefined) this.oldest = newer
    else older.previousInCache = newer
    entry.previousInCache = undefined
    entry.nextInCache = undefined
  }

  /** `remove` and `add` in one: every read does this. */
  touch(entry: HotEntry): void {
    const { newest } = this
    const { previousInCache: newer, nextInCache: older } = entry
    if (newest === undefined || newer === undefined) return
    newer.nextInCache = older
    if (older === undefined) this.oldest = newer
    else older.previousInCache = newer
    entry.previousInCache = undefined
    entry.nextInCache = newest
    newest.previousInCache = entry
    this.newest = entry
  }

  forEach(visit: (entry: HotEntry) => void): void {
    for (let entry = this.newest; entry !== undefined; entry = entry.nextInCache) visit(entry)
  }
}

/** The first index whose key is not below `key` (or, with `after`, above it). */
export function lowerBound(keys: readonly StoreKey[], key: string, after: boolean): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const candidate = keys[middle] ?? ''
    if (candidate < key || (after && candidate === key)) low = middle + 1
    else high = middle
  }
  return low
}

/** Keys are byte strings, so comparing UTF-16 units is comparing bytes. */
function compareKeys(a: StoreKey, b: StoreKey): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Nothing changes when it is there already: a key may have gone and come back. */
function insertSorted(keys: StoreKey[], key: StoreKey): void {
  const index = lowerBound(keys, key, false)
  if (keys[index] !== key) keys.splice(index, 0, key)
}

/** Of two lists that have no key in common. */
async function mergeInSlices(a: readonly StoreKey[], b: readonly StoreKey[]): Promise<StoreKey[]> {
  const merged: StoreKey[] = []
  let indexA = 0
  let indexB = 0
  while (indexA < a.length || indexB < b.length) {
    const end = Math.min(merged.length + SLICE_KEYS, a.length + b.length)
    while (merged.length < end) {
      const keyA = a[indexA]
      const keyB = b[indexB]
      if (keyA !== undefined && (keyB === undefined || keyA < keyB)) {
        merged.push(keyA)
        indexA++
      } else if (keyB !== undefined) {
        merged.push(keyB)
        indexB++
      }
    }
    await othersTurn()
  }
  return merged
}

function othersTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Two ordered lists into one without repetitions. */
function mergeSorted(a: readonly StoreKey[], b: readonly StoreKey[]): StoreKey[] {
  const merged: StoreKey[] = []
  let indexA = 0
  let indexB = 0
  let last: StoreKey | undefined
  for (;;) {
    const keyA = a[indexA]
    const keyB = b[indexB]
    let next: StoreKey
    if (keyA !== undefined && (keyB === undefined || keyA <= keyB)) {
      next = keyA
      indexA++
    } else if (keyB !== undefined) {
      next = keyB
      indexB++
    } else {
      return merged
    }
    if (next !== last) merged.push(next)
    last = next
  }
}
