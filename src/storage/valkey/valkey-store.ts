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
  StoreChange,
  StoredItem,
  StoreStats,
} from '../store.ts'
import type { RemoteChange, SharedStore, ShownVersions } from '../shared-store.ts'
import { NearCache } from './near-cache.ts'
import { allTags, subjectOfName } from './valkey-keys.ts'
import { ValkeyFullError } from './valkey-link.ts'
import type { ValkeyLink } from './valkey-link.ts'
import { ValkeyObjects } from './valkey-objects.ts'
import { ValkeyReader } from './valkey-reader.ts'
import type { ReadStats } from './valkey-reader.ts'
import { ValkeyTotals } from './valkey-totals.ts'
import { ValkeyUploads } from './valkey-uploads.ts'

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
  /** Keeps readers of this node from being taken back. Absent: what is read is what is shown. */
  readonly shown?: ShownVersions
  /** Instead of the engine's clock: for tests that have one of their own. */
  readonly engineNowMs?: () => number
}

/** Plain counters, read by metrics. */
export interface ValkeyStats extends ReadStats {
  /** Objects in memory that another node has changed. */
  invalidationCount: number
  /** Writes refused because Valkey's memory was full. */
  fullCount: number
}

const UPKEEP_MS = 5000
const FLUSH_BATCH = 1000

export class ValkeyStore implements SharedStore {
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
  readonly #reader: ValkeyReader
  readonly #uploads: ValkeyUploads
  readonly #totals = new ValkeyTotals()
  readonly #remoteListeners = new Set<(change: RemoteChange) => void>()
  readonly #stopListening: () => void

  constructor(options: ValkeyStoreOptions) {
    this.#options = options
    const { link, clock, hot, attachments = NO_ATTACHMENTS, engineNowMs } = options
    this.#link = link
    this.#front = new StoreFront(options)
    this.#near = new NearCache(hot)
    this.#objects = new ValkeyObjects({ link, clock, attachments, engineNowMs })
    const unverified = (storeKey: StoreKey) => this.#unverified(storeKey)
    const { shown } = options
    const reading = { near: this.#near, objects: this.#objects, clock, shown, unverified }
    this.#reader = new ValkeyReader(reading, this.valkeyStats)
    this.#uploads = new ValkeyUploads({ link, clock })
    this.stats = hot.stats
    this.#stopListening = link.listen({ changed: (name) => this.#changed(name) })
    this.#front.upkeepIn(UPKEEP_MS, () => this.#upkeep())
  }

  /** Whether Valkey answers. What is in memory goes on being served when it does not. */
  get isDown(): boolean {
    return this.#link.downSinceMs !== undefined
  }

  onRemoteChange(listener: (change: RemoteChange) => void): () => void {
    this.#remoteListeners.add(listener)
    return () => this.#remoteListeners.delete(listener)
  }

  announceUpload(storeKey: StoreKey): void {
    this.#uploads.begin(storeKey)
  }

  endUpload(storeKey: StoreKey, isStored: boolean): void {
    this.#uploads.end(storeKey, isStored)
    // This node is not told of what it does itself.
    if (!isStored) this.#near.forgetAbsence(storeKey)
  }

  isUploadedElsewhere(storeKey: StoreKey): boolean {
    // Nobody would say that it has ended.
    return this.#link.isTracking && this.#near.isUploading(storeKey)
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
    const found = this.#inMemory(storeKey)
    if (found !== 'elsewhere' || this.isDown || !this.#link.isTracking) return found
    const described = this.#near.described(storeKey)
    const isThere = (described?.expiresAtMonotonicMs ?? 0) > this.#options.clock.monotonicMs()
    return isThere && described !== undefined ? described : 'elsewhere'
  }

  /** @throws HeadwaterError `HW_STORE_UNAVAILABLE` when nobody answers and nothing here may do. */
  async load(storeKey: StoreKey): Promise<StoredItem | undefined> {
    const found = this.#inMemory(storeKey)
    if (found !== 'elsewhere') return found === 'absent' ? undefined : found
    return this.#reader.load(storeKey)
  }

  find(storeKeys: readonly StoreKey[]): Promise<void> {
    return this.#reader.find(storeKeys.filter((key) => this.inspect(key) === 'elsewhere'))
  }

  restorePlaylists(recentMs: number): Promise<readonly StoredItem[]> {
    return this.#reader.restorePlaylists(recentMs, (storeKey) => this.load(storeKey))
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
      this.#options.shown?.insteadOf(storeKey, undefined)
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
      items: found.filter((item) => typeof item === 'object'),
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
    this.#uploads.close()
    await this.#front.close(
      () => this.#reader.idle(),
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
      return {
        ...{ kind: 'full', sizeBytes: item.sizeBytes, sizeBytesMax: 0, pinnedBytes: 0 },
        where: 'valkey',
      }
    }
    this.#totals.set(reply.tag, splitStoreKey(storeKey).cacheName, reply.total)
    this.stats.putCount++
    this.#options.shown?.wrote(item)
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
      if (!(error instanceof ValkeyFullError) && !this.isDown) this.#forget(storeKey)
      throw error
    } finally {
      this.#near.end(fill)
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

  /** What the hot store has or is known to be missing, if that can be relied on. */
  #inMemory(storeKey: StoreKey): PeekResult {
    if (this.#front.isClosed) return 'absent'
    if (this.isDown) return this.#unverified(storeKey) ?? 'elsewhere'
    if (!this.#link.isTracking) return 'elsewhere'
    const found = this.#near.hot.inspect(storeKey)
    if (found !== 'absent' || this.#near.isKnownAbsent(storeKey)) return found
    return 'elsewhere'
  }

  #changed(name: Buffer | undefined): void {
    const subject = name === undefined ? undefined : subjectOfName(name)
    if (name === undefined) {
      this.#options.shown?.dropped(undefined)
      this.#near.forgetAll()
      this.#tell({ kind: 'all' })
    } else if (subject?.kind === 'upload') {
      const { storeKey } = subject
      const wasUploading = this.#near.forgetAbsence(storeKey)
      this.#tell({ kind: 'upload', storeKey, wasUploading })
    } else if (subject !== undefined) {
      const { storeKey } = subject
      if (this.#forget(storeKey)) this.valkeyStats.invalidationCount++
      this.#front.watchers.notify(storeKey, 'evict')
      this.#tell({ kind: 'item', storeKey })
    }
  }

  /** It may have been changed. Whether it was remembered. */
  #forget(storeKey: StoreKey): boolean {
    this.#options.shown?.dropped(storeKey)
    return this.#near.forget(storeKey)
  }

  #tell(change: RemoteChange): void {
    for (const listener of this.#remoteListeners) listener(change)
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
