import t from 'tap'
import { Overload } from '../../src/origin/overload.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { openTestOrigin } from './support.ts'

async function openOverload(t: { teardown(end: () => void): void }) {
  const clock = new ManualClock()
  const now = { delayMs: 0, rssBytes: 0 }
  const overload = new Overload({
    clock,
    eventLoopDelayMsMax: 100,
    rssBytesMax: 1000,
    readEventLoopDelayMs: () => now.delayMs,
    readRssBytes: () => now.rssBytes,
  })
  t.teardown(() => overload.close())
  const origin = await openTestOrigin()
  await origin.put('a.ts', 'bytes')
  await origin.put('p.m3u8', '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n')
  const [segment, playlist] = [origin.read('a.ts'), origin.read('p.m3u8')]
  if (segment === undefined || playlist === undefined) throw new TypeError('not stored')
  const aged = (seconds: number) => ({ ...segment, storedAtMs: clock.nowMs() - seconds * 1000 })
  return { clock, now, overload, aged, playlist }
}

t.test('the farther from the live edge, the earlier a read is refused', async (t) => {
  const { clock, now, overload, aged } = await openOverload(t)
  t.notOk(overload.refuses(aged(100_000)))
  now.delayMs = 101
  const refused = (): boolean[] => [601, 181, 61, 59].map((age) => overload.refuses(aged(age)))
  clock.advance(250)
  t.same(refused(), [true, false, false, false])
  clock.advance(250)
  t.same(refused(), [true, true, false, false])
  clock.advance(250)
  t.same(refused(), [true, true, true, false])
  clock.advance(10_000)
  t.same(refused(), [true, true, true, false], 'the last minute is never given up')
})

t.test('it goes level by level, and back when the load is well below the limit', async (t) => {
  const { clock, now, overload } = await openOverload(t)
  now.rssBytes = 1001
  clock.advance(500)
  t.equal(overload.stats.level, 2)
  now.rssBytes = 1000
  clock.advance(1000)
  t.equal(overload.stats.level, 2, 'at the limit it stays')
  now.rssBytes = 799
  clock.advance(250)
  t.equal(overload.stats.level, 1)
  clock.advance(1000)
  t.equal(overload.stats.level, 0)
})

t.test('playlists are never refused', async (t) => {
  const { clock, now, overload, playlist } = await openOverload(t)
  now.delayMs = 1000
  clock.advance(1000)
  t.notOk(overload.refuses({ ...playlist, storedAtMs: 0 }))
  t.equal(overload.stats.refusedCount, 0)
})

t.test('limits of 0 are none, and a closed one has no timer', async (t) => {
  const clock = new ManualClock()
  const overload = new Overload({
    clock,
    eventLoopDelayMsMax: 0,
    rssBytesMax: 0,
    readEventLoopDelayMs: () => 1e9,
    readRssBytes: () => 1e15,
  })
  clock.advance(1000)
  t.equal(overload.stats.level, 0)
  overload.close()
  t.equal(clock.timerCount, 0)
})
