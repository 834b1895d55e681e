/**
 * Playlist delta updates (RFC 8216bis §6.2.5.1): the text of a live media playlist without what a
 * player that has an earlier version of it knows. Every line that stays is as the encoder wrote it.
 */

import { numberOf, parseAttributes, parseDecimal, splitTag } from './playlist-lines.ts'

export interface DeltaOptions {
  /** Segments whose end is further than this from the end of the last one are left out. */
  readonly skipUntilSeconds: number
  /** Date ranges to leave out (`_HLS_skip=v2`); without it all of them stay. */
  readonly dateRanges?: DateRangeSkip | undefined
}

/** What a player knows of date ranges. */
export interface DateRangeSkip {
  /** IDs of tags that stay: they are new, or have changed. */
  readonly recentIds: ReadonlySet<string>
  /** IDs of those that have gone lately. */
  readonly removedIds: readonly string[]
}

const VERSION_WITH_SKIP = 9
const VERSION_WITH_SKIPPED_DATE_RANGES = 10

/** Tags of the playlist as a whole (§4.4.2, §4.4.3, §4.4.5): they stay, wherever they are. */
const PLAYLIST_TAGS = new Set(
  (
    'EXTM3U EXT-X-VERSION EXT-X-INDEPENDENT-SEGMENTS EXT-X-START EXT-X-DEFINE EXT-X-TARGETDURATION ' +
    'EXT-X-MEDIA-SEQUENCE EXT-X-DISCONTINUITY-SEQUENCE EXT-X-PLAYLIST-TYPE EXT-X-I-FRAMES-ONLY ' +
    'EXT-X-PART-INF EXT-X-SERVER-CONTROL EXT-X-PRELOAD-HINT EXT-X-RENDITION-REPORT EXT-X-ALLOW-CACHE'
  )
    .split(' ')
    .map((name) => `#${name}`),
)
/** Tags of segments (§4.4.4). Those that hold for the next ones, too, are repeated. */
const SEGMENT_TAGS = new Set(
  (
    'EXTINF EXT-X-BYTERANGE EXT-X-DISCONTINUITY EXT-X-KEY EXT-X-MAP EXT-X-PROGRAM-DATE-TIME ' +
    'EXT-X-GAP EXT-X-BITRATE EXT-X-PART'
  )
    .split(' ')
    .map((name) => `#${name}`),
)
/** Marks of advertisements, of no draft but in use, stand before the segment they mean. */
const SEGMENT_MARK = /CUE|SCTE|SPLICE|ASSET/

interface Segment {
  readonly durationSeconds: number
  /** Index of the line with its URI. */
  readonly line: number
  readonly rangeEndBytes: number
}

/**
 * @param text  A playlist that has not ended; any encoding in which ASCII is itself.
 * @returns `undefined` when there is nothing to leave out, or when it is a delta update already.
 */
export function toDeltaUpdate(text: string, options: DeltaOptions): string | undefined {
  const lines = text.match(/[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+$/g) ?? []
  const segments = findSegments(lines)
  const skippedCount = countSkipped(segments, options.skipUntilSeconds)
  const last = segments[skippedCount - 1]
  if (last === undefined || lines.some((line) => /^#EXT-X-SKIP[:\s]/.test(line))) return undefined
  const lineEnd = /[\r\n]+$/.exec(lines[0] ?? '')?.[0] ?? '\n'
  const skipTag = formatSkip(skippedCount, options.dateRanges)
  const kept: string[] = []
  const carried = new CarriedTags()
  let hasBegun = false
  for (const [index, line] of lines.entries()) {
    const { tag, value } = splitTag(line.trimEnd())
    if (tag === '#EXT-X-DATERANGE') {
      if (staysDateRange(value, options.dateRanges)) kept.push(line)
    } else if (index > last.line) {
      kept.push(line)
    } else if (PLAYLIST_TAGS.has(tag)) {
      kept.push(line)
    } else if (!hasBegun && !isOfSegment(tag)) {
      // Comments, blank lines and tags we do not know at the head are the playlist's.
      kept.push(line)
    } else {
      if (!hasBegun) kept.push(`${skipTag}${lineEnd}`)
      hasBegun = true
      carried.read(tag, value, line)
    }
    // One by one: a text may hold more of them than a call takes arguments.
    if (index === last.line) for (const carriedLine of carried.lines) kept.push(carriedLine)
  }
  const version = options.dateRanges ? VERSION_WITH_SKIPPED_DATE_RANGES : VERSION_WITH_SKIP
  raiseVersion(kept, version, lineEnd)
  placeByteRange(kept, kept.lastIndexOf(`${skipTag}${lineEnd}`), last.rangeEndBytes)
  return kept.join('')
}

function findSegments(lines: readonly string[]): Segment[] {
  const segments: Segment[] = []
  let durationSeconds = 0
  let rangeEndBytes = 0
  for (const [index, line] of lines.entries()) {
    if (line.startsWith('#')) {
      const { tag, value } = splitTag(line.trimEnd())
      if (tag === '#EXTINF') durationSeconds = parseDecimal(value.split(',', 1)[0]?.trim()) ?? 0
      if (tag === '#EXT-X-BYTERANGE') rangeEndBytes = byteRangeEnd(value, rangeEndBytes)
    } else if (line.trim() !== '') {
      segments.push({ durationSeconds, line: index, rangeEndBytes })
      durationSeconds = 0
    }
  }
  return segments
}

function countSkipped(segments: readonly Segment[], skipUntilSeconds: number): number {
  let count = segments.length
  let distanceSeconds = 0
  while (count > 0 && distanceSeconds <= skipUntilSeconds) {
    distanceSeconds += segments[count - 1]?.durationSeconds ?? 0
    count--
  }
  return distanceSeconds > skipUntilSeconds ? count : 0
}

function isOfSegment(tag: string): boolean {
  if (tag !== '' && !tag.startsWith('#')) return true
  return SEGMENT_TAGS.has(tag) || (tag.startsWith('#EXT') && SEGMENT_MARK.test(tag))
}

function staysDateRange(value: string, skip: DateRangeSkip | undefined): boolean {
  return skip === undefined || skip.recentIds.has(parseAttributes(value).get('ID') ?? '')
}

function formatSkip(skippedCount: number, dateRanges: DateRangeSkip | undefined): string {
  const tag = `#EXT-X-SKIP:SKIPPED-SEGMENTS=${skippedCount}`
  if (dateRanges === undefined) return tag
  return `${tag},RECENTLY-REMOVED-DATERANGES="${dateRanges.removedIds.join('\t')}"`
}

/** What skipped segments leave in force: the init section, keys and bit rate of the next one. */
class CarriedTags {
  #map = ''
  #bitrate = ''
  readonly #keys = new Map<string, string>()

  get lines(): readonly string[] {
    return [...this.#keys.values(), this.#map, this.#bitrate].filter((line) => line !== '')
  }

  read(tag: string, value: string, line: string): void {
    if (tag === '#EXT-X-MAP') this.#map = line
    if (tag === '#EXT-X-BITRATE') this.#bitrate = line
    if (tag !== '#EXT-X-KEY') return
    const attributes = parseAttributes(value)
    if (attributes.get('METHOD') === 'NONE') this.#keys.clear()
    else this.#keys.set(attributes.get('KEYFORMAT') ?? 'identity', line)
  }
}

function raiseVersion(lines: string[], version: number, lineEnd: string): void {
  const index = lines.findIndex((line) => line.startsWith('#EXT-X-VERSION:'))
  const written = Number(parseDecimal(splitTag(lines[index] ?? '').value.trim()) ?? 0)
  if (index === -1) lines.splice(1, 0, `#EXT-X-VERSION:${version}${lineEnd}`)
  else if (written < version) lines[index] = `#EXT-X-VERSION:${version}${lineEnd}`
}

/** A range without an offset goes on where a segment ended that is not there any more. */
function placeByteRange(lines: string[], from: number, rangeEndBytes: number): void {
  for (let index = from; index < lines.length; index++) {
    const line = lines[index] ?? ''
    if (!line.startsWith('#') && line.trim() !== '') return
    if (!line.startsWith('#EXT-X-BYTERANGE:') || line.includes('@')) continue
    const text = line.trimEnd()
    lines[index] = `${text}@${rangeEndBytes}${line.slice(text.length)}`
  }
}

function byteRangeEnd(value: string, offsetBytesDefault: number): number {
  const match = /^(\d{1,15})(?:@(\d{1,15}))?$/.exec(value.trim())
  if (match === null) return offsetBytesDefault
  return Number(match[1]) + (match[2] === undefined ? offsetBytesDefault : Number(match[2]))
}

/** IDs and texts of EXT-X-DATERANGE, for who keeps track of them. Several tags of one ID are one. */
export function dateRangesOf(text: string): Map<string, string> {
  const ranges = new Map<string, string>()
  for (const [, value] of text.matchAll(/^#EXT-X-DATERANGE:(.*)$/gm)) {
    const id = value === undefined ? undefined : parseAttributes(value).get('ID')
    if (id !== undefined && value !== undefined) ranges.set(id, (ranges.get(id) ?? '') + value)
  }
  return ranges
}

/** Whether EXT-X-SERVER-CONTROL of a text allows date ranges to be left out. */
export function canSkipDateRanges(text: string): boolean {
  const control = /^#EXT-X-SERVER-CONTROL:(.*)$/m.exec(text)?.[1]
  const attributes = parseAttributes(control ?? '')
  return (
    attributes.get('CAN-SKIP-DATERANGES') === 'YES' &&
    numberOf(attributes, 'CAN-SKIP-UNTIL') !== undefined
  )
}
