import t from 'tap'
import { itemKeyFromText, parseCacheName } from '../../src/base/names.ts'
import { ownershipOf, ownUri } from '../../src/hls/own-uri.ts'
import type { UriOwnership } from '../../src/hls/own-uri.ts'
import { resolveToKey } from '../../src/hls/resolve.ts'
import type { PlaylistLocation } from '../../src/hls/resolve.ts'

function at(playlistKey: string, keyForm: 'path' | 'query' = 'path'): PlaylistLocation {
  const cacheName = parseCacheName('live')
  const key = itemKeyFromText(playlistKey)
  if (cacheName === undefined || key === undefined) throw new Error('not a location')
  return { cacheName, playlistKey: key, keyForm, ownHosts: ['own.example', 'own.example:8080'] }
}

const CASES: readonly (readonly [string, UriOwnership])[] = [
  ['seg.ts', 'item'],
  ['./seg.ts', 'item'],
  ['a b.ts', 'item'],
  ['seg.ts?x=http://foreign.example/', 'item'],
  ['', 'item'],
  ['?token=1', 'item'],
  ['#f', 'item'],
  ['../seg.ts', 'item'],
  ['../..', 'item'],
  ['../../live/seg.ts', 'item'],
  ['../../../seg.ts', 'other'],
  ['../../..', 'other'],
  ['%2e%2E/.%2e/../seg.ts', 'other'],
  ['..\\..\\..\\seg.ts', 'other'],
  ['/cache/other/seg.ts', 'item'],
  ['/cache/live/../../x', 'other'],
  ['/cache/live/./x', 'item'],
  ['/cache/live/..', 'item'],
  ['\\cache\\live', 'item'],
  ['/seg.ts', 'other'],
  ['/cache', 'other'],
  ['http://own.example/cache/live/seg.ts', 'item'],
  ['HTTPS://own.example:443/cache/live/seg.ts', 'item'],
  ['http://OWN.example:80/cache/live?key=a', 'item'],
  ['http://user@own.example:8080/cache/live?key=a', 'item'],
  ['//own.example:8080/cache/a', 'item'],
  ['\\\\own.example/cache/a', 'item'],
  ['h\tttp://own.example/cache/a', 'item'],
  ['http://own.example', 'other'],
  ['http://own.example/', 'other'],
  ['http://own.example:81/cache/a', 'foreign'],
  ['http://own.example@evil.example/cache/a', 'foreign'],
  ['http://own.example.evil.example/cache/a', 'foreign'],
  ['//cdn.example/cache/a', 'foreign'],
  ['/\\cdn.example/cache/a', 'foreign'],
  ['/\t/cdn.example/cache/a', 'foreign'],
  ['https:\\\\cdn.example/cache/a', 'foreign'],
  ['http:seg.ts', 'foreign'],
  ['data:text/plain,seg.ts', 'foreign'],
  ['skd://own.example/cache/a', 'foreign'],
  ['urn:mpeg:dash:resolve-to-zero:2013', 'foreign'],
  ['ftp://own.example/cache/a', 'foreign'],
  ['{$base}/seg.ts', 'foreign'],
  ['seg.ts?{$query}', 'item'],
]

t.test('whose a URI is', async (t) => {
  for (const [uri, expected] of CASES) {
    t.equal(ownershipOf(at('ch/a.m3u8'), uri), expected, JSON.stringify(uri))
    t.equal(ownUri(at('ch/a.m3u8'), uri), expected !== 'foreign')
  }
})

t.test('agrees with what a URL parser makes of it', async (t) => {
  const base = 'http://own.example/cache/live/ch/a.m3u8'
  for (const [uri, expected] of CASES) {
    // These two are refused on purpose, whatever a parser would say.
    if (uri.startsWith('{$') || uri === 'http:seg.ts') continue
    const url = new URL(uri, base)
    const isOwn = /^https?:$/.test(url.protocol) && /^own\.example(?::8080)?$/.test(url.host)
    const actual = isOwn ? (url.pathname.startsWith('/cache/') ? 'item' : 'other') : 'foreign'
    t.equal(actual, expected, JSON.stringify(uri))
  }
})

t.test('a playlist that is asked for by query is in the folder of caches', async (t) => {
  t.equal(ownershipOf(at('ch/a.m3u8', 'query'), 'live?key=a.ts'), 'item')
  t.equal(ownershipOf(at('ch/a.m3u8', 'query'), './live?key=a.ts'), 'item')
  t.equal(ownershipOf(at('ch/a.m3u8', 'query'), '../a.ts'), 'other')
})

t.test('what is an item by its key is ours', async (t) => {
  for (const [uri, expected] of CASES) {
    if (resolveToKey(at('ch/a.m3u8'), uri) !== undefined && !/^(?:\{|http:s)/.test(uri)) {
      t.equal(expected, 'item', uri)
    }
  }
})

t.test('without hosts of its own, no absolute URI is ours', async (t) => {
  const { cacheName, playlistKey, keyForm } = at('a.m3u8')
  t.equal(ownUri({ cacheName, playlistKey, keyForm }, 'http://own.example/cache/live/a'), false)
})
