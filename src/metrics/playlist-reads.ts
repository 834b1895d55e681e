/**
 * How old each media playlist was when it was read: a rising mean means that readers see a channel
 * late. Bounded; forgets what is no rendition of a known channel whenever the channels are looked at.
 */

import type { StoreKey } from '../base/names.ts'

/** Sums since the first read. */
export interface PlaylistRead {
  count: number
  ageSecondsSum: number
}

export class PlaylistReads {
  readonly #playlistsMax: number
  readonly #byPlaylist = new Map<StoreKey, PlaylistRead>()

  /** @param playlistsMax  Reads of further ones are not counted. */
  constructor(playlistsMax: number) {
    this.#playlistsMax = playlistsMax
  }

  get size(): number {
    return this.#byPlaylist.size
  }

  observe(storeKey: StoreKey, ageSeconds: number): void {
    const known = this.#byPlaylist.get(storeKey)
    if (known !== undefined) {
      known.count++
      known.ageSecondsSum += ageSeconds
    } else if (this.#byPlaylist.size < this.#playlistsMax) {
      this.#byPlaylist.set(storeKey, { count: 1, ageSecondsSum: ageSeconds })
    }
  }

  get(storeKey: StoreKey): PlaylistRead | undefined {
    return this.#byPlaylist.get(storeKey)
  }

  /** Forgets all others. */
  retain(storeKeys: ReadonlySet<StoreKey>): void {
    for (const storeKey of this.#byPlaylist.keys()) {
      if (!storeKeys.has(storeKey)) this.#byPlaylist.delete(storeKey)
    }
  }
}
