/**
 * GET and HEAD of an item: preconditions, ranges, the stored bytes. Synchronous from the hot store.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../base/clock.ts'
import { formatHttpDate } from '../base/dates.ts'
import { notesOf } from '../origin/item-notes.ts'
import type { Origin } from '../origin/origin.ts'
import type { StoredItem } from '../storage/store.ts'
import { isActiveType } from '../wire/headers.ts'
import {
  evaluatePreconditions,
  ifRangeHolds,
  parseRange,
  sliceChunks,
} from '../wire/preconditions.ts'
import type { ItemTarget } from '../wire/target.ts'
import type { ItemAnswers } from './item-answers.ts'

export interface ItemReadOptions {
  readonly origin: Origin
  readonly answers: ItemAnswers
  readonly clock: Clock
}

/** The fields of an item that never change; built at its first read. */
interface ItemHead {
  readonly fields: readonly string[]
  readonly lastModifiedMs: number
}

export class ItemRead {
  readonly #options: ItemReadOptions

  constructor(options: ItemReadOptions) {
    this.#options = options
  }

  /** Answers a read that is allowed. */
  read(
    request: IncomingMessage,
    response: ServerResponse,
    target: ItemTarget,
  ): void | Promise<void> {
    const { origin, answers } = this.#options
    if (origin.caches.get(target.cacheName) === undefined) {
      return answers.refuse(request, response, 'cache-not-found')
    }
    const found = origin.peek(target.storeKey)
    if (found === 'absent') return answers.refuse(request, response, 'key-not-found')
    if (found === 'elsewhere') return this.#readThrough(request, response, target)
    return this.#answer(request, response, found)
  }

  async #readThrough(
    request: IncomingMessage,
    response: ServerResponse,
    target: ItemTarget,
  ): Promise<void> {
    const item = await this.#options.origin.load(target.storeKey)
    if (response.destroyed) return
    if (item === undefined) this.#options.answers.refuse(request, response, 'key-not-found')
    else this.#answer(request, response, item)
  }

  #answer(request: IncomingMessage, response: ServerResponse, item: StoredItem): void {
    const { answers } = this.#options
    const head = headOf(item)
    const maxAgeSeconds = this.#maxAgeSeconds(item)
    const { headers } = request
    const verdict = evaluatePreconditions(
      {
        ifMatch: headers['if-match'],
        ifNoneMatch: headers['if-none-match'],
        ifModifiedSince: headers['if-modified-since'],
        ifUnmodifiedSince: headers['if-unmodified-since'],
      },
      { etag: item.etag, lastModifiedMs: item.storedAtMs },
    )
    if (verdict === 'failed') return answers.refuse(request, response, 'precondition-failed')
    if (verdict === 'not-modified') {
      answers.head(request, response, 304, head.fields, maxAgeSeconds)
      response.end()
      return
    }
    // Node joins repeated fields of both names into one value; their types allow for a list.
    const ifRange = headers['if-range'] as string | undefined
    const range =
      request.method === 'GET' &&
      ifRangeHolds(ifRange, { etag: item.etag, lastModifiedMs: item.storedAtMs })
        ? parseRange(headers.range, item.sizeBytes)
        : undefined
    if (range === 'unsatisfiable') {
      answers.refuse(request, response, 'range-not-satisfiable', {
        headers: ['Content-Range', `bytes */${item.sizeBytes}`],
      })
      return
    }
    if (range === undefined) {
      const fields = [...head.fields, 'Content-Length', String(item.sizeBytes)]
      answers.head(request, response, 200, fields, maxAgeSeconds)
      send(request, response, item.chunks)
      return
    }
    const fields = [
      ...head.fields,
      'Content-Length',
      String(range.last + 1 - range.first),
      'Content-Range',
      `bytes ${range.first}-${range.last}/${item.sizeBytes}`,
    ]
    answers.head(request, response, 206, fields, maxAgeSeconds)
    send(request, response, sliceChunks(item.chunks, range))
  }

  /** Never beyond the remaining TTL: a CDN must not serve what the origin has dropped. */
  #maxAgeSeconds(item: StoredItem): number {
    const remainingSeconds = Math.floor(
      (item.expiresAtMonotonicMs - this.#options.clock.monotonicMs()) / 1000,
    )
    return Math.max(0, Math.min(notesOf(item).maxAgeSeconds, remainingSeconds))
  }
}

function headOf(item: StoredItem): ItemHead {
  const notes = notesOf(item)
  // Only this module writes `head`.
  let head = notes.head as ItemHead | undefined
  if (head === undefined) {
    const fields = [
      'Content-Type',
      item.contentType,
      'ETag',
      `"${item.etag}"`,
      'Last-Modified',
      formatHttpDate(item.storedAtMs),
      'Accept-Ranges',
      'bytes',
      'X-Content-Type-Options',
      'nosniff',
    ]
    if (item.contentEncoding !== '') fields.push('Content-Encoding', item.contentEncoding)
    if (isActiveType(item.contentType)) fields.push('Content-Security-Policy', 'sandbox')
    head = { fields, lastModifiedMs: item.storedAtMs }
    notes.head = head
  }
  return head
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  chunks: readonly Uint8Array[],
): void {
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  const last = chunks.length - 1
  if (last < 1) {
    response.end(chunks[0])
    return
  }
  // One writev for the head and all chunks.
  response.cork()
  for (let index = 0; index < last; index++) response.write(chunks[index])
  response.end(chunks[last])
  response.uncork()
}
