/**
 * What this node remembers of Valkey: objects, in the hot store or without their bodies, and names
 * that are known to hold nothing. A fill counts only if nothing was changed while it was under way.
 */

import type { CacheName, StoreKey } from '../../base/names.ts'
import { ColdItems } from '../cold-items.ts'
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
  /** Name -> whether somebody has announced an upload of it. */
  readonly #absent = new Map<StoreKey, boolean>()
  readonly #described = new ColdItems()

  constructor(hot: HotStore) {
    this.hot = hot
  }

  isKnownAbsent(storeKey: StoreKey): boolean {
    return this.#absent.has(storeKey)
  }

  /** Not there, but on its way to another node. */
  isUploading(storeKey: StoreKey): boolean {
    return this.#absent.get(storeKey) === true
  }

  /** Without its body, past its deadline or not; `undefined` when nobody has asked. */
  described(storeKey: StoreKey): StoredItem | undefined {
    return this.#described.get(storeKey)
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
  remember(
    fill: Fill,
    found: StoredItem | 'uploading' | undefined,
    options: PutOptions = {},
  ): void {
    const { storeKey } = fill
    if (fill.isSpoiled) return
    const { putCount, deleteCount } = this.hot.stats
    this.#absent.delete(storeKey)
    this.#described.delete(storeKey)
    // One that does not fit must not leave an older one behind. Both are done when they return.
    void this.hot.delete(storeKey)
    if (typeof found === 'object') void this.hot.put(found, options)
    else this.#rememberAbsence(storeKey, found === 'uploading')
    // Neither is a write nor a deletion of anybody's.
    this.hot.stats.putCount = putCount
    this.hot.stats.deleteCount = deleteCount
  }

  /** The same of a question that did not ask for the body; without it a playlist says nothing. */
  rememberDescribed(fill: Fill, found: StoredItem | 'uploading' | undefined): void {
    if (fill.isSpoiled || typeof this.hot.inspect(fill.storeKey) !== 'string') return
    if (typeof found === 'object') {
      this.#absent.delete(fill.storeKey)
      if (found.kind !== 'media' && found.kind !== 'multivariant') this.#described.set(found)
    } else this.#rememberAbsence(fill.storeKey, found === 'uploading')
  }

  /** Somebody changed it, here or elsewhere. Whether something was remembered. */
  forget(storeKey: StoreKey, except?: Fill): boolean {
    for (const fill of this.#fills.get(storeKey) ?? []) if (fill !== except) fill.isSpoiled = true
    this.#absent.delete(storeKey)
    this.#described.delete(storeKey)
    const { deleteCount } = this.hot.stats
    const wasHot = typeof this.hot.inspect(storeKey) !== 'string'
    void this.hot.delete(storeKey)
    this.hot.stats.deleteCount = deleteCount
    return wasHot
  }

  /**
   * An upload of it has begun or failed elsewhere: what is there stays.
   *
   * @returns Whether one was known to be in progress.
   */
  forgetAbsence(storeKey: StoreKey): boolean {
    for (const fill of this.#fills.get(storeKey) ?? []) fill.isSpoiled = true
    const wasUploading = this.isUploading(storeKey)
    this.#absent.delete(storeKey)
    return wasUploading
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
    this.#described.clear()
    this.hot.forgetAll()
  }

  #rememberAbsence(storeKey: StoreKey, isUploading: boolean): void {
    const oldest = this.#absent.keys().next()
    if (this.#absent.size >= ABSENT_MAX && oldest.done !== true) this.#absent.delete(oldest.value)
    this.#absent.set(storeKey, isUploading)
  }
}
