import t from 'tap'
import { itemKeyFromText, parseCacheName } from '../../src/base/names.ts'
import type { PlaylistLocation } from '../../src/hls/resolve.ts'
import {
  addToken,
  DISTINCT_TOKENS_MAX,
  stripTokens,
  tokensIn,
  URI_CHARS_MAX,
} from '../../src/hls/token-hygiene.ts'
import type { PlaylistSyntax } from '../../src/hls/token-hygiene.ts'

const cacheName = parseCacheName('live')
const playlistKey = itemKeyFromText('ch/a.m3u8')
if (cacheName === undefined || playlistKey === undefined) throw new Error('not a location')
const location: PlaylistLocation = {
  cacheName,
  playlistKey,
  keyForm: 'path',
  ownHosts: ['own.example'],
}

const strip = (text: string, syntax: PlaylistSyntax = 'hls', kept: readonly string[] = []) =>
  stripTokens(text, location, { syntax, keepToken: (token) => kept.includes(token) })

t.test('token, ttl_seconds and role leave own URIs', async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['a.ts?token=W&ttl_seconds=3600', 'a.ts'],
    ['a.ts?ttl_seconds=3600&role=origin', 'a.ts'],
    ['a.ts?x=%2f&token=W&y=+ &ttl_seconds=1&z', 'a.ts?x=%2f&y=+ &z'],
    ['live?token=W&ttl_seconds=3600&key=playlist0.ts', 'live?key=playlist0.ts'],
    ['live?token=W&ttl_seconds=3600&copy=0&key=out0.ts', 'live?copy=0&key=out0.ts'],
    ['/cache/live/a.ts?token=W#frag', '/cache/live/a.ts#frag'],
    ['http://own.example/cache/live/a.ts?token=W', 'http://own.example/cache/live/a.ts'],
    ['/a.ts?token=W', '/a.ts'],
    ['a.ts?token=W&token=R', 'a.ts?token=R'],
    ['a.ts?token=R&ttl_seconds=1', 'a.ts?token=R'],
    ['a.ts?%74oken=W&to\tken=W&token=&token', 'a.ts'],
    ['a.ts?&x=1&token=W&', 'a.ts?&x=1&'],
    ['?token=W', '?'],
    ['?token=W#f', '?#f'],
    // As they are.
    ['a.ts?', 'a.ts?'],
    ['a.ts?tokens=1&Token=W&xtoken=2', 'a.ts?tokens=1&Token=W&xtoken=2'],
    ['a.ts#?token=W', 'a.ts#?token=W'],
    [
      'https://cdn.example/a.ts?token=W&ttl_seconds=1',
      'https://cdn.example/a.ts?token=W&ttl_seconds=1',
    ],
    ['skd://x?token=W', 'skd://x?token=W'],
    ['data:text/plain,a?token=W', 'data:text/plain,a?token=W'],
    ['#a.ts?token=W', '#a.ts?token=W'],
  ]
  for (const [text, expected] of cases) t.equal(strip(text, 'hls', ['R']).text, expected, text)
})

t.test('the same in a manifest, however the ampersand is written', async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['a?token=W&amp;ttl_seconds=1', 'a'],
    ['a?x=1&amp;token=W&amp;y=2', 'a?x=1&amp;y=2'],
    ['a?x=1&token=W&y=2', 'a?x=1&y=2'],
    ['a?token=W&#38;x=1&#x26;y', 'a?x=1&#x26;y'],
    ['a?&#116;oken=W&amp;x=&quot;1', 'a?x=&quot;1'],
    ['a&#63;token=W', 'a'],
    ['a?token=R&amp;ttl_seconds=1&amp;x#f', 'a?token=R&amp;x#f'],
    ['a?x=&#39;', 'a?x=&#39;'],
    ['a?x=1&amp=2&amp;token=W', 'a?x=1&amp=2'],
  ]
  for (const [uri, expected] of cases) {
    const around = (content: string): string =>
      `<MPD>\r\n<SegmentTemplate timescale='1' media="${content}"/><BaseURL> ${content} </BaseURL>`
    t.equal(strip(around(uri), 'dash', ['R']).text, around(expected), uri)
  }
  t.equal(
    strip('<BaseURL><![CDATA[a?token=W&x=1&amp;]]></BaseURL>', 'dash').text,
    '<BaseURL><![CDATA[a?x=1&amp;]]></BaseURL>',
  )
})

t.test('counts what it removed', async (t) => {
  const text =
    '#EXTM3U\na?token=W&ttl_seconds=1\nb?token=W&token=\nc?role=x\nhttp://f.example/?token=W'
  t.match(strip(text), {
    removedTokenCount: 2,
    removedParameterCount: 3,
    uriCount: 4,
    overlongUriCount: 0,
  })
  t.match(strip('#EXTM3U\na'), { text: '#EXTM3U\na', removedTokenCount: 0, uriCount: 1 })
})

t.test('each token is judged once, and of very many none is kept', async (t) => {
  const asked: string[] = []
  const lines = Array.from({ length: DISTINCT_TOKENS_MAX + 1 }, (_, index) => `a?token=${index}`)
  const { text } = stripTokens([...lines, ...lines].join('\n'), location, {
    syntax: 'hls',
    keepToken: (token) => asked.push(token) > 0,
  })
  t.equal(asked.length, DISTINCT_TOKENS_MAX)
  const kept = [...lines.slice(0, DISTINCT_TOKENS_MAX), 'a']
  t.equal(text, [...kept, ...kept].join('\n'))
})

t.test('tokens of own URIs, each once', async (t) => {
  const text =
    '#EXTM3U\na?token=W%2B%ff+&x=1\n#EXT-X-MAP:URI="i?token=R"\nb?token=R\nc?token=%zz\nhttp://f.example/?token=F\nd?token=&tokens=1'
  t.same(tokensIn(text, location, 'hls'), ['W+\xff+', 'R', '%zz'])
  t.same(tokensIn('<BaseURL>a?x&amp;token=1&#61;</BaseURL>', location, 'dash'), ['1='])
  t.same(tokensIn('#EXTM3U\na.ts', location, 'hls'), [])
  const many = Array.from({ length: 100 }, (_, index) => `a?token=${index}&token=x${index}`)
  t.equal(tokensIn(many.join('\n'), location, 'hls').length, DISTINCT_TOKENS_MAX)
})

t.test('a token for each own item that has none', async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['a.ts', 'a.ts?token=T%2B1'],
    ['a.ts?x=1#f', 'a.ts?token=T%2B1&x=1#f'],
    ['a.ts#f?x', 'a.ts?token=T%2B1#f?x'],
    ['a.ts?', 'a.ts?token=T%2B1'],
    ['a.ts?&', 'a.ts?token=T%2B1&&'],
    ['live?key=playlist0.ts', 'live?token=T%2B1&key=playlist0.ts'],
    ['http://own.example/cache/live/a.ts', 'http://own.example/cache/live/a.ts?token=T%2B1'],
    ['a.ts?token=', 'a.ts?token=T%2B1&token='],
    ['a.ts?token=R', 'a.ts?token=R'],
    ['/a.ts', '/a.ts'],
    ['../../../a.ts', '../../../a.ts'],
    ['https://cdn.example/a.ts', 'https://cdn.example/a.ts'],
    ['//cdn.example/cache/live/a.ts', '//cdn.example/cache/live/a.ts'],
    ['skd://a', 'skd://a'],
    ['{$base}/a.ts', '{$base}/a.ts'],
    ['a.ts?{$query}', 'a.ts?token=T%2B1&{$query}'],
  ]
  for (const [text, expected] of cases) {
    t.equal(addToken(text, location, { syntax: 'hls', token: 'T+1' }), expected, text)
  }
  t.equal(addToken('a.ts', location, { syntax: 'hls', token: '' }), 'a.ts')
  t.equal(
    addToken('a', location, { syntax: 'hls', token: '"\n,\'\xff€' }),
    'a?token=%22%0A%2C%27%C3%BF%E2%82%AC',
  )
})

t.test('a token in a manifest, but not where it would leave this origin', async (t) => {
  const add = (text: string): string => addToken(text, location, { syntax: 'dash', token: 'T' })
  const media = (uri: string): string => `<SegmentTemplate media="${uri}"/>`
  t.equal(add(media('a$Number$.m4s')), media('a$Number$.m4s?token=T'))
  t.equal(add(media('a?x&amp;y#f')), media('a?token=T&amp;x&amp;y#f'))
  t.equal(add('<BaseURL>dash/</BaseURL>'), '<BaseURL>dash/</BaseURL>')
  t.equal(add('<BaseURL>a.mp4</BaseURL>'), '<BaseURL>a.mp4?token=T</BaseURL>')
  t.equal(add('<Location>m.mpd</Location>'), '<Location>m.mpd?token=T</Location>')
  t.equal(add('<BaseURL><![CDATA[a?x]]></BaseURL>'), '<BaseURL><![CDATA[a?token=T&x]]></BaseURL>')

  const foreign = '<BaseURL>https:&#47;/cdn.example/</BaseURL>'
  const own = media('http://own.example/cache/live/a')
  t.equal(
    add(media('a') + foreign + own),
    media('a') + foreign + media('http://own.example/cache/live/a?token=T'),
  )
  const byId = media('$RepresentationID$/a') + media('b')
  for (const id of ['/evil.example', 'https://evil.example', '\\\\evil.example']) {
    const text = `<Representation id="${id}"/>${byId}`
    t.equal(add(text), text.replace('"b"', '"b?token=T"'), id)
  }
  t.match(add(`<Representation id="v0"/>${byId}`), '$RepresentationID$/a?token=T')
})

t.test('URIs nobody can ask for are left alone and counted', async (t) => {
  const at = `a?token=${'x'.repeat(URI_CHARS_MAX - 8)}`
  const over = `${at}x`
  t.match(strip(at), { text: 'a', overlongUriCount: 0 })
  t.match(strip(over), { text: over, overlongUriCount: 1 })
  t.equal(tokensIn(over, location, 'hls').length, 0)
  t.equal(
    addToken('a'.repeat(URI_CHARS_MAX + 1), location, { syntax: 'hls', token: 'T' }).length,
    8193,
  )
})
