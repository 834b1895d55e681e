/** What gets onto a tape: texts without credentials, media as they are. */

import { gunzipSync, gzipSync } from 'node:zlib'
import t from 'tap'
import { parseItemKey } from '../../src/base/names.ts'
import { isPlaylistKey, recordedBody, TEXT_BYTES_MAX } from '../../src/tape/recorded-body.ts'
import { isPlayableField, recordedHeaders, recordedQuery } from '../../src/tape/recorded-headers.ts'
import { staysBelow } from '../../src/tape/tape-format.ts'

const KEY = 'a-credential.of-some~length'
const CREDENTIALS = new Set([KEY])

function keyOf(text: string) {
  const key = parseItemKey(text)
  if (key === undefined) throw new Error(text)
  return key
}

function textOf(key: string, body: string | Buffer): string | undefined {
  return recordedBody(Buffer.from(body), keyOf(key), CREDENTIALS)?.toString('latin1')
}

t.test('URIs lose what is secret in them and keep all else', (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['1.ts?token=abc', '1.ts'],
    ['1.ts?token=abc&ttl_seconds=60&role=origin', '1.ts?ttl_seconds=60&role=origin'],
    [`1.ts?a=${KEY}&b=1`, '1.ts?b=1'],
    [
      'https://cdn.example/1.ts?Signature=x&Key-Pair-Id=y&Policy=z&v=1',
      'https://cdn.example/1.ts?v=1',
    ],
    ['https://s3.example/1.ts?X-Amz-Signature=x&X-Amz-Credential=y', 'https://s3.example/1.ts'],
    ['http://user:word@other.example/1.ts', 'http://other.example/1.ts'],
    ['//user@other.example/1.ts', '//other.example/1.ts'],
    ['live?key=1.ts&token=x', 'live?key=1.ts'],
    ['1.ts#t=1', '1.ts#t=1'],
  ]
  for (const [uri, expected] of cases) {
    t.equal(textOf('a.m3u8', `#EXTM3U\n${uri}\n`), `#EXTM3U\n${expected}\n`, uri)
    t.equal(
      textOf('a.m3u8', `#EXTM3U\n#EXT-X-MAP:URI="${uri}",A=b\n`),
      `#EXTM3U\n#EXT-X-MAP:URI="${expected}",A=b\n`,
    )
  }
  t.end()
})

t.test('what cannot be taken out is no body', (t) => {
  t.equal(textOf('a.m3u8', `#EXTM3U\n## ${KEY}\n`), undefined)
  t.equal(
    textOf('a.m3u8', `#EXTM3U\n## ${Buffer.from(`x:${KEY}`).toString('base64')}\n`),
    undefined,
  )
  t.equal(textOf('a.m3u8', `#EXTM3U\n${KEY}.ts\n`), undefined)
  t.equal(textOf('a.ts', `media ${KEY} media`), undefined)
  t.equal(textOf('a.txt', encodeURIComponent(KEY)), undefined)
  t.end()
})

t.test('a body that has nothing is the same one', (t) => {
  const playlist = Buffer.from('#EXTM3U\r\n#EXTINF:2,\r\n1.ts?ttl_seconds=60\r\n')
  for (const [key, body] of [
    ['a.m3u8', playlist],
    ['a.m3u8', gzipSync(playlist)],
    ['a.m3u8', Buffer.from([0x1f, 0x8b, 1, 2, 3])],
    ['a.m3u8', Buffer.alloc(0)],
    ['a.mpd', Buffer.from('<MPD><BaseURL>x/</BaseURL></MPD>')],
    ['a.ts', Buffer.alloc(1000, 0x47)],
    ['a.bin', Buffer.alloc(TEXT_BYTES_MAX + 1, 0x20)],
  ] as const) {
    t.equal(recordedBody(body, keyOf(key), CREDENTIALS), body, key)
  }
  t.end()
})

t.test('packed playlists are packed again, and playlists under other names are known', (t) => {
  const packed = recordedBody(gzipSync('#EXTM3U\n1.ts?token=x\n'), keyOf('a.m3u8'), CREDENTIALS)
  t.equal(gunzipSync(packed ?? '').toString(), '#EXTM3U\n1.ts\n')
  t.equal(textOf('a.ts', '#EXTM3U\n1.ts?token=x\n'), '#EXTM3U\n1.ts\n')
  t.equal(textOf('a', '<MPD><BaseURL>x?token=y</BaseURL></MPD>'), '<MPD><BaseURL>x</BaseURL></MPD>')
  t.ok(isPlaylistKey(keyOf('a.m3u8')))
  t.notOk(isPlaylistKey(keyOf('a.vtt')))
  t.end()
})

t.test('fields and queries', (t) => {
  const fields = ['Host', 'a', 'authorization', 'x', 'X-Api-Key', 'x', 'X-Note', `is ${KEY}`]
  t.same(
    recordedHeaders([...fields, 'X-Note', 'Bearer abcdefghijk', 'User-Agent', 'b'], CREDENTIALS),
    [
      ['Host', 'a'],
      ['User-Agent', 'b'],
    ],
  )
  for (const name of [
    'Via',
    'Forwarded',
    'X-Forwarded-Host',
    'Proxy-Connection',
    'Set-Cookie',
    'TE',
  ]) {
    t.notOk(isPlayableField(name), name)
  }
  t.equal(
    recordedQuery(`token=a&ttl_seconds=60&x=${KEY}&&key=1.ts`, CREDENTIALS),
    'ttl_seconds=60&&key=1.ts',
  )
  t.equal(recordedQuery('', CREDENTIALS), '')
  t.notOk(staysBelow('a/%25252525252e./b'))
  t.end()
})
