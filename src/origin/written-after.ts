/** In which order two items were written, whichever nodes wrote them and whatever their clocks say. */

import type { StoredItem } from '../storage/store.ts'

/**
 * `surely`: one process wrote both. `probably`: by their deadlines, which are of one clock (the
 * engine's, where several nodes share one), give or take the time that a question takes.
 */
export function isWrittenAfter(
  item: StoredItem,
  other: StoredItem,
): 'surely' | 'probably' | undefined {
  const [epoch, sequence] = parseEtag(item.etag)
  const [otherEpoch, otherSequence] = parseEtag(other.etag)
  if (epoch !== '' && epoch === otherEpoch) return sequence > otherSequence ? 'surely' : undefined
  return writtenAtMonotonicMs(item) > writtenAtMonotonicMs(other) ? 'probably' : undefined
}

/**
 * When it was written, in this process's {@link Clock.monotonicMs} time, unless its deadline was
 * moved; may be negative.
 */
export function writtenAtMonotonicMs({ expiresAtMonotonicMs, ttlSeconds }: StoredItem): number {
  return expiresAtMonotonicMs - ttlSeconds * 1000
}

/** Of `<epoch>-<sequence>`, the sequence in base 36 (`item-maker.ts`); ['', 0] for another form. */
function parseEtag(etag: string): readonly [epoch: string, sequence: number] {
  const dash = etag.lastIndexOf('-')
  const sequence = Number.parseInt(etag.slice(dash + 1), 36)
  return dash < 1 || Number.isNaN(sequence) ? ['', 0] : [etag.slice(0, dash), sequence]
}
