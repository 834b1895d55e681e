import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  FILE_SIZE_BYTES_MAX,
  formatPaxRecord,
  formatTarHeader,
  parsePaxRecords,
  parseTarHeader,
} from '../../../src/cli/archive/tar-format.ts'
import { archiveOf } from './archive-bytes.ts'

const hasTar = spawnSync('tar', ['--version']).status === 0

t.test('what is formatted is parsed again', async (t) => {
  const header = {
    name: 'objects/1-a.ts',
    type: 'file',
    sizeBytes: 512,
    modifiedSeconds: 7,
  } as const
  t.strictSame(parseTarHeader(formatTarHeader(header)), header)
  const largest = { ...header, sizeBytes: FILE_SIZE_BYTES_MAX, name: 'n'.repeat(100) }
  t.strictSame(parseTarHeader(formatTarHeader(largest)), largest)
  t.throws(() => formatTarHeader({ ...header, sizeBytes: FILE_SIZE_BYTES_MAX + 1 }), RangeError)
  for (const name of ['', 'n'.repeat(101), 'a b', 'ä']) {
    t.throws(() => formatTarHeader({ ...header, name }), RangeError)
  }
  t.equal(parseTarHeader(Buffer.alloc(512)), 'end')
})

t.test('a pax record counts its own digits', async (t) => {
  // Lengths around those where the count of digits changes.
  for (const length of [1, 87, 88, 89, 90, 91, 985, 986, 987, 988, 9980, 9981, 9982, 9983, 9984]) {
    const value = 'v'.repeat(length)
    const record = formatPaxRecord('comment', value)
    t.equal(Number(record.toString().split(' ')[0]), record.length, String(length))
    t.equal(parsePaxRecords(record)?.get('comment'), value)
  }
  const two = Buffer.concat([formatPaxRecord('path', 'ä=\n'), formatPaxRecord('comment', 'b')])
  t.strictSame(
    [...(parsePaxRecords(two) ?? [])],
    [
      ['path', 'ä=\n'],
      ['comment', 'b'],
    ],
  )
})

t.test('records that are not well-formed are none', async (t) => {
  for (const text of [
    'x',
    '5 a=b',
    '6 a=b\n\n',
    '7 a=b\n',
    '0 a=b\n',
    '4 a=\n',
    '999999999 a=b\n',
    '6 ab\n\n',
  ]) {
    t.equal(parsePaxRecords(Buffer.from(text)), undefined, JSON.stringify(text))
  }
  t.equal(parsePaxRecords(Buffer.alloc(0))?.size, 0)
})

t.test('headers of other things', async (t) => {
  const good = formatTarHeader({ name: 'a', type: 'file', sizeBytes: 1, modifiedSeconds: 0 })
  const changed = (at: number, text: string) => {
    const block = Buffer.from(good)
    block.write(text, at, 'latin1')
    const sum = block.reduce(
      (all, byte, index) => (index >= 148 && index < 156 ? all + 32 : all + byte),
      0,
    )
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    return parseTarHeader(block)
  }
  for (const flag of ['1', '2', '3', '5', 'g', 'L', 'S'])
    t.match(changed(156, flag), { problem: /not a plain file/ })
  t.match(changed(124, '\x80\0\0\0\0\0\0\0\0\0\0\x01'), { problem: /no number/ })
  t.match(changed(257, 'other'), { problem: /no tar file/ })
  t.match(changed(156, '\0'), { type: 'file' }, 'as tar of 1979 writes it')
  const broken = Buffer.from(good)
  broken[0] = 0x62
  t.match(parseTarHeader(broken), { problem: /checksum/ })
})

t.test(
  'the real tar unpacks it, in silence and inside its folder',
  { skip: !hasTar && 'there is no tar' },
  async (t) => {
    const folder = t.testdir({ out: {} })
    const objects = new Map([
      [Buffer.from('../../etc/passwd'), Buffer.from('escape')],
      [Buffer.from('/absolute/key.ts'), Buffer.alloc(100_000, 1)],
      [Buffer.from([0x00, 0xff, 0x2f, 0x0a]), Buffer.from('bytes')],
      [Buffer.from('-rf'), Buffer.alloc(512, 2)],
      [Buffer.from(`long/${'k'.repeat(1019)}`), Buffer.from('x')],
      [Buffer.from('..'), Buffer.from('y')],
    ])
    writeFileSync(join(folder, 'a.tar'), await archiveOf(objects))
    const { status, stderr } = spawnSync('tar', [
      '-xf',
      join(folder, 'a.tar'),
      '-C',
      join(folder, 'out'),
    ])
    t.equal(stderr.toString(), '')
    t.equal(status, 0)
    t.strictSame(readdirSync(folder).sort(), ['a.tar', 'out'])
    t.strictSame(readdirSync(join(folder, 'out')).sort(), [
      'headwater-archive.json',
      'headwater-end.json',
      'objects',
    ])
    const names = readdirSync(join(folder, 'out', 'objects')).sort()
    t.strictSame(names.slice(0, 4), [
      '00000001-passwd',
      '00000002-key.ts',
      '00000003-_',
      '00000004--rf',
    ])
    const read = (name = '') => readFileSync(join(folder, 'out', 'objects', name))
    t.strictSame(
      names.map((name) => read(name)),
      [...objects.values()],
    )
    t.notOk(existsSync('/absolute'))
  },
)
