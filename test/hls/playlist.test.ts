import { Parser } from 'm3u8-parser'
import t from 'tap'
import { parsePlaylist, PLAYLIST_LINES_MAX } from '../../src/hls/playlist.ts'
import type { MediaPlaylist, MultivariantPlaylist } from '../../src/hls/playlist.ts'

function media(lines: readonly string[]): MediaPlaylist {
  const playlist = parsePlaylist(['#EXTM3U', ...lines, ''].join('\n'))
  if (playlist?.kind !== 'media') throw new Error('not a media playlist')
  return playlist
}

function multivariant(lines: readonly string[]): MultivariantPlaylist {
  const playlist = parsePlaylist(['#EXTM3U', ...lines, ''].join('\n'))
  if (playlist?.kind !== 'multivariant') throw new Error('not a multivariant playlist')
  return playlist
}

const NO_GROUPS = {
  audio: undefined,
  video: undefined,
  subtitles: undefined,
  closedCaptions: undefined,
}

/** A live window of `count` segments. */
function liveLines(count: number): readonly string[] {
  const lines = ['#EXT-X-VERSION:3', '#EXT-X-TARGETDURATION:6', '#EXT-X-MEDIA-SEQUENCE:100']
  for (let index = 0; index < count; index++) lines.push('#EXTINF:5.005,', `seg_${index}.ts`)
  return lines
}

t.test('a live media playlist', async (t) => {
  const playlist = media([
    '#EXT-X-TARGETDURATION:6',
    '#EXT-X-MEDIA-SEQUENCE:2680',
    '#EXT-X-DISCONTINUITY-SEQUENCE:3',
    '#EXT-X-MAP:URI="init.mp4"',
    '#EXT-X-KEY:METHOD=AES-128,URI="enc.key",IV=0x00',
    '#EXT-X-PROGRAM-DATE-TIME:2026-01-15T12:00:00.500Z',
    '#EXTINF:5.5,a title, with a comma',
    'a.m4s?x=1',
    '# a comment',
    '#EXTINF:6',
    'b.m4s',
    '#EXT-X-DISCONTINUITY',
    '#EXT-X-MAP:URI="init2.mp4"',
    '#EXT-X-GAP',
    '#EXTINF:4.0,',
    'c.m4s',
  ])
  t.match(playlist, {
    targetDurationSeconds: 6,
    mediaSequenceNumber: 2680,
    discontinuitySequence: 3,
    playlistType: undefined,
    ended: false,
    isSummary: false,
    segmentCount: 3,
    lastSegmentUris: ['a.m4s?x=1', 'b.m4s', 'c.m4s'],
    initUris: ['init.mp4', 'init2.mp4'],
    keyUris: ['enc.key'],
    openParts: [],
  })
  const startMs = Date.UTC(2026, 0, 15, 12, 0, 0, 500)
  t.match(playlist.segments, [
    { uri: 'a.m4s?x=1', durationSeconds: 5.5, programDateTimeMs: startMs, discontinuity: false },
    { uri: 'b.m4s', durationSeconds: 6, programDateTimeMs: startMs + 5500, gap: false },
    { uri: 'c.m4s', programDateTimeMs: undefined, discontinuity: true, gap: true },
  ])
})

t.test(
  'dates: zones of all encoders, and a date beside a discontinuity in either order',
  async (t) => {
    const dates = [
      '2026-01-15T13:00:00+01:00',
      '2026-01-15T12:00:00.000+0000',
      '2026-01-15T12:00:00',
    ]
    for (const date of [...dates, '2026-01-15T05:00:00-07']) {
      const [first] = media([`#EXT-X-PROGRAM-DATE-TIME:${date}`, 'a.ts']).segments
      t.equal(first?.programDateTimeMs, Date.UTC(2026, 0, 15, 12), date)
    }
    for (const date of ['yesterday', '2026-13-45T99:00:00Z', '']) {
      const [first] = media([`#EXT-X-PROGRAM-DATE-TIME:${date}`, 'a.ts']).segments
      t.equal(first?.programDateTimeMs, undefined, date)
    }
    const date = '#EXT-X-PROGRAM-DATE-TIME:2026-01-15T12:00:00Z'
    for (const tags of [
      [date, '#EXT-X-DISCONTINUITY'],
      ['#EXT-X-DISCONTINUITY', date],
    ]) {
      t.match(media([...tags, 'a.ts']).segments, [
        { programDateTimeMs: Date.UTC(2026, 0, 15, 12), discontinuity: true },
      ])
    }
  },
)

t.test('an ended playlist, CRLF and a byte order mark', async (t) => {
  const text =
    '\ufeff#EXTM3U\r\n#EXT-X-PLAYLIST-TYPE:VOD\r\n#EXTINF:1,\r\na.ts\r\n#EXT-X-ENDLIST\r\n'
  t.match(parsePlaylist(text), {
    kind: 'media',
    ended: true,
    playlistType: 'VOD',
    segments: [{ uri: 'a.ts', durationSeconds: 1 }],
  })
  t.equal(media(['#EXT-X-PLAYLIST-TYPE:EVENT']).playlistType, 'EVENT')
  t.equal(media(['#EXT-X-PLAYLIST-TYPE:OTHER']).playlistType, undefined)
})

t.test('byte ranges go on where the last ended', async (t) => {
  const { segments } = media([
    '#EXT-X-BYTERANGE:100@50',
    'a.ts',
    '#EXT-X-BYTERANGE:70',
    'a.ts',
    '#EXT-X-BYTERANGE:nonsense',
    'b.ts',
  ])
  t.same(
    segments.map((segment) => segment.byteRange),
    [{ lengthBytes: 100, offsetBytes: 50 }, { lengthBytes: 70, offsetBytes: 150 }, undefined],
  )
})

t.test('low latency: parts, hints and server control', async (t) => {
  const playlist = media([
    '#EXT-X-TARGETDURATION:4',
    '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.0,CAN-SKIP-UNTIL=24.0',
    '#EXT-X-PART-INF:PART-TARGET=0.333',
    '#EXT-X-SKIP:SKIPPED-SEGMENTS=3',
    '#EXT-X-PART:DURATION=0.333,URI="p1.m4s",BYTERANGE="100@0"',
    '#EXT-X-PART:DURATION=0.333,URI="p1.m4s",BYTERANGE="50"',
    '#EXTINF:0.666,',
    's1.m4s',
    '#EXT-X-PART:DURATION=0.3,URI="p3.m4s",INDEPENDENT=YES',
    '#EXT-X-PART:DURATION=0.3',
    '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p4.m4s"',
  ])
  t.match(playlist, {
    canBlockReload: true,
    canSkipUntilSeconds: 24,
    partTargetSeconds: 0.333,
    skippedSegmentCount: 3,
    preloadHintUris: ['p4.m4s'],
  })
  t.same(playlist.segments[0]?.parts, [
    { uri: 'p1.m4s', durationSeconds: 0.333, byteRange: { lengthBytes: 100, offsetBytes: 0 } },
    { uri: 'p1.m4s', durationSeconds: 0.333, byteRange: { lengthBytes: 50, offsetBytes: 100 } },
  ])
  t.same(playlist.openParts, [{ uri: 'p3.m4s', durationSeconds: 0.3, byteRange: undefined }])
})

t.test('a multivariant playlist', async (t) => {
  const playlist = multivariant([
    '#EXT-X-INDEPENDENT-SEGMENTS',
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aud",NAME="English, stereo",DEFAULT=YES,URI="en.m3u8"',
    '#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="CC",INSTREAM-ID="CC1"',
    '#EXT-X-STREAM-INF:BANDWIDTH=5600000,AVERAGE-BANDWIDTH=5000000,CODECS="avc1.64,mp4a.40.2",RESOLUTION=1920x1080,FRAME-RATE=29.97',
    '# between tag and URI',
    'hi.m3u8',
    '#EXT-X-STREAM-INF:RESOLUTION=big',
    'lo.m3u8',
    '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=100,URI="iframes.m3u8"',
    '#EXT-X-SESSION-KEY:METHOD=AES-128,URI="s.key"',
    'stray.m3u8',
  ])
  t.same(playlist.variants, [
    {
      uri: 'hi.m3u8',
      bandwidthBitsPerSecond: 5_600_000,
      averageBandwidthBitsPerSecond: 5_000_000,
      resolution: { widthPixels: 1920, heightPixels: 1080 },
      codecs: 'avc1.64,mp4a.40.2',
      frameRate: 29.97,
      groupIds: NO_GROUPS,
    },
    {
      uri: 'lo.m3u8',
      bandwidthBitsPerSecond: 0,
      averageBandwidthBitsPerSecond: undefined,
      resolution: undefined,
      codecs: undefined,
      frameRate: undefined,
      groupIds: NO_GROUPS,
    },
  ])
  t.same(playlist.renditions, [
    { type: 'AUDIO', groupId: 'aud', name: 'English, stereo', uri: 'en.m3u8' },
    { type: 'CLOSED-CAPTIONS', groupId: 'cc', name: 'CC', uri: undefined },
  ])
  t.same(playlist.iFrameUris, ['iframes.m3u8'])
  t.same(playlist.keyUris, ['s.key'])
})

t.test('what is no playlist is none', async (t) => {
  for (const text of ['', 'G@', '\n#EXTM3U', '#EXTM3UX\n', '#EXTM3', '<MPD/>']) {
    t.equal(parsePlaylist(text), undefined)
  }
  t.match(parsePlaylist('#EXTM3U'), { kind: 'media', segmentCount: 0, targetDurationSeconds: 0 })
})

t.test('malformed tags are passed over', async (t) => {
  const playlist = media([
    '#EXT-X-TARGETDURATION:six',
    '#EXT-X-MEDIA-SEQUENCE:-5',
    '#EXT-X-DISCONTINUITY-SEQUENCE:',
    '#EXT-X-KEY:METHOD=NONE',
    '#EXT-X-MAP:URI=',
    '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=NO,CAN-SKIP-UNTIL=-1',
    '#EXT-X-PART-INF:',
    '#EXT-X-PART:,,,=,"',
    '#EXTINF:-3,',
    'a.ts',
    'b.ts',
    '#EXT-X-UNKNOWN:x',
    '#EXTINF',
  ])
  t.match(playlist, {
    targetDurationSeconds: 0,
    mediaSequenceNumber: 0,
    discontinuitySequence: 0,
    keyUris: [],
    canBlockReload: false,
    canSkipUntilSeconds: undefined,
    partTargetSeconds: undefined,
    segments: [
      { uri: 'a.ts', durationSeconds: 0 },
      { uri: 'b.ts', durationSeconds: 0 },
    ],
  })
})

t.test('hostile attribute lists neither pollute, throw nor take long', async (t) => {
  const lists = [
    'TYPE=AUDIO,GROUP-ID="__proto__",NAME="polluted",__proto__=x,constructor=y',
    'A'.repeat(200_000),
    '"'.repeat(200_000),
    ',A'.repeat(100_000),
    'A='.repeat(100_000),
    'A=",'.repeat(50_000),
    ','.repeat(200_000),
    '='.repeat(200_000),
    'A="x",'.repeat(30_000),
  ]
  for (const list of lists) {
    const playlist = multivariant([`#EXT-X-MEDIA:${list}`, `#EXT-X-STREAM-INF:${list}`, 'a.m3u8'])
    t.equal(playlist.variants.length, 1)
    media([`#EXT-X-KEY:${list}`, `#EXT-X-MAP:${list}`, `#EXT-X-PART:${list}`, `#EXTINF:${list}`])
  }
  t.notOk('polluted' in {})
  t.notOk('NAME' in {})
})

t.test('up to 4,000 lines segments are kept, beyond that they are counted', async (t) => {
  // #EXTM3U and three more tags, then two lines for each segment.
  const atBound = media(liveLines((PLAYLIST_LINES_MAX - 4) / 2))
  t.equal(atBound.isSummary, false)
  t.equal(atBound.segments.length, 1998)
  const over = media([...liveLines(1998), '#EXT-X-ENDLIST'])
  t.match(over, {
    isSummary: true,
    segments: { length: 0 },
    segmentCount: 1998,
    targetDurationSeconds: 6,
    mediaSequenceNumber: 100,
    ended: true,
  })
  t.same(over.lastSegmentUris, atBound.lastSegmentUris)
  t.equal(over.lastSegmentUris.length, 16)
  t.equal(over.lastSegmentUris.at(-1), 'seg_1997.ts')
})

t.test('a summed up playlist with few segments has all their URIs', async (t) => {
  const comments = Array.from({ length: PLAYLIST_LINES_MAX }, () => '# comment')
  const parts = Array.from({ length: 100 }, (_, index) => `#EXT-X-MAP:URI="i${index}.mp4"`)
  const playlist = media([...comments, ...parts, '#EXT-X-PART:URI="p"', 'a.ts', 'b.ts'])
  t.equal(playlist.isSummary, true)
  t.same(playlist.lastSegmentUris, ['a.ts', 'b.ts'])
  t.equal(playlist.initUris.length, 64)
})

t.test('agrees with m3u8-parser on sound playlists', async (t) => {
  const text = [
    '#EXTM3U',
    ...liveLines(12),
    '#EXT-X-DISCONTINUITY',
    '#EXT-X-PROGRAM-DATE-TIME:2026-01-15T12:00:00.000Z',
    '#EXT-X-BYTERANGE:1000@200',
    '#EXTINF:2.5,title',
    'x.ts',
    '#EXT-X-BYTERANGE:300',
    '#EXTINF:2.25,',
    'x.ts',
    '#EXT-X-ENDLIST',
    '',
  ].join('\n')
  const parser = new Parser()
  parser.push(text)
  parser.end()
  const { manifest } = parser
  const ours = parsePlaylist(text)
  if (ours?.kind !== 'media') throw new Error('not a media playlist')
  t.equal(ours.targetDurationSeconds, manifest.targetDuration)
  t.equal(ours.mediaSequenceNumber, manifest.mediaSequence)
  t.equal(ours.ended, manifest.endList)
  t.same(
    ours.segments.map(({ uri, durationSeconds, discontinuity, byteRange }) => [
      uri,
      durationSeconds,
      discontinuity,
      byteRange?.lengthBytes,
      byteRange?.offsetBytes,
    ]),
    manifest.segments.map(({ uri, duration, discontinuity, byterange }) => [
      uri,
      duration,
      discontinuity ?? false,
      byterange?.length,
      byterange?.offset,
    ]),
  )
  t.equal(ours.segments.at(-1)?.programDateTimeMs, manifest.segments.at(-1)?.programDateTime)
})
