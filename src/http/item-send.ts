/**
 * Sends a representation of an item: preconditions, ranges, head and bytes. The fields that never
 * change are built once per representation; `Date` and `max-age` move.
 */

import type { Clock } from '../base/clock.ts'
import { formatHttpDate } from '../base/dates.ts'
import { notesOf } from '../origin/item-notes.ts'
import type { Representation } from '../origin/representations.ts'
import type { StoredItem } from '../storage/store.ts'
import { isActiveType } from '../wire/headers.ts'
import {
  evaluatePreconditions,
  ifRangeHolds,
  parseRange,
  sliceChunks,
} from '../wire/preconditions.ts'
import type { ItemRequest, ItemResponse } from '../wire/item-exchange.ts'
import type { ConditionalHeaders } from '../wire/preconditions.ts'
import type { ItemAnswers } from './item-answers.ts'
import { watchStall } from './item-stream.ts'
import { recordOf } from './request-record.ts'

export interface ItemSendOptions {
  readonly answers: ItemAnswers
  readonly clock: Clock
  /** A reader that takes nothing for this long is cut. */
  readonly readerStallMs: number
}

export interface SentItem {
  readonly item: StoredItem
  readonly body: Representation
  /** The answer depends on `Accept-Encoding`. */
  readonly varies: boolean
  /** Not for shared caches. */
  readonly isPrivate: boolean
  /** Instead of the item's own, before the remaining TTL caps it. */
  readonly maxAgeSeconds?: number | undefined
}

export class ItemSend {
  readonly #options: ItemSendOptions
  /** The unchanging fields by representation; an item is its own identity form. */
  readonly #heads = new WeakMap<Representation, readonly string[]>()

  constructor(options: ItemSendOptions) {
    this.#options = options
  }

  /** 200, 206, 304, 412 or 416. */
  answer(request: ItemRequest, response: ItemResponse, sent: SentItem): void {
    const { answers } = this.#options
    const { item, body } = sent
    const { headers } = request
    const head = this.#headOf(sent)
    const record = recordOf(response)
    if (record !== undefined) {
      record.source = 'store'
      record.found(item)
    }
    const caching = { maxAgeSeconds: this.#maxAgeSeconds(sent), isPrivate: sent.isPrivate }
    const validators = { etag: body.etag, lastModifiedMs: item.storedAtMs }
    const verdict = evaluatePreconditions(preconditionsOf(request), validators)
    if (verdict === 'failed') return answers.refuse(request, response, 'precondition-failed')
    if (verdict === 'not-modified') {
      answers.head(request, response, 304, head, caching)
      response.end()
      return
    }
    // Node joins repeated fields into one value; the type allows for a list.
    const ifRange = headers['if-range'] as string | undefined
    const range =
      request.method === 'GET' && ifRangeHolds(ifRange, validators)
        ? parseRange(headers.range, body.sizeBytes)
        : undefined
    if (range === 'unsatisfiable') {
      answers.refuse(request, response, 'range-not-satisfiable', {
        headers: ['Content-Range', `bytes */${body.sizeBytes}`],
      })
      return
    }
    if (range === undefined) {
      const fields = [...head, 'Content-Length', String(body.sizeBytes)]
      answers.head(request, response, 200, fields, caching)
      this.#write(request, response, body.chunks)
      return
    }
    const fields = [
      ...head,
      'Content-Length',
      String(range.last + 1 - range.first),
      'Content-Range',
      `bytes ${range.first}-${range.last}/${body.sizeBytes}`,
    ]
    answers.head(request, response, 206, fields, caching)
    this.#write(request, response, sliceChunks(body.chunks, range))
  }

  /** Whether an item's answer is a head alone: HEAD, 304 or 412. */
  needsNoBody(request: ItemRequest, { etag, storedAtMs }: StoredItem): boolean {
    if (request.method === 'HEAD') return true
    const validators = { etag, lastModifiedMs: storedAtMs }
    const verdict = evaluatePreconditions(preconditionsOf(request), validators)
    return verdict === 'failed' || verdict === 'not-modified'
  }

  #headOf(sent: SentItem): readonly string[] {
    const known = this.#heads.get(sent.body)
    if (known !== undefined) return known
    const head = headFields(sent)
    this.#heads.set(sent.body, head)
    return head
  }

  /** Never beyond the remaining TTL: a CDN must not serve what the origin has dropped. */
  #maxAgeSeconds({ item, maxAgeSeconds }: SentItem): number {
    const remainingSeconds = Math.floor(
      (item.expiresAtMonotonicMs - this.#options.clock.monotonicMs()) / 1000,
    )
    const allowedSeconds = maxAgeSeconds ?? notesOf(item).maxAgeSeconds
    return Math.max(0, Math.min(allowedSeconds, remainingSeconds))
  }

  #write(request: ItemRequest, response: ItemResponse, chunks: readonly Uint8Array[]): void {
    if (request.method === 'HEAD') {
      response.end()
      return
    }
    const last = chunks.length - 1
    const record = recordOf(response)
    if (record !== undefined) {
      for (let index = 0; index <= last; index++) record.bytesOut += chunks[index]?.length ?? 0
    }
    if (last < 1) {
      response.end(chunks[0])
    } else {
      // One writev for the head and all chunks.
      response.cork()
      for (let index = 0; index < last; index++) response.write(chunks[index])
      response.end(chunks[last])
      response.uncork()
    }
    // What the kernel did not take at once waits for the reader, and not for ever.
    if (response.writableLength > 0) watchStall(response, this.#options.readerStallMs)
  }
}

function preconditionsOf({ headers }: ItemRequest): ConditionalHeaders {
  return {
    ifMatch: headers['if-match'],
    ifNoneMatch: headers['if-none-match'],
    ifModifiedSince: headers['if-modified-since'],
    ifUnmodifiedSince: headers['if-unmodified-since'],
  }
}

function headFields({ item, body, varies }: SentItem): readonly string[] {
  const fields = [
    'Content-Type',
    item.contentType,
    'ETag',
    `"${body.etag}"`,
    'Last-Modified',
    formatHttpDate(item.storedAtMs),
    'Accept-Ranges',
    'bytes',
    'X-Content-Type-Options',
    'nosniff',
  ]
  if (varies) fields.push('Vary', 'Accept-Encoding')
  if (body.contentEncoding !== '') fields.push('Content-Encoding', body.contentEncoding)
  if (isActiveType(item.contentType)) fields.push('Content-Security-Policy', 'sandbox')
  return fields
}
