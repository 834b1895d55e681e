/**
 * The lines of playlists, their tags and attribute lists (RFC 8216bis §4.1, §4.2), read in one pass:
 * the time is proportional to the length whatever the text, since anybody with a write key sends it.
 */

/** Values by attribute name; quotes of quoted strings are taken off. */
export type Attributes = ReadonlyMap<string, string>

/**
 * Calls `visit` with each line that is not empty, without its end: LF, CRLF (RFC 8216bis §4.1) or, as
 * hls.js and Shaka Player have it, a lone CR.
 */
export function forEachLine(text: string, visit: (line: string) => void): void {
  const visitLines = (lines: string): void => {
    for (const line of lines.split('\r')) if (line.trim() !== '') visit(line.trimEnd())
  }
  let position = 0
  while (position < text.length) {
    const end = nextOf(text, '\n', position)
    // Blanks at the end are the CR, and what careless generators leave.
    const line = text.slice(position, end).trimEnd()
    if (line.includes('\r')) visitLines(line)
    else if (line !== '') visit(line)
    position = end + 1
  }
}

/** `#EXTINF:6,title` to `#EXTINF` and `6,title`; the value of a tag without one is ''. */
export function splitTag(line: string): { readonly tag: string; readonly value: string } {
  const colon = line.indexOf(':')
  return colon === -1
    ? { tag: line, value: '' }
    : { tag: line.slice(0, colon), value: line.slice(colon + 1) }
}

/**
 * `A=1,B="x,y"` to its pairs. What is not one is passed over up to the next comma; of a name given
 * twice the first counts; a quote that is not closed runs to the end.
 */
export function parseAttributes(text: string): Attributes {
  const attributes = new Map<string, string>()
  let position = 0
  while (position < text.length) {
    const end = nextOf(text, ',', position)
    const equals = text.indexOf('=', position)
    // Nothing more to find: the rest, commas and all, is no attribute.
    if (equals === -1) break
    if (equals > end) {
      position = text.lastIndexOf(',', equals) + 1
      continue
    }
    const name = text.slice(position, equals).trim()
    let next: number
    let value: string
    if (text[equals + 1] === '"') {
      const quote = nextOf(text, '"', equals + 2)
      value = text.slice(equals + 2, quote)
      next = nextOf(text, ',', quote)
    } else {
      next = end
      value = text.slice(equals + 1, next).trim()
    }
    if (!attributes.has(name)) attributes.set(name, value)
    position = next + 1
  }
  return attributes
}

/** A decimal number of an attribute; `undefined` when it is absent, negative or not one. */
export function numberOf(attributes: Attributes, name: string): number | undefined {
  return parseDecimal(attributes.get(name))
}

/** Digits with an optional fraction; `undefined` for anything else. */
export function parseDecimal(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,20}(?:\.\d{0,40})?$/.test(text) ? Number(text) : undefined
}

function nextOf(text: string, what: string, from: number): number {
  const index = text.indexOf(what, from)
  return index === -1 ? text.length : index
}
