/**
 * The Prometheus text format (version 0.0.4), from a list of families. Names are
 * `headwater_<noun>_<base unit>[_total]`; labels come from closed sets.
 */

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  /** Called at each scrape. */
  readonly read: () => readonly Sample[]
}

export function formatMetrics(families: readonly Family[]): string {
  const lines: string[] = []
  for (const { name, help, type, read } of families) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
    for (const { labels, value } of read()) {
      lines.push(`${name}${formatLabels(labels)} ${formatValue(value)}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  if (labels === undefined) return ''
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function formatValue(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}
