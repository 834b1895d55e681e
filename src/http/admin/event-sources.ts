/** What consoles are told live: the origin's events, refused requests and metrics, as JSON. */

import type { Clock } from '../../base/clock.ts'
import { formatIsoTime } from '../../base/dates.ts'
import type { CacheName } from '../../base/names.ts'
import type {
  ChannelChange,
  FaultsChange,
  OriginEvents,
  PlaylistFinding,
  WriteRefusal,
} from '../../origin/events.ts'
import type { RecentRequest, RecentRequests } from '../recent-requests.ts'
import type { MetricHistory } from './activity-routes.ts'
import type { EventStreams } from './event-streams.ts'
import { viewFinding } from './finding-view.ts'

export interface EventSources {
  readonly clock: Clock
  readonly events: OriginEvents
  readonly recentRequests: Pick<RecentRequests, 'events'>
  readonly history: Pick<MetricHistory, 'onPoint'>
}

/** @returns The function that ends it. */
export function connectEvents(streams: EventStreams, sources: EventSources): () => void {
  const { clock, events, recentRequests, history } = sources
  const now = () => formatIsoTime(clock.nowMs())
  const onChannel = ({ cacheName, key, state, detail }: ChannelChange) =>
    streams.send('channel', { at: now(), cacheName, key, state, detail }, cacheName)
  const onFinding = ({ cacheName, key, finding }: PlaylistFinding) => {
    const placed = { ...finding, cacheName, key, atMs: clock.nowMs() }
    streams.send('finding', viewFinding(placed), cacheName)
  }
  const onWriteRefused = (refusal: WriteRefusal) => {
    // They may come by the thousand, and mostly nobody listens.
    if (!streams.hasListeners) return
    const { cacheName, key, reason, statusCode, clientAddress, userAgent } = refusal
    streams.send(
      'write-refused',
      { at: now(), cache: cacheName, key, reason, statusCode, clientAddress, userAgent },
      cacheName,
    )
  }
  const onCacheCreated = (cache: CacheName) =>
    streams.send('cache', { at: now(), cache, change: 'created' }, cache)
  // They show at every channel: to those who administer all caches.
  const onFaults = ({ kind, faultId, action = '', limitSeconds, activeCount }: FaultsChange) =>
    streams.send(
      'faults',
      { at: now(), change: kind, faultId, action, limitSeconds, activeCount },
      '',
    )
  const onRequest = (request: RecentRequest) => streams.send('request', request, request.cache)

  events.on('channel-changed', onChannel).on('finding', onFinding)
  events.on('write-refused', onWriteRefused).on('cache-created', onCacheCreated)
  events.on('faults-changed', onFaults)
  recentRequests.events.on('request', onRequest)
  const stopPoints = history.onPoint((point) => streams.send('metrics', point, undefined))
  return () => {
    events.off('channel-changed', onChannel).off('finding', onFinding)
    events.off('write-refused', onWriteRefused).off('cache-created', onCacheCreated)
    events.off('faults-changed', onFaults)
    recentRequests.events.off('request', onRequest)
    stopPoints()
  }
}
