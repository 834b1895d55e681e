/** Reading through: what memory has dropped comes from the disk once, however many ask. */

import { HeadwaterError } from '../base/errors.ts'
import type { StoreKey } from '../base/names.ts'
import type { ColdItems } from './cold-items.ts'
import type { DiskItems } from './disk-items.ts'
import { ALL, bytesOf, toStoreKeyOf } from './disk-keys.ts'
import { isSameWrite, kindOf, sizeOf } from './disk-record.ts'
import { rowKeysOf } from './disk-rows.ts'
import type { DiskTables } from './disk-tables.ts'
import type { HotStore } from './hot-store.ts'
import type { StoredItem } from './store.ts'

export interface DiskReaderOptions {
  readonly hot: HotStore
  readonly tables: DiskTables
  readonly items: DiskItems
  readonly cold: ColdItems
  /** Of an item that has not expired; `undefined` once the store is closed. */
  readonly liveRecord: (storeKey: StoreKey) => Buffer | undefined
}

/** Rows read before others have their turn: 1 MiB. */
const ROWS_PER_TURN = 4
/** An object that is overwritten faster than it is read is somebody's mistake. */
const ATTEMPTS_MAX = 20

export class DiskReader {
  readonly #options: DiskReaderOptions
  readonly #flights = new Map<StoreKey, Promise<StoredItem | undefined>>()

  constructor(options: DiskReaderOptions) {
    this.#options = options
  }

  load(storeKey: StoreKey): Promise<StoredItem | undefined> {
    const found = this.#options.hot.inspect(storeKey)
    if (typeof found !== 'string') return Promise.resolve(found)
    const before = this.#flights.get(storeKey)
    if (before !== undefined) return before
    const flight = this.#read(storeKey).finally(() => this.#flights.delete(storeKey))
    this.#flights.set(storeKey, flight)
    return flight
  }

  /** Media playlists stored since then and every multivariant one, to memory; the oldest write first. */
  restorePlaylists(fromMs: number): readonly StoredItem[] {
    const { tables, items, liveRecord } = this.#options
    const restored: StoredItem[] = []
    for (const { key, record } of tables.records(ALL)) {
      const kind = kindOf(record)
      const storeKey = toStoreKeyOf(key)
      if ((kind !== 'media' && kind !== 'multivariant') || liveRecord(storeKey) === undefined) {
        continue
      }
      const item = items.decode(storeKey, record, 'whole')
      if (item === undefined || (kind === 'media' && item.storedAtMs < fromMs)) continue
      restored.push(item)
      this.fill(item)
    }
    return restored.sort((left, right) => left.storedAtMs - right.storedAtMs)
  }

  /** When what is read now has been. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#flights.values())
  }

  /** Takes what is on disk to memory. That is no write. */
  fill(item: StoredItem): void {
    const { hot } = this.#options
    const { putCount } = hot.stats
    void hot.put(item)
    hot.stats.putCount = putCount
  }

  async #read(storeKey: StoreKey): Promise<StoredItem | undefined> {
    const { liveRecord, hot, items, cold } = this.#options
    const key = bytesOf(storeKey)
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const record = liveRecord(storeKey)
      if (record === undefined) return undefined
      const rows = await this.#rows(storeKey, rowKeysOf(key, sizeOf(record)))
      // In one turn from here on: nothing can be written in between.
      const found = hot.inspect(storeKey)
      if (typeof found !== 'string') return found
      const now = liveRecord(storeKey)
      if (now === undefined) return undefined
      // Written again while its rows were read.
      if (!isSameWrite(record, now)) continue
      const item = items.whole(storeKey, now, rows, cold.get(storeKey))
      items.stats.readCount++
      items.stats.readBytes += item.sizeBytes
      cold.set(item)
      this.fill(item)
      return item
    }
    throw new HeadwaterError(
      'HW_STORE_UNAVAILABLE',
      'An object is overwritten faster than it is read.',
    )
  }

  async #rows(storeKey: StoreKey, rowKeys: readonly Buffer[]): Promise<readonly Buffer[]> {
    const { tables, liveRecord } = this.#options
    await tables.prefetch(rowKeys)
    const rows: Buffer[] = []
    for (const [index, rowKey] of rowKeys.entries()) {
      if (index > 0 && index % ROWS_PER_TURN === 0) await nextTurn()
      // Deleted, or the store is closed.
      if (liveRecord(storeKey) === undefined) break
      const row = tables.row(rowKey)
      if (row !== undefined) rows.push(row)
    }
    return rows
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
