/** From the server's points to what the overview draws: one line of time without holes. Pure. */

import type { MetricsPoint } from '../api/api-types.ts'

/** Figures that are rates, and can be averaged over intervals of one length. */
const RATES = [
  'readsPerSecond',
  'writesPerSecond',
  'deletesPerSecond',
  'bytesInPerSecond',
  'bytesOutPerSecond',
  'readStatus2xxPerSecond',
  'readStatus3xxPerSecond',
  'readStatus4xxPerSecond',
  'readStatus5xxPerSecond',
  'writeStatus2xxPerSecond',
  'writeStatus4xxPerSecond',
  'writeStatus5xxPerSecond',
] as const

const LATENCIES = ['getP50Seconds', 'getP99Seconds', 'putP50Seconds', 'putP99Seconds'] as const

/** The server's steps: what is kept, and what is told live. */
const STEP_MS = 10_000
const HOUR_MS = 3_600_000
/** Less than this is stretched: a line of one minute at the edge of an empty hour says nothing. */
const WINDOW_MS_MIN = 300_000

/**
 * Several intervals as one: rates are averaged, evictions added, gauges are the last ones. Of
 * latencies the worst is taken: quantiles cannot be averaged.
 *
 * @returns `undefined` of none.
 */
export function combinePoints(points: readonly MetricsPoint[]): MetricsPoint | undefined {
  const last = points.at(-1)
  if (last === undefined) return undefined
  const rates = RATES.map((name) => [
    name,
    points.reduce((sum, point) => sum + point[name], 0) / points.length,
  ])
  const latencies = LATENCIES.map((name) => {
    const known = points.map((point) => point[name]).filter((value) => value !== null)
    return [name, known.length === 0 ? null : Math.max(...known)]
  })
  const evictions = points.reduce((sum, point) => sum + point.evictions, 0)
  // The names are those of the type; what an object is made of, TypeScript does not follow.
  const changed = Object.fromEntries([...rates, ...latencies]) as Partial<MetricsPoint>
  return { ...last, ...changed, evictions }
}

/** History, and the live points since then in steps of the same length. Oldest first. */
export function joinPoints(
  history: readonly MetricsPoint[],
  live: readonly MetricsPoint[],
): readonly MetricsPoint[] {
  const endsAtMs = Date.parse(history.at(-1)?.at ?? '') || 0
  const steps = new Map<number, MetricsPoint[]>()
  for (const point of live) {
    const sinceMs = Date.parse(point.at) - endsAtMs
    // The live interval that ends with the last kept point is in that point.
    if (sinceMs <= 500) continue
    const step = Math.ceil((sinceMs - 500) / STEP_MS)
    steps.set(step, [...(steps.get(step) ?? []), point])
  }
  const added = [...steps.values()].map(combinePoints).filter((point) => point !== undefined)
  return [...history, ...added]
}

/** What is drawn: times in seconds since the epoch, and the points at them. */
export interface MetricsWindow {
  readonly fromSeconds: number
  readonly toSeconds: number
  readonly timesSeconds: readonly number[]
  /** `undefined` where the server was away: a line is interrupted there. */
  readonly points: readonly (MetricsPoint | undefined)[]
}

/** The last hour, or, of a server that runs for less, what there is, 5 minutes at least. */
export function toWindow(points: readonly MetricsPoint[], nowMs: number): MetricsWindow {
  const toMs = Math.max(nowMs, Date.parse(points.at(-1)?.at ?? '') || 0)
  const kept = points.filter((point) => Date.parse(point.at) >= toMs - HOUR_MS)
  const firstMs = Date.parse(kept[0]?.at ?? '') || toMs
  const fromMs = Math.max(toMs - HOUR_MS, Math.min(firstMs - STEP_MS, toMs - WINDOW_MS_MIN))
  const timesSeconds: number[] = []
  const shown: (MetricsPoint | undefined)[] = []
  let beforeMs = Number.POSITIVE_INFINITY
  for (const point of kept) {
    const atMs = Date.parse(point.at)
    if (atMs - beforeMs > 3 * STEP_MS) {
      timesSeconds.push((beforeMs + STEP_MS) / 1000)
      shown.push(undefined)
    }
    timesSeconds.push(atMs / 1000)
    shown.push(point)
    beforeMs = atMs
  }
  return { fromSeconds: fromMs / 1000, toSeconds: toMs / 1000, timesSeconds, points: shown }
}

/** Five-minute steps for the table that says the same in words; newest first. */
export function toTableRows(points: readonly MetricsPoint[]): readonly MetricsPoint[] {
  const steps = new Map<number, MetricsPoint[]>()
  for (const point of points) {
    const step = Math.ceil(Date.parse(point.at) / WINDOW_MS_MIN)
    steps.set(step, [...(steps.get(step) ?? []), point])
  }
  return [...steps.entries()]
    .sort(([a], [b]) => b - a)
    .map(([, group]) => combinePoints(group))
    .filter((point) => point !== undefined)
}
