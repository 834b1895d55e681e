/** Keys of objects in addresses, and where the URIs of a playlist lead. Pure. */

/** UTF-8 text to base64url, as the admin API has exact keys. */
export function toKeyBase64Url(key: string): string {
  const bytes = new TextEncoder().encode(key)
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** As people read it; bytes that are not UTF-8 are replaced. `undefined` when it is no base64url. */
export function fromKeyBase64Url(text: string): string | undefined {
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
    return new TextDecoder().decode(Uint8Array.from(binary, (char) => char.charCodeAt(0)))
  } catch {
    // Ignored: somebody typed it.
    return undefined
  }
}

/** The admin API's path of an object by its exact key. */
export function objectPath(cacheName: string, keyBase64Url: string, query = ''): string {
  const key = encodeURIComponent(keyBase64Url)
  return `/api/caches/${encodeURIComponent(cacheName)}/object?keyBase64Url=${key}${query}`
}

/** What a file of it is called: the last part of the key. */
export function fileNameOf(key: string): string {
  const last = key.split('/').at(-1) ?? ''
  return last.replace(/[\\:*?"<>|\u0000-\u001f]/g, '_') || 'object'
}

/**
 * The key that a URI of a playlist names in the same cache; `undefined` when it leads elsewhere.
 *
 * @param dataPlaneUrl  The origin's own address, for absolute URIs.
 */
export function resolveUri(
  uri: string,
  playlistKey: string,
  cacheName: string,
  dataPlaneUrl: string,
): string | undefined {
  const own = dataPlaneUrl.replace(/\/+$/, '')
  const path = playlistKey.split('/').map(encodeURIComponent).join('/')
  try {
    const url = new URL(uri, `${own}/cache/${cacheName}/${path}`)
    if (url.origin !== new URL(own).origin) return undefined
    // The form whose last parameter is the key: `live-origin?key=playlist0.ts`.
    const named = url.searchParams.get('key')
    if (named !== null && url.pathname.endsWith(`/${cacheName}`)) return named
    const base = `${new URL(own).pathname.replace(/\/$/, '')}/cache/${cacheName}/`
    if (!url.pathname.startsWith(base)) return undefined
    return decodeURIComponent(url.pathname.slice(base.length)) || undefined
  } catch {
    // Ignored: not a URI; it is shown as text.
    return undefined
  }
}

/** A part of a playlist's line, as it is shown. */
export interface PlaylistToken {
  readonly kind: 'tag' | 'comment' | 'uri' | 'text'
  readonly text: string
}

/** One line in parts: tags, their `URI="…"`, plain URIs, comments. Joined they are the line again. */
export function tokenizePlaylistLine(line: string): readonly PlaylistToken[] {
  if (line === '') return []
  if (!line.startsWith('#')) return [{ kind: 'uri', text: line }]
  if (!line.startsWith('#EXT')) return [{ kind: 'comment', text: line }]
  const [tag = ''] = /^#[^:]*:?/.exec(line) ?? []
  const tokens: PlaylistToken[] = [{ kind: 'tag', text: tag }]
  let at = tag.length
  for (const match of line.slice(tag.length).matchAll(/(?<=(?:^|,)URI=")[^"]*/g)) {
    const start = tag.length + match.index
    if (start > at) tokens.push({ kind: 'text', text: line.slice(at, start) })
    if (match[0] !== '') tokens.push({ kind: 'uri', text: match[0] })
    at = start + match[0].length
  }
  if (at < line.length) tokens.push({ kind: 'text', text: line.slice(at) })
  return tokens
}
