/**
 * Bytes of objects through the admin API. Up by the rules of the data plane; down so that nothing in
 * them can run: this is the console's own site.
 */

import type { FastifyReply, FastifyRequest } from 'fastify'
import { credentialFromAuthorization, unwrapCredential } from '../../auth/credential.ts'
import type { Clock } from '../../base/clock.ts'
import { formatHttpDate, formatIsoTime } from '../../base/dates.ts'
import { formatItemKey, splitStoreKey } from '../../base/names.ts'
import type { Cache } from '../../origin/caches.ts'
import type { Origin } from '../../origin/origin.ts'
import type { StoredItem } from '../../storage/store.ts'
import { REFUSALS } from '../../wire/refusals.ts'
import type { RefusalReason } from '../../wire/refusals.ts'
import { receiveUpload } from '../receive-upload.ts'
import { closeGently, drain } from '../closing.ts'
import { watchStall } from '../item-stream.ts'
import type { NamedObject } from './object-view.ts'

export interface UploadOptions {
  readonly origin: Origin
  /** An upload that is silent for so long is cut. */
  readonly uploadIdleMs: number
  /** Host and port under which the data plane is known, lower case. */
  readonly publicHosts: () => readonly string[]
}

/** What is to be stored, and how. */
export interface UploadedObject {
  readonly named: NamedObject
  readonly cache: Cache
  readonly ttlSeconds: number
}

/** What is read of a refused body, so that its sender reads the answer. */
const DRAIN_MS = 10_000
/** A reader that takes nothing for this long is cut. */
const READER_STALL_MS = 60_000

/** Stores the body of a request; the reason when it is refused. */
export async function receiveObject(
  { raw, headers }: FastifyRequest,
  reply: FastifyReply,
  { named, cache, ttlSeconds }: UploadedObject,
  options: UploadOptions,
): Promise<
  StoredItem | { readonly reason: RefusalReason; readonly detail?: string | undefined } | 'ignored'
> {
  const { origin, publicHosts, uploadIdleMs } = options
  const refuse = async (reason: RefusalReason, detail?: string) => {
    const bytesMax = 2 * cache.settings.itemSizeBytesMax
    const drained = await drain(raw, { bytesMax, timeMs: DRAIN_MS })
    if (drained === 'cut') closeGently(raw, reply.raw)
    return { reason, detail }
  }
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) {
    return refuse('length-required')
  }
  if (Number(headers['content-length'] ?? 0) > cache.settings.itemSizeBytesMax) {
    return refuse('body-too-large')
  }
  const upload = origin.openUpload({
    cache,
    key: named.key,
    storeKey: named.storeKey,
    keyForm: 'path',
    ttlSeconds,
    contentType: headers['content-type'],
    contentEncoding: (headers['content-encoding'] ?? '').trim().toLowerCase(),
    ownHosts: publicHosts(),
    credentials: credentialsOf(headers.authorization),
  })
  const received = await receiveUpload(raw, upload, uploadIdleMs)
  if (received !== 'complete') {
    upload.abort()
    if (received === 'idle') closeGently(raw, reply.raw)
    return { reason: received === 'idle' ? 'body-timeout' : 'body-incomplete' }
  }
  if (upload.problem !== undefined) return refuse(upload.problem)
  const outcome = await upload.finish()
  if (outcome.kind === 'ignored') return 'ignored'
  return outcome.kind === 'stored'
    ? outcome.item
    : { reason: outcome.reason, detail: outcome.detail }
}

/** The administrator's key must not stand in a playlist, either. */
function credentialsOf(header: string | undefined): readonly string[] {
  const credential = header === undefined ? undefined : credentialFromAuthorization(header)
  if (credential === undefined) return []
  return [credential, unwrapCredential(credential) ?? credential]
}

/** The answer to a refused upload: the data plane's words in the admin API's form. */
export function replyRefusal(
  reply: FastifyReply,
  { reason, detail }: { readonly reason: RefusalReason; readonly detail?: string | undefined },
): FastifyReply {
  const refusal = REFUSALS[reason]
  return reply
    .code(refusal.statusCode)
    .header('Cache-Control', 'no-store')
    .header('X-Headwater-Reason', reason)
    .send({
      status: refusal.statusCode,
      code: reason,
      message: refusal.message,
      detail: detail ?? refusal.detail,
    })
}

/** 200 with the object as it is stored, as a file to be kept; of a HEAD the head. */
export function sendObject(
  request: FastifyRequest,
  reply: FastifyReply,
  item: StoredItem,
  clock: Clock,
): FastifyReply {
  reply.hijack()
  const { raw } = reply
  const leftMs = item.expiresAtMonotonicMs - clock.monotonicMs()
  const { key } = splitStoreKey(item.storeKey)
  raw.writeHead(200, [
    ...['Content-Type', item.contentType],
    ...['Content-Length', String(item.sizeBytes)],
    ...['Content-Disposition', `attachment; filename*=UTF-8''${fileName(formatItemKey(key))}`],
    ...['Content-Security-Policy', "sandbox; default-src 'none'"],
    ...['X-Content-Type-Options', 'nosniff'],
    ...['Cache-Control', 'no-store'],
    ...['ETag', `"${item.etag}"`],
    ...['Last-Modified', formatHttpDate(item.storedAtMs)],
    // What a copy of the object needs besides, of the same moment as the bytes.
    ...['X-Headwater-Stored-At', formatIsoTime(item.storedAtMs)],
    ...['X-Headwater-Expires-At', formatIsoTime(clock.nowMs() + leftMs)],
    ...['X-Headwater-Ttl-Seconds-Left', String(Math.max(1, Math.ceil(leftMs / 1000)))],
    ...(item.contentEncoding === '' ? [] : ['Content-Encoding', item.contentEncoding]),
  ])
  if (request.method === 'HEAD') {
    raw.end()
    return reply
  }
  raw.cork()
  for (const chunk of item.chunks) raw.write(chunk)
  raw.end()
  raw.uncork()
  if (raw.writableLength > 0) watchStall(raw, READER_STALL_MS)
  return reply
}

/** The last part of a key, percent-encoded (RFC 8187). */
function fileName(key: string): string {
  const name = key.slice(key.lastIndexOf('/') + 1) || 'object'
  // A lone surrogate would be no text; keys are well-formed by their formatting.
  return encodeURIComponent(name).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16)}`,
  )
}
