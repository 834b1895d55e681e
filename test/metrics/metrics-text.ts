/** Reads Prometheus text back, and holds it against the table of families. Not a parser for others'. */

import { METRIC_FAMILIES } from '../../src/metrics/families.ts'
import { seriesNames } from '../../src/metrics/text.ts'

export interface ReadSeries {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Names of all series of the table, and the family of each. */
export const FAMILY_BY_SERIES = new Map(
  METRIC_FAMILIES.flatMap((family) => seriesNames(family).map((name) => [name, family] as const)),
)

export function readMetrics(text: string): readonly ReadSeries[] {
  return text
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => {
      const match = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line)
      if (match === null) throw new Error(`not a line of metrics: ${line}`)
      const [, name = '', labelText = '', value = ''] = match
      const labels: Record<string, string> = {}
      for (const [, label = '', text = ''] of labelText.matchAll(
        /([a-z_]+)="((?:[^"\\]|\\.)*)"/g,
      )) {
        labels[label] = text
      }
      return { name, labels, value: Number(value.replace('Inf', 'Infinity')) }
    })
}

/** What a text has that the table does not allow: names, labels, values of labels. */
export function departures(series: readonly ReadSeries[]): readonly string[] {
  return series.flatMap(({ name, labels }) => {
    const family = FAMILY_BY_SERIES.get(name)
    if (family === undefined) return [`${name} is in no table`]
    const declared = Object.keys(family.labels)
    const found = Object.keys(labels).filter((label) => label !== 'le')
    if (declared.sort().join() !== found.sort().join()) return [`${name} has ${found.join()}`]
    return found.flatMap((label) => {
      const values = family.labels[label]
      const value = labels[label] ?? ''
      return typeof values === 'string' || values?.includes(value) === true
        ? []
        : [`${name}: ${label}="${value}"`]
    })
  })
}
