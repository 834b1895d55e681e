/**
 * Other forms of a stored item: a playlist with a reader's token on its URIs, and gzip of either
 * (Apple's authoring specification 10.1 demands it). Made once per version, when first asked for, and
 * kept within a bound of their own.
 */

import { createHash } from 'node:crypto'
import { gzip } from 'node:zlib'
import { LRUCache } from 'lru-cache'
import { splitStoreKey } from '../base/names.ts'
import { toDeltaUpdate } from '../hls/delta-update.ts'
import { addToken } from '../hls/token-hygiene.ts'
import type { StoredItem } from '../storage/store.ts'
import type { DeltaForm } from './delta-updates.ts'

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
/** What tokens may add to one playlist: 10,000 URIs with a long one. */
const GROWTH_CHARS_MAX = 8 * 1024 * 1024
const KEPT_BYTES_MAX = 32 * 1024 * 1024
/** Fast enough to make at a request, and within 10 % of the best on playlists. */
const GZIP_LEVEL = 6

/** How a playlist is read, as far as its URIs resolve by it. */
export interface ReaderView {
  /** Put on every URI that leads here, percent-encoded. */
  readonly token: string
  readonly keyForm: 'path' | 'query'
  /** Hosts that are this origin; no other gets the token. */
  readonly ownHosts: readonly string[]
}

export class Representations {
  readonly #kept = new LRUCache<string, Representation>({
    maxSize: KEPT_BYTES_MAX,
    sizeCalculation: (representation) => representation.sizeBytes + 512,
  })
  readonly #flights = new Map<string, Promise<Representation>>()

  /** Whether an item is a text whose URIs lead on. */
  hasUris(item: StoredItem): boolean {
    return (
      (item.kind === 'media' || item.kind === 'multivariant' || item.kind === 'manifest') &&
      item.contentEncoding === ''
    )
  }

  /** Whether an item has a gzip form besides its own: then answers vary with `Accept-Encoding`. */
  varies(item: StoredItem): boolean {
    return (
      this.hasUris(item) &&
      item.sizeBytes >= GZIP_SIZE_BYTES_MIN &&
      item.sizeBytes <= GZIP_SIZE_BYTES_MAX
    )
  }

  /** A delta update of a playlist; the playlist itself when there is nothing to leave out. */
  delta(item: StoredItem, form: DeltaForm): Representation {
    if (!this.hasUris(item)) return item
    const etag = `${item.etag}-${form.name}`
    return this.#kept.get(etag) ?? this.#makeDelta(item, form, etag)
  }

  #makeDelta(item: StoredItem, form: DeltaForm, etag: string): Representation {
    const delta = toDeltaUpdate(Buffer.concat(item.chunks).toString('latin1'), form)
    const body = delta === undefined ? undefined : Buffer.from(delta, 'latin1')
    const made: Representation =
      body === undefined
        ? item
        : { chunks: [body], sizeBytes: body.length, etag, contentEncoding: '' }
    this.#kept.set(etag, made)
    return made
  }

  /**
   * The form of an item that {@link hasUris} for one reader. Its ETag names the token, not the reverse.
   *
   * @param base  The item, or a delta update of it.
   */
  withToken(item: StoredItem, view: ReaderView, base: Representation = item): Representation {
    const name = createHash('sha256')
      .update(`${view.keyForm} ${view.token}`)
      .digest('base64url')
      .slice(0, 12)
    const etag = `${base.etag}-r${name}`
    return this.#kept.get(etag) ?? this.#putToken(item, view, base, etag)
  }

  /**
   * The gzip form of a representation of an item that {@link varies}; a promise the first time, one
   * however many ask. The same one when it would not be smaller.
   */
  gzip(representation: Representation): Representation | Promise<Representation> {
    const etag = `${representation.etag}-gzip`
    return this.#kept.get(etag) ?? this.#compress(representation, etag)
  }

  #putToken(
    item: StoredItem,
    view: ReaderView,
    base: Representation,
    etag: string,
  ): Representation {
    const { cacheName, key } = splitStoreKey(item.storeKey)
    const text = Buffer.concat(base.chunks).toString('latin1')
    // Each line may grow by a token: a playlist of one-char lines must not become a hundred times
    // itself for a reader. As it is, it plays for who sends a header.
    if (lineCount(text) * view.token.length > GROWTH_CHARS_MAX) return base
    const location = {
      cacheName,
      playlistKey: key,
      keyForm: view.keyForm,
      ownHosts: view.ownHosts,
    }
    const rewritten = addToken(text, location, {
      syntax: item.kind === 'manifest' ? 'dash' : 'hls',
      token: view.token,
    })
    const body = Buffer.from(rewritten, 'latin1')
    const made = { chunks: [body], sizeBytes: body.length, etag, contentEncoding: '' }
    this.#kept.set(etag, made)
    return made
  }

  #compress(representation: Representation, etag: string): Promise<Representation> {
    const underWay = this.#flights.get(etag)
    if (underWay !== undefined) return underWay
    const flight = compress(representation, etag).then((made) => {
      this.#kept.set(etag, made)
      this.#flights.delete(etag)
      return made
    })
    this.#flights.set(etag, flight)
    return flight
  }
}

function compress(representation: Representation, etag: string): Promise<Representation> {
  return new Promise((resolve) => {
    gzip(Buffer.concat(representation.chunks), { level: GZIP_LEVEL }, (error, zipped) => {
      // Ignored: identity is always right, the error would only be one of memory.
      if (error !== null || zipped.length >= representation.sizeBytes) {
        return resolve(representation)
      }
      // Copied: zlib gives a slice of a larger buffer, which would be kept alive with it.
      const body = Buffer.allocUnsafeSlow(zipped.length)
      zipped.copy(body)
      resolve({ chunks: [body], sizeBytes: body.length, etag, contentEncoding: 'gzip' })
    })
  })
}

/** Lines, or elements of a manifest that is one line. */
function lineCount(text: string): number {
  let count = 1
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === 0x0a || code === 0x0d || code === 0x3c) count++
  }
  return count
}
