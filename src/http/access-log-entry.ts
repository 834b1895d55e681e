/**
 * One line of the access log: the fields of Momento's Object Store, and what a live origin adds. No
 * URL is in it, and every text of the client is redacted.
 */

import type { ClientAddresses } from '../auth/client-address.ts'
import { CMCD_HEADERS, parseCmcd } from '../wire/cmcd.ts'
import type { Cmcd } from '../wire/cmcd.ts'
import type { RefusalReason } from '../wire/refusals.ts'
import type { RecordedOperation, RequestRecord } from './request-record.ts'
import {
  headerText,
  shownCacheName,
  shownClientAddress,
  shownKey,
  shownText,
  shownUserAgent,
} from './shown-request.ts'

/** Momento's words for how a request ended. Source: Object Store, access log. */
export type AccessStatus =
  | 'ok' // a write, a delete
  | 'cache_hit' // from memory
  | 'storage_hit' // from disk or Valkey
  | 'miss'
  | 'bad_request'
  | 'authz_error'
  | 'operations_rate_limited'
  | 'throughput_rate_limited'
  | 'internal_error'

/** Where objects are. */
export type StorageKind = 'memory' | 'disk' | 'valkey'

export interface AccessLogEntryOptions {
  readonly clientAddresses: ClientAddresses
  /** Wall clock, now, ms. */
  readonly nowMs: number
  readonly requestId: string
  readonly storage: StorageKind
}

const OPERATION_NAMES: Readonly<Record<RecordedOperation, string>> = {
  read: 'get_object',
  write: 'put_object',
  delete: 'delete_object',
  other: 'other',
}

const RATE_LIMITS: Partial<Record<RefusalReason, AccessStatus>> = {
  'credential-throttled': 'operations_rate_limited',
  'reads-per-second': 'operations_rate_limited',
  'writes-per-second': 'operations_rate_limited',
  'read-bytes-per-second': 'throughput_rate_limited',
  'write-bytes-per-second': 'throughput_rate_limited',
}

/** One JSON object and a line break. Fields without a value are left out. */
export function formatAccessLogEntry(
  record: RequestRecord,
  { clientAddresses, nowMs, requestId, storage }: AccessLogEntryOptions,
): string {
  const { operation, request, reason, isComplete, objectAgeMs, heldMs, headAfterMs } = record
  return `${JSON.stringify({
    timestamp: Math.round(nowMs - record.durationMs),
    operation: OPERATION_NAMES[operation],
    store: shownCacheName(record),
    key: shownKey(record),
    persistence: storage === 'memory' ? 'ephemeral' : 'durable',
    status: accessStatusOf(record),
    storage: storageOf(record, storage),
    http_status_code: record.statusCode,
    size: operation === 'write' ? record.bytesIn : record.bytesOut,
    object_age_us: objectAgeMs < 0 ? undefined : microseconds(objectAgeMs),
    total_time_us: microseconds(record.durationMs),
    request_id: requestId,
    first_byte_us: headAfterMs < 0 ? undefined : microseconds(headAfterMs),
    held_us: heldMs === 0 ? undefined : microseconds(heldMs),
    method: shownText(record, request.method ?? '', 32),
    reason,
    client_address: shownClientAddress(record, clientAddresses),
    key_id: record.keyId === '' ? undefined : record.keyId,
    user_agent: shownUserAgent(record) || undefined,
    upstream_request_id: upstreamRequestId(record),
    in_progress: record.source === 'upload' ? true : undefined,
    aborted: isComplete ? undefined : true,
    cmcd: shownCmcd(record),
  })}\n`
}

/** @see AccessStatus */
export function accessStatusOf(record: RequestRecord): AccessStatus {
  const { operation, statusCode, reason } = record
  const limited = reason === undefined ? undefined : RATE_LIMITS[reason]
  if (limited !== undefined) return limited
  if (statusCode >= 500) return 'internal_error'
  if (statusCode === 401 || statusCode === 403) return 'authz_error'
  if (reason === 'key-not-found' || reason === 'stale') return 'miss'
  // 0: gone before an answer, by the client's doing.
  if (statusCode >= 400 || statusCode === 0) return 'bad_request'
  if (operation !== 'read') return 'ok'
  return record.isReadThrough ? 'storage_hit' : 'cache_hit'
}

/** What an object was read from; `undefined` when none was. */
function storageOf(
  { source, isReadThrough }: RequestRecord,
  storage: StorageKind,
): StorageKind | undefined {
  if (source !== 'store') return undefined
  return isReadThrough ? storage : 'memory'
}

/** Of a CDN or proxy in front, to find the same request in its log. */
function upstreamRequestId(record: RequestRecord): string | undefined {
  const id = headerText(record, 'x-amz-cf-id') ?? headerText(record, 'x-request-id')
  if (id === undefined || !/^[\w.:+/=-]{1,128}$/.test(id)) return undefined
  return shownText(record, id, 128)
}

function shownCmcd(record: RequestRecord): Cmcd | undefined {
  if (record.operation !== 'read') return undefined
  const headers = CMCD_HEADERS.map((name) => headerText(record, name))
  const cmcd = parseCmcd(record.request.url ?? '', headers)
  if (cmcd === undefined) return undefined
  return Object.fromEntries(
    Object.entries(cmcd).map(([name, value]) => [
      name,
      typeof value === 'string' ? shownText(record, value, 128) : value,
    ]),
  )
}

function microseconds(durationMs: number): number {
  return Math.round(durationMs * 1000)
}
