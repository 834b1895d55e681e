/**
 * The store's contract, in its final shape: one for memory, disk and Valkey. Drivers keep bytes,
 * metadata and deadlines; they know nothing of HTTP, HLS or permissions.
 */

import type { CacheName, StoreKey } from '../base/names.ts'

/**
 * What an item is to the rules above; kept with it so that a read never guesses. From the name and,
 * for playlists, the content (`hls/kind.ts`).
 */
export type ItemKind = (typeof ITEM_KINDS)[number]

export const ITEM_KINDS = [
  'multivariant', // EXT-X-STREAM-INF playlist
  'media', // media playlist
  'manifest', // DASH MPD
  'segment',
  'part',
  'init',
  'key',
  'other',
] as const

/** A stored item. Immutable: an overwrite makes a new one. Always made with all fields, in one order. */
export interface StoredItem {
  readonly storeKey: StoreKey
  /** The bytes, in the pieces they arrived in. Never copied, never written to. */
  readonly chunks: readonly Uint8Array[]
  /** Sum of the chunks' lengths. */
  readonly sizeBytes: number
  readonly kind: ItemKind
  /** Media type to answer with. */
  readonly contentType: string
  /** `Content-Encoding` to answer with; '' for identity. */
  readonly contentEncoding: string
  /** Strong validator of the stored bytes without quotes: `<epoch>-<sequence>`. */
  readonly etag: string
  /** Wall clock of the write (ms since the Unix epoch): `Last-Modified`. */
  readonly storedAtMs: number
  /** TTL as asked for by the writer, seconds. */
  readonly ttlSeconds: number
  /** Absent from this moment on, in {@link Clock.monotonicMs} time. */
  readonly expiresAtMonotonicMs: number
  /** 1 for a name's first version while it lives, 2 for the next...: restarted encoders reuse names. */
  readonly version: number
  /** Rules above may hang a computed representation here (prebuilt heads); drivers carry, never read it. */
  readonly attachment: unknown
}

/** `'absent'`: not there, or past its deadline. `'elsewhere'`: not here, {@link Store.load} knows. */
export type PeekResult = StoredItem | 'absent' | 'elsewhere'

export type PutOutcome =
  | { readonly kind: 'stored'; readonly replaced: StoredItem | undefined }
  /** Cannot fit, whatever is evicted. Nothing changed. */
  | { readonly kind: 'too-large'; readonly sizeBytes: number; readonly sizeBytesMax: number }
  /** Would fit if less were pinned: pinned items are never the price of a write. Nothing changed. */
  | NoRoom<'full'>
  /** The same within {@link PutOptions.cacheBytesMax}. Nothing changed, in no cache. */
  | NoRoom<'cache-full'>

export interface NoRoom<Kind extends string> {
  readonly kind: Kind
  /** The new item as it is accounted: body, key and overhead. */
  readonly sizeBytes: number
  /** The bound that it would break. */
  readonly sizeBytesMax: number
  /** How much of that bound is pinned, without the item that would be replaced. */
  readonly pinnedBytes: number
  /** Whose bound it is; absent: that of memory. */
  readonly where?: 'disk' | 'valkey'
}

export interface PutOptions {
  /**
   * Bound of {@link CacheUsage.accountedBytes} of the item's cache; without it, only the store's own
   * bound holds. A cache over it gives up its own least recently used items, no other's.
   */
  readonly cacheBytesMax?: number | undefined
}

/** Why a watcher is called. */
export type StoreChange = 'put' | 'delete' | 'expire' | 'evict'

export interface ListPage {
  /** In ascending byte order of the key. */
  readonly items: readonly StoredItem[]
  /** Give it back as `after` for the next page; `undefined` on the last. */
  readonly nextAfter: StoreKey | undefined
}

/** Plain counters, read by metrics; never reset. */
export interface StoreStats {
  hitCount: number
  missCount: number
  putCount: number
  deleteCount: number
  evictionCount: number
  expirationCount: number
  /** Now: items held and their accounted bytes (bodies, keys and per-item overhead). */
  itemCount: number
  sizeBytes: number
  readonly sizeBytesMax: number
  /** Of {@link itemCount} and {@link sizeBytes}: what is never evicted. Pins of absent keys are none. */
  pinnedItemCount: number
  pinnedBytes: number
}

export interface CacheUsage {
  readonly itemCount: number
  /** Bodies only, bytes. */
  readonly sizeBytes: number
  /** Bodies, keys and per-item overhead, as {@link StoreStats.sizeBytes} counts. */
  readonly accountedBytes: number
  readonly pinnedItemCount: number
  /** The pinned part of {@link accountedBytes}. */
  readonly pinnedBytes: number
}

export interface Store {
  readonly stats: StoreStats
  /** Synchronous, allocation free. Exact to the millisecond at the deadline. Counts a hit or a miss. */
  peek(storeKey: StoreKey): PeekResult
  /**
   * As {@link peek}, but counts nothing and moves nothing in the order of eviction. A driver that knows
   * an item without having its body gives it with no `chunks`, not `elsewhere`; so do {@link list} and
   * {@link PutOutcome}'s `replaced`. {@link load} has the body.
   */
  inspect(storeKey: StoreKey): PeekResult
  /** Reads through to the backend, one flight per key. `undefined` when it is nowhere. */
  load(storeKey: StoreKey): Promise<StoredItem | undefined>
  /** Atomic: resolved means that every later read on this node sees this version or a newer one. */
  put(item: StoredItem, options?: PutOptions): Promise<PutOutcome>
  /** Whether something was there. */
  delete(storeKey: StoreKey): Promise<boolean>
  /** Items of a cache whose key starts with `keyPrefix` (byte string), at most `limit`. */
  list(
    cacheName: CacheName,
    options: { readonly keyPrefix: string; readonly after?: StoreKey; readonly limit: number },
  ): Promise<ListPage>
  /** Deletes every item of a cache; how many there were. */
  flush(cacheName: CacheName): Promise<number>
  usage(cacheName: CacheName): CacheUsage
  /**
   * Moves an item's deadline later; one that is not later changes nothing. Version, ETag, body and
   * attachment stay, but a reader gets a new {@link StoredItem} that carries the new deadline. No
   * watcher is called.
   *
   * @returns Whether the item is there. What has expired does not come back.
   */
  extendDeadline(storeKey: StoreKey, expiresAtMonotonicMs: number): Promise<boolean>
  /**
   * Keeps a key from eviction on this node, from now on or from when it is stored. Pins belong to
   * names, not to versions: they survive overwrite, expiry, delete and flush, until their owner lets
   * go. A pinned item still expires and can be deleted.
   *
   * @param owner  On whose behalf (a playlist's key, say); need not be stored. A key is pinned while
   *   any owner pins it; one owner's second pin of it is no second pin.
   */
  pin(storeKey: StoreKey, owner: StoreKey): void
  /** Ends one owner's pin. An item that nobody pins any more becomes the most recently used. */
  unpin(storeKey: StoreKey, owner: StoreKey): void
  /**
   * From now on `owner` pins these and nothing else. What it pinned before and still names is pinned
   * throughout. Those it lets go become the most recently used, in the order it named them.
   */
  replacePins(owner: StoreKey, storeKeys: Iterable<StoreKey>): void
  /** Ends all pins of an owner. */
  releasePins(owner: StoreKey): void
  /** Calls `listener` after each change of one key; returns the function that ends it. */
  watch(storeKey: StoreKey, listener: (change: StoreChange) => void): () => void
  /** Releases everything. May be called twice. */
  close(): Promise<void>
}
