/**
 * Tells a person what happens while the origin runs: channels that come and go, and refused writes,
 * summed up per cause and client. Where it goes (terminal or log) is the caller's.
 */

import type { Clock, Timer } from '../base/clock.ts'
import { formatItemKey, splitStoreKey } from '../base/names.ts'
import type {
  ChannelChange,
  ClockChange,
  FaultsChange,
  OriginEvents,
  TokensRemoved,
  WriteRefusal,
} from '../origin/events.ts'
import type { StoredItem } from '../storage/store.ts'
import { encoderName, isDashName, isPlaylistName, isSegmentName } from '../wire/refusal-advice.ts'
import { ClockTeller } from './clock-teller.ts'
import type { RefusalSummary } from './refusal-words.ts'
import { ToldPlaylists } from './told-playlists.ts'

/** Something to tell. */
export type OriginNotice =
  | { readonly kind: 'channel'; readonly change: ChannelChange }
  | { readonly kind: 'cache-created'; readonly cacheName: string }
  | { readonly kind: 'faults'; readonly change: FaultsChange }
  | { readonly kind: 'clock'; readonly change: ClockChange }
  | { readonly kind: 'tokens-removed'; readonly removal: TokensRemoved }
  | { readonly kind: 'refused'; readonly summary: RefusalSummary }
  /** Causes that there was no room for. */
  | { readonly kind: 'refused-more'; readonly count: number }

export interface OriginReporterOptions {
  readonly events: OriginEvents
  readonly clock: Clock
  readonly report: (notice: OriginNotice) => void
}

interface Group {
  readonly refusal: WriteRefusal
  count: number
  segmentCount: number
  playlistCount: number
  sampleKey: string
  /** How often it was told. */
  toldCount: number
  nextTellMs: number
  lastSeenMs: number
}

interface Challenge {
  readonly refusal: WriteRefusal
  readonly dueMs: number
}

const TICK_MS = 1000
/** Waiting times before the first, the second and every further time that one cause is told. */
const TELL_AFTER_MS = [2000, 10_000, 60_000]
/** A cause that rested so long is new again. */
const FORGET_MS = 120_000
/**
 * A 401 may be half of a login: MediaLive, curl and ffmpeg with a password in the URL send nothing
 * first and repeat the upload with the key. When the same item is stored soon, nothing was refused.
 */
const CHALLENGE_MS = 2000
/** With `Expect: 100-continue` the body is yet to come, in an encoder up to a segment later. */
const EXPECTING_CHALLENGE_MS = 30_000
const GROUPS_MAX = 100
const CHALLENGES_MAX = 1000
const TOLD_PER_TICK_MAX = 5
const OVERFLOW_EVERY_MS = 10_000

export class OriginReporter {
  readonly #options: OriginReporterOptions
  readonly #groups = new Map<string, Group>()
  readonly #challenges = new Map<string, Challenge>()
  readonly #toldPlaylists = new ToldPlaylists()
  #overflowCount = 0
  #nextOverflowMs = 0
  readonly #clockTeller: ClockTeller
  #timer: Timer | undefined
  readonly #onRefused = (refusal: WriteRefusal) => this.#note(refusal)
  readonly #onStored = (item: StoredItem) => this.#settle(item)
  readonly #onChannel = (change: ChannelChange) => this.#options.report({ kind: 'channel', change })
  readonly #onCache = (cacheName: string) =>
    this.#options.report({ kind: 'cache-created', cacheName })
  readonly #onFaults = (change: FaultsChange) => this.#options.report({ kind: 'faults', change })
  readonly #onClock = (change: ClockChange) => this.#clockTeller.tell(change)
  readonly #onTokens = (removal: TokensRemoved) => {
    const name = `${removal.cacheName}/${removal.key}`
    const isNews = this.#toldPlaylists.add(name, this.#options.clock.monotonicMs())
    if (isNews) this.#options.report({ kind: 'tokens-removed', removal })
  }

  constructor(options: OriginReporterOptions) {
    this.#options = options
    this.#clockTeller = new ClockTeller(options.clock, (change) =>
      options.report({ kind: 'clock', change }),
    )
    options.events
      .on('write-refused', this.#onRefused)
      .on('item-stored', this.#onStored)
      .on('channel-changed', this.#onChannel)
      .on('cache-created', this.#onCache)
      .on('tokens-removed', this.#onTokens)
      .on('faults-changed', this.#onFaults)
      .on('clock-changed', this.#onClock)
  }

  /** Tells what is still to be told. */
  close(): void {
    const { events, clock } = this.#options
    events
      .off('write-refused', this.#onRefused)
      .off('item-stored', this.#onStored)
      .off('channel-changed', this.#onChannel)
      .off('cache-created', this.#onCache)
      .off('tokens-removed', this.#onTokens)
      .off('faults-changed', this.#onFaults)
      .off('clock-changed', this.#onClock)
    this.#clockTeller.close()
    if (this.#timer !== undefined) clock.clearTimer(this.#timer)
    this.#timer = undefined
    for (const group of this.#groups.values()) if (group.count > 0) group.nextTellMs = 0
    this.#tell(clock.monotonicMs())
  }

  #note(refusal: WriteRefusal): void {
    const nowMs = this.#options.clock.monotonicMs()
    const mayBeChallenge = refusal.reason === 'credential-missing' && refusal.key !== ''
    if (mayBeChallenge && this.#challenges.size < CHALLENGES_MAX) {
      const name = `${refusal.cacheName}/${refusal.key}`
      const earlier = this.#challenges.get(name)
      // The same item a second time without a key: the first was no half of a login.
      if (earlier !== undefined) this.#add(earlier.refusal, nowMs)
      const waitMs = refusal.expectsContinue ? EXPECTING_CHALLENGE_MS : CHALLENGE_MS
      this.#challenges.set(name, { refusal, dueMs: nowMs + waitMs })
    } else {
      this.#add(refusal, nowMs)
    }
    this.#timer ??= this.#options.clock.setTimer(() => this.#tick(), TICK_MS)
  }

  #settle(item: StoredItem): void {
    if (this.#challenges.size === 0) return
    const { cacheName, key } = splitStoreKey(item.storeKey)
    this.#challenges.delete(`${cacheName}/${formatItemKey(key)}`)
  }

  #add(refusal: WriteRefusal, nowMs: number): void {
    const { reason, clientAddress, cacheName } = refusal
    // Two encoders on one machine may be wrong for different reasons.
    const encoder = `${encoderName(refusal.userAgent)}${isDashName(refusal.key) ? ' dash' : ''}`
    const name = `${reason} ${clientAddress} ${cacheName} ${encoder}`
    let group = this.#groups.get(name)
    if (group === undefined) {
      if (this.#groups.size >= GROUPS_MAX) {
        this.#overflowCount++
        return
      }
      const nextTellMs = nowMs + (TELL_AFTER_MS[0] ?? 0)
      group = {
        ...{ refusal, count: 0, segmentCount: 0, playlistCount: 0, sampleKey: '' },
        ...{ toldCount: 0, nextTellMs, lastSeenMs: nowMs },
      }
      this.#groups.set(name, group)
    }
    const isSegment = isSegmentName(refusal.key)
    group.count++
    if (isSegment) group.segmentCount++
    if (isPlaylistName(refusal.key)) group.playlistCount++
    // A segment's name says more about what is wrong than its playlist's.
    if (isSegment || group.segmentCount === 0) group.sampleKey = refusal.key
    group.lastSeenMs = nowMs
  }

  #tick(): void {
    this.#timer = undefined
    const nowMs = this.#options.clock.monotonicMs()
    for (const [name, { refusal, dueMs }] of this.#challenges) {
      if (dueMs > nowMs) continue
      this.#challenges.delete(name)
      this.#add(refusal, nowMs)
    }
    this.#tell(nowMs)
    for (const [name, group] of this.#groups) {
      if (group.count === 0 && nowMs - group.lastSeenMs >= FORGET_MS) this.#groups.delete(name)
    }
    if (this.#groups.size > 0 || this.#challenges.size > 0) {
      this.#timer = this.#options.clock.setTimer(() => this.#tick(), TICK_MS)
    }
  }

  #tell(nowMs: number): void {
    let toldCount = 0
    for (const group of this.#groups.values()) {
      if (group.count === 0 || group.nextTellMs > nowMs) continue
      if (toldCount < TOLD_PER_TICK_MAX) {
        toldCount++
        this.#options.report({ kind: 'refused', summary: summarise(group) })
      } else {
        this.#overflowCount += group.count
      }
      group.toldCount++
      group.nextTellMs = nowMs + (TELL_AFTER_MS[group.toldCount] ?? TELL_AFTER_MS.at(-1) ?? 0)
      group.count = group.segmentCount = group.playlistCount = 0
    }
    if (this.#overflowCount === 0 || nowMs < this.#nextOverflowMs) return
    this.#nextOverflowMs = nowMs + OVERFLOW_EVERY_MS
    this.#options.report({ kind: 'refused-more', count: this.#overflowCount })
    this.#overflowCount = 0
  }
}

function summarise(group: Group): RefusalSummary {
  const { refusal, count, segmentCount, playlistCount, sampleKey } = group
  const { reason, statusCode, cacheName, clientAddress, userAgent } = refusal
  const { hadQueryToken, hadHeaderCredential } = refusal
  return {
    ...{ reason, statusCode, cacheName, clientAddress, userAgent },
    ...{ count, segmentCount, playlistCount, sampleKey, hadQueryToken, hadHeaderCredential },
  }
}
