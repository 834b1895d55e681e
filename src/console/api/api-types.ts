/**
 * What the admin API answers, as far as the console reads it. Absent figures are `null`; times are
 * RFC 3339 and end in `At`.
 */

/** `GET /api/server`. */
export interface ServerInfo {
  readonly version: string
  readonly dataPlaneUrl: string
  readonly adminUrl: string
  readonly startedAt?: string
  /** The server's clock. */
  readonly now?: string
  /** Whether it is a test rig. */
  readonly rigEnabled?: boolean
  /** Faults that everybody meets now. */
  readonly faultCount?: number
}

/** Figures of an interval that ends at `at`; rates are those of the interval. */
export interface MetricsPoint {
  readonly at: string
  readonly readsPerSecond: number
  readonly writesPerSecond: number
  readonly deletesPerSecond: number
  readonly bytesInPerSecond: number
  readonly bytesOutPerSecond: number
  readonly readStatus2xxPerSecond: number
  readonly readStatus3xxPerSecond: number
  readonly readStatus4xxPerSecond: number
  readonly readStatus5xxPerSecond: number
  readonly writeStatus2xxPerSecond: number
  readonly writeStatus4xxPerSecond: number
  readonly writeStatus5xxPerSecond: number
  /** `null` when there was no such request. */
  readonly getP50Seconds: number | null
  readonly getP99Seconds: number | null
  readonly putP50Seconds: number | null
  readonly putP99Seconds: number | null
  readonly hotStoreBytes: number
  readonly hotStoreBytesMax: number
  readonly pinnedBytes: number
  /** Within the interval. */
  readonly evictions: number
  readonly connections: number
  readonly waiters: number
}

/** `GET /api/metrics/history`: the last hour, oldest first. */
export interface MetricsHistory {
  readonly stepSeconds: number
  readonly points: readonly MetricsPoint[]
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
  readonly whatToDo: string
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
