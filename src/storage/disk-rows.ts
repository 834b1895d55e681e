/**
 * A body on disk: rows of one length, so that what expires leaves room that the next body fits into,
 * and so that a large one can be read in turns.
 */

import type { StoredItem } from './store.ts'

const PAGE_BYTES = 4096
/** 64 pages of the database, but for their header. */
export const ROW_BYTES = 64 * PAGE_BYTES - 64
/** Up to here several share a page. */
const SMALL_BYTES_MAX = 1024
/** Record, expiry and their share of the trees. */
const ITEM_OVERHEAD_BYTES = 512

export function rowCountOf(sizeBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / ROW_BYTES))
}

/** The key with the row's number behind it: of fixed length, so no two keys share a row. */
export function rowKeyOf(key: Buffer, row: number): Buffer {
  const rowKey = Buffer.allocUnsafe(key.length + 4)
  key.copy(rowKey)
  rowKey.writeUInt32BE(row, key.length)
  return rowKey
}

export function rowKeysOf(key: Buffer, sizeBytes: number): Buffer[] {
  return Array.from({ length: rowCountOf(sizeBytes) }, (_, row) => rowKeyOf(key, row))
}

/** What an item takes in the file, about: whole pages and overhead. */
export function diskBytesOf(sizeBytes: number): number {
  const pages = sizeBytes <= SMALL_BYTES_MAX ? 0 : Math.ceil((sizeBytes + 64) / PAGE_BYTES)
  return ITEM_OVERHEAD_BYTES + (pages === 0 ? sizeBytes : pages * PAGE_BYTES)
}

/** A body cut anew: uploads come in pieces of any length. Copies, but for what is in one piece. */
export function toRows({ chunks, sizeBytes }: StoredItem): Buffer[] {
  const rows: Buffer[] = []
  let row: Buffer | undefined
  let filled = 0
  let leftBytes = sizeBytes
  for (const chunk of chunks) {
    let at = 0
    while (at < chunk.length) {
      const rowBytes = Math.min(ROW_BYTES, row === undefined ? leftBytes : row.length)
      if (row === undefined && chunk.length - at >= rowBytes) {
        rows.push(Buffer.from(chunk.buffer, chunk.byteOffset + at, rowBytes))
        at += rowBytes
        leftBytes -= rowBytes
        continue
      }
      row ??= Buffer.allocUnsafeSlow(rowBytes)
      const count = Math.min(row.length - filled, chunk.length - at)
      row.set(chunk.subarray(at, at + count), filled)
      at += count
      filled += count
      if (filled < row.length) continue
      rows.push(row)
      leftBytes -= row.length
      row = undefined
      filled = 0
    }
  }
  return rows
}
