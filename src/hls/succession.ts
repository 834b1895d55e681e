/**
 * How a media playlist follows the one stored before it: goes on, begins anew, is an older one that
 * came late, or breaks the rules. By numbers and names of segments alone.
 */

import type { MediaPlaylist, Segment } from './playlist.ts'

export type Succession =
  /** Segments were removed from the beginning and added at the end, or neither. */
  | { readonly kind: 'continues' }
  /** Another run of the encoder: nothing of what was is to be compared. */
  | { readonly kind: 'restarted' }
  /** Too long to keep its segments, or empty: only tags can be compared. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'backwards' }
  | { readonly kind: 'removed-from-end'; readonly count: number }
  | { readonly kind: 'skipped'; readonly count: number }
  | { readonly kind: 'renumbered'; readonly advancedBy: number; readonly removedCount: number }
  | { readonly kind: 'removed-from-middle'; readonly count: number }
  | { readonly kind: 'inserted'; readonly count: number }
  | { readonly kind: 'changed'; readonly count: number }

/**
 * @param namesNewerSegments  Whether `next` names a segment that was stored after `previous` was; an
 * older playlist that came late cannot. Without it (`undefined`) a playlist that goes back counts as
 * a restart when it has but one segment, or names none of those of `previous`.
 */
export function compareSuccession(
  previous: MediaPlaylist,
  next: MediaPlaylist,
  namesNewerSegments: boolean | undefined,
): Succession {
  if (previous.isSummary || next.isSummary)
    return compareNumbers(previous, next, namesNewerSegments)
  if (next.segmentCount === 0) {
    // Parts are listed before the first segment of a run is complete; later there is always one.
    const hasBegunAnew = previous.segmentCount > 0 && next.openParts.length > 0
    return { kind: hasBegunAnew ? 'restarted' : 'unknown' }
  }
  if (previous.segmentCount === 0) return { kind: 'continues' }

  const { agreeingCount, sharedCount } = countAgreeing(previous, next)
  const isAgreed = sharedCount > 0 && agreeingCount === sharedCount
  const first = next.mediaSequenceNumber - previous.mediaSequenceNumber
  if (isAgreed && first >= 0) {
    const removedCount = endOf(previous) - endOf(next)
    if (removedCount <= 0) return { kind: 'continues' }
    const isRestart = namesNewerSegments ?? (first === 0 && hasJustBegun(previous, next))
    return isRestart ? { kind: 'restarted' } : { kind: 'removed-from-end', count: removedCount }
  }

  const shifts = isAgreed ? [0] : shiftsOf(previous, next)
  if (shifts.length === 0) return compareStrangers(previous, next, namesNewerSegments)
  if (first < 0) {
    const isRestart = namesNewerSegments ?? hasJustBegun(previous, next)
    return isRestart ? { kind: 'restarted' } : { kind: 'backwards' }
  }
  if (hasJustBegun(previous, next)) return { kind: 'restarted' }
  return compareShifts(shifts, first, sharedCount - agreeingCount)
}

/** The number after the last segment's. */
export function endOf(playlist: MediaPlaylist): number {
  return playlist.mediaSequenceNumber + playlist.segmentCount
}

/** Whether a player that has seen `previous` would find less at the live edge of `next`. */
export function goesBack(previous: MediaPlaylist, next: MediaPlaylist): boolean {
  const [before, after] = [endOf(previous), endOf(next)]
  return after < before || (after === before && next.openParts.length < previous.openParts.length)
}

/**
 * What makes two entries the same segment: URI and byte range, without the parameters that belong to
 * a request (`token`, `ttl_seconds`, `role`), which an encoder may change as it runs.
 */
export function identityOf({ uri, byteRange }: Segment): string {
  const name = uri.includes('?')
    ? uri.replace(/(?<=[?&])(?:token|ttl_seconds|role)=[^&#]*&?/g, '').replace(/[?&]$/, '')
    : uri
  return byteRange === undefined
    ? name
    : `${name} ${byteRange.offsetBytes}+${byteRange.lengthBytes}`
}

/** The first playlist of a run has one segment; a live one has more. */
function hasJustBegun(previous: MediaPlaylist, next: MediaPlaylist): boolean {
  return next.segmentCount === 1 && previous.segmentCount > 1
}

function compareNumbers(
  previous: MediaPlaylist,
  next: MediaPlaylist,
  namesNewerSegments: boolean | undefined,
): Succession {
  if (next.mediaSequenceNumber >= previous.mediaSequenceNumber) return { kind: 'unknown' }
  return { kind: namesNewerSegments === false ? 'backwards' : 'restarted' }
}

/** Segments that both number, and those of them that are the same. */
function countAgreeing(
  previous: MediaPlaylist,
  next: MediaPlaylist,
): { readonly agreeingCount: number; readonly sharedCount: number } {
  const from = Math.max(previous.mediaSequenceNumber, next.mediaSequenceNumber)
  const sharedCount = Math.max(0, Math.min(endOf(previous), endOf(next)) - from)
  let agreeingCount = 0
  for (let number = from; number < from + sharedCount; number++) {
    const before = previous.segments[number - previous.mediaSequenceNumber]
    const after = next.segments[number - next.mediaSequenceNumber]
    if (before === undefined || after === undefined) continue
    if (identityOf(before) === identityOf(after)) agreeingCount++
  }
  return { agreeingCount, sharedCount }
}

/** By how much the number of each segment that both name has changed, in the order of `next`. */
function shiftsOf(previous: MediaPlaylist, next: MediaPlaylist): readonly number[] {
  const numbers = new Map<string, number>()
  for (const [index, segment] of previous.segments.entries()) {
    numbers.set(identityOf(segment), previous.mediaSequenceNumber + index)
  }
  const shifts: number[] = []
  for (const [index, segment] of next.segments.entries()) {
    const number = numbers.get(identityOf(segment))
    if (number !== undefined) shifts.push(next.mediaSequenceNumber + index - number)
  }
  return shifts
}

/** No segment of the one is in the other. */
function compareStrangers(
  previous: MediaPlaylist,
  next: MediaPlaylist,
  namesNewerSegments: boolean | undefined,
): Succession {
  if (next.mediaSequenceNumber < previous.mediaSequenceNumber) {
    return { kind: namesNewerSegments === false ? 'backwards' : 'restarted' }
  }
  const isNewStart =
    hasJustBegun(previous, next) || previous.ended || next.segments[0]?.discontinuity === true
  const skippedCount = next.mediaSequenceNumber - endOf(previous)
  if (skippedCount === 0) return { kind: 'continues' }
  // Numbers that begin with the time leap at a restart.
  if (skippedCount > 0)
    return isNewStart ? { kind: 'restarted' } : { kind: 'skipped', count: skippedCount }
  const isSameStart = next.mediaSequenceNumber === previous.mediaSequenceNumber
  return isSameStart || isNewStart
    ? { kind: 'restarted' }
    : { kind: 'changed', count: Math.min(-skippedCount, next.segmentCount) }
}

function compareShifts(
  shifts: readonly number[],
  advancedBy: number,
  disagreeingCount: number,
): Succession {
  let removedCount = 0
  let insertedCount = 0
  for (let index = 1; index < shifts.length; index++) {
    const step = (shifts[index] ?? 0) - (shifts[index - 1] ?? 0)
    if (step < 0) removedCount -= step
    if (step > 0) insertedCount += step
  }
  if (removedCount > 0) return { kind: 'removed-from-middle', count: removedCount }
  if (insertedCount > 0) return { kind: 'inserted', count: insertedCount }
  const shift = shifts[0] ?? 0
  if (shift === 0) return { kind: 'changed', count: disagreeingCount }
  const removedFromStart = advancedBy - shift
  return removedFromStart < 0
    ? { kind: 'inserted', count: -removedFromStart }
    : { kind: 'renumbered', advancedBy, removedCount: removedFromStart }
}
