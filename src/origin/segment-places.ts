/**
 * Where an object stands in the media playlists that are known: for who asks about one object, as a
 * test rig does. Walks over the cache's playlists, so it is no part of a read.
 */

import { splitStoreKey } from '../base/names.ts'
import type { ItemKey, StoreKey } from '../base/names.ts'
import { endOf } from '../hls/succession.ts'
import type { LivePlaylist } from './live-playlist.ts'
import type { RenditionRecord } from './rendition-record.ts'

export interface SegmentPlace {
  /** Of the media playlist. */
  readonly renditionKey: ItemKey
  /** Media sequence number; a playlist's newest; `undefined` for init sections, keys and what has left. */
  readonly sequence: number | undefined
  /** Of the newest segment; `undefined` while there is none. */
  readonly edgeSequence: number | undefined
}

/** One for each media playlist that names it; a media playlist is in itself. Ended ones are left out. */
export function placesOf(
  storeKey: StoreKey,
  records: Iterable<RenditionRecord>,
): readonly SegmentPlace[] {
  const places: SegmentPlace[] = []
  const { cacheName } = splitStoreKey(storeKey)
  for (const { storeKey: playlistKey, cacheName: ofCache, key, lastMsn, live } of records) {
    if (ofCache !== cacheName || live === undefined) continue
    if (playlistKey === storeKey) {
      places.push({ renditionKey: key, sequence: lastMsn, edgeSequence: lastMsn })
      continue
    }
    const sequence = sequenceIn(live, storeKey)
    if (sequence === 'absent') continue
    places.push({ renditionKey: key, sequence, edgeSequence: lastMsn })
  }
  return places
}

function sequenceIn(live: LivePlaylist, storeKey: StoreKey): number | undefined | 'absent' {
  const { playlist, keysByUri } = live
  const { segments, mediaSequenceNumber, lastSegmentUris } = playlist
  // From the edge back: that is where most readers are.
  for (let index = segments.length - 1; index >= 0; index--) {
    const segment = segments[index]
    if (segment === undefined) continue
    const isIt =
      keysByUri.get(segment.uri) === storeKey ||
      segment.parts.some(({ uri }) => keysByUri.get(uri) === storeKey)
    if (isIt) return mediaSequenceNumber + index
  }
  if (playlist.isSummary) {
    const index = lastSegmentUris.findLastIndex((uri) => keysByUri.get(uri) === storeKey)
    if (index !== -1) return endOf(playlist) - lastSegmentUris.length + index
  }
  for (const named of keysByUri.values()) if (named === storeKey) return undefined
  return 'absent'
}
