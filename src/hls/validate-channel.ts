/** The validator of what playlists promise: stored objects, renditions in step, bit rates. */

import type { MediaPlaylist } from './playlist.ts'
import { countOf, formatSeconds, toFinding } from './validation-rules.ts'
import type { Finding } from './validation-rules.ts'

/**
 * By how much a live segment may exceed BANDWIDTH. Source: Apple HLS Authoring Specification, peak of
 * live content under 125 % of BANDWIDTH.
 */
const BANDWIDTH_RATIO_MAX = 1.25

export interface StoredObjects {
  readonly next: MediaPlaylist
  /** The playlist before: what it listed was judged with it. */
  readonly previous?: MediaPlaylist | undefined
  /** `undefined` when the URI is not this origin's: nothing can be said. */
  readonly isStored: (uri: string) => boolean | undefined
}

/**
 * Listed objects that are not there. The newest segment and part are let pass, since encoders upload
 * the playlist beside them; so are segments announced as gaps. Init sections and keys are judged once
 * a second segment is listed, by the same reasoning.
 */
export function validateAgainstStore({
  next,
  previous,
  isStored,
}: StoredObjects): readonly Finding[] {
  const findings: Finding[] = []
  const isMissing = (uri: string): boolean => isStored(uri) === false
  const missing: number[] = []
  let partCount = 0
  const from = firstUnjudgedIndex(next, previous)
  for (let index = from; index < next.segments.length - 1; index++) {
    const segment = next.segments[index]
    if (segment === undefined || segment.gap) continue
    if (isMissing(segment.uri)) missing.push(next.mediaSequenceNumber + index)
    for (const part of segment.parts) if (isMissing(part.uri)) partCount++
  }
  const [firstMsn] = missing
  if (firstMsn !== undefined) {
    const count = missing.length
    const lastMsn = missing.at(-1) ?? firstMsn
    const which =
      count === 1 ? `Segment ${firstMsn} is` : `${count} segments, ${firstMsn} to ${lastMsn}, are`
    const message = `${which} listed, older than the newest, and not stored.`
    findings.push(toFinding('segment-missing', message, { count, firstMsn, lastMsn }))
  }
  for (const part of next.openParts.slice(0, -1)) if (isMissing(part.uri)) partCount++
  if (partCount > 0) {
    const message = `${countOf(partCount, 'part')} are listed and not stored.`
    findings.push(toFinding('part-missing', message, { count: partCount }))
  }
  if (next.segmentCount < 2) return findings
  const initCount = next.initUris.filter(isMissing).length
  if (initCount > 0) {
    const message = `${countOf(initCount, 'init section')} of ${next.initUris.length} are not stored.`
    findings.push(toFinding('init-missing', message, { count: initCount }))
  }
  const keyCount = next.keyUris.filter(isMissing).length
  if (keyCount > 0) {
    const message = `${countOf(keyCount, 'key')} of ${next.keyUris.length} are not stored.`
    findings.push(toFinding('key-missing', message, { count: keyCount }))
  }
  return findings
}

/** The newest segment of `previous` was let pass then, so it is judged now. */
function firstUnjudgedIndex(next: MediaPlaylist, previous: MediaPlaylist | undefined): number {
  if (previous === undefined || previous.segmentCount === 0) return 0
  const newestMsn = previous.mediaSequenceNumber + previous.segmentCount - 1
  const isSuccessor =
    next.mediaSequenceNumber >= previous.mediaSequenceNumber &&
    next.mediaSequenceNumber + next.segmentCount - 1 >= newestMsn
  return isSuccessor ? Math.max(0, newestMsn - next.mediaSequenceNumber) : 0
}

/** One media playlist of a channel as it is now. */
export interface RenditionState {
  /** For messages, such as the playlist's key. */
  readonly name: string
  readonly targetDurationSeconds: number
  /** The newest segment's number. */
  readonly lastMsn: number
  /** Discontinuities up to and with the newest segment: the playlist's sequence and its tags. */
  readonly discontinuityCount: number
  /** The date at which the newest segment ends; `undefined` without dates. */
  readonly edgeDateMs: number | undefined
  /** Subtitles and I-frame playlists may have a target duration of their own. */
  readonly hasOwnTargetDuration: boolean
}

/** How a rendition is judged: what {@link validateRenditions} needs of its current playlist. */
export function renditionStateOf(
  name: string,
  playlist: MediaPlaylist,
  hasOwnTargetDuration = playlist.isIFramesOnly,
): RenditionState {
  const last = playlist.segments.at(-1)
  const tagCount = playlist.segments.filter(({ discontinuity }) => discontinuity).length
  return {
    name,
    targetDurationSeconds: playlist.targetDurationSeconds,
    lastMsn: playlist.mediaSequenceNumber + playlist.segmentCount - 1,
    discontinuityCount: playlist.discontinuitySequence + tagCount,
    edgeDateMs:
      last?.programDateTimeMs === undefined
        ? undefined
        : last.programDateTimeMs + last.durationSeconds * 1000,
    hasOwnTargetDuration,
  }
}

/**
 * Whether the media playlists of a channel are in step. Encoders upload one after another, so one may
 * be a segment behind for a moment: only what is more than two target durations (with dates), or three
 * segments (without), counts. Numbers that are 100 and more apart were never counted together.
 */
export function validateRenditions(renditions: readonly RenditionState[]): readonly Finding[] {
  if (renditions.length < 2) return []
  return [
    ...checkTargetDurations(renditions),
    ...checkSkew(renditions),
    ...checkDiscontinuityCounts(renditions),
  ]
}

function checkTargetDurations(renditions: readonly RenditionState[]): readonly Finding[] {
  const seconds = renditions
    .filter(({ hasOwnTargetDuration }) => !hasOwnTargetDuration)
    .map(({ targetDurationSeconds }) => targetDurationSeconds)
  const shortestSeconds = Math.min(...seconds)
  const longestSeconds = Math.max(...seconds)
  // Audio frames do not fit into whole seconds: 2.005 s are rounded up to 3 by some packagers.
  if (!(longestSeconds - shortestSeconds > 1)) return []
  return [
    toFinding(
      'rendition-target-durations-differ',
      `Target durations are from ${formatSeconds(shortestSeconds)} to ${formatSeconds(longestSeconds)}.`,
      { shortestSeconds, longestSeconds },
    ),
  ]
}

function checkSkew(renditions: readonly RenditionState[]): readonly Finding[] {
  const targetDurationSeconds = Math.max(...renditions.map((each) => each.targetDurationSeconds))
  const dated = renditions.flatMap(({ name, edgeDateMs }) =>
    edgeDateMs === undefined ? [] : [{ name, position: edgeDateMs / 1000 }],
  )
  if (dated.length === renditions.length) {
    const { behind, ahead, distance } = farthest(dated)
    if (distance <= 2 * targetDurationSeconds) return []
    const message = `${behind} is ${formatSeconds(distance)} behind ${ahead}.`
    return [toFinding('rendition-skew', message, { skewSeconds: distance, targetDurationSeconds })]
  }
  const numbered = renditions.map(({ name, lastMsn }) => ({ name, position: lastMsn }))
  const { behind, ahead, distance } = farthest(numbered)
  const isAlike = renditions.every((each) => each.targetDurationSeconds === targetDurationSeconds)
  if (distance < 3 || distance >= 100 || !isAlike) return []
  const message = `${behind} is ${countOf(distance, 'segment')} behind ${ahead}.`
  return [toFinding('rendition-skew', message, { skewSegments: distance, targetDurationSeconds })]
}

interface Position {
  readonly name: string
  readonly position: number
}

function farthest(positions: readonly Position[]): {
  readonly behind: string
  readonly ahead: string
  readonly distance: number
} {
  const sorted = positions.toSorted((left, right) => left.position - right.position)
  const behind = sorted[0]
  const ahead = sorted.at(-1)
  if (behind === undefined || ahead === undefined) return { behind: '', ahead: '', distance: 0 }
  return { behind: behind.name, ahead: ahead.name, distance: ahead.position - behind.position }
}

function checkDiscontinuityCounts(renditions: readonly RenditionState[]): readonly Finding[] {
  const counts = new Map<number, RenditionState>()
  for (const rendition of renditions) {
    // Only at the same segment can they be compared.
    const other = counts.get(rendition.lastMsn)
    if (other !== undefined && other.discontinuityCount !== rendition.discontinuityCount) {
      const message = `At segment ${rendition.lastMsn} ${other.name} has had ${countOf(other.discontinuityCount, 'discontinuity tag')}, ${rendition.name} ${rendition.discontinuityCount}.`
      const numbers = {
        msn: rendition.lastMsn,
        discontinuityCount: rendition.discontinuityCount,
        otherDiscontinuityCount: other.discontinuityCount,
      }
      return [toFinding('rendition-discontinuities-differ', message, numbers)]
    }
    counts.set(rendition.lastMsn, rendition)
  }
  return []
}

export interface MeasuredVariant {
  readonly next: MediaPlaylist
  /** The playlist before: what it listed was judged with it. */
  readonly previous?: MediaPlaylist | undefined
  /** Of a stored segment; `undefined` when it is not there or not ours. */
  readonly sizeBytesOf: (uri: string) => number | undefined
  /** BANDWIDTH of the variant; 0 when unknown. */
  readonly bandwidthBitsPerSecond: number
}

/**
 * Judges the segments that a playlist lists, each once, by {@link validateBitrate}: the worst is told.
 * Nothing before the third segment, since packagers that measure BANDWIDTH correct it until then.
 */
export function validateBitrates(variant: MeasuredVariant): readonly Finding[] {
  const { next, previous, sizeBytesOf, bandwidthBitsPerSecond } = variant
  const { targetDurationSeconds } = next
  if (next.segmentCount < 3) return []
  let worst: Finding | undefined
  for (const segment of next.segments.slice(firstUnjudgedIndex(next, previous), -1)) {
    const { durationSeconds } = segment
    const segmentSizeBytes = segment.byteRange?.lengthBytes ?? sizeBytesOf(segment.uri)
    if (segmentSizeBytes === undefined) continue
    const [finding] = validateBitrate({
      segmentSizeBytes,
      durationSeconds,
      targetDurationSeconds,
      bandwidthBitsPerSecond,
    })
    if (bitrateOf(finding) > bitrateOf(worst)) worst = finding
  }
  return worst === undefined ? [] : [worst]
}

function bitrateOf(finding: Finding | undefined): number {
  return finding?.numbers['bitsPerSecond'] ?? 0
}

export interface MeasuredSegment {
  readonly segmentSizeBytes: number
  readonly durationSeconds: number
  readonly targetDurationSeconds: number
  /** BANDWIDTH of the variant; 0 when unknown. */
  readonly bandwidthBitsPerSecond: number
}

/**
 * Whether a segment exceeds what its variant promises, by more than a quarter. Segments under half a
 * target duration are no measure (RFC 8216bis §4.1, peak segment bit rate).
 */
export function validateBitrate(segment: MeasuredSegment): readonly Finding[] {
  const { segmentSizeBytes, durationSeconds, targetDurationSeconds } = segment
  const { bandwidthBitsPerSecond } = segment
  if (bandwidthBitsPerSecond === 0 || durationSeconds === 0) return []
  if (durationSeconds < targetDurationSeconds / 2) return []
  const bitsPerSecond = Math.round((segmentSizeBytes * 8) / durationSeconds)
  if (bitsPerSecond <= bandwidthBitsPerSecond * BANDWIDTH_RATIO_MAX) return []
  const percent = Math.round((bitsPerSecond / bandwidthBitsPerSecond) * 100)
  return [
    toFinding(
      'bandwidth-exceeded',
      `A segment has ${bitsPerSecond} bit/s, ${percent} % of the BANDWIDTH of ${bandwidthBitsPerSecond}.`,
      { bitsPerSecond, bandwidthBitsPerSecond, segmentSizeBytes, durationSeconds },
    ),
  ]
}

/** A segment was written again with other bytes under a name that a live playlist had listed. */
export function segmentNameReused(
  name: string,
  sizes: { readonly sizeBytes: number; readonly previousSizeBytes: number },
): Finding {
  const message = `${name} was listed and is written again with other bytes: ${sizes.sizeBytes} instead of ${sizes.previousSizeBytes}.`
  return toFinding('segment-name-reused', message, { ...sizes })
}
