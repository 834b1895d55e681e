/**
 * Objects that outlive the process: the hot store in front of an embedded, crash-safe database. A
 * write is in the database before it is acknowledged; reads come from memory, and what memory has
 * dropped is read through once, however many ask.
 */

import assert from 'node:assert/strict'
import type { Clock, Timer } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import type { CacheName, StoreKey } from '../base/names.ts'
import { splitStoreKey } from '../base/names.ts'
import { NO_ATTACHMENTS } from './attachment-codec.ts'
import type { AttachmentCodec } from './attachment-codec.ts'
import { CacheTotals } from './cache-totals.ts'
import { ALL, bytesOf, expiryOf, NO_KEY, rangeOf, toStoreKeyOf } from './disk-keys.ts'
import { decodeRecord, deadlineOf, encodeRecord, sizeOf, withDeadline } from './disk-record.ts'
import { DiskFullError, DiskTables } from './disk-tables.ts'
import type { SyncMode } from './disk-tables.ts'
import { accountedBytesOf } from './hot-entry.ts'
import type { HotStore } from './hot-store.ts'
import { KeyQueue } from './key-queue.ts'
import { Watchers } from './watchers.ts'
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
  /** A directory of its own. */
  readonly path: string
  /** Bound of the bodies on disk. A write over it is refused. */
  readonly sizeBytesMax: number
  readonly sync: SyncMode
  readonly clock: Clock
  /** The durable part of attachments, for who hangs them on items. */
  readonly attachments?: AttachmentCodec
}

/** Plain counters, read by metrics. */
export interface DiskStats {
  itemCount: number
  /** Of bodies. */
  sizeBytes: number
  readonly sizeBytesMax: number
  readCount: number
  readBytes: number
  expirationCount: number
  /** Writes refused because the disk, or its bound, was full. */
  fullCount: number
}

const EXPIRY_TICK_MS = 1000
const EXPIRY_BATCH = 500
/** Free pages, overhead of trees and what is being rewritten. */
const FILE_BYTES_FACTOR = 2
const FILE_BYTES_MIN = 64 * 1024 ** 2

export class DiskStore implements Store {
  /** Of the hot store: what is in memory. */
  readonly stats: StoreStats
  readonly diskStats: DiskStats
  readonly #hot: HotStore
  readonly #tables: DiskTables
  readonly #clock: Clock
  readonly #attachments: AttachmentCodec
  /** Wall clock minus monotonic clock, fixed at the start: within a process only the latter counts. */
  readonly #wallOffsetMs: number
  readonly #totals = new CacheTotals()
  readonly #queue = new KeyQueue()
  readonly #loads = new Map<StoreKey, Promise<StoredItem | undefined>>()
  readonly #watchers = new Watchers()
  #timer: Timer | undefined
  #closed = false

  /** @throws HeadwaterError `HW_DATA_DIR_CORRUPT`. */
  constructor(options: DiskStoreOptions) {
    this.#hot = options.hot
    this.stats = options.hot.stats
    this.#clock = options.clock
    this.#attachments = options.attachments ?? NO_ATTACHMENTS
    this.#wallOffsetMs = options.clock.nowMs() - options.clock.monotonicMs()
    this.diskStats = {
      itemCount: 0,
      sizeBytes: 0,
      sizeBytesMax: options.sizeBytesMax,
      readCount: 0,
      readBytes: 0,
      expirationCount: 0,
      fullCount: 0,
    }
    this.#tables = new DiskTables({
      path: options.path,
      fileBytesMax: Math.max(FILE_BYTES_MIN, options.sizeBytesMax * FILE_BYTES_FACTOR),
      sync: options.sync,
    })
    for (const { key, record } of this.#tables.records(ALL)) {
      this.#count(toStoreKeyOf(key), 1, sizeOf(record))
    }
    this.#timer = this.#clock.setTimer(() => void this.#tick(), EXPIRY_TICK_MS)
  }

  /** What a start finds: everything that has not expired, in byte order of the keys, without bodies. */
  *restored(): Generator<StoredItem> {
    for (const { key, record } of this.#tables.records(ALL)) {
      const item = this.#isExpired(record) ? undefined : this.#toItem(toStoreKeyOf(key), record)
      if (item !== undefined) yield item
    }
  }

  peek(storeKey: StoreKey): PeekResult {
    const found = this.#hot.peek(storeKey)
    if (found !== 'absent' || this.#closed) return found
    return this.#liveRecord(storeKey) === undefined ? 'absent' : 'elsewhere'
  }

  inspect(storeKey: StoreKey): PeekResult {
    const found = this.#hot.inspect(storeKey)
    if (found !== 'absent' || this.#closed) return found
    const record = this.#liveRecord(storeKey)
    if (record === undefined) return 'absent'
    return this.#toItem(storeKey, record) ?? 'absent'
  }

  load(storeKey: StoreKey): Promise<StoredItem | undefined> {
    const found = this.#hot.inspect(storeKey)
    if (typeof found !== 'string') return Promise.resolve(found)
    const before = this.#loads.get(storeKey)
    if (before !== undefined) return before
    const loading = this.#read(storeKey).finally(() => this.#loads.delete(storeKey))
    this.#loads.set(storeKey, loading)
    return loading
  }

  async put(item: StoredItem, options: PutOptions = {}): Promise<PutOutcome> {
    if (this.#closed) throw closedError()
    const sizeBytes = accountedBytesOf(item)
    const { sizeBytesMax } = this.stats
    if (sizeBytes > sizeBytesMax) return { kind: 'too-large', sizeBytes, sizeBytesMax }
    const { cacheBytesMax = Number.POSITIVE_INFINITY } = options
    if (sizeBytes > cacheBytesMax) {
      return { kind: 'cache-full', sizeBytes, sizeBytesMax: cacheBytesMax, pinnedBytes: 0 }
    }
    return this.#queue.run(item.storeKey, () => this.#put(item, options))
  }

  delete(storeKey: StoreKey): Promise<boolean> {
    return this.#queue.run(storeKey, () => this.#remove(storeKey, 'delete'))
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
      const storeKey = toStoreKeyOf(key)
      const hot = this.#hot.inspect(storeKey)
      const item = typeof hot === 'string' ? this.#toItem(storeKey, record) : hot
      if (item !== undefined) items.push(item)
    }
    return Promise.resolve({ items, nextAfter: undefined })
  }

  async flush(cacheName: CacheName): Promise<number> {
    let flushedCount = 0
    for (;;) {
      const keys: StoreKey[] = []
      for (const { key } of this.#tables.records(rangeOf(`${cacheName}/`, `${cacheName}/`))) {
        keys.push(toStoreKeyOf(key))
        if (keys.length === EXPIRY_BATCH) break
      }
      if (keys.length === 0) return flushedCount
      const removed = await Promise.all(keys.map((key) => this.delete(key)))
      flushedCount += removed.filter(Boolean).length
    }
  }

  /** Of what is on disk. Nothing is pinned: memory is a cache here, and disk is not given up. */
  usage(cacheName: CacheName): CacheUsage {
    const { itemCount, sizeBytes } = this.#totals.of(cacheName)
    const accountedBytes = this.#hot.usage(cacheName).accountedBytes
    return { itemCount, sizeBytes, accountedBytes, pinnedItemCount: 0, pinnedBytes: 0 }
  }

  extendDeadline(storeKey: StoreKey, expiresAtMonotonicMs: number): Promise<boolean> {
    assert(Number.isFinite(expiresAtMonotonicMs), 'a deadline is a time')
    return this.#queue.run(storeKey, async () => {
      const record = this.#liveRecord(storeKey)
      if (record === undefined) return false
      const expiresAtMs = expiresAtMonotonicMs + this.#wallOffsetMs
      if (expiresAtMs <= deadlineOf(record)) return true
      const key = bytesOf(storeKey)
      await this.#tables.write({
        key,
        record: withDeadline(record, expiresAtMs),
        body: undefined,
        expiryBefore: expiryOf(key, deadlineOf(record)),
        expiryAfter: expiryOf(key, expiresAtMs),
      })
      await this.#hot.extendDeadline(storeKey, expiresAtMonotonicMs)
      return true
    })
  }

  // Memory is a cache of the disk: a window that does not fit is read through, and nobody's write
  // is refused for it.
  pin(): void {}
  unpin(): void {}
  replacePins(): void {}
  releasePins(): void {}

  watch(storeKey: StoreKey, listener: (change: StoreChange) => void): () => void {
    return this.#watchers.add(storeKey, listener)
  }

  /** Finishes what is under way. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer)
    this.#timer = undefined
    await Promise.allSettled([this.#queue.idle(), ...this.#loads.values()])
    await this.#hot.close()
    await this.#tables.close()
    this.#watchers.clear()
  }

  async #put(item: StoredItem, options: PutOptions): Promise<PutOutcome> {
    const { storeKey } = item
    const key = bytesOf(storeKey)
    const before = this.#tables.record(key)
    const sizeBefore = before === undefined ? 0 : sizeOf(before)
    const { sizeBytes, sizeBytesMax } = this.diskStats
    if (sizeBytes - sizeBefore + item.sizeBytes > sizeBytesMax) return this.#full(item)
    const replaced = this.#isLive(before) ? this.inspect(storeKey) : 'absent'
    const expiresAtMs = item.expiresAtMonotonicMs + this.#wallOffsetMs
    try {
      await this.#tables.write({
        key,
        record: encodeRecord(item, expiresAtMs, this.#attachments.toText(item)),
        body: wholeBody(item),
        expiryBefore: before === undefined ? undefined : expiryOf(key, deadlineOf(before)),
        expiryAfter: expiryOf(key, expiresAtMs),
      })
    } catch (error) {
      if (error instanceof DiskFullError) return this.#full(item)
      throw error
    }
    this.#count(storeKey, before === undefined ? 1 : 0, item.sizeBytes - sizeBefore)
    // Not there when it does not fit; it is on disk then.
    await this.#hot.put(item, options)
    this.#watchers.notify(storeKey, 'put')
    return { kind: 'stored', replaced: typeof replaced === 'string' ? undefined : replaced }
  }

  #full(item: StoredItem): PutOutcome {
    this.diskStats.fullCount++
    const { sizeBytesMax } = this.diskStats
    return { kind: 'full', sizeBytes: item.sizeBytes, sizeBytesMax, pinnedBytes: 0 }
  }

  async #remove(storeKey: StoreKey, change: 'delete' | 'expire'): Promise<boolean> {
    const key = bytesOf(storeKey)
    const record = this.#tables.record(key)
    if (record === undefined) return false
    const isLive = this.#isLive(record)
    // Written again since it was found to be due.
    if (change === 'expire' && isLive) return false
    await this.#tables.write({
      key,
      record: undefined,
      body: undefined,
      expiryBefore: expiryOf(key, deadlineOf(record)),
      expiryAfter: undefined,
    })
    this.#count(storeKey, -1, -sizeOf(record))
    const wasHot = await this.#hot.delete(storeKey)
    if (isLive && !wasHot) this.stats.deleteCount++
    if (!isLive) this.diskStats.expirationCount++
    this.#watchers.notify(storeKey, isLive ? 'delete' : 'expire')
    return isLive
  }

  async #read(storeKey: StoreKey): Promise<StoredItem | undefined> {
    if (this.#closed || this.#liveRecord(storeKey) === undefined) return undefined
    await this.#tables.prefetch(bytesOf(storeKey))
    // In one turn from here on: nothing can be written in between.
    const found = this.#hot.inspect(storeKey)
    if (typeof found !== 'string') return found
    const record = this.#liveRecord(storeKey)
    const item = record === undefined ? undefined : this.#toItem(storeKey, record)
    if (item === undefined) return undefined
    const { chunks } = item
    const whole: StoredItem = { ...item, chunks }
    this.diskStats.readCount++
    this.diskStats.readBytes += whole.sizeBytes
    const { putCount } = this.stats
    void this.#hot.put(whole)
    // A fill is no write.
    this.stats.putCount = putCount
    return whole
  }

  #toItem(storeKey: StoreKey, record: Buffer): StoredItem | undefined {
    const read = decodeRecord(record)
    if (read === undefined) return undefined
    const tables = this.#tables
    const { expiresAtMs, attachmentText, ...fields } = read
    const item = {
      storeKey,
      // Looked at by few: lists and inspections read no body.
      get chunks() {
        const body = tables.body(bytesOf(storeKey))
        return body === undefined ? [] : [body]
      },
      ...fields,
      expiresAtMonotonicMs: expiresAtMs - this.#wallOffsetMs,
      attachment: undefined,
    }
    const attachment = this.#attachments.fromText(item, attachmentText)
    // Spread would read the body.
    return Object.defineProperty(item, 'attachment', { value: attachment, enumerable: true })
  }

  async #tick(): Promise<void> {
    this.#timer = undefined
    const due = this.#tables.due(expiryOf(NO_KEY, this.#nowMs() + 1), EXPIRY_BATCH)
    await Promise.all(
      due.map((expiry) => {
        const storeKey = toStoreKeyOf(expiry.subarray(8))
        return this.#queue.run(storeKey, () => this.#remove(storeKey, 'expire'))
      }),
    )
    if (this.#closed) return
    const delayMs = due.length === EXPIRY_BATCH ? 1 : EXPIRY_TICK_MS
    this.#timer = this.#clock.setTimer(() => void this.#tick(), delayMs)
  }

  #count(storeKey: StoreKey, itemCount: number, sizeBytes: number): void {
    const { cacheName } = splitStoreKey(storeKey)
    this.#totals.add(cacheName, itemCount, sizeBytes)
    this.diskStats.itemCount += itemCount
    this.diskStats.sizeBytes += sizeBytes
  }

  #liveRecord(storeKey: StoreKey): Buffer | undefined {
    const record = this.#tables.record(bytesOf(storeKey))
    return this.#isLive(record) ? record : undefined
  }

  #isLive(record: Buffer | undefined): boolean {
    return record !== undefined && !this.#isExpired(record)
  }

  #isExpired(record: Buffer): boolean {
    return deadlineOf(record) <= this.#nowMs()
  }

  /** Wall clock as it was at the start, gone on monotonically. */
  #nowMs(): number {
    return this.#clock.monotonicMs() + this.#wallOffsetMs
  }
}

function closedError(): HeadwaterError {
  return new HeadwaterError('HW_STORE_UNAVAILABLE', 'The store is closed.')
}

function wholeBody({ chunks }: StoredItem): Buffer {
  const [first] = chunks
  if (chunks.length === 1 && first !== undefined) {
    return Buffer.from(first.buffer, first.byteOffset, first.byteLength)
  }
  return Buffer.concat(chunks)
}
