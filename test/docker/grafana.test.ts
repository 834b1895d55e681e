/** docker/grafana: dashboard, alerts and provisioning, held against the table of metrics. */

import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { FAMILY_BY_SERIES } from '../metrics/metrics-text.ts'
import { alertRules, dashboardExpressions } from './grafana-files.ts'

const ROOT = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8').replaceAll('\r\n', '\n')

const DASHBOARD = 'docker/grafana/dashboards/headwater.json'
/** What Prometheus and its histograms add to every series. */
const COMMON_LABELS = ['instance', 'job', 'le']

const expressions = dashboardExpressions()
const rules = alertRules()

t.test('every series of dashboard and alerts is in the table, with its labels', async (t) => {
  t.ok(expressions.length > 30 && rules.length > 5)
  for (const text of [...expressions, ...rules.map(({ expr }) => expr)]) {
    const selectors = [...text.matchAll(/(headwater_[a-z_]+)(?:\{([^}]*)\})?/g)]
    if (text !== 'up{job="headwater"} == 0') t.ok(selectors.length > 0, text)
    for (const [, name = '', matchers = ''] of selectors) {
      const family = FAMILY_BY_SERIES.get(name)
      if (!t.ok(family, `${name} in ${text}`)) continue
      const known = new Set([...Object.keys(family?.labels ?? {}), ...COMMON_LABELS])
      for (const [, label = '', value = ''] of matchers.matchAll(/([a-z]+)(?:=~?|!=)"([^"]*)"/g)) {
        t.ok(known.has(label), `${name}{${label}}`)
        const values = family?.labels[label]
        if (!Array.isArray(values) || value.startsWith('$')) continue
        for (const one of value.split('|')) t.ok(values.includes(one), `${name}{${label}="${one}"}`)
      }
    }
  }
})

t.test('labels that are summed by or shown are labels of the series', async (t) => {
  const known = new Set([
    ...[...FAMILY_BY_SERIES.values()].flatMap(({ labels }) => Object.keys(labels)),
    ...COMMON_LABELS,
  ])
  const texts = [read(DASHBOARD), read('docker/grafana/prometheus/headwater.rules.yml')]
  for (const text of texts) {
    const groups = [...text.matchAll(/\b(?:by|ignoring|on) \(([^)]*)\)/g)].map(([, names]) => names)
    const shown = [...text.matchAll(/\{\{ ?(?:\$labels\.)?([a-z]+) ?\}\}/g)].map(([, name]) => name)
    t.ok(shown.length > 0)
    for (const name of [...groups.join(',').split(','), ...shown]) {
      t.ok(known.has(name?.trim() ?? ''), String(name))
    }
  }
})

t.test('alerts: how bad it is, what it means, and a row in the docs', async (t) => {
  const page = read('docs/operations.md')
  const listed = [...page.matchAll(/^\| `(Headwater\w+)`/gm)].map(([, name]) => name)
  t.same([...listed].sort(), rules.map(({ alert }) => alert).sort())
  for (const { alert, labels, annotations } of rules) {
    t.match(labels.severity, /^(?:critical|warning)$/, alert)
    t.match(annotations.summary, /^\S.{10,}/, alert)
    t.match(annotations.description, /\.$/, alert)
  }
})

t.test('the dashboard: ids once, panels side by side, no foreign data source', async (t) => {
  // As Grafana writes it; what is looked at here is what the tests below need.
  const dashboard = JSON.parse(read(DASHBOARD)) as {
    readonly uid: string
    readonly panels: readonly {
      readonly id: number
      readonly title: string
      readonly datasource?: { readonly uid: string }
      readonly gridPos: {
        readonly x: number
        readonly y: number
        readonly w: number
        readonly h: number
      }
    }[]
  }
  const ids = dashboard.panels.map(({ id }) => id)
  t.equal(new Set(ids).size, ids.length)
  const cells = new Set<string>()
  for (const { title, datasource, gridPos } of dashboard.panels) {
    if (datasource !== undefined) t.equal(datasource.uid, '${datasource}', title)
    t.ok(gridPos.x + gridPos.w <= 24, title)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        if (cells.has(`${x},${y}`)) t.fail(`${title} lies on another panel`)
        cells.add(`${x},${y}`)
      }
    }
  }
})

t.test('provisioning leads to the files, as compose mounts them', async (t) => {
  const compose = read('docker/compose.yaml')
  for (const folder of readdirSync(new URL('docker/grafana/provisioning', ROOT))) {
    for (const file of readdirSync(new URL(`docker/grafana/provisioning/${folder}`, ROOT))) {
      t.ok(parse(read(`docker/grafana/provisioning/${folder}/${file}`)), file)
    }
  }
  const provider = read('docker/grafana/provisioning/dashboards/headwater.yaml')
  const path = /path: (\S+)/.exec(provider)?.[1] ?? '?'
  t.ok(compose.includes(`./grafana/dashboards:${path}:ro`))
  t.ok(compose.includes(`${path}/headwater.json`), 'the home page')
  t.match(read('docker/grafana/prometheus/prometheus.yml'), /targets: \['origin:8081'\]/)
  t.match(
    read('docker/grafana/provisioning/datasources/prometheus.yaml'),
    /http:\/\/prometheus:9090/,
  )
  t.match(read('Dockerfile'), /HEADWATER_ADMIN_HOST=\*/, 'the admin port is open to the network')
})
