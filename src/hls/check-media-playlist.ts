/** The rules of `rules-media-playlist.ts`: what one media playlist shows by itself. */

import type { MediaPlaylist, Part } from './playlist.ts'
import { identityOf } from './succession.ts'
import { countOf, formatSeconds, formatUri, toFinding } from './validation-rules.ts'
import type { Finding } from './validation-rules.ts'

/** Decimal fractions are not exact in binary. */
const EPSILON_SECONDS = 0.001
/** RFC 8216bis §4.4.4.9. */
const PART_RATIO_MIN = 0.85

export interface MediaPlaylistScope {
  /** Whether it is the first that is known under its key. */
  readonly isFirst: boolean
  /** Segments before this index were judged with an earlier playlist. */
  readonly newFromIndex: number
  /** Parts that were listed before, by URI and byte range. */
  readonly knownParts: ReadonlySet<string>
  /** How far dates may be off what durations make of them. */
  readonly dateToleranceMs: number
}

export function checkMediaPlaylist(
  playlist: MediaPlaylist,
  scope: MediaPlaylistScope,
): readonly Finding[] {
  return [
    ...checkTags(playlist, scope),
    ...checkDurations(playlist, scope),
    ...checkDates(playlist, scope),
    ...checkNames(playlist, scope),
    ...checkServerControl(playlist),
    ...checkParts(playlist, scope),
    ...checkListedParts(playlist),
  ]
}

export function identityOfPart({ uri, byteRange }: Part): string {
  return byteRange === undefined ? uri : `${uri} ${byteRange.offsetBytes}`
}

function checkTags(playlist: MediaPlaylist, { isFirst }: MediaPlaylistScope): Finding[] {
  const findings: Finding[] = []
  if (playlist.targetDurationSeconds === 0) {
    findings.push(toFinding('target-duration-missing', 'There is no target duration.', {}))
  }
  const isEmpty =
    playlist.segmentCount === 0 &&
    playlist.skippedSegmentCount === 0 &&
    playlist.openParts.length === 0
  // Shaka Packager announces a rendition by an empty playlist, a second before its first segment.
  if (isEmpty && (!isFirst || playlist.ended)) {
    findings.push(toFinding('playlist-empty', 'No segment is listed.', {}))
  }
  if (playlist.skippedSegmentCount > 0) {
    const skippedCount = playlist.skippedSegmentCount
    const message = `${countOf(skippedCount, 'segment')} are left out by EXT-X-SKIP.`
    findings.push(toFinding('delta-update-stored', message, { skippedCount }))
  }
  const { version: versionNeeded, feature } = playlist.versionNeeded
  const version = playlist.version ?? 1
  if (version < versionNeeded) {
    const message = `EXT-X-VERSION is ${version}; ${feature} needs ${versionNeeded}.`
    findings.push(toFinding('version-too-low', message, { version, versionNeeded }))
  }
  return findings
}

function checkDurations(playlist: MediaPlaylist, { newFromIndex }: MediaPlaylistScope): Finding[] {
  const findings: Finding[] = []
  if (playlist.untimedSegmentCount > 0) {
    const count = playlist.untimedSegmentCount
    const message = `${countOf(count, 'segment')} of ${playlist.segmentCount} have no EXTINF.`
    findings.push(toFinding('duration-missing', message, { count }))
  }
  const { targetDurationSeconds } = playlist
  let count = 0
  let durationSeconds = 0
  let gapCount = 0
  for (const segment of playlist.segments.slice(newFromIndex)) {
    // Half a second is rounded to even by some encoders, so it is let pass both ways.
    if (segment.durationSeconds > targetDurationSeconds + 0.5 + EPSILON_SECONDS) count++
    durationSeconds = Math.max(durationSeconds, segment.durationSeconds)
    if (segment.gap) gapCount++
  }
  if (count > 0 && targetDurationSeconds > 0) {
    findings.push(
      toFinding(
        'target-duration-exceeded',
        `${countOf(count, 'segment')} of up to ${formatSeconds(durationSeconds)} exceed the target duration of ${formatSeconds(targetDurationSeconds)}.`,
        { count, durationSeconds, targetDurationSeconds },
      ),
    )
  }
  if (gapCount > 0) {
    const message = `${countOf(gapCount, 'segment')} are announced as missing.`
    findings.push(toFinding('gap-announced', message, { count: gapCount }))
  }
  return findings
}

function checkDates(playlist: MediaPlaylist, scope: MediaPlaylistScope): Finding[] {
  let backwards: Finding | undefined
  let jump: Finding | undefined
  for (let index = Math.max(1, scope.newFromIndex); index < playlist.segments.length; index++) {
    const before = playlist.segments[index - 1]
    const after = playlist.segments[index]
    if (before?.programDateTimeMs === undefined || after?.programDateTimeMs === undefined) continue
    if (after.discontinuity) continue
    const stepMs = after.programDateTimeMs - before.programDateTimeMs
    const differenceMs = Math.round(stepMs - before.durationSeconds * 1000)
    if (Math.abs(differenceMs) <= scope.dateToleranceMs) continue
    const msn = playlist.mediaSequenceNumber + index
    const off = formatSeconds(Math.abs(differenceMs) / 1000)
    if (stepMs < 0) {
      const message = `Segment ${msn} is dated ${formatSeconds(-stepMs / 1000)} before the one it follows.`
      backwards ??= toFinding('date-time-backwards', message, { msn, differenceMs })
    } else {
      const message = `Segment ${msn} is dated ${off} ${differenceMs > 0 ? 'later' : 'earlier'} than durations make it.`
      jump ??= toFinding('date-time-jump', message, { msn, differenceMs })
    }
  }
  return [backwards, jump].filter((finding) => finding !== undefined)
}

/** Across a discontinuity the same clip may come again, as slates do. */
function checkNames(playlist: MediaPlaylist, { newFromIndex }: MediaPlaylistScope): Finding[] {
  let indexes = new Map<string, number>()
  for (const [index, segment] of playlist.segments.entries()) {
    if (segment.discontinuity) indexes = new Map()
    if (segment.gap) continue
    const identity = identityOf(segment)
    const earlier = indexes.get(identity)
    if (earlier !== undefined && index >= newFromIndex) {
      const [firstMsn, msn] = [earlier, index].map((each) => playlist.mediaSequenceNumber + each)
      return [
        toFinding(
          'segment-named-twice',
          `${formatUri(segment.uri)} is segment ${firstMsn} and ${msn}.`,
          { firstMsn: firstMsn ?? 0, msn: msn ?? 0 },
        ),
      ]
    }
    indexes.set(identity, index)
  }
  return []
}

function checkServerControl(playlist: MediaPlaylist): Finding[] {
  const { targetDurationSeconds, holdBackSeconds, partHoldBackSeconds } = playlist
  const findings: Finding[] = []
  if (holdBackSeconds !== undefined && isLess(holdBackSeconds, 3 * targetDurationSeconds)) {
    const message = `HOLD-BACK is ${formatSeconds(holdBackSeconds)}; three target durations are ${formatSeconds(3 * targetDurationSeconds)}.`
    findings.push(toFinding('hold-back-short', message, { holdBackSeconds, targetDurationSeconds }))
  }
  const { canSkipUntilSeconds, partTargetSeconds } = playlist
  if (canSkipUntilSeconds !== undefined && isLess(canSkipUntilSeconds, 6 * targetDurationSeconds)) {
    const message = `CAN-SKIP-UNTIL is ${formatSeconds(canSkipUntilSeconds)}; six target durations are ${formatSeconds(6 * targetDurationSeconds)}.`
    findings.push(
      toFinding('skip-boundary-short', message, { canSkipUntilSeconds, targetDurationSeconds }),
    )
  }
  if (partTargetSeconds !== undefined && isLess(partHoldBackSeconds ?? 0, 2 * partTargetSeconds)) {
    const found = partHoldBackSeconds === undefined ? 'absent' : formatSeconds(partHoldBackSeconds)
    findings.push(
      toFinding(
        'part-hold-back-short',
        `PART-HOLD-BACK is ${found}; two part targets are ${formatSeconds(2 * partTargetSeconds)}.`,
        { partHoldBackSeconds: partHoldBackSeconds ?? 0, partTargetSeconds },
      ),
    )
  }
  return findings
}

function checkParts(playlist: MediaPlaylist, scope: MediaPlaylistScope): Finding[] {
  const { partTargetSeconds } = playlist
  const lists = [...playlist.segments.slice(scope.newFromIndex), { parts: playlist.openParts }]
  const partCount = lists.reduce((sum, { parts }) => sum + parts.length, 0)
  if (partTargetSeconds === undefined) {
    if (partCount === 0) return []
    const message = `There are ${countOf(partCount, 'part')} and no part target.`
    return [toFinding('part-target-missing', message, { count: partCount })]
  }
  let longCount = 0
  let shortCount = 0
  let longestSeconds = 0
  let shortestSeconds = Number.POSITIVE_INFINITY
  for (const { parts } of lists) {
    for (const [index, part] of parts.entries()) {
      if (scope.knownParts.has(identityOfPart(part))) continue
      const { durationSeconds } = part
      if (isLess(partTargetSeconds, durationSeconds)) longCount++
      longestSeconds = Math.max(longestSeconds, durationSeconds)
      // The last part of a segment may be short, and of an open one it is not known yet.
      if (index === parts.length - 1) continue
      if (isLess(durationSeconds, PART_RATIO_MIN * partTargetSeconds)) shortCount++
      shortestSeconds = Math.min(shortestSeconds, durationSeconds)
    }
  }
  const findings: Finding[] = []
  const target = formatSeconds(partTargetSeconds)
  if (longCount > 0) {
    const message = `${countOf(longCount, 'part')} of up to ${formatSeconds(longestSeconds)} exceed the part target of ${target}.`
    const numbers = { count: longCount, durationSeconds: longestSeconds, partTargetSeconds }
    findings.push(toFinding('part-duration-exceeded', message, numbers))
  }
  if (shortCount > 0) {
    const message = `${countOf(shortCount, 'part')} of down to ${formatSeconds(shortestSeconds)} are shorter than 85 % of the part target of ${target}.`
    const numbers = { count: shortCount, durationSeconds: shortestSeconds, partTargetSeconds }
    findings.push(toFinding('part-duration-short', message, numbers))
  }
  return findings
}

function checkListedParts(playlist: MediaPlaylist): Finding[] {
  const findings: Finding[] = []
  const listed = new Set<string>()
  let afterSeconds = playlist.openParts.reduce((sum, part) => sum + part.durationSeconds, 0)
  let lingeringCount = 0
  for (const segment of playlist.segments.toReversed()) {
    // One more than the RFC asks for, since it is removed with its whole segment.
    if (afterSeconds > 4 * playlist.targetDurationSeconds) lingeringCount += segment.parts.length
    afterSeconds += segment.durationSeconds
    for (const part of segment.parts) if (part.byteRange === undefined) listed.add(part.uri)
  }
  for (const part of playlist.openParts) if (part.byteRange === undefined) listed.add(part.uri)
  if (lingeringCount > 0 && playlist.targetDurationSeconds > 0) {
    const message = `${countOf(lingeringCount, 'part')} are farther than three target durations from the end.`
    findings.push(toFinding('parts-lingering', message, { count: lingeringCount }))
  }
  const stale = playlist.preloadHintUris.find((uri) => listed.has(uri))
  if (stale !== undefined) {
    const message = `The preload hint names ${formatUri(stale)}, which is a listed part.`
    findings.push(toFinding('preload-hint-stale', message, {}))
  }
  return findings
}

function isLess(actual: number, least: number): boolean {
  return actual < least - EPSILON_SECONDS
}
