import t from 'tap'
import { parsePlaylist } from '../../src/hls/playlist.ts'
import type { MediaPlaylist, MultivariantPlaylist } from '../../src/hls/playlist.ts'
import { CHANNEL_RULES } from '../../src/hls/rules-channel.ts'
import {
  renditionStateOf,
  segmentNameReused,
  validateAgainstStore,
  validateBitrate,
  validateBitrates,
  validateRenditions,
} from '../../src/hls/validate-channel.ts'
import { validateMultivariant, VARIANTS_MAX } from '../../src/hls/validate-multivariant.ts'
import type { Finding } from '../../src/hls/validation-rules.ts'
import { RULES } from '../../src/hls/validation-rules.ts'

const tested = new Set<string>()

function rulesOf(findings: readonly Finding[]): string {
  for (const { rule } of findings) tested.add(rule)
  return findings.map(({ rule }) => rule).join(' ')
}

function media(body: string): MediaPlaylist {
  const playlist = parsePlaylist(`#EXTM3U\n#EXT-X-TARGETDURATION:2\n${body}`)
  if (playlist?.kind !== 'media') throw new Error('not a media playlist')
  return playlist
}

function multivariant(body: string): MultivariantPlaylist {
  const playlist = parsePlaylist(`#EXTM3U\n${body}`)
  if (playlist?.kind !== 'multivariant') throw new Error('not a multivariant playlist')
  return playlist
}

function live(msn: number, count: number, more = ''): MediaPlaylist {
  const lines = Array.from({ length: count }, (_, index) => `#EXTINF:2.0,\ns${msn + index}.ts\n`)
  return media(`#EXT-X-MEDIA-SEQUENCE:${msn}\n${more}${lines.join('')}`)
}

t.test('multivariant playlists', async (t) => {
  const inf = (attributes: string): string => `#EXT-X-STREAM-INF:${attributes}\n`
  const good = 'BANDWIDTH=1000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=2x1'
  const audio = (name: string, more = ''): string =>
    `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="${name}",URI="a.m3u8"${more}\n`
  const cases: readonly (readonly [string, string])[] = [
    [
      '',
      `${inf(good)}v.m3u8\n${audio('en')}${inf(`${good},AUDIO="a",CLOSED-CAPTIONS=NONE`)}v.m3u8\n`,
    ],
    ['', `${inf('BANDWIDTH=1,CODECS="mp4a.40.2"')}v.m3u8`],
    ['variants-none', audio('en')],
    ['stream-inf-without-uri', `${inf(good)}${inf(good)}v.m3u8`],
    ['variant-duplicate', `${inf(good)}v.m3u8\n${inf(good)}v.m3u8`],
    ['bandwidth-missing', `${inf('CODECS="mp4a.40.2"')}v.m3u8`],
    ['codecs-missing', `${inf('BANDWIDTH=1')}v.m3u8`],
    ['resolution-missing', `${inf('BANDWIDTH=1,CODECS="avc1.64"')}v.m3u8`],
    ['average-bandwidth-high', `${inf(`${good},AVERAGE-BANDWIDTH=1011`)}v.m3u8`],
    ['', `${inf(`${good},AVERAGE-BANDWIDTH=1010`)}v.m3u8`],
    [
      'variant-group-missing',
      `${inf(`${good},SUBTITLES="s",VIDEO="v",CLOSED-CAPTIONS="c"`)}v.m3u8`,
    ],
    ['rendition-incomplete', `${audio('')}${inf(good)}v.m3u8`],
    ['rendition-duplicate', `${audio('en')}${audio('en')}${inf(good)}v.m3u8`],
    ['playlist-names-itself', `${inf(good)}self.m3u8`],
  ]
  for (const [rules, body] of cases) {
    const next = multivariant(body)
    t.equal(
      rulesOf(validateMultivariant({ next, isSelf: (uri) => uri === 'self.m3u8' })),
      rules,
      body,
    )
  }
  const many = (count: number): MultivariantPlaylist =>
    multivariant(
      Array.from({ length: count }, (_, index) => `${inf(good)}${index}.m3u8\n`).join(''),
    )
  t.equal(rulesOf(validateMultivariant({ next: many(VARIANTS_MAX) })), '')
  t.equal(rulesOf(validateMultivariant({ next: many(VARIANTS_MAX + 1) })), 'variants-many')
})

t.test('listed objects that are not stored', async (t) => {
  const judge = (next: MediaPlaylist, missing: string, previous?: MediaPlaylist) =>
    validateAgainstStore({
      next,
      previous,
      isStored: (uri) => (uri.startsWith('http') ? undefined : !missing.split(' ').includes(uri)),
    })
  t.equal(rulesOf(judge(live(5, 3), '')), '')
  t.equal(rulesOf(judge(live(5, 3), 's7.ts')), '', 'the newest may be on its way')
  t.match(judge(live(5, 3), 's5.ts s6.ts'), [
    {
      rule: 'segment-missing',
      message: '2 segments, 5 to 6, are listed, older than the newest, and not stored.',
      numbers: { count: 2, firstMsn: 5, lastMsn: 6 },
    },
  ])
  t.equal(rulesOf(judge(live(6, 3), 's6.ts', live(5, 3))), '', 'told before')
  t.equal(
    rulesOf(judge(live(6, 3), 's7.ts', live(5, 3))),
    'segment-missing',
    'the newest of before',
  )
  t.equal(rulesOf(judge(live(0, 3), 's1.ts', live(50, 3))), 'segment-missing', 'a restart')
  t.equal(rulesOf(judge(live(0, 3), 's1.ts', media(''))), 'segment-missing')
  const gap = '#EXT-X-GAP\n'
  t.equal(rulesOf(judge(live(5, 3, gap), 's5.ts')), '', 'announced')
  const map = '#EXT-X-MAP:URI="i.mp4"\n#EXT-X-KEY:METHOD=AES-128,URI="http://k"\n'
  t.equal(rulesOf(judge(live(5, 1, map), 'i.mp4')), '')
  t.equal(rulesOf(judge(live(5, 2, map), 'i.mp4')), 'init-missing')
  t.equal(rulesOf(judge(live(5, 2, '#EXT-X-KEY:METHOD=AES-128,URI="k"\n'), 'k')), 'key-missing')
  const parts = (uris: string): string =>
    uris.replace(/\S+ ?/g, (uri) => `#EXT-X-PART:DURATION=1,URI="${uri.trim()}"\n`)
  t.equal(rulesOf(judge(media(parts('a b')), 'b')), '', 'the newest part')
  t.equal(rulesOf(judge(media(parts('a b')), 'a')), 'part-missing')
  t.equal(rulesOf(judge(live(5, 2, parts('a b')), 'b')), 'part-missing')
})

t.test('renditions in step', async (t) => {
  const dated = (second: number): string =>
    `#EXT-X-PROGRAM-DATE-TIME:2026-01-15T12:00:0${second}.000Z\n`
  const judge = (...playlists: readonly MediaPlaylist[]): string =>
    rulesOf(validateRenditions(playlists.map((each, index) => renditionStateOf(`r${index}`, each))))
  t.equal(judge(), '')
  t.equal(judge(live(0, 3)), '')
  t.equal(judge(live(0, 3), live(2, 3)), '', 'two segments apart')
  t.equal(judge(live(0, 3), live(3, 3)), 'rendition-skew')
  t.equal(judge(live(0, 3), live(100, 3)), '', 'never counted together')
  t.equal(judge(live(0, 3, dated(0)), live(50, 3, dated(4))), '', 'two target durations')
  t.equal(judge(live(0, 3, dated(0)), live(0, 3, dated(5))), 'rendition-skew')
  t.equal(judge(live(0, 3, dated(0)), live(1, 3)), '', 'dates in one only')
  const slow = { ...live(0, 3), targetDurationSeconds: 4 }
  t.equal(judge(live(0, 3), { ...slow, targetDurationSeconds: 3 }), '')
  t.equal(judge(live(0, 3), slow), 'rendition-target-durations-differ')
  t.equal(judge(live(0, 3), { ...slow, isIFramesOnly: true }), '')
  const broken = '#EXT-X-DISCONTINUITY\n'
  const counted = '#EXT-X-DISCONTINUITY-SEQUENCE:1\n'
  t.equal(judge(live(0, 3, broken), live(0, 3)), 'rendition-discontinuities-differ')
  t.equal(judge(live(0, 3, broken), live(0, 3, counted)), '')
  t.equal(judge(live(0, 3, broken), live(1, 3)), '', 'not at the same segment')
  const [skew] = validateRenditions([
    renditionStateOf('hi.m3u8', live(0, 3, dated(0))),
    renditionStateOf('lo.m3u8', live(0, 3, dated(7))),
  ])
  t.equal(skew?.message, 'hi.m3u8 is 7 s behind lo.m3u8.')
})

t.test('bit rates', async (t) => {
  const judge = (segmentSizeBytes: number, durationSeconds: number, bandwidth = 1000): string =>
    rulesOf(
      validateBitrate({
        segmentSizeBytes,
        durationSeconds,
        targetDurationSeconds: 2,
        bandwidthBitsPerSecond: bandwidth,
      }),
    )
  t.equal(judge(312, 2), '', 'up to 125 %')
  t.equal(judge(313, 2), 'bandwidth-exceeded')
  t.equal(judge(1000, 0.9), '', 'too short for a measure')
  t.equal(judge(1000, 0), '')
  t.equal(judge(1000, 2, 0), '', 'nothing is promised')

  const sizes = new Map([
    ['s0.ts', 500],
    ['s1.ts', 900],
    ['s2.ts', 9999],
  ])
  const whole = (next: MediaPlaylist, previous?: MediaPlaylist) =>
    validateBitrates({
      next,
      previous,
      sizeBytesOf: (uri) => sizes.get(uri),
      bandwidthBitsPerSecond: 1000,
    })
  t.equal(rulesOf(whole(live(0, 2))), '', 'not yet')
  t.match(whole(live(0, 3)), [{ numbers: { bitsPerSecond: 3600 } }], 'the worst but the newest')
  t.equal(rulesOf(whole(live(0, 4), live(0, 3))), 'bandwidth-exceeded', 'the newest of before')
  t.equal(rulesOf(whole(live(0, 5), live(0, 4))), '', 'each once')
})

t.test('a name that is used again', async (t) => {
  const finding = segmentNameReused('a/s1.ts', { sizeBytes: 2, previousSizeBytes: 3 })
  t.equal(rulesOf([finding]), 'segment-name-reused')
  t.match(
    finding.message,
    'a/s1.ts was listed and is written again with other bytes: 2 instead of 3.',
  )
})

t.test('each rule has a case, and a text', async (t) => {
  for (const rule of Object.keys(CHANNEL_RULES)) t.ok(tested.has(rule), rule)
  for (const [name, { section, meaning, whatToDo }] of Object.entries(RULES)) {
    t.match(name, /^[a-z]+(?:-[a-z]+)+$/)
    t.match(section, /^RFC 8216bis §\d+(?:\.\d+)*$/)
    t.match(meaning, /\.$/)
    t.match(whatToDo, /\.$/)
  }
})
