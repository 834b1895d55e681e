import t from 'tap'
import { itemKeyFromText, parseCacheName, parseItemKey } from '../../src/base/names.ts'
import { resolveToKey } from '../../src/hls/resolve.ts'
import type { PlaylistLocation } from '../../src/hls/resolve.ts'

function at(playlistKey: string, keyForm: 'path' | 'query' = 'path'): PlaylistLocation {
  const cacheName = parseCacheName('live-origin')
  const key = itemKeyFromText(playlistKey)
  if (cacheName === undefined || key === undefined) throw new Error('not a location')
  return { cacheName, playlistKey: key, keyForm, ownHosts: ['origin.example:8080'] }
}

t.test('URIs of a playlist that is asked for by path', async (t) => {
  const cases: readonly (readonly [string, string, string | undefined])[] = [
    ['a.m3u8', 'seg.ts', 'seg.ts'],
    ['a.m3u8', './seg.ts', 'seg.ts'],
    ['ch1/a.m3u8', 'seg.ts?token=x&ttl_seconds=1#f', 'ch1/seg.ts'],
    ['ch1/hi/a.m3u8', '../lo/seg.ts', 'ch1/lo/seg.ts'],
    ['ch1/a.m3u8', '/cache/live-origin/x/y.ts', 'x/y.ts'],
    ['ch1/a.m3u8', 'http://origin.example:8080/cache/live-origin/y.ts', 'y.ts'],
    ['ch1/a.m3u8', '/cache/live-origin?key=a%2Fb.ts&token=t', 'a/b.ts'],
    ['ch1/a.m3u8', '/cache/live-origin/?key=b.ts', 'b.ts'],
    ['ch1/a.m3u8', '/cache/live-origin?key_base64=YS9i', 'a/b'],
    ['ch1/a.m3u8', '/cache/live-origin?key_base64=YQ%3D%3D', 'a'],
    ['ch1/a.m3u8', '/cache/live%2Dorigin/y.ts', 'y.ts'],
    ['/Movie/a.m3u8', 'seg.ts', '/Movie/seg.ts'],
    ['a b/(1)%.m3u8', 'seg 1+2.ts', 'a b/seg 1+2.ts'],
    ['a.m3u8', 'a%252Fb.ts', 'a%2Fb.ts'],
    ['a.m3u8', 'a%2Fb.ts', 'a/b.ts'],
    ['a.m3u8', '', 'a.m3u8'],
    ['a.m3u8', '?token=1', 'a.m3u8'],
    // Nothing of ours.
    ['a.m3u8', '/seg.ts', undefined],
    ['a.m3u8', '../seg.ts', undefined],
    ['a.m3u8', '/cache/other/seg.ts', undefined],
    ['a.m3u8', '/cache/live-origin', undefined],
    ['a.m3u8', '/cache/live-origin/', undefined],
    ['a.m3u8', '/cache/live-origin?key=', undefined],
    ['a.m3u8', '/cache/live-origin?key=a&key=b', undefined],
    ['a.m3u8', '/cache/live-origin?key=a&key_base64=YQ', undefined],
    ['a.m3u8', '/cache/live-origin?key_base64=Y*', undefined],
    ['a.m3u8', '/cache/live-origin?key_base64=%zz', undefined],
    ['a.m3u8', '/cache/live-origin?key', undefined],
    ['a.m3u8', 'seg.ts?key=b', undefined],
    ['a.m3u8', 'broken%2.ts', undefined],
    ['a.m3u8', 'https://cdn.example/cache/live-origin/seg.ts', undefined],
    ['a.m3u8', '//cdn.example/cache/live-origin/seg.ts', undefined],
    ['a.m3u8', 'http://origin.example/cache/live-origin/seg.ts', undefined],
    ['a.m3u8', 'data:text/plain;base64,AAAA', undefined],
    ['a.m3u8', 'skd://key', undefined],
    ['a.m3u8', 'http://[broken', undefined],
    ['a.m3u8', 'x'.repeat(1025), undefined],
  ]
  for (const [playlistKey, uri, expected] of cases) {
    t.equal(resolveToKey(at(playlistKey), uri), expected, `${playlistKey} + ${uri.slice(0, 60)}`)
  }
})

t.test('URIs of a playlist that is asked for by query', async (t) => {
  const location = at('ch1/a.m3u8', 'query')
  t.equal(resolveToKey(location, '?key=ch1/seg.ts'), 'ch1/seg.ts')
  t.equal(resolveToKey(location, 'live-origin?key=ch1/seg.ts'), 'ch1/seg.ts')
  t.equal(resolveToKey(location, 'live-origin/ch1/seg.ts'), 'ch1/seg.ts')
  t.equal(resolveToKey(location, 'seg.ts'), undefined, 'a player would ask for a cache seg.ts')
})

t.test('keys are bytes, text in URIs is UTF-8', async (t) => {
  t.equal(resolveToKey(at('a.m3u8'), 'ü.ts'), itemKeyFromText('ü.ts'))
  t.equal(resolveToKey(at('ü/a.m3u8'), 'b.ts'), itemKeyFromText('ü/b.ts'))
  t.equal(resolveToKey(at('a.m3u8'), '%ff.ts'), parseItemKey('\xff.ts'))
})

t.test('without hosts of its own, no absolute URI is ours', async (t) => {
  const { cacheName, playlistKey, keyForm } = at('a.m3u8')
  const uri = 'http://origin.example:8080/cache/live-origin/y.ts'
  t.equal(resolveToKey({ cacheName, playlistKey, keyForm }, uri), undefined)
})
