import t from 'tap'
import { openTestOrigin } from './support.ts'

const playlist = (prefix: string, first: number, count: number, tags = '') =>
  `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${first}\n${tags}` +
  Array.from({ length: count }, (_, index) => `#EXTINF:2,\n${prefix}${first + index}.ts\n`).join('')
const KILO = 'x'.repeat(1000)

t.test('the live window of a quiet channel is never the price of a busy one', async (t) => {
  const { put, read, store } = await openTestOrigin({}, { sizeBytesMax: 30_000 })
  for (let index = 1; index <= 3; index++) await put(`quiet${index}.ts`, KILO)
  await put('quiet.m3u8', playlist('quiet', 1, 3))
  for (let index = 1; index <= 200; index++) await put(`busy${index}.ts`, KILO)
  for (let index = 1; index <= 3; index++) t.ok(read(`quiet${index}.ts`), `quiet${index}.ts`)
  t.ok(read('quiet.m3u8'))
  t.ok(read('busy200.ts'))
  t.notOk(read('busy1.ts'), 'what no playlist names goes first')
  t.equal(store.stats.pinnedItemCount, 4)
})

t.test('what has left the window may go, and an ended channel pins nothing', async (t) => {
  const { put, store } = await openTestOrigin()
  for (let index = 1; index <= 4; index++) await put(`s${index}.ts`, KILO)
  await put('live.m3u8', playlist('s', 1, 3))
  t.equal(store.stats.pinnedItemCount, 4)
  await put('live.m3u8', playlist('s', 4, 1))
  t.equal(store.stats.pinnedItemCount, 2)
  await put('live.m3u8', `${playlist('s', 4, 1)}#EXT-X-ENDLIST\n`)
  t.equal(store.stats.pinnedItemCount, 0)
})

t.test('a dead encoder pins its window for a minute, or ten target durations', async (t) => {
  const { put, store, clock } = await openTestOrigin()
  await put('s1.ts', KILO)
  await put('live.m3u8', playlist('s', 1, 1))
  clock.advance(55_000)
  t.equal(store.stats.pinnedItemCount, 2)
  clock.advance(10_000)
  t.equal(store.stats.pinnedItemCount, 0)
})

t.test('when windows fill the store, a write is refused and nobody loses anything', async (t) => {
  const { put, read } = await openTestOrigin({}, { sizeBytesMax: 12_000 })
  for (let index = 1; index <= 4; index++) await put(`s${index}.ts`, 'x'.repeat(2000))
  await put('live.m3u8', playlist('s', 1, 4))
  t.match(await put('other.ts', 'x'.repeat(2000)), { kind: 'refused', reason: 'store-full' })
  for (let index = 1; index <= 4; index++) t.ok(read(`s${index}.ts`))
})

t.test('a cache keeps to its own budget', async (t) => {
  const { put, read, store } = await openTestOrigin({ sizeBytesMax: 8000 })
  for (let index = 1; index <= 20; index++) await put(`old${index}.ts`, KILO)
  t.notOk(read('old1.ts'))
  t.ok(read('old20.ts'))
  t.ok(store.stats.sizeBytes <= 8000)
  for (let index = 1; index <= 4; index++) await put(`s${index}.ts`, KILO)
  await put('live.m3u8', playlist('s', 1, 4))
  t.match(await put('more.ts', 'x'.repeat(1500)), { kind: 'refused', reason: 'cache-full' })
})

t.test(
  'multivariant playlists, init sections and keys outlive their TTL while they are needed',
  async (t) => {
    const { put, read, clock } = await openTestOrigin()
    await put('index.m3u8', '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlive.m3u8\n')
    await put('init.mp4', 'init')
    await put('k.key', '0123456789abcdef')
    await put('forgotten.ts', KILO)
    const etag = read('index.m3u8')?.etag
    const tags = '#EXT-X-MAP:URI="init.mp4"\n#EXT-X-KEY:METHOD=AES-128,URI="k.key"\n'
    for (let second = 0; second < 7200; second += 30) {
      await put('live.m3u8', playlist('s', second, 1, tags))
      clock.advance(30_000)
    }
    for (const key of ['index.m3u8', 'init.mp4', 'k.key']) t.ok(read(key), `${key} after two hours`)
    t.equal(read('index.m3u8')?.etag, etag, 'the same version')
    t.notOk(read('forgotten.ts'))
    clock.advance(60_000)
    for (const key of ['index.m3u8', 'init.mp4', 'k.key'])
      t.notOk(read(key), `${key} when all ended`)
  },
)

t.test('unless the cache says that a TTL is a TTL', async (t) => {
  const { put, read, clock } = await openTestOrigin({ extendWhileLive: false })
  await put('index.m3u8', '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlive.m3u8\n')
  await put('init.mp4', 'init')
  for (let count = 0; count < 3; count++) {
    await put('live.m3u8', playlist('s', count, 1, '#EXT-X-MAP:URI="init.mp4"\n'))
    clock.advance(30_000)
  }
  t.notOk(read('init.mp4'))
  t.notOk(read('index.m3u8'))
})

t.test('a playlist that is deleted or expires lets its window go', async (t) => {
  const { put, store, clock } = await openTestOrigin()
  await put('s1.ts', KILO)
  await put('live.m3u8', playlist('s', 1, 1))
  clock.advance(66_000)
  t.equal(store.stats.pinnedItemCount, 0)
  await store.close()
  t.ok(clock.timerCount <= 1)
})
