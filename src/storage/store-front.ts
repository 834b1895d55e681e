/**
 * What a store behind a hot store does whatever it keeps its objects in: changes of a key one after
 * the other, the bounds of memory, who is told of changes, upkeep, and an orderly end.
 */

import type { Clock, Timer } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import type { CacheName, StoreKey } from '../base/names.ts'
import type { CacheTotal } from './cache-totals.ts'
import { accountedBytesOf } from './hot-entry.ts'
import type { HotStore } from './hot-store.ts'
import { KeyQueue } from './key-queue.ts'
import { Watchers } from './watchers.ts'
import type { CacheUsage, PutOptions, PutOutcome, StoredItem } from './store.ts'

export interface StoreFrontOptions {
  readonly hot: HotStore
  readonly clock: Clock
}

export class StoreFront {
  readonly watchers = new Watchers()
  readonly #hot: HotStore
  readonly #clock: Clock
  readonly #queue = new KeyQueue()
  #timer: Timer | undefined
  #upkeep: Promise<void> = Promise.resolve()
  #closed = false

  constructor(options: StoreFrontOptions) {
    this.#hot = options.hot
    this.#clock = options.clock
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /**
   * Runs a change after those of the same key that are under way.
   *
   * @throws HeadwaterError `HW_STORE_UNAVAILABLE` once the store is closed.
   */
  async change<Result>(storeKey: StoreKey, operate: () => Promise<Result>): Promise<Result> {
    if (this.#closed) throw new HeadwaterError('HW_STORE_UNAVAILABLE', 'The store is closed.')
    return this.#queue.run(storeKey, operate)
  }

  /** The same for a write. One that memory could never hold is refused: nobody could be served it. */
  async put(
    item: StoredItem,
    options: PutOptions,
    write: () => Promise<PutOutcome>,
  ): Promise<PutOutcome> {
    const sizeBytes = accountedBytesOf(item)
    const { sizeBytesMax } = this.#hot.stats
    return this.change(item.storeKey, async () => {
      if (sizeBytes > sizeBytesMax) return { kind: 'too-large', sizeBytes, sizeBytesMax }
      const { cacheBytesMax = Number.POSITIVE_INFINITY } = options
      if (sizeBytes <= cacheBytesMax) return write()
      return { kind: 'cache-full', sizeBytes, sizeBytesMax: cacheBytesMax, pinnedBytes: 0 }
    })
  }

  /** Nothing is pinned: memory is a cache here, and what is behind it is not given up. */
  usage(cacheName: CacheName, { itemCount, sizeBytes }: CacheTotal): CacheUsage {
    const { accountedBytes } = this.#hot.usage(cacheName)
    return { itemCount, sizeBytes, accountedBytes, pinnedItemCount: 0, pinnedBytes: 0 }
  }

  /**
   * Again and again until the store is closed.
   *
   * @param upkeep  Must not throw. How long until the next time, ms.
   */
  upkeepIn(delayMs: number, upkeep: () => Promise<number>): void {
    if (this.#closed) return
    this.#timer = this.#clock.setTimer(() => {
      this.#timer = undefined
      this.#upkeep = upkeep().then((nextMs) => this.upkeepIn(nextMs, upkeep))
      this.#clock.waitFor?.(this.#upkeep)
    }, delayMs)
  }

  /**
   * Ends what is under way, then memory, then what is behind it. May be called twice.
   *
   * @param reads  When what is being read has been.
   */
  async close(reads: () => Promise<unknown>, backend: () => Promise<void>): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer)
    this.#timer = undefined
    await Promise.all([this.#upkeep, this.#queue.idle(), reads()])
    await this.#hot.close()
    await backend()
    this.watchers.clear()
  }
}
