/**
 * What the current live playlists name: which keys are expected any moment, which are parts, what
 * must not be dropped for another channel. Built from playlists at their PUT, so that a read only
 * looks up.
 */

import type { Clock, Timer } from '../base/clock.ts'
import { splitStoreKey, toStoreKey } from '../base/names.ts'
import type { StoreKey } from '../base/names.ts'
import { resolveToKey } from '../hls/resolve.ts'
import type { MediaPlaylist } from '../hls/playlist.ts'
import type { Store, StoredItem } from '../storage/store.ts'
import type { CacheRegistry } from './caches.ts'
import type { OriginEvents } from './events.ts'
import { notesOf } from './item-notes.ts'

export interface LiveWindowOptions {
  readonly store: Store
  readonly events: OriginEvents
  readonly clock: Clock
  readonly caches: CacheRegistry
}

/** A media playlist that is not ended, as of its last PUT. */
export interface LivePlaylist {
  readonly storeKey: StoreKey
  readonly playlist: MediaPlaylist
  readonly putAtMonotonicMs: number
  /** Every URI of it, resolved; `undefined` for what is not ours. */
  readonly keysByUri: ReadonlyMap<string, StoreKey | undefined>
  readonly partKeys: ReadonlySet<StoreKey>
}

const PLAYLISTS_MAX = 2000
const EXPECTED_MAX = 50_000
/** Names of one playlist that are kept from eviction: an hour of 2 s segments. */
const PINS_PER_PLAYLIST_MAX = 2000
/** How often playlists that are not current any more are looked for. */
const SWEEP_MS = 5000
/** A playlist is current for so many target durations after its PUT, at least a minute. */
const CURRENT_TARGET_DURATIONS = 10
const CURRENT_MS_MIN = 60_000

export class LiveWindow {
  readonly #options: LiveWindowOptions
  readonly #playlists = new Map<StoreKey, LivePlaylist>()
  /** Keys named for the first time and not stored yet -> when their playlist was PUT. */
  readonly #expected = new Map<
    StoreKey,
    { readonly putAtMonotonicMs: number; readonly targetMs: number }
  >()

  readonly #lowLatency = new Set<LivePlaylist>()
  #timer: Timer | undefined
  #isClosed = false

  constructor(options: LiveWindowOptions) {
    this.#options = options
    options.events.on('item-stored', (item) => this.#note(item))
  }

  /** The live playlist under a key, if its last PUT is recent enough. */
  current(storeKey: StoreKey): LivePlaylist | undefined {
    const live = this.#playlists.get(storeKey)
    return live !== undefined && this.#isCurrent(live) ? live : undefined
  }

  /**
   * Until when a key that is not there may be waited for: its playlist's PUT plus its target
   * duration, `holdMsMax` at the most. `undefined` for keys that no current playlist has newly named:
   * lost, deleted and expired ones are answered at once.
   */
  expectedUntilMs(storeKey: StoreKey, holdMsMax: number): number | undefined {
    const expected = this.#expected.get(storeKey)
    if (expected === undefined) return undefined
    const untilMs = expected.putAtMonotonicMs + Math.min(expected.targetMs, holdMsMax)
    return untilMs > this.#options.clock.monotonicMs() ? untilMs : undefined
  }

  /**
   * How long ago a live playlist was last written, seconds, and after how many target durations of
   * its own that is. `undefined` when none is known under this key, or it has ended.
   */
  age(
    storeKey: StoreKey,
  ): { readonly seconds: number; readonly targetDurations: number } | undefined {
    const live = this.#playlists.get(storeKey)
    if (live === undefined) return undefined
    const seconds = (this.#options.clock.monotonicMs() - live.putAtMonotonicMs) / 1000
    return { seconds, targetDurations: seconds / Math.max(1, live.playlist.targetDurationSeconds) }
  }

  /** It will not come: nobody has to wait for it. */
  forget(storeKey: StoreKey): void {
    this.#expected.delete(storeKey)
  }

  /** Whether a current playlist names it as a part or hints at it: served whole or not at all. */
  isPart(storeKey: StoreKey): boolean {
    for (const live of this.#lowLatency) if (live.partKeys.has(storeKey)) return true
    return false
  }

  close(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimer(this.#timer)
    this.#timer = undefined
    this.#isClosed = true
  }

  #note(item: StoredItem): void {
    this.#expected.delete(item.storeKey)
    const { playlist } = notesOf(item)
    if (playlist?.kind !== 'media') return
    const before = this.#playlists.get(item.storeKey)
    this.#playlists.delete(item.storeKey)
    if (before !== undefined) this.#lowLatency.delete(before)
    if (playlist.ended) {
      this.#options.store.releasePins(item.storeKey)
      return
    }
    const live = this.#resolve(item, playlist, before)
    this.#playlists.set(item.storeKey, live)
    if (live.partKeys.size > 0) this.#lowLatency.add(live)
    this.#pin(live)
    this.#extend(live, item)
    this.#expect(live, before)
    const oldest = this.#playlists.values().next()
    if (this.#playlists.size > PLAYLISTS_MAX && oldest.done !== true) this.#drop(oldest.value)
    if (!this.#isClosed) this.#timer ??= this.#options.clock.setTimer(() => this.#sweep(), SWEEP_MS)
  }

  /** The newest names first, should there be too many. The playlist itself belongs to its window. */
  #pin(live: LivePlaylist): void {
    const keys = [...live.keysByUri.values()].filter((key) => key !== undefined)
    const pinned = keys.slice(-PINS_PER_PLAYLIST_MAX)
    this.#options.store.replacePins(live.storeKey, [live.storeKey, ...pinned])
  }

  /** Encoders write init sections and keys once: they last as long as the playlist that needs them. */
  #extend(live: LivePlaylist, item: StoredItem): void {
    const { store, caches } = this.#options
    const { cacheName } = splitStoreKey(live.storeKey)
    if (caches.get(cacheName)?.settings.extendWhileLive !== true) return
    for (const uri of [...live.playlist.initUris, ...live.playlist.keyUris]) {
      const storeKey = live.keysByUri.get(uri)
      if (storeKey !== undefined) void store.extendDeadline(storeKey, item.expiresAtMonotonicMs)
    }
  }

  #sweep(): void {
    this.#timer = undefined
    for (const live of this.#playlists.values()) {
      const isThere = this.#options.store.inspect(live.storeKey) !== 'absent'
      if (!isThere) this.#drop(live)
      else if (!this.#isCurrent(live)) this.#options.store.releasePins(live.storeKey)
    }
    if (this.#playlists.size > 0 && !this.#isClosed) {
      this.#timer = this.#options.clock.setTimer(() => this.#sweep(), SWEEP_MS)
    }
  }

  #drop(live: LivePlaylist): void {
    this.#playlists.delete(live.storeKey)
    this.#lowLatency.delete(live)
    this.#options.store.releasePins(live.storeKey)
  }

  #resolve(
    item: StoredItem,
    playlist: MediaPlaylist,
    before: LivePlaylist | undefined,
  ): LivePlaylist {
    const { cacheName, key } = splitStoreKey(item.storeKey)
    const location = { cacheName, playlistKey: key, keyForm: notesOf(item).keyForm } as const
    const keysByUri = new Map<string, StoreKey | undefined>()
    const resolve = (uri: string): StoreKey | undefined => {
      const known = keysByUri.get(uri) ?? before?.keysByUri.get(uri)
      const found = known === undefined ? resolveToKey(location, uri) : undefined
      const storeKey = known ?? (found === undefined ? undefined : toStoreKey(cacheName, found))
      keysByUri.set(uri, storeKey)
      return storeKey
    }
    for (const uri of playlist.initUris) resolve(uri)
    for (const uri of playlist.keyUris) resolve(uri)
    for (const segment of playlist.segments) resolve(segment.uri)
    if (playlist.isSummary) for (const uri of playlist.lastSegmentUris) resolve(uri)
    const partKeys = new Set<StoreKey>()
    const addPart = (uri: string) => {
      const storeKey = resolve(uri)
      if (storeKey !== undefined) partKeys.add(storeKey)
    }
    for (const segment of playlist.segments) for (const part of segment.parts) addPart(part.uri)
    for (const part of playlist.openParts) addPart(part.uri)
    for (const uri of playlist.preloadHintUris) addPart(uri)
    // A part by byte range is a piece of its segment, which is served as segments are.
    for (const segment of playlist.segments) {
      const storeKey = keysByUri.get(segment.uri)
      if (storeKey !== undefined) partKeys.delete(storeKey)
    }
    return {
      storeKey: item.storeKey,
      playlist,
      putAtMonotonicMs: this.#options.clock.monotonicMs(),
      keysByUri,
      partKeys,
    }
  }

  #expect(live: LivePlaylist, before: LivePlaylist | undefined): void {
    for (const [uri, storeKey] of live.keysByUri) {
      if (storeKey === undefined || before?.keysByUri.has(uri) === true) continue
      if (this.#options.store.inspect(storeKey) !== 'absent') continue
      this.#expected.delete(storeKey)
      this.#expected.set(storeKey, {
        putAtMonotonicMs: live.putAtMonotonicMs,
        targetMs: live.playlist.targetDurationSeconds * 1000,
      })
    }
    // Oldest first: what is long overdue goes, and there is a bound whatever playlists say.
    for (const [storeKey, { putAtMonotonicMs, targetMs }] of this.#expected) {
      const isOverdue = putAtMonotonicMs + targetMs < live.putAtMonotonicMs
      if (!isOverdue && this.#expected.size <= EXPECTED_MAX) break
      this.#expected.delete(storeKey)
    }
  }

  #isCurrent(live: LivePlaylist): boolean {
    const currentMs = Math.max(
      CURRENT_MS_MIN,
      CURRENT_TARGET_DURATIONS * live.playlist.targetDurationSeconds * 1000,
    )
    return this.#options.clock.monotonicMs() - live.putAtMonotonicMs <= currentMs
  }
}
