import { gzipSync } from 'node:zlib'
import t from 'tap'
import { formatTarHeader } from '../../../src/cli/archive/tar-format.ts'
import { archiveOf, endMember, HEAD, member, objectMembers, readAll } from './archive-bytes.ts'

const invalid = (problem: RegExp) => ({ code: 'HW_ARCHIVE_INVALID', message: problem })

t.test('what was written is read, whatever the chunks', async (t) => {
  const keys = [Buffer.from('a/b.ts'), Buffer.from([0, 255, 10]), Buffer.from('ä')]
  const objects = new Map(keys.map((key, index) => [key, Buffer.alloc(index * 512 + 1, index)]))
  const archive = await archiveOf(objects)
  for (const chunkBytes of [1, 7, 512, 65_536]) {
    const read = await readAll(archive, { chunkBytes })
    t.strictSame(
      read.map(({ key, body }) => [Buffer.from(key, 'latin1'), body]),
      [...objects],
    )
  }
  t.strictSame(await readAll(await archiveOf({})), [], 'an empty cache')
})

t.test('an archive that was cut short anywhere says so', async (t) => {
  const archive = await archiveOf({ 'a.ts': 'x'.repeat(600), 'b.ts': 'y' })
  // The last two blocks are zeros, which are not needed.
  for (let length = 1; length < archive.length - 1024 - 400; length += 97) {
    await t.rejects(readAll(archive.subarray(0, length)), invalid(/cut short|no tar|empty/))
  }
  const end = archive.indexOf('headwater-end.json')
  const zeros = Buffer.concat([archive.subarray(0, end), Buffer.alloc(1024)])
  await t.rejects(readAll(zeros), invalid(/ends before its last member/), 'cut between two members')
})

t.test('what is no archive is told apart', async (t) => {
  const cases: readonly (readonly [Buffer, RegExp])[] = [
    [Buffer.alloc(0), /it is empty/],
    [gzipSync(HEAD), /compressed/],
    [Buffer.alloc(2048, 'x'), /no tar file/],
    [Buffer.alloc(2048), /ends before/],
    [member('other.txt', 'x'), /not one of headwater export/],
    [member('headwater-archive.json', '{"format":"zip","version":1}'), /makes no sense/],
    [member('headwater-archive.json', 'x'), /makes no sense/],
    [
      member('headwater-archive.json', '{"format":"headwater-archive","version":2}'),
      /its version is 2, and this program reads 1/,
    ],
  ]
  for (const [archive, problem] of cases) await t.rejects(readAll(archive), invalid(problem))
})

t.test('counts that do not agree', async (t) => {
  const whole = (objectCount: number, bodyBytes: number) =>
    Buffer.concat([HEAD, objectMembers('body'), endMember(objectCount, bodyBytes)])
  t.equal((await readAll(whole(1, 4))).length, 1)
  await t.rejects(readAll(whole(2, 4)), invalid(/should hold 2 objects, and holds 1/))
  await t.rejects(readAll(whole(1, 5)), invalid(/should hold/))
})

t.test('bounds, at and over', async (t) => {
  const two = Buffer.concat([HEAD, objectMembers('12345'), objectMembers('6'), endMember(2, 6)])
  t.equal((await readAll(two, { limits: { objectsMax: 2, objectSizeBytesMax: 5 } })).length, 2)
  await t.rejects(
    readAll(two, { limits: { objectsMax: 1, objectSizeBytesMax: 5 } }),
    invalid(/more than 1 objects/),
  )
  await t.rejects(
    readAll(two, { limits: { objectsMax: 2, objectSizeBytesMax: 4 } }),
    invalid(/a member of 5 bytes is more than the 4/),
  )
  const padded = (sizeBytes: number) => {
    const text = '{"format":"headwater-archive","version":1}'
    return Buffer.concat([
      member('headwater-archive.json', text.padEnd(sizeBytes)),
      endMember(0, 0),
    ])
  }
  t.strictSame(await readAll(padded(16_384)), [])
  await t.rejects(readAll(padded(16_385)), invalid(/16385 bytes/))
})

t.test('a size that is promised and never comes costs no memory', async (t) => {
  const sizeBytes = 1_073_741_824
  const metadata = objectMembers('').subarray(0, -512)
  const header = formatTarHeader({ name: 'objects/1', type: 'file', sizeBytes, modifiedSeconds: 0 })
  const before = process.memoryUsage().arrayBuffers
  await t.rejects(readAll(Buffer.concat([HEAD, metadata, header])), invalid(/cut short/))
  t.ok(process.memoryUsage().arrayBuffers - before < 50_000_000)
  const over = formatTarHeader({
    name: 'o',
    type: 'file',
    sizeBytes: sizeBytes + 1,
    modifiedSeconds: 0,
  })
  await t.rejects(readAll(Buffer.concat([HEAD, metadata, over])), invalid(/is more than/))
})

t.test('metadata that makes no sense', async (t) => {
  const wrong: readonly Readonly<Record<string, unknown>>[] = [
    { key: '' },
    { key: 'a b' },
    { key: 'A'.repeat(1400) },
    { key: undefined },
    { contentType: 'a\r\nX-Evil: 1' },
    { contentType: 'a'.repeat(256) },
    { contentEncoding: 'gzip, br' },
    { ttlSeconds: 0 },
    { ttlSeconds: 1.5 },
    { ttlSeconds: 315_360_001 },
    { sha256: 'x' },
  ]
  for (const changed of wrong) {
    const archive = Buffer.concat([HEAD, objectMembers('body', changed), endMember(1, 4)])
    await t.rejects(readAll(archive), invalid(/metadata of an object/), JSON.stringify(changed))
  }
  const longest = { contentType: 'a'.repeat(255), ttlSeconds: 315_360_000 }
  const good = Buffer.concat([HEAD, objectMembers('body', longest), endMember(1, 4)])
  t.equal((await readAll(good)).length, 1)
})

t.test('members in the wrong places, bytes that changed', async (t) => {
  const pax = objectMembers('body').subarray(0, 1024)
  const cases: readonly (readonly [Buffer, RegExp])[] = [
    [member('objects/1', 'body'), /no metadata/],
    [Buffer.concat([pax, pax]), /bytes of an object are missing/],
    [member('p', 'not a record', 'pax'), /metadata of an object/],
    [objectMembers('body', { sha256: '0'.repeat(64) }), /are not those that were exported/],
  ]
  for (const [members, problem] of cases) {
    await t.rejects(readAll(Buffer.concat([HEAD, members, endMember(1, 4)])), invalid(problem))
  }
})
