/**
 * The memory store: every item in RAM, bounded in bytes, exact at its deadline. Nothing outlives
 * the process. Also the layer in front of slower drivers; it knows none of them.
 */

import assert from 'node:assert/strict'
import type { Clock, Timer } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import type { CacheName, StoreKey } from '../base/names.ts'
import { lowerBound } from './cache-index.ts'
import { EntryTable } from './entry-table.ts'
import type { EntryCounts } from './entry-table.ts'
import { accountedBytesOf, HotEntry } from './hot-entry.ts'
import { PinTable } from './pin-table.ts'
import { Watchers } from './watchers.ts'
import type {
  CacheUsage,
  ListPage,
  NoRoom,
  PeekResult,
  PutOptions,
  PutOutcome,
  Store,
  StoreChange,
  StoredItem,
  StoreStats,
} from './store.ts'

/** How often expired items are looked for, unless told. */
const EXPIRY_TICK_MS = 250

/** How soon the next slice of a backlog follows the last: long enough for waiting requests. */
const EXPIRY_BACKLOG_MS = 4

/** 1,000 entries take 1 to 2 ms (`bench/store`). */
const EXPIRY_BUDGET_PER_TICK = 1000

const NO_OPTIONS: PutOptions = {}

const NO_USAGE: CacheUsage = {
  itemCount: 0,
  sizeBytes: 0,
  accountedBytes: 0,
  pinnedItemCount: 0,
  pinnedBytes: 0,
}

export interface HotStoreOptions {
  /**
   * Bound of {@link StoreStats.sizeBytes}: bodies, keys and per-item overhead. What `attachment`
   * holds is not counted.
   */
  readonly sizeBytesMax: number
  readonly clock: Clock
  /** How often expired items are looked for: the longest that one keeps its memory. */
  readonly expiryTickMs?: number
  /** How many are freed at a time; the rest follow in slices a few ms apart. */
  readonly expiryBudgetPerTick?: number
}

/**
 * Least recently used items go when a bound is reached, the cache's own first; reading, overwriting
 * and the end of its last pin make an item the most recent (what a playlist stops naming must stay
 * available for a while: RFC 8216bis section 6.2.2). Pinned items never go, so a write may be
 * refused. An item past its deadline is absent at once for every operation, but is counted in
 * {@link stats} and {@link usage} until it is freed, at most a tick later (see `ExpiryQueue` for
 * mixed TTLs).
 */
export class HotStore implements Store {
  readonly stats: StoreStats
  readonly #clock: Clock
  readonly #expiryTickMs: number
  readonly #expiryBudgetPerTick: number
  readonly #entries: EntryTable
  readonly #watchers = new Watchers()
  readonly #pins = new PinTable((storeKey, isPinned) => this.#entries.setPinned(storeKey, isPinned))
  readonly #expireEntry: (entry: HotEntry) => void
  #timer: Timer | undefined = undefined
  #closed = false

  constructor(options: HotStoreOptions) {
    this.#clock = options.clock
    this.#expiryTickMs = options.expiryTickMs ?? EXPIRY_TICK_MS
    this.#expiryBudgetPerTick = options.expiryBudgetPerTick ?? EXPIRY_BUDGET_PER_TICK
    this.stats = {
      hitCount: 0,
      missCount: 0,
      putCount: 0,
      deleteCount: 0,
      evictionCount: 0,
      expirationCount: 0,
      itemCount: 0,
      sizeBytes: 0,
      sizeBytesMax: options.sizeBytesMax,
      pinnedItemCount: 0,
      pinnedBytes: 0,
    }
    this.#entries = new EntryTable(this.stats)
    this.#expireEntry = (entry) => {
      this.#drop(entry)
      this.stats.expirationCount++
      if (!this.#watchers.isEmpty) this.#watchers.notify(entry.item.storeKey, 'expire')
    }
  }

  /** What the counters should say, counted anew. For tests. */
  recount(): EntryCounts {
    return this.#entries.recount()
  }

  /** How many caches hold something. */
  get cacheCount(): number {
    return this.#entries.cacheCount
  }

  peek(storeKey: StoreKey): PeekResult {
    const entry = this.#entries.get(storeKey)
    if (entry === undefined || entry.item.expiresAtMonotonicMs <= this.#clock.monotonicMs()) {
      this.stats.missCount++
      return 'absent'
    }
    this.stats.hitCount++
    this.#entries.touch(entry)
    return entry.item
  }

  inspect(storeKey: StoreKey): PeekResult {
    return this.#live(storeKey)?.item ?? 'absent'
  }

  /** What {@link peek} would find; counts nothing, since a peek went before. */
  load(storeKey: StoreKey): Promise<StoredItem | undefined> {
    return Promise.resolve(this.#live(storeKey)?.item)
  }

  /** Done when it returns: the promise is for slower drivers. Rejects once the store is closed. */
  put(item: StoredItem, options: PutOptions = NO_OPTIONS): Promise<PutOutcome> {
    if (this.#closed) {
      return Promise.reject(new HeadwaterError('HW_STORE_UNAVAILABLE', 'The store is closed.'))
    }
    return Promise.resolve(this.#put(item, options.cacheBytesMax ?? Number.POSITIVE_INFINITY))
  }

  delete(storeKey: StoreKey): Promise<boolean> {
    const entry = this.#entries.get(storeKey)
    if (entry === undefined) return Promise.resolve(false)
    if (this.#isExpired(entry)) {
      this.#expireEntry(entry)
      return Promise.resolve(false)
    }
    this.#drop(entry)
    this.stats.deleteCount++
    this.#watchers.notify(storeKey, 'delete')
    return Promise.resolve(true)
  }

  /**
   * A page is one moment's truth. Before the first of a large cache its keys are put in order, in
   * slices (100,000 items: 100 ms and more); later ones cost about 1 ms ({@link CacheIndex}). Neither counts as a read nor
   * moves an item's place in the order of eviction.
   */
  list(
    cacheName: CacheName,
    options: { readonly keyPrefix: string; readonly after?: StoreKey; readonly limit: number },
  ): Promise<ListPage> {
    assert(options.limit >= 1, 'a page holds at least one item')
    const prepared = this.#entries.cache(cacheName)?.prepareSortedKeys()
    if (prepared === undefined) return Promise.resolve(this.#page(cacheName, options))
    return prepared.then(() => this.#page(cacheName, options))
  }

  #page(
    cacheName: CacheName,
    options: { readonly keyPrefix: string; readonly after?: StoreKey; readonly limit: number },
  ): ListPage {
    const keys = this.#entries.cache(cacheName)?.sortedKeys() ?? []
    const prefix = `${cacheName}/${options.keyPrefix}`
    const startsAfter = options.after !== undefined && options.after >= prefix
    const items: StoredItem[] = []
    let index = lowerBound(keys, startsAfter ? (options.after ?? prefix) : prefix, startsAfter)
    for (; index < keys.length; index++) {
      const key = keys[index]
      if (key === undefined || !key.startsWith(prefix)) break
      const entry = this.#live(key)
      if (entry === undefined) continue
      // One more than asked for is there: only then is there another page.
      if (items.length === options.limit) {
        return { items, nextAfter: items.at(-1)?.storeKey }
      }
      items.push(entry.item)
    }
    return { items, nextAfter: undefined }
  }

  /** Synchronous underneath: 100,000 items take about 30 ms. */
  flush(cacheName: CacheName): Promise<number> {
    const cache = this.#entries.cache(cacheName)
    let flushedCount = 0
    for (let entry = cache?.any(); entry !== undefined; entry = cache?.any()) {
      if (this.#isExpired(entry)) {
        this.#expireEntry(entry)
        continue
      }
      this.#drop(entry)
      this.stats.deleteCount++
      flushedCount++
      this.#watchers.notify(entry.item.storeKey, 'delete')
    }
    return Promise.resolve(flushedCount)
  }

  usage(cacheName: CacheName): CacheUsage {
    const cache = this.#entries.cache(cacheName)
    if (cache === undefined) return NO_USAGE
    const { itemCount, sizeBytes, accountedBytes, pinnedItemCount, pinnedBytes } = cache
    return { itemCount, sizeBytes, accountedBytes, pinnedItemCount, pinnedBytes }
  }

  extendDeadline(storeKey: StoreKey, expiresAtMonotonicMs: number): Promise<boolean> {
    assert(Number.isFinite(expiresAtMonotonicMs), 'a deadline is a time')
    const entry = this.#live(storeKey)
    if (entry === undefined) return Promise.resolve(false)
    if (expiresAtMonotonicMs > entry.item.expiresAtMonotonicMs) {
      this.#entries.setDeadline(entry, expiresAtMonotonicMs, this.#clock.monotonicMs())
    }
    return Promise.resolve(true)
  }

  pin(storeKey: StoreKey, owner: StoreKey): void {
    this.#pins.add(storeKey, owner)
  }

  unpin(storeKey: StoreKey, owner: StoreKey): void {
    this.#pins.remove(storeKey, owner)
  }

  /**
   * Of a window that moved on by one, as fresh strings: 6 names 3 us, 60 names 15 us, 900 names 170 us,
   * most of it their hashing (`bench/store`, `pins`).
   */
  replacePins(owner: StoreKey, storeKeys: Iterable<StoreKey>): void {
    this.#pins.replace(owner, storeKeys)
  }

  releasePins(owner: StoreKey): void {
    this.#pins.release(owner)
  }

  /** Listeners run at once, after the change, and must not throw. They may use the store. */
  watch(storeKey: StoreKey, listener: (change: StoreChange) => void): () => void {
    return this.#watchers.add(storeKey, listener)
  }

  /** Empties it at once: nobody is told, and nothing is counted. For who keeps a copy here. */
  forgetAll(): void {
    this.#stopTimer()
    this.#entries.clear()
  }

  close(): Promise<void> {
    this.#closed = true
    this.#stopTimer()
    this.#entries.clear()
    this.#pins.clear()
    this.#watchers.clear()
    return Promise.resolve()
  }

  #put(item: StoredItem, cacheBytesMax: number): PutOutcome {
    const sizeBytes = accountedBytesOf(item)
    const { sizeBytesMax } = this.stats
    if (sizeBytes > sizeBytesMax) return { kind: 'too-large', sizeBytes, sizeBytesMax }
    const { storeKey } = item
    const noRoom = this.#noRoom(storeKey, sizeBytes, cacheBytesMax)
    if (noRoom !== undefined) return noRoom

    const old = this.#entries.get(storeKey)
    const isOldExpired = old !== undefined && this.#isExpired(old)
    if (old !== undefined) this.#drop(old, true)
    const evicted = this.#makeRoom(storeKey, sizeBytes, cacheBytesMax)
    const entry = new HotEntry(item, this.#pins.has(storeKey))
    this.#entries.add(entry, this.#clock.monotonicMs(), old === undefined)
    this.stats.putCount++
    if (isOldExpired) this.stats.expirationCount++
    this.#timer ??= this.#clock.setTimer(() => this.#tick(), this.#expiryTickMs)

    if (!this.#watchers.isEmpty) {
      for (const key of evicted) this.#watchers.notify(key, 'evict')
      this.#watchers.notify(storeKey, 'put')
    }
    return { kind: 'stored', replaced: isOldExpired ? undefined : old?.item }
  }

  /** Why `sizeBytes` would not fit, though all that is not pinned went; `undefined` when they do. */
  #noRoom(
    storeKey: StoreKey,
    sizeBytes: number,
    cacheBytesMax: number,
  ): NoRoom<'full' | 'cache-full'> | undefined {
    const isBudgeted = cacheBytesMax !== Number.POSITIVE_INFINITY
    if (!isBudgeted && this.stats.pinnedBytes + sizeBytes <= this.stats.sizeBytesMax) return
    for (let isLastLook = false; ; isLastLook = true) {
      const old = this.#entries.get(storeKey)
      const oldPinnedBytes = old?.isPinned === true ? old.accountedBytes : 0
      const cache = this.#entries.cacheOf(storeKey)
      const pinnedInCache = (cache?.pinnedBytes ?? 0) - oldPinnedBytes
      const pinnedInAll = this.stats.pinnedBytes - oldPinnedBytes
      const isCacheFull = pinnedInCache + sizeBytes > cacheBytesMax
      if (!isCacheFull && pinnedInAll + sizeBytes <= this.stats.sizeBytesMax) return undefined

      // What has expired is in nobody's way, though its memory may not have been freed yet.
      const freedCount = isLastLook ? 0 : this.#expirePinned()
      if (freedCount > 0) continue
      return isCacheFull
        ? { kind: 'cache-full', sizeBytes, sizeBytesMax: cacheBytesMax, pinnedBytes: pinnedInCache }
        : {
            kind: 'full',
            sizeBytes,
            sizeBytesMax: this.stats.sizeBytesMax,
            pinnedBytes: pinnedInAll,
          }
    }
  }

  /** Frees all pinned entries past their deadline; how many. */
  #expirePinned(): number {
    const expired = this.#entries.expiredPinned(this.#clock.monotonicMs())
    for (const entry of expired) {
      // A listener may have taken it out meanwhile.
      if (entry.cache !== undefined) this.#expireEntry(entry)
    }
    return expired.length
  }

  /**
   * Takes out the least recently used until `sizeBytes` fit, first of the cache's own for its budget;
   * their keys when somebody watches.
   */
  #makeRoom(storeKey: StoreKey, sizeBytes: number, cacheBytesMax: number): readonly StoreKey[] {
    const evicted: StoreKey[] = []
    const isBudgeted = cacheBytesMax !== Number.POSITIVE_INFINITY
    const cache = isBudgeted ? this.#entries.cacheOf(storeKey) : undefined
    while (cache !== undefined && cache.accountedBytes + sizeBytes > cacheBytesMax) {
      const entry = cache.leastRecentlyUsed()
      if (entry === undefined) break
      this.#evict(entry, evicted)
    }
    while (this.stats.sizeBytes + sizeBytes > this.stats.sizeBytesMax) {
      const entry = this.#entries.leastRecentlyUsed()
      if (entry === undefined) break
      this.#evict(entry, evicted)
    }
    return evicted
  }

  #evict(entry: HotEntry, evicted: StoreKey[]): void {
    this.#drop(entry)
    this.stats.evictionCount++
    if (!this.#watchers.isEmpty) evicted.push(entry.item.storeKey)
  }

  #drop(entry: HotEntry, isOverwrite = false): void {
    this.#entries.remove(entry, isOverwrite)
    if (this.stats.itemCount === 0 && !isOverwrite) this.#stopTimer()
  }

  #live(storeKey: StoreKey): HotEntry | undefined {
    const entry = this.#entries.get(storeKey)
    return entry === undefined || this.#isExpired(entry) ? undefined : entry
  }

  #isExpired(entry: HotEntry): boolean {
    return entry.item.expiresAtMonotonicMs <= this.#clock.monotonicMs()
  }

  #tick(): void {
    this.#timer = undefined
    const hasMore = this.#entries.takeDue(
      this.#clock.monotonicMs(),
      this.#expiryBudgetPerTick,
      this.#expireEntry,
    )
    if (this.stats.itemCount === 0) return
    // A listener that put something has set the timer already: a backlog must not wait for it.
    this.#stopTimer()
    const delayMs = hasMore ? Math.min(EXPIRY_BACKLOG_MS, this.#expiryTickMs) : this.#expiryTickMs
    this.#timer = this.#clock.setTimer(() => this.#tick(), delayMs)
  }

  #stopTimer(): void {
    if (this.#timer === undefined) return
    this.#clock.clearTimer(this.#timer)
    this.#timer = undefined
  }
}
