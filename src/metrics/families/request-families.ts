/** Metrics of item requests: counts, bytes, latencies, waits. */

import type { ReloadOutcome } from '../../origin/blocking-reload.ts'
import { REFUSALS } from '../../wire/refusals.ts'
import { FIRST_BYTE_SOURCES, ITEM_KINDS, MEASURED_OPERATIONS } from '../request-meters.ts'
import type { Scrape } from '../sources.ts'
import type { Family, Sample } from '../text.ts'

const STATUS_CLASSES = [2, 3, 4, 5] as const

/** How waits end, by label. */
const HOLD_OUTCOMES = {
  changed: 'changedCount',
  over: 'overCount',
  left: 'leftCount',
  closing: 'closingCount',
  refused: 'refusedCount',
} as const

/** Each outcome of a blocking reload; the type says when one is missing. */
const RELOAD_OUTCOMES: Readonly<Record<ReloadOutcome, true>> = {
  immediate: true,
  released: true,
  refused: true,
  timeout: true,
  busy: true,
  gone: true,
  left: true,
  stopping: true,
}

const REASONS = Object.keys(REFUSALS)

export const REQUEST_FAMILIES: readonly Family<Scrape>[] = [
  {
    name: 'headwater_requests_total',
    help: 'Item requests answered in full, by operation and class of status.',
    advice: 'Behind a CDN, reads must not grow with viewers. `other` is preflights and WebDAV.',
    type: 'counter',
    labels: {
      operation: MEASURED_OPERATIONS,
      status: STATUS_CLASSES.map((statusClass) => `${statusClass}xx`),
    },
    read: ({ requests }) =>
      MEASURED_OPERATIONS.flatMap((operation) =>
        STATUS_CLASSES.map((statusClass) => ({
          labels: { operation, status: `${statusClass}xx` },
          value: requests.operations[operation].countOfClass(statusClass),
        })),
      ),
  },
  {
    name: 'headwater_responses_total',
    help: 'The same by status code.',
    advice: 'A code appears when it was answered once.',
    type: 'counter',
    labels: { operation: MEASURED_OPERATIONS, code: 'the status codes that this origin answers' },
    read: function* ({ requests }) {
      for (const operation of MEASURED_OPERATIONS) {
        const { byStatusCode } = requests.operations[operation]
        for (let code = 100; code < byStatusCode.length; code++) {
          const value = byStatusCode[code] ?? 0
          if (value > 0) yield { labels: { operation, code: String(code) }, value }
        }
      }
    },
  },
  {
    name: 'headwater_requests_broken_total',
    help: 'Item requests that ended without a whole answer.',
    advice: 'Clients that went away, readers that stalled, encoders that died during an upload.',
    type: 'counter',
    labels: { operation: MEASURED_OPERATIONS },
    read: byOperation(({ brokenCount }) => brokenCount),
  },
  {
    name: 'headwater_received_bytes_total',
    help: 'Bytes of request bodies, counted when the request has ended.',
    advice: 'Refused bodies count, too.',
    type: 'counter',
    labels: { operation: MEASURED_OPERATIONS },
    read: byOperation(({ bytesIn }) => bytesIn),
  },
  {
    name: 'headwater_sent_bytes_total',
    help: 'Bytes of answer bodies, counted when the request has ended.',
    type: 'counter',
    labels: { operation: MEASURED_OPERATIONS },
    read: byOperation(({ bytesOut }) => bytesOut),
  },
  {
    name: 'headwater_put_duration_seconds',
    help: 'Writes that were stored, from their head to their answer.',
    advice:
      'With the time that the encoder takes to send: one that uploads while it encodes needs as long as a segment lasts.',
    type: 'histogram',
    labels: {},
    read: ({ requests }) => [{ histogram: requests.put }],
  },
  {
    name: 'headwater_get_hit_duration_seconds',
    help: 'Reads from memory that waited for nothing, until the connection has taken the answer.',
    type: 'histogram',
    labels: {},
    read: ({ requests }) => [{ histogram: requests.getHit }],
  },
  {
    name: 'headwater_first_byte_seconds',
    help: 'Reads that were answered with an object, until the head of the answer.',
    advice:
      '`store`: from memory; `upload`: of an upload in progress; `held`: after a wait for what had not come yet.',
    type: 'histogram',
    labels: { source: FIRST_BYTE_SOURCES },
    read: ({ requests }) =>
      FIRST_BYTE_SOURCES.map((source) => ({
        labels: { source },
        histogram: requests.firstByte[source],
      })),
  },
  {
    name: 'headwater_object_age_at_read_seconds',
    help: 'How old stored objects were when they were read, by kind.',
    advice:
      'Media playlists much older than half a target duration: readers see the channel late, or the encoder is slow.',
    type: 'histogram',
    labels: { kind: ITEM_KINDS },
    read: ({ requests }) =>
      ITEM_KINDS.map((kind) => ({ labels: { kind }, histogram: requests.objectAge[kind] })),
  },
  {
    name: 'headwater_refused_writes_total',
    help: 'Writes that were refused, by reason.',
    advice:
      '**Alert on it**: encoders say nothing. (A 401 that is half of a login counts, too.) Reasons: [README](../README.md#api).',
    type: 'counter',
    labels: { reason: REASONS },
    // With zeros: Prometheus sees no increase in a series that begins with its first refusal.
    read: ({ refusedWrites }) =>
      REASONS.map((reason) => ({ labels: { reason }, value: refusedWrites.get(reason) ?? 0 })),
  },
  {
    name: 'headwater_waiters',
    help: 'Readers that wait for something to be written.',
    type: 'gauge',
    labels: {},
    read: ({ waiterCount }) => [{ value: waiterCount() }],
  },
  {
    name: 'headwater_holds_total',
    help: 'Waits for segments, parts and playlists, by how they ended.',
    advice:
      '`changed`: it came, or its upload began or failed; `over`: the deadline passed, the answer was 404; `left`: the reader went away; `closing`: the server stops; `refused`: too many waited already.',
    type: 'counter',
    labels: { outcome: Object.keys(HOLD_OUTCOMES) },
    read: ({ waiters }) =>
      Object.entries(HOLD_OUTCOMES).map(([outcome, field]) => ({
        labels: { outcome },
        value: waiters[field],
      })),
  },
  {
    name: 'headwater_blocking_reloads_total',
    help: 'Blocking playlist reloads (low latency), by how they ended.',
    advice:
      '`immediate`: the playlist had it already; `released`: after a wait; `refused`: 400; `timeout`: 503 after three target durations; `busy`: too many wait; `gone`: 404 after a wait; `left`: the reader went away; `stopping`: the server stops.',
    type: 'counter',
    labels: { outcome: Object.keys(RELOAD_OUTCOMES) },
    read: ({ reloads }) =>
      Object.entries(reloads).map(([outcome, value]) => ({ labels: { outcome }, value })),
  },
]

function byOperation(
  read: (meters: Scrape['requests']['operations']['read']) => number,
): (scrape: Scrape) => readonly Sample[] {
  return ({ requests }) =>
    MEASURED_OPERATIONS.map((operation) => ({
      labels: { operation },
      value: read(requests.operations[operation]),
    }))
}
