/** Items made of what is on disk, and how much of them there is. */

import { HeadwaterError } from '../base/errors.ts'
import type { StoreKey } from '../base/names.ts'
import { splitStoreKey } from '../base/names.ts'
import type { AttachmentCodec } from './attachment-codec.ts'
import { CacheTotals } from './cache-totals.ts'
import { ALL, bytesOf, toStoreKeyOf } from './disk-keys.ts'
import { decodeRecord, isRecord, sizeOf } from './disk-record.ts'
import { diskBytesOf, rowKeysOf } from './disk-rows.ts'
import type { DiskTables } from './disk-tables.ts'
import type { StoredItem } from './store.ts'

/** Plain counters, read by metrics. */
export interface DiskStats {
  itemCount: number
  /** Bodies in whole pages, and what is kept about them. */
  sizeBytes: number
  readonly sizeBytesMax: number
  /** Of the database's file, as of now. */
  readonly fileBytes: number
  readCount: number
  readBytes: number
  expirationCount: number
  /** Writes refused because the disk, or its bound, was full. */
  fullCount: number
}

/**
 * How much of an item is made. `plain`: what its record says. `described`: its attachment, too, and
 * so the text of a playlist. `whole`: the body.
 */
export type ItemDepth = 'plain' | 'described' | 'whole'

export interface DiskItemsOptions {
  readonly tables: DiskTables
  readonly attachments: AttachmentCodec
  /** Wall clock minus monotonic clock. */
  readonly wallOffsetMs: number
  readonly sizeBytesMax: number
}

export class DiskItems {
  readonly stats: DiskStats
  readonly totals = new CacheTotals()
  readonly #options: DiskItemsOptions

  /**
   * Counts what is there: 10,000 items take some 20 ms.
   *
   * @throws HeadwaterError `HW_DATA_DIR_CORRUPT`.
   */
  constructor(options: DiskItemsOptions) {
    this.#options = options
    const { tables, sizeBytesMax } = options
    this.stats = {
      itemCount: 0,
      sizeBytes: 0,
      sizeBytesMax,
      get fileBytes() {
        return tables.fileBytes.all
      },
      readCount: 0,
      readBytes: 0,
      expirationCount: 0,
      fullCount: 0,
    }
    try {
      for (const { key, record } of tables.records(ALL)) {
        if (!isRecord(record)) throw new Error('a record is not what this program writes')
        this.count(toStoreKeyOf(key), undefined, sizeOf(record))
      }
    } catch (cause) {
      throw new HeadwaterError('HW_DATA_DIR_CORRUPT', 'The objects on disk cannot be read.', {
        detail:
          'Nothing was changed. Restore the directory from a backup, or move it away to start without the objects in it.',
        cause,
      })
    }
  }

  /** One record takes another's place; either may be none. */
  count(storeKey: StoreKey, before: Buffer | undefined, sizeBytes: number | undefined): void {
    const sizeBefore = before === undefined ? undefined : sizeOf(before)
    const itemCount = (sizeBytes === undefined ? 0 : 1) - (sizeBefore === undefined ? 0 : 1)
    const { cacheName } = splitStoreKey(storeKey)
    this.totals.add(cacheName, itemCount, (sizeBytes ?? 0) - (sizeBefore ?? 0))
    this.stats.itemCount += itemCount
    if (sizeBefore !== undefined) this.stats.sizeBytes -= diskBytesOf(sizeBefore)
    if (sizeBytes !== undefined) this.stats.sizeBytes += diskBytesOf(sizeBytes)
  }

  /** `undefined` when it cannot be made, which is never with what this program wrote. */
  decode(storeKey: StoreKey, record: Buffer, depth: ItemDepth): StoredItem | undefined {
    const read = decodeRecord(record)
    if (read === undefined) return undefined
    const { expiresAtMs, attachmentText, sizeBytes, ...fields } = read
    const isPlaylist = fields.kind === 'media' || fields.kind === 'multivariant'
    const isRead = depth === 'whole' || (depth === 'described' && isPlaylist)
    const chunks = isRead ? this.#rows(storeKey, sizeBytes) : []
    if (chunks === undefined) return undefined
    const item: StoredItem = {
      storeKey,
      chunks,
      sizeBytes,
      kind: fields.kind,
      contentType: fields.contentType,
      contentEncoding: fields.contentEncoding,
      etag: fields.etag,
      storedAtMs: fields.storedAtMs,
      ttlSeconds: fields.ttlSeconds,
      expiresAtMonotonicMs: expiresAtMs - this.#options.wallOffsetMs,
      version: fields.version,
      attachment: undefined,
    }
    if (depth === 'plain') return item
    return { ...item, attachment: this.#options.attachments.fromText(item, attachmentText) }
  }

  /**
   * An item of its rows.
   *
   * @param known  It as it was known before, for what its attachment has been told since its PUT.
   * @throws HeadwaterError `HW_STORE_UNAVAILABLE` when they are not what the record says.
   */
  whole(
    storeKey: StoreKey,
    record: Buffer,
    rows: readonly Buffer[],
    known: StoredItem | undefined,
  ): StoredItem {
    const plain = this.decode(storeKey, record, 'plain')
    if (plain === undefined || sum(rows) !== plain.sizeBytes) {
      throw new HeadwaterError('HW_STORE_UNAVAILABLE', 'An object on disk is damaged.')
    }
    const item = { ...plain, chunks: rows }
    if (known?.etag === item.etag && known.attachment !== undefined) {
      return { ...item, attachment: known.attachment }
    }
    const text = decodeRecord(record)?.attachmentText ?? ''
    return { ...item, attachment: this.#options.attachments.fromText(item, text) }
  }

  #rows(storeKey: StoreKey, sizeBytes: number): readonly Buffer[] | undefined {
    const rows = rowKeysOf(bytesOf(storeKey), sizeBytes).flatMap(
      (rowKey) => this.#options.tables.row(rowKey) ?? [],
    )
    return sum(rows) === sizeBytes ? rows : undefined
  }
}

function sum(rows: readonly Buffer[]): number {
  return rows.reduce((total, { length }) => total + length, 0)
}
