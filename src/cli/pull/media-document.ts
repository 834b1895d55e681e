/**
 * A media playlist of a source, taken apart so that it can be written again with local names: which
 * bytes each segment is, and what stands before it. Takes time proportional to the text and throws
 * nothing. `hls/playlist.ts` reads for judgement and counts long playlists only; this keeps every tag.
 */

import { parseIsoTime } from '../../base/dates.ts'
import {
  forEachLine,
  numberOf,
  parseAttributes,
  parseDecimal,
  splitTag,
} from '../../hls/playlist-lines.ts'
import type { ByteRange } from '../../hls/playlist.ts'
import { rewriteForeignUris } from './foreign-uris.ts'
import { PlaylistVariables } from './playlist-variables.ts'
import { identityOf, parseSourceUrl } from './source-url.ts'

/** Something that is fetched once and stored: a segment, an init section, a key. */
export interface SourceResource {
  readonly url: URL
  readonly range: ByteRange | undefined
}

/** EXT-X-MAP. */
export interface SourceMap {
  /** The tag's attribute list. */
  readonly attributes: string
  readonly resource: SourceResource
  /** In force where it stands: an init section may be encrypted, too. */
  readonly keys: readonly SourceKey[]
}

/** EXT-X-KEY other than METHOD=NONE. */
export interface SourceKey {
  readonly attributes: string
  readonly format: string
  /** Absent: the URI is no file (`skd:`, `data:`, a licence server), and stays. */
  readonly resource: SourceResource | undefined
}

export interface SourceSegment {
  readonly mediaSequenceNumber: number
  readonly durationSeconds: number
  readonly resource: SourceResource
  /** Tags before its URI, without those that are written anew. */
  readonly lines: readonly string[]
  readonly map: SourceMap | undefined
  readonly keys: readonly SourceKey[]
  readonly discontinuity: boolean
  /** The source itself says that it is missing. */
  readonly gap: boolean
  readonly programDateTimeMs: number | undefined
}

export interface MediaDocument {
  /** Tags of the playlist as a whole, without those that are written anew. */
  readonly headLines: readonly string[]
  readonly version: number | undefined
  readonly targetDurationSeconds: number
  readonly discontinuitySequence: number
  readonly segments: readonly SourceSegment[]
  readonly ended: boolean
  readonly isEvent: boolean
}

export interface DocumentBounds {
  readonly segmentsMax: number
}

/** Written anew, or of low latency: parts are gone when their segment is whole. */
const DROPPED_TAGS = new Set(
  (
    'EXTM3U EXT-X-VERSION EXT-X-MEDIA-SEQUENCE EXT-X-DISCONTINUITY-SEQUENCE EXT-X-ENDLIST EXT-X-DEFINE ' +
    'EXT-X-PART EXT-X-PART-INF EXT-X-PRELOAD-HINT EXT-X-RENDITION-REPORT EXT-X-PREFETCH EXT-X-GAP ' +
    'EXT-X-BYTERANGE EXT-X-MAP EXT-X-KEY'
  )
    .split(' ')
    .map((name) => `#${name}`),
)
/** They stay at the head wherever they are (RFC 8216bis §4.4.2, §4.4.3). */
const HEAD_TAGS = new Set(
  'INDEPENDENT-SEGMENTS START TARGETDURATION PLAYLIST-TYPE I-FRAMES-ONLY ALLOW-CACHE'
    .split(' ')
    .map((name) => `#EXT-X-${name}`),
)

/** @returns What is wrong with it, as words, instead of a document. */
export function parseMediaDocument(
  text: string,
  url: URL,
  { segmentsMax }: DocumentBounds,
  imported?: ReadonlyMap<string, string>,
): MediaDocument | string {
  if (!/^\ufeff?#EXTM3U(?:[ \t\r\n]|$)/.test(text)) return 'it is no playlist'
  if (/^#EXT-X-STREAM-INF:/m.test(text)) {
    return 'it is a multivariant playlist where a media playlist belongs'
  }
  const reader = new DocumentReader(url, segmentsMax, new PlaylistVariables(url, imported))
  forEachLine(text, (line) => reader.readLine(line))
  return reader.finish()
}

class DocumentReader {
  readonly #url: URL
  readonly #segmentsMax: number
  readonly #variables: PlaylistVariables
  #problem: string | undefined
  readonly #headLines: string[] = []
  readonly #segments: SourceSegment[] = []
  #version: number | undefined
  #targetDurationSeconds = 0
  #mediaSequenceNumber = 0
  #discontinuitySequence = 0
  #ended = false
  #isEvent = false
  // In force until the next one.
  #map: SourceMap | undefined
  #keys: readonly SourceKey[] = []
  #rangeEnd: { readonly identity: string; readonly offsetBytes: number } | undefined
  // Before the next URI.
  #lines: string[] = []
  #durationSeconds = 0
  #discontinuity = false
  #gap = false
  #range = ''
  #programDateTimeMs: number | undefined

  constructor(url: URL, segmentsMax: number, variables: PlaylistVariables) {
    this.#url = url
    this.#segmentsMax = segmentsMax
    this.#variables = variables
  }

  readLine(line: string): void {
    if (this.#problem !== undefined) return
    if (!line.startsWith('#')) return this.#addSegment(line.trimStart())
    // Comments may hold addresses of the source; nobody needs them.
    if (!line.startsWith('#EXT')) return
    const { tag, value: raw } = splitTag(this.#variables.inLine(line))
    const value = raw.trim()
    this.#readTag(tag, value)
    if (DROPPED_TAGS.has(tag)) return
    const kept =
      tag === '#EXT-X-SERVER-CONTROL' ? holdBackOf(value) : `${tag}${raw === '' ? '' : `:${raw}`}`
    if (kept === undefined) return
    const isHead = HEAD_TAGS.has(tag) || tag === '#EXT-X-SERVER-CONTROL'
    const lines = isHead ? this.#headLines : this.#lines
    lines.push(rewriteForeignUris(kept, (uri) => this.#resolve(uri), this.#url))
  }

  finish(): MediaDocument | string {
    if (this.#problem !== undefined) return this.#problem
    return {
      headLines: this.#headLines,
      version: this.#version,
      targetDurationSeconds: this.#targetDurationSeconds,
      discontinuitySequence: this.#discontinuitySequence,
      // The number is known only now: the tag may come late.
      segments: this.#segments.map((segment, index) => ({
        ...segment,
        mediaSequenceNumber: this.#mediaSequenceNumber + index,
      })),
      ended: this.#ended,
      isEvent: this.#isEvent,
    }
  }

  #readTag(tag: string, value: string): void {
    switch (tag) {
      case '#EXTINF':
        this.#durationSeconds = parseDecimal(value.split(',', 1)[0]?.trim()) ?? 0
        break
      case '#EXT-X-BYTERANGE':
        this.#range = value
        break
      case '#EXT-X-DISCONTINUITY':
        this.#discontinuity = true
        break
      case '#EXT-X-GAP':
        this.#gap = true
        break
      case '#EXT-X-PROGRAM-DATE-TIME':
        this.#programDateTimeMs = parseIsoTime(value)
        break
      case '#EXT-X-MAP':
        this.#readMap(value)
        break
      case '#EXT-X-KEY':
        this.#readKey(value)
        break
      case '#EXT-X-DEFINE':
        this.#variables.define(value)
        break
      case '#EXT-X-SKIP':
        this.#problem = 'it is a delta update that was not asked for'
        break
      default:
        this.#readPlaylistTag(tag, value)
    }
  }

  #readPlaylistTag(tag: string, value: string): void {
    switch (tag) {
      case '#EXT-X-VERSION':
        this.#version = parseInteger(value)
        break
      case '#EXT-X-TARGETDURATION':
        this.#targetDurationSeconds = parseDecimal(value) ?? 0
        break
      case '#EXT-X-MEDIA-SEQUENCE':
        this.#mediaSequenceNumber = parseInteger(value)
        break
      case '#EXT-X-DISCONTINUITY-SEQUENCE':
        this.#discontinuitySequence = parseInteger(value)
        break
      case '#EXT-X-PLAYLIST-TYPE':
        this.#isEvent = value === 'EVENT'
        break
      case '#EXT-X-ENDLIST':
        this.#ended = true
        break
    }
  }

  #addSegment(uri: string): void {
    if (this.#segments.length >= this.#segmentsMax) {
      this.#problem = `it names more than ${this.#segmentsMax} segments`
      return
    }
    const url = this.#resolve(uri)
    if (url === undefined) {
      this.#problem = 'it names a segment that is no http or https URL'
      return
    }
    this.#segments.push({
      mediaSequenceNumber: 0,
      durationSeconds: this.#durationSeconds,
      resource: { url, range: this.#toRange(this.#range, url) },
      lines: this.#lines,
      map: this.#map,
      keys: this.#keys,
      discontinuity: this.#discontinuity,
      gap: this.#gap,
      programDateTimeMs: this.#programDateTimeMs,
    })
    this.#programDateTimeMs =
      this.#programDateTimeMs === undefined
        ? undefined
        : this.#programDateTimeMs + this.#durationSeconds * 1000
    this.#lines = []
    this.#durationSeconds = 0
    this.#discontinuity = false
    this.#gap = false
    this.#range = ''
  }

  #readMap(text: string): void {
    const attributes = parseAttributes(text)
    const url = this.#resolve(attributes.get('URI') ?? '')
    if (attributes.get('URI') === undefined || url === undefined) return
    const range = parseRange(attributes.get('BYTERANGE') ?? '', 0)
    this.#map = { attributes: text, resource: { url, range }, keys: this.#keys }
  }

  #readKey(text: string): void {
    const attributes = parseAttributes(text)
    if (attributes.get('METHOD') === 'NONE') {
      this.#keys = []
      return
    }
    const format = attributes.get('KEYFORMAT') ?? 'identity'
    const url = format === 'identity' ? this.#resolve(attributes.get('URI') ?? '') : undefined
    const resource = url === undefined ? undefined : { url, range: undefined }
    const key = { attributes: text, format, resource }
    const others = this.#keys.filter((other) => other.format !== format)
    // More formats than there are systems: the text is not meant to be played.
    this.#keys = [...others.slice(-15), key]
  }

  #toRange(text: string, url: URL): ByteRange | undefined {
    const identity = identityOf(url)
    // Without an offset it goes on where the last range of the same file ended.
    const offset = this.#rangeEnd?.identity === identity ? this.#rangeEnd.offsetBytes : 0
    const range = parseRange(text, offset)
    this.#rangeEnd =
      range === undefined
        ? undefined
        : { identity, offsetBytes: range.offsetBytes + range.lengthBytes }
    return range
  }

  #resolve(uri: string): URL | undefined {
    return uri === '' ? undefined : parseSourceUrl(this.#variables.inUri(uri), this.#url)
  }
}

/** Of low latency all goes but for how far players stay back. */
function holdBackOf(value: string): string | undefined {
  const holdBackSeconds = numberOf(parseAttributes(value), 'HOLD-BACK')
  if (holdBackSeconds === undefined) return undefined
  return `#EXT-X-SERVER-CONTROL:HOLD-BACK=${holdBackSeconds}`
}

function parseRange(text: string, offsetBytesDefault: number): ByteRange | undefined {
  const match = /^(\d{1,15})(?:@(\d{1,15}))?$/.exec(text.trim())
  if (match === null || Number(match[1]) === 0) return undefined
  const offsetBytes = match[2] === undefined ? offsetBytesDefault : Number(match[2])
  return { lengthBytes: Number(match[1]), offsetBytes }
}

function parseInteger(text: string): number {
  const value = Math.floor(parseDecimal(text) ?? 0)
  return Number.isSafeInteger(value) ? value : 0
}
