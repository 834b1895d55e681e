/**
 * The memory store: every item in RAM, bounded in bytes, exact at its deadline. Nothing outlives
 * the process. Also the layer in front of slower drivers; it knows none of them.
 */

import assert from 'node:assert/strict'
import { LRUCache } from 'lru-cache'
import type { Clock, Timer } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import { splitStoreKey } from '../base/names.ts'
import type { CacheName, StoreKey } from '../base/names.ts'
import { CacheIndex, lowerBound } from './cache-index.ts'
import { ExpiryQueue } from './expiry-queue.ts'
import { accountedBytesOf, HotEntry } from './hot-entry.ts'
import type {
  CacheUsage,
  ListPage,
  PeekResult,
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

const NO_USAGE: CacheUsage = { itemCount: 0, sizeBytes: 0 }

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
 * Least recently used items go when the bound is reached; reading and overwriting make an item the
 * most recent. An item past its deadline is absent at once for every operation, but is counted in
 * {@link stats} and {@link usage} until it is freed, at most a tick later (see {@link ExpiryQueue}
 * for mixed TTLs).
 */
export class HotStore implements Store {
  readonly stats: StoreStats
  readonly #clock: Clock
  readonly #expiryTickMs: number
  readonly #expiryBudgetPerTick: number
  readonly #entries: LRUCache<StoreKey, HotEntry>
  readonly #expiry = new ExpiryQueue()
  readonly #caches = new Map<CacheName, CacheIndex>()
  readonly #watchers = new Map<StoreKey, Set<(change: StoreChange) => void>>()
  readonly #expireEntry: (entry: HotEntry) => void
  #timer: Timer | undefined = undefined
  #closed = false

  constructor(options: HotStoreOptions) {
    this.#clock = options.clock
    this.#expiryTickMs = options.expiryTickMs ?? EXPIRY_TICK_MS
    this.#expiryBudgetPerTick = options.expiryBudgetPerTick ?? EXPIRY_BUDGET_PER_TICK
    // `put` makes room itself, so that nothing goes without being unlinked: lru-cache's own bound is
    // never reached.
    this.#entries = new LRUCache({
      maxSize: options.sizeBytesMax,
      sizeCalculation: (entry) => entry.accountedBytes,
    })
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
    }
    this.#expireEntry = (entry) => {
      this.#drop(entry)
      this.stats.expirationCount++
      if (this.#watchers.size > 0) this.#notify(entry.item.storeKey, 'expire')
    }
  }

  /** Bytes as lru-cache counts them; equals `stats.sizeBytes`, or there is a fault. For tests. */
  get entriesSizeBytes(): number {
    return this.#entries.calculatedSize
  }

  /** How many caches hold something. */
  get cacheCount(): number {
    return this.#caches.size
  }

  peek(storeKey: StoreKey): PeekResult {
    const entry = this.#entries.get(storeKey)
    if (entry === undefined || entry.item.expiresAtMonotonicMs <= this.#clock.monotonicMs()) {
      this.stats.missCount++
      return 'absent'
    }
    this.stats.hitCount++
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
  put(item: StoredItem): Promise<PutOutcome> {
    if (this.#closed) {
      return Promise.reject(new HeadwaterError('HW_STORE_UNAVAILABLE', 'The store is closed.'))
    }
    return Promise.resolve(this.#put(item))
  }

  delete(storeKey: StoreKey): Promise<boolean> {
    const entry = this.#entries.peek(storeKey)
    if (entry === undefined) return Promise.resolve(false)
    if (this.#isExpired(entry)) {
      this.#expireEntry(entry)
      return Promise.resolve(false)
    }
    this.#drop(entry)
    this.stats.deleteCount++
    this.#notify(storeKey, 'delete')
    return Promise.resolve(true)
  }

  /**
   * Synchronous underneath, so a page is one moment's truth. The first page of a cache of 100,000
   * items costs about 60 ms, later ones about 1 ms ({@link CacheIndex}). Neither counts as a read nor
   * moves an item's place in the order of eviction.
   */
  list(
    cacheName: CacheName,
    options: { readonly keyPrefix: string; readonly after?: StoreKey; readonly limit: number },
  ): Promise<ListPage> {
    assert(options.limit >= 1, 'a page holds at least one item')
    const keys = this.#caches.get(cacheName)?.sortedKeys() ?? []
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
        return Promise.resolve({ items, nextAfter: items.at(-1)?.storeKey })
      }
      items.push(entry.item)
    }
    return Promise.resolve({ items, nextAfter: undefined })
  }

  /** Synchronous underneath: 100,000 items take about 30 ms. */
  flush(cacheName: CacheName): Promise<number> {
    const cache = this.#caches.get(cacheName)
    let flushedCount = 0
    for (let entry = cache?.any(); entry !== undefined; entry = cache?.any()) {
      if (this.#isExpired(entry)) {
        this.#expireEntry(entry)
        continue
      }
      this.#drop(entry)
      this.stats.deleteCount++
      flushedCount++
      this.#notify(entry.item.storeKey, 'delete')
    }
    return Promise.resolve(flushedCount)
  }

  usage(cacheName: CacheName): CacheUsage {
    const cache = this.#caches.get(cacheName)
    if (cache === undefined) return NO_USAGE
    return { itemCount: cache.itemCount, sizeBytes: cache.sizeBytes }
  }

  /** Listeners run at once, after the change, and must not throw. They may use the store. */
  watch(storeKey: StoreKey, listener: (change: StoreChange) => void): () => void {
    // A function of our own, so that the same listener may be given twice.
    const call = (change: StoreChange): void => listener(change)
    const listeners = this.#watchers.get(storeKey)
    if (listeners === undefined) this.#watchers.set(storeKey, new Set([call]))
    else listeners.add(call)
    return () => {
      const current = this.#watchers.get(storeKey)
      if (current?.delete(call) === true && current.size === 0) this.#watchers.delete(storeKey)
    }
  }

  close(): Promise<void> {
    this.#closed = true
    this.#stopTimer()
    this.#entries.clear()
    this.#expiry.clear()
    this.#caches.clear()
    this.#watchers.clear()
    this.stats.itemCount = 0
    this.stats.sizeBytes = 0
    return Promise.resolve()
  }

  #put(item: StoredItem): PutOutcome {
    const sizeBytes = accountedBytesOf(item)
    const { sizeBytesMax } = this.stats
    if (sizeBytes > sizeBytesMax) return { kind: 'too-large', sizeBytes, sizeBytesMax }

    const { storeKey } = item
    const entry = new HotEntry(item)
    const old = this.#entries.peek(storeKey)
    const isOldExpired = old !== undefined && this.#isExpired(old)
    if (old !== undefined) this.#drop(old, true)
    const evicted = this.#makeRoom(sizeBytes)
    this.#entries.set(storeKey, entry)
    this.#expiry.add(entry, this.#clock.monotonicMs())
    this.#cacheOf(storeKey).add(entry, old === undefined)
    this.stats.putCount++
    this.stats.itemCount++
    this.stats.sizeBytes += sizeBytes
    if (isOldExpired) this.stats.expirationCount++
    this.#timer ??= this.#clock.setTimer(() => this.#tick(), this.#expiryTickMs)

    if (this.#watchers.size > 0) {
      for (const key of evicted) this.#notify(key, 'evict')
      this.#notify(storeKey, 'put')
    }
    return { kind: 'stored', replaced: isOldExpired ? undefined : old?.item }
  }

  /** Takes out the least recently used until `sizeBytes` fit; their keys when somebody watches. */
  #makeRoom(sizeBytes: number): readonly StoreKey[] {
    const evicted: StoreKey[] = []
    while (this.stats.sizeBytes + sizeBytes > this.stats.sizeBytesMax) {
      const entry = this.#entries.pop()
      if (entry === undefined) break
      this.#unlink(entry, false)
      this.stats.evictionCount++
      if (this.#watchers.size > 0) evicted.push(entry.item.storeKey)
    }
    return evicted
  }

  #drop(entry: HotEntry, isOverwrite = false): void {
    this.#entries.delete(entry.item.storeKey)
    this.#unlink(entry, isOverwrite)
  }

  /** Takes an entry that lru-cache no longer holds out of everything else. */
  #unlink(entry: HotEntry, isOverwrite: boolean): void {
    const { cache } = entry
    if (cache !== undefined) {
      cache.remove(entry, isOverwrite)
      // An overwrite adds to the cache again at once.
      if (cache.itemCount === 0 && !isOverwrite) this.#caches.delete(cache.cacheName)
    }
    this.#expiry.remove(entry)
    this.stats.itemCount--
    this.stats.sizeBytes -= entry.accountedBytes
    if (this.stats.itemCount === 0 && !isOverwrite) this.#stopTimer()
  }

  #cacheOf(storeKey: StoreKey): CacheIndex {
    const { cacheName } = splitStoreKey(storeKey)
    let cache = this.#caches.get(cacheName)
    if (cache === undefined) {
      cache = new CacheIndex(cacheName)
      this.#caches.set(cacheName, cache)
    }
    return cache
  }

  #live(storeKey: StoreKey): HotEntry | undefined {
    const entry = this.#entries.peek(storeKey)
    return entry === undefined || this.#isExpired(entry) ? undefined : entry
  }

  #isExpired(entry: HotEntry): boolean {
    return entry.item.expiresAtMonotonicMs <= this.#clock.monotonicMs()
  }

  #tick(): void {
    this.#timer = undefined
    const hasMore = this.#expiry.takeDue(
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

  #notify(storeKey: StoreKey, change: StoreChange): void {
    const listeners = this.#watchers.get(storeKey)
    if (listeners === undefined) return
    // A copy, since a listener may watch and end watching.
    for (const listener of [...listeners]) listener(change)
  }
}
