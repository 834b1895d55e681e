import t from 'tap'
import {
  discontinuitySequenceOf,
  formatLoopMediaPlaylist,
  formatMultivariantPlaylist,
  lastCompleteIndex,
  segmentStartSeconds,
} from '../../../src/cli/demo/live-playlist.ts'

const startedAtMs = Date.UTC(2026, 0, 15, 12, 0, 0)
const loop = { durationsSeconds: [2, 2, 1.5], mediaSequenceStart: 100, startedAtMs }
const formatUri = (index: number) => `s${index}.ts`

t.test('a segment begins after all that came before it, loops included', async (t) => {
  const rows: [index: number, seconds: number][] = [
    [0, 0],
    [1, 2],
    [2, 4],
    [3, 5.5],
    [4, 7.5],
    [300, 550],
  ]
  for (const [index, seconds] of rows) {
    t.equal(segmentStartSeconds(loop.durationsSeconds, index), seconds, `segment ${index}`)
  }
})

t.test('the newest complete segment is the last one that is over', async (t) => {
  const rows: [elapsedSeconds: number, index: number][] = [
    [-1, -1],
    [0, -1],
    [1.999, -1],
    [2, 0],
    [3.99, 0],
    [4, 1],
    [5.5, 2],
    [7.5, 3],
    [550, 299],
    [551.9, 299],
  ]
  for (const [elapsedSeconds, index] of rows) {
    t.equal(lastCompleteIndex(loop.durationsSeconds, elapsedSeconds), index, `${elapsedSeconds} s`)
  }
})

t.test('the discontinuity sequence counts the joints that left the window', async (t) => {
  // Segments 3, 6, 9 … carry the tag; a tag counts when its own segment has left.
  const rows: [firstIndex: number, sequence: number][] = [
    [0, 0],
    [1, 0],
    [3, 0],
    [4, 1],
    [6, 1],
    [7, 2],
  ]
  for (const [firstIndex, sequence] of rows) {
    t.equal(discontinuitySequenceOf(3, firstIndex), sequence, `window from ${firstIndex}`)
  }
})

t.test('joints seen and joints gone add up to the same count in every window', async (t) => {
  for (let firstIndex = 0; firstIndex < 12; firstIndex++) {
    const text = formatLoopMediaPlaylist(loop, { firstIndex, lastIndex: 15, formatUri })
    const gone = Number(/DISCONTINUITY-SEQUENCE:(\d+)/.exec(text)?.[1])
    t.equal(gone + (text.match(/#EXT-X-DISCONTINUITY$/gm)?.length ?? 0), 5, `from ${firstIndex}`)
  }
})

t.test('a media playlist dates, numbers and joins its segments', async (t) => {
  const text = formatLoopMediaPlaylist(loop, { firstIndex: 2, lastIndex: 4, formatUri })
  t.equal(
    text,
    [
      '#EXTM3U',
      '#EXT-X-VERSION:6',
      '#EXT-X-TARGETDURATION:2',
      '#EXT-X-MEDIA-SEQUENCE:102',
      '#EXT-X-DISCONTINUITY-SEQUENCE:0',
      '#EXT-X-INDEPENDENT-SEGMENTS',
      '#EXT-X-PROGRAM-DATE-TIME:2026-01-15T12:00:04.000Z',
      '#EXTINF:1.500000,',
      's2.ts',
      '#EXT-X-DISCONTINUITY',
      '#EXT-X-PROGRAM-DATE-TIME:2026-01-15T12:00:05.500Z',
      '#EXTINF:2.000000,',
      's3.ts',
      '#EXT-X-PROGRAM-DATE-TIME:2026-01-15T12:00:07.500Z',
      '#EXTINF:2.000000,',
      's4.ts',
      '',
    ].join('\n'),
  )
})

t.test('the first segment ever has no discontinuity; an ended channel says so', async (t) => {
  const text = formatLoopMediaPlaylist(loop, {
    firstIndex: 0,
    lastIndex: 0,
    formatUri,
    ended: true,
  })
  t.notMatch(text, /#EXT-X-DISCONTINUITY$/m)
  t.match(text, /s0\.ts\n#EXT-X-ENDLIST\n$/)
})

t.test('the target duration is the longest segment, rounded', async (t) => {
  const rows: [durationsSeconds: number[], targetDuration: number][] = [
    [[2, 2.4], 2],
    [[2, 2.5], 3],
    [[5.99], 6],
  ]
  for (const [durationsSeconds, targetDuration] of rows) {
    const text = formatLoopMediaPlaylist(
      { ...loop, durationsSeconds },
      { firstIndex: 0, lastIndex: 0, formatUri },
    )
    t.match(text, new RegExp(`#EXT-X-TARGETDURATION:${targetDuration}\n`))
  }
})

t.test('a multivariant playlist lists every variant in order', async (t) => {
  const variant = {
    uri: 'a.m3u8',
    bandwidthBitsPerSecond: 1000,
    averageBandwidthBitsPerSecond: 900,
    widthPixels: 640,
    heightPixels: 360,
    framesPerSecond: 25,
    codecs: 'avc1.4d401f,mp4a.40.2',
  }
  const text = formatMultivariantPlaylist([variant, { ...variant, uri: 'b.m3u8' }])
  t.match(text, /^#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n/)
  t.match(
    text,
    '#EXT-X-STREAM-INF:BANDWIDTH=1000,AVERAGE-BANDWIDTH=900,RESOLUTION=640x360,' +
      'FRAME-RATE=25.000,CODECS="avc1.4d401f,mp4a.40.2"\na.m3u8\n',
  )
  t.ok(text.indexOf('a.m3u8') < text.indexOf('b.m3u8'))
})
