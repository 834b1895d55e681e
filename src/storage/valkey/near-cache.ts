/**
 * What this node remembers of Valkey: objects, in the hot store, and names that are known to hold
 * nothing. A fill counts only if nothing was changed while it was under way.
 */

import type { CacheName, StoreKey } from '../../base/names.ts'
import type { HotStore } from '../hot-store.ts'
import type { PutOptions, StoredItem } from '../store.ts'

/** Something that will be remembered unless its name is changed first. */
export interface Fill {
  readonly storeKey: StoreKey
  isSpoiled: boolean
}

/** Names known to be absent: players ask again and again for what is not there yet. */
const ABSENT_MAX = 10_000

export class NearCache {
  readonly hot: HotStore
  readonly #fills = new Map<StoreKey, Set<Fill>>()
  readonly #absent = new Set<StoreKey>()

  constructor(hot: HotStore) {
    this.hot = hot
  }

  isKnownAbsent(storeKey: StoreKey): boolean {
    return this.#absent.has(storeKey)
  }

  /** Begins before the question is sent; ends with {@link end}. */
  begin(storeKey: StoreKey): Fill {
    const fill: Fill = { storeKey, isSpoiled: false }
    const fills = this.#fills.get(storeKey)
    if (fills === undefined) this.#fills.set(storeKey, new Set([fill]))
    else fills.add(fill)
    return fill
  }

  end(fill: Fill): void {
    const fills = this.#fills.get(fill.storeKey)
    if (fills?.delete(fill) === true && fills.size === 0) this.#fills.delete(fill.storeKey)
  }

  /** What a question found. Forgets what was known when it must not be remembered. */
  remember(fill: Fill, item: StoredItem | undefined, options: PutOptions = {}): void {
    const { storeKey } = fill
    if (fill.isSpoiled) return
    const { putCount, deleteCount } = this.hot.stats
    this.#absent.delete(storeKey)
    if (item === undefined) {
      void this.hot.delete(storeKey)
      if (this.#absent.size >= ABSENT_MAX) this.#forgetOldestAbsent()
      this.#absent.add(storeKey)
    } else {
      // One that does not fit must not leave an older one behind. Both are done when they return.
      void this.hot.delete(storeKey)
      void this.hot.put(item, options)
    }
    // Neither is a write nor a deletion of anybody's.
    this.hot.stats.putCount = putCount
    this.hot.stats.deleteCount = deleteCount
  }

  /** Somebody changed it, here or elsewhere. Whether something was remembered. */
  forget(storeKey: StoreKey, except?: Fill): boolean {
    for (const fill of this.#fills.get(storeKey) ?? []) if (fill !== except) fill.isSpoiled = true
    this.#absent.delete(storeKey)
    const { deleteCount } = this.hot.stats
    const wasHot = typeof this.hot.inspect(storeKey) !== 'string'
    void this.hot.delete(storeKey)
    this.hot.stats.deleteCount = deleteCount
    return wasHot
  }

  /** A cache was emptied: what has expired goes, too. */
  forgetCache(cacheName: CacheName): void {
    const { deleteCount } = this.hot.stats
    void this.hot.flush(cacheName)
    this.hot.stats.deleteCount = deleteCount
  }

  /** Anything may have been changed. */
  forgetAll(): void {
    for (const fills of this.#fills.values()) for (const fill of fills) fill.isSpoiled = true
    this.#absent.clear()
    this.hot.forgetAll()
  }

  #forgetOldestAbsent(): void {
    for (const storeKey of this.#absent) {
      this.#absent.delete(storeKey)
      return
    }
  }
}
