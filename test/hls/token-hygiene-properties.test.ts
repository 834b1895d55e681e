/** Token hygiene over thousands of made-up playlists and the recorded encoders' own. */

import t from 'tap'
import type { Test } from 'tap'
import { itemKeyFromText, parseCacheName } from '../../src/base/names.ts'
import { ownUri } from '../../src/hls/own-uri.ts'
import { parsePlaylist } from '../../src/hls/playlist.ts'
import { forEachManifestUri } from '../../src/hls/manifest-uris.ts'
import { forEachPlaylistUri } from '../../src/hls/playlist-uris.ts'
import type { PlaylistLocation } from '../../src/hls/resolve.ts'
import { addToken, stripTokens, tokensIn } from '../../src/hls/token-hygiene.ts'
import type { PlaylistSyntax } from '../../src/hls/token-hygiene.ts'
import { containsCredential } from '../../src/hls/credential-search.ts'
import { encoderFixtureNames, readEncoderFixture } from '../support/encoder-fixture.ts'

const CASE_COUNT = 4000
const READER_TOKEN = 'reader"\n,URI="x%0a<\'&#'
const WRITE_TOKEN = 'W.r/i+t=e'

const cacheName = parseCacheName('live-origin')
const playlistKey = itemKeyFromText('ch/a.m3u8')
if (cacheName === undefined || playlistKey === undefined) throw new Error('not a location')
const location: PlaylistLocation = {
  cacheName,
  playlistKey,
  keyForm: 'path',
  ownHosts: ['own.example'],
}

/** mulberry32: the same cases on every run. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function makerFrom(seed: number) {
  const random = randomFrom(seed)
  const pick = <Value>(values: readonly [Value, ...Value[]]): Value =>
    values[Math.floor(random() * values.length)] ?? values[0]
  const many = (countMax: number, make: () => string): string =>
    Array.from({ length: Math.floor(random() * (countMax + 1)) }, make).join('')
  return { pick, many }
}

type Maker = ReturnType<typeof makerFrom>

function makeUri({ pick, many }: Maker, ampersand: readonly [string, ...string[]]): string {
  const base = pick([
    '',
    'a.ts',
    'sub/é b.ts',
    '../x.m4s',
    '../../../out.ts',
    './a%20b.ts',
    '/cache/live-origin/y.ts',
    '/elsewhere',
    'live-origin',
    'http://own.example/cache/live-origin/z.ts',
    'https://foreign.example/cache/live-origin/z.ts',
    '//foreign.example/q',
    'data:text/plain,abc',
    'skd://k',
    '{$v}.ts',
    '\\\\foreign.example\\a',
  ])
  const parameter = (): string =>
    pick(ampersand) +
    pick([
      `token=${encodeURIComponent(WRITE_TOKEN)}`,
      `token=${WRITE_TOKEN}`,
      'token=readonly',
      'token=%0a%22,URI=%22evil',
      'token=',
      'token',
      'ttl_seconds=3600',
      'role=origin',
      'key=a.ts',
      'x=%2F+~é',
      'token_=1',
      '',
      '=',
    ])
  return (
    base + pick(['', '?', `?${parameter()}`, `?y=1${many(4, parameter)}`]) + pick(['', '', '#f'])
  )
}

function makePlaylist(maker: Maker): string {
  const { pick, many } = maker
  const uri = (): string => makeUri(maker, ['&'])
  const line = (): string =>
    pick<() => string>([
      uri,
      () =>
        `#EXTINF:${pick(['2.0', '6', '-1', '1e9', 'x'])},${pick(['', 'title,URI="a?token=W"'])}`,
      () => `#EXT-X-MAP:URI="${uri()}",BYTERANGE="1@0"`,
      () => `#EXT-X-KEY:METHOD=AES-128,URI="${uri()}"`,
      () => `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="g",NAME="URI=x,y",URI="${uri()}"`,
      () => `#EXT-X-PART:DURATION=0.5,URI="${uri()}",INDEPENDENT=YES`,
      () => `#EXT-X-PRELOAD-HINT:TYPE=PART,URI=${uri()}`,
      () => `#EXT-X-PREFETCH:${uri()}`,
      () => `#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="a,b"`,
      () => `#${uri()}`,
      () => `#EXT-X-UNKNOWN:A="${pick(['', 'é'])}",B=\0`,
      () => pick(['', '  ', '\0', '#EXT-X-ENDLIST', '#EXT-X-DISCONTINUITY']),
    ])() + pick(['\n', '\n', '\r\n', '\r', '\n\n', ' \n'])
  const text = pick(['', '', '\xef\xbb\xbf']) + '#EXTM3U\n' + many(12, line) + pick(['', uri()])
  return Buffer.from(text, 'utf8').toString('latin1')
}

function makeManifest(maker: Maker): string {
  const { pick, many } = maker
  const uri = (): string => makeUri(maker, ['&amp;', '&amp;', '&', '&#38;', '&#x26;'])
  const element = (): string =>
    pick<() => string>([
      () => `<SegmentTemplate timescale="1" media="${uri()}" initialization='${uri()}'/>`,
      () => `<SegmentURL mediaRange='0-1' media="${uri()}"></SegmentURL>`,
      () => `<BaseURL serviceLocation="a">${uri()}</BaseURL>`,
      () => `<BaseURL><![CDATA[${makeUri(maker, ['&'])}]]></BaseURL>`,
      () => `<!-- <BaseURL>${uri()}</BaseURL> -->`,
      () => `<AdaptationSet bitstreamSwitching="true" par='16:9'>`,
      () => `<Representation id="${pick(['0', 'v1', '//foreign.example', 'http://f.example'])}"/>`,
      () => `<Period xlink:href="${uri()}"/>`,
      () => pick(['\r\n\t', ' & ', '&copy;', '</Period>', '<', '\0']),
    ])()
  const text = `${pick(['', '<?xml version="1.0"?>\r\n'])}<MPD>${many(10, element)}</MPD>`
  return Buffer.from(text, 'utf8').toString('latin1')
}

interface Pieces {
  /** Between the URIs. */
  readonly rest: readonly string[]
  readonly uris: readonly string[]
}

function piecesOf(text: string, syntax: PlaylistSyntax): Pieces {
  const rest: string[] = []
  const uris: string[] = []
  let position = 0
  const scan = syntax === 'hls' ? forEachPlaylistUri : forEachManifestUri
  scan(text, (start, end) => {
    rest.push(text.slice(position, start))
    uris.push(text.slice(start, end))
    position = end
  })
  return { rest: [...rest, text.slice(position)], uris }
}

/** Without the three parameters, and without what stands around them. */
function bare(uri: string): string {
  const [, path = '', query = '', fragment = ''] =
    /^([^?#]*)(\?[^#]*)?([^]*)$/.exec(uri.replace(/&(?:amp|#38|#x26);/g, '&')) ?? []
  const rest = query
    .slice(1)
    .split('&')
    .filter((text) => text !== '' && !/^(?:token|ttl_seconds|role)(?:=|$)/.test(text))
  return `${path} ${rest.join(' ')} ${fragment}`
}

/** What the parser makes of it; sets of URIs that become one are one. */
function shapeOf(text: string): string {
  return JSON.stringify(parsePlaylist(text), (_, value: unknown) => {
    if (typeof value === 'string') return bare(value)
    return Array.isArray(value) && typeof value[0] === 'string'
      ? [...new Set(value.map(String).map(bare))]
      : value
  })
}

function checkCase(t: Test, text: string, syntax: PlaylistSyntax): void {
  const options = { syntax, keepToken: (token: string) => token === 'readonly' }
  const stripped = stripTokens(text, location, options).text
  const added = addToken(stripped, location, { syntax, token: READER_TOKEN })
  const before = piecesOf(text, syntax)
  const problems: string[] = []
  const check = (isGood: boolean, problem: string): void => {
    if (!isGood) problems.push(problem)
  }

  check(stripTokens(stripped, location, options).text === stripped, 'stripping is idempotent')
  check(
    addToken(added, location, { syntax, token: READER_TOKEN }) === added,
    'adding is idempotent',
  )
  check(
    tokensIn(stripped, location, syntax).every((token) => token === 'readonly'),
    'only kept tokens stay',
  )
  for (const after of [piecesOf(stripped, syntax), piecesOf(added, syntax)]) {
    check(JSON.stringify(after.rest) === JSON.stringify(before.rest), 'all but URIs is the same')
    before.uris.forEach((uri, index) => {
      const now = after.uris[index] ?? 'missing'
      check(bare(now) === bare(uri), `only parameters changed: ${uri} to ${now}`)
      if (!ownUri(location, uri)) check(now === uri, `a foreign URI stays: ${uri}`)
    })
  }
  if (syntax === 'hls') {
    const shapes = [text, stripped, added].map(shapeOf)
    check(shapes[0] === shapes[1] && shapes[0] === shapes[2], 'parses to the same')
  }
  if (problems.length > 0) t.same({ problems, text, stripped, added }, {})
}

t.test('made-up playlists and manifests', async (t) => {
  for (let seed = 0; seed < CASE_COUNT; seed++) {
    checkCase(t, makePlaylist(makerFrom(seed)), 'hls')
    checkCase(t, makeManifest(makerFrom(seed)), 'dash')
  }
  t.pass(`${CASE_COUNT} of each`)
})

t.test('noise', async (t) => {
  const { pick, many } = makerFrom(1)
  const noise = (): string =>
    pick([
      '#EXT-X-',
      'URI',
      '=',
      '"',
      ',',
      '\n',
      '\r',
      '?',
      'token',
      '&',
      'amp;',
      '<',
      '>',
      'BaseURL',
      "'",
      ' media=',
      'x',
      '#',
      '<!--',
      '/',
      '\t',
      ':',
      '%',
      ';',
    ])
  for (let count = 0; count < CASE_COUNT; count++) {
    const text = `${pick(['#EXTM3U\n', '<MPD>'])}${many(30, noise)}`
    for (const syntax of ['hls', 'dash'] as const) {
      const options = { syntax, keepToken: () => false }
      const stripped = stripTokens(text, location, options).text
      const added = addToken(stripped, location, { syntax, token: READER_TOKEN })
      const isStable =
        stripTokens(stripped, location, options).text === stripped &&
        addToken(added, location, { syntax, token: READER_TOKEN }) === added &&
        piecesOf(added, syntax).uris.length === piecesOf(text, syntax).uris.length &&
        tokensIn(stripped, location, syntax).length === 0
      if (!isStable) t.same({ text, stripped, added }, {}, syntax)
    }
  }
  t.pass(String(CASE_COUNT))
})

t.test('what recorded encoders sent', async (t) => {
  let leakCount = 0
  for (const name of encoderFixtureNames()) {
    for (const { target, body } of readEncoderFixture(name).requests) {
      if (body.text === undefined) continue
      const keyForm = target.includes('key=') ? ('query' as const) : ('path' as const)
      const at = { ...location, keyForm }
      const syntax = body.text.startsWith('#EXTM3U') ? ('hls' as const) : ('dash' as const)
      for (const token of [
        WRITE_TOKEN.replaceAll('/', '_'),
        'eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl',
      ]) {
        const text = body.text
          .replaceAll('{{token}}', token)
          .replaceAll('{{host}}', 'own.example')
          .replaceAll('{{tokenCut}}', token.slice(0, token.lastIndexOf('.')))
        const { text: clean, removedTokenCount } = stripTokens(text, at, {
          syntax,
          keepToken: () => false,
        })
        leakCount += removedTokenCount
        if (containsCredential(clean, token)) t.fail(`${name} ${target}`)
        if (/ttl_seconds|role=/.test(clean)) t.fail(`${name} ${target}: ${clean}`)
        if (removedTokenCount === 0 && !text.includes('ttl_seconds')) t.equal(clean, text)
        const forReader = addToken(clean, at, { syntax, token: 'R' })
        const { uris } = piecesOf(forReader, syntax)
        for (const uri of uris) if (!/\?token=R(?:&|$)/.test(uri)) t.fail(`${name}: ${uri}`)
      }
    }
  }
  t.ok(leakCount > 100, `${leakCount} leaked tokens removed`)
})
