/**
 * Notices names of segments that are used again for other bytes: a restarted encoder that counts from
 * the beginning. Caches and players that have the old bytes go on with them.
 */

import { splitStoreKey } from '../base/names.ts'
import { segmentNameReused } from '../hls/validate-channel.ts'
import type { StoredItem } from '../storage/store.ts'
import type { Findings } from './findings.ts'
import { notesOf } from './item-notes.ts'
import { nameOfKey } from './rendition-record.ts'

export class ReusedNames {
  readonly #findings: Findings

  constructor(findings: Findings) {
    this.#findings = findings
  }

  /**
   * An item was stored in place of another. Costs nothing unless a live playlist has named the old
   * one as a segment; then the bytes are compared if there are as many.
   *
   * @param isTold  Whether the finding is told.
   */
  stored(item: StoredItem, replaced: StoredItem | undefined, isTold: boolean): void {
    if (replaced === undefined) return
    const { namedBy } = notesOf(replaced)
    if (namedBy === undefined) return
    if (hasSameBytes(item, replaced)) {
      // The same upload once more: it is what the playlist means.
      notesOf(item).namedBy = namedBy
    } else if (isTold) {
      const name = nameOfKey(splitStoreKey(item.storeKey).key)
      const sizes = { sizeBytes: item.sizeBytes, previousSizeBytes: replaced.sizeBytes }
      this.#findings.report(namedBy, [segmentNameReused(name, sizes)])
    }
  }
}

function hasSameBytes(left: StoredItem, right: StoredItem): boolean {
  if (left.sizeBytes !== right.sizeBytes) return false
  // Not in memory any more: as many bytes have to do.
  if (right.chunks.length === 0) return true
  let leftIndex = 0
  let rightIndex = 0
  let leftOffset = 0
  let rightOffset = 0
  // Uploads come in pieces of any length.
  for (;;) {
    const a = left.chunks[leftIndex]
    const b = right.chunks[rightIndex]
    if (a === undefined || b === undefined) return a === b
    const count = Math.min(a.length - leftOffset, b.length - rightOffset)
    const ours = a.subarray(leftOffset, leftOffset + count)
    const theirs = b.subarray(rightOffset, rightOffset + count)
    if (Buffer.compare(ours, theirs) !== 0) return false
    leftOffset += count
    rightOffset += count
    if (leftOffset === a.length) {
      leftIndex++
      leftOffset = 0
    }
    if (rightOffset === b.length) {
      rightIndex++
      rightOffset = 0
    }
  }
}
