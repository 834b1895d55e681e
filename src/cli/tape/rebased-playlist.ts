/**
 * One media playlist over the loops of a replay: the recorded windows put together anew as one live
 * playlist that goes on, with a discontinuity where a loop begins. Only segments that are on the tape
 * are named.
 */

import { formatIsoTime, parseIsoTime } from '../../base/dates.ts'
import { rewriteUris } from '../../hls/playlist-uris.ts'
import type { PlaylistText, SegmentText } from './playlist-text.ts'

/** Media sequence numbers that are played: from, up to but not with. */
export interface SegmentRange {
  readonly from: number
  readonly to: number
}

export interface LoopOfPlaylist {
  readonly loop: number
  /** To be added to dates. */
  readonly shiftMs: number
  /** EXT-X-ENDLIST stays. */
  readonly isLast: boolean
  /** A URI of this playlist as it is in this loop. */
  readonly rename: (uri: string) => string
  /** By how much the media sequence numbers of another playlist grow in this loop. */
  readonly advanceOf: (uri: string) => number
}

interface Placed {
  readonly segment: SegmentText
  readonly dateMs: number | undefined
  readonly isDiscontinuity: boolean
}

export class RebasedPlaylist {
  readonly #range: SegmentRange
  readonly #placed = new Map<number, Placed>()
  /** The first one that may still be asked for, and the discontinuities before it. */
  #firstIndex: number
  #discontinuitySequence: number | undefined
  #windowCount = 0
  #endIndex: number

  constructor(range: SegmentRange) {
    this.#range = range
    this.#firstIndex = range.from
    this.#endIndex = range.from
  }

  /** How many segments a loop has. */
  get segmentCount(): number {
    return this.#range.to - this.#range.from
  }

  /** @returns The text to send; `undefined` when there is nothing to show yet. */
  render(playlist: PlaylistText, loop: LoopOfPlaylist): string | undefined {
    const { from, to } = this.#range
    const offset = loop.loop * this.segmentCount
    this.#discontinuitySequence ??= this.#startOf(playlist)
    let isWhole = false
    for (const segment of playlist.segments) {
      const { mediaSequenceNumber: number } = segment
      isWhole = number < to
      if (number < from || number >= to) continue
      const index = number + offset
      this.#endIndex = Math.max(this.#endIndex, index + 1)
      if (this.#placed.has(index)) continue
      this.#placed.set(index, this.#place(segment, loop, number === from))
    }
    if (this.#placed.size === 0) return undefined
    // It never gets shorter: what begins again has a window of one.
    this.#windowCount = Math.max(this.#windowCount, playlist.segments.length)
    this.#forget(Math.max(from, this.#endIndex - this.#windowCount))
    const lines = this.#lines(playlist)
    if (isWhole) lines.push(...this.#trailer(playlist, loop))
    if (playlist.isEnded && loop.isLast) lines.push('#EXT-X-ENDLIST')
    return `${lines.join('\n')}\n`
  }

  #startOf({ segments, discontinuitySequence }: PlaylistText): number {
    const gone = segments.filter(
      ({ mediaSequenceNumber, isDiscontinuity }) =>
        isDiscontinuity && mediaSequenceNumber < this.#range.from,
    )
    return discontinuitySequence + gone.length
  }

  #place(segment: SegmentText, loop: LoopOfPlaylist, isFirst: boolean): Placed {
    const { dateMs, isDiscontinuity } = segment
    const renamed = rewriteUris(
      [segment.map, ...segment.keys, ...segment.tags, segment.uri].join('\n'),
      loop.rename,
    ).split('\n')
    const [map = '', ...rest] = renamed
    const keys = rest.slice(0, segment.keys.length)
    const tags = rest.slice(segment.keys.length, -1).map((tag) => shiftDates(tag, loop))
    return {
      segment: { ...segment, map, keys, tags, uri: rest.at(-1) ?? '' },
      dateMs: dateMs === undefined ? undefined : dateMs + loop.shiftMs,
      isDiscontinuity: isDiscontinuity || (isFirst && loop.loop > 0),
    }
  }

  #forget(firstIndex: number): void {
    for (; this.#firstIndex < firstIndex; this.#firstIndex++) {
      const gone = this.#placed.get(this.#firstIndex)
      if (gone?.isDiscontinuity === true) {
        this.#discontinuitySequence = (this.#discontinuitySequence ?? 0) + 1
      }
      this.#placed.delete(this.#firstIndex)
    }
  }

  #lines({ header }: PlaylistText): string[] {
    const lines = [...header, `#EXT-X-MEDIA-SEQUENCE:${this.#firstIndex}`]
    if ((this.#discontinuitySequence ?? 0) > 0 || this.#hasDiscontinuity()) {
      lines.push(`#EXT-X-DISCONTINUITY-SEQUENCE:${this.#discontinuitySequence ?? 0}`)
    }
    let map = ''
    let keys = ''
    let isFirst = true
    for (let index = this.#firstIndex; index < this.#endIndex; index++) {
      const placed = this.#placed.get(index)
      if (placed === undefined) continue
      const { segment, dateMs, isDiscontinuity } = placed
      if (isDiscontinuity) lines.push('#EXT-X-DISCONTINUITY')
      const ownKeys = segment.keys.join('\n')
      if (ownKeys !== keys)
        lines.push(...(ownKeys === '' ? ['#EXT-X-KEY:METHOD=NONE'] : segment.keys))
      if (segment.map !== map && segment.map !== '') lines.push(segment.map)
      map = segment.map
      keys = ownKeys
      if (dateMs !== undefined && (segment.hasOwnDate || isFirst || isDiscontinuity)) {
        lines.push(`#EXT-X-PROGRAM-DATE-TIME:${formatIsoTime(dateMs)}`)
      }
      isFirst = false
      lines.push(...segment.tags, segment.uri)
    }
    return lines
  }

  #hasDiscontinuity(): boolean {
    for (const { isDiscontinuity } of this.#placed.values()) if (isDiscontinuity) return true
    return false
  }

  #trailer({ trailer }: PlaylistText, loop: LoopOfPlaylist): string[] {
    return trailer.map((line) => {
      const uri = /[:,]URI="([^"]*)"/.exec(line)?.[1] ?? ''
      const advanced = line.startsWith('#EXT-X-RENDITION-REPORT')
        ? line.replace(/([:,]LAST-MSN=)(\d+)/, (_, name: string, number: string) => {
            return `${name}${Number(number) + loop.advanceOf(uri)}`
          })
        : line
      return rewriteUris(advanced, loop.rename)
    })
  }
}

/** EXT-X-DATERANGE: its dates move, and its id is another in each loop, since its dates are. */
function shiftDates(tag: string, { shiftMs, loop }: LoopOfPlaylist): string {
  if (!tag.startsWith('#EXT-X-DATERANGE')) return tag
  return tag
    .replace(/([:,](?:START|END)-DATE=")([^"]*)"/g, (all, name: string, date: string) => {
      const dateMs = parseIsoTime(date)
      return dateMs === undefined ? all : `${name}${formatIsoTime(dateMs + shiftMs)}"`
    })
    .replace(/([:,]ID=")([^"]*)"/, (all, name: string, id: string) =>
      loop === 0 ? all : `${name}${id}-${loop + 1}"`,
    )
}
