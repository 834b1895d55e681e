/** Whether a soak went well: from what was measured to sentences about what is wrong. Pure. */

import type { OriginFigures } from './origin-child.ts'
import { PINNED_ITEMS_MAX, RESTART_RULE, RESTART_RULES } from './plan.ts'
import type { ReaderCounts } from './reader.ts'

export interface TimedFigures extends OriginFigures {
  readonly atSeconds: number
}

/** From the kill until the first playlists of the new run were there. */
export interface Gap {
  readonly fromSeconds: number
  readonly toSeconds: number
}

export interface NamedReader {
  readonly name: string
  /** It reads where the stale guard is on. */
  readonly isGuarded: boolean
  readonly counts: ReaderCounts
}

export interface Measured {
  readonly samples: readonly TimedFigures[]
  readonly gap: Gap
  readonly readers: readonly NamedReader[]
  /** What ffprobe could not do while the encoders ran. */
  readonly probeFailures: readonly string[]
  readonly probeCount: number
  readonly encoderExitCodes: Readonly<Record<string, number | null>>
  readonly originExitCode: number | null
  /** After both encoders ended. */
  readonly last: OriginFigures
}

export interface Memory {
  readonly earlyBytes: number
  readonly lateBytes: number
  readonly maxBytes: number
}

/** V8 keeps what it once had for a while: less than this is not growth. */
const MEMORY_SLACK_BYTES = 16 * 1024 ** 2
const MEMORY_RATIO_MAX = 1.15

/** Sentences about what went wrong; none when all is well. */
export function judge(measured: Measured): readonly string[] {
  return [
    ...judgeFindings(measured),
    ...judgeReaders(measured),
    ...judgeFigures(measured),
    ...judgeEnds(measured),
  ]
}

/** Memory of the second quarter of a run against its last quarter: medians. */
export function memoryOf(samples: readonly TimedFigures[]): Memory {
  const bytes = samples.map(({ residentBytes }) => residentBytes)
  const quarter = Math.floor(bytes.length / 4)
  return {
    earlyBytes: median(bytes.slice(quarter, 2 * quarter)),
    lateBytes: median(bytes.slice(3 * quarter)),
    maxBytes: Math.max(...bytes),
  }
}

function judgeFindings({ samples, gap, last }: Measured): string[] {
  const problems: string[] = []
  const before = samples.findLast(({ atSeconds }) => atSeconds < gap.fromSeconds)
  for (const [rule, count] of Object.entries(before?.findingsByRule ?? {})) {
    if (count > 0) problems.push(`false alarm before the restart: ${rule}, ${count} times`)
  }
  for (const [rule, count] of Object.entries(last.findingsByRule)) {
    const isNew = count > (before?.findingsByRule[rule] ?? 0)
    if (isNew && !RESTART_RULES.has(rule)) problems.push(`false alarm: ${rule}, ${count} times`)
  }
  if ((last.findingsByRule[RESTART_RULE] ?? 0) === 0) {
    problems.push(`the restart was not seen: no ${RESTART_RULE}`)
  }
  for (const [reason, count] of Object.entries(last.refusedWritesByReason)) {
    if (count > 0) problems.push(`${count} writes were refused: ${reason}`)
  }
  return problems
}

function judgeReaders({ readers, probeFailures, probeCount }: Measured): string[] {
  const problems = probeFailures.map((text) => `ffprobe: ${text}`)
  if (probeCount === 0) problems.push('ffprobe was never run')
  for (const { name, isGuarded, counts } of readers) {
    if (counts.segmentCount === 0) problems.push(`${name} read no segment`)
    problems.push(...counts.faults.map((fault) => `${name}: ${fault}`))
    for (const [outcome, count] of Object.entries(counts.running)) {
      if (!isGood(outcome)) problems.push(`${name}: ${outcome}, ${count} times`)
    }
    for (const [outcome, count] of Object.entries(counts.gap)) {
      // All that the gap explains: the playlist of an encoder that is not there.
      const isExplained = isGuarded && outcome === '404 stale'
      if (!isGood(outcome) && !isExplained) {
        problems.push(`${name}, between the encoders: ${outcome}, ${count} times`)
      }
    }
    if (isGuarded && counts.gap['404 stale'] === undefined) {
      problems.push(`${name}: the dead encoder's playlist was served on`)
    }
  }
  return problems
}

function judgeFigures({ samples }: Measured): string[] {
  const problems: string[] = []
  const pinnedMax = Math.max(...samples.map(({ pinnedItemCount }) => pinnedItemCount))
  if (pinnedMax > PINNED_ITEMS_MAX) {
    problems.push(`${pinnedMax} objects were pinned; ${PINNED_ITEMS_MAX} explain themselves`)
  }
  const memory = memoryOf(samples)
  const growthBytes = memory.lateBytes - memory.earlyBytes
  if (growthBytes > MEMORY_SLACK_BYTES && memory.lateBytes > memory.earlyBytes * MEMORY_RATIO_MAX) {
    problems.push(`memory grew from ${mib(memory.earlyBytes)} to ${mib(memory.lateBytes)}`)
  }
  const evictionCount = samples.at(-1)?.evictionCount ?? 0
  if (evictionCount > 0) problems.push(`${evictionCount} objects were dropped to make room`)
  return problems
}

function judgeEnds({ encoderExitCodes, originExitCode, last }: Measured): string[] {
  const problems: string[] = []
  for (const [name, exitCode] of Object.entries(encoderExitCodes)) {
    if (exitCode !== 0) problems.push(`the encoder of ${name} ended with ${String(exitCode)}`)
  }
  if (originExitCode !== 0) problems.push(`the origin ended with ${String(originExitCode)}`)
  if (last.pinnedItemCount > 0) {
    problems.push(`${last.pinnedItemCount} objects are pinned after the end of both channels`)
  }
  if (last.waiterCount > 0) problems.push(`${last.waiterCount} readers wait for nothing`)
  if (last.uploadsInFlightBytes > 0) problems.push('an upload is in flight without an encoder')
  return problems
}

function isGood(outcome: string): boolean {
  return outcome === '200' || outcome === '304'
}

export function mib(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
