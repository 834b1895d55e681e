/**
 * What an item is, from its name and, for playlists, from its content. Not its media type (that is
 * `media-types.ts`), and not where it belongs.
 */

import type { ItemKey } from '../base/names.ts'
import type { Playlist } from './playlist.ts'

/** What an item is to the rules above. The store keeps the same set (`ItemKind`). */
export type MediaKind =
  | 'multivariant' // EXT-X-STREAM-INF playlist
  | 'media' // media playlist
  | 'manifest' // DASH MPD
  | 'segment'
  | 'part' // never from the name: a media playlist says so
  | 'init'
  | 'key'
  | 'other'

/** What a name tells; `'playlist'` needs its content to become one of two. */
export type ItemKindByName = 'playlist' | 'manifest' | 'segment' | 'init' | 'key' | 'other'

const KINDS_BY_EXTENSION: ReadonlyMap<string, ItemKindByName> = new Map([
  ...entries('playlist', 'm3u8 m3u'),
  ...entries('manifest', 'mpd'),
  ...entries('segment', 'ts m2ts mts mpegts m4s m4v m4a m4f mp4 cmfv cmfa cmft cmfm dash webm chk'),
  ...entries('segment', 'aac ac3 ec3 eac3 ac4 mp3 flac opus vtt webvtt ttml imsc'),
  ...entries('init', 'init header hdr'),
  ...entries('key', 'key'),
])

/** Extensions that init sections and segments share: there the rest of the name decides. */
const INIT_EXTENSIONS = new Set('mp4 m4s m4v m4a m4f cmfv cmfa cmft cmfm dash webm'.split(' '))

/** By the extension, whatever its case; init sections by `init` in the last part of the name. */
export function kindOfKey(key: ItemKey): ItemKindByName {
  const extension = extensionOfKey(key)
  const kind = KINDS_BY_EXTENSION.get(extension) ?? 'other'
  if (kind !== 'segment' || !INIT_EXTENSIONS.has(extension)) return kind
  // MediaLive writes `video_1080pinit.mp4`: no separator can be asked for.
  const name = key.slice(key.lastIndexOf('/') + 1, -extension.length)
  return name.toLowerCase().includes('init') ? 'init' : 'segment'
}

/**
 * The kind for good.
 *
 * @param playlist  What `parsePlaylist` made of the body; only looked at for `'playlist'`.
 */
export function kindOfItem(kindByName: ItemKindByName, playlist: Playlist | undefined): MediaKind {
  if (kindByName !== 'playlist') return kindByName
  return playlist?.kind ?? 'other'
}

/** In lower case without the dot; '' when the last part of the name has none. */
export function extensionOfKey(key: ItemKey): string {
  const dot = key.lastIndexOf('.')
  return dot <= key.lastIndexOf('/') ? '' : key.slice(dot + 1).toLowerCase()
}

function entries(kind: ItemKindByName, extensions: string): readonly [string, ItemKindByName][] {
  return extensions.split(' ').map((extension) => [extension, kind])
}
