/**
 * Whose a playlist's URI is: this origin's or a stranger's. By string comparison alone, since a
 * playlist may hold 100,000 URIs; `resolve.ts` says which item it means.
 */

import type { PlaylistLocation } from './resolve.ts'

/** A URI's host is ours and its path is an item's (`item`), or something else's (`other`). */
export type UriOwnership = 'item' | 'other' | 'foreign'

/** Most URIs of playlists: below the playlist's own folder, nothing to decode. */
const PLAIN_RELATIVE = /^[\w-][\w./-]*$/
const SCHEME = /^[a-z][a-z0-9+.-]*:/i
const DOT_SEGMENT = /(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i

/**
 * Whether a URI leads to this origin's host: relative of any kind (`seg.ts`, `/cache/c/seg.ts`,
 * `c?key=seg.ts`), or `http:`, `https:` and scheme-relative (`//host/…`) to one of `ownHosts`.
 *
 * Not ours: other hosts, `data:`, `skd:`, `urn:` and all other schemes, and URIs with an EXT-X-DEFINE
 * variable before their query, since its value may be a host.
 */
export function ownUri(location: PlaylistLocation, uri: string): boolean {
  return ownershipOf(location, uri) !== 'foreign'
}

/** As {@link ownUri}, and whether the path is below `/cache/`. Reads a URI as browsers do. */
export function ownershipOf(location: PlaylistLocation, uri: string): UriOwnership {
  const path = pathPart(uri)
  if (PLAIN_RELATIVE.test(path) && !path.includes('/.')) return 'item'
  if (path.includes('{$')) return 'foreign'
  const scheme = SCHEME.exec(path)
  const afterScheme = scheme === null ? path : path.slice(scheme[0].length)
  if (scheme !== null && !/^https?:$/i.test(scheme[0])) return 'foreign'
  if (!afterScheme.startsWith('//')) {
    // `http:seg.ts` is relative to some and absolute to others.
    if (scheme !== null) return 'foreign'
    return isUnderCache(location, path) ? 'item' : 'other'
  }
  const slash = afterScheme.indexOf('/', 2)
  const authority = afterScheme.slice(2, slash === -1 ? undefined : slash)
  if (!isOwnHost(location, authority, scheme?.[0])) return 'foreign'
  return isUnderCache(location, slash === -1 ? '/' : afterScheme.slice(slash)) ? 'item' : 'other'
}

/** Up to the query or fragment, as URL parsers see it: no tabs or line ends, slashes one way. */
function pathPart(uri: string): string {
  const question = uri.indexOf('?')
  const hash = uri.indexOf('#')
  const pathEnd = question === -1 || (hash !== -1 && hash < question) ? hash : question
  const path = pathEnd === -1 ? uri : uri.slice(0, pathEnd)
  return /[\t\r\n\\]/.test(path) ? path.replace(/[\t\r\n]/g, '').replaceAll('\\', '/') : path
}

function isOwnHost(
  location: PlaylistLocation,
  authority: string,
  scheme: string | undefined,
): boolean {
  const host = authority.slice(authority.lastIndexOf('@') + 1).toLowerCase()
  const portDefault = scheme?.toLowerCase() === 'http:' ? ':80' : ':443'
  const short = host.endsWith(portDefault) ? host.slice(0, -portDefault.length) : host
  return location.ownHosts?.some((own) => own === host || own === short) === true
}

function isUnderCache(location: PlaylistLocation, path: string): boolean {
  const isAbsolute = path.startsWith('/')
  if (!DOT_SEGMENT.test(path)) return !isAbsolute || path.startsWith('/cache/')
  const segments = isAbsolute ? [] : foldersOf(location)
  const parts = (isAbsolute ? path.slice(1) : path).split('/')
  for (const [index, part] of parts.entries()) {
    const dots = part.replace(/%2e/gi, '.')
    if (dots === '..') segments.pop()
    if (dots !== '..' && dots !== '.') segments.push(part)
    // A path that ends with dots ends with a slash.
    else if (index === parts.length - 1) segments.push('')
  }
  return segments[0] === 'cache' && segments.length > 1
}

/** The folders that relative URIs of this playlist are in. */
function foldersOf(location: PlaylistLocation): string[] {
  if (location.keyForm === 'query') return ['cache']
  const keyFolders = location.playlistKey.split('/').slice(0, -1)
  return ['cache', location.cacheName, ...keyFolders]
}
