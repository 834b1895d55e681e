/** Moments as text. The one place that may format a time; reading the time is the clock's job. */

let cachedSecond = -1
let cachedText = ''

/**
 * IMF-fixdate (RFC 9110 §5.6.7) of a wall-clock time in ms; parts of a second are dropped. The last
 * second asked for is kept, since every reply asks for the same one.
 */
export function formatHttpDate(timeMs: number): string {
  const second = Math.floor(timeMs / 1000)
  if (second !== cachedSecond) {
    cachedSecond = second
    cachedText = new Date(second * 1000).toUTCString()
  }
  return cachedText
}

/**
 * An HTTP date (any of the three forms of RFC 9110 §5.6.7) to ms since the epoch; `undefined` when
 * it is not one.
 */
export function parseHttpDate(text: string): number | undefined {
  if (!/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return undefined
  // asctime has no zone: it is UTC by definition.
  const timeMs = Date.parse(/GMT$/.test(text) ? text : `${text} GMT`)
  return Number.isNaN(timeMs) ? undefined : timeMs
}

/** RFC 3339 with ms in UTC, as EXT-X-PROGRAM-DATE-TIME and JSON use it. */
export function formatIsoTime(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
