/**
 * How long caches may keep what, and how long they do: from facts to findings. The rules are those
 * of live HLS (RFC 8216bis B.1) and of caches (RFC 9111).
 */

import type { Answer, Outcome } from './answer.ts'
import { ageSecondsOf, cacheControlOf, describeOutcome, isCacheHit, quote } from './answer.ts'
import { adviceFor } from './cdn.ts'
import type { Cdn } from './cdn.ts'
import { breaks, ok, unchecked, warning } from './finding.ts'
import type { Finding } from './finding.ts'

/** A missing segment should not be remembered for longer. */
export const MISS_SECONDS_MAX = 2

export interface PlaylistCachingFacts {
  readonly id: 'caching.multivariant' | 'caching.media'
  readonly answer: Answer
  readonly isLive: boolean
  /** Of the media playlist, or of the multivariant's variants. */
  readonly targetDurationSeconds: number
  readonly sentAuthorization: boolean
  readonly cdn: Cdn
}

export function judgePlaylistCaching(facts: PlaylistCachingFacts): Finding {
  const { id, answer, isLive, targetDurationSeconds, cdn } = facts
  const { isPresent, directives, maxAgeSeconds } = cacheControlOf(answer)
  const seen = isPresent
    ? `Cache-Control: ${quote(answer.headers['cache-control'] ?? '', 80)}`
    : 'no Cache-Control'
  const halfSeconds = Math.max(1, Math.floor(targetDurationSeconds / 2))
  const wanted = isLive ? `public, max-age=${halfSeconds}` : 'public, max-age=86400'
  if (!isPresent) {
    return warning(
      id,
      seen,
      adviceFor(cdn, {
        cloudfront: `CloudFront then keeps it for the behaviour’s default TTL, 24 h with CachingOptimized. Send ${wanted}, or use a cache policy with a default TTL of ${halfSeconds} s.`,
        other: `Caches then guess. Send ${wanted} (on Headwater: delivery.cacheControl, which profile momento turns off).`,
      }),
    )
  }
  if (isUncacheable(directives, maxAgeSeconds)) return uncacheable(facts, seen, wanted)
  if (isLive && maxAgeSeconds !== undefined && maxAgeSeconds > targetDurationSeconds) {
    return breaks(
      id,
      `${seen}; the target duration is ${targetDurationSeconds} s`,
      `Players get a playlist that is older than a segment, and stall. Send ${wanted}.`,
    )
  }
  if (facts.sentAuthorization && !isShareable(directives)) {
    return warning(
      id,
      `${seen}, without public`,
      'The answer to a request with Authorization may not be shared by caches unless it says public, s-maxage or must-revalidate (RFC 9111 3.5): every viewer would reach the origin.',
    )
  }
  return ok(id, seen)
}

function uncacheable(facts: PlaylistCachingFacts, seen: string, wanted: string): Finding {
  const { id, isLive, cdn } = facts
  if (!isLive) {
    return warning(id, seen, `It has ended and will not change: send ${wanted}.`)
  }
  return warning(
    id,
    seen,
    adviceFor(cdn, {
      cloudfront: `Every viewer’s reload reaches the origin: CloudFront neither joins nor compresses such requests. Send ${wanted}, and use a cache policy with minimum TTL 0 and maximum ${wanted.replace(/\D+/g, '')} s instead of CachingDisabled.`,
      nginx: `nginx lets simultaneous viewers wait for one another (proxy_cache_lock): seconds of delay. Send ${wanted}.`,
      varnish: `Varnish lets simultaneous viewers wait for one another: seconds of delay. Send ${wanted}.`,
      other: `Caches may not join simultaneous requests: every viewer reaches the origin. Send ${wanted}.`,
    }),
  )
}

export interface SegmentCachingFacts {
  readonly answer: Answer
  readonly sentAuthorization: boolean
  readonly cdn: Cdn
}

export function judgeSegmentCaching(facts: SegmentCachingFacts): Finding {
  const id = 'caching.segment'
  const { answer, cdn } = facts
  const { isPresent, directives, maxAgeSeconds } = cacheControlOf(answer)
  if (!isPresent) {
    return warning(
      id,
      'no Cache-Control',
      adviceFor(cdn, {
        cloudfront:
          'CachingOptimized then keeps segments for 24 h, also after their TTL, and after a restarted encoder has used the name again. Send public, max-age=300.',
        other: 'Caches then guess. Send public, max-age=300 or longer.',
      }),
    )
  }
  const seen = `Cache-Control: ${quote(answer.headers['cache-control'] ?? '', 80)}`
  if (isUncacheable(directives, maxAgeSeconds)) {
    return warning(
      id,
      seen,
      'Every viewer fetches every segment from the origin. Send public, max-age=300 or longer.',
    )
  }
  if (facts.sentAuthorization && !isShareable(directives)) {
    return warning(
      id,
      `${seen}, without public`,
      'Caches may not share the answer to a request with Authorization unless it says public (RFC 9111 3.5).',
    )
  }
  return ok(id, seen)
}

/** One look at a live media playlist. */
export interface PlaylistLook {
  readonly answer: Answer
  /** Number of the segment after the last one. */
  readonly edgeNumber: number
}

export interface MovingFacts {
  /** Oldest first, the same URL, in at most two target durations. */
  readonly looks: readonly PlaylistLook[]
  readonly targetDurationSeconds: number
  readonly waitedSeconds: number
  /** Asked for with a parameter that no cache knows, at the end; only when nothing moved. */
  readonly fresh: PlaylistLook | undefined
  readonly cdn: Cdn
}

/** Whether a live playlist gets new segments through whatever is in front of the origin. */
export function judgeMoves({ looks, waitedSeconds, fresh, ...facts }: MovingFacts): Finding {
  const id = 'caching.moves'
  const [first] = looks
  const last = looks.at(-1)
  if (first === undefined || last === undefined || looks.length < 2) {
    return unchecked(id, 'the playlist could not be read again')
  }
  const waited = `${waitedSeconds.toFixed(1)} s`
  const isMoved = looks.some(
    (look) => look.edgeNumber > first.edgeNumber || !look.answer.body.equals(first.answer.body),
  )
  if (isMoved) return ok(id, `a new version within ${waited}`)
  const seen = `the same for ${waited}, target duration ${facts.targetDurationSeconds} s`
  if (fresh !== undefined && fresh.edgeNumber > last.edgeNumber) {
    return breaks(
      id,
      `${seen}; without the cache it is ${fresh.edgeNumber - last.edgeNumber} segments further`,
      adviceFor(facts.cdn, {
        cloudfront:
          'The behaviour of *.m3u8 keeps it too long. Give it a cache policy of its own: minimum TTL 0, default and maximum TTL 1 s.',
        varnish: 'Set beresp.ttl of playlists to 1 s in vcl_backend_response.',
        nginx: 'Set "proxy_cache_valid 200 1s" for playlists, or let Cache-Control rule.',
        other: 'Let the cache obey the playlist’s Cache-Control, or keep playlists for 1 s.',
      }),
    )
  }
  // Twice a target duration that is longer than we wait proves nothing.
  if (waitedSeconds < 1.9 * facts.targetDurationSeconds) {
    return unchecked(id, `${seen}: too short a look`)
  }
  return breaks(
    id,
    seen,
    'The encoder has stopped or its uploads are refused: look at the origin’s terminal and at x-headwater-reason. If it pushes, a cache ignores the query and keeps the playlist too long.',
  )
}

/** Whether a cache ever answers with something older than it may. */
export function judgeStale({
  looks,
  targetDurationSeconds,
}: Pick<MovingFacts, 'looks' | 'targetDurationSeconds'>): Finding {
  const id = 'caching.stale'
  if (looks.length < 2) return unchecked(id, 'the playlist could not be read again')
  let newest = -1
  for (const { edgeNumber } of looks) {
    if (edgeNumber < newest) {
      return breaks(
        id,
        `the playlist went back by ${newest - edgeNumber} segments between two requests`,
        'Caches with copies of different age answer in turn. Shorten the playlist’s TTL at the edge, and do not put a second caching layer with its own TTL behind it.',
      )
    }
    newest = edgeNumber
  }
  let oldestAge = 0
  for (const { answer } of looks) {
    const ageSeconds = ageSecondsOf(answer) ?? 0
    oldestAge = Math.max(oldestAge, ageSeconds)
    const { maxAgeSeconds } = cacheControlOf(answer)
    if (ageSeconds > Math.max(targetDurationSeconds, maxAgeSeconds ?? 0)) {
      return breaks(
        id,
        `a copy of Age ${ageSeconds} s was served; the target duration is ${targetDurationSeconds} s`,
        'The cache keeps playlists beyond their Cache-Control: check its minimum TTL and its rules for stale copies.',
      )
    }
  }
  return ok(id, oldestAge === 0 ? 'none served' : `Age at most ${oldestAge} s`)
}

export interface MissingFacts {
  /** Two requests for the same name that never existed. */
  readonly first: Outcome
  readonly second: Outcome
  readonly pauseSeconds: number
  readonly cdn: Cdn
}

/**
 * Whether a 404 sticks. Players ask for segments a moment early; a cache that keeps the refusal
 * makes a hole of ten seconds (CloudFront's default) for everybody behind it.
 */
export function judgeMissing({ first, second, pauseSeconds, cdn }: MissingFacts): Finding {
  const id = 'caching.missing'
  if (first.kind === 'failure') return unchecked(id, describeOutcome(first))
  if (second.kind === 'failure') return unchecked(id, describeOutcome(second))
  if (first.status < 300) {
    return breaks(
      id,
      `a segment that never existed is answered ${first.status}`,
      'Players decode an error page as video. Remove the custom error page or the fallback from this path.',
    )
  }
  const { maxAgeSeconds } = cacheControlOf(first)
  if (isKept(first, second)) {
    const ageSeconds = ageSecondsOf(second)
    const age = ageSeconds === undefined ? `at least ${pauseSeconds.toFixed(0)}` : `${ageSeconds}`
    return breaks(
      id,
      `a cache still serves the ${second.status} after ${age} s`,
      adviceFor(cdn, {
        cloudfront:
          'Set the error caching minimum TTL to 0 for 404 (distribution, Error pages): the default keeps a segment that was asked for too early away for 10 s.',
        varnish: 'Set beresp.ttl to 1 s for status 404 in vcl_backend_response.',
        nginx:
          'Set "proxy_cache_valid 404 1s", or remove 404 and "any" from proxy_cache_valid so that Cache-Control rules.',
        other: 'Keep 404 for at most 1 s: the segment may be on its way.',
      }),
    )
  }
  if (first.status !== 404) {
    return warning(
      id,
      `a segment that does not exist is answered ${first.status}`,
      first.status === 403
        ? 'Players give up at 403 where they would try again at 404. A bucket needs the right to list for that; a key that is limited to some names is answered 403 outside of them.'
        : 'Players expect 404 for a segment that is not there yet.',
    )
  }
  if ((maxAgeSeconds ?? 0) > MISS_SECONDS_MAX) {
    return warning(
      id,
      `404 with max-age=${maxAgeSeconds}`,
      'Send max-age=1 with a 404: the segment may be on its way (on Headwater: delivery.missMaxAgeSeconds).',
    )
  }
  return ok(id, `404, gone from caches within ${pauseSeconds.toFixed(1)} s`)
}

/** Whether the second answer is the first one again. nginx sends no `Age`, but keeps nothing quiet. */
function isKept(first: Answer, second: Answer): boolean {
  if (second.status < 400) return false
  const ageSeconds = ageSecondsOf(second)
  if (ageSeconds !== undefined) return ageSeconds >= MISS_SECONDS_MAX
  const requestId = second.headers['x-request-id']
  return (
    isCacheHit(second) || (requestId !== undefined && requestId === first.headers['x-request-id'])
  )
}

function isUncacheable(
  directives: ReadonlyMap<string, string>,
  maxAgeSeconds: number | undefined,
): boolean {
  const words = ['no-store', 'no-cache', 'private']
  return words.some((word) => directives.has(word)) || maxAgeSeconds === 0
}

function isShareable(directives: ReadonlyMap<string, string>): boolean {
  return ['public', 's-maxage', 'must-revalidate'].some((word) => directives.has(word))
}
