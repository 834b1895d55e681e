/**
 * The Prometheus text format (version 0.0.4), from a table of families. Knows formats; what is
 * measured is in `families.ts`.
 */

import type { Histogram } from './histogram.ts'

/** One value of a family; of a histogram its buckets, of a summary sum and count. */
export type Sample =
  | { readonly labels?: Labels; readonly value: number }
  | { readonly labels?: Labels; readonly histogram: Histogram }
  | { readonly labels?: Labels; readonly sum: number; readonly count: number }

export type Labels = Readonly<Record<string, string>>

/** A metric: its name, what it means, its labels, and how it is read out of `Source`. */
export interface Family<Source> {
  /** `headwater_<noun>_<base unit>[_total]`. */
  readonly name: string
  /** One sentence, for Prometheus and the documentation. */
  readonly help: string
  /** More, for the documentation alone: Markdown. */
  readonly advice?: string
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary'
  /** Each label with all the values it can have, or with what bounds them, in words. */
  readonly labels: Readonly<Record<string, readonly string[] | string>>
  /** Called at each scrape. */
  read(source: Source): Iterable<Sample>
}

export function formatMetrics<Source>(families: readonly Family<Source>[], source: Source): string {
  const lines: string[] = []
  for (const family of families) {
    lines.push(`# HELP ${family.name} ${family.help}`, `# TYPE ${family.name} ${family.type}`)
    for (const sample of family.read(source)) pushSample(lines, family.name, sample)
  }
  return `${lines.join('\n')}\n`
}

function pushSample(lines: string[], name: string, sample: Sample): void {
  const { labels = {} } = sample
  if ('value' in sample) {
    lines.push(formatLine(name, labels, sample.value))
    return
  }
  if ('histogram' in sample) {
    const { bounds, counts } = sample.histogram
    let cumulated = 0
    for (let bucket = 0; bucket < counts.length; bucket++) {
      cumulated += counts[bucket] ?? 0
      const le = formatValue(bounds[bucket] ?? Infinity)
      lines.push(formatLine(`${name}_bucket`, { ...labels, le }, cumulated))
    }
    lines.push(formatLine(`${name}_sum`, labels, sample.histogram.sum))
    lines.push(formatLine(`${name}_count`, labels, cumulated))
    return
  }
  lines.push(formatLine(`${name}_sum`, labels, sample.sum))
  lines.push(formatLine(`${name}_count`, labels, sample.count))
}

function formatLine(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(
    ([label, labelValue]) => `${label}="${escapeLabel(labelValue)}"`,
  )
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${formatValue(value)}`
}

/** Names of the series in {@link formatMetrics}'s text: a histogram has three. */
export function seriesNames({ name, type }: Pick<Family<never>, 'name' | 'type'>): string[] {
  if (type === 'histogram') return [`${name}_bucket`, `${name}_sum`, `${name}_count`]
  return type === 'summary' ? [`${name}_sum`, `${name}_count`] : [name]
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function formatValue(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}
