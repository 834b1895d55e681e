/**
 * How long things may be reused depends on other things: a multivariant playlist on its variants'
 * target durations, segments on whether their playlist has ended. Settled at each playlist's PUT, so
 * that no read looks for it.
 */

import { splitStoreKey, toStoreKey } from '../base/names.ts'
import type { StoreKey } from '../base/names.ts'
import { resolveToKey } from '../hls/resolve.ts'
import type { MediaPlaylist } from '../hls/playlist.ts'
import type { Store, StoredItem } from '../storage/store.ts'
import type { CacheRegistry } from './caches.ts'
import type { OriginEvents } from './events.ts'
import { ENDED_MAX_AGE_SECONDS, playlistMaxAgeSeconds } from './freshness.ts'
import { notesOf } from './item-notes.ts'

/** Multivariant playlists whose variants are remembered; the oldest goes first. */
const MULTIVARIANTS_MAX = 2000

export class LiveFreshness {
  readonly #store: Store
  readonly #caches: CacheRegistry
  /** Multivariant playlist -> its variants. */
  readonly #variants = new Map<StoreKey, readonly StoreKey[]>()
  /** Variant -> multivariant playlists that name it. */
  readonly #namedBy = new Map<StoreKey, Set<StoreKey>>()

  constructor(options: {
    readonly store: Store
    readonly events: OriginEvents
    readonly caches: CacheRegistry
  }) {
    this.#store = options.store
    this.#caches = options.caches
    options.events.on('item-stored', (item) => this.#note(item))
  }

  /** The playlists of the same channel: variants of the multivariant playlists that name this one. */
  siblings(storeKey: StoreKey): readonly StoreKey[] {
    const own = this.#variants.get(storeKey)
    if (own !== undefined) return own
    const named = this.#namedBy.get(storeKey)
    if (named === undefined) return [storeKey]
    return [...named].flatMap((multivariant) => this.#variants.get(multivariant) ?? [])
  }

  /** Multivariant playlists that name this one. */
  namedBy(storeKey: StoreKey): Iterable<StoreKey> {
    return this.#namedBy.get(storeKey) ?? []
  }

  #note(item: StoredItem): void {
    const { playlist } = notesOf(item)
    if (playlist?.kind === 'multivariant') {
      const uris = playlist.variants.map((variant) => variant.uri)
      this.#link(item.storeKey, this.#keysOf(item, uris))
      this.#settleMultivariant(item.storeKey)
    } else if (playlist?.kind === 'media') {
      for (const named of this.namedBy(item.storeKey)) {
        this.#settleMultivariant(named)
        if (!playlist.ended) this.#extend(named, item)
      }
      if (playlist.ended) this.#settleEnded(item, playlist)
    }
  }

  /** ffmpeg writes a multivariant playlist once: it lasts as long as a live variant of it. */
  #extend(storeKey: StoreKey, variant: StoredItem): void {
    const { cacheName } = splitStoreKey(storeKey)
    if (this.#caches.get(cacheName)?.settings.extendWhileLive !== true) return
    void this.#store.extendDeadline(storeKey, variant.expiresAtMonotonicMs)
  }

  /** The smallest target duration of its variants rules: they are asked for together. */
  #settleMultivariant(storeKey: StoreKey): void {
    const item = this.#store.inspect(storeKey)
    if (typeof item === 'string') return
    const ages = (this.#variants.get(storeKey) ?? []).flatMap((variantKey) => {
      const variant = this.#store.inspect(variantKey)
      const playlist = typeof variant === 'string' ? undefined : notesOf(variant).playlist
      return playlist?.kind === 'media' ? [playlistMaxAgeSeconds(playlist)] : []
    })
    if (ages.length > 0) notesOf(item).maxAgeSeconds = Math.min(...ages)
  }

  /** What an ended playlist names does not change any more, unless its name was used before. */
  #settleEnded(ended: StoredItem, playlist: MediaPlaylist): void {
    const uris = [...playlist.segments.map((segment) => segment.uri), ...playlist.initUris]
    for (const key of this.#keysOf(ended, uris)) {
      const item = this.#store.inspect(key)
      if (typeof item === 'string' || item.version > 1) continue
      notesOf(item).maxAgeSeconds = ENDED_MAX_AGE_SECONDS
    }
  }

  #keysOf(playlistItem: StoredItem, uris: readonly string[]): StoreKey[] {
    const { cacheName, key } = splitStoreKey(playlistItem.storeKey)
    const location = { cacheName, playlistKey: key, keyForm: notesOf(playlistItem).keyForm }
    return uris.flatMap((uri) => {
      const found = resolveToKey(location, uri)
      return found === undefined ? [] : [toStoreKey(cacheName, found)]
    })
  }

  #link(storeKey: StoreKey, variants: readonly StoreKey[]): void {
    this.#unlink(storeKey)
    this.#variants.set(storeKey, variants)
    for (const variant of variants) {
      const named = this.#namedBy.get(variant) ?? new Set()
      named.add(storeKey)
      this.#namedBy.set(variant, named)
    }
    const oldest = this.#variants.keys().next()
    if (this.#variants.size > MULTIVARIANTS_MAX && oldest.done !== true) this.#unlink(oldest.value)
  }

  #unlink(storeKey: StoreKey): void {
    for (const variant of this.#variants.get(storeKey) ?? []) {
      const named = this.#namedBy.get(variant)
      named?.delete(storeKey)
      if (named?.size === 0) this.#namedBy.delete(variant)
    }
    this.#variants.delete(storeKey)
  }
}
