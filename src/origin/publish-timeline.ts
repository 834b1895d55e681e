/**
 * When segments of a media playlist were stored, against when they were due.
 *
 * Due is what an encoder that keeps its own best pace would have done. Each segment has a place on the
 * media's time: the end of it by EXT-X-PROGRAM-DATE-TIME, else by adding up EXTINF. The distance from
 * there to the end of its PUT is the encoder's latency, clock and all; the shortest among the last 60
 * segments is its best, and due is the place plus that. So the clocks need not agree, a slow drift of
 * theirs does not add up, and a delay that lasts longer than 60 segments counts as the encoder's way.
 * A restart, a discontinuity or a leap back of the dates begins anew.
 */

import { splitStoreKey } from '../base/names.ts'
import type { StoreKey } from '../base/names.ts'
import type { MediaPlaylist, Segment } from '../hls/playlist.ts'
import { endOf, identityOf } from '../hls/succession.ts'
import type { PeekResult, StoredItem } from '../storage/store.ts'
import type { PublishPoint } from './channel-view.ts'
import type { LivePlaylist } from './live-playlist.ts'

/** Segments that are remembered for each playlist. */
export const POINTS_MAX = 60
/** Earlier than due by so many target durations: the dates leapt, no encoder is that fast. */
const EARLY_TARGET_DURATIONS = 3

interface Entry {
  readonly storeKey: StoreKey
  /** Place of its end on the media's time, ms; `NaN` when that was another run's. */
  endMs: number
  point: PublishPoint
}

export class PublishTimeline {
  #entries: Entry[] = []
  #points: readonly PublishPoint[] | undefined
  /** Of the newest segment listed; -1 before the first. */
  #lastMsn = -1
  #lastIdentity = ''
  #endMs = 0
  #isDated = false

  /** Oldest first, at most {@link POINTS_MAX}. */
  get points(): readonly PublishPoint[] {
    return (this.#points ??= this.#entries.map(({ point }) => point))
  }

  /** Of the newest segment that is stored, seconds; negative is early. */
  get delaySeconds(): number | undefined {
    const newest = this.#entries.findLast(({ point }) => point.storedAtMs !== undefined)?.point
    if (newest?.storedAtMs === undefined) return undefined
    return (newest.storedAtMs - newest.dueAtMs) / 1000
  }

  /** Whether a playlist goes on where the one before ended: its newest segment is listed, or is the next to be. */
  continues(playlist: MediaPlaylist): boolean {
    const index = this.#lastMsn - playlist.mediaSequenceNumber
    if (this.#lastMsn === -1 || index < -1 || index >= playlist.segmentCount) return false
    // Summed up: numbers are all there is.
    const segment = playlist.segments[index]
    return segment === undefined || identityOf(segment) === this.#lastIdentity
  }

  /**
   * A playlist was written: notes the segments it names first.
   *
   * @param look  What is stored under a key.
   * @param nowMs  Wall clock.
   */
  list(
    { playlist, keysByUri }: LivePlaylist,
    look: (storeKey: StoreKey) => PeekResult,
    nowMs: number,
  ): void {
    const { segments, mediaSequenceNumber } = playlist
    const goesOn = this.continues(playlist)
    if (!goesOn) this.#beginAnew()
    const from = goesOn ? this.#lastMsn - mediaSequenceNumber + 1 : 0
    for (let index = from; index < segments.length; index++) {
      const segment = segments[index]
      if (segment === undefined) continue
      this.#advance(segment)
      const storeKey = keysByUri.get(segment.uri)
      if (storeKey === undefined || segment.gap || index < segments.length - POINTS_MAX) continue
      const item = look(storeKey)
      if (item === 'elsewhere') continue
      const msn = mediaSequenceNumber + index
      const targetMs = playlist.targetDurationSeconds * 1000
      this.#add({ storeKey, segment, msn, targetMs, item, nowMs })
    }
    if (playlist.segmentCount === 0) return
    this.#lastMsn = endOf(playlist) - 1
    const last = segments.at(-1)
    this.#lastIdentity = last === undefined ? '' : identityOf(last)
  }

  /** A segment that a playlist named before it was stored has come. */
  settle(item: StoredItem): void {
    const entry = this.#entries.findLast(({ storeKey }) => storeKey === item.storeKey)
    if (entry === undefined || entry.point.storedAtMs !== undefined) return
    const { sizeBytes, storedAtMs } = item
    entry.point = { ...entry.point, sizeBytes, storedAtMs }
    this.#points = undefined
  }

  #add(listed: {
    readonly storeKey: StoreKey
    readonly segment: Segment
    readonly msn: number
    readonly targetMs: number
    readonly item: StoredItem | 'absent'
    readonly nowMs: number
  }): void {
    const { storeKey, segment, item, nowMs } = listed
    const storedAtMs = item === 'absent' ? undefined : item.storedAtMs
    let dueAtMs = this.#endMs + this.#bestLatencyMs()
    const earlyMs = storedAtMs === undefined ? 0 : dueAtMs - storedAtMs
    const hasLeapt = earlyMs > EARLY_TARGET_DURATIONS * listed.targetMs
    if (hasLeapt) for (const entry of this.#entries) entry.endMs = Number.NaN
    // The first of a run is what the others are measured by.
    if (hasLeapt || dueAtMs === Infinity) dueAtMs = storedAtMs ?? nowMs
    this.#entries.push({
      storeKey,
      endMs: this.#endMs,
      point: {
        key: splitStoreKey(storeKey).key,
        mediaSequenceNumber: listed.msn,
        durationSeconds: segment.durationSeconds,
        sizeBytes: item === 'absent' ? 0 : (segment.byteRange?.lengthBytes ?? item.sizeBytes),
        dueAtMs,
        storedAtMs,
      },
    })
    if (this.#entries.length > POINTS_MAX) this.#entries.shift()
    this.#points = undefined
  }

  /** Moves to the end of a segment. */
  #advance(segment: Segment): void {
    const { programDateTimeMs, durationSeconds } = segment
    const isDated = programDateTimeMs !== undefined
    if (segment.discontinuity || isDated !== this.#isDated) this.#beginAnew()
    this.#isDated = isDated
    this.#endMs = (programDateTimeMs ?? this.#endMs) + durationSeconds * 1000
  }

  /** `Infinity` while there is nothing to go by. */
  #bestLatencyMs(): number {
    let best = Infinity
    for (const { endMs, point } of this.#entries) {
      if (point.storedAtMs === undefined) continue
      const latencyMs = point.storedAtMs - endMs
      // Not true of NaN.
      if (latencyMs < best) best = latencyMs
    }
    return best
  }

  #beginAnew(): void {
    for (const entry of this.#entries) entry.endMs = Number.NaN
    this.#endMs = 0
  }
}
