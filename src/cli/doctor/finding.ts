/**
 * What `headwater doctor` checks, and what it says of each check. The table is closed: every report
 * has every check, in this order, so that scripts can rely on the ids.
 */

export const CHECKS = {
  'reach.connection': { group: 'Reach', title: 'answers' },
  'reach.keep-alive': { group: 'Reach', title: 'keep-alive' },
  'access.header': { group: 'Access', title: 'key in a header' },
  'access.query': { group: 'Access', title: 'key in the URL' },
  'access.anonymous': { group: 'Access', title: 'no key' },
  'playlist.parse': { group: 'Playlists', title: 'can be read' },
  'playlist.variants': { group: 'Playlists', title: 'variants' },
  'playlist.live': { group: 'Playlists', title: 'live' },
  'playlist.segments': { group: 'Playlists', title: 'newest segments' },
  'playlist.init': { group: 'Playlists', title: 'init sections' },
  'playlist.types': { group: 'Playlists', title: 'media types' },
  'caching.multivariant': { group: 'Caching', title: 'multivariant' },
  'caching.media': { group: 'Caching', title: 'media playlist' },
  'caching.segment': { group: 'Caching', title: 'segments' },
  'caching.moves': { group: 'Caching', title: 'moves on' },
  'caching.stale': { group: 'Caching', title: 'old copies' },
  'caching.missing': { group: 'Caching', title: '404s' },
  'cors.playlist': { group: 'Other sites', title: 'playlists' },
  'cors.segment': { group: 'Other sites', title: 'segments' },
  'cors.missing': { group: 'Other sites', title: '404s' },
  'cors.exposed': { group: 'Other sites', title: 'exposed headers' },
  'cors.preflight': { group: 'Other sites', title: 'preflight' },
  'gzip.playlist': { group: 'Compression', title: 'playlists' },
  'gzip.vary': { group: 'Compression', title: 'Vary' },
  'gzip.segment': { group: 'Compression', title: 'segments' },
  'range.segment': { group: 'Ranges', title: 'segment' },
  'range.playlist': { group: 'Ranges', title: 'playlist' },
  'range.if-range': { group: 'Ranges', title: 'If-Range' },
  'range.head': { group: 'Ranges', title: 'HEAD' },
  'range.validators': { group: 'Ranges', title: 'validators' },
  'keys.leak': { group: 'Keys', title: 'in playlists' },
  'keys.shared': { group: 'Keys', title: 'between readers' },
  'clock.date': { group: 'Clock', title: 'Date' },
  'clock.last-modified': { group: 'Clock', title: 'Last-Modified' },
} as const satisfies Record<string, { readonly group: string; readonly title: string }>

export type CheckId = keyof typeof CHECKS

/** All of them, in the order of the report. */
// `Object.keys` widens to string; the table's keys are the ids by definition.
export const CHECK_IDS = Object.keys(CHECKS) as readonly CheckId[]

export type Verdict =
  | 'ok'
  | 'warning' // works, and should be changed
  | 'breaks' // some viewers cannot play, or anybody can end the channel
  | 'unchecked' // could not be found out, or does not apply

export interface Finding {
  readonly id: CheckId
  readonly verdict: Verdict
  /** One sentence or less, without its full stop. May quote what a server sent. */
  readonly seen: string
  /** What to change; absent when there is nothing to change. */
  readonly change: string | undefined
}

export function ok(id: CheckId, seen: string): Finding {
  return { id, verdict: 'ok', seen, change: undefined }
}

export function warning(id: CheckId, seen: string, change: string): Finding {
  return { id, verdict: 'warning', seen, change }
}

export function breaks(id: CheckId, seen: string, change: string): Finding {
  return { id, verdict: 'breaks', seen, change }
}

/** @param why  What stood in the way, or why the check does not apply. */
export function unchecked(id: CheckId, why: string): Finding {
  return { id, verdict: 'unchecked', seen: why, change: undefined }
}
