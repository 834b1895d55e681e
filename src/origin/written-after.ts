/** In which order items were written, whichever nodes wrote them and whatever their clocks say. */

import type { StoredItem } from '../storage/store.ts'

/**
 * `surely`: one process wrote both. `probably`: by their deadlines, which are of one clock (the
 * engine's, where several nodes share one), give or take the time that a question takes.
 */
export type Certainty = 'surely' | 'probably'

/**
 * Whether items were written after this one; `undefined`: they were not. Playlists name thousands of
 * items, so what can be known of the one is found out once.
 */
export function writtenAfter(other: StoredItem): (item: StoredItem) => Certainty | undefined {
  const { etag } = other
  // Of `<epoch>-<sequence>`, the sequence in base 36 (`item-maker.ts`).
  const epochLength = etag.lastIndexOf('-') + 1
  const epoch = etag.slice(0, epochLength)
  const sequence = Number.parseInt(etag.slice(epochLength), 36)
  const isOfOneForm = epochLength > 1 && !Number.isNaN(sequence)
  const atMs = writtenAtMonotonicMs(other)
  return (item) => {
    const isOfOneEpoch =
      isOfOneForm && item.etag.startsWith(epoch) && !item.etag.includes('-', epochLength)
    if (isOfOneEpoch) {
      return Number.parseInt(item.etag.slice(epochLength), 36) > sequence ? 'surely' : undefined
    }
    return writtenAtMonotonicMs(item) > atMs ? 'probably' : undefined
  }
}

/**
 * When it was written, in this process's {@link Clock.monotonicMs} time, unless its deadline was
 * moved; may be negative.
 */
export function writtenAtMonotonicMs({ expiresAtMonotonicMs, ttlSeconds }: StoredItem): number {
  return expiresAtMonotonicMs - ttlSeconds * 1000
}
