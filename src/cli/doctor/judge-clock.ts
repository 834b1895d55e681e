/** Clocks: this machine's against the server's, and the playlist's own. From facts to findings. */

import type { Answer } from './answer.ts'
import { ageSecondsOf, dateHeaderMs } from './answer.ts'
import { breaks, ok, unchecked, warning } from './finding.ts'
import type { Finding } from './finding.ts'
import type { PlaylistLook } from './judge-caching.ts'

/** `Date` has whole seconds, and requests take time. */
const SKEW_SECONDS_MAX = 5

/**
 * The smallest difference among all answers: a cache that sends no `Age` makes some look old.
 *
 * @param answers  Any, of the host that was asked.
 */
export function judgeDate(answers: readonly Answer[]): Finding {
  const id = 'clock.date'
  let skewSeconds: number | undefined
  for (const answer of answers) {
    const dateMs = dateHeaderMs(answer, 'date')
    if (dateMs === undefined) continue
    const serverMs = dateMs + (ageSecondsOf(answer) ?? 0) * 1000
    const seconds = (serverMs - (answer.startedAtMs + answer.endedAtMs) / 2) / 1000
    if (skewSeconds === undefined || Math.abs(seconds) < Math.abs(skewSeconds)) {
      skewSeconds = seconds
    }
  }
  if (skewSeconds === undefined) {
    return answers.length === 0
      ? unchecked(id, 'no answer')
      : warning(id, 'no Date header', 'Send Date: caches and players reckon ages by it.')
  }
  const seconds = Math.abs(skewSeconds)
  if (seconds <= SKEW_SECONDS_MAX) return ok(id, 'as on this machine')
  return warning(
    id,
    `${seconds.toFixed(0)} s ${skewSeconds > 0 ? 'ahead of' : 'behind'} this machine`,
    'Set both clocks by NTP. A wrong one makes fresh playlists look old (Expires, Last-Modified) and keys expire early or late.',
  )
}

/**
 * Whether `Last-Modified` moves with each version and is not older than three target durations
 * before `Date`, when players should treat a live playlist as dead (Apple HLS authoring
 * specification 8.24).
 */
export function judgeLastModified(
  looks: readonly PlaylistLook[],
  targetDurationSeconds: number,
): Finding {
  const id = 'clock.last-modified'
  const last = looks.at(-1)
  if (last === undefined) return unchecked(id, 'no live playlist was read')
  const modifiedMs = dateHeaderMs(last.answer, 'last-modified')
  if (modifiedMs === undefined) {
    return warning(
      id,
      'none on the media playlist',
      'Send it with every playlist: players tell by it whether the channel is alive (Apple 8.24).',
    )
  }
  const first = looks.find(({ edgeNumber }) => edgeNumber < last.edgeNumber)
  const firstMs = first === undefined ? undefined : dateHeaderMs(first.answer, 'last-modified')
  if (firstMs !== undefined && firstMs >= modifiedMs) {
    return warning(
      id,
      'does not move with new versions',
      'Set it anew with every version: players take a playlist that stays old for a dead one (Apple 8.24).',
    )
  }
  const nowMs = dateHeaderMs(last.answer, 'date') ?? last.answer.endedAtMs
  const ageSeconds = (nowMs - modifiedMs) / 1000 + (ageSecondsOf(last.answer) ?? 0)
  const seen = `${Math.max(0, ageSeconds).toFixed(0)} s before Date`
  if (ageSeconds <= 3 * targetDurationSeconds) return ok(id, seen)
  return breaks(
    id,
    `${seen}, more than three target durations of ${targetDurationSeconds} s`,
    'Apple’s players take the channel for dead (8.24). The encoder has stopped, a cache serves an old copy, or the clock of whoever sets Last-Modified is wrong.',
  )
}
