/** What tests need of docker/grafana: the queries of the dashboard, the alerts. */

import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

const GRAFANA = new URL('../../docker/grafana/', import.meta.url)

export interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string }
}

export function alertRules(): readonly AlertRule[] {
  const text = readFileSync(new URL('prometheus/headwater.rules.yml', GRAFANA), 'utf8')
  // Prometheus' own shape; promtool checks it where it is installed.
  const { groups } = parse(text) as { readonly groups: readonly { readonly rules: AlertRule[] }[] }
  return groups.flatMap(({ rules }) => rules)
}

/** Every query: of panels, annotations and variables. */
export function dashboardExpressions(): readonly string[] {
  const text = readFileSync(new URL('dashboards/headwater.json', GRAFANA), 'utf8')
  const expressions: string[] = []
  JSON.parse(text, (key, value: unknown) => {
    if ((key === 'expr' || key === 'definition') && typeof value === 'string') {
      expressions.push(value)
    }
    return value
  })
  return expressions
}
