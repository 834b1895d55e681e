/**
 * The geometry of the upload timeline: for each segment a bar from the moment it was due (the zero
 * line) up to how late it was, or down to how early. Pure.
 */

import type { PublishPoint } from '../api/api-types.ts'

/**
 * `on-time`: at most half a target duration after it was due; `late`: at most a whole one;
 * `very-late`: players that keep the usual distance begin to stall.
 */
export type Punctuality = 'on-time' | 'late' | 'very-late' | 'missing' | 'expected'

export interface TimelineBar {
  readonly point: PublishPoint
  readonly punctuality: Punctuality
  /** After it was due; negative is early; `null` while it is not stored. */
  readonly delaySeconds: number | null
  /** Left edge and width, 0 to 100. */
  readonly leftPercent: number
  readonly widthPercent: number
  /** Top and height, 0 (top) to 1 (bottom) of the lane. */
  readonly top: number
  readonly height: number
}

export interface TimelineScale {
  /** Above and below the zero line. */
  readonly lateSecondsMax: number
  readonly earlySecondsMax: number
}

/** One scale for all lanes of a channel, so that they can be compared. */
export function toTimelineScale(
  lanes: readonly (readonly PublishPoint[])[],
  targetDurationSeconds: number,
): TimelineScale {
  const target = Math.max(0.1, targetDurationSeconds)
  let late = target
  let early = target / 2
  for (const point of lanes.flat()) {
    const delaySeconds = delayOf(point)
    if (delaySeconds === null) continue
    late = Math.max(late, delaySeconds)
    early = Math.max(early, -delaySeconds)
  }
  // One segment from another time must not flatten all the others.
  return {
    lateSecondsMax: Math.min(late, 4 * target),
    earlySecondsMax: Math.min(early, 2 * target),
  }
}

/** @param nowMs  The server's clock: what is not due yet is expected, not missing. */
export function toTimelineBars(
  points: readonly PublishPoint[],
  scale: TimelineScale,
  targetDurationSeconds: number,
  nowMs: number,
): readonly TimelineBar[] {
  const span = scale.lateSecondsMax + scale.earlySecondsMax
  const zero = scale.lateSecondsMax / span
  const slotPercent = 100 / Math.max(12, points.length)
  return points.map((point, index) => {
    const delaySeconds = delayOf(point)
    const punctuality = toPunctuality(point, delaySeconds, targetDurationSeconds, nowMs)
    const clamped = Math.max(
      -scale.earlySecondsMax,
      Math.min(scale.lateSecondsMax, delaySeconds ?? scale.lateSecondsMax),
    )
    // What is exactly on time is still a line that can be seen.
    const height = Math.max(0.02, Math.abs(clamped) / span)
    return {
      point,
      punctuality,
      delaySeconds,
      leftPercent: 100 - (points.length - index) * slotPercent,
      widthPercent: slotPercent * 0.72,
      top: clamped >= 0 ? zero - height : zero,
      height,
    }
  })
}

function delayOf({ storedAt, dueAt }: PublishPoint): number | null {
  if (storedAt === null) return null
  const seconds = (Date.parse(storedAt) - Date.parse(dueAt)) / 1000
  return Number.isNaN(seconds) ? null : seconds
}

function toPunctuality(
  point: PublishPoint,
  delaySeconds: number | null,
  targetDurationSeconds: number,
  nowMs: number,
): Punctuality {
  if (delaySeconds === null) return Date.parse(point.dueAt) > nowMs ? 'expected' : 'missing'
  if (delaySeconds <= targetDurationSeconds / 2) return 'on-time'
  return delaySeconds <= targetDurationSeconds ? 'late' : 'very-late'
}

export const PUNCTUALITY_WORDS: Readonly<Record<Punctuality, string>> = {
  'on-time': 'on time',
  late: 'late',
  'very-late': 'later than a target duration',
  missing: 'missing',
  expected: 'not due yet',
}

/** `40 segments: 37 on time, 1 late, 2 missing.` */
export function summarizeBars(bars: readonly TimelineBar[]): string {
  // The keys are those of the type.
  const counts = (Object.keys(PUNCTUALITY_WORDS) as Punctuality[])
    .map((kind) => ({ kind, count: bars.filter((bar) => bar.punctuality === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => `${count} ${PUNCTUALITY_WORDS[kind]}`)
  return `${bars.length} ${bars.length === 1 ? 'segment' : 'segments'}: ${counts.join(', ')}.`
}
