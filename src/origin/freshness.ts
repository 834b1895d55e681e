/**
 * How long an item may be reused by a CDN (`max-age`), as far as the item alone tells. Reasons:
 * half a target duration for live playlists (RFC 8216bis B.1), restarted encoders that reuse segment
 * names, and caches that serialise requests for what they may not keep.
 */

import type { MediaPlaylist, Playlist } from '../hls/playlist.ts'
import type { ItemKind } from '../storage/store.ts'

export const ENDED_MAX_AGE_SECONDS = 86_400
/** Until a variant is known. */
const MULTIVARIANT_MAX_AGE_SECONDS = 2
const MANIFEST_MAX_AGE_SECONDS = 1

export interface FreshnessInput {
  readonly kind: ItemKind
  readonly playlist: Playlist | undefined
  /** 1 for a name's first version. */
  readonly version: number
  readonly segmentMaxAgeSeconds: number
}

/** Seconds, before the remaining TTL caps it. Never 0: that stops caches from collapsing requests. */
export function maxAgeSeconds(input: FreshnessInput): number {
  const { kind, playlist, version, segmentMaxAgeSeconds } = input
  if (kind === 'media') return playlist?.kind === 'media' ? playlistMaxAgeSeconds(playlist) : 1
  if (kind === 'multivariant') return MULTIVARIANT_MAX_AGE_SECONDS
  if (kind === 'manifest') return MANIFEST_MAX_AGE_SECONDS
  // A name that was overwritten once may be again: the next reader should ask.
  return version > 1 ? 1 : segmentMaxAgeSeconds
}

/** Half the target duration while it is live, a day once it has ended. */
export function playlistMaxAgeSeconds(playlist: MediaPlaylist): number {
  if (playlist.ended) return ENDED_MAX_AGE_SECONDS
  return Math.max(1, Math.floor(playlist.targetDurationSeconds / 2))
}
