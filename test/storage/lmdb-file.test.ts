import { copyFile, open as openFile, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { open } from 'lmdb'
import t from 'tap'
import { examineLmdbFile } from '../../src/storage/lmdb-file.ts'

const PAGE_BYTES = 4096

/** A database with tables, small values and large ones, of which many were removed again. */
async function makeDatabase(path: string, random: () => number): Promise<string> {
  const root = open({ path, encoding: 'binary', keyEncoding: 'binary', maxDbs: 3 })
  const tables = ['a', 'b'].map((name) =>
    root.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' }),
  )
  for (let round = 0; round < 6; round++) {
    await Promise.all(
      Array.from({ length: 60 }, (_, index) => {
        const table = tables[index % 2] ?? root
        const key = Buffer.from(`${Math.floor(random() * 90)}`)
        if (random() < 0.4) return table.remove(key)
        return table.put(key, Buffer.alloc(Math.floor(random() ** 4 * 300_000), round))
      }),
    )
  }
  await root.flushed
  await root.close()
  return join(path, 'data.mdb')
}

/** Park and Miller's. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
}

/** Everything that is there, read by LMDB itself. @throws when it cannot be read. */
function readAll(path: string): number {
  const root = open({ path, encoding: 'binary', keyEncoding: 'binary', maxDbs: 3 })
  let sizeBytes = 0
  for (const name of ['a', 'b']) {
    const table = root.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' })
    for (const { value } of table.getRange({})) sizeBytes += value.length
  }
  void root.close()
  return sizeBytes
}

t.test('a file that was cut by any page in use is found out, and no other', async (t) => {
  for (let seed = 1; seed <= 3; seed++) {
    const path = join(t.testdir(), 'objects')
    const file = await makeDatabase(path, randomFrom(seed * 7919))
    const { size } = await stat(file)
    t.equal(await examineLmdbFile(file), undefined)
    t.ok(readAll(path) > 0)
    const copy = join(path, 'copy.mdb')
    await copyFile(file, copy)
    // From the end: pages of nobody may go, and then one that is needed is missing for good.
    let isCut = false
    for (
      let pages = size / PAGE_BYTES - 1;
      pages >= 2 && pages > size / PAGE_BYTES - 150;
      pages--
    ) {
      await truncate(copy, pages * PAGE_BYTES)
      const found = await examineLmdbFile(copy)
      if (isCut && found === undefined) t.fail(`seed ${seed}: ${pages} pages are enough again`)
      isCut ||= found !== undefined
    }
    t.ok(isCut, 'a cut of 600 KB')
    await truncate(copy, Math.floor(size * 0.6))
    t.match(await examineLmdbFile(copy), /it was cut$/)
  }
})

t.test('the very last page that is in use counts', async (t) => {
  const path = join(t.testdir(), 'objects')
  const root = open({ path, encoding: 'binary', keyEncoding: 'binary' })
  await root.put(Buffer.from('first'), Buffer.alloc(100_000, 1))
  await root.put(Buffer.from('last'), Buffer.alloc(100_000, 2))
  await root.flushed
  await root.close()
  const file = join(path, 'data.mdb')
  const { size } = await stat(file)
  await truncate(file, size - 1)
  t.match(await examineLmdbFile(file), /it was cut$/)
})

t.test('pages that are none are found out in a file that is too short', async (t) => {
  const path = join(t.testdir(), 'objects')
  const file = await makeDatabase(path, randomFrom(4711))
  const { size } = await stat(file)
  const handle = await openFile(file, 'r+')
  for (let at = 2 * PAGE_BYTES; at < size; at += PAGE_BYTES) {
    await handle.write(Buffer.alloc(PAGE_BYTES, at % 255), 0, PAGE_BYTES, at)
  }
  await handle.truncate(size - PAGE_BYTES)
  await handle.close()
  t.match(await examineLmdbFile(file), /it was cut$/)
})

t.test(
  'after the machine was started again the last state that was written for sure counts',
  async (t) => {
    const path = join(t.testdir(), 'objects')
    const file = await makeDatabase(path, randomFrom(42))
    const handle = await openFile(file, 'r+')
    const pages = Buffer.alloc(2 * PAGE_BYTES)
    await handle.read(pages, 0, pages.length, 0)
    const flushedAt = PAGE_BYTES / 2 + 24
    t.ok(pages.readBigUInt64LE(flushedAt + 128) > 0n, 'LMDB keeps such a state')
    const newestAt =
      pages.readBigUInt64LE(24 + 128) > pages.readBigUInt64LE(PAGE_BYTES + 24 + 128)
        ? 24
        : PAGE_BYTES + 24
    // A commit that never reached the disk: of another boot, and of pages that are not there.
    pages.writeBigUInt64LE(pages.readBigUInt64LE(newestAt + 128) + 2n, newestAt + 128)
    pages.writeBigUInt64LE(1_000_000n, newestAt + 120)
    pages.writeBigUInt64LE(999_999n, newestAt + 112)
    await handle.write(pages, 0, pages.length, 0)
    t.match(await examineLmdbFile(file), /it was cut$/)
    if (process.platform === 'linux') {
      pages.writeBigInt64LE(1n, newestAt + 136)
      pages.writeUInt16LE(pages.readUInt16LE(newestAt + 28) | 0x1000, newestAt + 28)
      await handle.write(pages, 0, pages.length, 0)
      t.equal(await examineLmdbFile(file), undefined)
      t.ok(readAll(path) > 0, 'LMDB goes by it, too')
    }
    await handle.close()
  },
)
