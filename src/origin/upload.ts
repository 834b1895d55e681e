/**
 * One upload from its first byte to its commit. Nothing is visible before {@link Upload.finish}
 * resolves `stored`, and nothing has changed when it does not.
 */

import type { ItemKey, StoreKey } from '../base/names.ts'
import { mayBecomePlaylist } from '../hls/signature.ts'
import type { PutOutcome, StoredItem } from '../storage/store.ts'
import { BodyCollector } from './body-collector.ts'
import type { Cache } from './caches.ts'
import { checkContent } from './content-rules.ts'
import type { CheckedContent } from './content-rules.ts'

/** Why an upload was not stored. Each is a reason of `wire/refusals.ts`, too. */
export type UploadProblem =
  | 'body-empty'
  | 'body-too-large'
  | 'uploads-busy'
  | 'not-a-playlist'
  | 'not-a-manifest'
  | 'gzip-invalid'
  | 'playlist-leaks-key'
  | 'playlist-invalid'
  | 'store-full'
  | 'cache-full'
  | 'store-unavailable'

export type UploadOutcome =
  | { readonly kind: 'stored'; readonly item: StoredItem }
  /** Empty, and the cache ignores empty uploads. */
  | { readonly kind: 'ignored' }
  | {
      readonly kind: 'refused'
      readonly reason: UploadProblem
      /** More than the reason says; for the answer, without a credential. */
      readonly detail?: string
    }

/** What to say of an object that a store has no room for. */
export function noRoom(outcome: Exclude<PutOutcome, { readonly kind: 'stored' }>): UploadOutcome {
  if (outcome.kind === 'cache-full') return { kind: 'refused', reason: 'cache-full' }
  const { where } = outcome.kind === 'full' ? outcome : {}
  if (where === undefined) return { kind: 'refused', reason: 'store-full' }
  return { kind: 'refused', reason: 'store-full', detail: FULL_DETAILS[where] }
}

const FULL_DETAILS = {
  disk: 'The disk, or its bound (storage.disk.sizeBytesMax), is full; raise it, or lower ttl_seconds.',
  valkey:
    "Valkey's memory (its setting maxmemory) is full; raise maxmemory in Valkey, or lower ttl_seconds.",
} as const

export interface UploadRequest {
  readonly cache: Cache
  readonly key: ItemKey
  readonly storeKey: StoreKey
  readonly keyForm: 'path' | 'query'
  readonly ttlSeconds: number
  /** The request's media type; `undefined` when it named none. */
  readonly contentType: string | undefined
  /** Lower case; '' for none. */
  readonly contentEncoding: string
  /** Hosts that are this origin, as the writer and the configuration name them. */
  readonly ownHosts: readonly string[]
  /** What this write was authorised by, in every form it was sent. Never stored, never shown. */
  readonly credentials: readonly string[]
}

/** Somebody who reads an upload while it is written. */
export interface UploadFollower {
  /** More bytes; not to be written to. */
  onChunk(chunk: Uint8Array): void
  /** Everything came and is stored. */
  onStored(): void
  /** It is not stored: what was read so far must not be taken for the object. */
  onFailed(): void
}

/** The part of the origin that uploads share. */
export interface UploadHost {
  /** Counts bytes of unfinished uploads; false when the bound is reached (nothing is counted then). */
  reserve(bytes: number): boolean
  release(bytes: number): void
  /** Takes out of a playlist what no reader may see, as the cache's settings say. */
  clean(
    request: UploadRequest,
    body: Buffer,
    syntax: 'hls' | 'dash',
  ): Buffer | Promise<Buffer | 'playlist-leaks-key'>
  commit(request: UploadRequest, content: CheckedContent): Promise<UploadOutcome>
  /** The upload has ended, either way. */
  closed(upload: Upload): void
}

export class Upload {
  readonly #host: UploadHost
  readonly #request: UploadRequest
  readonly #body = new BodyCollector()
  readonly #followers = new Set<UploadFollower>()
  #problem: UploadProblem | undefined
  #isWithheld: boolean

  constructor(host: UploadHost, request: UploadRequest) {
    this.#host = host
    this.#request = request
    // What is packed cannot be looked into as it comes.
    this.#isWithheld = request.contentEncoding !== ''
  }

  /**
   * Whether nobody may read along: by its first bytes it may be a playlist, whatever it is called, and
   * those are cleaned of keys when they are complete. False before the first byte.
   */
  get isWithheld(): boolean {
    return this.#isWithheld
  }

  get request(): UploadRequest {
    return this.#request
  }

  /**
   * Reads along from here on.
   * @returns The bytes so far, and how to stop.
   */
  follow(follower: UploadFollower): {
    readonly chunks: readonly Uint8Array[]
    readonly stop: () => void
  } {
    this.#followers.add(follower)
    return { chunks: this.#body.snapshot(), stop: () => this.#followers.delete(follower) }
  }

  /** What is wrong so far; the rest of the body need not be kept, only drained. */
  get problem(): UploadProblem | undefined {
    return this.#problem
  }

  /** @param chunk  Owned by the upload from now on. Ignored once there is a problem. */
  add(chunk: Uint8Array): void {
    if (this.#problem !== undefined) return
    if (this.#body.sizeBytes + chunk.length > this.#request.cache.settings.itemSizeBytesMax) {
      this.#fail('body-too-large')
    } else if (!this.#host.reserve(chunk.length)) {
      this.#fail('uploads-busy')
    } else {
      if (this.#body.sizeBytes === 0 && mayBecomePlaylist(chunk)) this.#withhold()
      this.#body.add(chunk)
      for (const follower of this.#followers) follower.onChunk(chunk)
    }
  }

  /** The body is complete: checks it and stores it. Call once. */
  async finish(): Promise<UploadOutcome> {
    const outcome = await this.#commit()
    this.#end(outcome.kind === 'stored')
    return outcome
  }

  async #commit(): Promise<UploadOutcome> {
    if (this.#problem !== undefined) return { kind: 'refused', reason: this.#problem }
    const { sizeBytes } = this.#body
    const { settings } = this.#request.cache
    if (sizeBytes === 0) {
      return settings.emptyBody === 'ignore'
        ? { kind: 'ignored' }
        : { kind: 'refused', reason: 'body-empty' }
    }
    try {
      const content = await checkContent({
        key: this.#request.key,
        chunks: this.#body.take(),
        sizeBytes,
        contentEncoding: this.#request.contentEncoding,
        sizeBytesMax: settings.itemSizeBytesMax,
        clean: (body, syntax) => this.#host.clean(this.#request, body, syntax),
      })
      if (typeof content === 'string') return { kind: 'refused', reason: content }
      return await this.#host.commit(this.#request, content)
    } finally {
      this.#host.release(sizeBytes)
    }
  }

  /** The client went away or was refused: forgets the bytes. May be called at any time but after `finish`. */
  abort(): void {
    this.#host.release(this.#body.sizeBytes)
    this.#body.clear()
    this.#end(false)
  }

  #withhold(): void {
    this.#isWithheld = true
    for (const follower of this.#followers) follower.onFailed()
    this.#followers.clear()
  }

  #end(isStored: boolean): void {
    this.#host.closed(this)
    for (const follower of this.#followers) {
      if (isStored) follower.onStored()
      else follower.onFailed()
    }
    this.#followers.clear()
  }

  #fail(problem: UploadProblem): void {
    this.abort()
    this.#problem = problem
  }
}
