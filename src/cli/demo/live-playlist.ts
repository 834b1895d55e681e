/**
 * The playlists of a looped clip as a live channel: pure functions from "segment number N is out"
 * to text. When to publish, and where to, is the generator's business.
 */

import { formatIsoTime } from '../../base/dates.ts'

/** One alternative of the multivariant playlist. */
export interface LiveVariant {
  /** As its media playlist's URI is written. */
  readonly uri: string
  readonly bandwidthBitsPerSecond: number
  readonly averageBandwidthBitsPerSecond: number
  readonly widthPixels: number
  readonly heightPixels: number
  readonly framesPerSecond: number
  /** RFC 6381, comma separated. */
  readonly codecs: string
}

/** A channel that repeats the same segments for ever. */
export interface LiveLoop {
  /** The clip's segments in order; at least one. */
  readonly durationsSeconds: readonly number[]
  /** Media sequence number of the first segment ever published. */
  readonly mediaSequenceStart: number
  /** Wall clock at which that segment began, ms since the epoch. */
  readonly startedAtMs: number
}

/**
 * When segment `index` (0 = the channel's first) begins, in seconds after the channel's start. The
 * whole loop is counted as one sum, so that rounding does not pile up over days.
 */
export function segmentStartSeconds(durationsSeconds: readonly number[], index: number): number {
  const loopCount = Math.floor(index / durationsSeconds.length)
  const position = index % durationsSeconds.length
  return loopCount * sumSeconds(durationsSeconds) + sumSeconds(durationsSeconds.slice(0, position))
}

/**
 * The newest segment that is over `elapsedSeconds` after the channel's start; -1 when none is.
 */
export function lastCompleteIndex(
  durationsSeconds: readonly number[],
  elapsedSeconds: number,
): number {
  const loopSeconds = sumSeconds(durationsSeconds)
  const loopCount = Math.max(0, Math.floor(elapsedSeconds / loopSeconds))
  let index = loopCount * durationsSeconds.length
  let endSeconds = loopCount * loopSeconds
  for (const durationSeconds of durationsSeconds) {
    endSeconds += durationSeconds
    // A timer may fire a hair early, and sums of floats are not exact.
    if (endSeconds > elapsedSeconds + 1e-6) break
    index++
  }
  return index - 1
}

/** How many EXT-X-DISCONTINUITY tags left the window before `firstIndex` (RFC 8216bis §4.4.3.3). */
export function discontinuitySequenceOf(segmentCount: number, firstIndex: number): number {
  return firstIndex === 0 ? 0 : Math.floor((firstIndex - 1) / segmentCount)
}

/**
 * A media playlist of the segments `firstIndex` to `lastIndex`, both included. A discontinuity
 * stands before each loop's first segment, since the clip's timestamps start again there.
 */
export function formatLoopMediaPlaylist(
  loop: LiveLoop,
  options: {
    readonly firstIndex: number
    readonly lastIndex: number
    readonly formatUri: (index: number) => string
    /** Ends the channel: EXT-X-ENDLIST. */
    readonly ended?: boolean
  },
): string {
  const { durationsSeconds } = loop
  const segmentCount = durationsSeconds.length
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:6',
    `#EXT-X-TARGETDURATION:${Math.round(Math.max(...durationsSeconds))}`,
    `#EXT-X-MEDIA-SEQUENCE:${loop.mediaSequenceStart + options.firstIndex}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${discontinuitySequenceOf(segmentCount, options.firstIndex)}`,
    '#EXT-X-INDEPENDENT-SEGMENTS',
  ]
  for (let index = options.firstIndex; index <= options.lastIndex; index++) {
    if (index > 0 && index % segmentCount === 0) lines.push('#EXT-X-DISCONTINUITY')
    const atMs = loop.startedAtMs + segmentStartSeconds(durationsSeconds, index) * 1000
    const durationSeconds = durationsSeconds[index % segmentCount] ?? 0
    lines.push(
      `#EXT-X-PROGRAM-DATE-TIME:${formatIsoTime(Math.round(atMs))}`,
      `#EXTINF:${durationSeconds.toFixed(6)},`,
      options.formatUri(index),
    )
  }
  if (options.ended === true) lines.push('#EXT-X-ENDLIST')
  return `${lines.join('\n')}\n`
}

/** A multivariant playlist of these variants, in this order (players begin with the first). */
export function formatMultivariantPlaylist(variants: readonly LiveVariant[]): string {
  const lines = ['#EXTM3U', '#EXT-X-VERSION:6', '#EXT-X-INDEPENDENT-SEGMENTS']
  for (const variant of variants) {
    lines.push(
      `#EXT-X-STREAM-INF:BANDWIDTH=${variant.bandwidthBitsPerSecond}` +
        `,AVERAGE-BANDWIDTH=${variant.averageBandwidthBitsPerSecond}` +
        `,RESOLUTION=${variant.widthPixels}x${variant.heightPixels}` +
        `,FRAME-RATE=${variant.framesPerSecond.toFixed(3)},CODECS="${variant.codecs}"`,
      variant.uri,
    )
  }
  return `${lines.join('\n')}\n`
}

function sumSeconds(durationsSeconds: readonly number[]): number {
  return durationsSeconds.reduce((sum, durationSeconds) => sum + durationSeconds, 0)
}
