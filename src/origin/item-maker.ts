/** From an upload that passed to the item that is stored: ETag, version, media type, cache time. */

import { randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { mediaTypeOfKey } from '../hls/media-types.ts'
import type { Store, StoredItem } from '../storage/store.ts'
import type { CheckedContent } from './content-rules.ts'
import { maxAgeSeconds } from './freshness.ts'
import type { ItemNotes } from './item-notes.ts'
import type { UploadRequest } from './upload.ts'

export interface ItemMakerOptions {
  readonly store: Store
  readonly clock: Clock
  readonly segmentMaxAgeSeconds: number
  /** Media types by extension, or octet-stream for all. */
  readonly contentType: 'by-extension' | 'octet-stream'
}

export interface UploadDescription {
  readonly contentType: string
  readonly maxAgeSeconds: number
}

const OCTET_STREAM = 'application/octet-stream'
/** Types that say nothing: what curl and generic libraries send when nobody chose one. */
const UNSPECIFIC_TYPES = new Set([
  OCTET_STREAM,
  'application/x-www-form-urlencoded',
  'binary/octet-stream',
])
const MEDIA_TYPE = /^[a-z0-9!#$&^_.+-]{1,127}\/[a-z0-9!#$&^_.+-]{1,127}(?:;[\x20-\x7e]{1,200})?$/i

export class ItemMaker {
  readonly #options: ItemMakerOptions
  /** Names this run in ETags: a restarted origin never repeats one for other bytes. */
  readonly #epoch = randomBytes(6).toString('base64url')
  #sequence = 0

  constructor(options: ItemMakerOptions) {
    this.#options = options
  }

  /** The item of an upload that passed. Each has an ETag of its own. */
  make(request: UploadRequest, content: CheckedContent): StoredItem {
    const { clock, segmentMaxAgeSeconds, store } = this.#options
    const before = store.inspect(request.storeKey)
    const version = typeof before === 'string' ? 1 : before.version + 1
    const notes: ItemNotes = {
      playlist: content.playlist,
      keyForm: request.keyForm,
      maxAgeSeconds: maxAgeSeconds({
        kind: content.kind,
        playlist: content.playlist,
        version,
        segmentMaxAgeSeconds,
      }),
      namedBy: undefined,
    }
    return {
      storeKey: request.storeKey,
      chunks: content.chunks,
      sizeBytes: content.sizeBytes,
      kind: content.kind,
      contentType: this.#contentType(request),
      contentEncoding: content.contentEncoding,
      etag: `${this.#epoch}-${(++this.#sequence).toString(36)}`,
      storedAtMs: clock.nowMs(),
      ttlSeconds: request.ttlSeconds,
      expiresAtMonotonicMs: clock.monotonicMs() + request.ttlSeconds * 1000,
      version,
      attachment: notes,
    }
  }

  /** What an upload's object will have: for who reads it now. */
  describe(request: UploadRequest): UploadDescription {
    return {
      contentType: this.#contentType(request),
      maxAgeSeconds: Math.min(this.#options.segmentMaxAgeSeconds, request.ttlSeconds),
    }
  }

  /** By extension (encoders send useless types), then a specific request type, then octet-stream. */
  #contentType(request: UploadRequest): string {
    if (this.#options.contentType === 'octet-stream') return OCTET_STREAM
    const byName = mediaTypeOfKey(request.key)
    if (byName !== undefined) return byName
    const asked = request.contentType ?? ''
    const essence = asked.split(';', 1)[0]?.trim().toLowerCase() ?? ''
    return !UNSPECIFIC_TYPES.has(essence) && MEDIA_TYPE.test(asked) ? asked : OCTET_STREAM
  }
}
