import t from 'tap'
import type { ChannelView, PublishPoint, RenditionView } from '../../src/console/api/api-types.ts'
import {
  byUrgency,
  countByState,
  renditionCounts,
  renditionTitle,
} from '../../src/console/channels/channel-words.ts'
import { isMixedContent, toItemUrl, toMediaBase } from '../../src/console/channels/media-url.ts'
import {
  summarizeBars,
  toTimelineBars,
  toTimelineScale,
} from '../../src/console/channels/timeline-bars.ts'

const START_MS = Date.parse('2026-11-21T12:00:00Z')
const iso = (ms: number) => new Date(ms).toISOString()

function segment(number: number, delaySeconds: number | null): PublishPoint {
  const dueAtMs = START_MS + number * 2000
  return {
    key: `s${number}.ts`,
    mediaSequenceNumber: number,
    durationSeconds: 2,
    sizeBytes: delaySeconds === null ? 0 : 1000,
    dueAt: iso(dueAtMs),
    storedAt: delaySeconds === null ? null : iso(dueAtMs + delaySeconds * 1000),
  }
}

function rendition(view: Partial<RenditionView>): RenditionView {
  return {
    key: 'a/720p.m3u8',
    role: 'variant',
    bandwidthBitsPerSecond: null,
    widthPixels: null,
    heightPixels: null,
    codecs: null,
    name: null,
    state: 'live',
    targetDurationSeconds: 2,
    segmentCount: 6,
    lastMediaSequenceNumber: 1,
    edgeLagSeconds: 1,
    publishDelaySeconds: 0,
    missingSegmentCount: 0,
    skewSeconds: 0,
    lastWriteAt: null,
    ...view,
  }
}

function channel(key: string, state: ChannelView['state']): ChannelView {
  return {
    cacheName: 'c',
    key,
    state,
    stateSinceAt: iso(START_MS),
    stateDetail: '',
    targetDurationSeconds: 2,
    lastWriteAt: null,
    edgeLagSeconds: null,
    publishDelaySeconds: null,
    missingSegmentCount: 0,
    skewSeconds: 0,
    renditions: [],
  }
}

t.test('channels in trouble come first, and are counted', async (t) => {
  const channels = [channel('a', 'live'), channel('b', 'ended'), channel('c', 'broken')]
  const all = [...channels, channel('d', 'stale'), channel('e', 'live')]
  t.same(
    byUrgency(all).map(({ key }) => key),
    ['c', 'd', 'a', 'e', 'b'],
  )
  t.same(
    countByState(all).map(({ state, count }) => `${count} ${state}`),
    ['2 live', '1 stale', '1 broken', '1 ended'],
  )
})

t.test('renditions are named by what is known of them', async (t) => {
  const rows: [view: Partial<RenditionView>, title: string][] = [
    [{ heightPixels: 720, bandwidthBitsPerSecond: 2_500_000 }, '720p, 2.5 Mbit/s'],
    [{ bandwidthBitsPerSecond: 96_000 }, '96 kbit/s'],
    [{ name: 'English', role: 'rendition' }, 'English'],
    [{ heightPixels: 240, role: 'i-frames' }, '240p, I-frames'],
    [{ role: 'alone' }, '720p.m3u8'],
  ]
  for (const [view, title] of rows) t.equal(renditionTitle(rendition(view)), title)
  const roles = (...all: RenditionView['role'][]) =>
    renditionCounts(all.map((role) => rendition({ role })))
  t.equal(roles('variant', 'variant', 'rendition'), '2 variants, 1 rendition')
  t.equal(roles('i-frames'), '1 I-frame playlist')
  t.equal(roles('alone'), 'one media playlist')
  t.equal(roles(), 'none named')
})

t.test('a bar goes up from the line when late, down when early', async (t) => {
  const points = [segment(0, 0), segment(1, 1.5), segment(2, -0.5), segment(3, 3), segment(4, null)]
  const scale = toTimelineScale([points], 2)
  t.same(scale, { lateSecondsMax: 3, earlySecondsMax: 1 })
  const nowMs = START_MS + 60_000
  const bars = toTimelineBars(points, scale, 2, nowMs)
  t.same(
    bars.map(({ punctuality }) => punctuality),
    ['on-time', 'late', 'on-time', 'very-late', 'missing'],
  )
  t.ok((bars[1]?.top ?? 1) < 0.75, 'above')
  t.equal(bars[2]?.top, 0.75, 'below')
  t.same([bars[3]?.top, bars[3]?.height], [0, 0.75])
  t.same([bars[4]?.top, bars[4]?.height, bars[4]?.delaySeconds], [0, 0.75, null])
  t.equal(
    summarizeBars(bars),
    '5 segments: 2 on time, 1 late, 1 later than a target duration, 1 missing.',
  )
  const [expected] = toTimelineBars([segment(9, null)], scale, 2, START_MS)
  t.equal(expected?.punctuality, 'expected', 'not due yet')
  t.equal(summarizeBars(expected === undefined ? [] : [expected]), '1 segment: 1 not due yet.')
})

t.test('one upload from another time flattens nothing, and few bars are no posters', async (t) => {
  const scale = toTimelineScale([[segment(0, 9000)], [segment(0, -9000)]], 2)
  t.same(scale, { lateSecondsMax: 8, earlySecondsMax: 4 })
  const [bar] = toTimelineBars([segment(0, 9000)], scale, 2, START_MS)
  t.match(bar, { top: 0, punctuality: 'very-late' })
  t.ok((bar?.widthPercent ?? 100) < 9)
  t.same(toTimelineScale([], 0), { lateSecondsMax: 0.1, earlySecondsMax: 0.05 })
})

t.test('media comes from the data plane, by a name that this browser can reach', async (t) => {
  const rows: [dataPlaneUrl: string, pageUrl: string, base: string][] = [
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8081/', 'http://127.0.0.1:8080'],
    ['http://127.0.0.1:8080', 'http://localhost:8081/#/x', 'http://127.0.0.1:8080'],
    ['http://127.0.0.1:8080', 'http://10.0.0.5:8081/', 'http://10.0.0.5:8080'],
    ['http://localhost:8080', 'http://box.lan:8081/', 'http://box.lan:8080'],
    ['https://origin.example/', 'http://10.0.0.5:8081/', 'https://origin.example'],
  ]
  for (const [dataPlaneUrl, pageUrl, base] of rows) {
    t.equal(toMediaBase(dataPlaneUrl, pageUrl), base)
  }
  t.equal(toItemUrl('http://h:1', 'c', 'a b/%?.m3u8'), 'http://h:1/cache/c/a%20b/%25%3F.m3u8')
  t.ok(isMixedContent('http://box.lan:8080', 'https://console.lan/'))
  t.notOk(isMixedContent('http://127.0.0.1:8080', 'https://console.lan/'))
  t.notOk(isMixedContent('https://box.lan', 'https://console.lan/'))
})
