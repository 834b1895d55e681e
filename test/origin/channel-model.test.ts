import t from 'tap'
import type { ChannelChange } from '../../src/origin/events.ts'
import { PLAYLISTS_MAX } from '../../src/origin/channel-model.ts'
import { LINKS_MAX } from '../../src/origin/channel-topology.ts'
import { cacheName, itemKey, openTestOrigin } from './support.ts'

const media = (sequence: number, end = '', prefix = 's', count = 1) =>
  `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${sequence}\n` +
  Array.from({ length: count }, (_, index) => `#EXTINF:2,\n${prefix}${sequence + index}.ts\n`).join(
    '',
  ) +
  end
const SUBTITLES = '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="en",URI="subs.m3u8"\n'
const MULTIVARIANT =
  '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="audio.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=2\nhi.m3u8?token=x&ttl_seconds=9\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlo.m3u8\n'
const LADDER =
  '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=2000,RESOLUTION=1280x720,CODECS="avc1"\nhi.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=1000\nlo.m3u8\n'

async function openChannels(
  t: { teardown(end: () => void): void },
  settings: Parameters<typeof openTestOrigin>[0] = {},
) {
  const opened = await openTestOrigin(settings, { sizeBytesMax: 100_000_000 })
  t.teardown(() => opened.origin.close())
  const changes: string[] = []
  const details: ChannelChange[] = []
  opened.events.on('channel-changed', (change) => {
    changes.push(`${change.cacheName}/${change.key} ${change.state}`)
    details.push(change)
  })
  const view = (key: string) => opened.origin.channels.get(cacheName('live'), itemKey(key))
  const { put, clock } = opened
  /** A second of an encoder that writes every two: of each playlist three segments. */
  const encode = async (second: number, prefixes: readonly string[]) => {
    if (second % 2 === 0) {
      const msn = second / 2
      for (const prefix of prefixes) {
        await put(`${prefix}${msn + 2}.ts`, `bytes of ${prefix}`)
        await put(`${prefix}.m3u8`, media(msn, '', prefix, 3))
      }
    }
    clock.advance(1000)
  }
  const run = async (from: number, to: number, prefixes: readonly string[]) => {
    for (let second = from; second < to; second++) await encode(second, prefixes)
  }
  return { ...opened, changes, details, view, run }
}

t.test('a ladder is one channel: live, stale, live again, ended', async (t) => {
  const { put, clock, changes, details } = await openChannels(t)
  await put('index.m3u8', MULTIVARIANT)
  await put('hi.m3u8', media(1))
  await put('lo.m3u8', media(1))
  clock.advance(1000)
  t.same(changes, ['live/index.m3u8 live'])
  t.match(details[0], { renditionCount: 2, targetDurationSeconds: 2, detail: '' })
  clock.advance(6000)
  t.same(changes.slice(1), ['live/index.m3u8 stale'])
  t.match(details[1], { lastWriteAgeSeconds: 7, detail: 'Nothing was written for 7 s.' })
  await put('hi.m3u8', media(2))
  clock.advance(1000)
  await put('hi.m3u8', media(2, '#EXT-X-ENDLIST\n'))
  await put('lo.m3u8', media(2, '#EXT-X-ENDLIST\n'))
  clock.advance(1000)
  t.same(changes.slice(2), ['live/index.m3u8 live', 'live/index.m3u8 ended'])
})

t.test('renditions belong to their channel', async (t) => {
  const { put, clock, changes, details } = await openChannels(t)
  await put('audio.m3u8', media(1))
  await put('index.m3u8', MULTIVARIANT)
  await put('hi.m3u8', media(1))
  clock.advance(9000)
  t.same(changes, ['live/index.m3u8 live', 'live/index.m3u8 stale'])
  t.equal(details[0]?.renditionCount, 2)
})

t.test('a media playlist that nothing names is a channel of its own, after a while', async (t) => {
  const { put, clock, changes, origin, view } = await openChannels(t)
  await put('alone.m3u8', media(1))
  clock.advance(4000)
  t.same(changes, [])
  t.same(origin.channels.list(), [])
  await put('alone.m3u8', media(2))
  clock.advance(2000)
  t.same(changes, ['live/alone.m3u8 live'])
  t.match(view('alone.m3u8'), { state: 'live', renditions: [{ role: 'alone' }] })
})

t.test('what is no playlist, or cannot be read, is no channel', async (t) => {
  const { put, clock, changes } = await openChannels(t)
  await put('a.ts', 'bytes')
  await put('odd.m3u8', '#EXTM3U\n')
  clock.advance(20_000)
  t.same(changes, [])
})

t.test('a channel is forgotten an hour after its last write, and its timer with it', async (t) => {
  const { put, clock, changes, store, origin } = await openChannels(t)
  await put('index.m3u8', MULTIVARIANT)
  await put('lo.m3u8', media(1))
  clock.advance(3_700_000)
  await store.close()
  t.equal(clock.timerCount, 0)
  t.same(origin.channels.list(), [])
  await put('lo.m3u8', media(9)).catch(() => undefined)
  t.same(changes, ['live/index.m3u8 live', 'live/index.m3u8 stale'])
})

t.test('a healthy ladder with a missing subtitle playlist is never broken', async (t) => {
  const { put, run, changes, view } = await openChannels(t)
  await put('index.m3u8', LADDER + SUBTITLES + '#EXT-X-I-FRAME-STREAM-INF:URI="fast.m3u8"\n')
  await run(0, 60, ['hi', 'lo'])
  t.same(changes, ['live/index.m3u8 live'])
  t.match(view('index.m3u8'), {
    state: 'live',
    stateDetail: '',
    targetDurationSeconds: 2,
    missingSegmentCount: 0,
    skewSeconds: 0,
    renditions: [
      { key: 'hi.m3u8', role: 'variant', state: 'live', bandwidthBitsPerSecond: 2000 },
      { key: 'lo.m3u8', role: 'variant', lastMediaSequenceNumber: 31, segmentCount: 3 },
      { key: 'subs.m3u8', role: 'rendition', name: 'en', state: 'waiting', lastWriteAtMs: 0 },
      { key: 'fast.m3u8', role: 'i-frames', state: 'waiting' },
    ],
  })
  t.match(view('index.m3u8')?.renditions[0], { widthPixels: 1280, codecs: 'avc1' })
})

t.test('a variant that is named and never written breaks its channel, later', async (t) => {
  const { put, run, changes, details, view } = await openChannels(t)
  await put('index.m3u8', LADDER)
  await run(0, 10, ['hi'])
  t.same(changes, ['live/index.m3u8 live'])
  await run(10, 20, ['hi'])
  t.same(changes.slice(1), ['live/index.m3u8 broken'])
  t.equal(details[1]?.detail, 'lo.m3u8 is named and was never written.')
  t.match(view('index.m3u8'), { state: 'broken', stateDetail: details[1]?.detail })
  await run(20, 24, ['hi', 'lo'])
  t.same(changes.slice(2), ['live/index.m3u8 live'])
})

t.test('so does one that falls silent, or is deleted', async (t) => {
  const { put, run, changes, details, view, origin } = await openChannels(t)
  await put('index.m3u8', LADDER)
  await run(0, 10, ['hi', 'lo'])
  await run(10, 20, ['hi'])
  t.same(changes, ['live/index.m3u8 live', 'live/index.m3u8 broken'])
  t.match(details[1]?.detail, /^lo\.m3u8 was not written for \d+ s, others were\.$/)
  t.equal(view('index.m3u8')?.renditions[1]?.state, 'stale')
  await run(20, 30, ['hi', 'lo'])
  t.equal(changes.at(-1), 'live/index.m3u8 live')
  await origin.delete(`live/lo.m3u8` as Parameters<typeof origin.delete>[0])
  await run(30, 31, ['hi'])
  t.equal(details.at(-1)?.detail, 'lo.m3u8 is not stored any more: it expired or was deleted.')
})

t.test('a restart of all is no silence of one', async (t) => {
  const { put, run, changes, clock } = await openChannels(t)
  await put('index.m3u8', LADDER)
  await run(0, 10, ['hi', 'lo'])
  clock.advance(30_000)
  await run(0, 4, ['hi'])
  await run(4, 20, ['hi', 'lo'])
  const name = 'live/index.m3u8'
  t.same(changes, [`${name} live`, `${name} stale`, `${name} live`])
})

t.test('a multivariant playlist that expires leaves its channel broken', async (t) => {
  const { put, run, details } = await openChannels(t, { extendWhileLive: false })
  await put('index.m3u8', LADDER)
  await run(0, 62, ['hi', 'lo'])
  t.match(details.at(-1), {
    state: 'broken',
    detail: 'index.m3u8 is not stored any more: it expired or was deleted.',
  })
})

t.test('segments that do not come break a channel, one that is lost does not', async (t) => {
  const { put, clock, changes, details, view } = await openChannels(t)
  for (let msn = 0; msn < 30; msn++) {
    const isLost = msn === 8 || (msn >= 15 && msn < 22)
    if (!isLost) await put(`s${msn + 2}.ts`, 'bytes')
    await put('alone.m3u8', media(msn, '', 's', 3))
    clock.advance(2000)
    if (msn === 8) t.equal(view('alone.m3u8')?.missingSegmentCount, 0, 'may still come')
    if (msn === 9) t.equal(view('alone.m3u8')?.missingSegmentCount, 1, 'overtaken')
    if (msn === 14) t.equal(changes.length, 1, 'one')
    if (msn === 19) {
      t.match(view('alone.m3u8'), { state: 'broken', missingSegmentCount: 3 })
      t.match(details[1]?.detail, /^The newest \d segments that alone.m3u8 names are not stored.$/)
    }
  }
  t.same(
    changes.map((change) => change.split(' ')[1]),
    ['live', 'broken', 'live'],
  )
})

t.test('segments up to 5 s after their playlist are not missing', async (t) => {
  const { put, clock, changes, origin } = await openChannels(t)
  for (let msn = 0; msn < 20; msn++) {
    await put('alone.m3u8', media(msn, '', 's', 3))
    clock.advance(1000)
    // 5 s after the playlist that named it.
    await put(`s${msn}.ts`, 'bytes')
    clock.advance(1000)
    for (const channel of origin.channels.list()) t.equal(channel.missingSegmentCount, 0)
  }
  t.same(changes, ['live/alone.m3u8 live'])
})

t.test('an init section that is not there breaks it', async (t) => {
  const { put, run, clock, details, view } = await openChannels(t)
  const withInit = (msn: number) =>
    media(msn, '', 's', 3).replace('#EXTINF', '#EXT-X-MAP:URI="init.mp4"\n#EXTINF')
  for (let msn = 0; msn < 8; msn++) {
    for (let index = msn; index < msn + 3; index++) await put(`s${index}.ts`, 'bytes')
    await put('alone.m3u8', withInit(msn))
    clock.advance(2000)
  }
  t.equal(view('alone.m3u8')?.stateDetail, 'init.mp4, which alone.m3u8 needs, is not stored.')
  await put('init.mp4', 'init')
  t.equal(view('alone.m3u8')?.state, 'live')
  await run(0, 1, [])
  t.match(
    details.map(({ state }) => state),
    ['live', 'broken', 'live'],
  )
})

t.test('the edge by dates, its lag, and who is behind', async (t) => {
  const { put, clock, view } = await openChannels(t)
  const dated = (msn: number, agoMs: number) =>
    media(msn).replace(
      '#EXTINF',
      `#EXT-X-PROGRAM-DATE-TIME:${new Date(clock.nowMs() - agoMs).toISOString()}\n#EXTINF`,
    )
  await put('index.m3u8', LADDER)
  await put('s4.ts', 'bytes')
  await put('hi.m3u8', dated(4, 3000))
  await put('lo.m3u8', dated(4, 6000))
  clock.advance(500)
  t.match(view('index.m3u8'), {
    edgeLagSeconds: 4.5,
    skewSeconds: 3,
    publishDelaySeconds: 0,
    renditions: [
      { edgeLagSeconds: 1.5, skewSeconds: 0, edgeProgramDateTimeMs: clock.nowMs() - 1500 },
      { edgeLagSeconds: 4.5, skewSeconds: 3 },
    ],
  })
  await put('lo.m3u8', media(3))
  t.match(view('index.m3u8')?.renditions[1], { edgeLagSeconds: 0, skewSeconds: 2 }, 'by numbers')
  await put('lo.m3u8', media(300))
  t.equal(view('index.m3u8')?.skewSeconds, 0, 'numbers that have nothing in common')
  await put('hi.m3u8', dated(4, 3000).replace('#EXTM3U', '#EXTM3U\n#EXT-X-ENDLIST'))
  t.equal(view('index.m3u8')?.renditions[0]?.edgeLagSeconds, undefined, 'an end has no lag')
})

t.test('channels are listed by cache and key, with their findings', async (t) => {
  const { put, clock, origin, caches, view } = await openChannels(t)
  await caches.create('other')
  await put('b/index.m3u8', LADDER)
  await put('b/hi.m3u8', media(1, '', 's', 3))
  await put('a.m3u8', media(1, '#EXT-X-ENDLIST\n'))
  clock.advance(6000)
  await put('b/hi.m3u8', media(5, '', 's', 3))
  const keys = origin.channels.list(cacheName('live')).map(({ key }) => key)
  t.same(keys, ['a.m3u8', 'b/index.m3u8'])
  t.equal(origin.channels.list().length, 2)
  t.same(origin.channels.list(cacheName('other')), [])
  t.equal(view('b/hi.m3u8'), undefined, 'a variant is no channel')
  t.equal(view('nothing.m3u8'), undefined)
  const findings = view('b/index.m3u8')?.findings ?? []
  t.ok(findings.some(({ rule, key }) => rule === 'segment-missing' && key === 'b/hi.m3u8'))
  t.ok(findings.every(({ atMs }, index) => atMs >= (findings[index - 1]?.atMs ?? 0)))
})

t.test('a key that changes its kind is what it was written as last', async (t) => {
  const { put, clock, origin, view } = await openChannels(t)
  await put('x.m3u8', media(1))
  clock.advance(6000)
  t.equal(view('x.m3u8')?.renditions[0]?.role, 'alone')
  await put('x.m3u8', LADDER)
  await put('hi.m3u8', media(1))
  t.equal(view('x.m3u8')?.renditions[0]?.role, 'variant')
  await put('x.m3u8', media(1))
  clock.advance(6000)
  t.same(
    origin.channels.list().map(({ key }) => key),
    ['hi.m3u8', 'x.m3u8'],
  )
})

t.test('bounded: playlists, and what one multivariant playlist brings in', async (t) => {
  const { put, clock, origin, view } = await openChannels(t)
  for (let count = 0; count < PLAYLISTS_MAX + 3; count++) await put(`p${count}.m3u8`, media(1))
  clock.advance(6000)
  t.equal(origin.channels.list().length, PLAYLISTS_MAX)
  t.equal(view('p0.m3u8'), undefined)
  const variant = (index: number) => `#EXT-X-STREAM-INF:BANDWIDTH=1\nv${index}.m3u8\n`
  const many = Array.from({ length: LINKS_MAX + 1 }, (_, index) => variant(index)).join('')
  await put('many.m3u8', `#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nmany.m3u8\n${many}`)
  await put('v0.m3u8', media(1))
  t.equal(view('many.m3u8')?.renditions.length, LINKS_MAX - 1)
  t.not(view('many.m3u8')?.renditions[0]?.key, 'many.m3u8', 'not itself')
})
