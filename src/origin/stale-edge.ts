/** Whether a live playlist is too old to be served, by its cache's settings: a CDN then fails over. */

import type { Clock } from '../base/clock.ts'
import type { StoreKey } from '../base/names.ts'
import type { StoredItem } from '../storage/store.ts'
import type { Cache } from './caches.ts'
import type { ChannelModel } from './channel-model.ts'

export interface StaleEdgeOptions {
  readonly clock: Clock
  readonly channels: ChannelModel
}

export class StaleEdge {
  readonly #options: StaleEdgeOptions

  constructor(options: StaleEdgeOptions) {
    this.#options = options
  }

  /**
   * How long ago the encoder of a live playlist stopped, seconds, when that is too long; `undefined`
   * when it is not, or when it is no live playlist.
   */
  seconds(cache: Cache, item: StoredItem): number | undefined {
    const limit = cache.settings.staleAfterTargetDurations
    if (limit === 0 || (item.kind !== 'media' && item.kind !== 'multivariant')) return undefined
    const isTogether = cache.settings.staleScope === 'channel'
    const { topology } = this.#options.channels
    const keys = isTogether ? topology.primaryKeysOf(item.storeKey) : undefined
    // A subtitle playlist is judged by its channel, never its channel by it.
    if (keys === undefined) return this.#secondsOf(item.storeKey, limit)
    for (const storeKey of keys) {
      const seconds = this.#secondsOf(storeKey, limit)
      if (seconds !== undefined) return seconds
    }
    return undefined
  }

  #secondsOf(storeKey: StoreKey, limitTargetDurations: number): number | undefined {
    const record = this.#options.channels.record(storeKey)
    // Ended, or not stored any more.
    if (record?.live === undefined) return undefined
    const seconds = record.ageSeconds(this.#options.clock.monotonicMs())
    const isStale = seconds / Math.max(1, record.targetDurationSeconds) > limitTargetDurations
    return isStale ? seconds : undefined
  }
}
