/** What the disk store's file does over time: room is used again, and a full disk is not the end. */

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { NO_ATTACHMENTS } from '../../src/storage/attachment-codec.ts'
import { ROW_BYTES } from '../../src/storage/disk-rows.ts'
import { DiskStore } from '../../src/storage/disk-store.ts'
import { HotStore } from '../../src/storage/hot-store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { cacheNamed, sampleItem, storeKey } from './sample-item.ts'

const MIB = 1024 ** 2
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'headwater-disk-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

function open(path: string, clock: ManualClock, options: { readonly sizeBytesMax?: number } = {}) {
  const hot = new HotStore({ sizeBytesMax: 4 * MIB, clock })
  return new DiskStore({
    ...{ hot, path, clock, attachments: NO_ATTACHMENTS },
    sizeBytesMax: options.sizeBytesMax ?? 512 * MIB,
    sync: 'interval',
  })
}

/** Lets the removal of what is due come to its end. */
async function untilCount(store: DiskStore, clock: ManualClock, itemCount: number): Promise<void> {
  for (let turn = 0; store.diskStats.itemCount > itemCount && turn < 2000; turn++) {
    clock.advance(500)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

t.test('over many turnovers the file keeps its length', async (t) => {
  const path = join(folder, 'turnover')
  const clock = new ManualClock()
  const store = open(path, clock)
  const lengths: number[] = []
  let sequence = 0
  for (let turnover = 0; turnover < 12; turnover++) {
    for (let count = 0; count < 25; count++) {
      // Never the same lengths again, as with real encoders.
      const body = 1000 + ((sequence * 7919 + turnover * 104_729) % 900_000)
      const item = sampleItem(`live/${sequence++}.ts`, clock.monotonicMs(), { body, ttlMs: 10_000 })
      const outcome = await store.put(item)
      if (outcome.kind !== 'stored') t.fail(outcome.kind)
    }
    clock.advance(11_000)
    await untilCount(store, clock, 0)
    t.equal(store.diskStats.itemCount, 0)
    t.equal(store.diskStats.sizeBytes, 0)
    lengths.push(store.diskStats.fileBytes)
  }
  const early = lengths[3] ?? 0
  const late = lengths.at(-1) ?? 0
  t.ok(late <= early * 1.2, `${lengths.map((length) => Math.round(length / MIB)).join(' ')} MiB`)
  await store.close()
})

t.test('a body of any length comes back as it was', async (t) => {
  const clock = new ManualClock()
  const path = join(folder, 'lengths')
  const first = open(path, clock)
  const bodies = new Map<string, Buffer>()
  for (const sizeBytes of [1, ROW_BYTES - 1, ROW_BYTES, ROW_BYTES + 1, 4 * ROW_BYTES, 2_345_678]) {
    for (const pieceBytes of [sizeBytes, 65_536, 1000]) {
      const name = `live/${sizeBytes}-${pieceBytes}`
      const body = Buffer.alloc(sizeBytes, name)
      const chunks: Buffer[] = []
      for (let at = 0; at < sizeBytes; at += pieceBytes) {
        chunks.push(body.subarray(at, at + pieceBytes))
      }
      const item = { ...sampleItem(name, clock.monotonicMs()), chunks, sizeBytes }
      t.equal((await first.put(item)).kind, 'stored')
      bodies.set(name, body)
    }
  }
  await first.close()
  const second = open(path, clock)
  for (const [name, body] of bodies) {
    const item = await second.load(storeKey(name))
    t.ok(Buffer.concat(item?.chunks ?? []).equals(body), name)
  }
  await second.close()
})

t.test('what memory has dropped is described without its body', async (t) => {
  const clock = new ManualClock()
  const store = open(join(folder, 'cold'), clock)
  const body = 3 * MIB
  await store.put(sampleItem('live/a', clock.monotonicMs(), { body, etag: '1-a' }))
  await store.put(sampleItem('live/b', clock.monotonicMs(), { body, etag: '1-b' }))
  t.equal(store.peek(storeKey('live/a')), 'elsewhere')
  t.match(store.inspect(storeKey('live/a')), { etag: '1-a', sizeBytes: body, chunks: [] })
  const page = await store.list(cacheNamed('live'), { keyPrefix: '', limit: 10 })
  t.same(
    page.items.map(({ etag }) => etag),
    ['1-a', '1-b'],
  )
  const outcome = await store.put(sampleItem('live/a', clock.monotonicMs(), { body: 'new' }))
  t.match(outcome, { kind: 'stored', replaced: { etag: '1-a', sizeBytes: body } })
  await store.extendDeadline(storeKey('live/b'), clock.monotonicMs() + 3_600_000)
  clock.advance(600_000)
  t.equal(store.inspect(storeKey('live/a')), 'absent')
  const found = store.inspect(storeKey('live/b'))
  t.equal(typeof found === 'object' && found.etag, '1-b', 'a later deadline holds on disk, too')
  await store.close()
})

t.test('a flush ends, though writes go on', async (t) => {
  const clock = new ManualClock()
  const store = open(join(folder, 'flush'), clock)
  for (let count = 0; count < 600; count++) {
    void store.put(sampleItem(`live/a${count}`, clock.monotonicMs()))
  }
  await store.put(sampleItem('live/z', clock.monotonicMs()))
  let isFlushed = false
  const writing = (async () => {
    for (let count = 0; !isFlushed; count++) {
      await store.put(sampleItem(`live/a${count}`, clock.monotonicMs()))
    }
  })()
  t.ok((await store.flush(cacheNamed('live'))) >= 601)
  isFlushed = true
  await writing
  t.equal(store.inspect(storeKey('live/z')), 'absent')
  await store.close()
})

t.test('a full file system refuses writes, serves reads, and recovers', async (t) => {
  const path = join(folder, 'small')
  await mkdir(path, { recursive: true })
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', path])
  if (mounted.status !== 0) {
    t.comment('not run: this user may not mount')
    return
  }
  t.teardown(() => spawnSync('umount', ['-l', path]))
  const clock = new ManualClock()
  const store = open(path, clock)
  const put = (name: string) =>
    store.put(sampleItem(name, clock.monotonicMs(), { body: MIB, ttlMs: 10_000 }))
  let storedCount = 0
  while ((await put(`live/${storedCount}`)).kind === 'stored') storedCount++
  t.ok(storedCount > 5 && storedCount < 16, `${storedCount} of 1 MiB in 16 MiB`)
  t.equal(store.diskStats.fullCount, 1)
  t.equal((await store.load(storeKey('live/0')))?.sizeBytes, MIB)
  t.equal((await put('live/more')).kind, 'full')
  clock.advance(11_000)
  await untilCount(store, clock, 0)
  t.equal(store.diskStats.itemCount, 0, 'what expires can be removed')
  const answers = [(await put('live/again')).kind]
  // The database takes freed pages again a commit or two later.
  for (let turn = 0; turn < 500 && answers.at(-1) !== 'stored'; turn++) {
    clock.advance(1000)
    await new Promise((resolve) => setTimeout(resolve, 5))
    answers.push((await put('live/again')).kind)
  }
  t.equal(answers.at(-1), 'stored', 'without a restart')
  t.ok(answers.length < 100, `after ${answers.length} looks`)
  t.equal((await store.load(storeKey('live/again')))?.sizeBytes, MIB)
  await store.close()
  t.ok(statSync(join(path, 'data.mdb')).size <= 16 * MIB)
})
