/** What a body is by its first bytes, for refusing segment bytes under a playlist's name. */

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]
const PLAYLIST_TAG = '#EXTM3U'

/**
 * Whether it begins with a line `#EXTM3U` (RFC 8216bis §4.4.1.1). A UTF-8 byte order mark before it is
 * let pass, though §4.1 forbids it; white space before it is not, since players refuse that. Blanks
 * after it are.
 *
 * @param firstBytes  At least the first 11 bytes, or all there are.
 */
export function looksLikePlaylist(firstBytes: Uint8Array): boolean {
  const start = startOfText(firstBytes)
  for (let index = 0; index < PLAYLIST_TAG.length; index++) {
    if (firstBytes[start + index] !== PLAYLIST_TAG.charCodeAt(index)) return false
  }
  const next = firstBytes[start + PLAYLIST_TAG.length]
  return next === undefined || isWhiteSpace(next)
}

/** Whether its first char, after a byte order mark and white space, is `<`. Enough for an MPD. */
export function looksLikeManifest(firstBytes: Uint8Array): boolean {
  let index = startOfText(firstBytes)
  for (; index < firstBytes.length; index++) {
    const byte = firstBytes[index] ?? 0
    if (!isWhiteSpace(byte)) return byte === 0x3c
  }
  return false
}

/**
 * Whether bytes that go on may become a playlist or manifest: so few of them that it is open, or the
 * beginning of one.
 */
export function mayBecomePlaylist(firstBytes: Uint8Array): boolean {
  if (
    BYTE_ORDER_MARK.every((byte, index) => index >= firstBytes.length || firstBytes[index] === byte)
  )
    return true
  for (let index = 0; index < PLAYLIST_TAG.length && index < firstBytes.length; index++) {
    if (firstBytes[index] !== PLAYLIST_TAG.charCodeAt(index)) return looksLikeManifest(firstBytes)
  }
  return true
}

/** What a text is, whatever it is called; `undefined` when it is neither playlist nor manifest. */
export function syntaxOf(firstBytes: Uint8Array): 'hls' | 'dash' | undefined {
  if (looksLikePlaylist(firstBytes)) return 'hls'
  if (!looksLikeManifest(firstBytes)) return undefined
  const text = Buffer.from(firstBytes.buffer, firstBytes.byteOffset, firstBytes.length)
  return /<(?:[\w.-]+:)?MPD[\s>]/.test(text.toString('latin1')) ? 'dash' : undefined
}

function startOfText(bytes: Uint8Array): number {
  return BYTE_ORDER_MARK.every((byte, index) => bytes[index] === byte) ? 3 : 0
}

function isWhiteSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d
}
