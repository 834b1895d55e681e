/**
 * What every item request adds to: counts, bytes and latencies, in plain fields. Told of a request
 * when it has ended; a few additions each, nothing is allocated.
 */

import type { StoredItem } from '../storage/store.ts'
import { AGE_BOUNDS_SECONDS, Histogram, LATENCY_BOUNDS_SECONDS } from './histogram.ts'
import type { PlaylistReads } from './playlist-reads.ts'

/** The part of a request's record that is measured; the record itself is the servers'. */
export interface MeasuredRequest {
  readonly operation: MeasuredOperation
  /** 0 when no answer was begun. */
  readonly statusCode: number
  /** Whether the whole answer was handed over. */
  readonly isComplete: boolean
  readonly source: 'none' | 'store' | 'upload'
  readonly item: StoredItem | undefined
  /** Since the PUT of {@link item}; -1 without one. */
  readonly objectAgeMs: number
  /** Time spent waiting for what had not come yet. */
  readonly heldMs: number
  /** From the start to the head of the answer; -1 without an answer. */
  readonly headAfterMs: number
  readonly durationMs: number
  readonly bytesIn: number
  readonly bytesOut: number
}

/** `other`: preflights, WebDAV, methods that are refused. */
export type MeasuredOperation = 'read' | 'write' | 'delete' | 'other'
export const MEASURED_OPERATIONS: readonly MeasuredOperation[] = [
  'read',
  'write',
  'delete',
  'other',
]

/** Where the first byte of a read came from: memory, an upload in progress, or after a wait. */
export type FirstByteSource = 'store' | 'upload' | 'held'
export const FIRST_BYTE_SOURCES: readonly FirstByteSource[] = ['store', 'upload', 'held']

type ItemKind = StoredItem['kind']
export const ITEM_KINDS: readonly ItemKind[] = [
  'multivariant',
  'media',
  'manifest',
  'segment',
  'part',
  'init',
  'key',
  'other',
]

/** One more than the last status that HTTP knows. */
const STATUS_CODES = 600

/** Plain counters of one operation. */
export class OperationMeters {
  /** Whole answers by status code. */
  readonly byStatusCode = new Float64Array(STATUS_CODES)
  /** Without a whole answer: client or server broke it off. */
  brokenCount = 0
  bytesIn = 0
  bytesOut = 0

  /** @param statusClass  2 for 2xx. */
  countOfClass(statusClass: number): number {
    let count = 0
    for (let code = statusClass * 100; code < (statusClass + 1) * 100; code++) {
      count += this.byStatusCode[code] ?? 0
    }
    return count
  }
}

export class RequestMeters {
  readonly operations: Readonly<Record<MeasuredOperation, OperationMeters>> = {
    read: new OperationMeters(),
    write: new OperationMeters(),
    delete: new OperationMeters(),
    other: new OperationMeters(),
  }
  /** Writes that were stored, from their head to their answer: with the time the encoder takes. */
  readonly put = new Histogram(LATENCY_BOUNDS_SECONDS)
  /** Reads from memory that waited for nothing, until the connection has taken the answer. */
  readonly getHit = new Histogram(LATENCY_BOUNDS_SECONDS)
  /** Reads that were answered with an object, until the head of the answer. */
  readonly firstByte: Readonly<Record<FirstByteSource, Histogram>> = {
    store: new Histogram(LATENCY_BOUNDS_SECONDS),
    upload: new Histogram(LATENCY_BOUNDS_SECONDS),
    held: new Histogram(LATENCY_BOUNDS_SECONDS),
  }
  /** How old stored objects were when they were read. */
  readonly objectAge: Readonly<Record<ItemKind, Histogram>> = {
    multivariant: new Histogram(AGE_BOUNDS_SECONDS),
    media: new Histogram(AGE_BOUNDS_SECONDS),
    manifest: new Histogram(AGE_BOUNDS_SECONDS),
    segment: new Histogram(AGE_BOUNDS_SECONDS),
    part: new Histogram(AGE_BOUNDS_SECONDS),
    init: new Histogram(AGE_BOUNDS_SECONDS),
    key: new Histogram(AGE_BOUNDS_SECONDS),
    other: new Histogram(AGE_BOUNDS_SECONDS),
  }
  readonly #playlistReads: PlaylistReads

  constructor(playlistReads: PlaylistReads) {
    this.#playlistReads = playlistReads
  }

  requestEnded(request: MeasuredRequest): void {
    const { operation, statusCode } = request
    const meters = this.operations[operation]
    meters.bytesIn += request.bytesIn
    meters.bytesOut += request.bytesOut
    if (!request.isComplete || statusCode >= STATUS_CODES) {
      meters.brokenCount++
      return
    }
    meters.byStatusCode[statusCode] = (meters.byStatusCode[statusCode] ?? 0) + 1
    if (statusCode >= 400) return
    if (operation === 'read') this.#readAnswered(request)
    else if (operation === 'write') this.put.observe(request.durationMs / 1000)
  }

  #readAnswered(request: MeasuredRequest): void {
    const { source, item } = request
    if (source === 'none') return
    const isHeld = request.heldMs > 0
    this.firstByte[isHeld ? 'held' : source].observe(request.headAfterMs / 1000)
    if (source !== 'store' || item === undefined) return
    if (!isHeld) this.getHit.observe(request.durationMs / 1000)
    const ageSeconds = request.objectAgeMs / 1000
    this.objectAge[item.kind].observe(ageSeconds)
    if (item.kind === 'media') this.#playlistReads.observe(item.storeKey, ageSeconds)
  }
}
