/**
 * Who wants which names kept: pins of a memory store, counted by owner. It knows names only; whether
 * something is stored under them, and what being pinned means, is the store's business.
 */

import type { StoreKey } from '../base/names.ts'

/** What an owner pins: each key with the number of the replacement that named it last. */
interface OwnedPins {
  replacement: number
  readonly keys: Map<StoreKey, number>
}

/** Called when the first owner pins a key (`true`) and when the last one lets it go (`false`). */
export type PinListener = (storeKey: StoreKey, isPinned: boolean) => void

/**
 * Memory per pin: a Map slot in its owner and one in the counts, about 100 bytes beside the key;
 * nothing here bounds how many there are. Replacing an owner's pins costs one look-up per key named
 * and a walk over what it held, whatever changed.
 */
export class PinTable {
  readonly #owners = new Map<StoreKey, OwnedPins>()
  /** How many owners pin a key. */
  readonly #counts = new Map<StoreKey, number>()
  readonly #onChange: PinListener

  constructor(onChange: PinListener) {
    this.#onChange = onChange
  }

  /** How many keys are pinned by somebody, stored or not. */
  get keyCount(): number {
    return this.#counts.size
  }

  /** How many owners pin something. */
  get ownerCount(): number {
    return this.#owners.size
  }

  has(storeKey: StoreKey): boolean {
    return this.#counts.has(storeKey)
  }

  /** An owner pins a key once, however often it says so. */
  add(storeKey: StoreKey, owner: StoreKey): void {
    const owned = this.#ownedBy(owner)
    if (owned.keys.has(storeKey)) return
    owned.keys.set(storeKey, owned.replacement)
    this.#count(storeKey)
  }

  remove(storeKey: StoreKey, owner: StoreKey): void {
    const owned = this.#owners.get(owner)
    if (owned?.keys.delete(storeKey) !== true) return
    if (owned.keys.size === 0) this.#owners.delete(owner)
    this.#discount(storeKey)
  }

  /**
   * From now on an owner pins these and nothing else. A key that it pinned before stays pinned
   * throughout; those it lets go are told in the order in which it took them.
   */
  replace(owner: StoreKey, storeKeys: Iterable<StoreKey>): void {
    const owned = this.#ownedBy(owner)
    const { keys } = owned
    const replacement = ++owned.replacement
    for (const storeKey of storeKeys) {
      const countBefore = keys.size
      // A key that is there keeps the string it came with: hashed already, and not doubled in memory.
      keys.set(storeKey, replacement)
      if (keys.size > countBefore) this.#count(storeKey)
    }
    for (const [storeKey, namedIn] of keys) {
      if (namedIn === replacement) continue
      keys.delete(storeKey)
      this.#discount(storeKey)
    }
    if (keys.size === 0) this.#owners.delete(owner)
  }

  release(owner: StoreKey): void {
    const owned = this.#owners.get(owner)
    if (owned === undefined) return
    this.#owners.delete(owner)
    for (const storeKey of owned.keys.keys()) this.#discount(storeKey)
  }

  /** Forgets all without telling. */
  clear(): void {
    this.#owners.clear()
    this.#counts.clear()
  }

  #ownedBy(owner: StoreKey): OwnedPins {
    let owned = this.#owners.get(owner)
    if (owned === undefined) {
      owned = { replacement: 0, keys: new Map() }
      this.#owners.set(owner, owned)
    }
    return owned
  }

  #count(storeKey: StoreKey): void {
    const count = this.#counts.get(storeKey) ?? 0
    this.#counts.set(storeKey, count + 1)
    if (count === 0) this.#onChange(storeKey, true)
  }

  #discount(storeKey: StoreKey): void {
    const count = this.#counts.get(storeKey) ?? 0
    if (count > 1) {
      this.#counts.set(storeKey, count - 1)
      return
    }
    this.#counts.delete(storeKey)
    this.#onChange(storeKey, false)
  }
}
