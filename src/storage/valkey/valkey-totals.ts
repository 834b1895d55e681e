/** Items and bytes of each cache in Valkey, as its buckets last said. */

import type { CacheName } from '../../base/names.ts'
import { CacheTotals } from '../cache-totals.ts'
import type { CacheTotal } from '../cache-totals.ts'

export class ValkeyTotals {
  readonly #totals = new CacheTotals()
  /** By tag, then by cache. */
  readonly #buckets = new Map<string, Map<CacheName, CacheTotal>>()

  of(cacheName: CacheName): CacheTotal {
    return this.#totals.of(cacheName)
  }

  /** A bucket's share of one cache. */
  set(tag: string, cacheName: CacheName, total: CacheTotal): void {
    const bucket = this.#buckets.get(tag) ?? new Map<CacheName, CacheTotal>()
    this.#buckets.set(tag, bucket)
    const before = bucket.get(cacheName) ?? { itemCount: 0, sizeBytes: 0 }
    this.#totals.add(
      cacheName,
      total.itemCount - before.itemCount,
      total.sizeBytes - before.sizeBytes,
    )
    if (total.itemCount === 0) bucket.delete(cacheName)
    else bucket.set(cacheName, total)
  }

  /** A bucket as a whole: caches that are not in the reply have nothing there. */
  replace(tag: string, totals: ReadonlyMap<CacheName, CacheTotal>): void {
    for (const cacheName of this.#buckets.get(tag)?.keys() ?? []) {
      if (!totals.has(cacheName)) this.set(tag, cacheName, { itemCount: 0, sizeBytes: 0 })
    }
    for (const [cacheName, total] of totals) this.set(tag, cacheName, total)
  }
}

/** From `<cache>:n` and `<cache>:b` with their values, flat. */
export function parseUsage(reply: readonly unknown[]): Map<CacheName, CacheTotal> {
  const totals = new Map<CacheName, CacheTotal>()
  for (let index = 0; index + 1 < reply.length; index += 2) {
    const field = String(reply[index])
    // Only names of caches were written.
    const cacheName = field.slice(0, -2) as CacheName
    const value = Number(String(reply[index + 1]))
    const { itemCount, sizeBytes } = totals.get(cacheName) ?? { itemCount: 0, sizeBytes: 0 }
    if (field.endsWith(':n')) totals.set(cacheName, { itemCount: value, sizeBytes })
    else totals.set(cacheName, { itemCount, sizeBytes: value })
  }
  return totals
}
