/**
 * Which store the settings ask for. Nothing else knows: the rest of the program has a `Store`, and
 * what a durable one found when it was opened.
 */

import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Config } from '../config/schema.ts'
import type { DataDirectory } from '../storage/data-directory.ts'
import { hotStoreSizeBytesDefault } from '../storage/hot-store-size.ts'
import { HotStore } from '../storage/hot-store.ts'
import type { Store, StoredItem } from '../storage/store.ts'

export interface OpenStoreOptions {
  readonly config: Config
  readonly dataDirectory: DataDirectory
  readonly clock: Clock
  readonly log: Logger
}

export interface OpenedStore {
  readonly store: Store
  /**
   * Live playlists that were there before this process, with their bodies and parsed, so that their
   * channels go on: the oldest write first. Nothing for a store that starts empty.
   */
  readonly restoredPlaylists: () => Promise<readonly StoredItem[]>
}

/**
 * @throws HeadwaterError `HW_DATA_DIR_CORRUPT`, `HW_DATA_DIR_UNUSABLE` and what else keeps a store
 *   from being opened.
 */
export function openStore(options: OpenStoreOptions): Promise<OpenedStore> {
  const { config, clock } = options
  const hot = new HotStore({
    sizeBytesMax: config.hotStore.sizeBytesMax || hotStoreSizeBytesDefault(),
    clock,
  })
  return Promise.resolve({ store: hot, restoredPlaylists: () => Promise.resolve([]) })
}
