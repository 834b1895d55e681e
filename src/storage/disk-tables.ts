/**
 * The embedded database below the disk store (LMDB): three tables, written together or not at all.
 * Knows bytes and transactions; what they mean is `disk-store.ts`'s.
 */

import { open } from 'lmdb'
import type { Database, RootDatabase } from 'lmdb'
import type { Clock, Timer } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'

/** `always`: a write is on the disk before it is acknowledged. `interval`: within a moment. */
export type SyncMode = 'always' | 'interval'

export interface DiskTablesOptions {
  /** A directory of its own. Made when it is not there. */
  readonly path: string
  /** Of what will be in it, about: for address space, and no bound. */
  readonly sizeBytesMax: number
  readonly sync: SyncMode
  readonly clock: Clock
  /** Told of each read that failed, beside its caller. */
  readonly onUnreadable?: (error: unknown) => void
}

/** One change of all tables. */
export interface DiskChange {
  readonly key: Buffer
  /** `undefined` deletes. */
  readonly record: Buffer | undefined
  /** Rows to write; none leaves those that are there. */
  readonly rows: readonly { readonly key: Buffer; readonly bytes: Buffer }[]
  /** Rows that are no more. */
  readonly rowKeysBefore: readonly Buffer[]
  readonly expiryBefore: Buffer | undefined
  readonly expiryAfter: Buffer | undefined
}

/** The file is as large as it may be, or the file system is full. */
export class DiskFullError extends HeadwaterError {
  constructor(cause: unknown) {
    super('HW_STORE_UNAVAILABLE', 'The disk is full.', { cause })
  }
}

/** Free pages, overhead of trees and what is being rewritten. */
const MAP_BYTES_FACTOR = 2
const MAP_BYTES_MIN = 64 * 1024 ** 2

/**
 * Of lmdb 3.5. With batches by turns of the event loop a commit that fails rejects a promise that
 * nobody can have, which would end the process.
 */
const SETTINGS = { maxDbs: 4, eventTurnBatching: false } as const

const NOTHING = Buffer.alloc(0)
/** Shorter than any row's key. */
const NO_ROW = Buffer.of(0)
/** A flush that takes longer has failed: the database tells nobody. */
const FLUSH_MS_MAX = 30_000

export class DiskTables {
  readonly #root: RootDatabase<Buffer, Buffer>
  /** Key -> record (`disk-record.ts`). */
  readonly #records: Database<Buffer, Buffer>
  /** Key and number -> a row of the body (`disk-rows.ts`). */
  readonly #rows: Database<Buffer, Buffer>
  /** Deadline and key, in order of time -> nothing. */
  readonly #expiries: Database<Buffer, Buffer>
  readonly #sync: SyncMode
  readonly #clock: Clock
  readonly #onUnreadable: ((error: unknown) => void) | undefined

  /** @throws HeadwaterError `HW_DATA_DIR_CORRUPT` when the files are not such a database. */
  constructor(options: DiskTablesOptions) {
    this.#sync = options.sync
    this.#clock = options.clock
    this.#onUnreadable = options.onUnreadable
    const table = { encoding: 'binary', keyEncoding: 'binary' } as const
    const mapSize = Math.max(MAP_BYTES_MIN, options.sizeBytesMax * MAP_BYTES_FACTOR)
    try {
      this.#root = open({ ...table, ...SETTINGS, path: options.path, mapSize })
      this.#records = this.#root.openDB({ ...table, name: 'records' })
      this.#rows = this.#root.openDB({ ...table, name: 'rows' })
      this.#expiries = this.#root.openDB({ ...table, name: 'expiries' })
    } catch (error) {
      throw new HeadwaterError('HW_DATA_DIR_CORRUPT', 'The objects on disk cannot be opened.', {
        detail: `${messageOf(error)}. Restore ${options.path} from a backup, or move it away to start empty.`,
        cause: error,
      })
    }
  }

  // Each read throws HeadwaterError `HW_STORE_UNAVAILABLE` when the database is damaged there.

  /** Of the last commit. About a microsecond; the pages are the system's cache's. */
  record(key: Buffer): Buffer | undefined {
    try {
      return this.#records.get(key)
    } catch (cause) {
      throw this.#unreadable(cause)
    }
  }

  /** A copy. Reads the disk when its pages are not in memory: {@link prefetch}. */
  row(rowKey: Buffer): Buffer | undefined {
    try {
      return this.#rows.get(rowKey)
    } catch (cause) {
      throw this.#unreadable(cause)
    }
  }

  /** Brings rows to memory, on another thread. */
  async prefetch(rowKeys: readonly Buffer[]): Promise<void> {
    try {
      await this.#rows.prefetch([...rowKeys])
    } catch (cause) {
      throw this.#unreadable(cause)
    }
  }

  /** Records in byte order of their keys. Do not write while it runs. */
  *records(range: {
    readonly start: Buffer
    readonly end: Buffer
  }): Generator<{ readonly key: Buffer; readonly record: Buffer }> {
    try {
      for (const { key, value } of this.#records.getRange(range)) yield { key, record: value }
    } catch (cause) {
      throw this.#unreadable(cause)
    }
  }

  /** Expiry entries before `end`, the earliest first. */
  due(end: Buffer, limit: number): Buffer[] {
    try {
      return [...this.#expiries.getKeys({ start: NOTHING, end, limit })]
    } catch (cause) {
      throw this.#unreadable(cause)
    }
  }

  /** Bytes of the file, and how many of them no table needs: room for new writes. */
  get fileBytes(): { readonly all: number; readonly free: number } {
    // The types say `{}`; LMDB's `mdb_stat` and `mdb_env_info` are what is in it.
    const all = this.#root.getStats() as unknown as RootStats
    const tables = [this.#records, this.#rows, this.#expiries].map(
      (table) => table.getStats() as unknown as PageCounts,
    )
    const used = [all.root, all.free, ...tables].reduce((sum, each) => sum + pagesOf(each), 2)
    const pages = all.lastPageNumber + 1
    return { all: pages * all.pageSize, free: Math.max(0, pages - used) * all.pageSize }
  }

  /**
   * Commits a change: visible to every read, and safe from the end of this process, when it resolves;
   * with `sync: always` safe from a power loss, too.
   *
   * @throws DiskFullError; nothing has changed then. HeadwaterError `HW_STORE_UNAVAILABLE`.
   */
  async write(change: DiskChange): Promise<void> {
    await this.#written(() => this.#root.batch(() => this.#apply(change)))
    if (this.#sync === 'always') await this.#written(() => this.#flushed())
  }

  /**
   * Makes room of what was removed. LMDB takes freed pages again once a later commit is on the disk,
   * and on a full disk only a commit as small as this one can be that.
   *
   * @throws As {@link write}.
   */
  async releaseFreed(): Promise<void> {
    await this.#written(() => this.#rows.put(NO_ROW, NOTHING))
    await this.#written(() => this.#flushed())
  }

  async close(): Promise<void> {
    await this.#root.close()
  }

  #apply(change: DiskChange): void {
    const { key, record, expiryBefore, expiryAfter } = change
    if (expiryBefore !== undefined) unheard(this.#expiries.remove(expiryBefore))
    for (const rowKey of change.rowKeysBefore) unheard(this.#rows.remove(rowKey))
    for (const row of change.rows) unheard(this.#rows.put(row.key, row.bytes))
    unheard(record === undefined ? this.#records.remove(key) : this.#records.put(key, record))
    if (expiryAfter !== undefined) unheard(this.#expiries.put(expiryAfter, NOTHING))
  }

  async #written(write: () => Promise<unknown>): Promise<void> {
    try {
      await write()
    } catch (error) {
      const cause = await causeOf(error)
      if (/MAP_FULL|ENOSPC|No space left|disk quota/i.test(messageOf(cause))) {
        throw new DiskFullError(cause)
      }
      throw new HeadwaterError('HW_STORE_UNAVAILABLE', 'The disk did not take a write.', { cause })
    }
  }

  #unreadable(cause: unknown): HeadwaterError {
    const error = new HeadwaterError('HW_STORE_UNAVAILABLE', 'The disk cannot be read.', { cause })
    this.#onUnreadable?.(error)
    return error
  }

  /** The database never settles a flush that failed. */
  async #flushed(): Promise<void> {
    let timer: Timer | undefined
    const late = new Promise<never>((_, reject) => {
      timer = this.#clock.setTimer(() => reject(new Error('the flush did not end')), FLUSH_MS_MAX)
    })
    try {
      await Promise.race([this.#root.flushed, late])
    } finally {
      if (timer !== undefined) this.#clock.clearTimer(timer)
    }
  }
}

interface PageCounts {
  readonly treeBranchPageCount: number
  readonly treeLeafPageCount: number
  readonly overflowPages: number
}

interface RootStats {
  readonly pageSize: number
  readonly lastPageNumber: number
  readonly root: PageCounts
  readonly free: PageCounts
}

function pagesOf({ treeBranchPageCount, treeLeafPageCount, overflowPages }: PageCounts): number {
  return treeBranchPageCount + treeLeafPageCount + overflowPages
}

/** Each part of a batch has a promise of its own; how they end is the batch's to tell. */
function unheard(part: Promise<boolean>): void {
  part.catch(causeOf)
}

/** Of a failed commit it is the promise that the error carries. */
async function causeOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error
  try {
    await error.commitError
    return error
  } catch (cause) {
    // Ignored: it is the result.
    return cause
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
