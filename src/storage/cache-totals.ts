/** Items and bytes of each cache, for stores that cannot count them when asked. */

import type { CacheName } from '../base/names.ts'

export interface CacheTotal {
  readonly itemCount: number
  /** Of bodies. */
  readonly sizeBytes: number
}

const NOTHING: CacheTotal = { itemCount: 0, sizeBytes: 0 }

export class CacheTotals {
  readonly #totals = new Map<CacheName, CacheTotal>()

  of(cacheName: CacheName): CacheTotal {
    return this.#totals.get(cacheName) ?? NOTHING
  }

  /** Negative numbers take away. */
  add(cacheName: CacheName, itemCount: number, sizeBytes: number): void {
    const before = this.of(cacheName)
    const after = {
      itemCount: before.itemCount + itemCount,
      sizeBytes: before.sizeBytes + sizeBytes,
    }
    if (after.itemCount === 0) this.#totals.delete(cacheName)
    else this.#totals.set(cacheName, after)
  }
}
