/** Loops of a tape as one live channel: numbers go on, dates move, names are new. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import t from 'tap'
import type { Test } from 'tap'
import { parsePlaylist } from '../../../src/hls/playlist.ts'
import type { MediaPlaylist } from '../../../src/hls/playlist.ts'
import { openRebase } from '../../../src/cli/tape/rebase.ts'
import { renameUri } from '../../../src/cli/tape/rename-uri.ts'
import { openTape } from '../../../src/cli/tape/tape-source.ts'
import type { TapeRequest } from '../../../src/tape/tape-format.ts'
import { HEAD, requestOf, tapeOf } from './tape-bytes.ts'

type Pushed = readonly [path: string, body: string, change?: Partial<TapeRequest>]

/** What is sent in each loop: the path, and the body of playlists. */
async function playLoops(
  t: Test,
  pushed: readonly Pushed[],
  loops: number,
  nowMs: () => number = () => Date.parse('2026-11-21T12:00:00Z'),
): Promise<readonly (readonly { readonly path: string; readonly text: string }[])[]> {
  const cwd = t.testdir({})
  const requests = pushed.map(([path, body, change], index) => {
    return [requestOf(index + 1, body, { path, ...change }), body] as const
  })
  writeFileSync(join(cwd, 'a.tape'), tapeOf(requests, [], HEAD))
  const tape = await openTape({ cwd, file: 'a.tape', acceptCut: false })
  t.teardown(() => tape.close())
  const prepare = await openRebase(tape, { nowMs, isLastLoop: (loop) => loop === loops - 1 })
  const sent = []
  for (let loop = 0; loop < loops; loop++) {
    const one = []
    for (const request of tape.requests) {
      const prepared = await prepare(request, loop)
      if (prepared === undefined) continue
      const { path, query, lengthBytes } = prepared.sent
      const bytes = await prepared.read(0, prepared.sizeBytes)
      t.equal(lengthBytes, bytes.length)
      t.equal(
        prepared.chunkBytes.reduce((sum, each) => sum + each, 0),
        bytes.length,
      )
      one.push({ path: path + (query === '' ? '' : `?${query}`), text: bytes.toString('latin1') })
    }
    sent.push(one)
  }
  return sent
}

function mediaOf(text: string): MediaPlaylist {
  const playlist = parsePlaylist(text)
  if (playlist?.kind !== 'media') throw new Error(`no media playlist: ${text}`)
  return playlist
}

const DATE = 'EXT-X-PROGRAM-DATE-TIME:2026-11-21T10:00:'
/** A window of three: segments of 2 s, numbered and dated. */
function windowOf(last: number, more = ''): string {
  const lines = ['#EXTM3U', '#EXT-X-VERSION:3', '#EXT-X-TARGETDURATION:2']
  const first = Math.max(5, last - 2)
  lines.push(`#EXT-X-MEDIA-SEQUENCE:${first}`)
  for (let number = first; number <= last; number++) {
    lines.push(
      `#${DATE}${String(number * 2).padStart(2, '0')}.000+0000`,
      '#EXTINF:2.000,',
      `${number}.ts`,
    )
  }
  return `${lines.join('\n')}\n${more}`
}

const CHANNEL: readonly Pushed[] = [
  ['m.m3u8', '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n'],
  ...[5, 6, 7, 8].flatMap((number): Pushed[] => [
    [`${number}.ts`, `segment ${number}`],
    ['v.m3u8', windowOf(number, number === 8 ? '#EXT-X-ENDLIST\n' : '')],
  ]),
]

t.test('a window slides over the end of a loop, with a discontinuity', async (t) => {
  const loops = await playLoops(t, CHANNEL, 3)
  const playlists = loops.flatMap((sent) =>
    sent.filter(({ path }) => path === 'v.m3u8').map(({ text }) => mediaOf(text)),
  )
  t.equal(playlists.length, 12)
  const shown: string[] = []
  for (const [index, playlist] of playlists.entries()) {
    const previous = playlists[index - 1]
    t.equal(playlist.mediaSequenceNumber + playlist.segmentCount, 6 + index, 'one more')
    t.equal(playlist.segmentCount, Math.min(3, index + 1))
    t.equal(playlist.ended, index === 11)
    for (const { uri } of playlist.segments) if (!shown.includes(uri)) shown.push(uri)
    if (previous === undefined) continue
    const gone = playlist.mediaSequenceNumber - previous.mediaSequenceNumber
    t.same(
      playlist.segments.slice(0, -1).map(({ uri, programDateTimeMs }) => [uri, programDateTimeMs]),
      previous.segments.slice(gone).map(({ uri, programDateTimeMs }) => [uri, programDateTimeMs]),
      'what stays is as it was',
    )
    const tags = previous.segments.slice(0, gone).filter(({ discontinuity }) => discontinuity)
    t.equal(playlist.discontinuitySequence, previous.discontinuitySequence + tags.length)
  }
  t.equal(new Set(shown).size, 12, 'names are new in each loop')
  const put = loops.flatMap((sent) =>
    sent.map(({ path }) => path).filter((path) => path.endsWith('.ts')),
  )
  t.same(put, shown, 'and what is named is sent')
  const boundaries = playlists.map(({ segments }) => segments.at(-1)?.discontinuity)
  t.same(
    boundaries.map((isOne, index) => (isOne === true ? index : -1)).filter((index) => index >= 0),
    [4, 8],
  )
  const dates = playlists.map(({ segments }) => segments.at(-1)?.programDateTimeMs ?? 0)
  // Recorded at 10:00:00, its first request 10 ms later; the first segment says 10:00:10.
  t.equal(dates[0], Date.parse('2026-11-21T12:00:10.000Z') - 10)
  for (const [index, date] of dates.entries()) {
    if (index > 0) t.equal(date - (dates[index - 1] ?? 0), 2000)
  }
})

t.test('when loops take longer than their media, dates follow the time of day', async (t) => {
  let nowMs = Date.parse('2026-11-21T12:00:00Z')
  const loops = await playLoops(t, CHANNEL, 2, () => (nowMs += 1000))
  const last = (loop: number) => mediaOf(loops[loop]?.at(-1)?.text ?? '').segments.at(-1)
  t.ok((last(1)?.programDateTimeMs ?? 0) - (last(0)?.programDateTimeMs ?? 0) >= 8000)
})

t.test(
  'segments from before the recording are not named, and nothing is shown without one',
  async (t) => {
    const [sent = []] = await playLoops(
      ...([t, [['v.m3u8', windowOf(7)], ['8.ts', 'x'], ['v.m3u8', windowOf(8)], ['v.m3u8', windowOf(9)]], 1] as const), // prettier-ignore
    )
    const playlists = sent.filter(({ path }) => path === 'v.m3u8').map(({ text }) => mediaOf(text))
    t.match(
      playlists.map(({ mediaSequenceNumber, segmentCount }) => [mediaSequenceNumber, segmentCount]),
      [
        [8, 1],
        [8, 1],
      ],
    )
  },
)

t.test('renditions that are cut differently loop alike', async (t) => {
  const audioOf = (last: number) => windowOf(last).replaceAll('.ts', '.aac')
  const loops = await playLoops(
    t,
    [
      ...CHANNEL,
      ...[6, 7].flatMap((number): Pushed[] => [
        [`${number}.aac`, 'audio'],
        ['a.m3u8', audioOf(number)],
      ]),
    ],
    2,
  )
  const lastOf = (key: string) =>
    mediaOf(loops[1]?.filter(({ path }) => path === key).at(-1)?.text ?? '')
  const [video, audio] = [lastOf('v.m3u8'), lastOf('a.m3u8')]
  t.equal(
    video.mediaSequenceNumber + video.segmentCount,
    audio.mediaSequenceNumber + audio.segmentCount,
  )
})

t.test('maps, keys, ranges, parts, reports and dates of ranges follow', async (t) => {
  const text = [
    ...[
      '#EXTM3U',
      '#EXT-X-TARGETDURATION:2',
      '#EXT-X-MEDIA-SEQUENCE:5',
      '#EXT-X-PLAYLIST-TYPE:EVENT',
    ],
    ...['## by somebody', '#EXT-X-MAP:URI="init.mp4"', '#EXT-X-KEY:METHOD=AES-128,URI="a.key"'],
    '#EXT-X-DATERANGE:ID="x",START-DATE="2026-11-21T10:00:00Z",X-ASSET-URI="5.m4s"',
    ...[
      '#EXTINF:2,',
      '#EXT-X-BYTERANGE:10@0',
      '5.m4s',
      '#EXTINF:2,',
      '#EXT-X-BYTERANGE:10',
      '5.m4s',
    ],
    ...['#EXT-X-PART:DURATION=1,URI="6.1.m4s"', '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="6.2.m4s"'],
    '#EXT-X-RENDITION-REPORT:URI="v.m3u8",LAST-MSN=6,LAST-PART=0',
  ].join('\n')
  const names = ['init.mp4', 'a.key', '5.m4s', '6.1.m4s', '6.2.m4s']
  const loops = await playLoops(
    t,
    [...names.map((name): Pushed => [name, 'x']), ['v.m3u8', `${text}\n`]],
    2,
  )
  const [, second = ''] = loops.map((sent) => sent.at(-1)?.text)
  const run = /_r[0-9a-z]+l1/.exec(second)?.[0] ?? ''
  for (const name of names) {
    const renamed = renameUri(name, run)
    t.ok(second.includes(renamed), renamed)
    t.ok(
      loops[1]?.some(({ path }) => path === renamed),
      renamed,
    )
  }
  t.notMatch(second, 'PLAYLIST-TYPE')
  t.match(second, '## by somebody')
  t.match(second, '#EXT-X-BYTERANGE:10@10')
  t.match(second, 'LAST-MSN=8')
  t.match(second, 'ID="x-2",START-DATE="2026-11-21T12:00:0')
  t.match(second, /IV=0x0{31}5/, 'the number that was the IV')
  t.match(second, /IV=0x0{31}6/)
  const playlist = mediaOf(second)
  t.equal(playlist.mediaSequenceNumber, 7)
  t.equal(playlist.segments[0]?.discontinuity, true)
})

t.test('packed playlists, keys in queries, deletes and what is no playlist', async (t) => {
  const packed = gzipSync(windowOf(5)).toString('latin1')
  const [sent = []] = await playLoops(
    t,
    [
      ['', 'x', { query: 'ttl_seconds=60&key=5.ts' }],
      ['v.m3u8', packed],
      ['5.ts', '', { method: 'DELETE', framing: 'none', lengthBytes: 0 }],
      ['4.ts', '', { method: 'DELETE', framing: 'none', lengthBytes: 0 }],
      ['broken.m3u8', 'nothing', { status: 400 }],
      ['damaged.m3u8', '\x1f\x8bnothing'],
    ],
    1,
  )
  t.match(
    sent.map(({ path }) => path),
    [
      /^\?ttl_seconds=60&key=5_r\w+l0\.ts$/,
      'v.m3u8',
      /^5_r\w+l0\.ts$/,
      'broken.m3u8',
      'damaged.m3u8',
    ],
  )
  t.match(gunzipSync(Buffer.from(sent[1]?.text ?? '', 'latin1')).toString(), /5_r\w+l0\.ts/)
})

t.test('DASH is refused in words', async (t) => {
  await t.rejects(playLoops(t, [['a.mpd', '<MPD/>']], 1), {
    code: 'HW_TAPE_INVALID',
    message: /DASH/,
  })
})

t.test('names are changed however a key is written', (t) => {
  t.equal(renameUri('a.b/c?x=1.ts', '_2'), 'a.b/c_2?x=1.ts')
  t.equal(renameUri('a/b.ts#f', '_2'), 'a/b_2.ts#f')
  t.equal(renameUri('live?token=a&key=b.ts', '_2'), 'live?token=a&key=b_2.ts')
  const base64 = (text: string) => Buffer.from(text).toString('base64url')
  t.equal(
    renameUri(`live?key_base64=${base64('b.ts')}`, '_2'),
    `live?key_base64=${base64('b_2.ts')}`,
  )
  t.end()
})
