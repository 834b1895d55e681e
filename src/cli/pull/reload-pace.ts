/** When a playlist is asked for again. Pure. Source: RFC 8216bis §6.3.4. */

export interface PaceOptions {
  readonly targetDurationSeconds: number
  readonly isChanged: boolean
  /** In a row, the last one included. */
  readonly failureCount: number
  /** As the source asked. */
  readonly retryAfterSeconds: number | undefined
}

/** Nobody is asked more often, whatever its playlist says. */
const DELAY_MS_MIN = 500
/** A target duration may be any number. */
const DELAY_MS_MAX = 60_000
const FAILURE_MS_MAX = 15_000

/** From the beginning of the last load to the next one, ms; after a failure from its end. */
export function reloadDelayMs(options: PaceOptions): number {
  const { targetDurationSeconds, isChanged, failureCount, retryAfterSeconds = 0 } = options
  const targetMs = clamp(targetDurationSeconds * 1000, DELAY_MS_MIN, DELAY_MS_MAX)
  if (failureCount === 0) return isChanged ? targetMs : Math.max(DELAY_MS_MIN, targetMs / 2)
  const backOffMs = Math.min((targetMs / 2) * 2 ** (failureCount - 1), FAILURE_MS_MAX)
  return Math.max(DELAY_MS_MIN, backOffMs, retryAfterSeconds * 1000)
}

/** How long a segment of a live playlist may be missing before the playlist goes on without it, ms. */
export function lostAfterMs(targetDurationSeconds: number): number {
  return clamp(2 * targetDurationSeconds * 1000, 4000, 60_000)
}

/** For one answer with a segment, ms. */
export function segmentAnswerMs(targetDurationSeconds: number): number {
  return clamp(3 * targetDurationSeconds * 1000, 10_000, 120_000)
}

/** Without anything new for so long a live playlist is stale, ms (Apple HLS authoring 8.24). */
export function staleAfterMs(targetDurationSeconds: number): number {
  return clamp(3 * targetDurationSeconds * 1000, 3000, 300_000)
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(Number.isFinite(value) ? value : min, min), max)
}
