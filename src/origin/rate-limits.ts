/**
 * Operations and bytes per second of a cache, each way. Reads far from the live edge are refused
 * while half of a second's worth is left, reads of the live edge when nothing is, and writes have
 * buckets of their own: what viewers do never costs a channel a segment. Per server, not per client.
 */

import type { Clock } from '../base/clock.ts'
import type { CacheName, StoreKey } from '../base/names.ts'
import type { CacheSettings } from '../config/schema.ts'
import type { Store, StoredItem } from '../storage/store.ts'
import type { Cache, CacheRegistry } from './caches.ts'

/** Why a request is refused. Each is a reason of `wire/refusals.ts`, too. */
export type RateLimitReason =
  'reads-per-second' | 'read-bytes-per-second' | 'writes-per-second' | 'write-bytes-per-second'

export interface RateRefusal {
  readonly reason: RateLimitReason
  /** When it is worth while to ask again, at least 1. */
  readonly retryAfterSeconds: number
}

export interface RateLimitsOptions {
  readonly clock: Clock
  readonly caches: Pick<CacheRegistry, 'get'>
  readonly store: Pick<Store, 'inspect'>
}

/** What is known of a request when it has ended. */
export interface EndedRequest {
  readonly target: { readonly cacheName: CacheName }
  readonly operation: string
  readonly statusCode: number
  readonly bytesIn: number
  readonly bytesOut: number
}

/** Of a second's worth, only for the live edge. */
const EDGE_SHARE = 0.5
/** Segments stored within so long count as the live edge, as `overload.ts` has it. */
const EDGE_AGE_MS = 60_000

/** Tokens that come back at a rate; a second's worth is the most it holds. Bytes may be owed. */
interface Bucket {
  tokens: number
  updatedAtMonotonicMs: number
}

interface CacheBuckets {
  readonly reads: Bucket
  readonly readBytes: Bucket
  readonly writes: Bucket
  readonly writeBytes: Bucket
}

export class RateLimits {
  readonly #options: RateLimitsOptions
  readonly #buckets = new Map<CacheName, CacheBuckets>()

  constructor(options: RateLimitsOptions) {
    this.#options = options
  }

  /** Takes an operation that is allowed; a refusal when there is none left. A look-up without limits. */
  take(
    operation: 'read' | 'write' | 'delete',
    target: { readonly cacheName: CacheName; readonly storeKey: StoreKey },
  ): RateRefusal | undefined {
    const cache = this.#options.caches.get(target.cacheName)
    if (cache === undefined) return undefined
    return operation === 'read' ? this.#takeRead(cache, target.storeKey) : this.#takeWrite(cache)
  }

  #takeRead(cache: Cache, storeKey: StoreKey): RateRefusal | undefined {
    const { readsPerSecondMax, readBytesPerSecondMax } = cache.settings
    if (readsPerSecondMax === 0 && readBytesPerSecondMax === 0) return undefined
    const { reads, readBytes } = this.#bucketsOf(cache)
    const item = this.#options.store.inspect(storeKey)
    // Whoever polls for what is not there yet is at the live edge.
    const share = typeof item === 'string' || this.#isEdge(item) ? 0 : EDGE_SHARE
    const bytesMissing = this.#missing(readBytes, readBytesPerSecondMax, share, 0)
    if (bytesMissing !== undefined) return refusal('read-bytes-per-second', bytesMissing)
    const missing = this.#missing(reads, readsPerSecondMax, share, 1)
    if (missing !== undefined) return refusal('reads-per-second', missing)
    reads.tokens -= 1
    return undefined
  }

  #takeWrite(cache: Cache): RateRefusal | undefined {
    const { writesPerSecondMax, writeBytesPerSecondMax } = cache.settings
    if (writesPerSecondMax === 0 && writeBytesPerSecondMax === 0) return undefined
    const { writes, writeBytes } = this.#bucketsOf(cache)
    const bytesMissing = this.#missing(writeBytes, writeBytesPerSecondMax, 0, 0)
    if (bytesMissing !== undefined) return refusal('write-bytes-per-second', bytesMissing)
    const missing = this.#missing(writes, writesPerSecondMax, 0, 1)
    if (missing !== undefined) return refusal('writes-per-second', missing)
    writes.tokens -= 1
    return undefined
  }

  /**
   * Charges the bytes of a request that was answered as asked, when they are known. An object may be
   * larger than a second's worth: what is owed is waited for. A refused body costs nothing, or an
   * encoder over its limit would never get another segment through.
   */
  requestEnded({ target, operation, statusCode, bytesIn, bytesOut }: EndedRequest): void {
    if (statusCode < 200 || statusCode >= 400) return
    const cache = this.#options.caches.get(target.cacheName)
    if (cache === undefined) return
    if (operation === 'read') {
      if (cache.settings.readBytesPerSecondMax === 0) return
      this.#charge(cache, 'readBytes', cache.settings.readBytesPerSecondMax, bytesOut)
    } else if (operation === 'write') {
      if (cache.settings.writeBytesPerSecondMax === 0) return
      this.#charge(cache, 'writeBytes', cache.settings.writeBytesPerSecondMax, bytesIn)
    }
  }

  #charge(cache: Cache, name: 'readBytes' | 'writeBytes', rate: number, bytes: number): void {
    const bucket = this.#bucketsOf(cache)[name]
    this.#refill(bucket, rate)
    bucket.tokens -= bytes
  }

  /**
   * Seconds until a bucket has enough; `undefined` when it has, or when there is no limit.
   *
   * @param share  Of the bucket, what has to stay in it.
   * @param need  Tokens wanted on top of that; 0 asks only that nothing is owed.
   */
  #missing(bucket: Bucket, rate: number, share: number, need: 0 | 1): number | undefined {
    if (rate === 0) return undefined
    this.#refill(bucket, rate)
    const capacity = capacityOf(rate)
    // Of one operation a second, nothing can be put aside.
    const wanted = Math.min(share * capacity + need, capacity)
    const hasEnough = need === 0 ? bucket.tokens > share * capacity : bucket.tokens >= wanted
    return hasEnough ? undefined : (wanted - bucket.tokens) / rate
  }

  #refill(bucket: Bucket, rate: number): void {
    const nowMs = this.#options.clock.monotonicMs()
    const gained = ((nowMs - bucket.updatedAtMonotonicMs) * rate) / 1000
    bucket.tokens = Math.min(capacityOf(rate), bucket.tokens + gained)
    bucket.updatedAtMonotonicMs = nowMs
  }

  #isEdge(item: StoredItem): boolean {
    if (item.kind !== 'segment' && item.kind !== 'part' && item.kind !== 'other') return true
    return this.#options.clock.nowMs() - item.storedAtMs <= EDGE_AGE_MS
  }

  #bucketsOf(cache: Cache): CacheBuckets {
    const known = this.#buckets.get(cache.name)
    if (known !== undefined) return known
    // Those of caches that are gone, so that there are never many more than caches.
    for (const name of this.#buckets.keys()) {
      if (this.#options.caches.get(name) === undefined) this.#buckets.delete(name)
    }
    const made = this.#fullBuckets(cache.settings)
    this.#buckets.set(cache.name, made)
    return made
  }

  #fullBuckets(settings: CacheSettings): CacheBuckets {
    const updatedAtMonotonicMs = this.#options.clock.monotonicMs()
    const full = (rate: number): Bucket => ({ tokens: capacityOf(rate), updatedAtMonotonicMs })
    return {
      reads: full(settings.readsPerSecondMax),
      readBytes: full(settings.readBytesPerSecondMax),
      writes: full(settings.writesPerSecondMax),
      writeBytes: full(settings.writeBytesPerSecondMax),
    }
  }
}

/** A second's worth, and at least one. */
function capacityOf(rate: number): number {
  return Math.max(1, rate)
}

function refusal(reason: RateLimitReason, seconds: number): RateRefusal {
  return { reason, retryAfterSeconds: Math.max(1, Math.ceil(seconds)) }
}
