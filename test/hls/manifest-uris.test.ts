import t from 'tap'
import {
  forEachManifestUri,
  readManifestBases,
  rewriteManifestUris,
} from '../../src/hls/manifest-uris.ts'
import { decodeXml, encodeXml } from '../../src/hls/xml-references.ts'

function urisOf(text: string): readonly string[] {
  const uris: string[] = []
  forEachManifestUri(text, (start, end) => uris.push(text.slice(start, end)))
  return uris
}

t.test('texts and attributes that hold a URI', async (t) => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['<BaseURL>a/</BaseURL><Location> b.mpd\n</Location>', ['a/', 'b.mpd']],
    ['<mpd:PatchLocation ttl="60">p</mpd:PatchLocation>', ['p']],
    ['<ContentSteering queryBeforeStart="true">s</ContentSteering>', ['s']],
    ['<BaseURL><![CDATA[ a?b&c ]]></BaseURL>', ['a?b&c']],
    ['<SegmentTemplate media="m" initialization=\'i\' index = "x"/>', ['m', 'i', 'x']],
    ['<SegmentTemplate bitstreamSwitching="b.mp4" timescale="1"/>', ['b.mp4']],
    ['<Initialization sourceURL="i"/><SegmentURL media="m" mediaRange="0-1"/>', ['i', 'm']],
    ['<Period xlink:href="p" xlink:actuate="onLoad"/>', ['p']],
    ['<SegmentTemplate media="a?x=1&y=2&amp;z=3"/>', ['a?x=1&y=2&amp;z=3']],
    ['<SegmentTemplate\n\tmedia="a>b"\n/>', ['a>b']],
    // Nothing of these.
    ['<AdaptationSet bitstreamSwitching="true" media="no" href="no"/>', []],
    ['<UTCTiming value="https://time.example/"/><BaseURL/><BaseURL>  </BaseURL>', []],
    ['<!-- <BaseURL>a</BaseURL> --><![CDATA[<BaseURL>b</BaseURL>]]>', []],
    ['<!DOCTYPE MPD [<!ENTITY a "<BaseURL>x</BaseURL>">]><?pi <BaseURL>y?>', []],
    ['<!-- <BaseURL>a', []],
    ['<!DOCTYPE MPD [<BaseURL>a', []],
    ['<SegmentTemplate media=m/><SegmentTemplate media', []],
    ['a < b <', []],
    // Broken, but read as far as can be.
    ['<SegmentTemplate media="a" <BaseURL>b', ['a', 'b']],
    ['<SegmentTemplate media="open', ['open']],
  ]
  for (const [text, expected] of cases) t.same(urisOf(text), expected, text)
})

t.test('all but the URIs is kept, and nothing breaks out', async (t) => {
  const text =
    '<?xml?>\r\n<MPD a=\'1\'>&copy;<BaseURL> a </BaseURL>\t<SegmentURL media="m"/>\0</MPD>'
  t.equal(
    rewriteManifestUris(text, (uri) => `${uri}.`),
    text.replace(' a ', ' a. ').replace('"m"', '"m."'),
  )
  t.equal(
    rewriteManifestUris('<SegmentURL media="m"/>', () => 'x"><a b=\'\n'),
    '<SegmentURL media="x%22%3E%3Ca%20b=%27%0A"/>',
  )
  t.equal(
    rewriteManifestUris('<BaseURL><![CDATA[m]]></BaseURL>', () => ']]><x>'),
    '<BaseURL><![CDATA[]]%3E%3Cx%3E]]></BaseURL>',
  )
})

t.test('references', async (t) => {
  t.equal(decodeXml('a&amp;b&#38;c&#x26;d&lt;&gt;&quot;&apos;'), 'a&b&c&d<>"\'')
  t.equal(decodeXml('a&b&;&nope;&#;&#0;&#x110000;&AMP;'), 'a&b&;&nope;&#;&#0;&#x110000;&AMP;')
  t.equal(decodeXml(encodeXml('a?b="1"&c=<\'>')), 'a?b="1"&c=<\'>')
})

t.test('bases and ids', async (t) => {
  const text =
    '<BaseURL>a&amp;b</BaseURL><BaseURL><![CDATA[c&d]]></BaseURL><Representation id="&#47;x"/>'
  t.same(readManifestBases(text), { baseUrls: ['a&b', 'c&d'], representationIds: ['/x'] })
})
