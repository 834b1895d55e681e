/**
 * Writing answers of the item routes: refusals, heads, CORS. The only place that builds their
 * header lists.
 */

import type { Clock } from '../base/clock.ts'
import { formatHttpDate } from '../base/dates.ts'
import { CHALLENGE, CORS_ANY, corsReflected, ITEM_METHODS, PREFLIGHT } from '../wire/headers.ts'
import type { ItemRequest, ItemResponse } from '../wire/item-exchange.ts'
import { REFUSALS, refusalBody } from '../wire/refusals.ts'
import type { RefusalReason } from '../wire/refusals.ts'
import { recordOf } from './request-record.ts'
import { serverTiming } from './server-timing.ts'

export interface ItemAnswersOptions {
  readonly clock: Clock
  readonly corsOrigin: 'any' | 'reflect'
  readonly oversizeStatus: 413 | 429
  readonly cacheControl: boolean
  readonly missMaxAgeSeconds: number
  /** Whether reads say how long they took (`Server-Timing`). */
  readonly serverTiming: boolean
  /** False while stopping: answers then carry `Connection: close`. */
  readonly isAccepting: () => boolean
}

export interface RefusalOptions {
  readonly retryAfterSeconds?: number
  /** Instead of the reason's general sentence. */
  readonly detail?: string
  /** The connection cannot be used again. */
  readonly close?: boolean
  /** Further fields, flat. */
  readonly headers?: readonly string[]
  /** Instead of the reason's own: a test rig's. */
  readonly statusCode?: number | undefined
}

export class ItemAnswers {
  readonly #options: ItemAnswersOptions

  constructor(options: ItemAnswersOptions) {
    this.#options = options
  }

  statusOf(reason: RefusalReason): number {
    return reason === 'body-too-large' ? this.#options.oversizeStatus : REFUSALS[reason].statusCode
  }

  refuse(
    request: ItemRequest,
    response: ItemResponse,
    reason: RefusalReason,
    options: RefusalOptions = {},
  ): void {
    const statusCode = options.statusCode ?? this.statusOf(reason)
    const body = refusalBody(reason, statusCode, options.detail)
    const record = recordOf(response)
    if (record !== undefined) {
      record.reason = reason
      record.detail = options.detail
      record.headMade()
      if (request.method !== 'HEAD') record.bytesOut = body.length
    }
    const headers = this.#common(request)
    headers.push('Content-Type', 'application/json', 'Content-Length', String(body.length))
    headers.push('X-Headwater-Reason', reason, ...this.#errorCaching(request, reason, statusCode))
    if (statusCode === 401) headers.push(...CHALLENGE)
    if (statusCode === 405) headers.push('Allow', ITEM_METHODS)
    const retryAfterSeconds = options.retryAfterSeconds ?? 0
    if (retryAfterSeconds > 0 || statusCode === 503 || statusCode === 429) {
      headers.push('Retry-After', String(Math.max(1, Math.ceil(retryAfterSeconds))))
    }
    if (record !== undefined && record.heldMs > 0 && this.#options.serverTiming) {
      headers.push('Server-Timing', serverTiming(record))
    }
    if (options.headers !== undefined) headers.push(...options.headers)
    if (options.close === true) headers.push('Connection', 'close')
    response.writeHead(statusCode, headers)
    if (request.method === 'HEAD') response.end()
    else response.end(body)
  }

  /** 204 for a write: no body and few headers, since ffmpeg reads at most 1 KiB of an answer. */
  noContent(request: ItemRequest, response: ItemResponse): void {
    recordOf(response)?.headMade()
    response.writeHead(204, this.#common(request))
    response.end()
  }

  preflight(request: ItemRequest, response: ItemResponse): void {
    const headers = this.#common(request)
    if (request.headers.origin === undefined) headers.push('Allow', ITEM_METHODS)
    headers.push(...PREFLIGHT)
    response.writeHead(204, headers)
    response.end()
  }

  /** A read's head, 200, 206 or 304: the fields given and those that move with the second. */
  head(
    request: ItemRequest,
    response: ItemResponse,
    statusCode: 200 | 206 | 304,
    fields: readonly string[],
    {
      maxAgeSeconds,
      isPrivate = false,
    }: { readonly maxAgeSeconds: number; readonly isPrivate?: boolean },
  ): void {
    const headers = this.#common(request)
    headers.push(...fields)
    if (this.#options.cacheControl) {
      headers.push(
        'Cache-Control',
        `${isPrivate ? 'private' : 'public'}, max-age=${maxAgeSeconds}`,
        'Expires',
        formatHttpDate(this.#options.clock.nowMs() + maxAgeSeconds * 1000),
      )
    } else if (isPrivate) {
      headers.push('Cache-Control', 'private')
    }
    const record = recordOf(response)
    if (record !== undefined) {
      record.headMade()
      if (this.#options.serverTiming) headers.push('Server-Timing', serverTiming(record))
    }
    response.writeHead(statusCode, headers)
  }

  /** `Date`, CORS and, while stopping, `Connection: close`. */
  #common(request: ItemRequest): string[] {
    const headers = ['Date', formatHttpDate(this.#options.clock.nowMs())]
    const { origin } = request.headers
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    if (this.#options.corsOrigin === 'any') {
      // Encoders never send Origin: their answers stay short.
      if (isRead || origin !== undefined) headers.push(...CORS_ANY)
    } else if (origin !== undefined) {
      headers.push(...corsReflected(origin))
    }
    if (!this.#options.isAccepting()) headers.push('Connection', 'close')
    return headers
  }

  /**
   * A miss is short-lived, since the segment may be on its way; CloudFront keeps a 404 for its
   * error-caching minimum (10 s by default) unless it is `no-store`. Everything else is not kept.
   */
  #errorCaching(
    request: ItemRequest,
    reason: RefusalReason,
    statusCode: number,
  ): readonly string[] {
    // A stale playlist must not be kept anywhere: the reader goes elsewhere and comes back.
    if (statusCode !== 404 || reason === 'stale') return ['Cache-Control', 'no-store']
    if (!this.#options.cacheControl) return []
    if (request.headers['x-amz-cf-id'] !== undefined) return ['Cache-Control', 'no-store']
    return ['Cache-Control', `public, max-age=${this.#options.missMaxAgeSeconds}`]
  }
}
