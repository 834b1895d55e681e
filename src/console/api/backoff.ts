/** How long to wait before trying again. Pure: the caller keeps the count and the timer. */

const DELAY_MS_MIN = 500
const DELAY_MS_MAX = 10_000

/**
 * Doubles with each failure in a row, to 10 s, with up to a quarter taken off at random: many open
 * consoles do not all come back in the same moment.
 *
 * @param failureCount  Failures in a row, 1 for the first.
 * @param random  0 to 1.
 */
export function backoffMs(failureCount: number, random: number): number {
  const delayMs = Math.min(DELAY_MS_MIN * 2 ** Math.max(0, failureCount - 1), DELAY_MS_MAX)
  return Math.round(delayMs * (1 - random / 4))
}
