/**
 * Objects that outlive the process: the hot store in front of an embedded, crash-safe database. A
 * write is in the database before it is acknowledged; reads come from memory, and what memory has
 * dropped is read through once, however many ask.
 */

import assert from 'node:assert/strict'
import type { Clock } from '../base/clock.ts'
import type { CacheName, StoreKey } from '../base/names.ts'
import type { AttachmentCodec } from './attachment-codec.ts'
import { ColdItems } from './cold-items.ts'
import { bytesOf, expiryOf, NO_KEY, rangeOf, toStoreKeyOf } from './disk-keys.ts'
import { DiskItems } from './disk-items.ts'
import type { DiskStats } from './disk-items.ts'
import { deadlineOf, encodeRecord, sizeOf, withDeadline } from './disk-record.ts'
import { DiskReader } from './disk-reader.ts'
import { DiskRoom } from './disk-room.ts'
import { diskBytesOf, rowKeysOf, toRows } from './disk-rows.ts'
import { DiskFullError, DiskTables } from './disk-tables.ts'
import type { DiskChange, SyncMode } from './disk-tables.ts'
import type { HotStore } from './hot-store.ts'
import { StoreFront } from './store-front.ts'
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
} from './store.ts'

export interface DiskStoreOptions {
  readonly hot: HotStore
  /** A directory of its own, prepared by `prepareDiskDirectory`. */
  readonly path: string
  /** Bound of {@link DiskStats.sizeBytes}. A write over it is refused. */
  readonly sizeBytesMax: number
  readonly sync: SyncMode
  /** What objects end by. */
  readonly clock: Clock
  /** What the disk is waited for by; `clock` when absent. */
  readonly machineClock?: Clock
  /** The durable part of attachments, for who hangs them on items. */
  readonly attachments: AttachmentCodec
  /** What goes wrong when nobody waits for it. Told once until it goes well again. */
  readonly onError?: (error: unknown) => void
}

const EXPIRY_TICK_MS = 1000
const EXPIRY_BATCH = 500

export class DiskStore implements Store {
  /** Of the hot store: what is in memory. */
  readonly stats: StoreStats
  readonly #hot: HotStore
  readonly #front: StoreFront
  readonly #tables: DiskTables
  readonly #items: DiskItems
  readonly #room: DiskRoom
  readonly #clock: Clock
  readonly #options: DiskStoreOptions
  /** Wall clock minus monotonic clock, fixed at the start: within a process only the latter counts. */
  readonly #wallOffsetMs: number
  readonly #cold = new ColdItems()
  readonly #reader: DiskReader
  /** Whether the last write failed, and not for want of room. */
  #isFailing = false
  /** Whether the last upload found no room. */
  #isFull = false
  #isTold = false

  /** @throws HeadwaterError `HW_DATA_DIR_CORRUPT`. */
  constructor(options: DiskStoreOptions) {
    this.#options = options
    this.#hot = options.hot
    this.#front = new StoreFront(options)
    this.stats = options.hot.stats
    this.#clock = options.clock
    this.#wallOffsetMs = options.clock.nowMs() - options.clock.monotonicMs()
    const tables = new DiskTables({
      ...options,
      clock: options.machineClock ?? options.clock,
      onUnreadable: (error) => this.#tell(error),
    })
    this.#tables = tables
    try {
      this.#items = new DiskItems({ ...options, tables, wallOffsetMs: this.#wallOffsetMs })
    } catch (error) {
      void tables.close()
      throw error
    }
    this.#reader = new DiskReader({
      hot: this.#hot,
      tables: this.#tables,
      items: this.#items,
      cold: this.#cold,
      liveRecord: (storeKey) => (this.#front.isClosed ? undefined : this.#liveRecord(storeKey)),
    })
    this.#room = new DiskRoom({ ...options, freeInFile: () => this.#tables.fileBytes.free })
    this.#front.upkeepIn(EXPIRY_TICK_MS, () => this.#upkeep())
  }

  /** Whether the disk takes no writes, for another reason than being full. Memory goes on. */
  get isDown(): boolean {
    return this.#isFailing
  }

  get diskStats(): DiskStats {
    return this.#items.stats
  }

  /**
   * What a start finds of playlists: each that was stored within `recentMs` and every multivariant one,
   * whole and in memory, the oldest write first.
   */
  restorePlaylists(recentMs: number): readonly StoredItem[] {
    return this.#reader.restorePlaylists(this.#clock.nowMs() - recentMs)
  }

  peek(storeKey: StoreKey): PeekResult {
    const found = this.#hot.peek(storeKey)
    if (found !== 'absent' || this.#front.isClosed) return found
    return this.#liveRecord(storeKey) === undefined ? 'absent' : 'elsewhere'
  }

  inspect(storeKey: StoreKey): PeekResult {
    const hot = this.#hot.inspect(storeKey)
    if (hot !== 'absent' || this.#front.isClosed) return hot
    const cold = this.#cold.get(storeKey)
    if (cold !== undefined) {
      return cold.expiresAtMonotonicMs <= this.#clock.monotonicMs() ? 'absent' : cold
    }
    const record = this.#liveRecord(storeKey)
    if (record === undefined) return 'absent'
    const item = this.#items.decode(storeKey, record, 'described')
    if (item === undefined) return 'absent'
    this.#cold.set(item)
    return item
  }

  load(storeKey: StoreKey): Promise<StoredItem | undefined> {
    return this.#reader.load(storeKey).catch((error: unknown) => {
      this.#tell(error)
      throw error
    })
  }

  put(item: StoredItem, options: PutOptions = {}): Promise<PutOutcome> {
    return this.#front.put(item, options, () => this.#put(item, options))
  }

  delete(storeKey: StoreKey): Promise<boolean> {
    return this.#front.change(storeKey, () => this.#remove(storeKey, 'delete'))
  }

  list(
    cacheName: CacheName,
    options: { readonly keyPrefix: string; readonly after?: StoreKey; readonly limit: number },
  ): Promise<ListPage> {
    assert(options.limit >= 1, 'a page holds at least one item')
    const prefix = `${cacheName}/${options.keyPrefix}`
    const { after } = options
    // The key right behind `after`.
    const start = after !== undefined && after >= prefix ? `${after}\x00` : prefix
    const items: StoredItem[] = []
    for (const { key, record } of this.#tables.records(rangeOf(start, prefix))) {
      if (this.#isExpired(record)) continue
      if (items.length === options.limit) {
        return Promise.resolve({ items, nextAfter: items.at(-1)?.storeKey })
      }
      const item = this.#known(toStoreKeyOf(key), record)
      if (item !== undefined) items.push(item)
    }
    return Promise.resolve({ items, nextAfter: undefined })
  }

  /** Once over the cache: what is written meanwhile may stay or go. */
  async flush(cacheName: CacheName): Promise<number> {
    let flushedCount = 0
    let start = `${cacheName}/`
    for (;;) {
      const keys: StoreKey[] = []
      for (const { key } of this.#tables.records(rangeOf(start, `${cacheName}/`))) {
        keys.push(toStoreKeyOf(key))
        if (keys.length === EXPIRY_BATCH) break
      }
      const last = keys.at(-1)
      if (last === undefined) return flushedCount
      start = `${last}\x00`
      const removed = await Promise.all(keys.map((key) => this.delete(key)))
      flushedCount += removed.filter(Boolean).length
    }
  }

  /** Of what is on disk. */
  usage(cacheName: CacheName): CacheUsage {
    return this.#front.usage(cacheName, this.#items.totals.of(cacheName))
  }

  extendDeadline(storeKey: StoreKey, expiresAtMonotonicMs: number): Promise<boolean> {
    assert(Number.isFinite(expiresAtMonotonicMs), 'a deadline is a time')
    if (this.#front.isClosed) return Promise.resolve(false)
    const known = this.#hot.inspect(storeKey)
    // Live playlists ask for it at every PUT, nearly always for what they have.
    if (typeof known === 'object' && expiresAtMonotonicMs <= known.expiresAtMonotonicMs) {
      return Promise.resolve(true)
    }
    return this.#front
      .change(storeKey, () => this.#extend(storeKey, expiresAtMonotonicMs))
      .catch((error: unknown) => {
        // Nobody waits for it, and the next playlist asks again.
        this.#tell(error)
        return false
      })
  }

  // Memory is a cache of the disk: a window that does not fit is read through.
  pin(): void {}
  unpin(): void {}
  replacePins(): void {}
  releasePins(): void {}

  watch(storeKey: StoreKey, listener: (change: StoreChange) => void): () => void {
    return this.#front.watchers.add(storeKey, listener)
  }

  /** Finishes what is under way. */
  async close(): Promise<void> {
    await this.#front.close(
      () => this.#reader.idle(),
      () => this.#tables.close(),
    )
    this.#cold.clear()
  }

  async #put(item: StoredItem, options: PutOptions): Promise<PutOutcome> {
    const { storeKey } = item
    const key = bytesOf(storeKey)
    if (this.#room.isUnknown) await this.#room.look()
    const before = this.#tables.record(key)
    const { sizeBytes, sizeBytesMax } = this.diskStats
    const bytes = diskBytesOf(item.sizeBytes)
    const bytesBefore = before === undefined ? 0 : diskBytesOf(sizeOf(before))
    if (sizeBytes - bytesBefore + bytes > sizeBytesMax || !this.#room.take(bytes)) {
      return this.#full(item)
    }
    const replaced =
      before === undefined || this.#isExpired(before) ? undefined : this.#known(storeKey, before)
    const expiresAtMs = item.expiresAtMonotonicMs + this.#wallOffsetMs
    const rowKeys = rowKeysOf(key, item.sizeBytes)
    const rowKeysBefore = before === undefined ? [] : rowKeysOf(key, sizeOf(before))
    try {
      await this.#write({
        key,
        record: encodeRecord(item, expiresAtMs, this.#options.attachments.toText(item)),
        rows: toRows(item).map((row, index) => ({ key: rowKeys[index] ?? key, bytes: row })),
        rowKeysBefore: rowKeysBefore.slice(rowKeys.length),
        expiryBefore: before === undefined ? undefined : expiryOf(key, deadlineOf(before)),
        expiryAfter: expiryOf(key, expiresAtMs),
      })
    } catch (error) {
      if (error instanceof DiskFullError) return this.#full(item)
      throw error
    }
    this.#isFull = false
    this.#items.count(storeKey, before, item.sizeBytes)
    this.#cold.set(item)
    const outcome = await this.#hot.put(item, options)
    // It is on disk then; what memory had is not it any more.
    if (outcome.kind !== 'stored') await this.#hot.delete(storeKey)
    this.#front.watchers.notify(storeKey, 'put')
    return { kind: 'stored', replaced }
  }

  /** @throws DiskFullError; HeadwaterError `HW_STORE_UNAVAILABLE`. Nothing has changed then. */
  async #write(change: DiskChange): Promise<void> {
    try {
      await this.#tables.write(change)
      this.#isFailing = false
    } catch (error) {
      if (error instanceof DiskFullError) throw error
      // The system has several words for it, and LMDB calls a write that was cut short an I/O error.
      await this.#room.look()
      const bytes = change.rows.reduce((sum, row) => sum + diskBytesOf(row.bytes.length), 0)
      if (!this.#room.isOnDisk(bytes)) throw new DiskFullError(error)
      this.#isFailing = true
      throw error
    }
  }

  #full(item: StoredItem): PutOutcome {
    this.#isFull = true
    this.diskStats.fullCount++
    const { sizeBytesMax } = this.diskStats
    return { kind: 'full', sizeBytes: item.sizeBytes, sizeBytesMax, pinnedBytes: 0, where: 'disk' }
  }

  async #remove(storeKey: StoreKey, change: 'delete' | 'expire'): Promise<boolean> {
    const key = bytesOf(storeKey)
    const record = this.#tables.record(key)
    if (record === undefined) return false
    const isLive = !this.#isExpired(record)
    // Written again since it was found to be due.
    if (change === 'expire' && isLive) return false
    await this.#write({
      key,
      record: undefined,
      rows: [],
      rowKeysBefore: rowKeysOf(key, sizeOf(record)),
      expiryBefore: expiryOf(key, deadlineOf(record)),
      expiryAfter: undefined,
    })
    this.#items.count(storeKey, record, undefined)
    this.#cold.delete(storeKey)
    const wasHot = await this.#hot.delete(storeKey)
    if (isLive && !wasHot) this.stats.deleteCount++
    if (!isLive) this.diskStats.expirationCount++
    this.#front.watchers.notify(storeKey, isLive ? 'delete' : 'expire')
    return isLive
  }

  async #extend(storeKey: StoreKey, expiresAtMonotonicMs: number): Promise<boolean> {
    const record = this.#liveRecord(storeKey)
    if (record === undefined) return false
    const expiresAtMs = expiresAtMonotonicMs + this.#wallOffsetMs
    if (expiresAtMs <= deadlineOf(record)) return true
    const key = bytesOf(storeKey)
    await this.#write({
      key,
      record: withDeadline(record, expiresAtMs),
      rows: [],
      rowKeysBefore: [],
      expiryBefore: expiryOf(key, deadlineOf(record)),
      expiryAfter: expiryOf(key, expiresAtMs),
    })
    const cold = this.#cold.get(storeKey)
    if (cold !== undefined) this.#cold.set({ ...cold, expiresAtMonotonicMs })
    await this.#hot.extendDeadline(storeKey, expiresAtMonotonicMs)
    return true
  }

  /** Ms until the next time: at once while there is more than a batch. */
  async #upkeep(): Promise<number> {
    try {
      await this.#room.look()
      const dueCount = await this.#removeDue()
      if (this.#isFull || this.#isFailing) await this.#tables.releaseFreed()
      this.#isFailing = false
      this.#isTold = false
      if (dueCount === 0) return EXPIRY_TICK_MS
      await this.#room.look()
      return dueCount === EXPIRY_BATCH ? 1 : EXPIRY_TICK_MS
    } catch (error) {
      this.#tell(error)
      return EXPIRY_TICK_MS
    }
  }

  /** At most once between two upkeeps that went well. */
  #tell(error: unknown): void {
    if (!this.#isTold) this.#options.onError?.(error)
    this.#isTold = true
  }

  /** A batch of it; how many. */
  async #removeDue(): Promise<number> {
    const due = this.#tables.due(expiryOf(NO_KEY, this.#nowMs() + 1), EXPIRY_BATCH)
    await Promise.all(
      due.map((expiry) => {
        const storeKey = toStoreKeyOf(expiry.subarray(8))
        return this.#front.change(storeKey, () => this.#remove(storeKey, 'expire'))
      }),
    )
    return due.length
  }

  /** From memory if there is something; without body or parsed playlist otherwise. */
  #known(storeKey: StoreKey, record: Buffer): StoredItem | undefined {
    const hot = this.#hot.inspect(storeKey)
    if (typeof hot !== 'string') return hot
    return this.#cold.get(storeKey) ?? this.#items.decode(storeKey, record, 'plain')
  }

  #liveRecord(storeKey: StoreKey): Buffer | undefined {
    const record = this.#tables.record(bytesOf(storeKey))
    return record === undefined || this.#isExpired(record) ? undefined : record
  }

  #isExpired(record: Buffer): boolean {
    return deadlineOf(record) <= this.#nowMs()
  }

  /** Wall clock as it was at the start, gone on monotonically. */
  #nowMs(): number {
    return this.#clock.monotonicMs() + this.#wallOffsetMs
  }
}
