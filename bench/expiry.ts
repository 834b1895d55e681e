/** A crowd of 100,000 items that expire together, out of `store/store-bench.ts`: no HTTP in it. */

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { serverCommand } from './machine.ts'
import type { ScenarioResult } from './results.ts'
import { quantile, roundTo, spreadOf } from './statistics.ts'

export const EXPIRY = 'expiry-100k'

interface ExpiryRun {
  readonly longestStallMs: number
  readonly elapsedMs: number
  readonly longestIdleStallMs: number
}

/** Stalls of this length come from the machine: an idle loop has them as well. */
const SLACK_MS = 5

export function runExpiry(options: {
  readonly buildDir: string
  readonly pinned: boolean
}): ScenarioResult {
  const [command, args] = serverCommand(options.pinned, [
    join(options.buildDir, 'store/store-bench.js'),
    'expiry',
  ])
  const { status, stdout } = spawnSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error(`store-bench.ts left with ${String(status)}`)
  // The shape is that of store-bench.ts, part "expiry".
  const { results } = JSON.parse(stdout) as { results: { expiry: readonly ExpiryRun[] } }
  const runs = results.expiry
  const median = (pick: (run: ExpiryRun) => number) =>
    roundTo(
      quantile(
        runs.map(pick).sort((a, b) => a - b),
        0.5,
      ),
      1,
    )
  return {
    name: EXPIRY,
    metric: {
      name: 'longestStallMs',
      unit: 'ms',
      slack: SLACK_MS,
      ...spreadOf(
        runs.map((run) => run.longestStallMs),
        1,
      ),
    },
    details: {
      elapsedMs: median((run) => run.elapsedMs),
      longestIdleStallMs: median((run) => run.longestIdleStallMs),
    },
  }
}
