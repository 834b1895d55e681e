/** `docs/metrics.md`, made from the table of families. Pure text; `scripts/docs.mjs` writes it. */

import { FAMILY_GROUPS } from './families.ts'
import type { FamilyGroup } from './families.ts'
import { AGE_BOUNDS_SECONDS, LATENCY_BOUNDS_SECONDS } from './histogram.ts'
import type { Family } from './text.ts'

/** More families than this are counted, not named. */
const NAMES_MAX = 6

export function metricsMarkdown(): string {
  return [INTRODUCTION, ...FAMILY_GROUPS.map(groupMarkdown), labelsMarkdown()].join('\n')
}

const INTRODUCTION = `<!-- Generated from src/metrics/ by \`npm run docs\`; do not edit. -->

# Metrics

Prometheus text at \`/metrics\` of the admin plane (\`http://127.0.0.1:8081/metrics\`), without a key: keep the admin port private. Counters are of this process, from 0 at each start. Names and labels change with a new minor version only.

A dashboard for Grafana and alert rules for Prometheus are in \`docker/grafana/\`; how to use them: [Operations](operations.md#dashboards-and-alerts).

A histogram has \`_bucket\` (with the label \`le\`), \`_sum\` and \`_count\`; a summary \`_sum\` and \`_count\`. Buckets of latencies end at ${LATENCY_BOUNDS_SECONDS.join(', ')} seconds, those of ages at ${AGE_BOUNDS_SECONDS.join(', ')}.

Reading them costs requests nothing: they are numbers that are there anyway. The labels of a metric come from closed sets, except for names of caches and keys, which \`metrics.channelsMax\` bounds.
`

function groupMarkdown({ title, introduction, families }: FamilyGroup): string {
  const rows = families.map((family) => {
    const cells = [
      `\`${family.name}\``,
      family.type,
      Object.keys(family.labels)
        .map((label) => `\`${label}\``)
        .join(', '),
      `${family.help}${family.advice === undefined ? '' : ` ${family.advice}`}`,
    ]
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  })
  return `## ${title}

${introduction}

| Name | Type | Labels | Meaning, and what to watch for |
| --- | --- | --- | --- |
${rows.join('\n')}
`
}

function labelsMarkdown(): string {
  const rows = new Set(
    FAMILY_GROUPS.flatMap(({ families }) => families).flatMap((family) =>
      Object.entries(family.labels).map(
        ([label, values]) =>
          `| \`${label}\` | ${whereMarkdown(label, values)} | ${valuesMarkdown(values)} |`,
      ),
    ),
  )
  return `## Labels

| Label | Of | Values |
| --- | --- | --- |
${[...rows].join('\n')}
`
}

/** The families that have this label with these values. */
function whereMarkdown(label: string, values: Family<never>['labels'][string]): string {
  const names = FAMILY_GROUPS.flatMap(({ families }) => families)
    .filter(({ labels }) => String(labels[label]) === String(values))
    .map(({ name }) => `\`${name}\``)
  return names.length > NAMES_MAX ? `${names.length} metrics` : names.join(', ')
}

function valuesMarkdown(values: readonly string[] | string): string {
  return typeof values === 'string' ? values : values.map((value) => `\`${value}\``).join(', ')
}
