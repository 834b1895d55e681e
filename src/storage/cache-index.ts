/**
 * What the memory store knows about one cache: how much is in it, its entries as a list (for a
 * flush), and, only once somebody lists it, its keys in order.
 */

import type { CacheName, StoreKey } from '../base/names.ts'
import type { HotEntry } from './hot-entry.ts'

/** New keys that the ordered snapshot takes on before it is dropped, at least. */
const ADDED_KEYS_MIN = 4096

/** Up to so many are put into the snapshot one by one, which moves memory but makes none. */
const INSERTED_KEYS_MAX = 64

/**
 * A cache's entries. Listing sorts all its keys once (100,000: about 60 ms) and keeps them; later
 * pages put in what was added since (into 100,000: about 10 ms, 1 ms for a few) and skip what has
 * gone. The snapshot is dropped when more has changed than it holds, so that a cache that nobody
 * lists any more pays nothing but a comparison per write.
 */
export class CacheIndex {
  readonly cacheName: CacheName
  /** Bodies only. */
  sizeBytes = 0
  itemCount = 0
  #newest: HotEntry | undefined = undefined
  /** Every key of the cache and some that have gone, in order; `undefined` when nobody lists. */
  #sortedKeys: StoreKey[] | undefined = undefined
  #addedKeys: StoreKey[] = []
  #removedCount = 0

  constructor(cacheName: CacheName) {
    this.cacheName = cacheName
  }

  /**
   * @param isNewKey  Whether the cache did not hold this key until now.
   */
  add(entry: HotEntry, isNewKey: boolean): void {
    entry.cache = this
    entry.nextInCache = this.#newest
    if (this.#newest !== undefined) this.#newest.previousInCache = entry
    this.#newest = entry
    this.itemCount++
    this.sizeBytes += entry.item.sizeBytes
    if (this.#sortedKeys === undefined || !isNewKey) return
    this.#addedKeys.push(entry.item.storeKey)
    if (this.#addedKeys.length > Math.max(ADDED_KEYS_MIN, this.#sortedKeys.length)) this.#forget()
  }

  /**
   * @param isOverwrite  Whether an entry with the same key takes its place.
   */
  remove(entry: HotEntry, isOverwrite: boolean): void {
    const { previousInCache: previous, nextInCache: next } = entry
    if (previous === undefined) this.#newest = next
    else previous.nextInCache = next
    if (next !== undefined) next.previousInCache = previous
    entry.previousInCache = undefined
    entry.nextInCache = undefined
    entry.cache = undefined
    this.itemCount--
    this.sizeBytes -= entry.item.sizeBytes
    if (this.#sortedKeys === undefined || isOverwrite) return
    this.#removedCount++
    if (this.#removedCount > Math.max(ADDED_KEYS_MIN, this.#sortedKeys.length / 2)) this.#forget()
  }

  /** Any entry, `undefined` when it is empty. */
  any(): HotEntry | undefined {
    return this.#newest
  }

  /**
   * The cache's keys in ascending order. Some may have gone, none is twice. For use at once: the
   * next change may alter it.
   */
  sortedKeys(): readonly StoreKey[] {
    if (this.#sortedKeys === undefined) {
      const keys: StoreKey[] = []
      for (let entry = this.#newest; entry !== undefined; entry = entry.nextInCache) {
        keys.push(entry.item.storeKey)
      }
      this.#sortedKeys = keys.sort(compareKeys)
    } else if (this.#addedKeys.length > INSERTED_KEYS_MAX) {
      this.#sortedKeys = mergeSorted(this.#sortedKeys, this.#addedKeys.sort(compareKeys))
    } else {
      for (const key of this.#addedKeys) insertSorted(this.#sortedKeys, key)
    }
    this.#addedKeys = []
    return this.#sortedKeys
  }

  #forget(): void {
    this.#sortedKeys = undefined
    this.#addedKeys = []
    this.#removedCount = 0
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
