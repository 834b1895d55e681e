import t from 'tap'
import { parsePlaylist } from '../../src/hls/playlist.ts'
import type { MediaPlaylist } from '../../src/hls/playlist.ts'
import { CHANGE_RULES } from '../../src/hls/rules-change.ts'
import { MEDIA_PLAYLIST_RULES } from '../../src/hls/rules-media-playlist.ts'
import { isLatePlaylist, validateMediaPlaylist } from '../../src/hls/validate-media-playlist.ts'

const START = '2026-01-15T12:00:0'

/** `#EXTINF` and name of each segment; */
function segments(from: number, count: number, name = 's'): string {
  return Array.from(
    { length: count },
    (_, index) => `#EXTINF:2.0,\n${name}${from + index}.ts\n`,
  ).join('')
}

function head(msn: number, more = ''): string {
  return `#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${msn}\n${more}`
}

function media(body: string): MediaPlaylist {
  const playlist = parsePlaylist(`#EXTM3U\n${body}`)
  if (playlist?.kind !== 'media') throw new Error('not a media playlist')
  return playlist
}

/** A live window: segments named by their numbers. */
function live(msn: number, count = 6, more = ''): string {
  return head(msn, more) + segments(msn, count)
}

const GAP = '#EXT-X-DISCONTINUITY\n'
const PARTS =
  '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5\n#EXT-X-PART-INF:PART-TARGET=0.5\n'
const part = (uri: string, seconds = 0.5): string =>
  `#EXT-X-PART:DURATION=${seconds},URI="${uri}"\n`
const hint = (uri: string): string => `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${uri}"\n`
const dated = (second: number): string => `#EXT-X-PROGRAM-DATE-TIME:${START}${second}.000Z\n`

/** Rules that must be found, the playlist before, the playlist. */
type Case = readonly [rules: string, previous: string | undefined, next: string]

const ALONE: readonly Case[] = [
  ['', undefined, live(0)],
  ['', undefined, '#EXT-X-TARGETDURATION:2\n#EXT-X-ENDLIST\n#EXTINF:2,\na.ts\n'],
  ['target-duration-missing', undefined, '#EXT-X-VERSION:3\n#EXTINF:2.0,\na.ts\n'],
  ['', undefined, live(0).replace('2.0,', '2.5,')],
  ['target-duration-exceeded', undefined, live(0).replace('2.0,', '2.51,')],
  ['duration-missing', undefined, live(0).replace('#EXTINF:2.0,\n', '')],
  ['', undefined, head(0)],
  ['playlist-empty', undefined, head(0, '#EXT-X-ENDLIST\n')],
  ['playlist-empty', live(0), head(6)],
  ['version-too-low', undefined, live(0).replace('VERSION:6', 'VERSION:2')],
  ['version-too-low', undefined, live(0).replace('#EXT-X-VERSION:6\n', '')],
  ['version-too-low', undefined, live(0, 6, '#EXT-X-MAP:URI="i"\n').replace(':6', ':5')],
  ['', undefined, live(0, 6, '#EXT-X-MAP:URI="i"\n#EXT-X-I-FRAMES-ONLY\n').replace(':6', ':5')],
  ['version-too-low', undefined, live(0, 6, '#EXT-X-DEFINE:QUERYPARAM="a"\n')],
  ['version-too-low', undefined, live(0, 6, '#EXT-X-DEFINE:NAME="a",VALUE="b"\n')],
  [
    'version-too-low',
    undefined,
    live(0, 6, '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="k"\n').replace(':6', ':4'),
  ],
  [
    'version-too-low',
    undefined,
    live(0, 6, '#EXT-X-KEY:METHOD=AES-128,URI="k",KEYFORMAT="x"\n').replace(':6', ':4'),
  ],
  [
    'version-too-low',
    undefined,
    '#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=AES-128,IV=0x1\n#EXTINF:2,\na\n',
  ],
  ['version-too-low', undefined, live(0, 6, '#EXT-X-BYTERANGE:1@0\n').replace(':6', ':3')],
  ['', undefined, head(0) + dated(0) + segments(0, 2) + dated(4) + segments(2, 1)],
  ['', undefined, head(0) + dated(0) + segments(0, 2) + dated(5) + segments(2, 1)],
  ['date-time-jump', undefined, head(0) + dated(0) + segments(0, 2) + dated(6) + segments(2, 1)],
  ['date-time-jump', undefined, head(0) + dated(0) + segments(0, 2) + dated(2) + segments(2, 1)],
  ['', undefined, head(0) + dated(0) + segments(0, 2) + GAP + dated(9) + segments(2, 1)],
  [
    'date-time-backwards',
    undefined,
    head(0) + dated(5) + segments(0, 1) + dated(4) + segments(1, 1),
  ],
  ['segment-named-twice', undefined, head(0) + segments(0, 3) + segments(1, 1)],
  ['', undefined, head(0) + segments(0, 3) + GAP + segments(1, 1)],
  [
    '',
    undefined,
    head(0) + '#EXT-X-BYTERANGE:1@0\n#EXTINF:2,\na\n#EXT-X-BYTERANGE:1@1\n#EXTINF:2,\na\n',
  ],
  ['gap-announced', undefined, head(0) + segments(0, 2) + '#EXT-X-GAP\n' + segments(2, 1)],
  ['hold-back-short', undefined, live(0, 6, '#EXT-X-SERVER-CONTROL:HOLD-BACK=5.9\n')],
  ['', undefined, live(0, 6, '#EXT-X-SERVER-CONTROL:HOLD-BACK=6,CAN-SKIP-UNTIL=12\n')],
  ['skip-boundary-short', undefined, live(0, 6, '#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=11.9\n')],
  [
    'delta-update-stored',
    undefined,
    live(0, 6, '#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n').replace(':6', ':9'),
  ],
  [
    'version-too-low',
    undefined,
    live(0, 6, '#EXT-X-SKIP:RECENTLY-REMOVED-DATERANGES=""\n').replace(':6', ':9'),
  ],
  ['', undefined, live(0, 6, PARTS) + part('p0') + part('p1', 0.2) + hint('p2')],
  ['', undefined, head(0, PARTS) + part('p0')],
  ['part-hold-back-short', undefined, live(0, 6, '#EXT-X-PART-INF:PART-TARGET=0.5\n')],
  ['part-hold-back-short', undefined, live(0, 6, PARTS.replace('1.5', '0.99'))],
  ['part-target-missing', undefined, live(0) + part('p0')],
  ['part-duration-exceeded', undefined, live(0, 6, PARTS) + part('p0', 0.51)],
  ['part-duration-short', undefined, live(0, 6, PARTS) + part('p0', 0.42) + part('p1')],
  ['', undefined, live(0, 6, PARTS) + part('p0', 0.425) + part('p1')],
  ['parts-lingering', undefined, head(0, PARTS) + part('p0') + segments(0, 6)],
  ['', undefined, head(0, PARTS) + part('p0') + segments(0, 5)],
  ['preload-hint-stale', undefined, live(0, 6, PARTS) + part('p0') + hint('p0')],
  ['preload-hint-stale', undefined, head(0, PARTS) + part('p0') + segments(0, 1) + hint('p0')],
]

const CHANGES: readonly Case[] = [
  ['', live(0), live(0)],
  ['', live(0), live(1)],
  ['', live(0), live(4)],
  ['', live(0), live(6)],
  ['', live(0, 2), live(0, 3)],
  ['', head(0), live(0, 1)],
  // The query of a segment is no part of its name, but its key is.
  ['', live(0).replaceAll('.ts', '.ts?token=a&x=1'), live(1).replaceAll('.ts', '.ts?token=b&x=1')],
  ['segment-changed', live(0), live(1).replace('s3.ts', 'x.ts')],
  ['segment-changed', live(0), live(4, 6).replaceAll('s', 'x').replaceAll('xegmentx', 's')],
  ['encoder-restarted', live(100), live(0, 1)],
  ['encoder-restarted', live(100), head(0) + segments(0, 3, 'new')],
  ['encoder-restarted', live(100), head(0) + segments(100, 1)],
  ['encoder-restarted', live(0), live(0, 1)],
  ['encoder-restarted', live(0), head(0) + segments(0, 3, 'new')],
  ['encoder-restarted', live(100), head(300) + segments(300, 1)],
  ['encoder-restarted', live(100), head(300) + GAP + segments(300, 4)],
  ['encoder-restarted', live(100) + '#EXT-X-ENDLIST\n', head(300) + segments(300, 4)],
  ['encoder-restarted', live(0), head(2) + segments(2, 1, 'new')],
  ['encoder-restarted', live(0), head(2) + segments(0, 1)],
  ['encoder-restarted', live(0, 6, PARTS), head(0, PARTS) + part('p0') + hint('p1')],
  ['', head(0, PARTS) + part('p0') + hint('p1'), head(0, PARTS) + part('p0') + part('p1')],
  ['media-sequence-backwards', live(5), live(4)],
  ['media-sequence-backwards', live(5), live(3, 8)],
  ['media-sequence-backwards', live(5), head(4) + segments(5, 6)],
  ['media-sequence-mismatch', live(5), head(5) + segments(6, 6)],
  ['media-sequence-mismatch', live(5), head(8) + segments(6, 6)],
  ['segments-skipped', live(0), live(7)],
  ['segments-removed-from-end', live(0), live(0, 5)],
  ['segments-removed-from-end', live(0), live(1, 4)],
  ['segment-removed-from-middle', live(0), head(0) + segments(0, 2) + segments(3, 4)],
  ['segment-inserted', live(0), head(0) + segments(0, 2) + segments(90, 1) + segments(2, 4)],
  ['segment-inserted', live(5), head(5) + segments(4, 7)],
  ['segment-duration-changed', live(0), live(1).replace('2.0,', '1.9,')],
  ['date-time-changed', live(0, 6, dated(0)), live(0, 6, dated(2))],
  ['', live(0, 6, dated(0)), live(0, 6, dated(1))],
  ['', live(0, 6, dated(0)), live(0, 6)],
  ['target-duration-changed', live(0), live(1).replace('DURATION:2', 'DURATION:3')],
  ['', live(0, 2), live(0, 3).replace('DURATION:2', 'DURATION:3')],
  ['target-duration-changed', live(0, 3), live(0, 4).replace('DURATION:2', 'DURATION:3')],
  ['playlist-type-changed', live(0, 6, '#EXT-X-PLAYLIST-TYPE:EVENT\n'), live(0)],
  [
    '',
    live(0, 6, '#EXT-X-PLAYLIST-TYPE:EVENT\n'),
    live(0, 7, '#EXT-X-PLAYLIST-TYPE:VOD\n') + '#EXT-X-ENDLIST\n',
  ],
  [
    'event-segments-removed',
    live(0, 6, '#EXT-X-PLAYLIST-TYPE:EVENT\n'),
    live(1, 6, '#EXT-X-PLAYLIST-TYPE:EVENT\n'),
  ],
  [
    'vod-changed',
    live(0, 6, '#EXT-X-PLAYLIST-TYPE:VOD\n'),
    live(0, 7, '#EXT-X-PLAYLIST-TYPE:VOD\n'),
  ],
  ['', live(0, 6, '#EXT-X-PLAYLIST-TYPE:VOD\n'), live(0, 6, '#EXT-X-PLAYLIST-TYPE:VOD\n')],
  ['continued-after-end', live(0) + '#EXT-X-ENDLIST\n', live(1)],
  ['continued-after-end', live(0) + '#EXT-X-ENDLIST\n', live(0)],
  ['continued-after-end', live(0) + '#EXT-X-ENDLIST\n', live(1) + '#EXT-X-ENDLIST\n'],
  ['', live(0) + '#EXT-X-ENDLIST\n', live(0) + '#EXT-X-ENDLIST\n'],
  ['discontinuity-sequence-wrong', live(0), live(1, 6, '#EXT-X-DISCONTINUITY-SEQUENCE:1\n')],
  ['discontinuity-sequence-wrong', head(0) + GAP + segments(0, 6), live(1)],
  ['', head(0) + GAP + segments(0, 6), live(1, 6, '#EXT-X-DISCONTINUITY-SEQUENCE:1\n')],
  ['', head(0) + GAP + segments(0, 6), live(0, 6, '#EXT-X-DISCONTINUITY-SEQUENCE:1\n')],
  ['', head(0) + segments(0, 1) + GAP + segments(1, 5), head(1) + GAP + segments(1, 6)],
  ['discontinuity-changed', live(0), head(0) + segments(0, 2) + GAP + segments(2, 5)],
  ['discontinuity-changed', head(0) + segments(0, 2) + GAP + segments(2, 4), live(0)],
  ['window-short', live(0, 2), live(1, 2)],
  ['window-too-short', live(0, 1), live(1, 1)],
  ['', live(0, 3), live(1, 3)],
  ['', live(0, 2), live(1, 2) + '#EXT-X-ENDLIST\n'],
  ['preload-hint-unused', live(0, 6, PARTS) + hint('p9'), live(0, 7, PARTS)],
  ['', live(0, 6, PARTS) + hint('p9'), live(0, 6, PARTS) + part('p9')],
  [
    '',
    live(0, 6, PARTS) + hint('p9'),
    head(0, PARTS) + segments(0, 6) + part('p9') + segments(6, 1),
  ],
  ['', live(0, 6, PARTS) + hint('s6.ts'), live(0, 7, PARTS)],
  // What was judged before is not told again.
  ['', live(0).replace('2.0,', '3.0,'), live(0, 7).replace('2.0,', '3.0,')],
  ['target-duration-exceeded', live(0), live(1).replace(/2\.0,(?=\ns6)/, '3.0,')],
  ['', live(0, 6, PARTS) + part('p0', 0.9), live(0, 6, PARTS) + part('p0', 0.9)],
]

function rulesOf(previous: string | undefined, next: string): string {
  const before = previous === undefined ? undefined : media(previous)
  const findings = validateMediaPlaylist({ previous: before, next: media(next) })
  return findings.map(({ rule }) => rule).join(' ')
}

t.test('planted faults, one at a time', async (t) => {
  for (const [rules, previous, next] of [...ALONE, ...CHANGES]) {
    t.equal(rulesOf(previous, next), rules, `${rules || 'nothing'}: ${previous ?? ''} ${next}`)
  }
})

t.test('each rule has a case', async (t) => {
  const tested = new Set([...ALONE, ...CHANGES].map(([rules]) => rules))
  for (const rule of Object.keys({ ...MEDIA_PLAYLIST_RULES, ...CHANGE_RULES })) {
    t.ok(tested.has(rule), rule)
  }
})

t.test('a finding tells rule, section and numbers in one sentence', async (t) => {
  const findings = validateMediaPlaylist({
    previous: media(live(5)),
    next: media(live(4).replaceAll('.ts', '.ts?token=secret')),
  })
  t.same(findings, [
    {
      rule: 'media-sequence-backwards',
      severity: 'error',
      section: 'RFC 8216bis §4.4.3.2',
      message: 'The media sequence number went back from 5 to 4.',
      numbers: { previousMsn: 5, msn: 4 },
    },
  ])
  const [twice] = validateMediaPlaylist({
    previous: undefined,
    next: media(`${head(0)}#EXTINF:2,\na/b.ts?token=secret\n#EXTINF:2,\na/b.ts?token=secret\n`),
  })
  t.equal(twice?.message, 'b.ts is segment 0 and 1.')
})

t.test('who knows what was stored when can tell a restart from a late playlist', async (t) => {
  const upload = (previous: string, next: string, namesNewerSegments: boolean) => ({
    previous: media(previous),
    next: media(next),
    namesNewerSegments,
  })
  const cases: readonly (readonly [string, string, boolean, string, boolean])[] = [
    [live(5), live(3), true, 'encoder-restarted', false],
    [live(5), live(3), false, 'media-sequence-backwards', true],
    [live(5), live(0, 1), false, 'media-sequence-backwards', true],
    [live(0), live(0, 3), true, 'encoder-restarted', false],
    [live(0), live(0, 1), false, 'segments-removed-from-end', true],
    [live(5), head(4) + segments(5, 6), true, 'encoder-restarted', false],
    [live(5), live(6), true, '', false],
    [live(5), live(5), false, '', false],
  ]
  for (const [previous, next, isNewer, rules, isLate] of cases) {
    const findings = validateMediaPlaylist(upload(previous, next, isNewer))
    t.equal(findings.map(({ rule }) => rule).join(' '), rules)
    t.equal(isLatePlaylist(upload(previous, next, isNewer)), isLate)
  }
  t.equal(isLatePlaylist({ previous: undefined, next: media(live(0)) }), false)
})

t.test('playlists too long to keep are judged by their tags', async (t) => {
  const long = live(5000, 2500)
  t.equal(media(long).isSummary, true)
  t.equal(rulesOf(long, live(5001, 2500)), '')
  t.equal(rulesOf(long, live(0, 2500)), 'encoder-restarted')
  t.equal(rulesOf(long, long.replace('DURATION:2', 'DURATION:3')), 'target-duration-changed')
  t.equal(rulesOf(undefined, long.replace('VERSION:6', 'VERSION:1')), 'version-too-low')
})
