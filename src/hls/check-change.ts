/** The rules of `rules-change.ts`: what an origin sees from two playlists in a row. */

import type { MediaPlaylist, Segment } from './playlist.ts'
import { endOf } from './succession.ts'
import type { Succession } from './succession.ts'
import { countOf, formatSeconds, formatUri, toFinding } from './validation-rules.ts'
import type { Finding } from './validation-rules.ts'

/** EXTINF is written with three decimals at least, by some with less. */
const DURATION_TOLERANCE_SECONDS = 0.01

export interface Change {
  readonly previous: MediaPlaylist
  readonly next: MediaPlaylist
  readonly succession: Succession
  /** How far a date may be off. */
  readonly dateToleranceMs: number
}

export function checkChange(change: Change): readonly Finding[] {
  const { previous, next, succession } = change
  const findings = checkNumbers(change)
  // Of another run, or of an older playlist, nothing says how it should look.
  if (succession.kind === 'restarted' || succession.kind === 'backwards') return findings
  findings.push(...checkTags(previous, next), ...checkTypes(change))
  if (succession.kind === 'continues') {
    findings.push(...checkKeptSegments(change), ...checkDiscontinuities(previous, next))
    findings.push(...checkWindow(previous, next), ...checkPreloadHint(previous, next))
  }
  return findings
}

function checkNumbers({ previous, next, succession }: Change): Finding[] {
  const before = previous.mediaSequenceNumber
  const after = next.mediaSequenceNumber
  const numbers = { previousMsn: before, msn: after }
  switch (succession.kind) {
    case 'continues':
    case 'unknown':
      return []
    case 'restarted':
      return [
        toFinding(
          'encoder-restarted',
          `The playlist begins anew at ${after} with ${countOf(next.segmentCount, 'segment')}, after ${before}.`,
          { ...numbers, segmentCount: next.segmentCount },
        ),
      ]
    case 'backwards':
      return [
        toFinding(
          'media-sequence-backwards',
          `The media sequence number went back from ${before} to ${after}.`,
          numbers,
        ),
      ]
    case 'renumbered': {
      const { advancedBy, removedCount } = succession
      return [
        toFinding(
          'media-sequence-mismatch',
          `The media sequence number grew by ${advancedBy}, from ${before} to ${after}, but ${countOf(removedCount, 'segment')} went.`,
          { ...numbers, advancedBy, removedCount },
        ),
      ]
    }
  }
  const { kind, count } = succession
  const segments = countOf(count, 'segment')
  const withCount = { ...numbers, count }
  switch (kind) {
    case 'removed-from-end':
      return [
        toFinding(
          'segments-removed-from-end',
          `${segments} listed before went from the end, which is ${endOf(next) - 1} now.`,
          withCount,
        ),
      ]
    case 'skipped':
      return [
        toFinding(
          'segments-skipped',
          `${segments} from ${endOf(previous)} to ${after - 1} were never listed.`,
          withCount,
        ),
      ]
    case 'removed-from-middle':
      return [
        toFinding(
          'segment-removed-from-middle',
          `${segments} went from between others.`,
          withCount,
        ),
      ]
    case 'inserted':
      return [toFinding('segment-inserted', `${segments} came in between others.`, withCount)]
    case 'changed':
      return [toFinding('segment-changed', `${segments} listed before have other URIs.`, withCount)]
  }
}

function checkTags(previous: MediaPlaylist, next: MediaPlaylist): Finding[] {
  const before = previous.targetDurationSeconds
  const after = next.targetDurationSeconds
  // An absent one is a finding of its own.
  if (before === after || before === 0 || after === 0) return []
  // Packagers that measure (Shaka Packager) do not know it before a few segments are there.
  const hasJustBegun =
    next.mediaSequenceNumber === previous.mediaSequenceNumber && previous.segmentCount < 3
  if (hasJustBegun) return []
  return [
    toFinding(
      'target-duration-changed',
      `The target duration changed from ${formatSeconds(before)} to ${formatSeconds(after)}.`,
      { previousTargetDurationSeconds: before, targetDurationSeconds: after },
    ),
  ]
}

function checkTypes({ previous, next, succession }: Change): Finding[] {
  const findings: Finding[] = []
  const removedCount = next.mediaSequenceNumber - previous.mediaSequenceNumber
  const addedCount = endOf(next) - endOf(previous)
  // An EVENT that ended is often made a VOD, and nothing is lost by it.
  const isFinished = previous.playlistType === 'EVENT' && next.ended
  if (previous.playlistType !== next.playlistType && !isFinished) {
    const [from = 'none', to = 'none'] = [previous.playlistType, next.playlistType]
    findings.push(
      toFinding('playlist-type-changed', `The playlist type changed from ${from} to ${to}.`, {}),
    )
  }
  if (previous.playlistType === 'EVENT' && removedCount > 0) {
    findings.push(
      toFinding(
        'event-segments-removed',
        `${countOf(removedCount, 'segment')} went from the beginning of an EVENT playlist.`,
        { removedCount },
      ),
    )
  }
  const isSame = removedCount === 0 && addedCount === 0 && succession.kind !== 'changed'
  if (previous.playlistType === 'VOD' && !isSame) {
    findings.push(
      toFinding(
        'vod-changed',
        `A VOD playlist of ${countOf(previous.segmentCount, 'segment')} has ${next.segmentCount} now.`,
        { previousSegmentCount: previous.segmentCount, segmentCount: next.segmentCount },
      ),
    )
  } else if (previous.ended && (addedCount > 0 || !next.ended)) {
    findings.push(
      toFinding(
        'continued-after-end',
        `After its end the playlist goes on with ${countOf(addedCount, 'more segment')}.`,
        { addedCount },
      ),
    )
  }
  return findings
}

/** Each segment that was listed before must be as it was. */
function checkKeptSegments({ previous, next, dateToleranceMs }: Change): Finding[] {
  const removedCount = next.mediaSequenceNumber - previous.mediaSequenceNumber
  let durationCount = 0
  let dateCount = 0
  let discontinuityCount = 0
  let differenceMs = 0
  for (let index = 0; index + removedCount < previous.segments.length; index++) {
    const before = previous.segments[index + removedCount]
    const after = next.segments[index]
    if (before === undefined || after === undefined) break
    const differenceSeconds = Math.abs(after.durationSeconds - before.durationSeconds)
    if (differenceSeconds > DURATION_TOLERANCE_SECONDS) durationCount++
    const movedMs = dateDifferenceMs(before, after)
    if (movedMs > dateToleranceMs) dateCount++
    differenceMs = Math.max(differenceMs, movedMs)
    // Of the first segment the tag may go before the segment does.
    const mayGo = index === 0 && before.discontinuity
    if (before.discontinuity !== after.discontinuity && !mayGo) discontinuityCount++
  }
  const findings: Finding[] = []
  if (durationCount > 0) {
    const message = `${countOf(durationCount, 'segment')} listed before have another duration.`
    findings.push(toFinding('segment-duration-changed', message, { count: durationCount }))
  }
  if (dateCount > 0) {
    const message = `${countOf(dateCount, 'segment')} listed before have another date, by up to ${formatSeconds(differenceMs / 1000)}.`
    const numbers = { count: dateCount, differenceMs: Math.round(differenceMs) }
    findings.push(toFinding('date-time-changed', message, numbers))
  }
  if (discontinuityCount > 0) {
    const message = `At ${countOf(discontinuityCount, 'segment')} listed before a discontinuity came or went.`
    findings.push(toFinding('discontinuity-changed', message, { count: discontinuityCount }))
  }
  return findings
}

function dateDifferenceMs(before: Segment, after: Segment): number {
  if (before.programDateTimeMs === undefined || after.programDateTimeMs === undefined) return 0
  return Math.abs(after.programDateTimeMs - before.programDateTimeMs)
}

function checkDiscontinuities(previous: MediaPlaylist, next: MediaPlaylist): Finding[] {
  const removedCount = next.mediaSequenceNumber - previous.mediaSequenceNumber
  // All of them gone and perhaps more: the playlists in between are not known.
  if (removedCount > previous.segmentCount) return []
  let tagCount = previous.segments
    .slice(0, removedCount)
    .filter((segment) => segment.discontinuity).length
  const isTagGone = previous.segments[removedCount]?.discontinuity === true
  if (isTagGone && next.segments[0]?.discontinuity === false) tagCount++
  const expected = previous.discontinuitySequence + tagCount
  if (next.discontinuitySequence === expected) return []
  return [
    toFinding(
      'discontinuity-sequence-wrong',
      `The discontinuity sequence is ${next.discontinuitySequence}; it was ${previous.discontinuitySequence}, and ${countOf(tagCount, 'tag')} went.`,
      {
        discontinuitySequence: next.discontinuitySequence,
        expectedDiscontinuitySequence: expected,
      },
    ),
  ]
}

function checkWindow(previous: MediaPlaylist, next: MediaPlaylist): Finding[] {
  const targetDurationSeconds = next.targetDurationSeconds
  // A stream that has just begun has a short window and has removed nothing.
  if (next.mediaSequenceNumber === previous.mediaSequenceNumber || next.ended) return []
  const timed = [...next.segments, ...next.openParts]
  const windowSeconds = timed.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0)
  // Target durations are rounded up: three segments of 1.98 s are three target durations of 2 s.
  const targetCount = (windowSeconds + 0.5) / targetDurationSeconds
  if (targetDurationSeconds === 0 || targetCount >= 3) return []
  return [
    toFinding(
      targetCount < 2 ? 'window-too-short' : 'window-short',
      `The live window is ${formatSeconds(windowSeconds)} long; three target durations are ${formatSeconds(3 * targetDurationSeconds)}.`,
      { windowSeconds, targetDurationSeconds },
    ),
  ]
}

function checkPreloadHint(previous: MediaPlaylist, next: MediaPlaylist): Finding[] {
  const [hinted] = previous.preloadHintUris
  if (hinted === undefined || endOf(previous) === endOf(next)) return []
  const named = new Set([...next.initUris, ...next.preloadHintUris])
  for (const segment of next.segments) {
    named.add(segment.uri)
    for (const part of segment.parts) named.add(part.uri)
  }
  for (const part of next.openParts) named.add(part.uri)
  if (previous.preloadHintUris.some((uri) => named.has(uri))) return []
  return [
    toFinding(
      'preload-hint-unused',
      `The hinted ${formatUri(hinted)} is not in the playlist after ${countOf(endOf(next) - endOf(previous), 'more segment')}.`,
      { addedCount: endOf(next) - endOf(previous) },
    ),
  ]
}
