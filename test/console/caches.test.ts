import { readFileSync } from 'node:fs'
import t from 'tap'
import {
  checkCacheName,
  flushWords,
  needsName,
  usageWords,
} from '../../src/console/caches/cache-words.ts'
import {
  fileNameOf,
  fromKeyBase64Url,
  objectPath,
  resolveUri,
  toKeyBase64Url,
  tokenizePlaylistLine,
} from '../../src/console/caches/object-key.ts'
import {
  checkSetting,
  formatSetting,
  toChanges,
  toDraft,
  toLabel,
  toSettingFields,
} from '../../src/console/caches/setting-fields.ts'
import { cacheSettingsProperties } from '../../src/config/sections/caches-section.ts'

const OPEN_API: unknown = JSON.parse(
  readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'),
)
const FIELDS = toSettingFields(OPEN_API)
const field = (name: string) => {
  const found = FIELDS.find((each) => each.name === name)
  if (found === undefined) throw new Error(`${name} has no field`)
  return found
}
const usage = {
  itemCount: 3,
  sizeBytes: 2048,
  accountedBytes: 3000,
  pinnedItemCount: 0,
  pinnedBytes: 0,
}

t.test('keys go into addresses and come back, whatever they hold', async (t) => {
  for (const key of ['a', 'show/playlist.m3u8', 'ä ü/日本', '<script>', 'a+b/c?d=e&f']) {
    t.equal(toKeyBase64Url(key), Buffer.from(key).toString('base64url'))
    t.equal(fromKeyBase64Url(toKeyBase64Url(key)), key)
  }
  t.equal(fromKeyBase64Url('__79'), '\ufffd\ufffd\ufffd')
  t.equal(fromKeyBase64Url('%'), undefined)
  t.equal(objectPath('a', 'x_y-'), '/api/caches/a/object?keyBase64Url=x_y-')
  t.equal(objectPath('a', 'x', '&ttlSeconds=5'), '/api/caches/a/object?keyBase64Url=x&ttlSeconds=5')
  t.equal(fileNameOf('a/b.ts'), 'b.ts')
  t.equal(fileNameOf('a/<b>:"c".ts'), '_b___c_.ts')
  t.equal(fileNameOf('a/'), 'object')
})

t.test('URIs of a playlist lead to objects of its cache, or nowhere', async (t) => {
  const base = 'http://127.0.0.1:8080'
  const rows: [uri: string, key: string | undefined][] = [
    ['seg_1.ts', 'show/seg_1.ts'],
    ['seg_1.ts?ttl_seconds=60&token=x', 'show/seg_1.ts'],
    ['../other/a.ts', 'other/a.ts'],
    ['/cache/live-origin/top.ts', 'top.ts'],
    ['/cache/other-cache/top.ts', undefined],
    ['http://127.0.0.1:8080/cache/live-origin/a%20b.ts', 'a b.ts'],
    ['http://elsewhere.example/cache/live-origin/a.ts', undefined],
    ['/cache/live-origin?key=p0.ts', 'p0.ts'],
    ['data:text/plain,x', undefined],
    ['javascript:alert(1)', undefined],
    ['%zz', undefined],
    ['http://[', undefined],
  ]
  for (const [uri, key] of rows) {
    t.equal(resolveUri(uri, 'show/playlist.m3u8', 'live-origin', base), key, uri)
  }
  const nested = resolveUri('a.ts', 'p.m3u8', 'c', 'https://h/origin/')
  t.equal(nested, 'a.ts', 'an origin below a path')
})

t.test('a line in parts is the line again', async (t) => {
  const rows: [line: string, kinds: string[]][] = [
    ['', []],
    ['seg.ts', ['uri']],
    ['# a comment', ['comment']],
    ['#EXTM3U', ['tag']],
    ['#EXT-X-VERSION:6', ['tag', 'text']],
    ['#EXT-X-MAP:URI="init.mp4",BYTERANGE="1@0"', ['tag', 'text', 'uri', 'text']],
    ['#EXT-X-MEDIA:TYPE=AUDIO,URI="a.m3u8"', ['tag', 'text', 'uri', 'text']],
    ['#EXT-X-KEY:METHOD=AES-128,KEYURI="x",URI=""', ['tag', 'text', 'text']],
  ]
  for (const [line, kinds] of rows) {
    const tokens = tokenizePlaylistLine(line)
    t.same(
      tokens.map(({ kind }) => kind),
      kinds,
      line,
    )
    t.equal(tokens.map(({ text }) => text).join(''), line)
  }
})

t.test('every setting of a cache has a field, in the words of the API', async (t) => {
  t.same(FIELDS.map(({ name }) => name).sort(), Object.keys(cacheSettingsProperties).sort())
  for (const { name, description, default: value } of FIELDS) {
    t.ok(description.length > 10, name)
    t.not(value, undefined, name)
  }
  t.same(field('playlistTokens').choices, ['reader', 'strip', 'keep'])
  t.equal(field('ttlRules').kind, 'lines')
  t.equal(field('extendWhileLive').kind, 'boolean')
  t.equal(toLabel('itemSizeBytesMax'), 'Item size bytes max')
  t.equal(toLabel('defaultTtlSeconds'), 'Default TTL seconds')
  for (const none of [undefined, {}, { components: { schemas: [] } }]) {
    t.same(toSettingFields(none), [])
  }
})

t.test('only what was changed is sent, as the API wants it', async (t) => {
  const settings = Object.fromEntries(FIELDS.map((each) => [each.name, each.default]))
  const before = toDraft(FIELDS, settings)
  t.same(toChanges(FIELDS, before, before), {})
  const after = {
    ...before,
    holdSecondsMax: ' 1.5 ',
    ttlRules: '*.m3u8=60\n\n vod/**=5 ',
    lowLatency: false,
    anonymous: 'read',
  }
  t.same(toChanges(FIELDS, before, after), {
    holdSecondsMax: 1.5,
    ttlRules: ['*.m3u8=60', 'vod/**=5'],
    lowLatency: false,
    anonymous: 'read',
  })
})

t.test('numbers are checked by the bounds of the API', async (t) => {
  const ttl = field('defaultTtlSeconds')
  t.equal(checkSetting(ttl, '1'), '')
  t.equal(checkSetting(ttl, '2678400'), '')
  for (const bad of ['', 'x', '0', '2678401', '1.5']) t.not(checkSetting(ttl, bad), '', bad)
  t.equal(checkSetting(field('holdSecondsMax'), '0.5'), '')
  t.equal(checkSetting(field('lowLatency'), true), '')
  t.same([[], ['a', 'b'], true, false, 5, 'x', null].map(formatSetting), [
    ...['none', 'a, b', 'on', 'off', '5', 'x', ''],
  ])
})

t.test('what is live or large is not emptied by one click, and it says what goes', async (t) => {
  t.equal(usageWords(usage), '3 objects, 2 KiB')
  t.notOk(needsName(usage))
  t.notOk(needsName({ ...usage, itemCount: 999, sizeBytes: 1024 ** 3 - 1 }))
  t.ok(needsName({ ...usage, itemCount: 1000 }))
  t.ok(needsName({ ...usage, sizeBytes: 1024 ** 3 }))
  t.ok(needsName({ ...usage, pinnedItemCount: 1 }))
  t.match(flushWords({ ...usage, pinnedItemCount: 2 }).join(' '), /3 objects, 2 KiB .*live: 2 obj/)
  t.match(flushWords({ ...usage, itemCount: 0 }).join(' '), /nothing in it/)
  for (const name of ['a', 'A.b_c-1', 'a'.repeat(255)]) t.equal(checkCacheName(name), '')
  for (const name of ['', 'a b', 'ä', '<b>', 'a'.repeat(256)]) t.not(checkCacheName(name), '')
})
