/**
 * What is measured: every family by name, in one table. Components count in plain fields; this
 * reads them when asked and costs the hot path nothing.
 */

import type { AuthenticatorStats } from '../auth/authenticator.ts'
import type { OriginStats } from '../origin/origin.ts'
import type { OverloadStats } from '../origin/overload.ts'
import type { TokenGuardStats } from '../origin/token-guard.ts'
import type { StoreStats } from '../storage/store.ts'
import type { Family, Sample } from './text.ts'

/** The counters of the components, as they keep them. */
export interface MetricSources {
  readonly store: StoreStats
  readonly origin: OriginStats
  readonly waiterCount: () => number
  readonly findingCounts: ReadonlyMap<string, number>
  readonly overload: OverloadStats
  readonly tokenGuard: TokenGuardStats
  readonly auth: () => AuthenticatorStats
  /** Requests by operation; index = status class. */
  readonly requests: Readonly<Record<'read' | 'write' | 'delete', readonly number[]>>
  readonly refusedWrites: ReadonlyMap<string, number>
  readonly connections: Readonly<
    Record<
      string,
      {
        readonly open: number
        readonly openedCount: number
        readonly refusedCount: number
        readonly malformedCount: number
      }
    >
  >
  readonly startedAtMs: number
  readonly version: string
}

export function metricFamilies(sources: MetricSources): readonly Family[] {
  const { store, origin } = sources
  const one = (read: () => number) => () => [{ value: read() }]
  const counter = (name: string, help: string, read: () => readonly Sample[]): Family => ({
    name,
    help,
    type: 'counter',
    read,
  })
  const gauge = (name: string, help: string, read: () => readonly Sample[]): Family => ({
    name,
    help,
    type: 'gauge',
    read,
  })
  const byPlane = (read: (plane: MetricSources['connections'][string]) => number) => () =>
    Object.entries(sources.connections).map(([plane, stats]) => ({
      labels: { plane },
      value: read(stats),
    }))
  return [
    gauge('headwater_build_info', 'Always 1; the version is in the label.', () => [
      { labels: { version: sources.version }, value: 1 },
    ]),
    gauge(
      'headwater_start_time_seconds',
      'When this process started, Unix time.',
      one(() => sources.startedAtMs / 1000),
    ),
    counter(
      'headwater_requests_total',
      'Item requests answered, by operation and status class.',
      () => requestSamples(sources.requests),
    ),
    counter('headwater_refused_writes_total', 'Writes that were refused, by reason.', () =>
      [...sources.refusedWrites].map(([reason, value]) => ({ labels: { reason }, value })),
    ),
    gauge(
      'headwater_uploads_in_flight',
      'Uploads in progress.',
      one(() => origin.uploadsInFlight),
    ),
    gauge(
      'headwater_uploads_in_flight_bytes',
      'Bytes of unfinished uploads.',
      one(() => origin.uploadsInFlightBytes),
    ),
    counter(
      'headwater_uploads_stored_total',
      'Objects stored.',
      one(() => origin.uploadsStoredCount),
    ),
    counter(
      'headwater_uploads_stored_bytes_total',
      'Bytes of objects stored.',
      one(() => origin.uploadsStoredBytes),
    ),
    counter(
      'headwater_hot_store_hits_total',
      'Look-ups that found an object.',
      one(() => store.hitCount),
    ),
    counter(
      'headwater_hot_store_misses_total',
      'Look-ups that found none.',
      one(() => store.missCount),
    ),
    counter(
      'headwater_hot_store_evictions_total',
      'Objects dropped to make room.',
      one(() => store.evictionCount),
    ),
    counter(
      'headwater_hot_store_expirations_total',
      'Objects whose TTL passed.',
      one(() => store.expirationCount),
    ),
    gauge(
      'headwater_hot_store_items',
      'Objects held.',
      one(() => store.itemCount),
    ),
    gauge(
      'headwater_hot_store_size_bytes',
      'Memory accounted to objects.',
      one(() => store.sizeBytes),
    ),
    gauge(
      'headwater_hot_store_size_bytes_max',
      'Bound on that memory.',
      one(() => store.sizeBytesMax),
    ),
    counter(
      'headwater_auth_signature_checks_total',
      'Signatures computed to verify keys.',
      one(() => sources.auth().signatureCheckCount),
    ),
    counter('headwater_auth_refusals_total', 'Credentials refused, by reason.', () =>
      Object.entries(sources.auth().refusedCounts).map(([reason, value]) => ({
        labels: { reason },
        value,
      })),
    ),
    counter(
      'headwater_playlist_tokens_removed_total',
      'Tokens taken out of playlists.',
      one(() => sources.tokenGuard.removedTokenCount),
    ),
    gauge(
      'headwater_hot_store_pinned_items',
      'Objects of live windows, never dropped for others.',
      one(() => store.pinnedItemCount),
    ),
    gauge(
      'headwater_hot_store_pinned_bytes',
      'Memory accounted to them.',
      one(() => store.pinnedBytes),
    ),
    counter(
      'headwater_findings_total',
      'What was wrong with playlists at their PUT, by rule.',
      () => [...sources.findingCounts].map(([rule, value]) => ({ labels: { rule }, value })),
    ),
    gauge('headwater_waiters', 'Readers that wait for a segment.', one(sources.waiterCount)),
    gauge(
      'headwater_overload_level',
      'How far reads are given up, 0 to 3.',
      one(() => sources.overload.level),
    ),
    counter(
      'headwater_overload_refusals_total',
      'Reads answered 503.',
      one(() => sources.overload.refusedCount),
    ),
    gauge(
      'headwater_event_loop_delay_seconds',
      'Mean delay of the event loop, last sample.',
      one(() => sources.overload.eventLoopDelayMs / 1000),
    ),
    gauge(
      'headwater_connections',
      'Open connections, by plane.',
      byPlane((plane) => plane.open),
    ),
    counter(
      'headwater_connections_opened_total',
      'Connections accepted, by plane.',
      byPlane((plane) => plane.openedCount),
    ),
    counter(
      'headwater_connections_refused_total',
      'Connections closed at once, over the limit.',
      byPlane((plane) => plane.refusedCount),
    ),
    counter(
      'headwater_malformed_requests_total',
      'Requests that could not be framed.',
      byPlane((plane) => plane.malformedCount),
    ),
  ]
}

function requestSamples(requests: MetricSources['requests']): Sample[] {
  const samples: Sample[] = []
  for (const [operation, counts] of Object.entries(requests)) {
    for (let statusClass = 2; statusClass <= 5; statusClass++) {
      samples.push({
        labels: { operation, status: `${statusClass}xx` },
        value: counts[statusClass] ?? 0,
      })
    }
  }
  return samples
}
