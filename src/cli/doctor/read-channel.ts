/** Asks for what a channel's playlists name: media playlists, newest segments, init sections. */

import { parsePlaylist } from '../../hls/playlist.ts'
import type { MediaPlaylist, Playlist } from '../../hls/playlist.ts'
import type { Outcome } from './answer.ts'
import { isStatus, textOf } from './answer.ts'
import type { MediaRead, ObjectRead } from './judge-playlists.ts'
import { resolveUri } from './reader.ts'
import type { Reader } from './reader.ts'

/** Of each are asked for at most so many; a polite number of requests is left for the rest. */
const MEDIA_PLAYLISTS_MAX = 8

/** The first variant's segment is read whole: up to Headwater's default limit of an object. */
const SEGMENT_BYTES_MAX = 10 * 1024 * 1024

export interface Channel {
  /** Variants first, then renditions. */
  readonly reads: readonly MediaRead[]
  /** How many media playlists there are, asked for or not. */
  readonly namedCount: number
}

/**
 * @param url     Where `playlist` was read.
 * @param outcome What it was read from; a media playlist is not asked for again.
 */
export async function readChannel(
  reader: Reader,
  url: string,
  playlist: Playlist,
  outcome: Outcome,
): Promise<Channel> {
  if (playlist.kind === 'media') {
    const read = await readContent(reader, { url, outcome, playlist, isFirst: true })
    return { reads: [read], namedCount: 1 }
  }
  const uris = [
    ...playlist.variants.map((variant) => variant.uri),
    ...playlist.renditions.flatMap(({ uri }) => (uri === undefined ? [] : [uri])),
  ]
  const urls = [...new Set(uris.map((uri) => resolveUri(uri, url)))]
  const reads: MediaRead[] = []
  for (const mediaUrl of urls.slice(0, MEDIA_PLAYLISTS_MAX)) {
    reads.push(await readMedia(reader, mediaUrl, reads.length === 0))
  }
  return { reads, namedCount: urls.length }
}

async function readMedia(
  reader: Reader,
  url: string | undefined,
  isFirst: boolean,
): Promise<MediaRead> {
  const none = { playlist: undefined, newestSegment: undefined, initSection: undefined }
  if (url === undefined) {
    return { url: '', outcome: { kind: 'failure', code: 'URL' }, ...none }
  }
  const read = await reader.follow(url)
  const playlist = isStatus(read.outcome, 200) ? parsePlaylist(textOf(read.outcome)) : undefined
  if (playlist?.kind !== 'media') return { url: read.url, outcome: read.outcome, ...none }
  return readContent(reader, { url: read.url, outcome: read.outcome, playlist, isFirst })
}

async function readContent(
  reader: Reader,
  media: {
    readonly url: string
    readonly outcome: Outcome
    readonly playlist: MediaPlaylist
    readonly isFirst: boolean
  },
): Promise<MediaRead> {
  const { url, outcome, playlist, isFirst } = media
  const initUri = playlist.initUris.at(-1)
  // Segments move on meanwhile, init sections stay.
  const newestSegment = await readObject(reader, newestUri(playlist), url, isFirst)
  const initSection = await readObject(reader, initUri, url, isFirst)
  return { url, outcome, playlist, newestSegment, initSection }
}

/** One that is there: EXT-X-GAP says which are not. */
function newestUri(playlist: MediaPlaylist): string | undefined {
  if (playlist.isSummary) return playlist.lastSegmentUris.at(-1)
  return playlist.segments.findLast(({ gap }) => !gap)?.uri
}

async function readObject(
  reader: Reader,
  uri: string | undefined,
  base: string,
  isWhole: boolean,
): Promise<ObjectRead | undefined> {
  if (uri === undefined) return undefined
  const url = resolveUri(uri, base)
  if (url === undefined) return { url: '', outcome: { kind: 'failure', code: 'URL' } }
  const outcome = isWhole
    ? await reader.get(url, { bodyBytesMax: SEGMENT_BYTES_MAX })
    : await reader.get(url, { method: 'HEAD' })
  return { url, outcome }
}
