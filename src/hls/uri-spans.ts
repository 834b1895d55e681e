/**
 * Where in a text URIs stand, and how they are exchanged for others without touching any other char.
 * `playlist-uris.ts` and `manifest-uris.ts` find them. The text may be decoded in any way: only ASCII
 * is looked at, so bytes read as latin1 come back byte for byte.
 */

/** What surrounds a URI, which decides what it must not hold. */
export type UriPlace =
  | 'line' // a line of a playlist
  | 'quoted' // between quotes in a playlist's attribute list
  | 'unquoted' // the same without quotes, as careless generators write
  | 'xml' // an attribute's value or an element's text, `&` written as `&amp;`
  | 'cdata' // text of an element in a CDATA section, `&` as it is

/** Called with each URI's span, in order: `text.slice(start, end)`, without blanks around it. */
export type VisitUri = (start: number, end: number, place: UriPlace) => void

export type RewriteUri = (uri: string, place: UriPlace) => string

/** Chars that would end a URI at its place, or begin another line or tag. */
const UNSAFE_CHARS: Readonly<Record<UriPlace, RegExp>> = {
  line: /[\0-\x20"\x7f]/g,
  quoted: /[\0-\x20"\x7f]/g,
  unquoted: /[\0-\x20",\x7f]/g,
  xml: /[\0-\x20"'<>\x7f]/g,
  cdata: /[\0-\x20"'<>\x7f]/g,
}

/**
 * Exchanges each URI that `scan` finds for what `rewrite` makes of it.
 *
 * Chars that could break out of the URI's place (line breaks, quotes, blanks, angle brackets) are
 * percent-encoded, unless the URI had them before. A URI line never becomes empty or a comment: it
 * stays as it was.
 *
 * @returns The same string when nothing changed. All chars outside of changed URIs are kept.
 */
export function rewriteSpans(
  text: string,
  scan: (text: string, visit: VisitUri) => void,
  rewrite: RewriteUri,
): string {
  const pieces: string[] = []
  let copiedUntil = 0
  scan(text, (start, end, place) => {
    const uri = text.slice(start, end)
    const rewritten = rewrite(uri, place)
    if (rewritten === uri) return
    const safe = makeSafe(rewritten, uri, place)
    if (place === 'line' && (safe === '' || safe.startsWith('#'))) return
    pieces.push(text.slice(copiedUntil, start), safe)
    copiedUntil = end
  })
  if (copiedUntil === 0) return text
  pieces.push(text.slice(copiedUntil))
  return pieces.join('')
}

function makeSafe(rewritten: string, original: string, place: UriPlace): string {
  const unsafe = UNSAFE_CHARS[place]
  if (rewritten.search(unsafe) === -1) return rewritten
  // Once, not per char: a URI may be as long as the text.
  const hadBefore = new Set(original.match(unsafe))
  return rewritten.replace(unsafe, (char) => (hadBefore.has(char) ? char : percentEncodeChar(char)))
}

/** One char below U+0100 as `%hh`. */
export function percentEncodeChar(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}
