/**
 * Reading through: what is not in memory is asked for once however many want it, and remembered
 * unless it was changed meanwhile. What memory has is not looked at here.
 */

import type { Clock } from '../../base/clock.ts'
import type { StoreKey } from '../../base/names.ts'
import type { ShownVersions } from '../shared-store.ts'
import type { StoredItem } from '../store.ts'
import type { Fill, NearCache } from './near-cache.ts'
import type { ValkeyObjects } from './valkey-objects.ts'

export interface ValkeyReaderOptions {
  readonly near: NearCache
  readonly objects: ValkeyObjects
  readonly clock: Clock
  readonly shown: ShownVersions | undefined
  /** What is remembered, when nobody can be asked, for as long as it may be served. */
  readonly unverified: (storeKey: StoreKey) => StoredItem | undefined
}

/** Plain counters, read by metrics. */
export interface ReadStats {
  /** Objects that were not in memory and were asked for. */
  readCount: number
  readBytes: number
}

/** A question that is under way. */
interface Flight {
  readonly fill: Fill
  readonly item: Promise<StoredItem | undefined>
}

/** Of a key that is changed again and again. */
const ATTEMPTS_MAX = 3
/** Playlists read at a start, and how long that may take. */
const RESTORED_MAX = 4000
const RESTORE_MS = 1500
const RESTORE_BATCH = 100

export class ValkeyReader {
  readonly #options: ValkeyReaderOptions
  readonly #stats: ReadStats
  readonly #flights = new Map<StoreKey, Flight>()

  constructor(options: ValkeyReaderOptions, stats: ReadStats) {
    this.#options = options
    this.#stats = stats
  }

  /**
   * What was changed while it was asked for is asked for again: who waits for the change has been woken
   * by now, and would not be again.
   *
   * @throws HeadwaterError `HW_STORE_UNAVAILABLE` when nobody answers and nothing here may do.
   */
  async load(storeKey: StoreKey): Promise<StoredItem | undefined> {
    for (let attempt = 1; ; attempt++) {
      const { fill, item } = this.#flightOf(storeKey)
      const found = await item
      if (!fill.isSpoiled || attempt >= ATTEMPTS_MAX) return found
    }
  }

  /** Learns all but the bodies. Never throws: what cannot be asked for stays unknown. */
  async find(storeKeys: readonly StoreKey[]): Promise<void> {
    const { near, objects } = this.#options
    const find = async (storeKey: StoreKey) => {
      const fill = near.begin(storeKey)
      try {
        near.rememberDescribed(fill, await objects.describe(storeKey))
      } catch {
        // Ignored: what is not known stays so.
      } finally {
        near.end(fill)
      }
    }
    await Promise.all(storeKeys.map(find))
  }

  /** See {@link SharedStore.restorePlaylists}. */
  async restorePlaylists(
    recentMs: number,
    load: (storeKey: StoreKey) => Promise<StoredItem | undefined>,
  ): Promise<readonly StoredItem[]> {
    const { objects, clock } = this.#options
    const untilMs = clock.monotonicMs() + RESTORE_MS
    const found: StoredItem[] = []
    try {
      const keys = await objects.playlists(recentMs, RESTORED_MAX)
      for (let from = 0; from < keys.length; from += RESTORE_BATCH) {
        if (clock.monotonicMs() > untilMs) break
        const items = await Promise.all(keys.slice(from, from + RESTORE_BATCH).map(load))
        found.push(...items.filter((item) => item !== undefined))
      }
    } catch {
      // Ignored: the link has said that nobody answers. Each channel goes on at its next write.
    }
    return found.sort((left, right) => writtenAtMs(left) - writtenAtMs(right))
  }

  /** When nothing is being read any more. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.#flights.values()].map(({ item }) => item))
  }

  #flightOf(storeKey: StoreKey): Flight {
    const before = this.#flights.get(storeKey)
    // One that began before a change must not answer a question that came after it.
    if (before !== undefined && !before.fill.isSpoiled) return before
    const { near } = this.#options
    const fill = near.begin(storeKey)
    const item = this.#read(storeKey, fill).finally(() => {
      near.end(fill)
      if (this.#flights.get(storeKey) === flight) this.#flights.delete(storeKey)
    })
    const flight: Flight = { fill, item }
    this.#flights.set(storeKey, flight)
    return flight
  }

  async #read(storeKey: StoreKey, fill: Fill): Promise<StoredItem | undefined> {
    const { near, objects, shown, unverified, clock } = this.#options
    try {
      const found = await objects.read(storeKey)
      const item = found === 'uploading' ? undefined : found
      this.#stats.readCount++
      this.#stats.readBytes += item?.sizeBytes ?? 0
      const kept = shown?.insteadOf(storeKey, item)
      near.remember(fill, kept?.item ?? found)
      if (kept === undefined) return item
      // From then on it is what Valkey has.
      const keptMs = kept.untilMonotonicMs - clock.monotonicMs()
      clock.setTimer(() => near.forget(storeKey), keptMs)
      return kept.item
    } catch (error) {
      const item = unverified(storeKey)
      if (item === undefined) throw error
      return item
    }
  }
}

/** Monotonic: the engine's clock is the same for all nodes, as far as deadlines have not been moved. */
function writtenAtMs({ expiresAtMonotonicMs, ttlSeconds }: StoredItem): number {
  return expiresAtMonotonicMs - ttlSeconds * 1000
}
