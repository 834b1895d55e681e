/**
 * Other forms of a stored item: gzip for playlists (Apple's authoring specification 10.1 demands
 * it). Made once per version, when first asked for, and kept within a bound of its own.
 */

import { gzip } from 'node:zlib'
import { LRUCache } from 'lru-cache'
import type { StoredItem } from '../storage/store.ts'

/** A body to send. Its ETag names it: another form of the same version is another entity. */
export interface Representation {
  readonly chunks: readonly Uint8Array[]
  readonly sizeBytes: number
  /** Without quotes. */
  readonly etag: string
  /** '' for identity. */
  readonly contentEncoding: string
}

/** Below it the header costs what the coding saves; CDNs use the same bound. */
export const GZIP_SIZE_BYTES_MIN = 1024
/** Above it a playlist is served as it is: one reader must not cost seconds of a core. */
export const GZIP_SIZE_BYTES_MAX = 4 * 1024 * 1024
const KEPT_BYTES_MAX = 32 * 1024 * 1024
/** Fast enough to make at a request, and within 10 % of the best on playlists. */
const GZIP_LEVEL = 6

export class Representations {
  readonly #gzipped = new LRUCache<string, Representation>({
    maxSize: KEPT_BYTES_MAX,
    sizeCalculation: (representation) => representation.sizeBytes + 512,
  })
  readonly #flights = new Map<string, Promise<Representation>>()

  /** Whether an item has a gzip form besides its own: then answers vary with `Accept-Encoding`. */
  varies(item: StoredItem): boolean {
    return (
      (item.kind === 'media' || item.kind === 'multivariant' || item.kind === 'manifest') &&
      item.contentEncoding === '' &&
      item.sizeBytes >= GZIP_SIZE_BYTES_MIN &&
      item.sizeBytes <= GZIP_SIZE_BYTES_MAX
    )
  }

  /** As stored. */
  identity(item: StoredItem): Representation {
    return item
  }

  /**
   * The gzip form of an item that {@link varies}; a promise the first time, one however many ask.
   * Identity when it cannot be made or would not be smaller.
   */
  gzip(item: StoredItem): Representation | Promise<Representation> {
    return this.#gzipped.get(item.etag) ?? this.#make(item)
  }

  #make(item: StoredItem): Promise<Representation> {
    const underWay = this.#flights.get(item.etag)
    if (underWay !== undefined) return underWay
    const flight = compress(item).then((made) => {
      this.#gzipped.set(item.etag, made)
      this.#flights.delete(item.etag)
      return made
    })
    this.#flights.set(item.etag, flight)
    return flight
  }
}

function compress(item: StoredItem): Promise<Representation> {
  return new Promise((resolve) => {
    gzip(Buffer.concat(item.chunks), { level: GZIP_LEVEL }, (error, zipped) => {
      // Ignored: identity is always right, the error would only be one of memory.
      if (error !== null || zipped.length >= item.sizeBytes) return resolve(item)
      // Copied: zlib gives a slice of a larger buffer, which would be kept alive with it.
      const body = Buffer.allocUnsafeSlow(zipped.length)
      zipped.copy(body)
      resolve({
        chunks: [body],
        sizeBytes: body.length,
        etag: `${item.etag}-gzip`,
        contentEncoding: 'gzip',
      })
    })
  })
}
