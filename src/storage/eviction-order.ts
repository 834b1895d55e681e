/**
 * The order in which a store's entries go when it needs room: the least recently used first. Only
 * entries that may be evicted are in it. A list through the entries, since a read already has the
 * entry at hand: one look-up serves the read and the order (`bench/store`, `peek`).
 */

import type { HotEntry } from './hot-entry.ts'

/** Entries of all caches, linked by `moreRecent` and `lessRecent`. */
export class EvictionOrder {
  #mostRecent: HotEntry | undefined = undefined
  #leastRecent: HotEntry | undefined = undefined

  /** What goes next; `undefined` when nothing may. */
  get leastRecent(): HotEntry | undefined {
    return this.#leastRecent
  }

  /** As the most recently used. It must not be in it. */
  add(entry: HotEntry): void {
    const most = this.#mostRecent
    entry.lessRecent = most
    if (most === undefined) this.#leastRecent = entry
    else most.moreRecent = entry
    this.#mostRecent = entry
  }

  /** It must be in it. */
  remove(entry: HotEntry): void {
    const { moreRecent, lessRecent } = entry
    if (moreRecent === undefined) this.#mostRecent = lessRecent
    else moreRecent.lessRecent = lessRecent
    if (lessRecent === undefined) this.#leastRecent = moreRecent
    else lessRecent.moreRecent = moreRecent
    entry.moreRecent = undefined
    entry.lessRecent = undefined
  }

  /**
   * Makes an entry of it the most recently used.
   *
   * @returns Whether it was not already: what was used last of all was used last in its cache, too.
   */
  touch(entry: HotEntry): boolean {
    const most = this.#mostRecent
    const { moreRecent, lessRecent } = entry
    if (most === undefined || moreRecent === undefined) return false
    // `remove` and `add` in one: every read does this.
    moreRecent.lessRecent = lessRecent
    if (lessRecent === undefined) this.#leastRecent = moreRecent
    else lessRecent.moreRecent = moreRecent
    entry.moreRecent = undefined
    entry.lessRecent = most
    most.moreRecent = entry
    this.#mostRecent = entry
    return true
  }

  clear(): void {
    this.#mostRecent = undefined
    this.#leastRecent = undefined
  }
}
