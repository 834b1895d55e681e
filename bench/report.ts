/** Tables for people: what was measured, and what changed since a baseline. */

import type { Machine } from './machine.ts'
import type { Metric, RunResult, ScenarioResult } from './results.ts'

/** Above it a scenario has become worse. */
const WORSE_RATIO = 1.15

export function formatRun(run: RunResult): string {
  const lines = [machineLine(run), '']
  const requests = run.scenarios.filter(({ metric }) => metric.name === 'cpuUsPerRequest')
  if (requests.length > 0) {
    lines.push(
      ...table([
        [
          'scenario',
          'CPU us/req',
          'quartiles',
          'user',
          'req/s',
          'MiB/s',
          'p50 ms',
          'p99 ms',
          'core',
        ],
        ...requests.map(requestRow),
      ]),
    )
  }
  for (const { name, metric, details } of run.scenarios) {
    if (metric.name === 'cpuUsPerRequest') continue
    const others = Object.entries(details).map(([detail, value]) => `${detail} ${value}`)
    lines.push(
      '',
      `${name}: ${metric.name} ${metric.median} (${quartiles(metric)})`,
      `  ${others.join(', ')}`,
    )
  }
  return lines.join('\n')
}

export interface Comparison {
  readonly text: string
  /** Names of scenarios that are worse by over 15 % (and by more than their noise). */
  readonly worse: readonly string[]
}

/** @throws Error when one of them was a quick run: nothing follows from it. */
export function compareRuns(baseline: RunResult, run: RunResult): Comparison {
  if (baseline.quick || run.quick) throw new Error('a quick run cannot be compared')
  const worse: string[] = []
  const rows = run.scenarios.map(({ name, metric }) => {
    const before = baseline.scenarios.find((scenario) => scenario.name === name)?.metric
    if (before === undefined) return [name, 'new', String(metric.median), '', '']
    const isWorse =
      metric.median > before.median * WORSE_RATIO && metric.median > before.median + metric.slack
    if (isWorse) worse.push(name)
    const change = 100 * (metric.median / before.median - 1)
    const percent = `${change < 0 ? '' : '+'}${change.toFixed(1)} %`
    return [name, String(before.median), String(metric.median), percent, isWorse ? 'WORSE' : '']
  })
  const lines = table([['scenario', 'baseline', 'now', 'change', ''], ...rows])
  if (!isSameMachine(baseline.machine, run.machine)) {
    lines.push('', `The baseline is of another machine or Node: ${machineLine(baseline)}`)
  }
  return { text: lines.join('\n'), worse }
}

function requestRow({ name, metric, details }: ScenarioResult): string[] {
  const detail = (key: string) => String(details[key] ?? '')
  return [
    name,
    metric.median.toFixed(1),
    quartiles(metric),
    `${detail('userCpuPercent')} %`,
    detail('requestsPerSecond'),
    detail('mibPerSecond'),
    detail('p50Ms'),
    detail('p99Ms'),
    `${detail('serverCorePercent')} %`,
  ]
}

function quartiles({ lowerQuartile, upperQuartile }: Metric): string {
  return `${lowerQuartile}-${upperQuartile}`
}

function machineLine({ machine, loadAverageBefore, loadAverageAfter, pinned }: RunResult): string {
  const { cpuModel, coreCount, memoryGib, kernel, node, tcpWmem } = machine
  return [
    `${cpuModel}, ${coreCount} cores, ${memoryGib} GiB, ${kernel}, Node ${node}`,
    ...(tcpWmem === undefined ? [] : [`tcp_wmem ${tcpWmem}`]),
    `load ${loadAverageBefore} before, ${loadAverageAfter} after`,
    pinned ? 'origin on core 0, generator on core 1' : 'not pinned',
  ].join('; ')
}

function isSameMachine(one: Machine, other: Machine): boolean {
  return (
    one.cpuModel === other.cpuModel && one.coreCount === other.coreCount && one.node === other.node
  )
}

/** First column to the left, the others to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return column === 0 ? cell.padEnd(width) : cell.padStart(width)
      })
      .join('  ')
      .trimEnd(),
  )
}
