/**
 * What a store that several origins share does beside being a store: it says what the others do, and
 * tells them what this one does. Nothing of it exists where one process has the objects to itself.
 */

import type { StoreKey } from '../base/names.ts'
import type { Store, StoredItem } from './store.ts'

/** Something another node did. Which of the possible things it was, is found out by asking. */
export type RemoteChange =
  /** Wrote, deleted or extended an item, or it expired. */
  | { readonly kind: 'item'; readonly storeKey: StoreKey }
  /** Began an upload, goes on with it, or gave it up. */
  | {
      readonly kind: 'upload'
      readonly storeKey: StoreKey
      /** Whether this node knew of an upload of it. */
      readonly wasUploading: boolean
    }
  /** Anything: nobody was listening for a while. */
  | { readonly kind: 'all' }

export interface SharedStore extends Store {
  /** Tells what other nodes do; returns the function that ends it. */
  onRemoteChange(listener: (change: RemoteChange) => void): () => void
  /** Tells the others that a key is on its way, until {@link endUpload} or a bound. Never throws. */
  announceUpload(storeKey: StoreKey): void
  /** @param isStored  Otherwise it will not come. */
  endUpload(storeKey: StoreKey, isStored: boolean): void
  /** Whether a key that is absent is on its way to another node, as far as this one has asked. */
  isUploadedElsewhere(storeKey: StoreKey): boolean
  /** From now on {@link Store.inspect} knows these, as far as the backend answers. Never throws. */
  find(storeKeys: readonly StoreKey[]): Promise<void>
  /**
   * Playlists that are there, multivariant ones and media playlists written within `recentMs`: what
   * can be read in a short time, the oldest write first. Never throws.
   */
  restorePlaylists(recentMs: number): Promise<readonly StoredItem[]>
}

/** What a node has shown to its readers, and must not take back soon. */
export interface ShownVersions {
  /**
   * A read has found this, or nothing.
   *
   * @returns What to show instead of it, until when (monotonic ms); `undefined`: it is what to show.
   */
  insteadOf(
    storeKey: StoreKey,
    found: StoredItem | undefined,
  ): { readonly item: StoredItem; readonly untilMonotonicMs: number } | undefined
  /** This node has written it. */
  wrote(item: StoredItem): void
  /** From now on it has to be asked for again; `undefined`: all of them. */
  dropped(storeKey: StoreKey | undefined): void
}
