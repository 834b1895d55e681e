/** Reads a media playlist line by line (RFC 8216bis §4.4). Only for `playlist.ts`. */

import { parseIsoTime } from '../base/dates.ts'
import { numberOf, parseAttributes, parseDecimal, splitTag } from './playlist-lines.ts'
import type { Attributes } from './playlist-lines.ts'
import { NeededVersionReader } from './needed-version.ts'
import type { ByteRange, MediaPlaylist, Part, Segment } from './playlist.ts'

const LAST_URIS_MAX = 16
const DISTINCT_URIS_MAX = 64
/** Parts of one segment in a playlist that is summed up. */
const SUMMED_PARTS_MAX = 1000

/** Collects; {@link finish} gives the shape. */
export class MediaPlaylistReader {
  readonly #isSummary: boolean
  #targetDurationSeconds = 0
  #mediaSequenceNumber = 0
  #discontinuitySequence = 0
  #playlistType: 'VOD' | 'EVENT' | undefined
  #ended = false
  #segments: Segment[] = []
  #segmentCount = 0
  #skippedSegmentCount = 0
  /** A ring when the playlist is summed up, else unused. */
  readonly #lastUris: string[] = []
  readonly #initUris = new Set<string>()
  readonly #keyUris = new Set<string>()
  readonly #preloadHintUris = new Set<string>()
  #partTargetSeconds: number | undefined
  #canBlockReload = false
  #canSkipUntilSeconds: number | undefined
  #holdBackSeconds: number | undefined
  #partHoldBackSeconds: number | undefined
  #version: number | undefined
  readonly #neededVersion = new NeededVersionReader()
  #untimedSegmentCount = 0
  // What stands before the next URI.
  #durationSeconds: number | undefined
  #programDateTimeMs: number | undefined
  #hasOwnDate = false
  #discontinuity = false
  #gap = false
  #byteRange: ByteRange | undefined
  #parts: Part[] = []
  /** The same, not parsed, when the playlist is summed up: those of all segments would cost too much. */
  #partTexts: string[] = []
  #lastSegmentPartCount = 0
  // Where a range without an offset goes on.
  #rangeEndBytes = 0
  #partRangeEndBytes = 0

  /**
   * @param isSummary  Whether segments are only counted.
   */
  constructor(isSummary: boolean) {
    this.#isSummary = isSummary
  }

  /** One line, without its end, not empty. */
  readLine(line: string): void {
    if (!line.startsWith('#')) {
      this.#addSegment(line.trimStart())
      return
    }
    if (!line.startsWith('#EXT')) return
    const { tag, value } = splitTag(line)
    this.#neededVersion.readTag(tag, value)
    if (!this.#readSegmentTag(tag, value)) this.#readPlaylistTag(tag, value)
  }

  finish(): MediaPlaylist {
    for (const text of this.#partTexts) this.#addPart(parseAttributes(text))
    return {
      kind: 'media',
      targetDurationSeconds: this.#targetDurationSeconds,
      mediaSequenceNumber: this.#mediaSequenceNumber,
      discontinuitySequence: this.#discontinuitySequence,
      playlistType: this.#playlistType,
      ended: this.#ended,
      isSummary: this.#isSummary,
      segments: this.#segments,
      segmentCount: this.#segmentCount,
      skippedSegmentCount: this.#skippedSegmentCount,
      lastSegmentUris: this.#lastSegmentUris(),
      initUris: [...this.#initUris],
      keyUris: [...this.#keyUris],
      partTargetSeconds: this.#partTargetSeconds,
      openParts: this.#parts,
      lastSegmentPartCount: this.#lastSegmentPartCount,
      preloadHintUris: [...this.#preloadHintUris],
      canBlockReload: this.#canBlockReload,
      canSkipUntilSeconds: this.#canSkipUntilSeconds,
      holdBackSeconds: this.#holdBackSeconds,
      partHoldBackSeconds: this.#partHoldBackSeconds,
      version: this.#version,
      versionNeeded: this.#neededVersion.finish(),
      isIFramesOnly: this.#neededVersion.isIFramesOnly,
      untimedSegmentCount: this.#untimedSegmentCount,
    }
  }

  #addSegment(uri: string): void {
    this.#segmentCount++
    if (this.#durationSeconds === undefined) this.#untimedSegmentCount++
    if (this.#isSummary) {
      this.#lastUris[(this.#segmentCount - 1) % LAST_URIS_MAX] = uri
    } else {
      const durationSeconds = this.#durationSeconds ?? this.#targetDurationSeconds
      this.#segments.push({
        uri,
        durationSeconds,
        programDateTimeMs: this.#programDateTimeMs,
        discontinuity: this.#discontinuity,
        gap: this.#gap,
        byteRange: this.#byteRange,
        parts: this.#parts,
      })
      if (this.#programDateTimeMs !== undefined) this.#programDateTimeMs += durationSeconds * 1000
    }
    this.#durationSeconds = undefined
    this.#hasOwnDate = false
    this.#discontinuity = false
    this.#gap = false
    this.#byteRange = undefined
    this.#lastSegmentPartCount = this.#isSummary ? this.#partTexts.length : this.#parts.length
    this.#parts = []
    this.#partTexts = []
    this.#partRangeEndBytes = 0
  }

  /** Whether it was a tag that belongs to a segment. */
  #readSegmentTag(tag: string, value: string): boolean {
    switch (tag) {
      case '#EXTINF':
        this.#durationSeconds = parseDecimal(value.split(',', 1)[0]?.trim()) ?? 0
        return true
      case '#EXT-X-PROGRAM-DATE-TIME':
        this.#hasOwnDate = true
        this.#programDateTimeMs = parseIsoTime(value.trim())
        return true
      case '#EXT-X-DISCONTINUITY':
        this.#discontinuity = true
        // Time does not go on across it, but for a date of the segment's own.
        if (!this.#hasOwnDate) this.#programDateTimeMs = undefined
        return true
      case '#EXT-X-GAP':
        this.#gap = true
        return true
      case '#EXT-X-BYTERANGE':
        this.#byteRange = parseByteRange(value, this.#rangeEndBytes)
        if (this.#byteRange !== undefined) this.#rangeEndBytes = endOf(this.#byteRange)
        return true
      case '#EXT-X-PART':
        if (!this.#isSummary) this.#addPart(parseAttributes(value))
        else if (this.#partTexts.length < SUMMED_PARTS_MAX) this.#partTexts.push(value)
        return true
      case '#EXT-X-MAP':
        addDistinct(this.#initUris, parseAttributes(value).get('URI'))
        return true
      case '#EXT-X-KEY':
        addDistinct(this.#keyUris, parseAttributes(value).get('URI'))
        return true
      default:
        return false
    }
  }

  #readPlaylistTag(tag: string, value: string): void {
    switch (tag) {
      case '#EXT-X-VERSION':
        this.#version = parseInteger(value)
        break
      case '#EXT-X-TARGETDURATION':
        this.#targetDurationSeconds = parseDecimal(value.trim()) ?? 0
        break
      case '#EXT-X-MEDIA-SEQUENCE':
        this.#mediaSequenceNumber = parseInteger(value)
        break
      case '#EXT-X-DISCONTINUITY-SEQUENCE':
        this.#discontinuitySequence = parseInteger(value)
        break
      case '#EXT-X-PLAYLIST-TYPE':
        if (value === 'VOD' || value === 'EVENT') this.#playlistType = value
        break
      case '#EXT-X-ENDLIST':
        this.#ended = true
        break
      case '#EXT-X-SKIP':
        this.#skippedSegmentCount = numberOf(parseAttributes(value), 'SKIPPED-SEGMENTS') ?? 0
        break
      case '#EXT-X-PART-INF':
        this.#partTargetSeconds = numberOf(parseAttributes(value), 'PART-TARGET')
        break
      case '#EXT-X-PRELOAD-HINT':
        addDistinct(this.#preloadHintUris, parseAttributes(value).get('URI'))
        break
      case '#EXT-X-SERVER-CONTROL': {
        const attributes = parseAttributes(value)
        this.#canBlockReload = attributes.get('CAN-BLOCK-RELOAD') === 'YES'
        this.#canSkipUntilSeconds = numberOf(attributes, 'CAN-SKIP-UNTIL')
        this.#holdBackSeconds = numberOf(attributes, 'HOLD-BACK')
        this.#partHoldBackSeconds = numberOf(attributes, 'PART-HOLD-BACK')
        break
      }
    }
  }

  #addPart(attributes: Attributes): void {
    const uri = attributes.get('URI')
    if (uri === undefined) return
    const byteRange = parseByteRange(attributes.get('BYTERANGE') ?? '', this.#partRangeEndBytes)
    if (byteRange !== undefined) this.#partRangeEndBytes = endOf(byteRange)
    this.#parts.push({ uri, durationSeconds: numberOf(attributes, 'DURATION') ?? 0, byteRange })
  }

  #lastSegmentUris(): readonly string[] {
    if (!this.#isSummary) return this.#segments.slice(-LAST_URIS_MAX).map((segment) => segment.uri)
    if (this.#segmentCount <= LAST_URIS_MAX) return this.#lastUris
    const oldest = this.#segmentCount % LAST_URIS_MAX
    return [...this.#lastUris.slice(oldest), ...this.#lastUris.slice(0, oldest)]
  }
}

/** `length[@offset]`. */
function parseByteRange(text: string, offsetBytesDefault: number): ByteRange | undefined {
  const match = /^(\d{1,15})(?:@(\d{1,15}))?$/.exec(text.trim())
  if (match === null) return undefined
  const [, length, offset] = match
  return {
    lengthBytes: Number(length),
    offsetBytes: offset === undefined ? offsetBytesDefault : Number(offset),
  }
}

function endOf(range: ByteRange): number {
  return range.offsetBytes + range.lengthBytes
}

function parseInteger(text: string): number {
  return Math.floor(parseDecimal(text.trim()) ?? 0)
}

function addDistinct(uris: Set<string>, uri: string | undefined): void {
  if (uri !== undefined && uris.size < DISTINCT_URIS_MAX) uris.add(uri)
}
