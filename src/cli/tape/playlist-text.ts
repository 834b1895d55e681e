/**
 * A media playlist taken apart into what belongs to it and what to each segment, so that windows can be
 * put together anew. Text stays as it was written, but for what depends on the segments before.
 */

import { parseIsoTime } from '../../base/dates.ts'

/** A segment with all that its window has to say about it. */
export interface SegmentText {
  readonly mediaSequenceNumber: number
  readonly uri: string
  readonly durationSeconds: number
  readonly isDiscontinuity: boolean
  /** EXT-X-MAP in force; '' without one. */
  readonly map: string
  /** EXT-X-KEY in force, with their IV said. */
  readonly keys: readonly string[]
  /** Its own or reckoned on; `undefined` without any date before it. */
  readonly dateMs: number | undefined
  readonly hasOwnDate: boolean
  /** EXTINF, parts, ranges and whatever else stands before its URI. */
  readonly tags: readonly string[]
}

export interface PlaylistText {
  /** But for sequence numbers, type and end. */
  readonly header: readonly string[]
  readonly discontinuitySequence: number
  readonly segments: readonly SegmentText[]
  /** Behind the last segment: open parts, hints, reports. */
  readonly trailer: readonly string[]
  readonly isEnded: boolean
}

const HEADER_TAG =
  /^#(?:EXTM3U|EXT-X-(?:VERSION|TARGETDURATION|I-FRAMES-ONLY|INDEPENDENT-SEGMENTS|START|SERVER-CONTROL|PART-INF|DEFINE|ALLOW-CACHE|IMAGES-ONLY))(?::|$)/
const TRAILER_TAG = /^#EXT-X-(?:PRELOAD-HINT|RENDITION-REPORT)(?::|$)/

/** `undefined` for what is no media playlist with whole segments. */
export function parsePlaylistText(text: string): PlaylistText | undefined {
  if (!/^(?:\xef\xbb\xbf)?#EXTM3U/.test(text) || !/^#EXT-X-TARGETDURATION:/m.test(text))
    return undefined
  if (/^#EXT-X-SKIP:/m.test(text)) return undefined
  return new PlaylistTextReader(text).read()
}

class PlaylistTextReader {
  readonly #lines: readonly string[]
  readonly #header: string[] = []
  readonly #trailer: string[] = []
  readonly #segments: SegmentText[] = []
  #mediaSequenceNumber = 0
  #discontinuitySequence = 0
  #isEnded = false
  #map = ''
  #keys: string[] = []
  #nextDateMs: number | undefined
  // Before the next URI.
  #tags: string[] = []
  #ownKeys: string[] = []
  #durationSeconds = 0
  #isDiscontinuity = false
  #ownDateMs: number | undefined
  #range = ''
  #rangeEnds = { uri: '', endBytes: 0 }

  constructor(text: string) {
    this.#lines = text.split(/\r\n|\n|\r/)
  }

  read(): PlaylistText {
    for (const raw of this.#lines) {
      const line = raw.trim()
      if (line === '') continue
      if (line.startsWith('#')) this.#readTag(line)
      else this.#addSegment(line)
    }
    return {
      header: this.#header,
      discontinuitySequence: this.#discontinuitySequence,
      segments: this.#segments,
      trailer: [...this.#tags, ...this.#trailer],
      isEnded: this.#isEnded,
    }
  }

  #readTag(line: string): void {
    const colon = line.indexOf(':')
    const tag = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1)
    switch (tag) {
      case '#EXT-X-MEDIA-SEQUENCE':
        this.#mediaSequenceNumber = Number.parseInt(value, 10) || 0
        return
      case '#EXT-X-DISCONTINUITY-SEQUENCE':
        this.#discontinuitySequence = Number.parseInt(value, 10) || 0
        return
      case '#EXT-X-ENDLIST':
        this.#isEnded = true
        return
      case '#EXT-X-PLAYLIST-TYPE':
        // A window that slides is neither EVENT nor VOD.
        return
      case '#EXT-X-DISCONTINUITY':
        this.#isDiscontinuity = true
        return
      case '#EXT-X-MAP':
        this.#map = line
        return
      case '#EXT-X-KEY':
        this.#ownKeys.push(line)
        return
      case '#EXT-X-PROGRAM-DATE-TIME':
        this.#ownDateMs = parseIsoTime(value)
        return
      case '#EXT-X-BYTERANGE':
        this.#range = value
        return
      case '#EXTINF':
        this.#durationSeconds = Number.parseFloat(value) || 0
        this.#tags.push(line)
        return
    }
    if (TRAILER_TAG.test(line)) this.#trailer.push(line)
    else if (HEADER_TAG.test(line)) this.#header.push(line)
    // Comments of the playlist as a whole stand before its first segment.
    else if (!line.startsWith('#EXT') && this.#segments.length === 0 && this.#tags.length === 0) {
      this.#header.push(line)
    } else this.#tags.push(line)
  }

  #addSegment(uri: string): void {
    const mediaSequenceNumber = this.#mediaSequenceNumber + this.#segments.length
    if (this.#ownKeys.length > 0) this.#keys = this.#ownKeys
    const dateMs = this.#ownDateMs ?? this.#nextDateMs
    this.#segments.push({
      ...{ mediaSequenceNumber, uri, dateMs, hasOwnDate: this.#ownDateMs !== undefined },
      ...{ durationSeconds: this.#durationSeconds, isDiscontinuity: this.#isDiscontinuity },
      map: this.#map,
      keys: this.#keys.map((key) => withIv(key, mediaSequenceNumber)),
      tags: [...this.#rangeTag(uri), ...this.#tags],
    })
    this.#nextDateMs = dateMs === undefined ? undefined : dateMs + this.#durationSeconds * 1000
    this.#tags = []
    this.#ownKeys = []
    this.#ownDateMs = undefined
    this.#isDiscontinuity = false
    this.#range = ''
  }

  /** With its offset said: the segment before may have left the window. */
  #rangeTag(uri: string): string[] {
    if (this.#range === '') return []
    const [length = '', offset] = this.#range.split('@', 2)
    const { uri: lastUri, endBytes } = this.#rangeEnds
    const startBytes = offset === undefined ? (lastUri === uri ? endBytes : 0) : Number(offset)
    this.#rangeEnds = { uri, endBytes: startBytes + Number(length) }
    return [`#EXT-X-BYTERANGE:${length}@${startBytes}`]
  }
}

/** Without an IV it is the media sequence number (RFC 8216bis §5.2), which will be another. */
function withIv(key: string, mediaSequenceNumber: number): string {
  if (!/METHOD=AES-128/.test(key) || /[:,]IV=/.test(key)) return key
  return `${key},IV=0x${mediaSequenceNumber.toString(16).toUpperCase().padStart(32, '0')}`
}
