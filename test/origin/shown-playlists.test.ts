import t from 'tap'
import { notesCodec } from '../../src/origin/item-notes.ts'
import { ShownPlaylists } from '../../src/origin/shown-playlists.ts'
import { writtenAfter } from '../../src/origin/written-after.ts'
import type { StoredItem } from '../../src/storage/store.ts'
import { sampleItem, storeKey } from '../storage/sample-item.ts'
import { ManualClock } from '../support/manual-clock.ts'

const KEY = storeKey('live/p.m3u8')
const TARGET_MS = 2000

function open() {
  const clock = new ManualClock()
  const shown = new ShownPlaylists(clock)
  /** Written now. */
  const write = (msn: number, etag: string, more = ''): StoredItem => {
    const body =
      `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${msn}\n` +
      `#EXTINF:2,\n${msn}.ts\n#EXTINF:2,\n${msn + 1}.ts\n${more}`
    const sample = sampleItem('live/p.m3u8', clock.monotonicMs(), { body, etag })
    const item: StoredItem = { ...sample, kind: 'media' }
    return { ...item, attachment: notesCodec.fromText(item, '') }
  }
  return { clock, shown, write }
}

t.test(
  'an older version is not shown for three target durations after the newer one',
  async (t) => {
    const { clock, shown, write } = open()
    const older = write(1, 'run-1')
    const newer = write(2, 'run-2')
    t.equal(shown.insteadOf(KEY, older), undefined)
    shown.wrote(newer)
    clock.advance(60)
    // Until now it was read from memory.
    shown.dropped(undefined)
    const untilMonotonicMs = clock.monotonicMs() + 3 * TARGET_MS
    t.same(shown.insteadOf(KEY, older), { item: newer, untilMonotonicMs })
    shown.dropped(KEY)
    clock.advance(3 * TARGET_MS - 1)
    t.same(shown.insteadOf(KEY, older), { item: newer, untilMonotonicMs }, 'no longer for that')
    clock.advance(1)
    t.equal(shown.insteadOf(KEY, older), undefined)
    t.equal(shown.insteadOf(KEY, newer), undefined, 'and on it goes')
  },
)

t.test('what is newer is shown at once, whatever its number', async (t) => {
  const { shown, write, clock } = open()
  shown.wrote(write(100, 'run-z'))
  t.equal(shown.insteadOf(KEY, write(0, 'run-10')), undefined, 'counted in base 36')
  clock.advance(10)
  t.equal(shown.insteadOf(KEY, write(200, 'other-1')), undefined)
  clock.advance(10)
  t.equal(shown.insteadOf(KEY, write(0, 'another-1')), undefined, 'written after it')
})

t.test('of two writers the times decide, and only about what goes back', async (t) => {
  const { shown, write, clock } = open()
  const before = write(5, 'other-9')
  const ahead = write(9, 'other-8')
  clock.advance(500)
  const seen = write(6, 'run-1')
  shown.wrote(seen)
  t.match(shown.insteadOf(KEY, before), { item: seen })
  t.equal(shown.insteadOf(KEY, ahead), undefined)
})

t.test('fewer parts at the edge are a step back, too', async (t) => {
  const { shown, write, clock } = open()
  const parts = (count: number) =>
    Array.from({ length: count }, (_, at) => `#EXT-X-PART:DURATION=1,URI="${at}.mp4"\n`).join('')
  const before = write(5, 'other-9', parts(1))
  clock.advance(500)
  const seen = write(5, 'run-1', parts(2))
  shown.wrote(seen)
  t.match(shown.insteadOf(KEY, before), { item: seen })
})

t.test('what is gone, has expired or is no playlist any more is not kept', async (t) => {
  const { shown, write, clock } = open()
  const older = write(1, 'run-1')
  const newer = write(2, 'run-2')
  shown.wrote(newer)
  t.equal(shown.insteadOf(KEY, undefined), undefined)
  t.equal(shown.insteadOf(KEY, older), undefined, 'deleted in between')
  shown.wrote(newer)
  shown.wrote(sampleItem('live/p.m3u8', clock.monotonicMs()))
  t.equal(shown.insteadOf(KEY, older), undefined)
  shown.wrote(newer)
  clock.advance(59_000)
  shown.dropped(KEY)
  t.match(shown.insteadOf(KEY, older), { untilMonotonicMs: newer.expiresAtMonotonicMs })
  clock.advance(1000)
  t.equal(shown.insteadOf(KEY, older), undefined)
})

t.test('the last 2,000 playlists are remembered', async (t) => {
  const { shown, write } = open()
  const rename = (item: StoredItem, index: number): StoredItem => ({
    ...item,
    storeKey: storeKey(`live/${index}.m3u8`),
  })
  for (let index = 0; index <= 2000; index++) shown.wrote(rename(write(2, 'run-2'), index))
  const older = write(1, 'run-1')
  t.match(shown.insteadOf(storeKey('live/1.m3u8'), rename(older, 1)), { item: {} })
  t.equal(shown.insteadOf(storeKey('live/0.m3u8'), rename(older, 0)), undefined)
})

t.test('who wrote both is sure of the order; ETags of another form say nothing', async (t) => {
  const { write, clock } = open()
  const [first, second] = [write(1, 'ab-c-9'), write(1, 'ab-c-a')]
  t.equal(writtenAfter(first)(second), 'surely')
  t.equal(writtenAfter(second)(first), undefined)
  const strange = write(1, 'strange')
  t.equal(writtenAfter(first)(strange), undefined, 'at the same time')
  clock.advance(1)
  t.equal(writtenAfter(strange)(write(1, 'strange')), 'probably')
})
