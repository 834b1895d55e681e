/**
 * Where a blocking playlist reload stands in a media playlist (RFC 8216bis §6.2.5.2): there, to come,
 * or further ahead than anybody may ask for.
 */

import type { MediaPlaylist } from './playlist.ts'

/** `_HLS_msn` and `_HLS_part`. */
export interface ReloadPosition {
  readonly msn: number
  /** `undefined`: the complete segment. */
  readonly part: number | undefined
}

/** `ready`: the playlist has it, or something later; `pending`: not yet; `too-far`: to be refused. */
export type ReloadState = 'ready' | 'pending' | 'too-far'

/** Segments that may be asked for beyond the last. */
const ADVANCE_SEGMENTS_MAX = 2
const ADVANCE_PARTS_SECONDS = 3

/** Judges a position by a playlist that has not ended. */
export function judgeReload(playlist: MediaPlaylist, position: ReloadPosition): ReloadState {
  const lastMsn = lastSegmentMsn(playlist)
  if (position.msn > lastMsn + ADVANCE_SEGMENTS_MAX) return 'too-far'
  if (isThere(playlist, lastMsn, position)) return 'ready'
  return partsAhead(playlist, lastMsn, position) > advancePartLimit(playlist)
    ? 'too-far'
    : 'pending'
}

/** The last complete segment's; one below the first that will come when there is none. */
export function lastSegmentMsn(playlist: MediaPlaylist): number {
  return playlist.mediaSequenceNumber + playlist.skippedSegmentCount + playlist.segmentCount - 1
}

function isThere(
  { openParts, lastSegmentPartCount, partTargetSeconds }: MediaPlaylist,
  lastMsn: number,
  { msn, part }: ReloadPosition,
): boolean {
  if (msn > lastMsn + 1) return false
  if (msn < lastMsn) return true
  // Without parts there will never be one: the segment is what can be waited for.
  if (part === undefined || (partTargetSeconds === undefined && openParts.length === 0)) {
    return msn === lastMsn
  }
  if (msn > lastMsn) return part < openParts.length
  // A part beyond the segment's last is the first of the next segment. Parts that are not in the
  // playlist any more were all there.
  return lastSegmentPartCount === 0 || part < lastSegmentPartCount || openParts.length > 0
}

/** At the least: how many parts the segment in progress will have is not known. */
function partsAhead(
  { openParts }: MediaPlaylist,
  lastMsn: number,
  { msn, part = 0 }: ReloadPosition,
): number {
  // Asked for beyond the end of the last segment, it means the first of the next.
  if (msn === lastMsn) return 1
  return msn === lastMsn + 1 ? part + 1 - openParts.length : part + 1
}

/** RFC 8216bis §6.2.5.2: three parts, or three seconds of them when they are short. */
function advancePartLimit({ partTargetSeconds }: MediaPlaylist): number {
  if (partTargetSeconds === undefined || partTargetSeconds >= 1) return ADVANCE_PARTS_SECONDS
  return Math.ceil(ADVANCE_PARTS_SECONDS / partTargetSeconds)
}
