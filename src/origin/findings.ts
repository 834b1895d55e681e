/**
 * What was found wrong with playlists: told once, counted, and the last ones kept for each. Finding
 * it is `playlist-judge.ts`'s. Encoders themselves say nothing.
 */

import type { Clock } from '../base/clock.ts'
import { splitStoreKey } from '../base/names.ts'
import type { CacheName, StoreKey } from '../base/names.ts'
import type { Finding } from '../hls/validation-rules.ts'
import type { OriginEvents } from './events.ts'

export interface FindingsOptions {
  readonly events: OriginEvents
  readonly clock: Clock
}

/** A finding and when it was made. */
export interface KeptFinding extends Finding {
  /** Wall clock, ms since the epoch. */
  readonly atMs: number
}

/** Findings kept for each playlist, and playlists they are kept for. */
export const FINDINGS_KEPT_MAX = 200
const PLAYLISTS_KEPT_MAX = 500
/** The same finding of one playlist is told again after so long. */
const REPEAT_MS = 60_000

interface PlaylistFindings {
  readonly kept: KeptFinding[]
  /** Rule -> when it was told last, monotonic ms. */
  readonly toldMs: Map<string, number>
}

export class Findings {
  /** Findings by rule since the start; read by metrics. */
  readonly countByRule = new Map<string, number>()
  readonly #options: FindingsOptions
  readonly #byPlaylist = new Map<StoreKey, PlaylistFindings>()

  constructor(options: FindingsOptions) {
    this.#options = options
  }

  /** Counts, keeps and tells what was found with an upload. */
  report(storeKey: StoreKey, findings: readonly Finding[]): void {
    if (findings.length === 0) return
    const { clock, events } = this.#options
    const playlist = this.#playlist(storeKey)
    for (const finding of findings) {
      this.countByRule.set(finding.rule, (this.countByRule.get(finding.rule) ?? 0) + 1)
      // What concerns a playlist as a whole is found at each of its writes.
      const nowMs = clock.monotonicMs()
      const toldMs = playlist.toldMs.get(finding.rule)
      if (toldMs !== undefined && nowMs - toldMs < REPEAT_MS) continue
      playlist.toldMs.set(finding.rule, nowMs)
      playlist.kept.push({ ...finding, atMs: clock.nowMs() })
      if (playlist.kept.length > FINDINGS_KEPT_MAX) playlist.kept.shift()
      const { cacheName, key } = splitStoreKey(storeKey)
      events.emit('finding', { cacheName, key, finding })
    }
  }

  /** The last findings of a playlist, oldest first. */
  list(storeKey: StoreKey): readonly KeptFinding[] {
    return this.#byPlaylist.get(storeKey)?.kept ?? []
  }

  /** Forgets what was found in a cache. Counters stay, since a counter never goes back. */
  forgetCache(cacheName: CacheName): void {
    for (const storeKey of this.#byPlaylist.keys()) {
      if (splitStoreKey(storeKey).cacheName === cacheName) this.#byPlaylist.delete(storeKey)
    }
  }

  #playlist(storeKey: StoreKey): PlaylistFindings {
    const known = this.#byPlaylist.get(storeKey)
    if (known !== undefined) return known
    const made: PlaylistFindings = { kept: [], toldMs: new Map() }
    this.#byPlaylist.set(storeKey, made)
    const oldest = this.#byPlaylist.keys().next()
    if (this.#byPlaylist.size > PLAYLISTS_KEPT_MAX && oldest.done !== true) {
      this.#byPlaylist.delete(oldest.value)
    }
    return made
  }
}
