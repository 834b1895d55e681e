/**
 * The origin's one picture of its channels: which playlists belong together, and a record of each
 * media playlist. Told of every PUT by the origin; the live window, cache times, the validator,
 * metrics, the admin API and the terminal read it. Costs a look-up for a segment's PUT, a walk over
 * the window for a playlist's, nothing for a read.
 */

import type { Clock, Timer } from '../base/clock.ts'
import { formatItemKey, splitStoreKey, toStoreKey } from '../base/names.ts'
import type { CacheName, ItemKey, StoreKey } from '../base/names.ts'
import type { MediaPlaylist } from '../hls/playlist.ts'
import type { Store, StoredItem } from '../storage/store.ts'
import { decidingRecords, judgeChannel, targetDurationOf } from './channel-state.ts'
import type { ChannelJudgement, ChannelMembers } from './channel-state.ts'
import { ChannelTopology } from './channel-topology.ts'
import type { Multivariant } from './channel-topology.ts'
import type { Channels, ChannelState, ChannelView } from './channel-view.ts'
import { toChannelView } from './channel-views.ts'
import type { OriginEvents } from './events.ts'
import type { KeptFinding } from './findings.ts'
import { notesOf } from './item-notes.ts'
import { resolveLivePlaylist } from './live-playlist.ts'
import type { LivePlaylist } from './live-playlist.ts'
import { RenditionRecord } from './rendition-record.ts'
import type { RecordedWrite, RecordSurroundings } from './rendition-record.ts'
import { writtenAtMonotonicMs } from './written-after.ts'

export interface ChannelModelOptions {
  readonly store: Store
  readonly events: OriginEvents
  readonly clock: Clock
  readonly isUploading: RecordSurroundings['isUploading']
  /** The last findings of a playlist, oldest first. */
  readonly findingsOf: (storeKey: StoreKey) => readonly KeptFinding[]
}

/** A media playlist was written. */
export interface PlaylistWrite {
  readonly item: StoredItem
  readonly playlist: MediaPlaylist
  /** It as written now, and as it was written before if that was live and is known. */
  readonly now: LivePlaylist
  readonly before: LivePlaylist | undefined
  /** Otherwise another node has received it, and looks after what lasts in the store. */
  readonly isHere: boolean
}

/** Who keeps something for a live playlist. */
export interface ChannelFollower {
  written(write: PlaylistWrite): void
  multivariantWritten?(storeKey: StoreKey): void
  /** A playlist's window need not be kept any more: it has ended, is gone, or nobody renews it. */
  lapsed?(storeKey: StoreKey): void
}

/** When a write happened, by both clocks. */
type WriteTime = Pick<RecordedWrite, 'nowMonotonicMs' | 'nowMs'> & { readonly isHere: boolean }

/** What was told of a channel. */
interface ToldState {
  readonly state: ChannelState
  readonly sinceMs: number
  /** When it went live last, monotonic. */
  readonly runStartedMonotonicMs: number
}

const TICK_MS = 1000
/** A media playlist may arrive before the multivariant one that names it. */
const ALONE_AFTER_MS = 5000
/** What has not been written for so long is no channel any more, ms. */
export const FORGET_MS = 3_600_000
/** Media playlists; the one that was written longest ago goes first. */
export const PLAYLISTS_MAX = 2000
/** Segments that are named and not there, of all playlists. */
const AWAITED_MAX = 50_000

export class ChannelModel implements Channels {
  readonly #options: ChannelModelOptions
  readonly #surroundings: RecordSurroundings
  readonly #topology = new ChannelTopology()
  /** Oldest write first. */
  readonly #records = new Map<StoreKey, RenditionRecord>()
  /** Segment that is named and not there -> who named it last. */
  readonly #awaited = new Map<StoreKey, RenditionRecord>()
  readonly #told = new Map<StoreKey, ToldState>()
  readonly #followers: ChannelFollower[] = []
  #timer: Timer | undefined
  #isClosed = false

  constructor(options: ChannelModelOptions) {
    this.#options = options
    const { store, isUploading } = options
    this.#surroundings = { look: (storeKey) => store.inspect(storeKey), isUploading }
  }

  /** Tells a follower of every write from now on. */
  follow(follower: ChannelFollower): void {
    this.#followers.push(follower)
  }

  close(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimer(this.#timer)
    this.#timer = undefined
    this.#isClosed = true
  }

  /** What belongs together. */
  get topology(): Pick<
    ChannelTopology,
    'get' | 'namedBy' | 'primaryKeysOf' | 'bandwidthOf' | 'isNamed'
  > {
    return this.#topology
  }

  /** What is known of a media playlist; `undefined` when nothing is. */
  record(storeKey: StoreKey): RenditionRecord | undefined {
    return this.#records.get(storeKey)
  }

  /** All that is known of media playlists, oldest write first. */
  records(): Iterable<RenditionRecord> {
    return this.#records.values()
  }

  /** Forgets the channels of a cache, as if they had never been written. */
  forgetCache(cacheName: CacheName): void {
    const isOfCache = (storeKey: StoreKey) => splitStoreKey(storeKey).cacheName === cacheName
    for (const storeKey of this.#records.keys()) if (isOfCache(storeKey)) this.#forget(storeKey)
    const multivariantKeys = [...this.#topology.multivariants()].map(({ storeKey }) => storeKey)
    for (const storeKey of multivariantKeys)
      if (isOfCache(storeKey)) this.#topology.remove(storeKey)
    for (const storeKey of this.#awaited.keys()) {
      if (isOfCache(storeKey)) this.#awaited.delete(storeKey)
    }
  }

  /** Something was stored. */
  stored(item: StoredItem): void {
    const { clock } = this.#options
    this.#take(item, { nowMonotonicMs: clock.monotonicMs(), nowMs: clock.nowMs(), isHere: true })
  }

  /**
   * A playlist that was stored before this process began: as at its PUT, which was when it says. Those
   * that were stored first come first.
   */
  restored(item: StoredItem): void {
    const { clock } = this.#options
    const ageMs = Math.max(0, clock.nowMs() - item.storedAtMs)
    this.#take(item, {
      nowMonotonicMs: clock.monotonicMs() - ageMs,
      nowMs: clock.nowMs() - ageMs,
      isHere: true,
    })
  }

  /** A playlist that another node has stored, whenever that was. Its clock may differ. */
  writtenElsewhere(item: StoredItem): void {
    const { clock } = this.#options
    const nowMonotonicMs = clock.monotonicMs()
    const atMs = Math.min(nowMonotonicMs, writtenAtMonotonicMs(item))
    const nowMs = clock.nowMs() - (nowMonotonicMs - atMs)
    this.#take(item, { nowMonotonicMs: atMs, nowMs, isHere: false })
  }

  /** Whether a playlist names it as a segment and it was not there. */
  isAwaited(storeKey: StoreKey): boolean {
    return this.#awaited.has(storeKey)
  }

  #take(item: StoredItem, at: WriteTime): void {
    const { playlist } = notesOf(item)
    if (playlist?.kind === 'media') {
      this.#topology.remove(item.storeKey)
      this.#writeMedia(item, playlist, at)
    } else if (playlist?.kind === 'multivariant') {
      this.#forget(item.storeKey)
      this.#topology.set(item, playlist, at.nowMonotonicMs)
      for (const follower of this.#followers) follower.multivariantWritten?.(item.storeKey)
    } else {
      const record = this.#awaited.get(item.storeKey)
      if (record === undefined) return
      this.#awaited.delete(item.storeKey)
      record.settle(item, at.nowMonotonicMs)
    }
  }

  list(cacheName?: CacheName): readonly ChannelView[] {
    const views: ChannelView[] = []
    for (const channel of this.#channels()) {
      const isAsked =
        cacheName === undefined || splitStoreKey(channel.storeKey).cacheName === cacheName
      if (isAsked) views.push(this.#view(channel))
    }
    return views.sort(
      (left, right) => compare(left.cacheName, right.cacheName) || compare(left.key, right.key),
    )
  }

  get(cacheName: CacheName, key: ItemKey): ChannelView | undefined {
    const storeKey = toStoreKey(cacheName, key)
    const multivariant = this.#topology.get(storeKey)
    const channel =
      multivariant === undefined ? this.#alone(storeKey) : this.#channelOf(multivariant)
    return channel === undefined ? undefined : this.#view(channel)
  }

  #writeMedia(item: StoredItem, playlist: MediaPlaylist, at: WriteTime): void {
    const { clock } = this.#options
    const { storeKey } = item
    const { nowMonotonicMs } = at
    const known = this.#records.get(storeKey)
    const before = known?.live
    const now = resolveLivePlaylist(item, playlist, nowMonotonicMs, before)
    const write = { live: now, ...at }
    const record = known ?? new RenditionRecord(storeKey, this.#surroundings, write)
    this.#records.delete(storeKey)
    this.#records.set(storeKey, record)
    for (const segmentKey of record.write(write)) {
      this.#awaited.delete(segmentKey)
      this.#awaited.set(segmentKey, record)
    }
    trim(this.#awaited, AWAITED_MAX)
    for (const follower of this.#followers) {
      follower.written({ item, playlist, now, before, isHere: at.isHere })
      if (playlist.ended) follower.lapsed?.(storeKey)
    }
    const oldest = this.#records.keys().next()
    if (this.#records.size > PLAYLISTS_MAX && oldest.done !== true) this.#forget(oldest.value)
    if (!this.#isClosed) this.#timer ??= clock.setTimer(() => this.#tick(), TICK_MS)
  }

  #tick(): void {
    this.#timer = undefined
    const { clock, store } = this.#options
    const nowMonotonicMs = clock.monotonicMs()
    for (const record of this.#records.values()) this.#lookAfter(record, nowMonotonicMs)
    const seen = new Set<StoreKey>()
    for (const channel of this.#channels()) {
      seen.add(channel.storeKey)
      this.#tell(channel, nowMonotonicMs)
    }
    for (const storeKey of this.#told.keys()) if (!seen.has(storeKey)) this.#told.delete(storeKey)
    for (const { storeKey, links, writtenAtMonotonicMs } of this.#topology.multivariants()) {
      const isLong = nowMonotonicMs - writtenAtMonotonicMs >= FORGET_MS
      if (!isLong) continue
      const isNeeded = [...links.keys()].some((key) => this.#records.has(key))
      if (!isNeeded || store.inspect(storeKey) === 'absent') this.#topology.remove(storeKey)
    }
    if (this.#records.size > 0 && !this.#isClosed) {
      this.#timer = clock.setTimer(() => this.#tick(), TICK_MS)
    }
  }

  /** Lets go what time has taken from a playlist. */
  #lookAfter(record: RenditionRecord, nowMonotonicMs: number): void {
    const { storeKey } = record
    // What has not been written for an hour is gone, and would be a new channel if it came back.
    if (nowMonotonicMs - record.lastWriteMonotonicMs >= FORGET_MS) {
      this.#forget(storeKey)
      return
    }
    if (record.isStored && this.#options.store.inspect(storeKey) === 'absent') record.release()
    if (!record.isCurrent || record.isCurrentAt(nowMonotonicMs)) return
    record.isCurrent = false
    for (const follower of this.#followers) follower.lapsed?.(storeKey)
  }

  #forget(storeKey: StoreKey): void {
    if (!this.#records.delete(storeKey)) return
    for (const follower of this.#followers) follower.lapsed?.(storeKey)
  }

  /** Tells a state that is new. */
  #tell(channel: ChannelMembers, nowMonotonicMs: number): void {
    const { clock, events } = this.#options
    const told = this.#told.get(channel.storeKey)
    const { state, detail } = this.#judge(channel, nowMonotonicMs)
    if (told?.state === state) return
    const isRunning = told?.state === 'live' || told?.state === 'broken'
    this.#told.set(channel.storeKey, {
      state,
      sinceMs: clock.nowMs(),
      runStartedMonotonicMs: isRunning ? told.runStartedMonotonicMs : nowMonotonicMs,
    })
    const records = decidingRecords(channel)
    const { cacheName, key } = splitStoreKey(channel.storeKey)
    const lastWriteMs = Math.max(...records.map((each) => each.lastWriteMonotonicMs))
    events.emit('channel-changed', {
      cacheName,
      key: formatItemKey(key),
      state,
      detail,
      renditionCount: channel.members.filter(({ record }) => record !== undefined).length,
      targetDurationSeconds: targetDurationOf(records),
      lastWriteAgeSeconds: (nowMonotonicMs - lastWriteMs) / 1000,
    })
  }

  #judge(channel: ChannelMembers, nowMonotonicMs: number): ChannelJudgement {
    const told = this.#told.get(channel.storeKey)
    const isRunning = told?.state === 'live' || told?.state === 'broken'
    return judgeChannel(
      channel,
      nowMonotonicMs,
      isRunning ? told.runStartedMonotonicMs : nowMonotonicMs,
    )
  }

  #view(channel: ChannelMembers): ChannelView {
    const { clock, findingsOf } = this.#options
    const nowMonotonicMs = clock.monotonicMs()
    const nowMs = clock.nowMs()
    const judgement = this.#judge(channel, nowMonotonicMs)
    const told = this.#told.get(channel.storeKey)
    const stateSinceMs = told?.state === judgement.state ? told.sinceMs : nowMs
    return toChannelView({ channel, judgement, stateSinceMs, nowMs, nowMonotonicMs, findingsOf })
  }

  *#channels(): Generator<ChannelMembers> {
    for (const multivariant of this.#topology.multivariants()) {
      const channel = this.#channelOf(multivariant)
      if (channel !== undefined) yield channel
    }
    for (const storeKey of this.#records.keys()) {
      const channel = this.#alone(storeKey)
      if (channel !== undefined) yield channel
    }
  }

  /** `undefined` while none of its playlists has come. */
  #channelOf(multivariant: Multivariant): ChannelMembers | undefined {
    const members = [...multivariant.links.values()].map((link) => {
      const record = this.#records.get(link.storeKey)
      return { link, record: record !== undefined && hasBegun(record) ? record : undefined }
    })
    if (members.every(({ record }) => record === undefined)) return undefined
    const { storeKey } = multivariant
    const isMultivariantStored = this.#options.store.inspect(storeKey) !== 'absent'
    return { storeKey, multivariant, isMultivariantStored, members }
  }

  /** A media playlist that nothing names, as its own channel. */
  #alone(storeKey: StoreKey): ChannelMembers | undefined {
    const record = this.#records.get(storeKey)
    if (record === undefined || !hasBegun(record) || this.#topology.isNamed(storeKey)) {
      return undefined
    }
    const knownMs = this.#options.clock.monotonicMs() - record.firstWriteMonotonicMs
    if (knownMs < ALONE_AFTER_MS && !record.ended) return undefined
    const members = [{ link: undefined, record }]
    return { storeKey, multivariant: undefined, isMultivariantStored: true, members }
  }
}

/** Not one yet: an encoder that has not cut its first segment, or a text that is no playlist. */
function hasBegun({ segmentCount, live }: RenditionRecord): boolean {
  return segmentCount > 0 || (live !== undefined && live.playlist.openParts.length > 0)
}

/** Drops the oldest. */
function trim(map: Map<StoreKey, unknown>, sizeMax: number): void {
  for (const storeKey of map.keys()) {
    if (map.size <= sizeMax) return
    map.delete(storeKey)
  }
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
