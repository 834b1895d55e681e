import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { systemClock } from '../../src/base/clock.ts'
import { JsonDocuments } from '../../src/storage/json-documents.ts'

const hasModes = process.platform !== 'win32'

function open(t: Test): { readonly folder: string; readonly documents: JsonDocuments } {
  const folder = t.testdir()
  return { folder, documents: new JsonDocuments(folder, systemClock) }
}

t.test(
  'a document comes back as it was written, from a file that only the owner reads',
  async (t) => {
    const { folder, documents } = open(t)
    const value = { keys: [{ id: 'a', validUntil: 1.5 }], empty: null }
    t.equal(await documents.read('keys.json'), undefined)
    await documents.write('keys.json', value)
    t.same(await documents.read('keys.json'), value)
    t.same(await readdir(folder), ['keys.json'])
    if (hasModes) t.equal((await stat(join(folder, 'keys.json'))).mode & 0o777, 0o600)
  },
)

t.test('a mode can be asked for, and holds after an overwrite', async (t) => {
  const { folder, documents } = open(t)
  await documents.writeText('server.json', '1', { mode: 0o644 })
  await documents.writeText('server.json', '2', { mode: 0o600 })
  t.equal(await documents.readText('server.json'), '2')
  if (hasModes) t.equal((await stat(join(folder, 'server.json'))).mode & 0o777, 0o600)
})

t.test('the last of many writes wins, and a read waits for it', async (t) => {
  const { folder, documents } = open(t)
  const writes = Array.from({ length: 30 }, (_, index) => documents.write('a.json', index))
  t.equal(await documents.read('a.json'), 29)
  await Promise.all(writes)
  t.same(await readdir(folder), ['a.json'])
})

t.test('a removed file is gone', async (t) => {
  const { documents } = open(t)
  await documents.writeText('a.txt', 'x')
  t.equal(await documents.remove('a.txt'), true)
  t.equal(await documents.remove('a.txt'), false)
  t.equal(await documents.readText('a.txt'), undefined)
})

t.test('damaged files are named, kept and never overwritten', async (t) => {
  for (const damage of ['{"a":', '', Buffer.from([0x7b, 0xff, 0x7d])]) {
    const { folder, documents } = open(t)
    const path = join(folder, 'keys.json')
    await writeFile(path, damage)
    await t.rejects(documents.read('keys.json'), {
      code: 'HW_DATA_DIR_CORRUPT',
      message: new RegExp('keys\\.json'),
      detail: /Restore it/,
    })
    await t.rejects(documents.write('keys.json', {}), { code: 'HW_DATA_DIR_CORRUPT' })
    t.same(await readFile(path), Buffer.from(damage))
  }
})

t.test('a file that cannot be read or written is named; the old content stays', async (t) => {
  const folder = t.testdir({ 'a.json': {}, 'b.json': { 'c.json': '{}' } })
  const documents = new JsonDocuments(folder, systemClock)
  await t.rejects(documents.read('a.json'), { code: 'HW_DATA_DIR_UNUSABLE', message: /a\.json/ })
  await t.rejects(documents.write('b.json', 1), {
    code: 'HW_DATA_DIR_UNUSABLE',
    message: /b\.json/,
  })
  await t.rejects(documents.remove('b.json'), { code: 'HW_DATA_DIR_UNUSABLE', message: /b\.json/ })
  t.same((await readdir(folder)).sort(), ['a.json', 'b.json'], 'no temporary file stays')
  const gone = new JsonDocuments(join(folder, 'none'), systemClock)
  await t.rejects(gone.write('a.json', 1), { code: 'HW_DATA_DIR_UNUSABLE' })
})

t.test(
  'a failed write does not stop the next',
  { skip: !hasModes || process.getuid?.() === 0 },
  async (t) => {
    const { folder, documents } = open(t)
    await chmod(folder, 0o500)
    await t.rejects(documents.write('a.json', 1), { code: 'HW_DATA_DIR_UNUSABLE' })
    await chmod(folder, 0o700)
    await documents.write('a.json', 2)
    t.equal(await documents.read('a.json'), 2)
  },
)

t.test('closing finishes what is under way and refuses the rest', async (t) => {
  const { folder, documents } = open(t)
  const write = documents.write('a.json', 1)
  await documents.close()
  t.equal(await readFile(join(folder, 'a.json'), 'utf8'), '1\n')
  await write
  await t.rejects(documents.write('a.json', 2), { code: 'HW_DATA_DIR_UNUSABLE' })
  t.equal(await documents.read('a.json'), 1)
})

t.test('only what a killed write left is removed', async (t) => {
  const folder = t.testdir({ '.a.json.0123456789ab.tmp': 'half', '.keep': '', 'b.tmp': '' })
  await new JsonDocuments(folder, systemClock).removeLeftovers()
  t.same((await readdir(folder)).sort(), ['.keep', 'b.tmp'])
})

t.test('names cannot leave the directory', async (t) => {
  const { documents } = open(t)
  for (const name of ['../a', 'a/b', '.a', '', 'a\\b', 'x'.repeat(101)]) {
    t.throws(() => documents.pathOf(name))
    await t.rejects(documents.read(name))
  }
})
