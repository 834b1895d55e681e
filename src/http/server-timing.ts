/**
 * `Server-Timing` (W3C) of a read: what it was answered from, how long that took, and how much of it
 * was waiting for the encoder.
 */

import type { RequestRecord } from './request-record.ts'

/** Below this an answer is at once, and its field is a constant: nothing is formatted per request. */
const AT_ONCE_MS = 1

const HIT = 'origin;desc="hit"'
const HIT_AT_ONCE = `${HIT};dur=0`

/**
 * `origin;desc="hit";dur=0` for what was there, `…;desc="held"` with `hold;dur=` (ms) for what was
 * waited for, `streamed` for an upload in progress, `miss` for what did not come. Call it when the
 * head is made.
 */
export function serverTiming(record: RequestRecord): string {
  const { headAfterMs, heldMs, reason, source } = record
  if (heldMs === 0 && source === 'store') {
    return headAfterMs < AT_ONCE_MS ? HIT_AT_ONCE : `${HIT};dur=${inTenths(headAfterMs)}`
  }
  const how = reason !== undefined ? 'miss' : source === 'upload' ? 'streamed' : 'held'
  const origin = `origin;desc="${how}";dur=${inTenths(headAfterMs)}`
  return heldMs === 0 ? origin : `${origin}, hold;dur=${inTenths(heldMs)}`
}

function inTenths(durationMs: number): string {
  return String(Math.round(durationMs * 10) / 10)
}
