/**
 * How long things may be reused depends on other things: a multivariant playlist on its variants'
 * target durations, segments on whether their playlist has ended. Settled at each playlist's PUT, so
 * that no read looks for it.
 */

import { splitStoreKey } from '../base/names.ts'
import type { StoreKey } from '../base/names.ts'
import type { Store, StoredItem } from '../storage/store.ts'
import type { CacheRegistry } from './caches.ts'
import type { ChannelFollower, ChannelModel, PlaylistWrite } from './channel-model.ts'
import { ENDED_MAX_AGE_SECONDS, playlistMaxAgeSeconds } from './freshness.ts'
import { notesOf } from './item-notes.ts'

export interface LiveFreshnessOptions {
  readonly store: Store
  readonly caches: CacheRegistry
  readonly channels: ChannelModel
}

export class LiveFreshness implements ChannelFollower {
  readonly #options: LiveFreshnessOptions

  constructor(options: LiveFreshnessOptions) {
    this.#options = options
  }

  written(write: PlaylistWrite): void {
    const { item, playlist, isHere } = write
    for (const named of this.#options.channels.topology.namedBy(item.storeKey)) {
      this.multivariantWritten(named)
      if (isHere && !playlist.ended) this.#extend(named, item)
    }
    if (playlist.ended) this.#settleEnded(write)
  }

  /** The smallest target duration of its variants rules: they are asked for together. */
  multivariantWritten(storeKey: StoreKey): void {
    const { store, channels } = this.#options
    const item = store.inspect(storeKey)
    if (typeof item === 'string') return
    const variantKeys = channels.topology.get(storeKey)?.variantKeys ?? []
    const ages = variantKeys.flatMap((variantKey) => {
      const variant = store.inspect(variantKey)
      const playlist = typeof variant === 'string' ? undefined : notesOf(variant).playlist
      return playlist?.kind === 'media' ? [playlistMaxAgeSeconds(playlist)] : []
    })
    if (ages.length > 0) notesOf(item).maxAgeSeconds = Math.min(...ages)
  }

  /** ffmpeg writes a multivariant playlist once: it lasts as long as a live playlist of it. */
  #extend(storeKey: StoreKey, named: StoredItem): void {
    const { caches, store } = this.#options
    const { cacheName } = splitStoreKey(storeKey)
    if (caches.get(cacheName)?.settings.extendWhileLive !== true) return
    void store.extendDeadline(storeKey, named.expiresAtMonotonicMs)
  }

  /** What an ended playlist names does not change any more, unless its name was used before. */
  #settleEnded({ playlist, now }: PlaylistWrite): void {
    const segmentUris = playlist.segments.map((segment) => segment.uri)
    for (const uri of [...segmentUris, ...playlist.initUris]) {
      const storeKey = now.keysByUri.get(uri)
      const item = storeKey === undefined ? 'absent' : this.#options.store.inspect(storeKey)
      if (typeof item === 'string' || item.version > 1) continue
      notesOf(item).maxAgeSeconds = ENDED_MAX_AGE_SECONDS
    }
  }
}
