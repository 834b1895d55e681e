/**
 * What a player says of itself: Common Media Client Data (CTA-5004), in the query as `CMCD=` or in
 * four headers. Read for the access log only; nothing is decided by it.
 */

/** CMCD as a flat object, by CTA-5004's keys. */
export type Cmcd = Readonly<Record<string, string | number | boolean>>

/** More than this is not looked at, chars of one field. */
export const CMCD_CHARS_MAX = 2048
/** Longest text value, chars; CTA-5004 allows 64 for session and content ids. */
export const CMCD_VALUE_CHARS_MAX = 128

type Kind = 'integer' | 'decimal' | 'flag' | 'text' | 'token'

/** CTA-5004, table 1. Others, custom ones among them, are dropped: the set of fields is closed. */
const KINDS: Readonly<Record<string, Kind>> = {
  br: 'integer', // encoded bitrate, kbit/s
  bl: 'integer', // buffer length, ms
  bs: 'flag', // buffer starvation since the last request
  cid: 'text', // content id
  d: 'integer', // object duration, ms
  dl: 'integer', // deadline, ms
  mtp: 'integer', // measured throughput, kbit/s
  nor: 'text', // next object
  nrr: 'text', // next range
  ot: 'token', // object type
  pr: 'decimal', // playback rate
  rtp: 'integer', // requested maximum throughput, kbit/s
  sf: 'token', // streaming format
  sid: 'text', // session id
  st: 'token', // stream type
  su: 'flag', // startup
  tb: 'integer', // top bitrate, kbit/s
  v: 'integer', // version
}

/** Header names, lower case, as a client may split its data. */
export const CMCD_HEADERS = ['cmcd-request', 'cmcd-object', 'cmcd-status', 'cmcd-session'] as const

/**
 * @param requestTarget  As received; only its parameter `CMCD` is looked at.
 * @param headers  Values of {@link CMCD_HEADERS}; they win over the query.
 * @returns `undefined` when there is nothing of use. What is unknown, malformed or too long is left
 *   out. Text is the client's: redact it before it is shown.
 */
export function parseCmcd(
  requestTarget: string,
  headers: readonly (string | undefined)[],
): Cmcd | undefined {
  const fields: Record<string, string | number | boolean> = {}
  const query = cmcdParameter(requestTarget)
  if (query !== undefined) addPairs(fields, query)
  for (const header of headers) {
    if (header !== undefined) addPairs(fields, header)
  }
  return Object.keys(fields).length === 0 ? undefined : fields
}

function cmcdParameter(requestTarget: string): string | undefined {
  const [, raw] = /[?&]CMCD=([^&#]*)/.exec(requestTarget) ?? []
  if (raw === undefined || raw.length > 3 * CMCD_CHARS_MAX) return undefined
  try {
    return decodeURIComponent(raw)
  } catch {
    // Ignored: a broken encoding is no data.
    return undefined
  }
}

function addPairs(fields: Record<string, string | number | boolean>, text: string): void {
  if (text.length > CMCD_CHARS_MAX) return
  // A comma in a quoted text separates nothing.
  for (const [pair] of text.matchAll(/[^,"]+(?:"(?:[^"\\]|\\.)*")?/g)) {
    const equals = pair.indexOf('=')
    const name = (equals === -1 ? pair : pair.slice(0, equals)).trim()
    if (!Object.hasOwn(KINDS, name)) continue
    const kind = KINDS[name]
    const value = readValue(kind, equals === -1 ? undefined : pair.slice(equals + 1).trim())
    if (value !== undefined) fields[name] = value
  }
}

function readValue(
  kind: Kind | undefined,
  text: string | undefined,
): string | number | boolean | undefined {
  if (kind === 'flag') return text === undefined || text === 'true' ? true : undefined
  if (text === undefined) return undefined
  switch (kind) {
    case 'integer':
      return /^\d{1,12}$/.test(text) ? Number(text) : undefined
    case 'decimal':
      return /^\d{1,6}(?:\.\d{1,6})?$/.test(text) ? Number(text) : undefined
    case 'token':
      return /^[a-z]{1,3}$/.test(text) ? text : undefined
    default:
      return readText(text)
  }
}

function readText(text: string): string | undefined {
  const [, quoted] = /^"((?:[^"\\]|\\.)*)"$/.exec(text) ?? []
  if (quoted === undefined) return undefined
  const value = quoted.replace(/\\(.)/g, '$1')
  return value === '' || value.length > CMCD_VALUE_CHARS_MAX ? undefined : value
}
