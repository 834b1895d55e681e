/** Records of requests as observers get them, without a server. */

import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../../src/base/clock.ts'
import { RequestRecord } from '../../src/http/request-record.ts'
import type { ReadSource } from '../../src/http/request-record.ts'
import type { StoredItem } from '../../src/storage/store.ts'
import type { RefusalReason } from '../../src/wire/refusals.ts'
import { parseItemTarget } from '../../src/wire/target.ts'

export interface RecordedChange {
  readonly method?: string
  readonly url?: string
  readonly headers?: IncomingHttpHeaders
  readonly remoteAddress?: string
  readonly keyId?: string
  readonly statusCode?: number
  readonly reason?: RefusalReason
  readonly detail?: string
  readonly heldMs?: number
  readonly isComplete?: boolean
  readonly source?: ReadSource
  readonly isReadThrough?: boolean
  readonly bytesIn?: number
  readonly bytesOut?: number
  readonly item?: StoredItem
  readonly objectAgeMs?: number
}

const OPERATIONS = { GET: 'read', HEAD: 'read', PUT: 'write', DELETE: 'delete' } as const

/** A request that has ended; a complete 200 of a GET unless said otherwise. */
export function recorded(clock: Clock, change: RecordedChange = {}): RequestRecord {
  const { method = 'GET', url = '/cache/live-origin/a.ts', headers = {} } = change
  const known: Readonly<Record<string, 'read' | 'write' | 'delete'>> = OPERATIONS
  const record = new RequestRecord(
    { clock, observers: [] },
    { method, url, headers },
    parseItemTarget(url),
    known[method] ?? 'other',
    change.remoteAddress ?? '192.0.2.10',
  )
  record.headMade()
  const { keyId, reason, detail, heldMs, source, isReadThrough } = change
  const { bytesIn, bytesOut, item, objectAgeMs } = change
  Object.assign(
    record,
    Object.fromEntries(
      Object.entries({
        keyId,
        reason,
        detail,
        heldMs,
        source,
        isReadThrough,
        bytesIn,
        bytesOut,
        item,
        objectAgeMs,
      }).filter(([, value]) => value !== undefined),
    ),
  )
  record.end(change.statusCode ?? 200, change.isComplete ?? true)
  return record
}
