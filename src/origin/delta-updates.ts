/**
 * Which delta update of a playlist a request may have (RFC 8216bis §6.2.5.1). Keeps track of when date
 * ranges came and went, which no single version of a playlist tells. The text is made by
 * `representations.ts`.
 */

import { createHash } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { StoreKey } from '../base/names.ts'
import { canSkipDateRanges, dateRangesOf } from '../hls/delta-update.ts'
import type { DateRangeSkip, DeltaOptions } from '../hls/delta-update.ts'
import type { MediaPlaylist } from '../hls/playlist.ts'
import type { StoredItem } from '../storage/store.ts'
import type { OriginEvents } from './events.ts'
import { notesOf } from './item-notes.ts'

/** What a request says by `_HLS_skip`. */
export interface SkipRequest {
  readonly skip: 'YES' | 'v2' | undefined
  readonly isSkipMalformed: boolean
}

/** A delta update to make. One name and item always mean the same text. */
export interface DeltaForm extends DeltaOptions {
  readonly name: string
}

interface Tracked {
  /** ID -> its tags, hashed, and when they were written so for the first time. */
  readonly present: Map<string, { readonly hash: string; readonly sinceMonotonicMs: number }>
  /** ID -> when it had gone. */
  readonly removed: Map<string, number>
}

const PLAYLISTS_MAX = 2000
const DATE_RANGES_MAX = 1000
/** IDs of one playlist that are remembered, in all. Real ones have a few dozen each. */
const ID_CHARS_MAX = 64 * 1024
/** RFC 8216bis §4.4.3.8: a skip boundary is at least so long. */
const SKIP_TARGET_DURATIONS_MIN = 6

export class DeltaUpdates {
  readonly #clock: Clock
  readonly #tracked = new Map<StoreKey, Tracked>()
  /** By the parsed playlist, which lives as long as its version of the item. */
  readonly #dateRanges = new WeakMap<MediaPlaylist, DateRangeSkip>()

  constructor(options: { readonly clock: Clock; readonly events: OriginEvents }) {
    this.#clock = options.clock
    options.events.on('item-stored', (item) => this.#note(item))
    options.events.on('playlist-elsewhere', (item) => this.#note(item))
  }

  /**
   * `undefined`: the whole playlist, because that is what is asked for, or because the encoder does not
   * advertise CAN-SKIP-UNTIL, or because the playlist has ended.
   */
  formOf(item: StoredItem, request: SkipRequest): DeltaForm | 'malformed' | undefined {
    const { playlist } = notesOf(item)
    if (playlist?.kind !== 'media' || playlist.ended) return undefined
    if (playlist.canSkipUntilSeconds === undefined) return undefined
    if (request.isSkipMalformed) return 'malformed'
    if (request.skip === undefined) return undefined
    const skipUntilSeconds = skipBoundarySeconds(playlist, playlist.canSkipUntilSeconds)
    const dateRanges = request.skip === 'v2' ? this.#dateRanges.get(playlist) : undefined
    // Without CAN-SKIP-DATERANGES v2 means YES: all date ranges are there.
    return { name: dateRanges === undefined ? 'd1' : 'd2', skipUntilSeconds, dateRanges }
  }

  #note(item: StoredItem): void {
    const { playlist } = notesOf(item)
    const before = this.#tracked.get(item.storeKey)
    this.#tracked.delete(item.storeKey)
    if (playlist?.kind !== 'media' || playlist.ended) return
    if (playlist.canSkipUntilSeconds === undefined) return
    const text = Buffer.concat(item.chunks).toString('latin1')
    if (!canSkipDateRanges(text)) return
    const ranges = dateRangesOf(text)
    if (ranges.size > DATE_RANGES_MAX || idCharCount(ranges) > ID_CHARS_MAX) return
    const boundarySeconds = skipBoundarySeconds(playlist, playlist.canSkipUntilSeconds)
    const sinceMs = this.#clock.monotonicMs() - boundarySeconds * 1000
    const tracked = this.#track(ranges, sinceMs, before)
    this.#tracked.set(item.storeKey, tracked)
    this.#dateRanges.set(playlist, {
      recentIds: new Set(
        [...tracked.present].flatMap(([id, range]) =>
          range.sinceMonotonicMs >= sinceMs ? [id] : [],
        ),
      ),
      removedIds: [...tracked.removed.keys()],
    })
    const oldest = this.#tracked.keys().next()
    if (this.#tracked.size > PLAYLISTS_MAX && oldest.done !== true) {
      this.#tracked.delete(oldest.value)
    }
  }

  #track(
    ranges: ReadonlyMap<string, string>,
    forgetBeforeMs: number,
    before: Tracked | undefined,
  ): Tracked {
    const nowMs = this.#clock.monotonicMs()
    const present: Tracked['present'] = new Map()
    for (const [idInText, text] of ranges) {
      // A piece of a text keeps the whole of it in memory, for as long as the range is there.
      const id = Buffer.from(idInText, 'latin1').toString('latin1')
      const hash = createHash('sha256').update(text, 'latin1').digest('base64url')
      const known = before?.present.get(id)
      present.set(id, known?.hash === hash ? known : { hash, sinceMonotonicMs: nowMs })
    }
    const removed: Tracked['removed'] = new Map()
    for (const [id, goneAtMs] of before?.removed ?? []) {
      if (goneAtMs >= forgetBeforeMs && !ranges.has(id)) removed.set(id, goneAtMs)
    }
    for (const id of before?.present.keys() ?? []) if (!ranges.has(id)) removed.set(id, nowMs)
    let charCount = idCharCount(removed)
    for (const id of removed.keys()) {
      if (removed.size <= DATE_RANGES_MAX && charCount <= ID_CHARS_MAX) break
      removed.delete(id)
      charCount -= id.length
    }
    return { present, removed }
  }
}

function idCharCount(ranges: ReadonlyMap<string, unknown>): number {
  let count = 0
  for (const id of ranges.keys()) count += id.length
  return count
}

function skipBoundarySeconds(playlist: MediaPlaylist, canSkipUntilSeconds: number): number {
  const least = SKIP_TARGET_DURATIONS_MIN * playlist.targetDurationSeconds
  return Math.max(canSkipUntilSeconds, least)
}
