import { gzipSync } from 'node:zlib'
import t from 'tap'
import { notesOf } from '../../src/origin/item-notes.ts'
import { cacheName, openTestOrigin } from './support.ts'

const MEDIA = '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n'
const ENDED = `${MEDIA}#EXT-X-ENDLIST\n`
const MULTIVARIANT = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n'

t.test('a stored upload is what a read finds, at once and until its TTL', async (t) => {
  const { put, text, read, clock, origin } = await openTestOrigin()
  const outcome = await put('a/b.ts', 'bytes')
  t.equal(outcome.kind, 'stored')
  t.equal(text('a/b.ts'), 'bytes')
  t.match(read('a/b.ts'), { contentType: 'video/mp2t', sizeBytes: 5, version: 1, ttlSeconds: 60 })
  clock.advance(59_999)
  t.equal(text('a/b.ts'), 'bytes')
  clock.advance(1)
  t.equal(text('a/b.ts'), undefined)
  t.match(origin.stats, { uploadsStoredCount: 1, uploadsStoredBytes: 5, uploadsInFlightBytes: 0 })
})

t.test('an overwrite is a new version with a new ETag and a new TTL', async (t) => {
  const { put, read, clock } = await openTestOrigin()
  await put('a.ts', 'one')
  const first = read('a.ts')
  clock.advance(30_000)
  await put('a.ts', 'two')
  const second = read('a.ts')
  t.not(first?.etag, second?.etag)
  t.equal(second?.version, 2)
  t.equal(second?.storedAtMs, (first?.storedAtMs ?? 0) + 30_000)
  clock.advance(59_999)
  t.ok(read('a.ts'))
})

t.test('the media type: extension, then a specific request type, then octet-stream', async (t) => {
  const { put, read } = await openTestOrigin()
  const cases = [
    ['a.ts', 'text/html', 'video/mp2t'],
    ['a.m4s', undefined, 'video/iso.segment'],
    ['unknown', 'image/png', 'image/png'],
    ['unknown', 'text/plain; charset=utf-8', 'text/plain; charset=utf-8'],
    ['unknown', 'application/x-www-form-urlencoded', 'application/octet-stream'],
    ['unknown', 'Application/Octet-Stream', 'application/octet-stream'],
    ['unknown', undefined, 'application/octet-stream'],
    ['unknown', 'bad\r\nX-Header: 1', 'application/octet-stream'],
    ['unknown', 'no-slash', 'application/octet-stream'],
  ] as const
  for (const [key, asked, contentType] of cases) {
    await put(key, 'x', asked === undefined ? {} : { contentType: asked })
    t.equal(read(key)?.contentType, contentType, `${key} ${asked}`)
  }
})

t.test('octet-stream for everything when it is asked for', async (t) => {
  const { put, read } = await openTestOrigin({}, { contentType: 'octet-stream' })
  await put('a.ts', 'x', { contentType: 'video/mp2t' })
  t.equal(read('a.ts')?.contentType, 'application/octet-stream')
})

t.test('a playlist is known by its content, and how long it may be reused', async (t) => {
  const { put, read } = await openTestOrigin()
  const cases = [
    ['m.m3u8', MEDIA, 'media', 2],
    ['e.m3u8', ENDED, 'media', 86_400],
    ['v.m3u8', MULTIVARIANT, 'multivariant', 2],
    ['d.mpd', '<MPD/>', 'manifest', 1],
    ['s.ts', 'x', 'segment', 300],
  ] as const
  for (const [key, body, kind, maxAgeSeconds] of cases) {
    await put(key, body)
    const item = read(key)
    t.equal(item?.kind, kind)
    if (item !== undefined) t.equal(notesOf(item).maxAgeSeconds, maxAgeSeconds, key)
  }
  await put('s.ts', 'y')
  const again = read('s.ts')
  if (again !== undefined) t.equal(notesOf(again).maxAgeSeconds, 1, 'a name that was overwritten')
})

t.test('a refused upload changes nothing', async (t) => {
  const { put, text, origin } = await openTestOrigin({ itemSizeBytesMax: 2000 })
  await put('p.m3u8', MEDIA)
  const refused = async (body: string | Uint8Array, request = {}) => {
    const outcome = await put('p.m3u8', body, request)
    t.equal(text('p.m3u8'), MEDIA)
    t.equal(origin.stats.uploadsInFlightBytes, 0)
    return outcome.kind === 'refused' ? outcome.reason : outcome.kind
  }
  t.equal(await refused('G@segment bytes'), 'not-a-playlist')
  t.equal(await refused(''), 'body-empty')
  t.equal(await refused('x'.repeat(2001)), 'body-too-large')
  t.equal(await refused(gzipSync('not a playlist')), 'not-a-playlist')
  t.equal(await refused(gzipSync(`#EXTM3U\n${'#'.repeat(5000)}`)), 'gzip-invalid', 'a bomb')
  t.equal(await refused(gzipSync(MEDIA).subarray(0, 30)), 'gzip-invalid', 'cut short')
  t.equal(await refused(MEDIA, { contentEncoding: 'gzip' }), 'gzip-invalid', 'not gzip at all')
  const manifest = await put('m.mpd', 'bytes')
  t.match(manifest, { kind: 'refused', reason: 'not-a-manifest' })
})

t.test('an object of exactly the limit is stored', async (t) => {
  const { put } = await openTestOrigin({ itemSizeBytesMax: 2000 })
  t.equal((await put('a.ts', 'x'.repeat(2000))).kind, 'stored')
})

t.test('a gzip-coded playlist is stored as identity, a gzip-coded segment as it is', async (t) => {
  const { put, text, read } = await openTestOrigin()
  await put('a.m3u8', gzipSync(MEDIA), { contentEncoding: 'gzip' })
  t.equal(text('a.m3u8'), MEDIA)
  t.equal(read('a.m3u8')?.contentEncoding, '')
  await put('b.m3u8', gzipSync(MEDIA))
  t.equal(text('b.m3u8'), MEDIA, 'known by its first bytes')
  await put('a.vtt', gzipSync('WEBVTT'), { contentEncoding: 'gzip' })
  t.equal(read('a.vtt')?.contentEncoding, 'gzip')
})

t.test('a playlist that starts right but cannot be read is stored, and short-lived', async (t) => {
  const { put, read } = await openTestOrigin()
  t.equal((await put('odd.m3u8', '#EXTM3U\n\0\0')).kind, 'stored')
  t.equal(read('odd.m3u8')?.kind, 'media')
})

t.test('an empty upload is ignored where the cache says so', async (t) => {
  const { put, text } = await openTestOrigin({ emptyBody: 'ignore' })
  await put('a.ts', 'bytes')
  t.equal((await put('a.ts', '')).kind, 'ignored')
  t.equal(text('a.ts'), 'bytes')
})

t.test('unfinished uploads share one bound', async (t) => {
  const { open, origin } = await openTestOrigin({}, { uploadsInFlightBytesMax: 100 })
  const first = open('a.ts')
  const second = open('b.ts')
  first.add(Buffer.alloc(60))
  second.add(Buffer.alloc(40))
  t.equal(second.problem, undefined)
  second.add(Buffer.alloc(1))
  t.equal(second.problem, 'uploads-busy')
  t.equal(origin.stats.uploadsInFlightBytes, 60, 'a refused upload gives back what it held')
  second.add(Buffer.alloc(1))
  t.match(await second.finish(), { kind: 'refused', reason: 'uploads-busy' })
  first.abort()
  t.equal(origin.stats.uploadsInFlightBytes, 0)
})

t.test('what cannot fit into the store is refused as such', async (t) => {
  const { put } = await openTestOrigin({}, { sizeBytesMax: 5000 })
  t.match(await put('a.ts', 'x'.repeat(6000)), { kind: 'refused', reason: 'store-full' })
})

t.test('a store that fails is said to be unavailable', async (t) => {
  const { put, store } = await openTestOrigin()
  store.put = async () => Promise.reject(new Error('down'))
  t.match(await put('a.ts', 'x'), { kind: 'refused', reason: 'store-unavailable' })
})

t.test('the last complete upload of a key wins, whole', async (t) => {
  const { open, text } = await openTestOrigin()
  const slow = open('a.ts')
  slow.add(Buffer.from('slow'))
  const quick = open('a.ts')
  quick.add(Buffer.from('quick'))
  await quick.finish()
  t.equal(text('a.ts'), 'quick')
  await slow.finish()
  t.equal(text('a.ts'), 'slow')
})

t.test('caches are made by a first write only where that is allowed', async (t) => {
  const { origin } = await openTestOrigin()
  t.equal(await origin.cacheForWrite(cacheName('new'), true), undefined)
  const { origin: eager, events } = await openTestOrigin({}, { autoCreate: true })
  const created: string[] = []
  events.on('cache-created', (name) => created.push(name))
  t.equal(await eager.cacheForWrite(cacheName('new'), false), undefined)
  const [first, second] = await Promise.all([
    eager.cacheForWrite(cacheName('new'), true),
    eager.cacheForWrite(cacheName('new'), true),
  ])
  t.equal(first?.name, 'new')
  t.equal(second?.name, 'new')
  t.same(created, ['new'])
  await eager.cacheForWrite(cacheName('third'), true)
  t.equal(await eager.cacheForWrite(cacheName('fourth'), true), undefined, 'over cachesMax')
})
