import t from 'tap'
import { toStoreKey } from '../../src/base/names.ts'
import { cacheName, itemKey, openTestOrigin } from './support.ts'

const playlist = (first: number, count: number, more = '') =>
  `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${first}\n` +
  Array.from({ length: count }, (_, index) => `#EXTINF:2.0,\ns${first + index}.ts\n`).join('') +
  more
const LADDER =
  '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000,RESOLUTION=2x1,CODECS="avc1"\nhi.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=500,RESOLUTION=2x1,CODECS="avc1"\nlo.m3u8\n'

async function openChannel(settings: Parameters<typeof openTestOrigin>[0] = {}) {
  const opened = await openTestOrigin(settings)
  const told: string[] = []
  opened.events.on('finding', ({ key, finding }) => told.push(`${key} ${finding.rule}`))
  /** As an encoder writes: what is not there, then the playlist, two seconds later. */
  const write = async (first: number, count: number, key = 'live.m3u8', more = '') => {
    for (let index = first; index < first + count; index++) {
      if (opened.read(`s${index}.ts`) === undefined) await opened.put(`s${index}.ts`, 'bytes')
    }
    const outcome = await opened.put(key, playlist(first, count, more))
    opened.clock.advance(2000)
    return outcome.kind
  }
  const findings = () =>
    opened.origin.findings.list(toStoreKey(cacheName('live'), itemKey('live.m3u8')))
  return { ...opened, told, write, findings }
}

t.test('a playlist that comes late is ignored, and found', async (t) => {
  const { write, text, told, findings } = await openChannel()
  await write(0, 5)
  await write(1, 5)
  const stored = text('live.m3u8')
  t.equal(await write(0, 5), 'ignored')
  t.equal(text('live.m3u8'), stored)
  t.same(told, ['live.m3u8 media-sequence-backwards'])
  t.match(findings()[0]?.message, /It came late and was ignored/)
  t.equal(await write(2, 5), 'stored', 'the channel goes on')
})

t.test('so is a shorter one of a growing list', async (t) => {
  const { write } = await openChannel()
  await write(0, 5)
  await write(0, 6)
  t.equal(await write(0, 5), 'ignored')
  t.equal(await write(0, 5, 'live.m3u8', '#EXT-X-ENDLIST\n'), 'stored', 'an end is meant')
})

t.test('a restarted encoder wins, whatever names it uses', async (t) => {
  const { put, open, origin, clock, write, text } = await openChannel()
  await write(10, 5)
  t.equal(await write(0, 1), 'stored', 'other names')
  await write(10, 5)
  await put('s1.ts', 'written again')
  t.equal((await put('live.m3u8', playlist(0, 2))).kind, 'stored', 'the same names')
  clock.advance(2000)
  await write(10, 5)
  // ffmpeg's default mode: the playlist overtakes its segment.
  const upload = open('s1.ts')
  t.equal((await put('live.m3u8', playlist(0, 2))).kind, 'stored', 'which is on its way')
  upload.abort()
  await write(10, 5)
  await origin.delete(toStoreKey(cacheName('live'), itemKey('s1.ts')))
  t.equal((await put('live.m3u8', playlist(0, 2))).kind, 'stored', 'or did not come')
  t.match(text('live.m3u8'), /MEDIA-SEQUENCE:0\n/)
})

t.test('who goes on for three target durations has the last word', async (t) => {
  const { write, text } = await openChannel()
  await write(0, 5)
  await write(1, 5)
  for (let count = 0; count < 2; count++) t.equal(await write(0, 5), 'ignored')
  t.equal(await write(0, 5), 'ignored', '6 s')
  t.equal(await write(0, 5), 'stored', '8 s')
  t.match(text('live.m3u8'), /MEDIA-SEQUENCE:0\n/)
})

t.test('segments of others prove nothing, an expired one is old', async (t) => {
  const { put, write, clock } = await openChannel()
  await write(5, 5)
  const foreign = playlist(0, 4).replace('s1.ts', 'https://elsewhere.example/s1.ts')
  t.equal((await put('live.m3u8', foreign)).kind, 'stored')
  await put('s6.ts', 'bytes')
  clock.advance(10)
  await write(5, 5)
  const withExpired = playlist(3, 4).replace('s3.ts', 'gone.ts')
  t.equal((await put('live.m3u8', withExpired)).kind, 'ignored')
})

t.test('a strict cache refuses it, and one without rules stores it', async (t) => {
  const strict = await openChannel({ playlistRules: 'strict' })
  await strict.write(0, 5)
  await strict.write(1, 5)
  t.equal(await strict.write(0, 5), 'refused')
  const off = await openChannel({ playlistRules: 'off' })
  await off.write(0, 5)
  await off.write(1, 5)
  t.equal(await off.write(0, 5), 'stored')
})

t.test('a rendition that falls behind is told once, of its channel', async (t) => {
  const { put, write, told } = await openChannel()
  await put('index.m3u8', LADDER)
  for (let first = 0; first < 3; first++) {
    await write(first, 5, 'hi.m3u8')
    await write(first, 5, 'lo.m3u8')
  }
  t.same(told, [])
  for (let first = 3; first < 7; first++) await write(first, 5, 'hi.m3u8')
  t.same(told, ['index.m3u8 rendition-skew'])
})

t.test('a restart of one after the other is no skew', async (t) => {
  const { put, write, told, clock } = await openChannel()
  await put('index.m3u8', LADDER)
  for (let first = 20; first < 25; first++) {
    await write(first, 5, 'hi.m3u8')
    await write(first, 5, 'lo.m3u8')
  }
  clock.advance(20_000)
  for (let count = 1; count < 5; count++) {
    await put(`s${count - 1}.ts`, 'new')
    await put('hi.m3u8', playlist(0, count))
    clock.advance(20)
    await put('lo.m3u8', playlist(0, count))
    clock.advance(2000)
  }
  t.same(
    told.filter((each) => !each.includes('encoder-restarted')),
    [],
  )
})

t.test('a segment over its BANDWIDTH is found', async (t) => {
  const { put, told } = await openChannel()
  await put('index.m3u8', LADDER)
  await put('s0.ts', 'x'.repeat(150))
  await put('s1.ts', 'x'.repeat(320))
  await put('s2.ts', 'x'.repeat(150))
  await put('hi.m3u8', playlist(0, 3))
  t.same(told, ['hi.m3u8 bandwidth-exceeded'])
  await put('alone.m3u8', playlist(0, 3))
  t.equal(told.length, 1, 'nothing is promised of it')
})

t.test('a multivariant playlist that names itself is found', async (t) => {
  const { put, told } = await openChannel()
  await put('index.m3u8', LADDER.replace('lo.m3u8', 'index.m3u8'))
  t.same(told, ['index.m3u8 playlist-names-itself'])
})

t.test('a name that is used again for other bytes is told, once a minute', async (t) => {
  const { put, read, write, told, clock } = await openChannel()
  await write(0, 5)
  const etag = read('s1.ts')?.etag
  await put('s1.ts', 'bytes')
  t.same(told, [], 'the same bytes are a retry')
  await put('s1.ts', 'other')
  t.same(told, ['live.m3u8 segment-name-reused'])
  t.match(read('s1.ts'), { version: 3 })
  t.not(read('s1.ts')?.etag, etag, 'another version, another ETag')
  await put('s2.ts', 'longer than before')
  t.equal(told.length, 1)
  clock.advance(60_000)
  await write(1, 5)
  await put('s4.ts', 'other')
  t.equal(told.filter((each) => each.endsWith('reused')).length, 2)
})

t.test('a name that no live playlist has named may be used again', async (t) => {
  const { put, told } = await openChannel()
  await put('s0.ts', 'one')
  await put('s0.ts', 'two')
  await put('vod.m3u8', playlist(0, 1, '#EXT-X-ENDLIST\n'))
  await put('s0.ts', 'three')
  t.same(told, [])
  const off = await openChannel({ playlistRules: 'off' })
  await off.write(0, 1)
  await off.put('s0.ts', 'other')
  t.same(off.told, [])
})

t.test('bytes are compared across the pieces they came in', async (t) => {
  const { open, told, write } = await openChannel()
  const pieces = async (...texts: string[]) => {
    const upload = open('s0.ts')
    for (const text of texts) upload.add(Buffer.from(text))
    await upload.finish()
  }
  await pieces('ab', 'cde', 'f')
  await write(0, 1)
  await pieces('abc', 'def')
  await pieces('a', 'bcdef')
  t.same(told, [])
  await pieces('abcd', 'eX')
  t.equal(told.length, 1)
})
