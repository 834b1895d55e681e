/**
 * Keeps keys that can write out of playlists: encoders put the query of their destination into every
 * URI, and each viewer would get it. Runs at the PUT; what is stored is clean.
 */

import type { Authenticator } from '../auth/authenticator.ts'
import { canWrite } from '../auth/grant.ts'
import type { CacheName, ItemKey } from '../base/names.ts'
import { containsCredential } from '../hls/credential-search.ts'
import { stripTokens, tokensIn } from '../hls/token-hygiene.ts'
import type { PlaylistSyntax } from '../hls/token-hygiene.ts'
import type { OriginEvents } from './events.ts'

export interface TokenGuardOptions {
  readonly authenticator: Authenticator
  readonly events: OriginEvents
}

export interface GuardedPlaylist {
  readonly cacheName: CacheName
  readonly key: ItemKey
  readonly keyForm: 'path' | 'query'
  /** Hosts that are this origin, as the writer and the configuration name them. */
  readonly ownHosts: readonly string[]
  /** What the PUT itself was authorised by, in every form it was sent. */
  readonly credentials: readonly string[]
}

/** Plain counters, read by metrics. */
export interface TokenGuardStats {
  removedTokenCount: number
  refusedPlaylistCount: number
}

/** Stands for the client whose tokens these are: their failures throttle nobody else. */
const PLAYLIST_ADDRESS = '0.0.0.0'

export class TokenGuard {
  readonly stats: TokenGuardStats = { removedTokenCount: 0, refusedPlaylistCount: 0 }
  readonly #options: TokenGuardOptions

  constructor(options: TokenGuardOptions) {
    this.#options = options
  }

  /**
   * Removes tokens that can write or cannot be verified, `ttl_seconds` and `role` from the URIs that
   * lead here. A read-only token that a publisher put there stays.
   *
   * @param body  The playlist's bytes; the same buffer comes back when nothing had to go.
   * @returns `'playlist-leaks-key'` when the credential of its own PUT would still be in it, or could be
   *   in a URI of over 8 KiB, which is not looked through.
   */
  async clean(
    body: Buffer,
    syntax: PlaylistSyntax,
    playlist: GuardedPlaylist,
  ): Promise<Buffer | 'playlist-leaks-key'> {
    const before = body.toString('latin1')
    const location = {
      cacheName: playlist.cacheName,
      playlistKey: playlist.key,
      keyForm: playlist.keyForm,
      ownHosts: playlist.ownHosts,
    }
    const kept = new Set<string>()
    for (const token of tokensIn(before, location, syntax)) {
      if (await this.#mayBeSeen(token)) kept.add(token)
    }
    const stripped = stripTokens(before, location, {
      syntax,
      keepToken: (token) => kept.has(token),
    })
    // A URI too long to be looked through may hold anything.
    if (stripped.overlongUriCount > 0) return this.#refuse()
    for (const credential of playlist.credentials) {
      if (kept.has(credential) || !containsCredential(stripped.text, credential)) continue
      return this.#refuse()
    }
    if (stripped.removedTokenCount > 0) {
      this.stats.removedTokenCount += stripped.removedTokenCount
      this.#options.events.emit('tokens-removed', {
        cacheName: playlist.cacheName,
        key: playlist.key,
        tokenCount: stripped.removedTokenCount,
      })
    }
    return stripped.text === before ? body : Buffer.from(stripped.text, 'latin1')
  }

  #refuse(): 'playlist-leaks-key' {
    this.stats.refusedPlaylistCount++
    return 'playlist-leaks-key'
  }

  async #mayBeSeen(token: string): Promise<boolean> {
    const { authenticator } = this.#options
    const verified =
      authenticator.recall(token) ?? (await authenticator.verify(token, PLAYLIST_ADDRESS))
    return verified.kind === 'granted' && !canWrite(verified.grant)
  }
}
