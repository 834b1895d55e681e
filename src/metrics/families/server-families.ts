/** Metrics of the server around the requests: connections, keys, overload, the process. */

import { GC_KINDS } from '../process-meters.ts'
import { counter, gauge } from '../scalar-family.ts'
import type { MeasuredConnections, Scrape } from '../sources.ts'
import type { Family, Sample } from '../text.ts'

const PLANES = ['data', 'admin'] as const
/** Which part of the server speaks on a connection: only one does in this version. */
const LANES = ['standard'] as const
const MEMORY_PARTS = { resident: 'rss', heap: 'heapUsed', heap_reserved: 'heapTotal' } as const
const CPU_MODES = ['user', 'system'] as const
const AUTH_REASONS = [
  ...['malformed', 'too-long', 'bad-signature', 'unknown', 'expired', 'revoked', 'throttled'],
]

export const SERVER_FAMILIES: readonly Family<Scrape>[] = [
  ofConnections('gauge', {
    name: 'headwater_connections',
    help: 'Open connections.',
    read: ({ open }) => open,
  }),
  ofConnections('counter', {
    name: 'headwater_connections_opened_total',
    help: 'Connections accepted.',
    advice: 'Far more than requests suggest: a client does not keep them alive.',
    read: ({ openedCount }) => openedCount,
  }),
  ofConnections('counter', {
    name: 'headwater_connections_refused_total',
    help: 'Connections closed at once, over the limit.',
    advice: 'Over `http.connectionsMax`.',
    read: ({ refusedCount }) => refusedCount,
  }),
  ofConnections('counter', {
    name: 'headwater_malformed_requests_total',
    help: 'Requests that could not be framed.',
    advice: 'What was no HTTP, failed TLS handshakes included.',
    read: ({ malformedCount }) => malformedCount,
  }),
  counter('headwater_express_lane_requests_total', 'Reads answered by the express lane.', {
    advice:
      'Its share of `headwater_requests_total{operation="read"}`: most, or `expressLane` gains little.',
    read: ({ connections }) => connections.data.frontRequestCount,
  }),
  counter(
    'headwater_express_lane_handovers_total',
    'Connections that the express lane gave to the standard one, for good.',
    {
      advice: 'Encoders, pages, and clients that write unusual requests.',
      read: ({ connections }) => connections.data.handedOverCount,
    },
  ),
  counter('headwater_auth_signature_checks_total', 'Signatures computed to verify keys.', {
    advice: 'Grows with new keys, not with requests.',
    read: ({ auth }) => auth.signatureCheckCount,
  }),
  {
    name: 'headwater_auth_refusals_total',
    help: 'Credentials refused, by reason.',
    type: 'counter',
    labels: { reason: AUTH_REASONS },
    read: ({ auth }) =>
      Object.entries(auth.refusedCounts).map(([reason, value]) => ({ labels: { reason }, value })),
  },
  gauge('headwater_overload_level', 'How far reads are given up, 0 to 3.', {
    advice: '[Overload](operations.md#overload).',
    read: ({ overload }) => overload.level,
  }),
  counter('headwater_overload_refusals_total', 'Reads answered 503 because of overload.', {
    read: ({ overload }) => overload.refusedCount,
  }),
  gauge('headwater_event_loop_delay_seconds', 'Mean delay of the event loop.', {
    advice: 'Over the last quarter of a second.',
    read: ({ overload }) => overload.eventLoopDelayMs / 1000,
  }),
  {
    name: 'headwater_event_loop_stall_seconds',
    help: 'Longest delay of the event loop in each quarter of a second.',
    type: 'histogram',
    labels: {},
    read: ({ process: meters }) => [{ histogram: meters.stalls }],
  },
  {
    name: 'headwater_process_cpu_seconds_total',
    help: 'CPU time of the process, all threads.',
    type: 'counter',
    labels: { mode: CPU_MODES },
    read: ({ cpu }) => CPU_MODES.map((mode) => ({ labels: { mode }, value: cpu[mode] / 1e6 })),
  },
  {
    name: 'headwater_process_memory_bytes',
    help: 'Memory of the process, by part.',
    advice:
      '`resident`: all of it, against `limits.rssBytesMax`; `heap`: JavaScript objects in use; `heap_reserved`: what the heap has taken; `buffers`: bytes of objects and uploads.',
    type: 'gauge',
    labels: { part: [...Object.keys(MEMORY_PARTS), 'buffers'] },
    read: ({ memory }) => [
      ...Object.entries(MEMORY_PARTS).map(([part, field]) => ({
        labels: { part },
        value: memory[field],
      })),
      { labels: { part: 'buffers' }, value: memory.arrayBuffers },
    ],
  },
  {
    name: 'headwater_gc_runs_total',
    help: 'Garbage collections, by kind.',
    type: 'counter',
    labels: { kind: GC_KINDS },
    read: ({ process: { gc } }) =>
      GC_KINDS.map((kind) => ({ labels: { kind }, value: gc[kind].count })),
  },
  {
    name: 'headwater_gc_seconds_total',
    help: 'Time spent in garbage collections, by kind.',
    advice: '`major` and `incremental` run beside the main thread for the most part.',
    type: 'counter',
    labels: { kind: GC_KINDS },
    read: ({ process: { gc } }) =>
      GC_KINDS.map((kind) => ({ labels: { kind }, value: gc[kind].seconds })),
  },
  gauge('headwater_start_time_seconds', 'When this process started, Unix time.', {
    advice: 'A new value is a restart.',
    read: ({ startedAtMs }) => startedAtMs / 1000,
  }),
  {
    name: 'headwater_build_info',
    help: 'Always 1; the version is in the label.',
    type: 'gauge',
    labels: { version: 'the one version that runs' },
    read: ({ version }) => [{ labels: { version }, value: 1 }],
  },
]

function ofConnections(
  type: 'counter' | 'gauge',
  family: {
    readonly name: string
    readonly help: string
    readonly advice?: string
    readonly read: (connections: MeasuredConnections) => number
  },
): Family<Scrape> {
  return {
    ...family,
    type,
    labels: { plane: PLANES, lane: LANES },
    read: ({ connections }): readonly Sample[] =>
      PLANES.map((plane) => ({
        labels: { plane, lane: 'standard' },
        value: family.read(connections[plane]),
      })),
  }
}
