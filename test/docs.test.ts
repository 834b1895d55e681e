import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ERROR_KINDS } from '../src/base/errors.ts'
import { referenceFiles } from '../src/config/reference.ts'

const root = join(import.meta.dirname, '..')
// Git may give text files the system's line ends.
const read = (path: string) => readFileSync(join(root, path), 'utf8').replaceAll('\r\n', '\n')

t.test('the generated pages are current (npm run docs)', async (t) => {
  for (const [path, text] of referenceFiles()) t.ok(read(path) === text, path)
})

t.test('docs/errors.md has every code and no other', async (t) => {
  const codes = [...read('docs/errors.md').matchAll(/^\| `(HW_\w+)`/gm)].map(([, code]) => code)
  t.strictSame(codes, Object.keys(ERROR_KINDS))
})
