/**
 * The origin: put, get, delete and the rules about them. Knows items, caches and time; knows
 * nothing of sockets, headers or credentials.
 */

import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { CacheName, ItemKey, StoreKey } from '../base/names.ts'
import { kindOfKey } from '../hls/kind.ts'
import type { SharedStore } from '../storage/shared-store.ts'
import type { CacheUsage, PeekResult, Store, StoredItem } from '../storage/store.ts'
import { BlockingReloads } from './blocking-reload.ts'
import type { Cache, CacheRegistry } from './caches.ts'
import { ChannelModel } from './channel-model.ts'
import type { Channels } from './channel-view.ts'
import type { CheckedContent } from './content-rules.ts'
import { DeltaUpdates } from './delta-updates.ts'
import type { OriginEvents } from './events.ts'
import { Findings } from './findings.ts'
import { ItemMaker } from './item-maker.ts'
import type { UploadDescription } from './item-maker.ts'
import { LiveFreshness } from './live-freshness.ts'
import { LiveWindow } from './live-window.ts'
import { OtherNodes } from './other-nodes.ts'
import { PlaylistJudge } from './playlist-judge.ts'
import { ReusedNames } from './reused-names.ts'
import { PreloadHints } from './preload-hints.ts'
import { placesOf } from './segment-places.ts'
import type { SegmentPlace } from './segment-places.ts'
import { StaleEdge } from './stale-edge.ts'
import type { TokenGuard } from './token-guard.ts'
import { ttlSecondsByRule } from './ttl-rules.ts'
import { noRoom, Upload } from './upload.ts'
import type { UploadHost, UploadOutcome, UploadRequest } from './upload.ts'
import { Waiters } from './waiters.ts'
import type { Wait, WaiterStats } from './waiters.ts'

export interface OriginOptions {
  readonly store: Store
  /** The same, where other nodes use it, too. */
  readonly shared?: SharedStore | undefined
  readonly caches: CacheRegistry
  readonly events: OriginEvents
  readonly tokenGuard: TokenGuard
  readonly clock: Clock
  readonly log: Logger
  readonly uploadsInFlightBytesMax: number
  readonly segmentMaxAgeSeconds: number
  /** Media types by extension, or octet-stream for all. */
  readonly contentType: 'by-extension' | 'octet-stream'
  /** A write may make its cache. */
  readonly autoCreate: boolean
  /** Readers that may wait at once in one cache; 5,000 when it is absent. */
  readonly waitersPerCacheMax?: number | undefined
}

/** Plain counters, read by metrics. */
export interface OriginStats {
  uploadsInFlight: number
  uploadsInFlightBytes: number
  uploadsStoredCount: number
  uploadsStoredBytes: number
}

/** Readers that may wait at once: each keeps a request and a timer, some KiB. */
const WAITERS_MAX = 20_000
const WAITERS_PER_CACHE_MAX = 5000

/** An upload in progress is waited for this long; a silent one is cut earlier. */
const HOLD_UPLOAD_MS = 60_000

function mayBeFollowed(key: ItemKey): boolean {
  const kind = kindOfKey(key)
  return kind === 'segment' || kind === 'init' || kind === 'other'
}

export class Origin implements UploadHost {
  readonly caches: CacheRegistry
  readonly events: OriginEvents
  readonly findings: Findings
  readonly reloads: BlockingReloads
  readonly deltas: DeltaUpdates
  readonly stats: OriginStats = {
    uploadsInFlight: 0,
    uploadsInFlightBytes: 0,
    uploadsStoredCount: 0,
    uploadsStoredBytes: 0,
  }
  readonly #options: OriginOptions
  readonly #store: Store
  readonly #window: LiveWindow
  readonly #channels: ChannelModel
  readonly #judge: PlaylistJudge
  readonly #staleEdge: StaleEdge
  readonly #reusedNames: ReusedNames
  readonly #waiters: Waiters
  readonly #hints: PreloadHints
  readonly #others: OtherNodes | undefined
  readonly #items: ItemMaker
  readonly #firstUploads = new Map<StoreKey, Upload>()
  /** Uploads of keys that are stored already. */
  readonly #overwrites = new Map<StoreKey, Upload>()

  constructor(options: OriginOptions) {
    this.#options = options
    this.#store = options.store
    this.caches = options.caches
    this.events = options.events
    this.findings = new Findings(options)
    const { shared } = options
    const isUploading = (storeKey: StoreKey) =>
      this.#firstUploads.has(storeKey) ||
      this.#overwrites.has(storeKey) ||
      shared?.isUploadedElsewhere(storeKey) === true
    const findingsOf = (storeKey: StoreKey) => this.findings.list(storeKey)
    const channels = new ChannelModel({ ...options, isUploading, findingsOf })
    this.#channels = channels
    this.#window = new LiveWindow({ ...options, channels })
    channels.follow(new LiveFreshness({ ...options, channels }))
    this.#judge = new PlaylistJudge({ ...options, channels, isUploading })
    this.#staleEdge = new StaleEdge({ ...options, channels })
    this.#reusedNames = new ReusedNames(this.findings)
    this.#waiters = new Waiters({
      clock: options.clock,
      waitersMax: WAITERS_MAX,
      waitersPerCacheMax: options.waitersPerCacheMax ?? WAITERS_PER_CACHE_MAX,
    })
    this.reloads = new BlockingReloads({ ...options, waiters: this.#waiters })
    this.deltas = new DeltaUpdates(options)
    this.#items = new ItemMaker(options)
    this.#hints = new PreloadHints({
      ...options,
      onWithdrawn: (storeKey) => this.#willNotCome(storeKey),
    })
    const parts = { ...options, channels, judge: this.#judge, waiters: this.#waiters }
    const onSettled = (storeKey: StoreKey) => {
      this.#window.forget(storeKey)
      this.#hints.forget(storeKey)
    }
    this.#others = shared && new OtherNodes({ ...parts, shared, onSettled })
  }

  /** What is live and how it does, for metrics, the admin API and the console. */
  get channels(): Channels {
    return this.#channels
  }

  /** Channels go on that a durable store has kept: their playlists, those stored first before others. */
  restore(playlists: readonly StoredItem[]): void {
    if (this.#others !== undefined) this.#others.restore(playlists)
    else for (const item of playlists) this.#channels.restored(item)
  }

  /** Synchronous look at the hot store. */
  peek(storeKey: StoreKey): PeekResult {
    return this.#store.peek(storeKey)
  }

  /** The same without counting it as a read. */
  inspect(storeKey: StoreKey): PeekResult {
    return this.#store.inspect(storeKey)
  }

  /** What is known of an item at once, maybe without its body; `undefined` when that is nothing. */
  describe(storeKey: StoreKey): StoredItem | undefined {
    const found = this.#store.inspect(storeKey)
    return typeof found === 'string' ? undefined : found
  }

  /** For what {@link peek} calls `elsewhere`. */
  load(storeKey: StoreKey): Promise<StoredItem | undefined> {
    return this.#store.load(storeKey)
  }

  /** Begins an upload; the caller must end it with `finish` or `abort`. */
  openUpload(request: UploadRequest): Upload {
    const ttlSeconds = ttlSecondsByRule(request.cache.settings.ttlRules, request.key)
    const upload = new Upload(this, ttlSeconds === undefined ? request : { ...request, ttlSeconds })
    const { storeKey } = request
    if (!mayBeFollowed(request.key)) return upload
    // What may be elsewhere is looked for there before its upload is followed.
    if (typeof this.#store.inspect(storeKey) !== 'string') {
      this.#overwrites.set(storeKey, upload)
    } else if (!this.#firstUploads.has(storeKey)) {
      this.#firstUploads.set(storeKey, upload)
      this.#options.shared?.announceUpload(storeKey)
      // Who waits for it can read it as it comes.
      this.#waiters.wake(storeKey)
    }
    return upload
  }

  /**
   * Waits for a key that a current live playlist has just named or hints at, and that is not stored yet.
   * `undefined` when there is nothing to wait for, or too many wait already.
   */
  hold(cache: Cache, storeKey: StoreKey): Wait | undefined {
    const { holdSecondsMax, lowLatency } = cache.settings
    const hintedUntilMs = lowLatency ? this.#hints.heldUntilMs(storeKey) : undefined
    if (holdSecondsMax === 0 && hintedUntilMs === undefined) return undefined
    // As long as it is being uploaded and is not to be followed: parts are served whole.
    const untilMs =
      (this.#firstUploads.has(storeKey)
        ? this.#options.clock.monotonicMs() + HOLD_UPLOAD_MS
        : this.#others?.uploadUntilMs(storeKey)) ??
      hintedUntilMs ??
      this.#window.expectedUntilMs(storeKey, holdSecondsMax * 1000)
    return untilMs === undefined ? undefined : this.#waiters.wait(storeKey, untilMs)
  }

  /**
   * How long ago the encoder of a live playlist stopped, seconds, when that is too long by the
   * cache's settings; `undefined` when it is not, or when it is no live playlist.
   */
  staleSeconds(cache: Cache, item: StoredItem): number | undefined {
    return this.#staleEdge.seconds(cache, item)
  }

  /** Lets every waiting reader go: the server stops. */
  releaseWaiters(): void {
    this.#waiters.close()
  }

  close(): void {
    this.#waiters.close()
    this.#channels.close()
    this.#others?.close()
  }

  /** How many readers wait. */
  get waiterCount(): number {
    return this.#waiters.count
  }

  /** How waits ended. */
  get waiterStats(): WaiterStats {
    return this.#waiters.stats
  }

  /**
   * The upload in progress of a key that has no complete object: it can be read while it is written.
   * `undefined` for playlists, manifests, keys and parts, which are served whole or not at all, whatever
   * they are called.
   */
  firstUpload(storeKey: StoreKey): Upload | undefined {
    const upload = this.#firstUploads.get(storeKey)
    if (upload === undefined || upload.isWithheld || this.#window.isPart(storeKey)) return undefined
    return upload
  }

  closed(upload: Upload): void {
    const { storeKey } = upload.request
    if (this.#overwrites.get(storeKey) === upload) this.#overwrites.delete(storeKey)
    if (this.#firstUploads.get(storeKey) !== upload) return
    this.#firstUploads.delete(storeKey)
    const isStored = typeof this.#store.inspect(storeKey) !== 'string'
    this.#options.shared?.endUpload(storeKey, isStored)
    // Refused or cut: it will not come, and nobody has to wait until the deadline for that.
    if (isStored) return
    this.#hints.forget(storeKey)
    this.#willNotCome(storeKey)
  }

  #willNotCome(storeKey: StoreKey): void {
    this.#window.forget(storeKey)
    this.#waiters.wake(storeKey)
  }

  /** The cache a write goes to. Made now, if the settings and the writer's rights allow it. */
  async cacheForWrite(cacheName: CacheName, mayCreate: boolean): Promise<Cache | undefined> {
    const cache = this.caches.get(cacheName)
    if (cache !== undefined || !this.#options.autoCreate || !mayCreate) return cache
    try {
      const created = await this.caches.create(cacheName)
      this.events.emit('cache-created', cacheName)
      return created
    } catch (error) {
      // Two first writes at once: the other one made it. A full registry: there is no such cache.
      this.#options.log.debug({ err: error, cacheName }, 'cache not created')
      return this.caches.get(cacheName)
    }
  }

  /** Idempotent: true when something was there. */
  delete(storeKey: StoreKey): Promise<boolean> {
    return this.#store.delete(storeKey)
  }

  /** Empties a cache; how many items went. */
  flush(cacheName: CacheName): Promise<number> {
    return this.#store.flush(cacheName)
  }

  /** Empties a cache and forgets what was known of its channels. @returns How many items went. */
  async reset(cacheName: CacheName): Promise<number> {
    const count = await this.#store.flush(cacheName)
    this.#channels.forgetCache(cacheName)
    this.findings.forgetCache(cacheName)
    return count
  }

  /** Where an object stands in the live playlists that name it. Not for every read. */
  placesOf(storeKey: StoreKey): readonly SegmentPlace[] {
    return placesOf(storeKey, this.#channels.records())
  }

  usage(cacheName: CacheName): CacheUsage {
    return this.#store.usage(cacheName)
  }

  /** Media type and `max-age` that an upload's object will have: for who reads it now. */
  describeUpload({ request }: Upload): UploadDescription {
    return this.#items.describe(request)
  }

  reserve(bytes: number): boolean {
    if (this.stats.uploadsInFlightBytes + bytes > this.#options.uploadsInFlightBytesMax)
      return false
    this.stats.uploadsInFlightBytes += bytes
    return true
  }

  release(bytes: number): void {
    this.stats.uploadsInFlightBytes -= bytes
  }

  clean(
    request: UploadRequest,
    body: Buffer,
    syntax: 'hls' | 'dash',
  ): Buffer | Promise<Buffer | 'playlist-leaks-key'> {
    const { cache, key, keyForm, ownHosts, credentials } = request
    if (cache.settings.playlistTokens === 'keep') return body
    const playlist = { cacheName: cache.name, key, keyForm, ownHosts, credentials }
    return this.#options.tokenGuard.clean(body, syntax, playlist)
  }

  async commit(request: UploadRequest, content: CheckedContent): Promise<UploadOutcome> {
    const { storeKey } = request
    try {
      // Another process may have stored it: what is made counts versions on from there.
      if (this.#store.inspect(storeKey) === 'elsewhere') await this.#store.load(storeKey)
      const { playlist } = content
      if (playlist !== undefined && this.#others !== undefined) {
        await this.#others.learn({ ...request, playlist })
      }
    } catch (error) {
      return this.#unavailable(storeKey, error)
    }
    const unwanted = this.#judgePlaylist(request, content)
    if (unwanted !== undefined) return unwanted
    const item = this.#items.make(request, content)
    try {
      const cacheBytesMax = request.cache.settings.sizeBytesMax
      const outcome = await this.#store.put(item, cacheBytesMax === 0 ? {} : { cacheBytesMax })
      if (outcome.kind !== 'stored') {
        return noRoom(outcome)
      }
      const isJudged = request.cache.settings.playlistRules !== 'off'
      this.#reusedNames.stored(item, outcome.replaced, isJudged)
    } catch (error) {
      return this.#unavailable(storeKey, error)
    }
    this.stats.uploadsStoredCount++
    this.stats.uploadsStoredBytes += item.sizeBytes
    this.#window.forget(storeKey)
    this.#channels.stored(item)
    this.events.emit('item-stored', item)
    this.#waiters.wake(storeKey)
    return { kind: 'stored', item }
  }

  #unavailable(storeKey: StoreKey, error: unknown): UploadOutcome {
    this.#options.log.error({ err: error, storeKey }, 'store refused a write')
    return { kind: 'refused', reason: 'store-unavailable' }
  }

  /** Judges a playlist; an outcome when it is not to be stored. */
  #judgePlaylist(request: UploadRequest, content: CheckedContent): UploadOutcome | undefined {
    const rules = request.cache.settings.playlistRules
    if (content.playlist === undefined || rules === 'off') return undefined
    const { storeKey, keyForm } = request
    const verdict = this.#judge.judge({ storeKey, keyForm, playlist: content.playlist })
    const { findings, ofChannel, isLate } = verdict
    this.findings.report(storeKey, findings)
    if (ofChannel !== undefined) this.findings.report(ofChannel.storeKey, ofChannel.findings)
    const error = findings.find(({ severity }) => severity === 'error')
    if (rules === 'strict' && error !== undefined) {
      const detail = `${error.rule} (${error.section}): ${error.message}`.slice(0, 400)
      return { kind: 'refused', reason: 'playlist-invalid', detail }
    }
    return isLate ? { kind: 'ignored' } : undefined
  }
}
