/**
 * What is wrong with the playlists that encoders write: the validator's findings at each PUT, told
 * once, counted, and the last ones kept for each playlist. Encoders themselves say nothing.
 */

import type { Clock } from '../base/clock.ts'
import { splitStoreKey, toStoreKey } from '../base/names.ts'
import type { StoreKey } from '../base/names.ts'
import type { Playlist } from '../hls/playlist.ts'
import { resolveToKey } from '../hls/resolve.ts'
import { validateAgainstStore } from '../hls/validate-channel.ts'
import { validateMediaPlaylist } from '../hls/validate-media-playlist.ts'
import { validateMultivariant } from '../hls/validate-multivariant.ts'
import type { Finding } from '../hls/validation-rules.ts'
import type { Store, StoredItem } from '../storage/store.ts'
import type { OriginEvents } from './events.ts'
import { notesOf } from './item-notes.ts'

export interface FindingsOptions {
  readonly store: Store
  readonly events: OriginEvents
  readonly clock: Clock
}

/** An upload to be judged. */
export interface JudgedUpload {
  readonly storeKey: StoreKey
  readonly keyForm: 'path' | 'query'
  readonly playlist: Playlist
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

  /** What is wrong with an upload, before it is stored. */
  judge(upload: JudgedUpload): readonly Finding[] {
    const { playlist, storeKey } = upload
    if (playlist.kind === 'multivariant') return validateMultivariant({ next: playlist })
    const before = this.#options.store.inspect(storeKey)
    const stored = typeof before === 'string' ? undefined : before
    const known = stored === undefined ? undefined : notesOf(stored).playlist
    const previous = known?.kind === 'media' ? known : undefined
    const look = this.#lookUp(upload)
    const namesNewerSegments =
      stored === undefined
        ? undefined
        : // From the newest: with a running encoder the first look answers.
          playlist.segments.findLast(({ uri }) => {
            const item = look(uri)
            return typeof item === 'object' && item.storedAtMs > stored.storedAtMs
          }) !== undefined
    return [
      ...validateMediaPlaylist({ previous, next: playlist, namesNewerSegments }),
      ...validateAgainstStore({
        next: playlist,
        previous,
        isStored: (uri) => {
          const item = look(uri)
          return item === undefined ? undefined : item !== 'absent'
        },
      }),
    ]
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

  /** The item behind a URI; `undefined` when it is not ours. */
  #lookUp(upload: JudgedUpload): (uri: string) => StoredItem | 'absent' | undefined {
    const { cacheName, key } = splitStoreKey(upload.storeKey)
    const location = { cacheName, playlistKey: key, keyForm: upload.keyForm }
    return (uri) => {
      const found = resolveToKey(location, uri)
      if (found === undefined) return undefined
      const item = this.#options.store.inspect(toStoreKey(cacheName, found))
      // Somewhere else is not missing.
      return item === 'elsewhere' ? undefined : item
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
