/**
 * Blocking playlist reload (RFC 8216bis §6.2.5.2): whether a request for a playlist is answered,
 * refused or waits for the playlist's next versions. Knows no transport: the caller waits and asks
 * again.
 */

import type { Clock } from '../base/clock.ts'
import type { StoreKey } from '../base/names.ts'
import type { MediaPlaylist } from '../hls/playlist.ts'
import { judgeReload } from '../hls/reload-position.ts'
import type { Store, StoredItem } from '../storage/store.ts'
import { notesOf } from './item-notes.ts'
import type { Wait, Waiters } from './waiters.ts'

export interface BlockingReloadsOptions {
  readonly clock: Clock
  readonly store: Store
  readonly waiters: Waiters
}

/** What a request says by `_HLS_msn` and `_HLS_part`. */
export interface ReloadRequest {
  readonly msn: number | undefined
  readonly part: number | undefined
  readonly isReloadMalformed: boolean
}

/** Each is a reason of `wire/refusals.ts`, too. */
export type ReloadProblem =
  'directive-invalid' | 'part-without-msn' | 'reload-too-far' | 'reload-timeout' | 'waiters-busy'

export type ReloadAnswer =
  /** The playlist as it is. */
  | { readonly kind: 'serve'; readonly maxAgeSeconds: number | undefined }
  | { readonly kind: 'refuse'; readonly reason: ReloadProblem }
  /** Look at the playlist again when the wait is over, however it ended; see {@link BlockingReloads.answer}. */
  | { readonly kind: 'wait'; readonly wait: Wait; readonly untilMonotonicMs: number }

/** How a blocking reload ended. Each request has one. */
export type ReloadOutcome =
  | 'immediate' // the playlist had it already
  | 'released' // after a wait
  | 'refused' // 400
  | 'timeout' // 503 after three target durations
  | 'busy' // 503, as many wait as may
  | 'gone' // 404 after a wait: deleted, expired, stale
  | 'left' // the client did not wait for it
  | 'stopping' // 503, the server stops

const REFUSED_AFTER_TARGET_DURATIONS = 3
/** Whatever a playlist says: a connection is not held for an hour. */
const WAIT_MS_MAX = 60_000
/** RFC 8216bis B.1. */
const MAX_AGE_TARGET_DURATIONS = 6

const SERVE: ReloadAnswer = { kind: 'serve', maxAgeSeconds: undefined }

export class BlockingReloads {
  readonly #options: BlockingReloadsOptions
  /** Playlists that somebody waits for: how many do, and how to stop watching. */
  readonly #watched = new Map<StoreKey, { count: number; readonly unwatch: () => void }>()
  /** Plain counters, read by metrics. */
  readonly counts: Record<ReloadOutcome, number> = {
    immediate: 0,
    released: 0,
    refused: 0,
    timeout: 0,
    busy: 0,
    gone: 0,
    left: 0,
    stopping: 0,
  }

  constructor(options: BlockingReloadsOptions) {
    this.#options = options
  }

  /**
   * What to do with a request for a stored item. Directives mean nothing unless the item is a live
   * media playlist that advertises CAN-BLOCK-RELOAD.
   *
   * @param untilMonotonicMs  What an earlier answer `wait` to the same request said; `undefined` at first.
   */
  answer(
    item: StoredItem,
    request: ReloadRequest,
    untilMonotonicMs: number | undefined,
  ): ReloadAnswer {
    const { playlist } = notesOf(item)
    const { msn, part, isReloadMalformed } = request
    if (msn === undefined && part === undefined && !isReloadMalformed) return SERVE
    // §6.2.5.2: to be ignored when the playlist has ended, be it while somebody waited.
    if (playlist?.kind !== 'media' || playlist.ended || !playlist.canBlockReload) {
      if (untilMonotonicMs !== undefined) this.counts.released++
      return SERVE
    }
    if (isReloadMalformed) return this.#refuse('refused', 'directive-invalid')
    if (msn === undefined) return this.#refuse('refused', 'part-without-msn')
    const state = judgeReload(playlist, { msn, part })
    if (state === 'ready') {
      this.counts[untilMonotonicMs === undefined ? 'immediate' : 'released']++
      const maxAgeSeconds = MAX_AGE_TARGET_DURATIONS * Math.max(1, playlist.targetDurationSeconds)
      return { kind: 'serve', maxAgeSeconds: Math.floor(maxAgeSeconds) }
    }
    if (state === 'too-far') return this.#refuse('refused', 'reload-too-far')
    return this.#wait(item, playlist, untilMonotonicMs)
  }

  #wait(
    item: StoredItem,
    playlist: MediaPlaylist,
    untilMonotonicMs: number | undefined,
  ): ReloadAnswer {
    const nowMs = this.#options.clock.monotonicMs()
    const untilMs = untilMonotonicMs ?? nowMs + waitMs(playlist)
    if (nowMs >= untilMs) return this.#refuse('timeout', 'reload-timeout')
    // A playlist that expires meanwhile is a 404 from that moment on.
    const lookAgainMs = Math.min(untilMs, item.expiresAtMonotonicMs)
    const wait = this.#options.waiters.wait(item.storeKey, lookAgainMs)
    if (wait === undefined) return this.#refuse('busy', 'waiters-busy')
    return { kind: 'wait', wait: this.#watching(item.storeKey, wait), untilMonotonicMs: untilMs }
  }

  /** Who waits for a playlist that is deleted, evicted or flushed looks again, and finds a 404. */
  #watching(storeKey: StoreKey, wait: Wait): Wait {
    const { store, waiters } = this.#options
    const watched = this.#watched.get(storeKey) ?? {
      count: 0,
      unwatch: store.watch(storeKey, (change) => {
        // A PUT wakes by itself, once everybody has seen the new version.
        if (change !== 'put') waiters.wake(storeKey)
      }),
    }
    watched.count++
    this.#watched.set(storeKey, watched)
    let isOver = false
    const end = () => {
      if (isOver) return
      isOver = true
      if (--watched.count > 0) return
      watched.unwatch()
      this.#watched.delete(storeKey)
    }
    const outcome = wait.outcome.then((reached) => {
      end()
      return reached
    })
    const leave = () => {
      wait.leave()
      end()
    }
    return { outcome, leave }
  }

  #refuse(outcome: ReloadOutcome, reason: ReloadProblem): ReloadAnswer {
    this.counts[outcome]++
    return { kind: 'refuse', reason }
  }
}

function waitMs(playlist: MediaPlaylist): number {
  const targetMs = Math.max(1, playlist.targetDurationSeconds) * 1000
  return Math.min(REFUSED_AFTER_TARGET_DURATIONS * targetMs, WAIT_MS_MAX)
}
