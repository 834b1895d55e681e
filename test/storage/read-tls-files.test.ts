import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readTlsFiles } from '../../src/storage/valkey/read-tls-files.ts'
import { tlsFixture } from '../support/tls.ts'

t.test('files that are named are read, the others are absent', async (t) => {
  const caFile = tlsFixture('first.cert.pem')
  t.same(await readTlsFiles({ caFile: '', certFile: '', keyFile: '' }), {})
  t.same(await readTlsFiles({ caFile, certFile: '', keyFile: '' }), {
    ca: await readFile(caFile, 'utf8'),
  })
  const own = { certFile: tlsFixture('first.cert.pem'), keyFile: tlsFixture('first.key.pem') }
  t.same(Object.keys(await readTlsFiles({ caFile: '', ...own })), ['cert', 'key'])
})

t.test('every file that cannot be used is named, with the reason', async (t) => {
  const text = join(t.testdir(), 'text')
  await writeFile(text, 'hello')
  await t.rejects(readTlsFiles({ caFile: text, certFile: `${text}-of-nobody`, keyFile: '' }), {
    code: 'HW_START_VALKEY',
    message:
      /caFile: .*text is not a PEM file; storage\.valkey\.certFile: .* cannot be read \(ENOENT\)/,
  })
})
