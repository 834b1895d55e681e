import t from 'tap'
import { PinTable } from '../../src/storage/pin-table.ts'
import { storeKey } from './sample-item.ts'

const a = storeKey('live/a.m3u8')
const b = storeKey('live/b.m3u8')

function keys(...names: readonly (string | number)[]) {
  return names.map((name) => storeKey(`live/${name}`))
}

function open() {
  const heard: string[] = []
  const pins = new PinTable((key, isPinned) => heard.push(`${isPinned ? '+' : '-'}${key.slice(5)}`))
  return { pins, take: () => heard.splice(0).join(' ') }
}

t.test('only the first pin and the last release of a key are told', async (t) => {
  const { pins, take } = open()
  pins.replace(a, keys(1, 2, 3))
  t.equal(take(), '+1 +2 +3')
  pins.replace(b, keys(3, 4))
  t.equal(take(), '+4')
  pins.replace(a, keys(2, 3, 4, 5))
  t.equal(take(), '+5 -1')
  pins.release(b)
  t.equal(take(), '')
  pins.release(a)
  t.equal(take(), '-2 -3 -4 -5')
  t.same([pins.keyCount, pins.ownerCount], [0, 0])
})

t.test('single pins and replacements mix', async (t) => {
  const { pins, take } = open()
  const [one, two] = keys(1, 2) as [ReturnType<typeof storeKey>, ReturnType<typeof storeKey>]
  pins.add(one, a)
  pins.add(one, a)
  pins.replace(a, keys(1, 2))
  t.equal(take(), '+1 +2')
  pins.remove(one, a)
  pins.remove(one, a)
  pins.remove(one, b)
  t.equal(take(), '-1')
  pins.add(one, a)
  pins.replace(a, [])
  t.equal(take(), '+1 -2 -1')
  pins.add(two, b)
  t.ok(pins.has(two))
  pins.remove(two, b)
  t.notOk(pins.has(two))
  pins.release(b)
  t.same([pins.keyCount, pins.ownerCount], [0, 0])
})

t.test('repetitions, any iterable, and the same list again change nothing', async (t) => {
  const { pins, take } = open()
  pins.replace(a, new Set(keys(1, 2)))
  pins.replace(a, keys(2, 1, 2, 1))
  pins.replace(a, new Map(keys(1, 2).map((key) => [key, true])).keys())
  t.equal(take(), '+1 +2')
  pins.clear()
  t.equal(take(), '')
  t.notOk(pins.has(storeKey('live/1')))
})
