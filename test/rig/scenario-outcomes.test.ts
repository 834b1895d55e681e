/** The page says what the end-to-end test holds the players to, with the versions it ran. */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import t from 'tap'
import { SHIPPED_SCENARIOS } from '../../src/rig/shipped-scenarios.ts'
import { SCENARIO_OUTCOMES, outcomeRows } from '../support/scenario-outcomes.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/rigs.md'), 'utf8')

t.test('every scenario that is shipped has an outcome in every player', async (t) => {
  t.same(Object.keys(SCENARIO_OUTCOMES), Object.keys(SHIPPED_SCENARIOS))
})

t.test('the table of docs/rigs.md is what is tested', async (t) => {
  const lines = page.split(/\r?\n/).map((line) => line.replace(/\s*\|\s*/g, '|'))
  for (const row of outcomeRows()) {
    t.ok(lines.includes(`|${row.join('|')}|`), `| ${row.join(' | ')} |`)
  }
})

t.test('the versions are those of this tree', async (t) => {
  const require = createRequire(import.meta.url)
  for (const [name, title] of [
    ['hls.js', 'hls.js'],
    ['shaka-player', 'Shaka Player'],
  ] as const) {
    // package.json has a version.
    const { version } = require(`${name}/package.json`) as { readonly version: string }
    t.match(page, `${title} ${version.split('.').slice(0, 2).join('.')}`)
  }
})
