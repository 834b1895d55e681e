/**
 * What the origin knows of one media playlist: its last version, when it was written, how far it is,
 * what it names that is not stored. Plain reads; nothing here tells anybody.
 */

import { formatItemKey, splitStoreKey } from '../base/names.ts'
import type { CacheName, ItemKey, StoreKey } from '../base/names.ts'
import { redactText } from '../base/redact.ts'
import { endOf } from '../hls/succession.ts'
import { renditionStateOf } from '../hls/validate-channel.ts'
import type { RenditionState } from '../hls/validate-channel.ts'
import type { PeekResult, StoredItem } from '../storage/store.ts'
import type { ChannelState } from './channel-view.ts'
import { notesOf } from './item-notes.ts'
import type { LivePlaylist } from './live-playlist.ts'
import { PublishTimeline } from './publish-timeline.ts'

/** What a record asks the origin. */
export interface RecordSurroundings {
  readonly look: (storeKey: StoreKey) => PeekResult
  /** Whether an upload of a key is in progress: it is on its way, not missing. */
  readonly isUploading: (storeKey: StoreKey) => boolean
}

/** A PUT of a playlist. */
export interface RecordedWrite {
  readonly live: LivePlaylist
  readonly nowMonotonicMs: number
  readonly nowMs: number
}

/** A key that is named and not stored. */
interface Unstored {
  readonly storeKey: StoreKey
  readonly msn: number
  /** Monotonic ms; `-Infinity` for what was stored once and is gone. */
  readonly namedAtMs: number
}

/** RFC 8216bis §6.2.2: a live playlist is renewed within 1.5 target durations; twice that is late. */
const STALE_TARGET_DURATIONS = 3
const STALE_MS_MIN = 6000
/** ffmpeg's default mode names a segment up to 5 s before it is stored, on a slow uplink. */
const OVERDUE_TARGET_DURATIONS = 1.5
const OVERDUE_MS_MIN = 6000
/** A segment that a newer one has overtaken is not waited for longer than readers are held. */
const OVERTAKEN_MS_MAX = 3000
/** A playlist is current for so many target durations after its PUT, at least a minute. */
const CURRENT_TARGET_DURATIONS = 10
const CURRENT_MS_MIN = 60_000
/** One lost segment is a gap; with two at the edge there is nothing left to play there. */
const LOST_AT_EDGE_MIN = 2

export class RenditionRecord {
  readonly storeKey: StoreKey
  readonly cacheName: CacheName
  readonly key: ItemKey
  /** For sentences. */
  readonly name: string
  readonly timeline = new PublishTimeline()
  readonly firstWriteMonotonicMs: number
  /** First write of the encoder's present run. */
  runStartedMonotonicMs: number
  lastWriteMonotonicMs: number
  /** Wall clock. */
  lastWriteAtMs: number
  targetDurationSeconds = 0
  segmentCount = 0
  /** The newest segment's; `undefined` while there is none. */
  lastMsn: number | undefined
  /** Program date-time of the live edge with the parts after it; `undefined` without dates. */
  edgeDateMs: number | undefined
  ended = false
  /** For the validator of channels. */
  inChannel: RenditionState | undefined
  /** The last PUT; `undefined` once it has ended, or is not stored any more. */
  live: LivePlaylist | undefined
  /** Whether the playlist itself is stored, as of the last look. */
  isStored = true
  /** Whether its window is still kept: false once nobody has renewed it for long. */
  isCurrent = true
  readonly #surroundings: RecordSurroundings
  /** In the order of the playlist. */
  #unstored = new Map<StoreKey, Unstored>()
  /** The init section and the key of the newest segment. */
  #needed: readonly Unstored[] = []
  /** The newest segment of this run that was ever seen stored; -1 for none. */
  #arrivedMsn = -1
  /** When the last newly named segment came, monotonic; and how many were named since. */
  #arrivedAtMs: number
  #unarrivedCount = 0

  constructor(storeKey: StoreKey, surroundings: RecordSurroundings, write: RecordedWrite) {
    const { cacheName, key } = splitStoreKey(storeKey)
    this.storeKey = storeKey
    this.cacheName = cacheName
    this.key = key
    this.name = nameOfKey(key)
    this.#surroundings = surroundings
    this.firstWriteMonotonicMs = write.nowMonotonicMs
    this.runStartedMonotonicMs = write.nowMonotonicMs
    this.lastWriteMonotonicMs = write.nowMonotonicMs
    this.lastWriteAtMs = write.nowMs
    this.#arrivedAtMs = write.nowMonotonicMs
  }

  /**
   * Takes over a PUT. Looks once at each segment it names: 0.1 µs each.
   *
   * @returns Segments named for the first time that are not there.
   */
  write({ live, nowMonotonicMs, nowMs }: RecordedWrite): readonly StoreKey[] {
    const { playlist } = live
    const before = this.live
    if (!this.timeline.continues(playlist)) {
      this.runStartedMonotonicMs = nowMonotonicMs
      this.#arrivedMsn = -1
      this.#arrive(-1, nowMonotonicMs)
    }
    this.lastWriteMonotonicMs = nowMonotonicMs
    this.lastWriteAtMs = nowMs
    this.targetDurationSeconds = playlist.targetDurationSeconds
    this.segmentCount = playlist.segmentCount
    this.lastMsn = playlist.segmentCount === 0 ? undefined : endOf(playlist) - 1
    this.inChannel = renditionStateOf(this.name, playlist)
    const openMs = playlist.openParts.reduce((sum, part) => sum + part.durationSeconds * 1000, 0)
    const { edgeDateMs } = this.inChannel
    this.edgeDateMs = edgeDateMs === undefined ? undefined : edgeDateMs + openMs
    this.ended = playlist.ended
    this.live = playlist.ended ? undefined : live
    this.isStored = true
    this.isCurrent = !playlist.ended
    this.timeline.list(live, this.#surroundings.look, nowMs)
    this.#needed = [playlist.initUris.at(-1), playlist.keyUris.at(-1)].flatMap((uri) => {
      const storeKey = uri === undefined ? undefined : live.keysByUri.get(uri)
      if (storeKey === undefined) return []
      const known = this.#needed.find((each) => each.storeKey === storeKey)
      return [known ?? { storeKey, msn: 0, namedAtMs: nowMonotonicMs }]
    })
    return this.#lookAtSegments(live, before)
  }

  /** A segment has come that was named before. */
  settle(item: StoredItem, nowMonotonicMs: number): void {
    const unstored = this.#unstored.get(item.storeKey)
    if (unstored === undefined) return
    this.#unstored.delete(item.storeKey)
    this.#arrive(unstored.msn, nowMonotonicMs)
    this.timeline.settle(item)
    if (this.live !== undefined) notesOf(item).namedBy = this.storeKey
  }

  /** The playlist is not stored any more: what it named does not matter to anybody. */
  release(): void {
    this.isStored = false
    this.live = undefined
    this.#unstored.clear()
  }

  ageSeconds(nowMonotonicMs: number): number {
    return (nowMonotonicMs - this.lastWriteMonotonicMs) / 1000
  }

  /** Written so long ago that its encoder has stopped. */
  isStale(nowMonotonicMs: number): boolean {
    return (
      !this.ended &&
      nowMonotonicMs - this.lastWriteMonotonicMs > staleAfterMs(this.targetDurationSeconds)
    )
  }

  /** Whether its last PUT is recent enough for what it names to be kept. */
  isCurrentAt(nowMonotonicMs: number): boolean {
    const currentMs = Math.max(
      CURRENT_MS_MIN,
      CURRENT_TARGET_DURATIONS * this.targetDurationSeconds * 1000,
    )
    return this.live !== undefined && nowMonotonicMs - this.lastWriteMonotonicMs <= currentMs
  }

  /** Segments that are named, not stored, and not to be expected any more. */
  missingSegmentCount(nowMonotonicMs: number): number {
    let count = 0
    for (const each of this.#unstored.values()) if (this.#isMissing(each, nowMonotonicMs)) count++
    return count
  }

  /** Why it cannot be played at its live edge, in a sentence; '' when it can. */
  fault(nowMonotonicMs: number): string {
    const { name } = this
    if (this.ended) return ''
    if (!this.isStored) return `${name} is not stored any more: it expired or was deleted.`
    const { look } = this.#surroundings
    const needed = this.#needed.find(
      (each) => look(each.storeKey) === 'absent' && this.#isMissing(each, nowMonotonicMs),
    )
    if (needed !== undefined) {
      const { key } = splitStoreKey(needed.storeKey)
      return `${nameOfKey(key)}, which ${name} needs, is not stored.`
    }
    const count = this.#missingAtEdgeCount(nowMonotonicMs)
    if (count < LOST_AT_EDGE_MIN && (count === 0 || count < this.segmentCount)) return ''
    const segments = count === 1 ? 'segment' : `${count} segments`
    return `The newest ${segments} that ${name} names ${count === 1 ? 'is' : 'are'} not stored.`
  }

  state(nowMonotonicMs: number): ChannelState {
    if (this.ended) return 'ended'
    if (this.isStale(nowMonotonicMs)) return 'stale'
    return this.fault(nowMonotonicMs) === '' ? 'live' : 'broken'
  }

  #lookAtSegments(live: LivePlaylist, before: LivePlaylist | undefined): readonly StoreKey[] {
    const { playlist, keysByUri } = live
    const unstored = new Map<StoreKey, Unstored>()
    const awaited: StoreKey[] = []
    const note = (uri: string, msn: number) => {
      const storeKey = keysByUri.get(uri)
      if (storeKey === undefined) return
      const item = this.#surroundings.look(storeKey)
      const isNews = before?.keysByUri.has(uri) !== true
      if (item !== 'absent' && isNews) this.#arrive(msn, live.putAtMonotonicMs)
      if (typeof item === 'object') {
        if (!playlist.ended) notesOf(item).namedBy = this.storeKey
      } else if (item === 'absent' && !unstored.has(storeKey)) {
        if (isNews) awaited.push(storeKey)
        if (isNews) this.#unarrivedCount++
        const namedAtMs = isNews ? live.putAtMonotonicMs : -Infinity
        const known = this.#unstored.get(storeKey)
        unstored.set(storeKey, { storeKey, msn, namedAtMs: known?.namedAtMs ?? namedAtMs })
      }
    }
    for (const [index, segment] of playlist.segments.entries()) {
      if (!segment.gap) note(segment.uri, playlist.mediaSequenceNumber + index)
    }
    if (playlist.isSummary) {
      const from = endOf(playlist) - playlist.lastSegmentUris.length
      for (const [index, uri] of playlist.lastSegmentUris.entries()) note(uri, from + index)
    }
    this.#unstored = unstored
    return awaited
  }

  /** From the edge back to the first segment that is there; those yet to come do not count. */
  #missingAtEdgeCount(nowMonotonicMs: number): number {
    if (this.#unstored.size === 0 || this.lastMsn === undefined) return 0
    let expectedMsn = this.lastMsn
    let count = 0
    for (const each of [...this.#unstored.values()].toReversed()) {
      if (each.msn !== expectedMsn) break
      expectedMsn--
      if (this.#isMissing(each, nowMonotonicMs)) count++
    }
    return count
  }

  #isMissing({ storeKey, namedAtMs, msn }: Unstored, nowMonotonicMs: number): boolean {
    const { isUploading, look } = this.#surroundings
    // On its way, or written by another node.
    if (isUploading(storeKey) || look(storeKey) !== 'absent') return false
    const targetMs = this.targetDurationSeconds * 1000
    const overdueMs = Math.max(OVERDUE_MS_MIN, OVERDUE_TARGET_DURATIONS * targetMs)
    const ageMs = nowMonotonicMs - namedAtMs
    if (ageMs > overdueMs) return true
    if (msn < this.#arrivedMsn) return ageMs > Math.min(OVERTAKEN_MS_MAX, targetMs)
    // A short window is over before its segments are overdue: then nothing at all has come for long.
    const hasStopped = this.#unarrivedCount >= LOST_AT_EDGE_MIN
    return hasStopped && nowMonotonicMs - this.#arrivedAtMs > overdueMs
  }

  #arrive(msn: number, nowMonotonicMs: number): void {
    this.#arrivedMsn = Math.max(this.#arrivedMsn, msn)
    this.#arrivedAtMs = nowMonotonicMs
    this.#unarrivedCount = 0
  }
}

/** After how long without a PUT a live playlist is stale, ms. */
export function staleAfterMs(targetDurationSeconds: number): number {
  return Math.max(STALE_MS_MIN, STALE_TARGET_DURATIONS * targetDurationSeconds * 1000)
}

/** A key for a sentence. */
export function nameOfKey(key: ItemKey): string {
  return redactText(formatItemKey(key)).slice(0, 200)
}
