/** What README and the hand-written pages say, held against the program. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { PROFILE_DEFINITIONS } from '../src/config/profiles.ts'
import { settingsByPath } from '../src/config/settings.ts'
import { METRIC_FAMILIES } from '../src/metrics/families.ts'
import { seriesNames } from '../src/metrics/text.ts'
import { REFUSALS } from '../src/wire/refusals.ts'

const root = join(import.meta.dirname, '..')
// Git may give text files the system's line ends.
const read = (path: string) => readFileSync(join(root, path), 'utf8').replaceAll('\r\n', '\n')

const PAGES = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'],
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

t.test("README's table of errors has every reason with its status, and no other", async (t) => {
  const listed = new Map<string, number>()
  for (const [, status, text] of read('README.md').matchAll(/^\| (\d{3}) +\| (.*)\|$/gm)) {
    for (const [, reason] of (text ?? '').matchAll(/`([a-z]+(?:-[a-z]+)*)`/g)) {
      if (reason !== undefined && reason !== 'momento') listed.set(reason, Number(status))
    }
  }
  const known = Object.entries(REFUSALS).map(([reason, refusal]) => [reason, refusal.statusCode])
  t.strictSame(Object.fromEntries(listed), Object.fromEntries(known))
})

t.test('settings that the pages name exist', async (t) => {
  for (const page of PAGES) {
    for (const [, path = ''] of read(page).matchAll(
      /`((?:http|admin|auth|hotStore|storage|limits|emulation|delivery|caches|log|metrics|accessLog|webhooks)\.[A-Za-z.]+)`/g,
    )) {
      if (path.endsWith('.json')) continue
      // Or a group of them: `caches.defaults`.
      const isKnown = [...settingsByPath.keys()].some((name) => `${name}.`.startsWith(`${path}.`))
      t.ok(isKnown, `${page}: ${path}`)
    }
  }
})

t.test('profiles that README names exist', async (t) => {
  const compose: unknown = parse(read('docker/compose.yaml'))
  const composeProfiles = new Set(JSON.stringify(compose).match(/(?<="profiles":\[[^\]]*")[a-z]+/g))
  for (const [, name = ''] of read('README.md').matchAll(/--profile ([a-z]+)/g)) {
    t.ok(name in PROFILE_DEFINITIONS || composeProfiles.has(name), name)
  }
})

t.test('metrics that the pages name exist', async (t) => {
  const known = new Set(METRIC_FAMILIES.flatMap((family) => [family.name, ...seriesNames(family)]))
  for (const page of PAGES) {
    for (const name of namesOfMetrics(read(page))) t.ok(known.has(name), `${page}: ${name}`)
  }
})

t.test('links between the pages lead somewhere', async (t) => {
  for (const page of PAGES) {
    for (const [, target = ''] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue
      const [file = '', anchor] = target.split('#')
      const path = file === '' ? page : relative(root, join(root, dirname(page), file))
      t.ok(existsSync(join(root, path)), `${page}: ${target}`)
      if (anchor !== undefined) t.ok(anchorsOf(path).has(anchor), `${page}: ${target}`)
    }
  }
})

function namesOfMetrics(text: string): readonly string[] {
  return text.match(/headwater_[a-z_]*[a-z]/g) ?? []
}

/** GitHub's anchors of a page's headings. */
function anchorsOf(path: string): ReadonlySet<string> {
  const headings = [...read(path).matchAll(/^#{1,6} (.*)$/gm)].map(([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
  return new Set(headings)
}
