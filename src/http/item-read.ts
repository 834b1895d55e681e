/**
 * GET and HEAD of an item: the representation that was asked for, preconditions, ranges, the bytes.
 * Synchronous from the hot store.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../base/clock.ts'
import { formatHttpDate } from '../base/dates.ts'
import { notesOf } from '../origin/item-notes.ts'
import type { Cache } from '../origin/caches.ts'
import type { Origin } from '../origin/origin.ts'
import type { Overload } from '../origin/overload.ts'
import type { Representation, Representations } from '../origin/representations.ts'
import type { Wait } from '../origin/waiters.ts'
import type { StoredItem } from '../storage/store.ts'
import { acceptsGzip } from '../wire/accept-encoding.ts'
import { isActiveType } from '../wire/headers.ts'
import {
  evaluatePreconditions,
  ifRangeHolds,
  parseRange,
  sliceChunks,
} from '../wire/preconditions.ts'
import type { ItemTarget } from '../wire/target.ts'
import type { ItemAnswers } from './item-answers.ts'
import { streamUpload, watchStall } from './item-stream.ts'

export interface ItemReadOptions {
  readonly origin: Origin
  readonly representations: Representations
  readonly overload: Overload
  readonly answers: ItemAnswers
  readonly clock: Clock
  /** Whether a first upload may be read while it is written. */
  readonly readInProgress: boolean
  /** Whether playlists may be gzip-coded. */
  readonly gzip: boolean
  /** A reader that takes nothing for this long is cut. */
  readonly readerStallMs: number
}

/** The fields of an item that never change, by representation; built at the first read of each. */
interface ItemHead {
  identity: readonly string[] | undefined
  gzip: readonly string[] | undefined
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
    const cache = origin.caches.get(target.cacheName)
    if (cache === undefined) return answers.refuse(request, response, 'cache-not-found')
    const found = origin.peek(target.storeKey)
    if (found === 'elsewhere') return this.#readThrough(request, response, target, cache)
    if (found === 'absent') return this.#miss(request, response, target, cache)
    return this.#choose(request, response, found, cache)
  }

  async #readThrough(
    request: IncomingMessage,
    response: ServerResponse,
    target: ItemTarget,
    cache: Cache,
  ): Promise<void> {
    const item = await this.#options.origin.load(target.storeKey)
    if (response.destroyed) return
    if (item === undefined) await this.#miss(request, response, target, cache)
    else await this.#choose(request, response, item, cache)
  }

  /** Not there, or not there yet: a first upload in progress is read as it comes. */
  #miss(
    request: IncomingMessage,
    response: ServerResponse,
    target: ItemTarget,
    cache: Cache,
  ): void | Promise<void> {
    const { origin, answers, readerStallMs, readInProgress } = this.#options
    const upload = readInProgress ? origin.firstUpload(target.storeKey) : undefined
    // HTTP/1.0 knows no chunks: the end of a torn body could not be told from its whole.
    if (upload === undefined || request.httpVersionMinor === 0) {
      const wait = origin.hold(cache, target.storeKey)
      if (wait !== undefined) return this.#held(request, response, target, wait)
      return answers.refuse(request, response, 'key-not-found')
    }
    const item = origin.describeUpload(upload)
    streamUpload(request, response, upload, item, { answers, readerStallMs })
  }

  /** A segment that its playlist announced a moment too early. */
  async #held(
    request: IncomingMessage,
    response: ServerResponse,
    target: ItemTarget,
    wait: Wait,
  ): Promise<void> {
    const { socket } = request
    // Most clients that leave close both ways at once, and the first sign of it is their FIN.
    const leave = () => {
      wait.leave()
      left()
    }
    let left: () => void = () => undefined
    const gone = new Promise<'gone'>((resolve) => (left = () => resolve('gone')))
    socket.once('end', leave).once('close', leave)
    const outcome = await Promise.race([wait.outcome, gone])
    socket.off('end', leave).off('close', leave)
    if (response.destroyed) return
    if (outcome === 'changed') return this.read(request, response, target)
    const reason = outcome === 'closing' ? 'stopping' : 'key-not-found'
    this.#options.answers.refuse(request, response, reason)
  }

  /** Identity, or gzip for who asks for it; a range is always of the identity bytes. */
  #choose(
    request: IncomingMessage,
    response: ServerResponse,
    item: StoredItem,
    cache: Cache,
  ): void | Promise<void> {
    const { origin, representations, gzip, overload, answers } = this.#options
    const staleSeconds = origin.staleSeconds(cache, item)
    if (staleSeconds !== undefined) {
      const detail = `The live playlist is stale: nothing was written for ${Math.floor(staleSeconds)} s.`
      return answers.refuse(request, response, 'stale', { detail })
    }
    if (overload.refuses(item)) return answers.refuse(request, response, 'overloaded')
    const varies = gzip && representations.varies(item)
    const { headers } = request
    if (!varies || headers.range !== undefined || !acceptsGzip(encodings(request))) {
      return this.#answer(request, response, item, item, varies)
    }
    const zipped = representations.gzip(item)
    if (!(zipped instanceof Promise)) return this.#answer(request, response, item, zipped, varies)
    return zipped.then((made) => {
      if (!response.destroyed) this.#answer(request, response, item, made, varies)
    })
  }

  #answer(
    request: IncomingMessage,
    response: ServerResponse,
    item: StoredItem,
    body: Representation,
    varies: boolean,
  ): void {
    const { answers } = this.#options
    const head = headOf(item, body, varies)
    const maxAgeSeconds = this.#maxAgeSeconds(item)
    const { headers } = request
    const validators = { etag: body.etag, lastModifiedMs: item.storedAtMs }
    const verdict = evaluatePreconditions(
      {
        ifMatch: headers['if-match'],
        ifNoneMatch: headers['if-none-match'],
        ifModifiedSince: headers['if-modified-since'],
        ifUnmodifiedSince: headers['if-unmodified-since'],
      },
      validators,
    )
    if (verdict === 'failed') return answers.refuse(request, response, 'precondition-failed')
    if (verdict === 'not-modified') {
      answers.head(request, response, 304, head, maxAgeSeconds)
      response.end()
      return
    }
    // Node joins repeated fields of both names into one value; their types allow for a list.
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
      answers.head(request, response, 200, fields, maxAgeSeconds)
      this.#send(request, response, body.chunks)
      return
    }
    const fields = [
      ...head,
      'Content-Length',
      String(range.last + 1 - range.first),
      'Content-Range',
      `bytes ${range.first}-${range.last}/${body.sizeBytes}`,
    ]
    answers.head(request, response, 206, fields, maxAgeSeconds)
    this.#send(request, response, sliceChunks(body.chunks, range))
  }

  /** Never beyond the remaining TTL: a CDN must not serve what the origin has dropped. */
  #maxAgeSeconds(item: StoredItem): number {
    const remainingSeconds = Math.floor(
      (item.expiresAtMonotonicMs - this.#options.clock.monotonicMs()) / 1000,
    )
    return Math.max(0, Math.min(notesOf(item).maxAgeSeconds, remainingSeconds))
  }

  #send(request: IncomingMessage, response: ServerResponse, chunks: readonly Uint8Array[]): void {
    if (request.method === 'HEAD') {
      response.end()
      return
    }
    const last = chunks.length - 1
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

function headOf(item: StoredItem, body: Representation, varies: boolean): readonly string[] {
  const notes = notesOf(item)
  // Only this module writes `head`.
  const head = (notes.head ??= { identity: undefined, gzip: undefined }) as ItemHead
  if (body.contentEncoding === 'gzip' && body !== item) {
    return (head.gzip ??= headFields(item, body, varies))
  }
  return (head.identity ??= headFields(item, body, varies))
}

function headFields(item: StoredItem, body: Representation, varies: boolean): readonly string[] {
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

function encodings(request: IncomingMessage): string | undefined {
  // Node joins repeated fields into one value; the type allows for a list all the same.
  return request.headers['accept-encoding']
}
