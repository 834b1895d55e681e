import t from 'tap'
import { splitStoreKey, toStoreKey } from '../../src/base/names.ts'
import type { StoreKey } from '../../src/base/names.ts'
import { parsePlaylist } from '../../src/hls/playlist.ts'
import { resolveLivePlaylist } from '../../src/origin/live-playlist.ts'
import { POINTS_MAX, PublishTimeline } from '../../src/origin/publish-timeline.ts'
import type { StoredItem } from '../../src/storage/store.ts'
import { cacheName, itemKey } from './support.ts'

const START_MS = Date.UTC(2026, 0, 15)

/** Only what the timeline looks at. */
function item(storeKey: StoreKey, storedAtMs: number, sizeBytes = 100): StoredItem {
  return { storeKey, storedAtMs, sizeBytes } as StoredItem
}

/** Segments of 2 s; `tags` stand before the first. */
function open() {
  const timeline = new PublishTimeline()
  const stored = new Map<StoreKey, StoredItem>()
  const keyOf = (name: string) => toStoreKey(cacheName('live'), itemKey(name))
  const playlistKey = keyOf('live.m3u8')
  /** Stored at so many seconds after the start. */
  const store = (name: string, seconds: number) => {
    const made = item(keyOf(name), START_MS + seconds * 1000)
    stored.set(made.storeKey, made)
    return made
  }
  const list = (first: number, names: readonly string[], seconds: number, tags = '') => {
    const text =
      `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${first}\n${tags}` +
      names.map((name) => `#EXTINF:2.0,\n${name}\n`).join('')
    const playlist = parsePlaylist(text)
    if (playlist?.kind !== 'media') throw new Error(text)
    const live = resolveLivePlaylist(item(playlistKey, 0), playlist, 0, undefined)
    timeline.list(live, (key) => stored.get(key) ?? 'absent', START_MS + seconds * 1000)
  }
  const delays = () =>
    timeline.points.map(({ storedAtMs, dueAtMs }) =>
      storedAtMs === undefined ? undefined : (storedAtMs - dueAtMs) / 1000,
    )
  return { timeline, store, list, delays, keyOf }
}

t.test('due is what the best of the encoder would have made of it', async (t) => {
  const { timeline, store, list, delays } = open()
  t.equal(timeline.delaySeconds, undefined)
  const names: string[] = []
  for (const [index, seconds] of [2.5, 4.5, 7.2, 8.4, 10.5].entries()) {
    names.push(`s${index}.ts`)
    store(`s${index}.ts`, seconds)
    list(0, names, seconds)
  }
  t.same(delays(), [0, 0, 0.7, -0.1, 0.1])
  t.equal(timeline.delaySeconds, 0.1)
  t.match(timeline.points[2], {
    key: 's2.ts',
    mediaSequenceNumber: 2,
    durationSeconds: 2,
    sizeBytes: 100,
  })
})

t.test('dates are the place, and need not agree with the clock', async (t) => {
  const { store, list, delays } = open()
  const date = (seconds: number) =>
    `#EXT-X-PROGRAM-DATE-TIME:${new Date(START_MS - 3_600_000 + seconds * 1000).toISOString()}\n`
  store('s0.ts', 2)
  list(0, ['s0.ts'], 2, date(0))
  // A segment was never listed: its place is known by the date.
  store('s1.ts', 6)
  list(2, ['s1.ts'], 6, date(4))
  t.same(delays(), [0, 0])
})

t.test('a segment that comes after its playlist is measured when it comes', async (t) => {
  const { timeline, store, list, delays, keyOf } = open()
  store('s0.ts', 2)
  list(0, ['s0.ts', 's1.ts'], 4)
  t.same(delays(), [0, undefined])
  t.match(timeline.points[1], { sizeBytes: 0, storedAtMs: undefined })
  timeline.settle(store('s1.ts', 5))
  t.same(delays(), [0, 1])
  t.equal(timeline.points[1]?.sizeBytes, 100)
  timeline.settle(store('s1.ts', 9))
  timeline.settle(store('other.ts', 9))
  t.same(delays(), [0, 1], 'once')
  t.equal(splitStoreKey(keyOf('s1.ts')).key, timeline.points[1]?.key)
})

t.test('a restart, a discontinuity or a leap of the dates begins anew', async (t) => {
  const { timeline, store, list, delays } = open()
  store('s0.ts', 2)
  list(7, ['s0.ts'], 2)
  for (const name of ['a0.ts', 'a1.ts']) store(name, 60)
  list(0, ['a0.ts', 'a1.ts'], 60)
  t.same(delays(), [0, 0, -2], 'two at once: the second is early')
  store('b.ts', 500)
  list(2, ['b.ts'], 500, '#EXT-X-DISCONTINUITY\n')
  t.same(delays().at(-1), 0)
  const date = new Date(START_MS + 86_400_000).toISOString()
  store('c.ts', 502)
  list(3, ['c.ts'], 502, `#EXT-X-PROGRAM-DATE-TIME:${new Date(START_MS).toISOString()}\n`)
  store('d.ts', 504)
  list(4, ['d.ts'], 504, `#EXT-X-PROGRAM-DATE-TIME:${date}\n`)
  t.same(delays().at(-1), 0, 'a day early is no pace')
  t.equal(timeline.points.length, 6)
})

t.test('gaps and foreign segments have no point, and points are bounded', async (t) => {
  const { timeline, store, list } = open()
  const names = Array.from({ length: POINTS_MAX + 20 }, (_, index) => `s${index}.ts`)
  for (const [index, name] of names.entries()) store(name, index * 2)
  list(0, names, 200)
  t.equal(timeline.points.length, POINTS_MAX)
  t.equal(timeline.points.at(-1)?.mediaSequenceNumber, POINTS_MAX + 19)
  list(0, [...names, 'https://elsewhere.example/x.ts'], 202)
  t.equal(timeline.points.at(-1)?.mediaSequenceNumber, POINTS_MAX + 19)
  list(POINTS_MAX + 20, ['gap.ts'], 204, '#EXT-X-GAP\n')
  t.equal(timeline.points.at(-1)?.mediaSequenceNumber, POINTS_MAX + 19)
})
