/**
 * What this node has shown of each media playlist, where several share a store: a store that fails
 * over may have lost the newest write, and players that are taken back stall. For three target
 * durations the newest goes on being shown; the encoder's next write ends that earlier.
 */

import { LRUCache } from 'lru-cache'
import type { Clock } from '../base/clock.ts'
import type { StoreKey } from '../base/names.ts'
import { goesBack } from '../hls/succession.ts'
import type { MediaPlaylist } from '../hls/playlist.ts'
import type { ShownVersions } from '../storage/shared-store.ts'
import type { StoredItem } from '../storage/store.ts'
import { notesOf } from './item-notes.ts'
import { writtenAfter } from './written-after.ts'

interface Shown {
  readonly item: StoredItem
  readonly playlist: MediaPlaylist
  /** When somebody may have seen it last, monotonic. */
  shownAtMs: number
  /** Kept against what the store has. */
  isKept: boolean
}

/** What is forgotten may be taken back; live playlists are some KiB each. */
const PLAYLISTS_MAX = 2000
const BYTES_MAX = 32 * 1024 ** 2
const KEPT_TARGET_DURATIONS = 3

export class ShownPlaylists implements ShownVersions {
  readonly #clock: Clock
  readonly #shown = new LRUCache<StoreKey, Shown>({
    max: PLAYLISTS_MAX,
    maxSize: BYTES_MAX,
    sizeCalculation: ({ item }) => item.sizeBytes + item.storeKey.length,
  })

  constructor(clock: Clock) {
    this.#clock = clock
  }

  insteadOf(
    storeKey: StoreKey,
    found: StoredItem | undefined,
  ): { readonly item: StoredItem; readonly untilMonotonicMs: number } | undefined {
    const shown = this.#shown.get(storeKey)
    const { playlist } = found === undefined ? { playlist: undefined } : notesOf(found)
    if (found === undefined || playlist?.kind !== 'media') {
      // Deleted, expired, or something else by now: nobody expects it to go on.
      this.#shown.delete(storeKey)
      return undefined
    }
    if (shown !== undefined && isOlder(found, playlist, shown)) {
      const { item } = shown
      const untilMonotonicMs = Math.min(untilMsOf(shown), item.expiresAtMonotonicMs)
      shown.isKept = true
      if (untilMonotonicMs > this.#clock.monotonicMs()) return { item, untilMonotonicMs }
    }
    this.wrote(found)
    return undefined
  }

  wrote(item: StoredItem): void {
    const { playlist } = notesOf(item)
    if (playlist?.kind !== 'media') {
      this.#shown.delete(item.storeKey)
      return
    }
    const shownAtMs = this.#clock.monotonicMs()
    this.#shown.set(item.storeKey, { item, playlist, shownAtMs, isKept: false })
  }

  dropped(storeKey: StoreKey | undefined): void {
    const shown = storeKey === undefined ? undefined : this.#shown.get(storeKey)
    const all = storeKey === undefined ? this.#shown.values() : shown === undefined ? [] : [shown]
    const nowMs = this.#clock.monotonicMs()
    for (const each of all) if (!each.isKept) each.shownAtMs = nowMs
  }
}

function untilMsOf({ playlist, shownAtMs }: Shown): number {
  return shownAtMs + KEPT_TARGET_DURATIONS * Math.max(1, playlist.targetDurationSeconds) * 1000
}

/** Who wrote both knows their order. Otherwise two clocks say it, which only counts for what goes back. */
function isOlder(found: StoredItem, playlist: MediaPlaylist, shown: Shown): boolean {
  if (found.etag === shown.item.etag) return false
  const isBefore = writtenAfter(found)(shown.item)
  return isBefore === 'surely' || (isBefore === 'probably' && goesBack(shown.playlist, playlist))
}
