/**
 * Which store the settings ask for. Nothing else knows: the rest of the program has a `Store`, and
 * what a durable one found when it was opened.
 */

import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Config } from '../config/schema.ts'
import { FORGET_MS as RECENT_MS } from '../origin/channel-model.ts'
import { notesCodec } from '../origin/item-notes.ts'
import type { DataDirectory } from '../storage/data-directory.ts'
import { prepareDiskDirectory } from '../storage/disk-directory.ts'
import type { DiskStats } from '../storage/disk-items.ts'
import { diskSizeBytesDefault } from '../storage/disk-room.ts'
import { DiskStore } from '../storage/disk-store.ts'
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
  /** For metrics; `undefined` without a disk. */
  readonly diskStats: DiskStats | undefined
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
export async function openStore(options: OpenStoreOptions): Promise<OpenedStore> {
  const { config, clock } = options
  const hot = new HotStore({
    sizeBytesMax: config.hotStore.sizeBytesMax || hotStoreSizeBytesDefault(),
    clock,
  })
  if (config.storage.kind === 'disk') return openDiskStore(options, hot)
  return { store: hot, diskStats: undefined, restoredPlaylists: () => Promise.resolve([]) }
}

async function openDiskStore(options: OpenStoreOptions, hot: HotStore): Promise<OpenedStore> {
  const { config, dataDirectory, clock, log } = options
  const { sync, disk } = config.storage
  const path = join(dataDirectory.path, 'objects')
  await prepareDiskDirectory(path, clock)
  const sizeBytesMax = disk.sizeBytesMax || (await diskSizeBytesDefault(path))
  const store = new DiskStore({
    ...{ hot, path, sizeBytesMax, sync, clock },
    attachments: notesCodec,
    onError: (error) => log.error({ err: error }, 'the disk does not take what it should'),
  })
  const { itemCount, sizeBytes } = store.diskStats
  log.info({ path, itemCount, sizeBytes, sizeBytesMax }, 'objects on disk')
  return {
    store,
    diskStats: store.diskStats,
    restoredPlaylists: () => Promise.resolve(store.restorePlaylists(RECENT_MS)),
  }
}
