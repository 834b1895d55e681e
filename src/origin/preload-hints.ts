/**
 * What live playlists hint at (EXT-X-PRELOAD-HINT) and is not stored yet: parts and init sections that
 * may be asked for before they are there, and for how long they are worth waiting for (RFC 8216bis
 * §6.2.6).
 */

import type { Clock } from '../base/clock.ts'
import { splitStoreKey, toStoreKey } from '../base/names.ts'
import type { StoreKey } from '../base/names.ts'
import { resolveToKey } from '../hls/resolve.ts'
import type { MediaPlaylist } from '../hls/playlist.ts'
import type { Store, StoredItem } from '../storage/store.ts'
import type { OriginEvents } from './events.ts'
import { notesOf } from './item-notes.ts'

export interface PreloadHintsOptions {
  readonly store: Store
  readonly events: OriginEvents
  readonly clock: Clock
  /** A hint was taken back: nobody has to wait for this any more. */
  readonly onWithdrawn: (storeKey: StoreKey) => void
}

/** Playlists whose hints are remembered; the oldest goes first. */
const PLAYLISTS_MAX = 2000
/** As long as a playlist may be waited for: a live one is renewed earlier, with new hints. */
const TARGET_DURATIONS = 3
const WAIT_MS_MAX = 60_000

export class PreloadHints {
  readonly #options: PreloadHintsOptions
  /** Playlist -> what it hints at. */
  readonly #byPlaylist = new Map<StoreKey, ReadonlySet<StoreKey>>()
  /** Hinted and not stored -> until when. */
  readonly #untilMonotonicMs = new Map<StoreKey, number>()

  constructor(options: PreloadHintsOptions) {
    this.#options = options
    options.events.on('item-stored', (item) => this.#note(item))
    options.events.on('playlist-elsewhere', (item) => this.#note(item))
  }

  /** Until when a key that is not there may be waited for; `undefined` when nothing hints at it. */
  heldUntilMs(storeKey: StoreKey): number | undefined {
    const untilMs = this.#untilMonotonicMs.get(storeKey)
    if (untilMs === undefined || untilMs > this.#options.clock.monotonicMs()) return untilMs
    this.#untilMonotonicMs.delete(storeKey)
    return undefined
  }

  /** It has come to another node, or its upload failed. The next playlist may hint at it again. */
  forget(storeKey: StoreKey): void {
    this.#untilMonotonicMs.delete(storeKey)
  }

  #note(item: StoredItem): void {
    this.#untilMonotonicMs.delete(item.storeKey)
    const { playlist } = notesOf(item)
    const before = this.#byPlaylist.get(item.storeKey)
    const hints = playlist?.kind === 'media' && !playlist.ended
    if (before === undefined && (!hints || playlist.preloadHintUris.length === 0)) return
    const hinted = hints ? this.#hintedKeys(item, playlist, before) : new Set<StoreKey>()
    this.#byPlaylist.delete(item.storeKey)
    if (hinted.size > 0) this.#byPlaylist.set(item.storeKey, hinted)
    for (const storeKey of before ?? []) if (!hinted.has(storeKey)) this.#withdraw(storeKey)
    const oldest = this.#byPlaylist.entries().next()
    if (this.#byPlaylist.size > PLAYLISTS_MAX && oldest.done !== true) {
      this.#byPlaylist.delete(oldest.value[0])
      for (const storeKey of oldest.value[1]) this.#withdraw(storeKey)
    }
  }

  /** The hints of a playlist, and those of the one before that it names as parts without having them. */
  #hintedKeys(
    item: StoredItem,
    playlist: MediaPlaylist,
    before: ReadonlySet<StoreKey> | undefined,
  ): Set<StoreKey> {
    const { store, clock } = this.#options
    const targetMs = Math.max(1, playlist.targetDurationSeconds) * 1000
    const untilMs = clock.monotonicMs() + Math.min(TARGET_DURATIONS * targetMs, WAIT_MS_MAX)
    const hinted = new Set<StoreKey>()
    const add = (storeKey: StoreKey | undefined) => {
      if (storeKey === undefined || typeof store.inspect(storeKey) !== 'string') return
      hinted.add(storeKey)
      this.#untilMonotonicMs.set(storeKey, untilMs)
    }
    for (const uri of playlist.preloadHintUris) add(keyOf(item, uri))
    if (before === undefined || before.size === 0) return hinted
    const lastParts = playlist.segments.at(-1)?.parts ?? []
    const named = [...lastParts, ...playlist.openParts].map(({ uri }) => uri)
    for (const uri of [...named, ...playlist.initUris]) {
      const storeKey = keyOf(item, uri)
      if (storeKey !== undefined && before.has(storeKey)) add(storeKey)
    }
    return hinted
  }

  #withdraw(storeKey: StoreKey): void {
    if (!this.#untilMonotonicMs.delete(storeKey)) return
    this.#options.onWithdrawn(storeKey)
  }
}

function keyOf(playlistItem: StoredItem, uri: string): StoreKey | undefined {
  const { cacheName, key } = splitStoreKey(playlistItem.storeKey)
  const location = { cacheName, playlistKey: key, keyForm: notesOf(playlistItem).keyForm }
  const found = resolveToKey(location, uri)
  return found === undefined ? undefined : toStoreKey(cacheName, found)
}
