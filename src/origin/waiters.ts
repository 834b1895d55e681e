/**
 * Readers that wait for something to happen to a key: held segments, blocking reloads. Coalesced by
 * key and deadline, bounded per cache and in total, gone without a trace when the client leaves.
 */

import type { Clock, Timer } from '../base/clock.ts'
import { splitStoreKey } from '../base/names.ts'
import type { CacheName, StoreKey } from '../base/names.ts'

/** How a wait ended: `changed`, look again; `over`, the deadline passed; `closing`, the server stops. */
export type WaitOutcome = 'changed' | 'over' | 'closing'

/** Plain counters, read by metrics: waits by how they ended. */
export interface WaiterStats {
  changedCount: number
  overCount: number
  closingCount: number
  /** The client went away. */
  leftCount: number
  /** Not begun: as many waited as may. */
  refusedCount: number
}

export interface WaitersOptions {
  readonly clock: Clock
  readonly waitersMax: number
  readonly waitersPerCacheMax: number
}

/** A wait that can be left. */
export interface Wait {
  readonly outcome: Promise<WaitOutcome>
  /** The client has gone. `outcome` never settles then. */
  leave(): void
}

interface Waiter {
  readonly resolve: (outcome: WaitOutcome) => void
  readonly timer: Timer
}

export class Waiters {
  readonly stats: WaiterStats = {
    changedCount: 0,
    overCount: 0,
    closingCount: 0,
    leftCount: 0,
    refusedCount: 0,
  }
  readonly #options: WaitersOptions
  readonly #byKey = new Map<StoreKey, Set<Waiter>>()
  readonly #countByCache = new Map<CacheName, number>()
  #count = 0

  constructor(options: WaitersOptions) {
    this.#options = options
  }

  /** How many wait now. */
  get count(): number {
    return this.#count
  }

  /**
   * @param untilMonotonicMs  When to give up.
   * @returns `undefined` when as many wait as may: the caller answers at once.
   */
  wait(storeKey: StoreKey, untilMonotonicMs: number): Wait | undefined {
    const { clock, waitersMax, waitersPerCacheMax } = this.#options
    const { cacheName } = splitStoreKey(storeKey)
    const inCache = this.#countByCache.get(cacheName) ?? 0
    if (this.#count >= waitersMax || inCache >= waitersPerCacheMax) {
      this.stats.refusedCount++
      return undefined
    }
    let waiter: Waiter | undefined
    const outcome = new Promise<WaitOutcome>((resolve) => {
      const timer = clock.setTimer(() => {
        if (waiter !== undefined) this.#remove(storeKey, waiter)
        this.stats.overCount++
        resolve('over')
      }, untilMonotonicMs - clock.monotonicMs())
      waiter = { resolve, timer }
    })
    if (waiter === undefined) return undefined
    const waiting = waiter
    const set = this.#byKey.get(storeKey) ?? new Set()
    set.add(waiting)
    this.#byKey.set(storeKey, set)
    this.#countByCache.set(cacheName, inCache + 1)
    this.#count++
    return {
      outcome,
      leave: () => {
        if (this.#remove(storeKey, waiting)) this.stats.leftCount++
      },
    }
  }

  /** Something happened to a key: whoever waits for it looks again. */
  wake(storeKey: StoreKey, outcome: WaitOutcome = 'changed'): void {
    const set = this.#byKey.get(storeKey)
    if (set === undefined) return
    for (const waiter of [...set]) {
      this.#remove(storeKey, waiter)
      if (outcome === 'closing') this.stats.closingCount++
      else this.stats.changedCount++
      waiter.resolve(outcome)
    }
  }

  /** Anything may have happened: everybody looks again. */
  wakeAll(): void {
    for (const storeKey of [...this.#byKey.keys()]) this.wake(storeKey)
  }

  /** Everybody is let go, to be told that the server stops. */
  close(): void {
    for (const storeKey of [...this.#byKey.keys()]) this.wake(storeKey, 'closing')
  }

  /** False: it has ended already. */
  #remove(storeKey: StoreKey, waiter: Waiter): boolean {
    const set = this.#byKey.get(storeKey)
    if (set?.delete(waiter) !== true) return false
    if (set.size === 0) this.#byKey.delete(storeKey)
    this.#options.clock.clearTimer(waiter.timer)
    const { cacheName } = splitStoreKey(storeKey)
    const inCache = (this.#countByCache.get(cacheName) ?? 1) - 1
    if (inCache === 0) this.#countByCache.delete(cacheName)
    else this.#countByCache.set(cacheName, inCache)
    this.#count--
    return true
  }
}
