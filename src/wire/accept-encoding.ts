/** `Accept-Encoding` (RFC 9110 §12.5.3), as far as an origin that knows gzip needs it. */

/**
 * Whether gzip may be sent: named (or covered by `*`) with a quality over 0. Absent means identity
 * here: old players that say nothing cannot unpack either.
 */
export function acceptsGzip(header: string | undefined): boolean {
  if (header === undefined) return false
  // What browsers, CDNs and ffmpeg send, without a parse.
  if (header === 'gzip' || header.startsWith('gzip, ')) return true
  let byStar = false
  for (const part of header.split(',', 20)) {
    const [coding = '', ...parameters] = part.split(';', 4)
    const name = coding.trim().toLowerCase()
    if (name !== 'gzip' && name !== 'x-gzip' && name !== '*') continue
    const isAccepted = !parameters.some((parameter) =>
      /^\s*q\s*=\s*0(?:\.0*)?\s*$/i.test(parameter),
    )
    if (name !== '*') return isAccepted
    byStar = isAccepted
  }
  return byStar
}
