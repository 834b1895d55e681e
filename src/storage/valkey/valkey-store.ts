/**
 * Objects that many origins share: Valkey or Redis, with the hot store as this node's near-cache. A
 * write is there before it is acknowledged. What is remembered is right until Valkey says otherwise;
 * while nobody answers it goes on being served, for as long as that helps.
 */

import assert from 'node:assert/strict'
import type { Clock } from '../../base/clock.ts'
import { splitStoreKey } from '../../base/names.ts'
import type { CacheName, StoreKey } from '../../base/names.ts'
import { NO_ATTACHMENTS } from '../attachment-codec.ts'
import type { AttachmentCodec } from '../attachment-codec.ts'
import type { HotStore } from '../hot-store.ts'
import { StoreFront } from '../store-front.ts'
import type {
  CacheUsage,
  ListPage,
  PeekResult,
  PutOptions,
  PutOutcome,
  Store,
  StoreChange,
  StoredItem,
  StoreStats,
} from '../store.ts'
import { NearCache } from './near-cache.ts'
import type { Fill } from './near-cache.ts'
import { allTags, storeKeyOfObjectName } from './valkey-keys.ts'
import { ValkeyFullError } from './valkey-link.ts'
import type { ValkeyLink } from './valkey-link.ts'
import { ValkeyObjects } from './valkey-objects.ts'
import { ValkeyTotals } from './valkey-totals.ts'

export interface ValkeyStoreOptions {
  /** Closed with the store. */
  readonly link: ValkeyLink
  readonly hot: HotStore
  readonly clock: Clock
  readonly attachments?: AttachmentCodec
  /**
   * How long an item may be served without asking when Valkey does not answer, ms. Absent: until its
   * deadline.
   */
  readonly servableWhileDownMs?: (item: StoredItem) => number
  /** Instead of the engine's clock: for tests that have one of their own. */
  readonly engineNowMs?: () => number
}

/** Plain counters, read by metrics. */
export interface ValkeyStats {
  /** Objects that were not in memory and were asked for. */
  readCount: number
  readBytes: number
  /** Objects in memory that another node has changed. */
  invalidationCount: number
  /** Writes refused because Valkey's memory was full. */
  fullCount: number
}

const UPKEEP_MS = 5000
const FLUSH_BATCH = 1000

export class ValkeyStore implements Store {
  /** Of the hot store: what is in memory. */
  readonly stats: StoreStats
  readonly valkeyStats: ValkeyStats = {
    readCount: 0,
    readBytes: 0,
    invalidationCount: 0,
    fullCount: 0,
  }
  readonly #options: ValkeyStoreOptions
  readonly #link: ValkeyLink
  readonly #front: StoreFront
  readonly #near: NearCache
  readonly #objects: ValkeyObjects
  readonly #totals = new ValkeyTotals()
  readonly #loads = new Map<
    StoreKey,
    { readonly fill: Fill; readonly item: Promise<StoredItem | undefined> }
  >()
  readonly #remoteListeners = new Set<(storeKey: StoreKey) => void>()
  readonly #stopListening: () => void

  constructor(options: ValkeyStoreOptions) {
    this.#options = options
    const { link, clock, hot, attachments = NO_ATTACHMENTS, engineNowMs } = options
    this.#link = link
    this.#front = new StoreFront(options)
    this.#near = new NearCache(hot)
    this.#objects = new ValkeyObjects({ link, clock, attachments, engineNowMs })
    this.stats = hot.stats
    this.#stopListening = link.listen({ changed: (name) => this.#changed(name) })
    this.#front.upkeepIn(UPKEEP_MS, () => this.#upkeep())
  }

  /** Whether Valkey answers. What is in memory goes on being served when it does not. */
  get isDown(): boolean {
    return this.#link.downSinceMs !== undefined
  }

  /** Tells of keys that other nodes have changed; returns the function that ends it. */
  onRemoteChange(listener: (storeKey: StoreKey) => void): () => void {
    this.#remoteListeners.add(listener)
    return () => this.#remoteListeners.delete(listener)
  }

  peek(storeKey: StoreKey): PeekResult {
    if (this.#front.isClosed) return 'absent'
    const { hot } = this.#near
    if (this.#link.downSinceMs !== undefined) {
      return this.#unverified(storeKey) === undefined ? 'elsewhere' : hot.peek(storeKey)
    }
    if (!this.#link.isTracking) return 'elsewhere'
    const found = hot.peek(storeKey)
    if (found !== 'absent' || this.#near.isKnownAbsent(storeKey)) return found
    return 'elsewhere'
  }

  inspect(storeKey: StoreKey): PeekResult {
    if (this.#front.isClosed) return 'absent'
    if (this.#link.downSinceMs !== undefined) return this.#unverified(storeKey) ?? 'elsewhere'
    if (!this.#link.isTracking) return 'elsewhere'
    const found = this.#near.hot.inspect(storeKey)
    if (found !== 'absent' || this.#near.isKnownAbsent(storeKey)) return found
    return 'elsewhere'
  }

  /** @throws HeadwaterError `HW_STORE_UNAVAILABLE` when nobody answers and nothing here may do. */
  async load(storeKey: StoreKey): Promise<StoredItem | undefined> {
    const found = this.inspect(storeKey)
    if (found !== 'elsewhere') return found === 'absent' ? undefined : found
    const before = this.#loads.get(storeKey)
    // One that began before a change must not answer a question that came after it.
    if (before !== undefined && !before.fill.isSpoiled) return before.item
    const fill = this.#near.begin(storeKey)
    const flight = { fill, item: this.#load(storeKey, fill) }
    this.#loads.set(storeKey, flight)
    try {
      return await flight.item
    } finally {
      this.#near.end(fill)
      if (this.#loads.get(storeKey) === flight) this.#loads.delete(storeKey)
    }
  }

  put(item: StoredItem, options: PutOptions = {}): Promise<PutOutcome> {
    return this.#front.put(item, options, () => this.#put(item, options))
  }

  delete(storeKey: StoreKey): Promise<boolean> {
    return this.#front.change(storeKey, async () => {
      const { tag, wasThere, total } = await this.#change(storeKey, undefined, () =>
        this.#objects.delete(storeKey),
      )
      this.#totals.set(tag, splitStoreKey(storeKey).cacheName, total)
      if (!wasThere) return false
      this.stats.deleteCount++
      this.#front.watchers.notify(storeKey, 'delete')
      return true
    })
  }

  async list(
    cacheName: CacheName,
    options: { readonly keyPrefix: string; readonly after?: StoreKey; readonly limit: number },
  ): Promise<ListPage> {
    const { keyPrefix, after, limit } = options
    assert(limit >= 1, 'a page holds at least one item')
    const place = after === undefined ? {} : { afterKey: afterKeyOf(cacheName, after) }
    const keys = await this.#objects.keys(cacheName, { keyPrefix, ...place, limit: limit + 1 })
    const found = await Promise.all(
      keys.slice(0, limit).map(async (key) => {
        const known = this.inspect(key)
        return typeof known === 'string' ? this.#objects.describe(key) : known
      }),
    )
    return {
      items: found.filter((item) => item !== undefined),
      nextAfter: keys.length > limit ? keys[limit - 1] : undefined,
    }
  }

  async flush(cacheName: CacheName): Promise<number> {
    let flushedCount = 0
    for (;;) {
      const keys = await this.#objects.keys(cacheName, { keyPrefix: '', limit: FLUSH_BATCH })
      const gone = await Promise.all(keys.map((key) => this.delete(key)))
      flushedCount += gone.filter(Boolean).length
      if (keys.length < FLUSH_BATCH) break
    }
    this.#near.forgetCache(cacheName)
    // What has expired leaves the count, too.
    await this.refreshUsage()
    return flushedCount
  }

  /** Of what is in Valkey, as far as it is known: exact for this node, seconds old for others. */
  usage(cacheName: CacheName): CacheUsage {
    return this.#front.usage(cacheName, this.#totals.of(cacheName))
  }

  /** False, too, when Valkey cannot do it now: the next write of a live playlist asks again. */
  extendDeadline(storeKey: StoreKey, expiresAtMonotonicMs: number): Promise<boolean> {
    assert(Number.isFinite(expiresAtMonotonicMs), 'a deadline is a time')
    if (this.#front.isClosed) return Promise.resolve(false)
    return this.#front.change(storeKey, async () => {
      const extending = this.#objects.extend(storeKey, expiresAtMonotonicMs)
      // Ignored: the link has said that nobody answers, and nobody waits for this.
      const isThere = await extending.catch(() => false)
      if (isThere) await this.#near.hot.extendDeadline(storeKey, expiresAtMonotonicMs)
      return isThere
    })
  }

  // Memory is a cache of Valkey: a window that does not fit is read through.
  pin(): void {}
  unpin(): void {}
  replacePins(): void {}
  releasePins(): void {}

  /** A change by another node is `evict` here: whether it is a write or a deletion was not told. */
  watch(storeKey: StoreKey, listener: (change: StoreChange) => void): () => void {
    return this.#front.watchers.add(storeKey, listener)
  }

  async close(): Promise<void> {
    this.#stopListening()
    await this.#front.close(
      () => Promise.allSettled([...this.#loads.values()].map(({ item }) => item)),
      () => this.#link.close(),
    )
    this.#remoteListeners.clear()
  }

  async #put(item: StoredItem, options: PutOptions): Promise<PutOutcome> {
    const { storeKey } = item
    const hotBefore = this.#near.hot.inspect(storeKey)
    let reply
    try {
      reply = await this.#change(storeKey, { item, options }, () => this.#objects.put(item))
    } catch (error) {
      if (!(error instanceof ValkeyFullError)) throw error
      this.valkeyStats.fullCount++
      return { kind: 'full', sizeBytes: item.sizeBytes, sizeBytesMax: 0, pinnedBytes: 0 }
    }
    this.#totals.set(reply.tag, splitStoreKey(storeKey).cacheName, reply.total)
    this.stats.putCount++
    this.#front.watchers.notify(storeKey, 'put')
    const { replaced } = reply
    const isKnown = typeof hotBefore !== 'string' && hotBefore.etag === replaced?.etag
    return { kind: 'stored', replaced: isKnown ? hotBefore : replaced }
  }

  /** Runs a change of ours and remembers what it left, unless another's came in between. */
  async #change<Reply>(
    storeKey: StoreKey,
    left: { readonly item: StoredItem; readonly options: PutOptions } | undefined,
    operate: () => Promise<Reply>,
  ): Promise<Reply> {
    const fill = this.#near.begin(storeKey)
    try {
      const reply = await operate()
      // Reads that are under way may bring what was there before.
      this.#near.forget(storeKey, fill)
      this.#near.remember(fill, left?.item, left?.options)
      return reply
    } catch (error) {
      // It may have happened all the same. While nobody answers, what was there is worth keeping: the
      // link says that anything may have been changed when somebody does again.
      if (!(error instanceof ValkeyFullError) && !this.isDown) this.#near.forget(storeKey)
      throw error
    } finally {
      this.#near.end(fill)
    }
  }

  async #load(storeKey: StoreKey, fill: Fill): Promise<StoredItem | undefined> {
    if (this.#front.isClosed) return undefined
    try {
      const item = await this.#objects.read(storeKey)
      this.#near.remember(fill, item)
      this.valkeyStats.readCount++
      this.valkeyStats.readBytes += item?.sizeBytes ?? 0
      return item
    } catch (error) {
      const item = this.#unverified(storeKey)
      if (item === undefined) throw error
      return item
    }
  }

  /** What is remembered, when nobody can be asked, for as long as it may be served. */
  #unverified(storeKey: StoreKey): StoredItem | undefined {
    const found = this.#near.hot.inspect(storeKey)
    const { downSinceMs } = this.#link
    if (typeof found === 'string' || downSinceMs === undefined) return undefined
    const limitMs = this.#options.servableWhileDownMs?.(found) ?? Number.POSITIVE_INFINITY
    return this.#link.nowMs() - downSinceMs <= limitMs ? found : undefined
  }

  #changed(name: Buffer | undefined): void {
    if (name === undefined) return this.#near.forgetAll()
    const storeKey = storeKeyOfObjectName(name)
    if (storeKey === undefined) return
    if (this.#near.forget(storeKey)) this.valkeyStats.invalidationCount++
    this.#front.watchers.notify(storeKey, 'evict')
    for (const listener of this.#remoteListeners) listener(storeKey)
  }

  /** What has expired leaves the index; usage learns what other nodes have done. */
  async #upkeep(): Promise<number> {
    try {
      await this.refreshUsage()
    } catch {
      // Ignored: the link has said that nobody answers; the next time will do.
    }
    return UPKEEP_MS
  }

  /** Asks every bucket what it holds. */
  async refreshUsage(): Promise<void> {
    await Promise.all(
      allTags().map(async (tag) => this.#totals.replace(tag, await this.#objects.upkeep(tag))),
    )
  }
}

/** The key behind which a page begins; `undefined` when that is before the whole cache. */
function afterKeyOf(cacheName: CacheName, after: StoreKey): string {
  return after.startsWith(`${cacheName}/`) ? after.slice(cacheName.length + 1) : ''
}
