/** Damage and failure of the disk under a running origin: said with the reason, and nobody dies of it. */

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { open, readdir, readFile, readlink, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { startHeadwater } from '../../src/app.ts'
import type { Headwater } from '../../src/app.ts'
import { openCore } from '../../src/app/core.ts'
import { systemClock } from '../../src/base/clock.ts'
import { createLogger } from '../../src/base/log.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import { NO_ATTACHMENTS } from '../../src/storage/attachment-codec.ts'
import { DataDirectory } from '../../src/storage/data-directory.ts'
import { DiskStore } from '../../src/storage/disk-store.ts'
import { HotStore } from '../../src/storage/hot-store.ts'
import { closeIdleConnections, http } from '../support/http.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { sampleItem, storeKey } from './sample-item.ts'

const MIB = 1024 ** 2
const PAGE_BYTES = 4096
const LEAF = 2
const BRANCH = 1

async function start(dataDir: string, lines: string[] = []): Promise<Headwater> {
  return startHeadwater({
    dataDir,
    settings: { storage: { kind: 'disk', disk: { sizeBytesMax: 64 * MIB } } },
    log: createLogger('info', { write: (line: string) => lines.push(line) }),
  })
}

async function stop(origin: Headwater): Promise<void> {
  closeIdleConnections()
  await origin.close()
}

/** As a file system does that lost them: every page of a tree that mentions a text. */
async function zeroPages(file: string, text: string): Promise<number> {
  const bytes = await readFile(file)
  const handle = await open(file, 'r+')
  let count = 0
  for (let at = 2 * PAGE_BYTES; at < bytes.length; at += PAGE_BYTES) {
    const page = bytes.subarray(at, at + PAGE_BYTES)
    const flags = page.readUInt16LE(18)
    if ((flags !== LEAF && flags !== BRANCH) || !page.includes(text, 0, 'latin1')) continue
    await handle.write(Buffer.alloc(PAGE_BYTES), 0, PAGE_BYTES, at)
    count++
  }
  await handle.close()
  return count
}

t.test('what cannot be read is 503 with the reason, logged, and the rest goes on', async (t) => {
  const dataDir = t.testdir()
  const first = await start(dataDir)
  const url = ({ dataPlaneUrl }: Headwater, key: string) =>
    `${dataPlaneUrl}/cache/live-origin/${key}`
  const headers = { authorization: first.keys.superUser }
  await http(`${url(first, 'a.ts')}?ttl_seconds=600`, {
    method: 'PUT',
    headers,
    body: 'a'.repeat(9000),
  })
  await stop(first)
  // The row's key has its number behind it, the record's has not.
  const count = await zeroPages(join(dataDir, 'objects', 'data.mdb'), 'a.ts\0\0\0\0')
  t.ok(count > 0)

  const lines: string[] = []
  const second = await start(dataDir, lines)
  t.teardown(() => stop(second))
  for (let attempt = 0; attempt < 3; attempt++) {
    const refused = await http(url(second, 'a.ts'), { headers })
    t.match(refused, { status: 503, headers: { 'x-headwater-reason': 'store-unavailable' } })
  }
  t.equal((await http(url(second, 'a.ts'), { method: 'HEAD', headers })).status, 200)
  t.equal((await http(`${second.dataPlaneUrl}/health/ready`)).status, 200, 'of one object')
  const told = lines.filter((line) => line.includes('the disk does not'))
  t.ok(told.length >= 1 && told.length <= 3, `told ${told.length} times`)
  t.notOk(lines.some((line) => line.includes('item request failed')))
})

t.test('a directory whose records cannot be read is refused, and let go again', async (t) => {
  const dataDir = t.testdir()
  const first = await start(dataDir)
  const headers = { authorization: first.keys.superUser }
  const url = `${first.dataPlaneUrl}/cache/live-origin/a.ts?ttl_seconds=600`
  await http(url, { method: 'PUT', headers, body: 'bytes' })
  await stop(first)
  t.ok((await zeroPages(join(dataDir, 'objects', 'data.mdb'), 'video/mp2t')) > 0)
  await t.rejects(start(dataDir), { code: 'HW_DATA_DIR_CORRUPT', detail: /move it away/ })
  t.same(await openFilesBelow(dataDir), [])
})

t.test('a start that fails after the store was opened closes it', async (t) => {
  const dataDir = t.testdir()
  const { config } = resolveConfig({ overrides: { dataDir, storage: { kind: 'disk' } } })
  const dataDirectory = await DataDirectory.open(dataDir, { create: true })
  const broken = new Proxy(config.limits, {
    get: (limits, name) => {
      if (name === 'uploadsInFlightBytesMax') throw new Error('later')
      // Whatever else is asked for is as it was.
      return Reflect.get(limits, name) as unknown
    },
  })
  const opening = openCore({
    ...{ config: { ...config, limits: broken }, dataDirectory, clock: systemClock },
    ...{ log: createLogger('silent'), waitersPerCacheMax: undefined },
  })
  await t.rejects(opening, { message: 'later' })
  t.same(await openFilesBelow(join(dataDir, 'objects')), [])
  await dataDirectory.close()
})

t.test('a disk without any room is full, not broken; removals wait for it, too', async (t) => {
  const folder = mkdtempSync(
    join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'headwater-disk-'),
  )
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', folder]).status !== 0) {
    t.comment('not run: this user may not mount')
    return
  }
  t.teardown(() => spawnSync('umount', ['-l', folder]))
  const clock = new ManualClock()
  const errors: unknown[] = []
  const store = new DiskStore({
    ...{ hot: new HotStore({ sizeBytesMax: 4 * MIB, clock }), clock, attachments: NO_ATTACHMENTS },
    ...{ path: join(folder, 'objects'), sizeBytesMax: 64 * MIB, sync: 'interval' },
    onError: (error) => errors.push(error),
  })
  const item = () => sampleItem('live/a', clock.monotonicMs(), { body: MIB, ttlMs: 600_000 })
  t.match(await store.put(item()), { kind: 'stored' })
  const filler = join(folder, 'filler')
  const { bavail, bsize } = await statfs(folder)
  await writeFile(filler, Buffer.alloc(bavail * bsize))
  t.equal((await statfs(folder)).bavail, 0)
  t.match(await store.put(item()), { kind: 'full' })
  const removed = await store.delete(storeKey('live/a')).catch((error: unknown) => error)
  if (removed !== true) t.match(removed, { code: 'HW_STORE_UNAVAILABLE' })
  t.equal(store.isDown, false, 'full is not down')
  await rm(filler)
  let kind = ''
  for (let turn = 0; turn < 500 && kind !== 'stored'; turn++) {
    clock.advance(1000)
    await new Promise((resolve) => setTimeout(resolve, 5))
    kind = (await store.put(item())).kind
  }
  t.equal(kind, 'stored')
  await store.close()
})

/** Of this process; none where the system does not tell. */
async function openFilesBelow(folder: string): Promise<readonly string[]> {
  if (process.platform !== 'linux') return []
  const names = await readdir('/proc/self/fd')
  // Ignored: closed meanwhile.
  const files = await Promise.all(
    names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')),
  )
  return files.filter((file) => file.startsWith(folder))
}
