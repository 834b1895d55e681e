/**
 * Token buckets by name, bounded in number: how many failures an address (or a key id) may still
 * cause. Not a rate limit of requests.
 */

import { LRUCache } from 'lru-cache'
import type { Clock } from '../base/clock.ts'

export interface TokenBucketsOptions {
  readonly clock: Clock
  /** Tokens that come back per second; above 0. */
  readonly tokensPerSecond: number
  /** Tokens of a full bucket; at least 1. */
  readonly tokensMax: number
  /** Buckets that are not full; beyond, the one unused for longest is forgotten, so full again. */
  readonly bucketsMax: number
}

interface Bucket {
  tokens: number
  updatedAtMonotonicMs: number
}

export class TokenBuckets {
  readonly #clock: Clock
  readonly #tokensPerMs: number
  readonly #tokensMax: number
  readonly #buckets: LRUCache<string, Bucket>

  constructor({ clock, tokensPerSecond, tokensMax, bucketsMax }: TokenBucketsOptions) {
    this.#clock = clock
    this.#tokensPerMs = tokensPerSecond / 1000
    this.#tokensMax = tokensMax
    this.#buckets = new LRUCache({ max: bucketsMax })
  }

  /** Buckets that are remembered. */
  get size(): number {
    return this.#buckets.size
  }

  /** Takes a token; `false` when there is none. */
  take(name: string): boolean {
    const bucket = this.#refilled(name)
    if (bucket === undefined) {
      this.#buckets.set(name, {
        tokens: this.#tokensMax - 1,
        updatedAtMonotonicMs: this.#clock.monotonicMs(),
      })
      return true
    }
    if (bucket.tokens < 1) return false
    bucket.tokens -= 1
    return true
  }

  /** Gives a token back that was taken for something that did not fail. */
  giveBack(name: string): void {
    const bucket = this.#refilled(name)
    if (bucket === undefined) return
    bucket.tokens += 1
    if (bucket.tokens >= this.#tokensMax) this.#buckets.delete(name)
  }

  /** Whole seconds until {@link take} would succeed; at least 1. */
  retryAfterSeconds(name: string): number {
    const missing = 1 - (this.#refilled(name)?.tokens ?? 1)
    return Math.max(1, Math.ceil(missing / this.#tokensPerMs / 1000))
  }

  #refilled(name: string): Bucket | undefined {
    const bucket = this.#buckets.get(name)
    if (bucket === undefined) return undefined
    const nowMs = this.#clock.monotonicMs()
    const gained = (nowMs - bucket.updatedAtMonotonicMs) * this.#tokensPerMs
    bucket.tokens = Math.min(this.#tokensMax, bucket.tokens + gained)
    bucket.updatedAtMonotonicMs = nowMs
    return bucket
  }
}
