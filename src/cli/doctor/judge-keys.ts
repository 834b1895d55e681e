/** Keys that a playlist shows to everybody who reads it: from texts to findings. */

import { canWrite } from '../../auth/grant.ts'
import { unwrapCredential } from '../../auth/credential.ts'
import { parsePermissionClaim } from '../../auth/permission-claim.ts'
import { claimsWithoutTrust } from '../../auth/signed-token.ts'
import { DEV_KEYS } from '../../auth/dev-keys.ts'
import { adviceFor } from './cdn.ts'
import type { Cdn } from './cdn.ts'
import { breaks, ok, unchecked, warning } from './finding.ts'
import type { Finding } from './finding.ts'

/** What can be told of a token without the secret that signed it. */
export type TokenKind =
  | 'writer' // says that it may write
  | 'reader' // says that it may only read
  | 'unknown' // says nothing: an opaque string, or somebody else's

/** `token=` of every URI in a playlist, decoded, each once. */
export function tokensIn(text: string): ReadonlySet<string> {
  const tokens = new Set<string>()
  for (const match of text.matchAll(/[?&]token=([^&#"\s]+)/g)) {
    const encoded = match[1] ?? ''
    try {
      tokens.add(decodeURIComponent(encoded))
    } catch {
      // Not percent-encoding: the text itself is the token, then.
      tokens.add(encoded)
    }
  }
  return tokens
}

/** What a token says of itself; nothing is verified. */
export function kindOfToken(token: string): TokenKind {
  const devKey = DEV_KEYS.get(token)
  if (devKey !== undefined) return canWrite(devKey.granted.grant) ? 'writer' : 'reader'
  const jwt = unwrapCredential(token)
  const permissions = parsePermissionClaim(
    jwt === undefined ? undefined : claimsWithoutTrust(jwt)?.['p'],
  )
  if (permissions === undefined) return 'unknown'
  return canWrite({ ...permissions, keyId: '', expiresAtMs: undefined }) ? 'writer' : 'reader'
}

/** @param texts  Of all playlists, as somebody reads them who sends no key in the URL. */
export function judgeLeak(texts: readonly string[]): Finding {
  const id = 'keys.leak'
  if (texts.length === 0) return unchecked(id, 'no playlist was read')
  const kinds = [...new Set(texts.flatMap((text) => [...tokensIn(text)]))].map(kindOfToken)
  if (kinds.length === 0) return ok(id, 'none')
  if (kinds.includes('writer')) {
    return breaks(
      id,
      'token= in playlists holds a key that can write',
      'Everybody who reads the playlist can overwrite the channel. Revoke the key, make another, and give it to the encoder in a header: ffmpeg -headers, MediaLive HLS Akamai with user and password.',
    )
  }
  if (kinds.includes('unknown')) {
    return warning(
      id,
      'token= in playlists holds a key; what it allows cannot be seen from here',
      'Encoders copy the query of their destination into playlists. If it is the encoder’s key, everybody can overwrite the channel: give it to the encoder in a header, and revoke this one.',
    )
  }
  return warning(
    id,
    'token= in playlists holds a key that can only read',
    'Everybody who reads the playlist can go past the CDN with it. Fine on a test rig; otherwise let the CDN add the key.',
  )
}

/** The same playlist, asked for in quick succession. */
export interface SharedFacts {
  /** By somebody who sends a key in a header, so that the origin puts none into the playlist. */
  readonly plain: string | undefined
  /** With `?token=` of the first key. */
  readonly first: string | undefined
  /** Right after it, with the second key or without one. */
  readonly next: string | undefined
  readonly nextSays: 'with another key' | 'without a key'
  /** Whether `next` would be refused if no cache answered it; `undefined`: not known. */
  readonly isNextRefusedByOrigin: boolean | undefined
  readonly cdn: Cdn
}

/**
 * Whether a cache hands the playlist of one reader to the next. CloudFront's CachingOptimized has a
 * minimum TTL of 1 s and leaves the query out of the cache key: it keeps even what is private.
 */
export function judgeShared(facts: SharedFacts): Finding {
  const id = 'keys.shared'
  const { plain, first, next, nextSays } = facts
  if (first === undefined) return unchecked(id, 'no key was given, or it does not open by ?token=')
  if (next === undefined) return ok(id, `refused ${nextSays}`)
  const common = plain === undefined ? new Set<string>() : tokensIn(plain)
  const own = [...tokensIn(first)].filter((token) => !common.has(token))
  const leaked = own.filter((token) => tokensIn(next).has(token))
  const change = adviceFor(facts.cdn, {
    cloudfront:
      'Do not use CachingOptimized for *.m3u8: its minimum TTL of 1 s keeps private answers, and its cache key has no query. Use a cache policy with minimum TTL 0 and token in the cache key, or give viewers no keys.',
    other:
      'Put the credential (the query, the Authorization header) into the cache key of playlists, or do not cache private answers.',
  })
  if (leaked.length > 0) {
    return breaks(
      id,
      `the playlist of one reader, key and all, goes to the next ${nextSays}`,
      change,
    )
  }
  if (facts.isNextRefusedByOrigin === true) {
    return warning(id, `a copy is served ${nextSays}, which the origin refuses`, change)
  }
  return ok(id, 'each reader gets its own, or the same without keys')
}
