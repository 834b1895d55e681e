/**
 * The delivery directives of a playlist request, `_HLS_msn`, `_HLS_part` and `_HLS_skip` (RFC 8216bis
 * §6.2.5), as they were written. Whether they mean anything is the playlist's to say.
 */

/** What a target says by `_HLS_…`; other names that begin so are reserved, and ignored. */
export interface DeliveryDirectives {
  /** `_HLS_msn`: the media sequence number to wait for. */
  readonly msn: number | undefined
  /** `_HLS_part`: the index of a part of it. */
  readonly part: number | undefined
  /** `_HLS_msn` or `_HLS_part` is no whole number, or given twice. */
  readonly isReloadMalformed: boolean
  /** `_HLS_skip`: `undefined` for values of later versions, too. */
  readonly skip: 'YES' | 'v2' | undefined
  /** `_HLS_skip` is given twice. */
  readonly isSkipMalformed: boolean
}

export type DirectiveName = '_HLS_msn' | '_HLS_part' | '_HLS_skip'

const NONE: DeliveryDirectives = {
  msn: undefined,
  part: undefined,
  isReloadMalformed: false,
  skip: undefined,
  isSkipMalformed: false,
}

/**
 * The directives with one more.
 *
 * @param before  Those read so far; `undefined` for none.
 * @param value  Percent-decoded; `undefined` when it could not be decoded.
 * @param isRepeated  The name was there before.
 */
export function addDirective(
  before: DeliveryDirectives = NONE,
  name: DirectiveName,
  value: string | undefined,
  isRepeated: boolean,
): DeliveryDirectives {
  if (name === '_HLS_skip') {
    // A value that we do not know asks for what only a later server can leave out.
    const skip = value === 'YES' || value === 'v2' ? value : undefined
    return { ...before, skip, isSkipMalformed: before.isSkipMalformed || isRepeated }
  }
  const number = parseDecimalInteger(value)
  const isReloadMalformed = before.isReloadMalformed || isRepeated || number === undefined
  return name === '_HLS_msn'
    ? { ...before, msn: number, isReloadMalformed }
    : { ...before, part: number, isReloadMalformed }
}

/** RFC 8216bis §4.2 decimal-integer, as far as a number is exact. */
function parseDecimalInteger(text: string | undefined): number | undefined {
  if (text === undefined || !/^[0-9]{1,20}$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}
