/**
 * Channels as everybody who looks at them sees them: metrics, the admin API, the console, the
 * terminal. Plain data, made when asked; the model behind it is `channel-model.ts`.
 */

import type { CacheName, ItemKey } from '../base/names.ts'
import type { KeptFinding } from './findings.ts'

/**
 * `live`: written in time. `stale`: nothing was written for too long. `ended`: EXT-X-ENDLIST.
 * `broken`: written, but what its playlists name cannot be had.
 */
export type ChannelState = 'live' | 'stale' | 'ended' | 'broken'

/** One segment's PUT against the moment it was due. */
export interface PublishPoint {
  readonly key: ItemKey
  readonly mediaSequenceNumber: number
  readonly durationSeconds: number
  /** 0 while it is missing. */
  readonly sizeBytes: number
  /** Wall clock, ms: when an encoder that keeps pace would have finished its PUT. */
  readonly dueAtMs: number
  /** Wall clock, ms; `undefined` while it is missing. */
  readonly storedAtMs: number | undefined
}

/** A media playlist of a channel. */
export interface RenditionView {
  readonly key: ItemKey
  /** By which tag the multivariant playlist names it; `alone` when there is none. */
  readonly role: 'variant' | 'rendition' | 'i-frames' | 'alone'
  readonly bandwidthBitsPerSecond: number | undefined
  readonly widthPixels: number | undefined
  readonly heightPixels: number | undefined
  readonly codecs: string | undefined
  /** NAME of EXT-X-MEDIA. */
  readonly name: string | undefined
  /** `waiting`: named, but never written. */
  readonly state: ChannelState | 'waiting'
  readonly targetDurationSeconds: number
  readonly segmentCount: number
  /** Of the newest segment; `undefined` while there is none. */
  readonly lastMediaSequenceNumber: number | undefined
  /** Program date-time of the end of the newest segment, ms; `undefined` without the tag. */
  readonly edgeProgramDateTimeMs: number | undefined
  /**
   * Now minus the live edge: by program date-time (as right as the encoder's clock), else by the time
   * of the last PUT. `undefined` once it has ended.
   */
  readonly edgeLagSeconds: number | undefined
  /** PUT end of the newest segment against the time it was due; negative is early. */
  readonly publishDelaySeconds: number | undefined
  /** Segments the playlist names that are not stored, nor on their way, and are overdue. */
  readonly missingSegmentCount: number
  /** Behind the furthest rendition of the channel, seconds. */
  readonly skewSeconds: number
  readonly lastWriteAtMs: number
  /** Oldest first, at most 60. */
  readonly recentSegments: readonly PublishPoint[]
}

export interface ChannelView {
  readonly cacheName: CacheName
  /** Of the multivariant playlist, or of the media playlist that has none. */
  readonly key: ItemKey
  readonly state: ChannelState
  /** Wall clock, ms. */
  readonly stateSinceMs: number
  /** Why it is not simply live, in one sentence; '' otherwise. */
  readonly stateDetail: string
  readonly targetDurationSeconds: number
  readonly lastWriteAtMs: number
  /** The worst of its variants and audio or video renditions. */
  readonly edgeLagSeconds: number | undefined
  readonly publishDelaySeconds: number | undefined
  readonly missingSegmentCount: number
  readonly skewSeconds: number
  readonly renditions: readonly RenditionView[]
  /** The last findings of all its playlists, oldest first, at most 200. */
  readonly findings: readonly (KeptFinding & { readonly key: ItemKey })[]
}

/** What looks at channels. */
export interface Channels {
  /** By cache name and key; one cache's or all. */
  list(cacheName?: CacheName): readonly ChannelView[]
  get(cacheName: CacheName, key: ItemKey): ChannelView | undefined
}
