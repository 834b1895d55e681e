/** Moments as text. The one place that may format a time; reading the time is the clock's job. */

/** Every reply asks for the same few seconds (`Date`, `Expires` at some distance): a slot for each. */
const SLOTS = 64
const slotSeconds = new Float64Array(SLOTS).fill(-1)
const slotTexts: string[] = new Array<string>(SLOTS).fill('')

/** IMF-fixdate (RFC 9110 §5.6.7) of a wall-clock time in ms; parts of a second are dropped. */
export function formatHttpDate(timeMs: number): string {
  const second = Math.floor(timeMs / 1000)
  const slot = second & (SLOTS - 1)
  if (slotSeconds[slot] !== second) {
    slotSeconds[slot] = second
    slotTexts[slot] = new Date(second * 1000).toUTCString()
  }
  return slotTexts[slot] ?? ''
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

const ISO_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?)(?:Z|([+-]\d\d)(?::?(\d\d))?)?$/i

/**
 * An ISO 8601 date and time, as EXT-X-PROGRAM-DATE-TIME has it, to ms since the epoch; `undefined`
 * when it is not one. Zones may be `Z`, `+hh:mm`, `+hhmm` (ffmpeg) or `+hh`; without one it is UTC.
 */
export function parseIsoTime(text: string): number | undefined {
  const match = ISO_TIME.exec(text)
  if (match === null) return undefined
  const [, dateTime, hours, minutes = '00'] = match
  const timeMs = Date.parse(`${dateTime}${hours === undefined ? 'Z' : `${hours}:${minutes}`}`)
  return Number.isNaN(timeMs) ? undefined : timeMs
}

/**
 * A time as OpenSSL writes those of a certificate (`Nov 21 10:11:13 2036 GMT`, one-digit days padded
 * with a space) to ms since the epoch; `undefined` when it is not one.
 */
export function parseCertificateTime(text: string): number | undefined {
  const match = /^([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d) (\d{4}) GMT$/.exec(text)
  if (match === null) return undefined
  const [, month, day, time, year] = match
  const timeMs = Date.parse(`${day} ${month} ${year} ${time} GMT`)
  return Number.isNaN(timeMs) ? undefined : timeMs
}
