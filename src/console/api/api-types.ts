/**
 * What the admin API answers, as far as the console reads it. Absent figures are `null`; times are
 * RFC 3339 and end in `At`.
 */

/** `GET /api/server`. */
export interface ServerInfo {
  readonly version: string
  readonly dataPlaneUrl: string
  readonly adminUrl: string
}

export type ChannelState = 'live' | 'stale' | 'ended' | 'broken'

/** One segment's PUT against the moment it was due. */
export interface PublishPoint {
  readonly key: string
  readonly mediaSequenceNumber: number
  readonly durationSeconds: number
  readonly sizeBytes: number
  readonly dueAt: string
  /** `null` while it is missing. */
  readonly storedAt: string | null
}

export interface RenditionView {
  readonly key: string
  readonly role: 'variant' | 'rendition' | 'i-frames' | 'alone'
  readonly bandwidthBitsPerSecond: number | null
  readonly widthPixels: number | null
  readonly heightPixels: number | null
  readonly codecs: string | null
  readonly name: string | null
  readonly state: ChannelState | 'waiting'
  readonly targetDurationSeconds: number
  readonly segmentCount: number
  readonly lastMediaSequenceNumber: number | null
  readonly edgeLagSeconds: number | null
  readonly publishDelaySeconds: number | null
  readonly missingSegmentCount: number
  readonly skewSeconds: number
  readonly lastWriteAt: string | null
  /** Not in the list. */
  readonly recentSegments?: readonly PublishPoint[]
}

export interface FindingView {
  readonly at: string
  readonly key: string
  readonly rule: string
  readonly severity: 'error' | 'warning' | 'info'
  readonly section: string
  readonly message: string
}

/** `GET /api/channels` lists them; `GET /api/channels/<cache>/<key>` has all of one. */
export interface ChannelView {
  readonly cacheName: string
  readonly key: string
  readonly state: ChannelState
  readonly stateSinceAt: string
  readonly stateDetail: string
  readonly targetDurationSeconds: number
  readonly lastWriteAt: string | null
  readonly edgeLagSeconds: number | null
  readonly publishDelaySeconds: number | null
  readonly missingSegmentCount: number
  readonly skewSeconds: number
  readonly renditions: readonly RenditionView[]
  /** In the list. */
  readonly findingCount?: number
  /** Of one channel. */
  readonly findings?: readonly FindingView[]
}

/** `POST /api/play-token`. */
export interface PlayToken {
  readonly token: string
  readonly expiresAt: string
}
