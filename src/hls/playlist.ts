/**
 * Playlists as shapes of our own (RFC 8216bis). The reader below is ours, too, because bodies come
 * from whoever holds a write key: it takes time proportional to the text, throws nothing, and keeps
 * names from the text out of plain objects. m3u8-parser (7.2) does none of these: a GROUP-ID of
 * `__proto__` changes Object.prototype, 50 kB of attribute list take 1.7 s, nested EXT-X-DEFINE
 * doubles at each line. The tests compare both on sound playlists.
 */

import { MediaPlaylistReader } from './media-playlist-reader.ts'
import { forEachLine, numberOf, parseAttributes, parseDecimal, splitTag } from './playlist-lines.ts'
import type { Attributes } from './playlist-lines.ts'

/** Beyond this many lines segments are counted, not kept ({@link MediaPlaylist.isSummary}). */
export const PLAYLIST_LINES_MAX = 4000

export interface Resolution {
  readonly widthPixels: number
  readonly heightPixels: number
}

/** EXT-X-STREAM-INF with its URI. */
export interface Variant {
  readonly uri: string
  /** BANDWIDTH; 0 when it is absent, which the RFC does not allow. */
  readonly bandwidthBitsPerSecond: number
  readonly averageBandwidthBitsPerSecond: number | undefined
  readonly resolution: Resolution | undefined
  readonly codecs: string | undefined
  readonly frameRate: number | undefined
  /** The renditions that play with it. */
  readonly groupIds: VariantGroupIds
}

/** AUDIO, VIDEO, SUBTITLES and CLOSED-CAPTIONS of EXT-X-STREAM-INF; NONE is none. */
export interface VariantGroupIds {
  readonly audio: string | undefined
  readonly video: string | undefined
  readonly subtitles: string | undefined
  readonly closedCaptions: string | undefined
}

/** EXT-X-MEDIA. */
export interface Rendition {
  /** AUDIO, VIDEO, SUBTITLES or CLOSED-CAPTIONS. */
  readonly type: string
  readonly groupId: string
  readonly name: string
  /** `undefined` when the rendition is inside the variants. */
  readonly uri: string | undefined
}

export interface MultivariantPlaylist {
  readonly kind: 'multivariant'
  readonly variants: readonly Variant[]
  readonly renditions: readonly Rendition[]
  /** EXT-X-I-FRAME-STREAM-INF. */
  readonly iFrameUris: readonly string[]
  /** EXT-X-SESSION-KEY. */
  readonly keyUris: readonly string[]
  /** EXT-X-STREAM-INF tags that no URI follows. */
  readonly streamInfWithoutUriCount: number
}

export interface ByteRange {
  readonly lengthBytes: number
  readonly offsetBytes: number
}

/** EXT-X-PART. */
export interface Part {
  readonly uri: string
  readonly durationSeconds: number
  readonly byteRange: ByteRange | undefined
}

export interface Segment {
  readonly uri: string
  /** EXTINF. */
  readonly durationSeconds: number
  /** Wall clock, ms since the Unix epoch: its own tag, or reckoned on from an earlier segment's. */
  readonly programDateTimeMs: number | undefined
  /** Whether EXT-X-DISCONTINUITY stands before it. */
  readonly discontinuity: boolean
  /** Whether EXT-X-GAP says that it is missing. */
  readonly gap: boolean
  readonly byteRange: ByteRange | undefined
  readonly parts: readonly Part[]
}

export interface MediaPlaylist {
  readonly kind: 'media'
  /** 0 when it is absent, which the RFC does not allow. */
  readonly targetDurationSeconds: number
  readonly mediaSequenceNumber: number
  readonly discontinuitySequence: number
  readonly playlistType: 'VOD' | 'EVENT' | undefined
  /** EXT-X-ENDLIST: nothing will be added. */
  readonly ended: boolean
  /** Over {@link PLAYLIST_LINES_MAX} lines: `segments` is empty, all else is there. */
  readonly isSummary: boolean
  readonly segments: readonly Segment[]
  readonly segmentCount: number
  /** EXT-X-SKIP: how many segments a delta update leaves out. */
  readonly skippedSegmentCount: number
  /** The last URIs, oldest first: 16 segments at most. */
  readonly lastSegmentUris: readonly string[]
  /** EXT-X-MAP and EXT-X-KEY, each once, at most 64 of either. */
  readonly initUris: readonly string[]
  readonly keyUris: readonly string[]
  /** EXT-X-PART-INF; `undefined` when there are no parts. */
  readonly partTargetSeconds: number | undefined
  /** Parts after the last complete segment. */
  readonly openParts: readonly Part[]
  /** How many parts the last complete segment has in the playlist. */
  readonly lastSegmentPartCount: number
  /** EXT-X-PRELOAD-HINT, parts and init sections. */
  readonly preloadHintUris: readonly string[]
  /** EXT-X-SERVER-CONTROL. */
  readonly canBlockReload: boolean
  readonly canSkipUntilSeconds: number | undefined
  readonly holdBackSeconds: number | undefined
  readonly partHoldBackSeconds: number | undefined
  /** EXT-X-VERSION; `undefined` when it is absent, which means 1. */
  readonly version: number | undefined
  /** What the tags in use ask for (RFC 8216bis §8). */
  readonly versionNeeded: NeededVersion
  /** EXT-X-I-FRAMES-ONLY. */
  readonly isIFramesOnly: boolean
  /** Segments without EXTINF, which the RFC does not allow. */
  readonly untimedSegmentCount: number
}

export interface NeededVersion {
  readonly version: number
  /** The tag or form that asks for it; '' for version 1. */
  readonly feature: string
}

export type Playlist = MultivariantPlaylist | MediaPlaylist

/**
 * A body's text to its shape; `undefined` when it does not begin with `#EXTM3U`. Tags that are wrong
 * or unknown are passed over; a playlist with no EXT-X-STREAM-INF, EXT-X-I-FRAME-STREAM-INF or
 * EXT-X-MEDIA is a media playlist. Variables (EXT-X-DEFINE) are not put in. About 0.5 ms for 1,000
 * lines.
 */
export function parsePlaylist(text: string): Playlist | undefined {
  const lines = text.startsWith('\ufeff') ? text.slice(1) : text
  if (!/^#EXTM3U(?:[ \t\r\n]|$)/.test(lines.slice(0, 8))) return undefined
  return /^#EXT-X-(?:STREAM-INF|I-FRAME-STREAM-INF|MEDIA):/m.test(lines)
    ? parseMultivariant(lines)
    : parseMedia(lines)
}

function parseMedia(text: string): MediaPlaylist {
  const reader = new MediaPlaylistReader(hasMoreLines(text, PLAYLIST_LINES_MAX))
  forEachLine(text, (line) => reader.readLine(line))
  return reader.finish()
}

function parseMultivariant(text: string): MultivariantPlaylist {
  const variants: Variant[] = []
  const renditions: Rendition[] = []
  const iFrameUris: string[] = []
  const keyUris: string[] = []
  let streamInf: Attributes | undefined
  let streamInfCount = 0
  forEachLine(text, (line) => {
    if (!line.startsWith('#')) {
      if (streamInf !== undefined) variants.push(toVariant(line.trimStart(), streamInf))
      streamInf = undefined
      return
    }
    const { tag, value } = splitTag(line)
    switch (tag) {
      case '#EXT-X-STREAM-INF':
        streamInf = parseAttributes(value)
        streamInfCount++
        break
      case '#EXT-X-MEDIA':
        renditions.push(toRendition(parseAttributes(value)))
        break
      case '#EXT-X-I-FRAME-STREAM-INF':
        addUri(iFrameUris, parseAttributes(value))
        break
      case '#EXT-X-SESSION-KEY':
        addUri(keyUris, parseAttributes(value))
        break
    }
  })
  return {
    kind: 'multivariant',
    variants,
    renditions,
    iFrameUris,
    keyUris,
    streamInfWithoutUriCount: streamInfCount - variants.length,
  }
}

function toVariant(uri: string, attributes: Attributes): Variant {
  const [width, height] = (attributes.get('RESOLUTION') ?? '').split('x').map(parseDecimal)
  const groupId = (name: string): string | undefined => {
    const id = attributes.get(name)
    return id === 'NONE' ? undefined : id
  }
  return {
    uri,
    bandwidthBitsPerSecond: numberOf(attributes, 'BANDWIDTH') ?? 0,
    averageBandwidthBitsPerSecond: numberOf(attributes, 'AVERAGE-BANDWIDTH'),
    resolution:
      width === undefined || height === undefined
        ? undefined
        : { widthPixels: width, heightPixels: height },
    codecs: attributes.get('CODECS'),
    frameRate: numberOf(attributes, 'FRAME-RATE'),
    groupIds: {
      audio: groupId('AUDIO'),
      video: groupId('VIDEO'),
      subtitles: groupId('SUBTITLES'),
      closedCaptions: groupId('CLOSED-CAPTIONS'),
    },
  }
}

function toRendition(attributes: Attributes): Rendition {
  return {
    type: attributes.get('TYPE') ?? '',
    groupId: attributes.get('GROUP-ID') ?? '',
    name: attributes.get('NAME') ?? '',
    uri: attributes.get('URI'),
  }
}

function addUri(uris: string[], attributes: Attributes): void {
  const uri = attributes.get('URI')
  if (uri !== undefined) uris.push(uri)
}

function hasMoreLines(text: string, lineCountMax: number): boolean {
  let position = -1
  for (let count = 0; count < lineCountMax; count++) {
    position = text.indexOf('\n', position + 1)
    if (position === -1) return false
  }
  return position < text.length - 1
}
