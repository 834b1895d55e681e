/**
 * A media playlist as of one PUT, with every URI of it resolved to a key: made once, read by all that
 * want to know what a channel names. Never changed; the next PUT makes the next one.
 */

import { splitStoreKey, toStoreKey } from '../base/names.ts'
import type { StoreKey } from '../base/names.ts'
import type { MediaPlaylist } from '../hls/playlist.ts'
import { resolveToKey } from '../hls/resolve.ts'
import type { StoredItem } from '../storage/store.ts'
import { notesOf } from './item-notes.ts'

export interface LivePlaylist {
  readonly storeKey: StoreKey
  readonly playlist: MediaPlaylist
  readonly putAtMonotonicMs: number
  /** Every URI of it, resolved; `undefined` for what is not ours. */
  readonly keysByUri: ReadonlyMap<string, StoreKey | undefined>
  readonly partKeys: ReadonlySet<StoreKey>
}

/**
 * @param before  The same playlist at its PUT before: what it named is not resolved again, which is
 *   nearly everything (a microsecond or two each).
 */
export function resolveLivePlaylist(
  item: StoredItem,
  playlist: MediaPlaylist,
  putAtMonotonicMs: number,
  before: LivePlaylist | undefined,
): LivePlaylist {
  const resolveUri = uriResolver(item)
  const keysByUri = new Map<string, StoreKey | undefined>()
  const resolve = (uri: string): StoreKey | undefined => {
    const known = keysByUri.get(uri) ?? before?.keysByUri.get(uri)
    const isForeign = known === undefined && before?.keysByUri.has(uri) === true
    const storeKey = known ?? (isForeign ? undefined : resolveUri(uri))
    keysByUri.set(uri, storeKey)
    return storeKey
  }
  for (const uri of playlist.initUris) resolve(uri)
  for (const uri of playlist.keyUris) resolve(uri)
  for (const segment of playlist.segments) resolve(segment.uri)
  if (playlist.isSummary) for (const uri of playlist.lastSegmentUris) resolve(uri)
  const partKeys = new Set<StoreKey>()
  const addPart = (uri: string) => {
    const storeKey = resolve(uri)
    if (storeKey !== undefined) partKeys.add(storeKey)
  }
  for (const segment of playlist.segments) for (const part of segment.parts) addPart(part.uri)
  for (const part of playlist.openParts) addPart(part.uri)
  for (const uri of playlist.preloadHintUris) addPart(uri)
  // A part by byte range is a piece of its segment, which is served as segments are.
  for (const segment of playlist.segments) {
    const storeKey = keysByUri.get(segment.uri)
    if (storeKey !== undefined) partKeys.delete(storeKey)
  }
  return { storeKey: item.storeKey, playlist, putAtMonotonicMs, keysByUri, partKeys }
}

/** What URIs of a stored playlist mean; `undefined` for what is not ours. */
export function uriResolver(item: StoredItem): (uri: string) => StoreKey | undefined {
  const { cacheName, key } = splitStoreKey(item.storeKey)
  const location = { cacheName, playlistKey: key, keyForm: notesOf(item).keyForm }
  return (uri) => {
    const found = resolveToKey(location, uri)
    return found === undefined ? undefined : toStoreKey(cacheName, found)
  }
}
