/**
 * Which store the settings ask for. Nothing else knows: the rest of the program has a `Store`, and
 * what a durable one found when it was opened.
 */

import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Config } from '../config/schema.ts'
import type { MeasuredValkey } from '../metrics/sources.ts'
import { FORGET_MS as RECENT_MS } from '../origin/channel-model.ts'
import { notesCodec, notesOf } from '../origin/item-notes.ts'
import { ShownPlaylists } from '../origin/shown-playlists.ts'
import type { DataDirectory } from '../storage/data-directory.ts'
import { prepareDiskDirectory } from '../storage/disk-directory.ts'
import type { DiskStats } from '../storage/disk-items.ts'
import { diskSizeBytesDefault } from '../storage/disk-room.ts'
import { hotStoreSizeBytesDefault } from '../storage/hot-store-size.ts'
import { HotStore } from '../storage/hot-store.ts'
import type { SharedStore } from '../storage/shared-store.ts'
import type { Store, StoredItem } from '../storage/store.ts'
import { openValkey } from '../storage/valkey/open-valkey.ts'
import { readTlsFiles } from '../storage/valkey/read-tls-files.ts'
import type { ValkeyLink } from '../storage/valkey/valkey-link.ts'
import { ValkeyStore } from '../storage/valkey/valkey-store.ts'

const DOWN_TARGET_DURATIONS = 3
const RIG_EXPIRY_TICK_MS = 2000

export interface OpenStoreOptions {
  readonly config: Config
  readonly dataDirectory: DataDirectory
  /** What objects end by. */
  readonly clock: Clock
  /** What the disk is waited for by, where that is another one. */
  readonly machineClock?: Clock
  readonly log: Logger
}

export interface OpenedStore {
  readonly store: Store
  /** Whether it does not answer, while memory goes on. */
  readonly isDown: () => boolean
  /** The store, where other nodes use it, too; `undefined` where there are none. */
  readonly shared: SharedStore | undefined
  /** For metrics; `undefined` without a disk. */
  readonly diskStats: DiskStats | undefined
  /** For metrics; `undefined` without Valkey. */
  readonly measuredValkey?: MeasuredValkey
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
export async function openStore(
  options: OpenStoreOptions & { readonly valkey: ValkeyLink | undefined },
): Promise<OpenedStore> {
  const { config, clock, valkey } = options
  const hot = new HotStore({
    sizeBytesMax: config.hotStore.sizeBytesMax || hotStoreSizeBytesDefault(),
    clock,
    // A test rig's clock may be moved by hours, each look for what has expired on the way one timer.
    // What a reader gets is exact all the same: this is about when memory is free again.
    ...(config.rig.enabled ? { expiryTickMs: RIG_EXPIRY_TICK_MS } : {}),
  })
  if (config.storage.kind === 'disk') return openDiskStore(options, hot)
  const none = { diskStats: undefined, restoredPlaylists: () => Promise.resolve([]) }
  if (valkey === undefined) return { store: hot, isDown: () => false, shared: undefined, ...none }
  const store = new ValkeyStore({
    ...{ link: valkey, hot, clock, attachments: notesCodec },
    servableWhileDownMs,
    shown: new ShownPlaylists(clock),
  })
  await store.refreshUsage()
  return {
    ...{ store, shared: store, isDown: () => store.isDown, diskStats: undefined },
    measuredValkey: { stats: store.valkeyStats, link: valkey },
    restoredPlaylists: () => store.restorePlaylists(RECENT_MS),
  }
}

/** @throws HeadwaterError `HW_START_VALKEY` with all that keeps it from being used. */
export async function openValkeyLink(options: OpenStoreOptions): Promise<ValkeyLink> {
  const { config, log } = options
  const { valkey, timeoutMs } = config.storage
  const tlsFiles = await readTlsFiles(valkey)
  // Connections and their limits are of this machine, whatever clock the rest has.
  return openValkey({ ...valkey, tlsFiles, timeoutMs, clock: systemClock, log })
}

/** A live playlist that nobody can confirm helps for three target durations, then another origin does. */
function servableWhileDownMs(item: StoredItem): number {
  const { playlist } = notesOf(item)
  if (playlist?.kind !== 'media' || playlist.ended) return Number.POSITIVE_INFINITY
  return DOWN_TARGET_DURATIONS * Math.max(1, playlist.targetDurationSeconds) * 1000
}

async function openDiskStore(options: OpenStoreOptions, hot: HotStore): Promise<OpenedStore> {
  const { config, dataDirectory, clock, machineClock = clock, log } = options
  const { sync, disk } = config.storage
  // Its binary is loaded by who asks for it: memory works wherever node does.
  const { DiskStore } = await import('../storage/disk-store.ts')
  const path = join(dataDirectory.path, 'objects')
  await prepareDiskDirectory(path, machineClock)
  const sizeBytesMax = disk.sizeBytesMax || (await diskSizeBytesDefault(path))
  const store = new DiskStore({
    ...{ hot, path, sizeBytesMax, sync, clock, machineClock },
    attachments: notesCodec,
    onError: (error) => log.error({ err: error }, 'the disk does not take what it should'),
  })
  const { itemCount, sizeBytes } = store.diskStats
  log.info({ path, itemCount, sizeBytes, sizeBytesMax }, 'objects on disk')
  return {
    store,
    isDown: () => store.isDown,
    shared: undefined,
    diskStats: store.diskStats,
    restoredPlaylists: () => Promise.resolve(store.restorePlaylists(RECENT_MS)),
  }
}
