import t from 'tap'
import { canSkipDateRanges, dateRangesOf, toDeltaUpdate } from '../../src/hls/delta-update.ts'
import { parsePlaylist } from '../../src/hls/playlist.ts'
import type { Fragment, LevelDetails } from 'hls.js'
import type { MediaPlaylist, Segment } from '../../src/hls/playlist.ts'
import { openHlsJsParser } from '../support/hls-js-parser.ts'
import { openLivePlaylist } from './live-playlist-generator.ts'

const lines = (...text: readonly string[]) => `${text.join('\n')}\n`
const segments = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => [`#EXTINF:2,`, `s${first + index}.m4s`]).flat()

function media(text: string): MediaPlaylist {
  const playlist = parsePlaylist(text)
  if (playlist?.kind !== 'media') throw new Error('not a media playlist')
  return playlist
}

t.test('segments beyond the skip boundary are one tag, the rest is untouched', async (t) => {
  const head = ['#EXT-X-TARGETDURATION:2', '#EXT-X-MEDIA-SEQUENCE:7', '# by hand', '#EXT-X-OWN:1']
  const end = ['#EXT-X-PART:DURATION=1,URI="p"', '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="h"']
  const text = lines('#EXTM3U', '#EXT-X-VERSION:6', ...head, ...segments(7, 9), ...end)
  t.equal(
    toDeltaUpdate(text, { skipUntilSeconds: 12 }),
    lines(
      '#EXTM3U',
      '#EXT-X-VERSION:9',
      ...head,
      // 9 and later end within 12 s of the end: 14 s for 8.
      '#EXT-X-SKIP:SKIPPED-SEGMENTS=2',
      ...segments(9, 7),
      ...end,
    ),
  )
})

t.test('what is exactly as far as the boundary stays', async (t) => {
  const text = lines('#EXTM3U', '#EXT-X-TARGETDURATION:2', ...segments(0, 7))
  t.equal(toDeltaUpdate(text, { skipUntilSeconds: 12 }), undefined)
  t.match(toDeltaUpdate(text, { skipUntilSeconds: 11.9 }), 'SKIPPED-SEGMENTS=1\n')
})

t.test('nothing to leave out', async (t) => {
  for (const text of [
    '#EXTM3U',
    lines('#EXTM3U', '#EXT-X-TARGETDURATION:2'),
    lines('#EXTM3U', ...segments(0, 3)),
    lines('#EXTM3U', '#EXT-X-SKIP:SKIPPED-SEGMENTS=3', ...segments(3, 50)),
    lines('#EXTM3U', ...segments(0, 50).filter((line) => !line.startsWith('#'))),
  ]) {
    t.equal(toDeltaUpdate(text, { skipUntilSeconds: 12 }), undefined)
  }
})

t.test('more keys than a call takes arguments', async (t) => {
  const keys = Array.from(
    { length: 200_000 },
    (_, index) => `#EXT-X-KEY:METHOD=A,KEYFORMAT="${index}"`,
  )
  const text = ['#EXTM3U', keys.join('\n'), lines(...segments(0, 20))].join('\n')
  const delta = toDeltaUpdate(text, { skipUntilSeconds: 12 })
  t.match(delta, 'SKIPPED-SEGMENTS=13\n')
  t.equal(delta?.split('\n').filter((line) => line.startsWith('#EXT-X-KEY')).length, keys.length)
})

t.test('the version is raised, never lowered, and written when there is none', async (t) => {
  const body = ['#EXT-X-TARGETDURATION:2', ...segments(0, 20)]
  for (const [version, expected] of [
    [[], 9],
    [['#EXT-X-VERSION:3'], 9],
    [['#EXT-X-VERSION:x'], 9],
    [['#EXT-X-VERSION:12'], 12],
  ] as const) {
    const delta = toDeltaUpdate(lines('#EXTM3U', ...version, ...body), { skipUntilSeconds: 12 })
    t.equal(media(delta ?? '').version, expected)
    t.equal(delta?.match(/#EXT-X-VERSION/g)?.length, 1)
  }
})

t.test('what holds for later segments is repeated', async (t) => {
  const text = lines(
    '#EXTM3U',
    '#EXT-X-KEY:METHOD=AES-128,URI="old"',
    '#EXT-X-MAP:URI="a.mp4"',
    ...segments(0, 3),
    '#EXT-X-KEY:METHOD=AES-128,URI="new"',
    '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="drm",KEYFORMAT="x"',
    '#EXT-X-DISCONTINUITY',
    '#EXT-X-MAP:URI="b.mp4"',
    '#EXT-X-BITRATE:500',
    '#EXT-X-BYTERANGE:100@50',
    ...segments(3, 1),
    '#EXT-X-CUE-OUT:30',
    '#EXT-X-RENDITION-REPORT:URI="x.m3u8",LAST-MSN=1',
    '#EXT-X-BYTERANGE:10',
    ...segments(4, 7),
  )
  const delta = toDeltaUpdate(text, { skipUntilSeconds: 13 })
  t.equal(
    delta?.slice(0, delta.indexOf('s4.m4s')),
    lines(
      '#EXTM3U',
      '#EXT-X-VERSION:9',
      '#EXT-X-SKIP:SKIPPED-SEGMENTS=4',
      '#EXT-X-KEY:METHOD=AES-128,URI="new"',
      '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="drm",KEYFORMAT="x"',
      '#EXT-X-MAP:URI="b.mp4"',
      '#EXT-X-BITRATE:500',
      '#EXT-X-CUE-OUT:30',
      '#EXT-X-RENDITION-REPORT:URI="x.m3u8",LAST-MSN=1',
      '#EXT-X-BYTERANGE:10@150',
      '#EXTINF:2,',
    ),
  )
  const open = text.replace('#EXT-X-KEY:METHOD=AES-128,URI="new"', '#EXT-X-KEY:METHOD=NONE')
  t.notMatch(toDeltaUpdate(open, { skipUntilSeconds: 13 }), 'URI="old"')
})

t.test('playlist tags and date ranges among skipped segments stay', async (t) => {
  const range = '#EXT-X-DATERANGE:ID="a",START-DATE="2026-01-01T00:00:00Z"'
  const text = lines(
    '#EXTM3U',
    ...segments(0, 2),
    range,
    '# a comment',
    '#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=12',
    '#EXT-X-CUE-OUT:30',
    ...segments(2, 9),
  )
  const delta = toDeltaUpdate(text, { skipUntilSeconds: 12 })
  t.match(delta, range)
  t.match(delta, 'CAN-SKIP-UNTIL=12')
  t.notMatch(delta, 'a comment')
  t.notMatch(delta, 'CUE-OUT')
})

t.test('date ranges that a player knows are left out when it asks for that', async (t) => {
  const range = (id: string) => `#EXT-X-DATERANGE:ID="${id}",START-DATE="2026-01-01T00:00:00Z"`
  const text = lines('#EXTM3U', range('old'), ...segments(0, 10), range('new'), range('later'))
  const dateRanges = { recentIds: new Set(['new']), removedIds: ['x', 'y'] }
  const delta = toDeltaUpdate(text, { skipUntilSeconds: 12, dateRanges })
  t.match(delta, '#EXT-X-SKIP:SKIPPED-SEGMENTS=3,RECENTLY-REMOVED-DATERANGES="x\ty"\n')
  t.match(delta, '#EXT-X-VERSION:10\n')
  t.same([...dateRangesOf(delta ?? '').keys()], ['new'])
  const none = { recentIds: new Set<string>(), removedIds: [] }
  const bare = toDeltaUpdate(text, { skipUntilSeconds: 12, dateRanges: none })
  t.match(bare, ',RECENTLY-REMOVED-DATERANGES=""\n')
})

t.test('which encoders allow that', async (t) => {
  const control = (attributes: string) => `#EXTM3U\n#EXT-X-SERVER-CONTROL:${attributes}\n`
  t.ok(canSkipDateRanges(control('CAN-SKIP-UNTIL=12,CAN-SKIP-DATERANGES=YES')))
  t.notOk(canSkipDateRanges(control('CAN-SKIP-DATERANGES=YES')))
  t.notOk(canSkipDateRanges(control('CAN-SKIP-UNTIL=12,CAN-SKIP-DATERANGES=NO')))
  t.notOk(canSkipDateRanges('#EXTM3U\n'))
})

t.test('hostile texts take no time', async (t) => {
  for (const text of [
    `#EXTM3U\n${'#EXTINF:1,\na\n'.repeat(80_000)}`,
    `#EXTM3U\n${'\r'.repeat(1_000_000)}`,
    `#EXTM3U\n${'#EXT-X-BYTERANGE:'.repeat(60_000)}`,
    `#EXTM3U\n${'#EXT-X-DATERANGE:ID="'.repeat(50_000)}`,
    `#EXTM3U\n#EXT-X-DATERANGE:ID="${'='.repeat(1_000_000)}`,
    `#EXTM3U\n${'#EXTINF:-1,\n#EXTINF:1e999,\na\n'.repeat(40_000)}`,
  ]) {
    const since = performance.now()
    toDeltaUpdate(text, {
      skipUntilSeconds: 12,
      dateRanges: { recentIds: new Set(), removedIds: [] },
    })
    dateRangesOf(text)
    // Ten times what a busy machine needs; a quadratic one would take minutes.
    t.ok(performance.now() - since < 5000)
  }
})

t.test('merged by hls.js, a delta update is the whole playlist', async (t) => {
  const player = await openHlsJsParser(t)
  let deltaCount = 0
  for (let seed = 1; seed <= 40; seed++) {
    const channel = openLivePlaylist(seed)
    let known = player.parse(channel.text())
    for (let version = 0; version < 25; version++) {
      channel.advance()
      const text = channel.text()
      const delta = toDeltaUpdate(text, { skipUntilSeconds: 12 })
      if (delta === undefined) {
        known = player.parse(text)
        continue
      }
      deltaCount++
      const merged = player.parse(delta)
      player.merge(known, merged)
      const whole = player.parse(text)
      player.merge(known, whole)
      t.same(describe(merged), describe(whole), `seed ${seed}, version ${version}`)
      t.same(
        media(delta).segments.map(undated),
        media(text).segments.slice(media(delta).skippedSegmentCount).map(undated),
      )
      known = merged
    }
  }
  t.ok(deltaCount > 500)
})

/** What hls.js plays by. */
function describe(details: LevelDetails) {
  return {
    error: details.playlistParsingError?.message ?? null,
    failed: details.deltaUpdateFailed ?? false,
    fragments: details.fragments.map(describeFragment),
    hint: details.fragmentHint ? describeFragment(details.fragmentHint) : null,
    parts: details.partList?.map((part) => [part.relurl, part.fragment.sn, part.index]) ?? null,
    dateRanges: Object.keys(details.dateRanges).sort(),
    edge: [details.startSN, details.endSN, details.lastPartSn, details.lastPartIndex],
    control: [details.canBlockReload, details.canSkipUntil, details.partTarget, details.live],
    preloadHint: String(details.preloadHint?.['URI']),
  }
}

function describeFragment(fragment: Fragment) {
  return {
    sn: fragment.sn,
    uri: fragment.relurl,
    duration: fragment.duration,
    cc: fragment.cc,
    init: fragment.initSegment?.relurl ?? null,
    range: [...fragment.byteRange],
    date: fragment.programDateTime,
    keys: Object.values(fragment.levelkeys ?? {}).map((key) => key?.uri ?? null),
    gap: fragment.gap ?? false,
  }
}

/** Dates that are reckoned on from a segment that was left out are not in a delta update alone. */
function undated(segment: Segment): Segment {
  return { ...segment, programDateTimeMs: undefined }
}
