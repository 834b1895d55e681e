/** A writing process is killed again and again: what was acknowledged is there, and nothing is torn. */

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import type { Test } from 'tap'
import { systemClock } from '../../src/base/clock.ts'
import { NO_ATTACHMENTS } from '../../src/storage/attachment-codec.ts'
import { prepareDiskDirectory } from '../../src/storage/disk-directory.ts'
import { DiskStore } from '../../src/storage/disk-store.ts'
import type { SyncMode } from '../../src/storage/disk-tables.ts'
import { HotStore } from '../../src/storage/hot-store.ts'
import { cacheNamed } from './sample-item.ts'

const CHILD = join(import.meta.dirname, 'disk-child.ts')
/** Few, so that the suite stays short: CONTRIBUTING.md says how to run more. */
const KILLS = Number(process.env['HEADWATER_TEST_KILLS'] ?? 4)

/** Names and what a reader may find under them: the last write that was told, or one begun after it. */
type Expected = Map<string, { told: string | undefined; readonly begun: Set<string> }>

interface Message {
  readonly kind: 'open' | 'begun' | 'stored' | 'full'
  readonly name: string
  readonly hash: string
}

/** Runs a writer for some time and kills it. */
async function killWriter(path: string, sync: SyncMode, afterMs: number, expected: Expected) {
  const child = spawn(process.execPath, [...process.execArgv, CHILD, path, sync], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  let storedCount = 0
  for await (const line of createInterface(child.stdout)) {
    // The child writes nothing else.
    const { kind, name, hash } = JSON.parse(line) as Message
    if (kind === 'open') setTimeout(() => child.kill('SIGKILL'), afterMs)
    if (kind === 'open') continue
    const entry = expected.get(name) ?? { told: undefined, begun: new Set() }
    expected.set(name, entry)
    if (kind === 'begun') entry.begun.add(hash)
    if (kind !== 'stored') continue
    storedCount++
    entry.told = hash
    entry.begun.delete(hash)
  }
  await exited
  return storedCount
}

/** Reads everything back in this process. */
async function check(t: Test, path: string, expected: Expected): Promise<void> {
  await prepareDiskDirectory(path, systemClock)
  const hot = new HotStore({ sizeBytesMax: 64 * 1024 ** 2, clock: systemClock })
  const store = new DiskStore({
    ...{ hot, path, clock: systemClock, attachments: NO_ATTACHMENTS },
    ...{ sizeBytesMax: 1024 ** 3, sync: 'interval' },
  })
  const faults: string[] = []
  const found = new Map<string, string>()
  const page = await store.list(cacheNamed('live'), { keyPrefix: '', limit: 10_000 })
  for (const { storeKey, etag } of page.items) {
    const item = await store.load(storeKey)
    const hash = createHash('sha256')
      .update(Buffer.concat(item?.chunks ?? []))
      .digest('hex')
    if (hash !== etag) faults.push(`${storeKey} is torn`)
    found.set(storeKey, hash)
  }
  for (const [name, entry] of expected) {
    const hash = found.get(name)
    if (entry.told === undefined && hash === undefined) continue
    if (hash === undefined) faults.push(`${name} is lost`)
    else if (hash !== entry.told && !entry.begun.has(hash)) faults.push(`${name} is older`)
    // What is there now is what the next writer goes on from.
    entry.told = hash
    entry.begun.clear()
  }
  await store.close()
  t.same(faults, [])
}

for (const sync of ['interval', 'always'] as const) {
  t.test(`killed at any moment with sync ${sync}, the store has all it acknowledged`, async (t) => {
    t.setTimeout(30_000 + KILLS * 20_000)
    const path = join(t.testdir(), 'objects')
    const expected: Expected = new Map()
    let storedCount = 0
    for (let kill = 0; kill < KILLS; kill++) {
      storedCount += await killWriter(path, sync, 20 + Math.random() * 250, expected)
      await check(t, path, expected)
    }
    t.ok(storedCount > 0)
    t.comment(`${KILLS} kills, ${storedCount} writes acknowledged, none lost`)
  })
}
