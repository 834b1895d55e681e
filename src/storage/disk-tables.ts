/**
 * The embedded database below the disk store (LMDB): three tables, written together or not at all.
 * Knows bytes and transactions; what they mean is `disk-store.ts`'s.
 */

import { open } from 'lmdb'
import type { Database, RootDatabase } from 'lmdb'
import { HeadwaterError } from '../base/errors.ts'

/** `always`: a write is on the disk before it is acknowledged. `interval`: within a moment. */
export type SyncMode = 'always' | 'interval'

export interface DiskTablesOptions {
  /** A directory of its own. Made when it is not there. */
  readonly path: string
  /** Most that the file may grow to. Address space, not memory. */
  readonly fileBytesMax: number
  readonly sync: SyncMode
}

/** One change of all tables. */
export interface DiskChange {
  readonly key: Buffer
  /** `undefined` deletes. */
  readonly record: Buffer | undefined
  /** `undefined` leaves the body as it is. */
  readonly body: Buffer | undefined
  readonly expiryBefore: Buffer | undefined
  readonly expiryAfter: Buffer | undefined
}

/** The file is as large as it may be, or the file system is full. */
export class DiskFullError extends Error {}

const NOTHING = Buffer.alloc(0)

export class DiskTables {
  readonly #root: RootDatabase<Buffer, Buffer>
  /** Key -> record (`disk-record.ts`). */
  readonly #records: Database<Buffer, Buffer>
  /** Key -> body. */
  readonly #bodies: Database<Buffer, Buffer>
  /** Deadline and key, in order of time -> nothing. */
  readonly #expiries: Database<Buffer, Buffer>
  readonly #sync: SyncMode

  /** @throws HeadwaterError `HW_DATA_DIR_CORRUPT` when the files are not such a database. */
  constructor(options: DiskTablesOptions) {
    this.#sync = options.sync
    const table = { encoding: 'binary', keyEncoding: 'binary' } as const
    try {
      this.#root = open({ ...table, path: options.path, mapSize: options.fileBytesMax, maxDbs: 4 })
      this.#records = this.#root.openDB({ ...table, name: 'records' })
      this.#bodies = this.#root.openDB({ ...table, name: 'bodies' })
      this.#expiries = this.#root.openDB({ ...table, name: 'expiries' })
    } catch (error) {
      throw new HeadwaterError('HW_DATA_DIR_CORRUPT', 'The objects on disk cannot be opened.', {
        detail: `${error instanceof Error ? error.message : String(error)}. Nothing was changed: restore ${options.path} from a backup, or move it away to start empty.`,
        cause: error,
      })
    }
  }

  /** Of the last commit. About a microsecond; the pages are the system's cache's. */
  record(key: Buffer): Buffer | undefined {
    return this.#records.get(key)
  }

  /** A copy of the whole body. Reads the disk when its pages are not in memory: {@link prefetch}. */
  body(key: Buffer): Buffer | undefined {
    return this.#bodies.get(key)
  }

  /** Brings a body's pages to memory, on another thread. */
  prefetch(key: Buffer): Promise<void> {
    return this.#bodies.prefetch([key])
  }

  /** Records in byte order of their keys. Do not write while it runs. */
  *records(range: {
    readonly start: Buffer
    readonly end: Buffer
  }): Generator<{ readonly key: Buffer; readonly record: Buffer }> {
    for (const { key, value } of this.#records.getRange(range)) yield { key, record: value }
  }

  /** Expiry entries before `end`, the earliest first. */
  due(end: Buffer, limit: number): Buffer[] {
    return [...this.#expiries.getKeys({ start: NOTHING, end, limit })]
  }

  /**
   * Commits a change: visible to every read, and safe from the end of this process, when it resolves;
   * with `sync: always` safe from a power loss, too.
   *
   * @throws DiskFullError; nothing has changed then.
   */
  async write(change: DiskChange): Promise<void> {
    const { key, record, body, expiryBefore, expiryAfter } = change
    try {
      await this.#root.batch(() => {
        if (expiryBefore !== undefined) void this.#expiries.remove(expiryBefore)
        if (record === undefined) {
          void this.#records.remove(key)
          void this.#bodies.remove(key)
          return
        }
        if (body !== undefined) void this.#bodies.put(key, body)
        void this.#records.put(key, record)
        if (expiryAfter !== undefined) void this.#expiries.put(expiryAfter, NOTHING)
      })
      if (this.#sync === 'always') await this.#root.flushed
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      if (/MDB_MAP_FULL|ENOSPC|No space left/i.test(message)) throw new DiskFullError(message)
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#root.close()
  }
}
