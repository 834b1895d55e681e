import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { Test } from 'tap'
import { DataDirectory } from '../../src/storage/data-directory.ts'
import { ManualClock } from '../support/manual-clock.ts'
import type { LockReport } from './lock-child.ts'

const isWindows = process.platform === 'win32'
const childPath = fileURLToPath(new URL('./lock-child.ts', import.meta.url))

/** A short path, so that the lock is in the directory itself. */
function shortFolder(t: Test): string {
  const folder = join(tmpdir(), `hw-${process.pid}-${Math.random().toString(36).slice(2, 8)}`)
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function startChild(t: Test, folder: string): Promise<ChildProcess> {
  const child = fork(childPath, [folder])
  t.teardown(() => child.kill('SIGKILL'))
  await once(child, 'message')
  return child
}

async function tell(child: ChildProcess, order: 'open' | 'close'): Promise<LockReport> {
  const answer = once(child, 'message')
  child.send(order)
  const [report] = (await answer) as [LockReport] // What lock-child.ts sends.
  return report
}

async function killHard(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

t.test('makes a private directory and gives it up as it was', async (t) => {
  const folder = shortFolder(t)
  const directory = await DataDirectory.open(join(folder, 'a', 'b'), { create: true })
  if (!isWindows) t.equal((await stat(directory.path)).mode & 0o777, 0o700)
  await directory.documents.write('keys.json', { a: 1 })
  await directory.close()
  await directory.close()
  t.same(await readdir(directory.path), ['keys.json'])
  const again = await DataDirectory.open(directory.path, { create: false })
  t.same(await again.documents.read('keys.json'), { a: 1 })
  await again.close()
})

t.test('removes what a killed write left', async (t) => {
  const folder = t.testdir({ '.a.json.0123456789ab.tmp': 'half', 'a.json': '1' })
  const directory = await DataDirectory.open(folder, { create: false })
  t.teardown(() => directory.close())
  t.same(
    (await readdir(folder)).filter((name) => !name.startsWith('lock')),
    ['a.json'],
  )
})

t.test('a second owner is refused and told who the first is', async (t) => {
  const folder = shortFolder(t)
  const clock = new ManualClock()
  const first = await DataDirectory.open(folder, { create: true, clock })
  await t.rejects(DataDirectory.open(folder, { create: true }), {
    code: 'HW_DATA_DIR_LOCKED',
    message: new RegExp(`process ${process.pid}, which started at 2026-01-15T12:00:00\\.000Z`),
  })
  await symlink(first.path, `${folder}-link`)
  t.teardown(() => rm(`${folder}-link`, { force: true }))
  await t.rejects(DataDirectory.open(`${folder}-link`, { create: true }), {
    code: 'HW_DATA_DIR_LOCKED',
  })
  await first.close()
  const second = await DataDirectory.open(folder, { create: true })
  await second.close()
})

t.test('a long path is locked, too', async (t) => {
  const folder = join(shortFolder(t), 'long'.repeat(30))
  const first = await DataDirectory.open(folder, { create: true })
  await t.rejects(DataDirectory.open(folder, { create: true }), { code: 'HW_DATA_DIR_LOCKED' })
  t.same(await readdir(folder), [])
  await first.close()
})

t.test('places that cannot be used are named, and nothing is changed', async (t) => {
  const folder = t.testdir({ file: 'content' })
  const cases = [
    { path: join(folder, 'none'), create: false, message: /none cannot be used/ },
    { path: join(folder, 'file'), create: false, message: /file cannot be used: it is not a dir/ },
    { path: join(folder, 'file'), create: true, message: /file cannot be used/ },
    { path: join(folder, 'file', 'deeper'), create: true, message: /deeper cannot be used/ },
    ...(process.platform === 'linux'
      ? [
          { path: '/proc', create: true, message: /\/proc cannot be used/ },
          { path: '/proc/none', create: true, message: /\/proc\/none cannot be used/ },
        ]
      : []),
  ]
  for (const { path, create, message } of cases) {
    await t.rejects(DataDirectory.open(path, { create }), { code: 'HW_DATA_DIR_UNUSABLE', message })
  }
  t.same(await readdir(folder), ['file'])
  t.equal(await readFile(join(folder, 'file'), 'utf8'), 'content')
})

t.test(
  'something else under the name of the lock is left alone',
  { skip: isWindows },
  async (t) => {
    for (const make of [
      (path: string) => writeFile(path, 'mine'),
      (path: string) => mkdir(path),
      (path: string) => symlink('/etc/passwd', path),
    ]) {
      const folder = shortFolder(t)
      await mkdir(folder)
      await make(join(folder, 'lock.sock'))
      await t.rejects(DataDirectory.open(folder, { create: true }), {
        code: 'HW_DATA_DIR_UNUSABLE',
        message: /lock\.sock/,
      })
      t.same(await readdir(folder), ['lock.sock'])
    }
  },
)

t.test('an owner that does not tell its name is an owner', { skip: isWindows }, async (t) => {
  for (const answer of ['nonsense\n', '1\n', '{"pid":"x"}\n', 'x'.repeat(5000)]) {
    const folder = shortFolder(t)
    await mkdir(folder)
    const socketName = 'lock.sock-0123456789'
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.end(answer)
    })
    t.teardown(() => server.close())
    server.listen(join(folder, socketName))
    await once(server, 'listening')
    await symlink(socketName, join(folder, 'lock.sock'))
    await t.rejects(DataDirectory.open(folder, { create: true }), {
      code: 'HW_DATA_DIR_LOCKED',
      message: /another process/,
    })
  }
})

t.test('a link whose socket is gone is a dead owner', { skip: isWindows }, async (t) => {
  const folder = shortFolder(t)
  await mkdir(folder)
  await symlink('lock.sock-0123456789', join(folder, 'lock.sock'))
  const directory = await DataDirectory.open(folder, { create: true })
  await t.rejects(DataDirectory.open(folder, { create: true }), { code: 'HW_DATA_DIR_LOCKED' })
  await directory.close()
  t.same(await readdir(folder), [])
})

t.test('an owner killed hard is followed by the next', async (t) => {
  const folder = shortFolder(t)
  const child = await startChild(t, folder)
  t.same(await tell(child, 'open'), { kind: 'open' })
  await t.rejects(DataDirectory.open(folder, { create: true }), {
    code: 'HW_DATA_DIR_LOCKED',
    message: new RegExp(`process ${child.pid},`),
  })
  await killHard(child)
  const directory = await DataDirectory.open(folder, { create: true })
  await directory.close()
  t.same(await readdir(folder), [], 'the dead owner leaves nothing behind')
})

t.test('of many that race for a dead owner`s directory one wins, round after round', async (t) => {
  const folder = shortFolder(t)
  const children = await Promise.all(Array.from({ length: 5 }, () => startChild(t, folder)))
  const spares = await Promise.all(Array.from({ length: 3 }, () => startChild(t, folder)))
  const first = children[0]
  if (first !== undefined) await tell(first, 'open')
  let owner = first
  for (let round = 0; round < 3; round++) {
    if (owner !== undefined) await killHard(owner)
    const alive = children.filter((child) => child !== owner)
    children.splice(0, children.length, ...alive, ...spares.splice(0, 1))
    const reports = await Promise.all(children.map((child) => tell(child, 'open')))
    const kinds = reports.map((report) => report.kind)
    t.equal(kinds.filter((kind) => kind === 'open').length, 1, `round ${round}: ${kinds.join()}`)
    t.equal(kinds.filter((kind) => kind === 'refused').length, children.length - 1)
    for (const report of reports) {
      if (report.kind === 'refused') t.equal(report.code, 'HW_DATA_DIR_LOCKED')
    }
    owner = children[kinds.indexOf('open')]
  }
  if (owner !== undefined) t.same(await tell(owner, 'close'), { kind: 'closed' })
  const directory = await DataDirectory.open(folder, { create: true })
  await directory.close()
})

t.test(
  'within one process, too, one of many wins over a dead owner',
  { skip: isWindows },
  async (t) => {
    for (let round = 0; round < 20; round++) {
      const folder = shortFolder(t)
      await mkdir(folder)
      await symlink('lock.sock-0123456789', join(folder, 'lock.sock'))
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, () => DataDirectory.open(folder, { create: true })),
      )
      const opened = results.flatMap((result) =>
        result.status === 'fulfilled' ? [result.value] : [],
      )
      t.equal(opened.length, 1)
      for (const result of results) {
        if (result.status === 'rejected') t.match(result.reason, { code: 'HW_DATA_DIR_LOCKED' })
      }
      await opened[0]?.close()
      t.same(await readdir(folder), [])
    }
  },
)
