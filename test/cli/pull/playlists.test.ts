import t from 'tap'
import {
  nameOfPlaylist,
  nameOfResource,
  RenditionFolders,
} from '../../../src/cli/pull/local-names.ts'
import { parseMediaDocument } from '../../../src/cli/pull/media-document.ts'
import {
  formatMultivariantText,
  parseMultivariantDocument,
} from '../../../src/cli/pull/multivariant-document.ts'
import { reloadDelayMs } from '../../../src/cli/pull/reload-pace.ts'
import { SegmentWindow } from '../../../src/cli/pull/segment-window.ts'
import { parseSourceUrl, showUrl } from '../../../src/cli/pull/source-url.ts'
import { mediaText } from './hls-source.ts'

const url = new URL('https://cdn.test/live/v.m3u8?token=abcdefghij')
const parse = (text: string, segmentsMax = 100_000) =>
  parseMediaDocument(text, url, { segmentsMax })

function document(text: string) {
  const parsed = parse(text)
  if (typeof parsed === 'string') throw new Error(parsed)
  return parsed
}

t.test('what is no media playlist', async (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['<html>', /no playlist/],
    ['', /no playlist/],
    ['#EXTM3U8', /no playlist/],
    ['#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8', /multivariant/],
    ['#EXTM3U\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n', /delta update/],
    ['#EXTM3U\n#EXTINF:2,\nfile:///etc/passwd', /no http or https/],
    ['#EXTM3U\n#EXTINF:2,\ndata:video/mp2t;base64,AA', /no http or https/],
    [`#EXTM3U\n#EXTINF:2,\nhttps://x.test/${'a'.repeat(9000)}`, /no http or https/],
  ]
  for (const [text, words] of cases) t.match(parse(text), words, text.slice(0, 40))
})

t.test('segments are bounded; a long text takes no longer than it is', async (t) => {
  const numbers = Array.from({ length: 50_000 }, (_, index) => index)
  t.equal(document(mediaText(numbers)).segments.length, 50_000)
  t.equal(typeof parse(mediaText([1, 2, 3]), 3), 'object')
  t.equal(parse(mediaText([1, 2, 3, 4]), 3), 'it names more than 3 segments')
  const odd = `#EXTM3U\n${'#EXT-X-KEY:KEYFORMAT="a",URI="\n'.repeat(50_000)}#EXT-X-MAP:${','.repeat(200_000)}`
  t.equal(typeof parse(odd), 'object')
})

t.test('ranges without an offset go on in the same file', async (t) => {
  const lines = ['#EXT-X-BYTERANGE:10@5', 'a', '#EXT-X-BYTERANGE:3', 'a', '#EXT-X-BYTERANGE:2', 'b']
  const { segments } = document(`#EXTM3U\n${lines.join('\n')}`)
  t.strictSame(
    segments.map(({ resource }) => resource.range?.offsetBytes),
    [5, 15, 0],
  )
})

t.test('keys by format; NONE ends them all; those that are no files are left', async (t) => {
  const { segments } = document(
    [
      ...['#EXTM3U', '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://x",KEYFORMAT="com.apple"', 'a'],
      ...['#EXT-X-KEY:METHOD=SAMPLE-AES,URI="k1"', 'b', '#EXT-X-KEY:METHOD=AES-128,URI="k2"', 'c'],
      ...['#EXT-X-KEY:METHOD=NONE', 'd'],
    ].join('\n'),
  )
  t.strictSame(
    segments.map(({ keys }) => keys.map(({ resource }) => resource?.url.pathname)),
    [[undefined], [undefined, '/live/k1'], [undefined, '/live/k2'], []],
  )
})

t.test(
  'variables are put in, those of the query into URIs alone, and never without end',
  async (t) => {
    const { segments } = document(
      [
        ...['#EXTM3U', '#EXT-X-DEFINE:NAME="dir",VALUE="a/b"', '#EXT-X-DEFINE:QUERYPARAM="token"'],
        ...['#EXT-X-NOTE:{$dir} {$token} {$none}', '{$dir}/1.ts?t={$token}'],
      ].join('\n'),
    )
    t.equal(segments[0]?.resource.url.href, 'https://cdn.test/live/a/b/1.ts?t=abcdefghij')
    t.strictSame(segments[0]?.lines, ['#EXT-X-NOTE:a/b {$token} {$none}'])
    const doubling = Array.from(
      { length: 60 },
      (_, index) => `#EXT-X-DEFINE:NAME="v${index + 1}",VALUE="{$v${index}}{$v${index}}"`,
    )
    const bomb = `#EXTM3U\n#EXT-X-DEFINE:NAME="v0",VALUE="xxxxxxxx"\n${doubling.join('\n')}\n${'{$v9}.ts\n'.repeat(20_000)}`
    t.ok(JSON.stringify(parse(bomb)).length < 60_000_000)
  },
)

t.test('what is not pulled is absolute and without credentials', async (t) => {
  const line = (tag: string) => document(`#EXTM3U\n${tag}\na.ts`).segments[0]?.lines[0]
  t.equal(line('#EXT-X-X:URI="../a?token=1"'), '#EXT-X-X:URI="https://cdn.test/a"')
  t.equal(
    line('#EXT-X-X:URI="https://u:p@ads.test/a?id=1"'),
    '#EXT-X-X:URI="https://ads.test/a?id=1"',
  )
  t.equal(
    line('#EXT-X-X:URI="https://ads.test/a?x=abcdefghij"'),
    '#EXT-X-X:URI="https://ads.test/a"',
  )
  t.equal(line('#EXT-X-X:URI="skd://key"'), '#EXT-X-X:URI="skd://key"')
})

t.test('multivariant: bounds, cycles are no more than a name, steering goes', async (t) => {
  const text = [
    ...['#EXTM3U', '#EXT-X-CONTENT-STEERING:SERVER-URI="/steer"', '#EXT-X-STREAM-INF:BANDWIDTH=1'],
    ...['m.m3u8', '#EXT-X-STREAM-INF:BANDWIDTH=2', 'skd://x', '#EXT-X-STREAM-INF:BANDWIDTH=3'],
    ...['m.m3u8', 'stray.m3u8'],
  ].join('\n')
  const parsed = parseMultivariantDocument(text, url, { renditionsMax: 1 })
  if (typeof parsed === 'string') throw new Error(parsed)
  t.equal(parsed.renditions.length, 1)
  t.equal(
    formatMultivariantText(parsed, () => 'local.m3u8'),
    [
      ...[
        '#EXTM3U',
        '#EXT-X-STREAM-INF:BANDWIDTH=1',
        'local.m3u8',
        '#EXT-X-STREAM-INF:BANDWIDTH=2',
      ],
      ...['unknown.m3u8', '#EXT-X-STREAM-INF:BANDWIDTH=3', 'local.m3u8', ''],
    ].join('\n'),
  )
  const many = `#EXTM3U\n${[1, 2, 3].map((n) => `#EXT-X-STREAM-INF:BANDWIDTH=1\n${n}.m3u8\n`).join('')}`
  t.equal(
    parseMultivariantDocument(many, url, { renditionsMax: 2 }),
    'it names 3 media playlists, more than 2',
  )
  t.match(
    parseMultivariantDocument('#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO', url, { renditionsMax: 2 }),
    /no media/,
  )
})

t.test('names: short, safe, of the bytes and not of the URL', async (t) => {
  const body = Buffer.from([0x47, 1, 2])
  const of = (path: string, given = body, contentType = '') =>
    nameOfResource(
      { kind: 'segment', mediaSequenceNumber: 7 },
      { body: given, url: new URL(path, url), contentType },
    )
  t.match(of('/secret-token/a.ts?x=1'), /^7-[0-9a-f]{12}\.ts$/)
  t.not(of('/a.ts'), of('/a.ts', Buffer.from('other')))
  for (const [path, given, contentType, extension] of [
    ['/a.m3u8', body, '', 'ts'],
    ['/a', Buffer.from('\0\0\0\x18stypmsdh'), '', 'm4s'],
    ['/a.php', Buffer.from('WEBVTT\n'), '', 'vtt'],
    ['/a', Buffer.from('ID3'), '', 'aac'],
    ['/a', Buffer.from([0xff, 0xf1]), '', 'aac'],
    ['/a', Buffer.from('?'), 'audio/mp4; codecs=x', 'm4a'],
    ['/a', Buffer.from('?'), '', 'ts'],
    ['/a.jpg', Buffer.from('?'), '', 'jpg'],
    ['/a.%2e%2e%2f', Buffer.from('?'), '', 'ts'],
  ] as const) {
    t.match(of(path, given, contentType), new RegExp(`\\.${extension}$`), path)
  }
  for (const [path, name] of [
    ['/live/playlist.m3u8', 'playlist.m3u8'],
    ['/live/master', 'master.m3u8'],
    ['/live/', 'playlist.m3u8'],
    ['/..%2f..%2fetc', '2f..-2fetc.m3u8'],
    [`/${'eyJ'.repeat(20)}.m3u8`, 'playlist.m3u8'],
  ] as const) {
    t.equal(nameOfPlaylist(new URL(path, url)), name, path)
  }
  const folders = new RenditionFolders()
  const first = folders.nameOf('video', new URL('/a?x=1', url), 0)
  t.equal(folders.nameOf('audio', new URL('/a?x=2', url), 0), first)
  t.equal(folders.nameOf('video', new URL('/a?x=2', url), 1), `${first}-2`)
})

t.test('only the end of a live window, with its discontinuities counted', async (t) => {
  const window = new SegmentWindow(4)
  const tags = { 2: '#EXT-X-DISCONTINUITY', 5: '#EXT-X-DISCONTINUITY' }
  window.accept(document(mediaText([1, 2, 3, 4, 5], { tags })), false)
  t.strictSame(
    window.segments.map(({ mediaSequenceNumber }) => mediaSequenceNumber),
    [4, 5],
  )
  t.equal(window.discontinuitySequence, 1)
  const whole = new SegmentWindow(4)
  whole.accept(document(mediaText([1, 2, 3], { ended: true })), false)
  t.equal(whole.segments.length, 3)
})

t.test('another date under a known number is another segment', async (t) => {
  const window = new SegmentWindow(undefined)
  const dated = (hour: string) =>
    document(mediaText([1], { tags: { 1: `#EXT-X-PROGRAM-DATE-TIME:2026-01-01T${hour}:00:00Z` } }))
  window.accept(dated('10'), false)
  t.equal(window.accept(dated('10'), false).kind, 'same')
  t.match(window.accept(dated('11'), false), { kind: 'reset', added: [{ outcome: 'waiting' }] })
})

t.test('when to load again', async (t) => {
  const pace = {
    targetDurationSeconds: 6,
    isChanged: true,
    failureCount: 0,
    retryAfterSeconds: undefined,
  }
  t.equal(reloadDelayMs(pace), 6000)
  t.equal(reloadDelayMs({ ...pace, isChanged: false }), 3000)
  t.equal(reloadDelayMs({ ...pace, targetDurationSeconds: 0 }), 500)
  t.equal(reloadDelayMs({ ...pace, targetDurationSeconds: 1e12 }), 60_000)
  t.equal(reloadDelayMs({ ...pace, failureCount: 1 }), 3000)
  t.equal(reloadDelayMs({ ...pace, failureCount: 30 }), 15_000)
  t.equal(reloadDelayMs({ ...pace, failureCount: 1, retryAfterSeconds: 100 }), 100_000)
})

t.test('URLs as they are shown', async (t) => {
  const shown = showUrl(new URL('https://u:p@x.test/a?token=1#b'))
  t.equal(shown, 'https://x.test/a')
  t.equal(parseSourceUrl('ftp://x.test/'), undefined)
  t.equal(parseSourceUrl('//other.test/a', url)?.href, 'https://other.test/a')
})
