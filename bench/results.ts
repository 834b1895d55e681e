/** The shape of a run's JSON document. Read again by `--baseline`: additions only. */

import type { Machine } from './machine.ts'
import type { Spread } from './statistics.ts'

/** The figure that a scenario is about. Lower is better, for every one of them. */
export interface Metric extends Spread {
  readonly name: string
  readonly unit: string
  /** A difference below it is noise, however many per cent it is. In `unit`. */
  readonly slack: number
}

export interface ScenarioResult {
  readonly name: string
  readonly metric: Metric
  /** Medians of what else was seen. The unit is in the name. */
  readonly details: Readonly<Record<string, number>>
}

export interface RunResult {
  readonly startedAt: string
  /** Of the sources, `+` when some were changed since; `undefined` outside a repository. */
  readonly commit: string | undefined
  /** Quick runs say that the bench works, not how fast anything is. */
  readonly quick: boolean
  readonly machine: Machine
  /** 1-minute load averages: what else the machine did. This bench itself adds up to 2. */
  readonly loadAverageBefore: number
  readonly loadAverageAfter: number
  readonly pinned: boolean
  /** Of the origin's node, beside none. */
  readonly nodeFlags: readonly string[]
  readonly rounds: number
  readonly windowMs: number
  readonly scenarios: readonly ScenarioResult[]
}
