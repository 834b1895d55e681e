/**
 * What is known of one item request, gathered while it is answered and shown once, when its answer
 * has ended or its connection has. The one place where access log, recent requests and metrics look.
 * One small object per request; whoever wants more computes it from the record when it is shown.
 */

import type { IncomingHttpHeaders } from 'node:http'
import type { Operation } from '../auth/grant.ts'
import type { Clock } from '../base/clock.ts'
import type { StoredItem } from '../storage/store.ts'
import type { ItemResponse } from '../wire/item-exchange.ts'
import type { RefusalReason } from '../wire/refusals.ts'
import type { ItemTarget } from '../wire/target.ts'

/** Told of every item request. Called in the request's own turn: quick, and never throws. */
export interface RequestObserver {
  /** Once per request. The record is not changed any more; its headers and target hold credentials. */
  requestEnded(record: RequestRecord): void
}

/** `other`: preflights, WebDAV, methods that are refused. */
export type RecordedOperation = Operation | 'other'

/** What a read was answered from. */
export type ReadSource =
  | 'none' // refused, missed, or no read
  | 'store' // an object, whole or in part, or 304 of it
  | 'upload' // an upload in progress, as its bytes came

/** The part of a request that observers may look at; any lane has it. */
export interface RecordedRequest {
  readonly method?: string | undefined
  /** The request target as received, with credentials in it. */
  readonly url?: string | undefined
  /** With credentials in them. */
  readonly headers: IncomingHttpHeaders
  /** Whether its body came to its end. */
  readonly complete?: boolean | undefined
}

/** What every record of a server shares. */
export interface RequestRecording {
  readonly clock: Clock
  readonly observers: readonly RequestObserver[]
}

/** All fields are made at once, in one order: the shape never changes. */
export class RequestRecord {
  readonly #recording: RequestRecording
  readonly request: RecordedRequest
  /** Holds `?token=`: never written anywhere as it is. */
  readonly target: ItemTarget
  readonly operation: RecordedOperation
  /** The peer's address; '' when it was gone already. Not the client's behind a proxy. */
  readonly remoteAddress: string
  readonly startedAtMonotonicMs: number
  /** Of the key that allowed it, or that was valid and did not; '' without one. */
  keyId = ''
  /** Why it was refused or missed; `undefined` when it was answered as asked. */
  reason: RefusalReason | undefined = undefined
  /** What was said instead of the reason's general sentence. */
  detail: string | undefined = undefined
  source: ReadSource = 'none'
  /** Whether {@link item} had to be read from disk or Valkey: memory did not have it. */
  isReadThrough = false
  /** The object that was sent or whose state decided; `undefined` for what is still being written. */
  item: StoredItem | undefined = undefined
  /** Since its PUT, when the head of its answer was made; -1 when {@link item} is absent. */
  objectAgeMs = -1
  /** Time spent waiting for something that had not come yet; 0 when nothing was waited for. */
  heldMs = 0
  /** From the start to the head of the answer; -1 when there was none. */
  headAfterMs = -1
  /** Body bytes received, refused ones too. */
  bytesIn = 0
  /** Body bytes handed to the connection; of a broken answer not all of them arrived. */
  bytesOut = 0
  /** 0 when no answer was begun. */
  statusCode = 0
  /** From the start to the end, settled when observers are told. */
  durationMs = 0
  /** Whether the whole answer was handed over; false when client or server broke it off. */
  isComplete = false

  constructor(
    recording: RequestRecording,
    request: RecordedRequest,
    target: ItemTarget,
    operation: RecordedOperation,
    remoteAddress: string,
  ) {
    this.#recording = recording
    this.request = request
    this.target = target
    this.operation = operation
    this.remoteAddress = remoteAddress
    this.startedAtMonotonicMs = recording.clock.monotonicMs()
  }

  /** The head of the answer is made now. */
  headMade(): void {
    this.headAfterMs = this.#recording.clock.monotonicMs() - this.startedAtMonotonicMs
  }

  /** This object is what the answer is about. */
  found(item: StoredItem): void {
    this.item = item
    this.objectAgeMs = Math.max(0, this.#recording.clock.nowMs() - item.storedAtMs)
  }

  /** For {@link heldSince}. */
  holdBegins(): number {
    return this.#recording.clock.monotonicMs()
  }

  /** Adds the time since {@link holdBegins}. */
  heldSince(beganAtMonotonicMs: number): void {
    this.heldMs += this.#recording.clock.monotonicMs() - beganAtMonotonicMs
  }

  /** Shows the record to the observers. Call once. */
  end(statusCode: number, isComplete: boolean): void {
    const { clock, observers } = this.#recording
    this.statusCode = statusCode
    this.isComplete = isComplete
    // The connection's end is heard here before the upload hears of it.
    if (statusCode === 0 && this.operation === 'write' && this.request.complete === false) {
      this.reason ??= 'body-incomplete'
    }
    this.durationMs = clock.monotonicMs() - this.startedAtMonotonicMs
    for (const observer of observers) observer.requestEnded(this)
  }
}

const RECORD = Symbol('request record')

type RecordedResponse = ItemResponse & { [RECORD]?: RequestRecord }

/** The record of the request that this answers; `undefined` for what is no item request. */
export function recordOf(response: ItemResponse): RequestRecord | undefined {
  // A property, not a WeakMap: an entry of one per request costs the collector more than the request.
  return (response as RecordedResponse)[RECORD]
}

/** Ends the record when the answer ends or its connection does. */
export function attachRecord(response: ItemResponse, record: RequestRecord): void {
  // The only writer of this property; see recordOf.
  ;(response as RecordedResponse)[RECORD] = record
  // `close` comes once, after `finish` or instead of it: `on` with a shared function makes no closure.
  response.on('close', endOfAnswer)
}

function endOfAnswer(this: ItemResponse): void {
  recordOf(this)?.end(this.headersSent ? this.statusCode : 0, this.writableFinished)
}
