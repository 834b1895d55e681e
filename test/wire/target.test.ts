import t from 'tap'
import { isItemTarget, parseItemTarget, parseTtlSeconds } from '../../src/wire/target.ts'

const latin1 = (text: string) => Buffer.from(text, 'utf8').toString('latin1')

t.test('the forms of a key', async (t) => {
  const cases: readonly (readonly [target: string, key: string, form: 'path' | 'query'])[] = [
    ['/cache/live/playlist.m3u8', 'playlist.m3u8', 'path'],
    ['/cache/live/720p/seg_1.ts?ttl_seconds=5', '720p/seg_1.ts', 'path'],
    ['/cache/live/a%2Fb', 'a/b', 'path'],
    ['/cache/live//Movie/x', '/Movie/x', 'path'],
    ['/cache/live/%2FMovie/x', '/Movie/x', 'path'],
    ['/cache/live/a+b', 'a+b', 'path'],
    ['/cache/live/a%252Fb', 'a%2Fb', 'path'],
    ['/cache/live/../x/./y', '../x/./y', 'path'],
    ['/cache/live/Streams(video.cmfv)', 'Streams(video.cmfv)', 'path'],
    ['/cache/live/%C3%A9', latin1('é'), 'path'],
    ['/cache/live/%00', '\0', 'path'],
    ['/cache/live?key=a.ts', 'a.ts', 'query'],
    ['/cache/live/?key=a.ts', 'a.ts', 'query'],
    ['/cache/live?ttl_seconds=3&key=a%2Fb', 'a/b', 'query'],
    ['/cache/live?key=a+b', 'a b', 'query'],
    ['/cache/live?key=a%2Bb', 'a+b', 'query'],
    ['/cache/live?key_base64=ZXhhbXBsZV9rZXk', 'example_key', 'query'],
    ['/cache/live?key_base64=ZXhhbXBsZV9rZXk=', 'example_key', 'query'],
    ['/cache/live?key_base64=ZXhhbXBsZV9rZXk%3D', 'example_key', 'query'],
    ['/cache/live?key_base64=_-8', '\xff\xef', 'query'],
    ['/cache/live%2Dorigin/a', 'a', 'path'],
    ['http://other.example/cache/live/a?key_other=1', 'a', 'path'],
    ['/cache/live/a#fragment', 'a', 'path'],
  ]
  for (const [target, key, form] of cases) {
    const parsed = parseItemTarget(target)
    t.equal(parsed.problem, undefined, target)
    t.equal(parsed.key, key, target)
    t.equal(parsed.keyForm, form, target)
    t.equal(parsed.storeKey, `${parsed.cacheName}/${key}`)
  }
})

t.test('targets that name no item', async (t) => {
  const cases = [
    ['/cache', 'cache-name-invalid'],
    ['/cache/', 'cache-name-invalid'],
    ['/cache?key=a', 'cache-name-invalid'],
    ['/cache/a%20b/x', 'cache-name-invalid'],
    ['/cache/%zz/x', 'cache-name-invalid'],
    [`/cache/${'n'.repeat(256)}/x`, 'cache-name-invalid'],
    ['/cache/live', 'key-missing'],
    ['/cache/live/', 'key-missing'],
    ['/cache/live?key=', 'key-missing'],
    ['/cache/live?key_base64=', 'key-missing'],
    ['/cache/live/a?key=b', 'key-ambiguous'],
    ['/cache/live?key=a&key=b', 'key-ambiguous'],
    ['/cache/live?key=a&key_base64=YQ', 'key-ambiguous'],
    ['/cache/live/%', 'key-encoding'],
    ['/cache/live/%4', 'key-encoding'],
    ['/cache/live/%4g', 'key-encoding'],
    ['/cache/live?key=%zz', 'key-encoding'],
    ['/cache/live?key_base64=a', 'key-encoding'],
    ['/cache/live?key_base64=YQ=', 'key-encoding'],
    ['/cache/live?key_base64=a+b/', 'key-encoding'],
    ['/cache/live?key_base64=%zz', 'key-encoding'],
    [`/cache/live/${'k'.repeat(1025)}`, 'key-too-long'],
    [`/cache/live?key=${'k'.repeat(1025)}`, 'key-too-long'],
  ] as const
  for (const [target, problem] of cases) t.equal(parseItemTarget(target).problem, problem, target)
})

t.test('a key of 1024 bytes and a cache name of 255 are accepted', async (t) => {
  t.equal(parseItemTarget(`/cache/live/${'k'.repeat(1024)}`).problem, undefined)
  t.equal(parseItemTarget(`/cache/live/${'%6b'.repeat(1024)}`).key.length, 1024)
  t.equal(parseItemTarget(`/cache/${'n'.repeat(255)}/x`).problem, undefined)
})

t.test('the credential is there even when the rest is malformed', async (t) => {
  const parsed = parseItemTarget('/cache/live/?token=abc&ttl_seconds=7')
  t.equal(parsed.problem, 'key-missing')
  t.equal(parsed.token, 'abc')
  t.equal(parsed.ttlText, '7')
})

t.test('parameters split at the first =, unknown ones and empty ones are ignored', async (t) => {
  const parsed = parseItemTarget(
    '/cache/live/a?token=ey+J==&&ttl_seconds=30&role=origin&value=1&flag&_HLS_msn=4',
  )
  t.equal(parsed.token, 'ey+J==')
  t.equal(parsed.ttlText, '30')
  t.equal(parseItemTarget('/cache/live/a?token=&token=x').token, 'x')
  t.equal(parseItemTarget('/cache/live/a?token=').token, '')
  t.equal(parseItemTarget('/cache/live/a?token=a%3D%3D').token, 'a==')
  t.equal(parseItemTarget('/cache/live/a?token=%zz').token, '%zz')
  t.equal(parseItemTarget('/cache/live/a?ttl_seconds=%zz').ttlText, '%zz')
})

t.test('ttl_seconds is digits between 1 and the maximum', async (t) => {
  t.equal(parseTtlSeconds('1', 100), 1)
  t.equal(parseTtlSeconds('100', 100), 100)
  t.equal(parseTtlSeconds('007', 100), 7)
  for (const text of ['', '0', '-1', '+1', '1.5', '1e1', ' 1', '101', '99999999999', 'x']) {
    t.equal(parseTtlSeconds(text, 100), undefined, text)
  }
})

t.test('which targets are items', async (t) => {
  for (const target of ['/cache', '/cache/', '/cache?key=a', '/cache/a/b', 'http://h/cache/a/b']) {
    t.ok(isItemTarget(target), target)
  }
  for (const target of [
    '/',
    '/cached',
    '/caches/a',
    '/x/cache/a',
    '*',
    'http://h',
    'ftp://h/cache/a',
  ]) {
    t.notOk(isItemTarget(target), target)
  }
})
