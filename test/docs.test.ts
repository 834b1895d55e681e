import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ERROR_KINDS } from '../src/base/errors.ts'
import { referenceFiles } from '../src/config/reference.ts'
import { METRIC_FAMILIES } from '../src/metrics/families.ts'
import { metricsMarkdown } from '../src/metrics/metrics-markdown.ts'

const root = join(import.meta.dirname, '..')
// Git may give text files the system's line ends.
const read = (path: string) => readFileSync(join(root, path), 'utf8').replaceAll('\r\n', '\n')

t.test('the generated pages are current (npm run docs)', async (t) => {
  for (const [path, text] of referenceFiles()) t.ok(read(path) === text, path)
  t.ok(read('docs/metrics.md') === metricsMarkdown(), 'docs/metrics.md')
})

t.test('docs/errors.md has every code and no other', async (t) => {
  const codes = [...read('docs/errors.md').matchAll(/^\| `(HW_\w+)`/gm)].map(([, code]) => code)
  t.strictSame(codes, Object.keys(ERROR_KINDS))
})

t.test('docs/metrics.md has every metric and no other', async (t) => {
  const names = [...read('docs/metrics.md').matchAll(/^\| `(headwater_\w+)`/gm)].map(
    ([, name]) => name,
  )
  t.strictSame(
    names,
    METRIC_FAMILIES.map(({ name }) => name),
  )
})
