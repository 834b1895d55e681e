import { readFile } from 'node:fs/promises'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { systemErrorCode } from '../../src/base/system-error.ts'

t.test('the code of what the system said, also when it comes from another realm', async (t) => {
  const missing: unknown = await readFile('/nowhere/at/all').catch((error: unknown) => error)
  t.equal(systemErrorCode(missing), 'ENOENT')
  const foreign: unknown = runInNewContext("Object.assign(new Error('x'), { code: 'EPERM' })")
  t.notOk(foreign instanceof Error)
  t.equal(systemErrorCode(foreign), 'EPERM')
})

t.test('anything else has none', (t) => {
  for (const thrown of [undefined, null, 'ENOENT', new Error('x'), { code: 7 }]) {
    t.equal(systemErrorCode(thrown), '')
  }
  t.end()
})
