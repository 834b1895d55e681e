import t from 'tap'
import { forEachPlaylistUri, rewriteUris } from '../../src/hls/playlist-uris.ts'

function urisOf(text: string): readonly string[] {
  const uris: string[] = []
  forEachPlaylistUri(text, (start, end) => uris.push(text.slice(start, end)))
  return uris
}

const mark = (uri: string): string => `(${uri})`

t.test('URI lines and the URIs of every tag that has one', async (t) => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['#EXTM3U\n#EXTINF:6,\na.ts\n', ['a.ts']],
    ['#EXT-X-MAP:URI="init.mp4",BYTERANGE="720@0"', ['init.mp4']],
    ['#EXT-X-KEY:METHOD=AES-128,URI="k?a=1,2",IV=0x1', ['k?a=1,2']],
    ['#EXT-X-SESSION-KEY:METHOD=AES-128,URI="sk"', ['sk']],
    ['#EXT-X-MEDIA:TYPE=AUDIO,NAME="x,URI=no",URI="a.m3u8"', ['a.m3u8']],
    ['#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="i.m3u8"', ['i.m3u8']],
    ['#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=1,URI="t.m3u8"', ['t.m3u8']],
    ['#EXT-X-PART:DURATION=0.5,URI="p.m4s",INDEPENDENT=YES', ['p.m4s']],
    ['#EXT-X-PRELOAD-HINT:TYPE=PART,URI="q.m4s"', ['q.m4s']],
    ['#EXT-X-RENDITION-REPORT:URI="../b.m3u8",LAST-MSN=1', ['../b.m3u8']],
    ['#EXT-X-SESSION-DATA:DATA-ID="a",URI="d.json"', ['d.json']],
    ['#EXT-X-DATERANGE:ID="1",X-ASSET-URI="ad",X-ASSET-LIST="l"', ['ad', 'l']],
    ['#EXT-X-CONTENT-STEERING:SERVER-URI="s",PATHWAY-ID="p"', ['s']],
    ['#EXT-X-PREFETCH: next.ts', ['next.ts']],
    ['#EXT-X-VENDOR:URI="v"', ['v']],
    ['#EXT-X-MAP: URI = "no",URI=bare.mp4 ,URI=', ['"no"', 'bare.mp4']],
    ['#EXT-X-MAP:URI="open', ['open']],
    ['#EXT-X-MAP:junk,,=,URI="a"', ['a']],
    ['  a b.ts\t\r\n\0b.ts', ['a b.ts', 'b.ts']],
    ['a.ts\rb.ts\r\nc.ts', ['a.ts', 'b.ts', 'c.ts']],
    ['\ufeffa.ts', ['a.ts']],
    ['\xef\xbb\xbf#EXTM3U', []],
    // Nothing of these.
    ['# a.ts\n#a.ts\n##EXT-X-MAP:URI="x"\n #c.ts', []],
    ['#EXT-X-DATERANGE:ID="URI"\n#EXTINF:6,URI="x"\n#EXT-X-MAP\n#EXT-X-MAP:URI=""', []],
    ['#EXT-X-DEFINE:NAME="URI",VALUE="a?b"\n#EXT-X-STREAM-INF:X-ASSET-URI="n"', []],
    ['', []],
    ['\n\r\n  \t', []],
    ['#EXT-X-PREFETCH:\n#EXT-X-PREFETCH:  ', []],
  ]
  for (const [text, expected] of cases) t.same(urisOf(text), expected, JSON.stringify(text))
})

t.test('all but the URIs is kept', async (t) => {
  const text =
    '\xef\xbb\xbf#EXTM3U\r\n#EXT-X-NEW:é=\0,URI\r#EXTINF:6,\ttitle \n  a.ts \t\r\n\n#EXT-X-MAP: URI="i" \nb'
  const marked = text.replace('a.ts', '(a.ts)').replace('"i"', '"(i)"').replace(/b$/, '(b)')
  t.equal(rewriteUris(text, mark), marked)
})

t.test('nothing changed gives the same string', async (t) => {
  const text = '#EXTM3U\n#EXTINF:6,\na.ts\n'
  t.equal(
    rewriteUris(text, (uri) => uri),
    text,
  )
})

t.test('what a URI is exchanged for cannot break out of its place', async (t) => {
  const evil = 'x"\r\n#EXT-X-ENDLIST,URI="y\0'
  t.equal(
    rewriteUris('a.ts', () => evil),
    'x%22%0D%0A#EXT-X-ENDLIST,URI=%22y%00',
  )
  t.equal(
    rewriteUris('#EXT-X-MAP:URI="a"', () => evil),
    '#EXT-X-MAP:URI="x%22%0D%0A#EXT-X-ENDLIST,URI=%22y%00"',
  )
  t.equal(
    rewriteUris('#EXT-X-MAP:URI=a,B=1', () => 'x,C=2'),
    '#EXT-X-MAP:URI=x%2CC=2,B=1',
  )
  t.equal(
    rewriteUris('a "b".ts', (uri) => `${uri}?"\n`),
    'a "b".ts?"%0A',
    'what was there before may stay',
  )
})

t.test('a URI line stays one', async (t) => {
  t.equal(
    rewriteUris('a.ts', () => ''),
    'a.ts',
  )
  t.equal(
    rewriteUris('a.ts', () => '#x'),
    'a.ts',
  )
  t.equal(
    rewriteUris('#EXT-X-MAP:URI="a"', () => '#x'),
    '#EXT-X-MAP:URI="#x"',
  )
})
