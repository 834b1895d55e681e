/**
 * What the current live playlists name: which keys are expected any moment, which are parts, what
 * must not be dropped for another channel. Built from playlists at their PUT, so that a read only
 * looks up.
 */

import type { Clock } from '../base/clock.ts'
import { splitStoreKey } from '../base/names.ts'
import type { StoreKey } from '../base/names.ts'
import type { Store, StoredItem } from '../storage/store.ts'
import type { CacheRegistry } from './caches.ts'
import type { ChannelFollower, ChannelModel, PlaylistWrite } from './channel-model.ts'
import type { LivePlaylist } from './live-playlist.ts'

export interface LiveWindowOptions {
  readonly store: Store
  readonly clock: Clock
  readonly caches: CacheRegistry
  readonly channels: ChannelModel
}

const EXPECTED_MAX = 50_000
/** Names of one playlist that are kept from eviction: an hour of 2 s segments. */
const PINS_PER_PLAYLIST_MAX = 2000

export class LiveWindow implements ChannelFollower {
  readonly #options: LiveWindowOptions
  /** Keys named for the first time and not stored yet -> when their playlist was PUT. */
  readonly #expected = new Map<
    StoreKey,
    { readonly putAtMonotonicMs: number; readonly targetMs: number }
  >()

  /** Live playlists with parts or preload hints. */
  readonly #lowLatency = new Map<StoreKey, LivePlaylist>()

  constructor(options: LiveWindowOptions) {
    this.#options = options
    options.channels.follow(this)
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

  /** It has come, or will not: nobody has to wait for it. */
  forget(storeKey: StoreKey): void {
    this.#expected.delete(storeKey)
  }

  /** Whether a current playlist names it as a part or hints at it: served whole or not at all. */
  isPart(storeKey: StoreKey): boolean {
    for (const live of this.#lowLatency.values()) if (live.partKeys.has(storeKey)) return true
    return false
  }

  written({ item, playlist, now, before, isHere }: PlaylistWrite): void {
    if (playlist.ended) return
    if (now.partKeys.size > 0) this.#lowLatency.set(item.storeKey, now)
    else this.#lowLatency.delete(item.storeKey)
    this.#pin(now)
    if (isHere) this.#extend(now, item)
    this.#expect(now, before)
  }

  lapsed(storeKey: StoreKey): void {
    this.#lowLatency.delete(storeKey)
    this.#options.store.releasePins(storeKey)
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

  #expect(live: LivePlaylist, before: LivePlaylist | undefined): void {
    for (const [uri, storeKey] of live.keysByUri) {
      if (storeKey === undefined || before?.keysByUri.has(uri) === true) continue
      if (typeof this.#options.store.inspect(storeKey) !== 'string') continue
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
}
