/** What all parts of a pull have in common: its two ends, its time, its bounds, and who is told. */

import type { Clock } from '../../base/clock.ts'
import type { LocalCache } from './local-cache.ts'
import type { MediaDocument } from './media-document.ts'
import type { SourceClient } from './source-client.ts'
import type { Turns } from './turns.ts'

/** Waits, and keeps the process alive meanwhile; returns early, without a word, when aborted. */
export type AbortableSleep = (ms: number, signal: AbortSignal) => Promise<void>

export interface PullBounds {
  readonly playlistBytesMax: number
  readonly segmentBytesMax: number
  readonly renditionsMax: number
  /** In one playlist. */
  readonly segmentsMax: number
}

/** What happens, for who shows it. Texts are for people and hold no credential. */
export interface PullEvents {
  /** Worth a line of its own. */
  say(line: string): void
  segmentStored(sizeBytes: number): void
  segmentLost(words: string): void
  playlistStored(): void
  /** Once: what was pulled can be played from now on. */
  published(): void
}

export interface PullShared {
  readonly client: SourceClient
  readonly local: LocalCache
  readonly clock: Clock
  readonly sleep: AbortableSleep
  /** The end of all. */
  readonly signal: AbortSignal
  readonly bounds: PullBounds
  /** Absent: by how long the playlist is, see {@link ttlSecondsFor}. */
  readonly ttlSeconds: number | undefined
  /** Only so much of a live playlist's end at the beginning; absent: all of it. */
  readonly lastSeconds: number | undefined
  /** Of segments, init sections and keys; playlists are not behind them. */
  readonly turns: Turns
  readonly events: PullEvents
}

const HOUR_SECONDS = 3600
const TTL_SECONDS_MAX = 31 * 86_400

/** A day for what is whole; for what is live an hour, or twice what its playlist holds. */
export function ttlSecondsFor(
  given: number | undefined,
  { ended, segments }: Pick<MediaDocument, 'ended' | 'segments'>,
): number {
  if (given !== undefined) return given
  let playlistSeconds = 0
  for (const { durationSeconds } of segments) playlistSeconds += durationSeconds
  const seconds = Math.max(ended ? 24 * HOUR_SECONDS : HOUR_SECONDS, 2 * playlistSeconds)
  return Math.ceil(Math.min(seconds, TTL_SECONDS_MAX))
}
