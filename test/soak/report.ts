/** What a soak measured, as text for a person. */

import { memoryOf, mib } from './verdict.ts'
import type { Measured } from './verdict.ts'

export function formatReport(
  measured: Measured,
  notable: readonly Readonly<Record<string, unknown>>[],
  problems: readonly string[],
): string {
  const { samples, gap, readers, last } = measured
  const memory = memoryOf(samples)
  const pinnedItems = Math.max(...samples.map(({ pinnedItemCount }) => pinnedItemCount))
  const pinnedBytes = Math.max(...samples.map((sample) => sample.pinnedBytes))
  const hotStoreBytes = Math.max(...samples.map((sample) => sample.hotStoreBytes))
  const sum = (pick: (counts: (typeof readers)[number]['counts']) => number) =>
    readers.reduce((total, { counts }) => total + pick(counts), 0)
  const lines = [
    `ran                ${(samples.at(-1)?.atSeconds ?? 0).toFixed(0)} s, ${samples.length} samples`,
    `encoders away      ${gap.fromSeconds.toFixed(1)} s to ${gap.toSeconds.toFixed(1)} s`,
    `encoder exit codes ${listOf(measured.encoderExitCodes)}; origin ${String(measured.originExitCode)}`,
    `memory             ${mib(memory.earlyBytes)} early, ${mib(memory.lateBytes)} late, ${mib(memory.maxBytes)} at most`,
    `hot store          ${mib(hotStoreBytes)} at most, ${mib(last.hotStoreBytes)} at the end`,
    `pinned             ${pinnedItems} objects, ${mib(pinnedBytes)} at most; ${last.pinnedItemCount} at the end`,
    `waiters            ${Math.max(...samples.map(({ waiterCount }) => waiterCount))} at most`,
    `findings           ${listOf(nonZero(last.findingsByRule))}`,
    `refused writes     ${listOf(nonZero(last.refusedWritesByReason))}`,
    `ffprobe            ${measured.probeCount} times well, ${measured.probeFailures.length} not`,
    `readers            ${readers.length}: ${sum(({ playlistCount }) => playlistCount)} playlists, ` +
      `${sum(({ segmentCount }) => segmentCount)} segments, ${mib(sum(({ segmentBytes }) => segmentBytes))}`,
    `  with encoders    ${listOf(merge(readers.map(({ counts }) => counts.running)))}`,
    `  between them     ${listOf(merge(readers.map(({ counts }) => counts.gap)))}`,
    'log:',
    ...notable.map((line) => `  ${formatLine(line)}`),
    problems.length === 0 ? 'PASSED' : `FAILED: ${problems.length} problems`,
    ...problems.map((problem) => `  ${problem}`),
  ]
  return `${lines.join('\n')}\n`
}

function formatLine(line: Readonly<Record<string, unknown>>): string {
  const { msg, ...rest } = Object.fromEntries(
    Object.entries(line).filter(([name]) => !['level', 'time', 'pid', 'hostname'].includes(name)),
  )
  return `${String(msg)} ${JSON.stringify(rest)}`
}

function listOf(counts: Readonly<Record<string, number | null>>): string {
  const entries = Object.entries(counts)
  return entries.length === 0
    ? 'none'
    : entries.map(([name, count]) => `${name}: ${String(count)}`).join(', ')
}

function nonZero(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}

function merge(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const merged: Record<string, number> = {}
  for (const counts of all) {
    for (const [name, count] of Object.entries(counts)) merged[name] = (merged[name] ?? 0) + count
  }
  return merged
}
