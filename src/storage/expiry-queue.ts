/**
 * Finds expired entries without a timer per key and without a sweep over all of them: a first-in,
 * first-out list per TTL class. In a list, entries fall due in the order they came (to within the
 * width of the class), so only the heads are looked at. It frees memory; that an item is absent from
 * its deadline on is the reader's check.
 */

import type { HotEntry } from './hot-entry.ts'

/** Classes per doubling of the remaining life: a class is 1/16 of an octave wide, under 4.5 %. */
const CLASSES_PER_OCTAVE = 16

interface TtlClass {
  oldest: HotEntry
  newest: HotEntry
}

/**
 * Entries by the time they have left when they are added. Lives from 1 ms to 31 days make about
 * 500 classes. Where different TTLs share a class, an entry may be found late, by at most the
 * width of its class (4.5 % of its TTL); with one TTL it is never late.
 */
export class ExpiryQueue {
  readonly #classes = new Map<number, TtlClass>()

  /** How many classes hold something. */
  get classCount(): number {
    return this.#classes.size
  }

  add(entry: HotEntry, nowMonotonicMs: number): void {
    const ttlClass = ttlClassOf(entry.item.expiresAtMonotonicMs - nowMonotonicMs)
    const list = this.#classes.get(ttlClass)
    entry.ttlClass = ttlClass
    if (list === undefined) {
      this.#classes.set(ttlClass, { oldest: entry, newest: entry })
      return
    }
    entry.olderInClass = list.newest
    list.newest.newerInClass = entry
    list.newest = entry
  }

  remove(entry: HotEntry): void {
    const list = this.#classes.get(entry.ttlClass)
    if (list === undefined) return
    const { olderInClass: older, newerInClass: newer } = entry
    if (older === undefined && newer === undefined) {
      this.#classes.delete(entry.ttlClass)
    } else if (older === undefined) {
      // `newer` is there: the case of both absent is above.
      list.oldest = newer ?? list.oldest
      list.oldest.olderInClass = undefined
    } else {
      older.newerInClass = newer
      if (newer === undefined) list.newest = older
      else newer.olderInClass = older
    }
    entry.ttlClass = -1
    entry.olderInClass = undefined
    entry.newerInClass = undefined
  }

  /**
   * Hands due entries to `onDue` until none is left or `budget` have been taken. `onDue` must take
   * the entry out of this queue; it may add and remove others.
   *
   * @returns Whether the budget ran out first.
   */
  takeDue(nowMonotonicMs: number, budget: number, onDue: (entry: HotEntry) => void): boolean {
    let taken = 0
    for (const [ttlClass, list] of this.#classes) {
      // The class object goes when its last entry does, so it is looked up again after each.
      let head: HotEntry | undefined = list.oldest
      while (head !== undefined && head.item.expiresAtMonotonicMs <= nowMonotonicMs) {
        if (taken === budget) return true
        taken++
        onDue(head)
        head = this.#classes.get(ttlClass)?.oldest
      }
    }
    return false
  }

  clear(): void {
    this.#classes.clear()
  }
}

/** The class of a remaining life in ms; everything up to 1 ms (and the past) is class 0. */
export function ttlClassOf(remainingMs: number): number {
  return remainingMs <= 1 ? 0 : Math.floor(Math.log2(remainingMs) * CLASSES_PER_OCTAVE) + 1
}
