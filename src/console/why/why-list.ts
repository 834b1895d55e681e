/** The list of the page Why?: live news put into what was loaded, filters, words. Pure. */

import type { RecentRequest } from '../api/steer-types.ts'
import type { Tone } from '../ui/tone.ts'

export interface WhyFilter {
  /** '' for all. */
  readonly cacheName: string
  /** A status (`404`), a class (`4`), or '' for all. */
  readonly status: string
}

/** Shown at once; the server keeps more. */
export const SHOWN_MAX = 200

/** As the server filters: `4` is all of 4xx, `0` those whose client was gone. */
export function isWanted({ cache, statusCode }: RecentRequest, filter: WhyFilter): boolean {
  if (filter.cacheName !== '' && cache !== filter.cacheName) return false
  if (filter.status === '') return true
  const status = Number(filter.status)
  return status < 10 ? Math.floor(statusCode / 100) === status : statusCode === status
}

/** News first; what is counted into an entry takes that entry's place at the top. */
export function addRequest(
  list: readonly RecentRequest[],
  request: RecentRequest,
): readonly RecentRequest[] {
  return [request, ...list.filter(({ id }) => id !== request.id)].slice(0, SHOWN_MAX)
}

/** The path to ask the server for. */
export function requestsPath({ cacheName, status }: WhyFilter): string {
  const query = new URLSearchParams({ limit: String(SHOWN_MAX) })
  if (cacheName !== '') query.set('cache', cacheName)
  if (status !== '') query.set('status', status)
  return `/api/requests/recent?${query.toString()}`
}

/** How many requests the second list has that the first has not: what a pause hides. */
export function countNews(shown: readonly RecentRequest[], now: readonly RecentRequest[]): number {
  const before = new Map(shown.map(({ id, count }) => [id, count]))
  return now.reduce((sum, { id, count }) => sum + Math.max(0, count - (before.get(id) ?? 0)), 0)
}

/** Worst first: the server's own failures, then what was refused, then what was not there. */
export function statusTone(statusCode: number): Tone {
  if (statusCode >= 500) return 'bad'
  if (statusCode === 0 || statusCode === 404 || statusCode === 410) return 'quiet'
  return 'wait'
}

/** What was asked for, as a path for people. */
export function targetWords({ cache, key }: RecentRequest): string {
  if (cache === '') return key === '' ? 'nothing that is a cache' : key
  return key === '' ? `${cache} (no key)` : `${cache}/${key}`
}

export const STATUS_CHOICES: readonly { readonly value: string; readonly label: string }[] = [
  { value: '', label: 'All' },
  { value: '4', label: '4xx: refused or not there' },
  { value: '5', label: '5xx: could not be served' },
  { value: '400', label: '400: not understood' },
  { value: '401', label: '401: no valid key' },
  { value: '403', label: '403: not allowed' },
  { value: '404', label: '404: not there' },
  { value: '413', label: '413: too large' },
  { value: '422', label: '422: playlist refused' },
  { value: '429', label: '429: too many' },
  { value: '503', label: '503: overloaded, starting or stale' },
  { value: '507', label: '507: no memory left' },
  { value: '0', label: 'No answer: the client was gone' },
]
