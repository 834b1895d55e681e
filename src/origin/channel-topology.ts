/**
 * Which multivariant playlist names which media playlists, and as what. Held once, for everybody who
 * has to know what belongs together; states and times are in the records of the media playlists.
 */

import type { StoreKey } from '../base/names.ts'
import type { MultivariantPlaylist } from '../hls/playlist.ts'
import type { StoredItem } from '../storage/store.ts'
import { uriResolver } from './live-playlist.ts'

/** A media playlist as a multivariant playlist names it. */
export interface ChannelLink {
  readonly storeKey: StoreKey
  /** Named by EXT-X-STREAM-INF, EXT-X-MEDIA or EXT-X-I-FRAME-STREAM-INF. */
  readonly role: 'variant' | 'rendition' | 'i-frames'
  /**
   * Whether its channel stands and falls with it: variants and the renditions that play with them
   * (AUDIO, VIDEO). Not subtitles, which some encoders write only when there is something to read,
   * and not I-frame playlists, which serve seeking alone.
   */
  readonly isPrimary: boolean
  /** The highest, when several variants have the same playlist. */
  readonly bandwidthBitsPerSecond: number | undefined
  readonly widthPixels: number | undefined
  readonly heightPixels: number | undefined
  readonly codecs: string | undefined
  /** NAME of EXT-X-MEDIA. */
  readonly name: string | undefined
  /** When it was named first, monotonic ms. */
  readonly namedAtMonotonicMs: number
}

/** A multivariant playlist as of its last PUT. */
export interface Multivariant {
  readonly storeKey: StoreKey
  readonly links: ReadonlyMap<StoreKey, ChannelLink>
  /** Of {@link ChannelLink.isPrimary}; all when none is. */
  readonly primaryKeys: readonly StoreKey[]
  readonly variantKeys: readonly StoreKey[]
  readonly writtenAtMonotonicMs: number
}

/** Playlists that one multivariant playlist may bring in; the rest of an endless one is ignored. */
export const LINKS_MAX = 500
/** The oldest goes when there are more. */
export const MULTIVARIANTS_MAX = 2000

export class ChannelTopology {
  readonly #multivariants = new Map<StoreKey, Multivariant>()
  /** Media playlist -> multivariant playlists that name it. */
  readonly #namedBy = new Map<StoreKey, Set<StoreKey>>()

  /** A multivariant playlist was written. */
  set(item: StoredItem, playlist: MultivariantPlaylist, nowMonotonicMs: number): void {
    const { storeKey } = item
    const links = linksOf(item, playlist, this.#multivariants.get(storeKey), nowMonotonicMs)
    const all = [...links.values()]
    const primary = all.filter(({ isPrimary }) => isPrimary)
    this.remove(storeKey)
    this.#multivariants.set(storeKey, {
      storeKey,
      links,
      primaryKeys: (primary.length > 0 ? primary : all).map((link) => link.storeKey),
      variantKeys: all.filter(({ role }) => role === 'variant').map((link) => link.storeKey),
      writtenAtMonotonicMs: nowMonotonicMs,
    })
    for (const named of links.keys()) {
      const naming = this.#namedBy.get(named) ?? new Set()
      naming.add(storeKey)
      this.#namedBy.set(named, naming)
    }
    const oldest = this.#multivariants.keys().next()
    if (this.#multivariants.size > MULTIVARIANTS_MAX && oldest.done !== true) {
      this.remove(oldest.value)
    }
  }

  get(storeKey: StoreKey): Multivariant | undefined {
    return this.#multivariants.get(storeKey)
  }

  /** Oldest write first. */
  multivariants(): Iterable<Multivariant> {
    return this.#multivariants.values()
  }

  get multivariantCount(): number {
    return this.#multivariants.size
  }

  /** Multivariant playlists that name this one. */
  namedBy(storeKey: StoreKey): Iterable<StoreKey> {
    return this.#namedBy.get(storeKey) ?? []
  }

  isNamed(storeKey: StoreKey): boolean {
    return this.#namedBy.has(storeKey)
  }

  /**
   * The media playlists that decide on the state of whatever channels this playlist, multivariant or
   * media, belongs to; `undefined` when it belongs to none. Makes nothing for the usual one channel.
   */
  primaryKeysOf(storeKey: StoreKey): readonly StoreKey[] | undefined {
    const own = this.#multivariants.get(storeKey)
    if (own !== undefined) return own.primaryKeys
    const naming = this.#namedBy.get(storeKey)
    if (naming === undefined) return undefined
    let found: readonly StoreKey[] | undefined
    for (const multivariantKey of naming) {
      const keys = this.#multivariants.get(multivariantKey)?.primaryKeys ?? []
      found = found === undefined ? keys : [...found, ...keys]
    }
    return found
  }

  /** BANDWIDTH that variants promise of this media playlist; 0 when nobody says. */
  bandwidthOf(storeKey: StoreKey): number {
    let bandwidth = 0
    for (const multivariantKey of this.namedBy(storeKey)) {
      const link = this.#multivariants.get(multivariantKey)?.links.get(storeKey)
      bandwidth = Math.max(bandwidth, link?.bandwidthBitsPerSecond ?? 0)
    }
    return bandwidth
  }

  remove(storeKey: StoreKey): void {
    for (const named of this.#multivariants.get(storeKey)?.links.keys() ?? []) {
      const naming = this.#namedBy.get(named)
      naming?.delete(storeKey)
      if (naming?.size === 0) this.#namedBy.delete(named)
    }
    this.#multivariants.delete(storeKey)
  }
}

/** Each playlist once, by the first tag that names it. */
function linksOf(
  item: StoredItem,
  playlist: MultivariantPlaylist,
  before: Multivariant | undefined,
  nowMonotonicMs: number,
): Map<StoreKey, ChannelLink> {
  const links = new Map<StoreKey, ChannelLink>()
  const resolve = uriResolver(item)
  const add = (uri: string, role: ChannelLink['role'], details: Partial<ChannelLink>) => {
    const storeKey = resolve(uri)
    // Nothing plays a multivariant playlist that names itself.
    if (storeKey === undefined || storeKey === item.storeKey) return
    const known = links.get(storeKey)
    if (known !== undefined) {
      const promised = details.bandwidthBitsPerSecond
      if (known.role === 'variant' && promised !== undefined) {
        const highest = Math.max(known.bandwidthBitsPerSecond ?? 0, promised)
        links.set(storeKey, { ...known, bandwidthBitsPerSecond: highest })
      }
      return
    }
    if (links.size >= LINKS_MAX) return
    const namedAtMonotonicMs = before?.links.get(storeKey)?.namedAtMonotonicMs ?? nowMonotonicMs
    links.set(storeKey, { ...UNKNOWN, ...details, storeKey, role, namedAtMonotonicMs })
  }
  for (const variant of playlist.variants.slice(0, LINKS_MAX)) {
    add(variant.uri, 'variant', {
      isPrimary: true,
      bandwidthBitsPerSecond: variant.bandwidthBitsPerSecond || undefined,
      widthPixels: variant.resolution?.widthPixels,
      heightPixels: variant.resolution?.heightPixels,
      codecs: variant.codecs,
    })
  }
  for (const { uri, type, name } of playlist.renditions.slice(0, LINKS_MAX)) {
    // Without a URI it is inside the variants.
    if (uri === undefined) continue
    add(uri, 'rendition', { isPrimary: type === 'AUDIO' || type === 'VIDEO', name })
  }
  for (const uri of playlist.iFrameUris.slice(0, LINKS_MAX)) add(uri, 'i-frames', {})
  return links
}

const UNKNOWN = {
  isPrimary: false,
  bandwidthBitsPerSecond: undefined,
  widthPixels: undefined,
  heightPixels: undefined,
  codecs: undefined,
  name: undefined,
} as const
