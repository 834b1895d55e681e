/**
 * PUT, POST and DELETE of an item. Encoders ignore statuses and die of resets: a refused body is
 * drained before the answer, and the connection is kept wherever HTTP allows it.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { credentialFromAuthorization, unwrapCredential } from '../auth/credential.ts'
import type { Grant } from '../auth/grant.ts'
import type { Cache } from '../origin/caches.ts'
import type { Origin } from '../origin/origin.ts'
import type { Upload, UploadRequest } from '../origin/upload.ts'
import type { RefusalReason } from '../wire/refusals.ts'
import { parseTtlSeconds } from '../wire/target.ts'
import type { ItemTarget } from '../wire/target.ts'
import { closeGently, drain } from './closing.ts'
import type { ItemAnswers } from './item-answers.ts'
import { receiveUpload } from './receive-upload.ts'
import { recordOf } from './request-record.ts'

export interface ItemWriteOptions {
  readonly origin: Origin
  readonly answers: ItemAnswers
  readonly ttlSecondsMax: number
  readonly ttlRequired: 'query-form' | 'always'
  readonly uploadIdleMs: number
  /** Host and port under which this origin is known, lower case. */
  readonly publicHosts: () => readonly string[]
  /** How much of a refused body is read when its cache is not known. */
  readonly drainBytesMax: number
  /** Told of every refused write. */
  readonly onRefused: (
    request: IncomingMessage,
    target: ItemTarget,
    reason: RefusalReason,
    statusCode?: number,
  ) => void
}

/** Where the body of a write goes. */
export type BodySink = Pick<Upload, 'add' | 'problem' | 'abort' | 'finish'>

const DRAIN_MS = 60_000

/** Requests with `Expect: 100-continue`, marked by the server's `checkContinue` listener. */
const expecting = new WeakSet<IncomingMessage>()

export function markExpectsContinue(request: IncomingMessage): void {
  expecting.add(request)
}

export class ItemWrite {
  readonly #options: ItemWriteOptions

  constructor(options: ItemWriteOptions) {
    this.#options = options
  }

  /** What is wrong with a write's TTL, judged before permissions. */
  ttlProblem(target: ItemTarget): RefusalReason | undefined {
    const { ttlSecondsMax, ttlRequired } = this.#options
    if (target.ttlText === undefined) {
      return target.keyForm === 'query' || ttlRequired === 'always' ? 'ttl-missing' : undefined
    }
    return parseTtlSeconds(target.ttlText, ttlSecondsMax) === undefined ? 'ttl-invalid' : undefined
  }

  /**
   * Stores the body of a write that is allowed.
   *
   * @param open  Instead of the origin's own: a test rig's.
   */
  async put(
    request: IncomingMessage,
    response: ServerResponse,
    target: ItemTarget,
    grant: Grant | undefined,
    open?: (upload: UploadRequest) => BodySink,
  ): Promise<void> {
    const { origin, answers } = this.#options
    const cache = await origin.cacheForWrite(target.cacheName, mayCreateCaches(grant))
    if (cache === undefined) return this.refuse(request, response, target, 'cache-not-found')
    const problem = framingProblem(request, cache)
    if (problem !== undefined) return this.refuse(request, response, target, problem, cache)

    if (expecting.delete(request)) response.writeContinue()
    const uploadRequest: UploadRequest = {
      cache,
      key: target.key,
      storeKey: target.storeKey,
      keyForm: target.keyForm,
      ttlSeconds: this.#ttlSeconds(target, cache),
      contentType: request.headers['content-type'],
      contentEncoding: (request.headers['content-encoding'] ?? '').trim().toLowerCase(),
      ownHosts: ownHosts(request, this.#options.publicHosts()),
      credentials: credentialsOf(request, target),
    }
    const upload = open === undefined ? origin.openUpload(uploadRequest) : open(uploadRequest)
    origin.stats.uploadsInFlight++
    const record = recordOf(response)
    const received = await receiveUpload(request, upload, this.#options.uploadIdleMs, record)
    origin.stats.uploadsInFlight--
    if (received === 'gone') {
      upload.abort()
      if (record !== undefined) record.reason = 'body-incomplete'
      this.#options.onRefused(request, target, 'body-incomplete')
      return
    }
    if (received === 'idle') {
      upload.abort()
      return this.refuse(request, response, target, 'body-timeout', cache)
    }
    if (upload.problem !== undefined) {
      return this.refuse(request, response, target, upload.problem, cache)
    }
    const outcome = await upload.finish()
    if (outcome.kind === 'refused') {
      const { reason, detail } = outcome
      return this.refuse(request, response, target, reason, cache, 0, detail)
    }
    answers.noContent(request, response)
  }

  /** Idempotent: 204 whether or not the key existed (Shaka Packager aborts on a 404). */
  async delete(
    request: IncomingMessage,
    response: ServerResponse,
    target: ItemTarget,
  ): Promise<void> {
    const { origin, answers } = this.#options
    if (expecting.delete(request)) response.writeContinue()
    if (origin.caches.get(target.cacheName) === undefined) {
      return this.refuse(request, response, target, 'cache-not-found')
    }
    // ffmpeg sends its DELETE chunked with an empty body, Shaka with a type and no body.
    const drained = await drain(request, {
      bytesMax: 64 * 1024,
      timeMs: this.#options.uploadIdleMs,
      tally: recordOf(response),
    })
    if (drained === 'gone') return
    await origin.delete(target.storeKey)
    if (drained === 'cut') closeGently(request, response)
    answers.noContent(request, response)
  }

  /** Drains what is left of the body within bounds, then answers. */
  async refuse(
    request: IncomingMessage,
    response: ServerResponse,
    target: ItemTarget,
    reason: RefusalReason,
    cache?: Cache,
    retryAfterSeconds = 0,
    detail?: string,
    statusCode?: number,
  ): Promise<void> {
    const { answers } = this.#options
    const record = recordOf(response)
    // Said now: a client that goes away during the drain is never answered.
    if (record !== undefined) record.reason = reason
    this.#options.onRefused(request, target, reason, statusCode)
    // The body of a request that waits for 100 may never come: whatever follows on this connection
    // could not be told from it.
    let close = expecting.delete(request) || reason === 'body-timeout'
    if (!close) {
      const drained = await drain(request, {
        bytesMax:
          cache === undefined ? this.#options.drainBytesMax : 2 * cache.settings.itemSizeBytesMax,
        timeMs: DRAIN_MS,
        tally: record,
      })
      if (drained === 'gone') return
      close = drained === 'cut'
    }
    if (close) closeGently(request, response)
    answers.refuse(request, response, reason, {
      close,
      retryAfterSeconds,
      statusCode,
      ...(detail === undefined ? {} : { detail }),
    })
  }

  #ttlSeconds(target: ItemTarget, cache: Cache): number {
    const { ttlSecondsMax } = this.#options
    const asked =
      target.ttlText === undefined ? undefined : parseTtlSeconds(target.ttlText, ttlSecondsMax)
    return asked ?? Math.min(cache.settings.defaultTtlSeconds, ttlSecondsMax)
  }
}

/** A cache may be made by a key that may write to every cache, future ones too. */
function mayCreateCaches(grant: Grant | undefined): boolean {
  if (grant === undefined) return false
  return (
    grant.superUser ||
    grant.permissions.some(
      (permission) =>
        permission.cacheName === '*' &&
        permission.role !== 'readonly' &&
        permission.items.kind === 'all',
    )
  )
}

/** Refused before a byte of the body is read. */
function framingProblem(request: IncomingMessage, cache: Cache): RefusalReason | undefined {
  const { headers } = request
  const contentLength = headers['content-length']
  const transferEncoding = headers['transfer-encoding']
  if (contentLength === undefined && transferEncoding === undefined) {
    return 'length-required'
  }
  // RFC 9112 §6.1: another coding would be stored as if it were the bytes.
  if (transferEncoding !== undefined && transferEncoding.trim().toLowerCase() !== 'chunked') {
    return 'transfer-coding'
  }
  // GStreamer cuts one object into many PUTs of one URL: the last piece would replace the whole.
  if (headers['content-range'] !== undefined) return 'content-range'
  if (contentLength !== undefined && Number(contentLength) > cache.settings.itemSizeBytesMax) {
    return 'body-too-large'
  }
  return undefined
}

/** The writer's name for this origin counts, too: it only takes tokens away, it never adds one. */
function ownHosts(request: IncomingMessage, publicHosts: readonly string[]): readonly string[] {
  const host = request.headers.host?.toLowerCase()
  return host === undefined ? publicHosts : [...publicHosts, host]
}

/** Every form of what authorised a write: none of them may stand in a playlist. */
function credentialsOf(request: IncomingMessage, target: ItemTarget): readonly string[] {
  const header = request.headers.authorization
  const decoded = header === undefined ? undefined : credentialFromAuthorization(header)
  const forms = new Set<string>()
  for (const credential of [decoded, target.token]) {
    if (credential === undefined || credential === '') continue
    forms.add(credential)
    // A v1 wrapper holds the JWT that is accepted as well.
    forms.add(unwrapCredential(credential) ?? credential)
  }
  return [...forms]
}
