/**
 * Which item a playlist's URI means: resolved as a player resolves it against the playlist's own URL,
 * then read as the data plane reads a request target.
 */

import { parseItemKey } from '../base/names.ts'
import type { CacheName, ItemKey } from '../base/names.ts'

/** Where a playlist is, as its readers see it. */
export interface PlaylistLocation {
  readonly cacheName: CacheName
  readonly playlistKey: ItemKey
  /** How it is asked for: `/cache/<name>/<key>` or `/cache/<name>?key=<key>`. */
  readonly keyForm: 'path' | 'query'
  /** `host[:port]` that are this origin: absolute URIs with them are ours, too. None when absent. */
  readonly ownHosts?: readonly string[]
}

/** Stands for this origin's host, whatever it is (RFC 6761 reserves the name). */
const OWN_HOST = 'origin.invalid'

/**
 * The item's key; `undefined` when the URI leads to another host, another cache or no item: then no
 * reader gets it from here by that URI.
 *
 * Queries (`?token=…`) do not matter, but for `?key=` and `?key_base64=` on the cache itself.
 * Percent-encoding is undone once, as for a request; `.` and `..` are resolved as URLs resolve them.
 */
export function resolveToKey(location: PlaylistLocation, uri: string): ItemKey | undefined {
  const url = URL.canParse(uri, baseOf(location)) ? new URL(uri, baseOf(location)) : undefined
  if (url === undefined || !isOwn(url, location.ownHosts ?? [])) return undefined

  const root = '/cache/'
  if (!url.pathname.startsWith(root)) return undefined
  const slash = url.pathname.indexOf('/', root.length)
  const cacheEnd = slash === -1 ? url.pathname.length : slash
  if (decodeOnce(url.pathname.slice(root.length, cacheEnd)) !== location.cacheName) return undefined

  const fromQuery = keysOfQuery(url.search)
  const path = url.pathname.slice(cacheEnd + 1)
  const keys = path === '' ? fromQuery : [decodeOnce(path), ...fromQuery]
  // Two forms at once are refused, so nobody reads such an item.
  const [key] = keys
  return keys.length === 1 && key !== undefined ? parseItemKey(key) : undefined
}

function baseOf(location: PlaylistLocation): string {
  const cache = `http://${OWN_HOST}/cache/${location.cacheName}`
  const key = encodeKey(location.playlistKey)
  return location.keyForm === 'path' ? `${cache}/${key}` : `${cache}?key=${key}`
}

function isOwn(url: URL, ownHosts: readonly string[]): boolean {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return false
  return url.host === OWN_HOST || ownHosts.includes(url.host)
}

/** Keys of a query, `undefined` for one that is not well formed. An empty one is no key. */
function keysOfQuery(search: string): readonly (string | undefined)[] {
  const keys: (string | undefined)[] = []
  for (const parameter of search.slice(1).split('&')) {
    const equals = parameter.indexOf('=')
    const name = equals === -1 ? parameter : parameter.slice(0, equals)
    const value = equals === -1 ? '' : parameter.slice(equals + 1)
    if (name === 'key') keys.push(decodeOnce(value))
    if (name === 'key_base64') keys.push(decodeBase64(value))
  }
  return keys
}

function decodeBase64(value: string): string | undefined {
  const text = decodeOnce(value)
  if (text === undefined || !/^[A-Za-z0-9_-]*={0,2}$/.test(text)) return undefined
  return Buffer.from(text, 'base64url').toString('latin1')
}

/** ASCII text with percent-encoding to a byte string; `undefined` when an escape is broken. */
function decodeOnce(text: string): string | undefined {
  if (!text.includes('%')) return text
  if (/%(?![0-9a-f]{2})/i.test(text)) return undefined
  return text.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** Slashes stay, so that relative URIs see the key's folders. */
function encodeKey(key: ItemKey): string {
  return key.replace(
    /[^A-Za-z0-9._~/-]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}
