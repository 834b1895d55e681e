import t from 'tap'
import type { Headwater, StartOptions } from '../../src/app.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'

const MEDIA = '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n'
const MULTIVARIANT =
  '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=2\nhi.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlo.m3u8\n'

async function openChannel(
  t: Parameters<typeof openOrigin>[0],
  settings: StartOptions['settings'],
) {
  const clock = new ManualClock()
  const origin: Headwater = await openOrigin(t, settings, { clock })
  const url = (key: string) => `${origin.dataPlaneUrl}/cache/live-origin/${key}`
  const put = (key: string, body: string) =>
    http(url(key), { method: 'PUT', body, headers: { authorization: origin.keys.encoder } })
  const get = (key: string) => http(url(key), { headers: { authorization: origin.keys.player } })
  await put('a.ts', 'bytes')
  await put('index.m3u8', MULTIVARIANT)
  await put('hi.m3u8', MEDIA)
  await put('lo.m3u8', MEDIA)
  const statuses = async () =>
    Promise.all(
      ['index.m3u8', 'hi.m3u8', 'lo.m3u8', 'a.ts'].map(async (key) => (await get(key)).status),
    )
  return { clock, put, get, statuses }
}

const limit = (staleScope: 'channel' | 'rendition') => ({
  caches: { defaults: { staleAfterTargetDurations: 3, staleScope } },
})

t.test(
  'a channel whose encoder stopped is a 404 that nobody keeps, until it writes again',
  async (t) => {
    const { clock, put, get, statuses } = await openChannel(t, limit('channel'))
    clock.advance(12_000)
    t.same(await statuses(), [200, 200, 200, 200], 'exactly three target durations')
    clock.advance(1)
    t.same(await statuses(), [404, 404, 404, 200], 'segments are still there')
    const stale = await get('hi.m3u8')
    t.equal(stale.headers['x-headwater-reason'], 'stale')
    t.equal(stale.headers['cache-control'], 'no-store')
    t.match(stale.text, /nothing was written for 12 s/)
    t.equal(stale.headers['access-control-allow-origin'], '*')
    await put('hi.m3u8', MEDIA)
    t.same(await statuses(), [404, 404, 404, 200], 'the other rendition is still dead')
    await put('lo.m3u8', MEDIA)
    t.same(await statuses(), [200, 200, 200, 200])
  },
)

t.test('or each rendition alone', async (t) => {
  const { clock, put, statuses } = await openChannel(t, limit('rendition'))
  clock.advance(10_000)
  await put('hi.m3u8', MEDIA)
  clock.advance(2001)
  t.same(await statuses(), [200, 200, 404, 200])
})

t.test('a playlist that has ended is never stale', async (t) => {
  const { clock, put, statuses } = await openChannel(t, limit('channel'))
  await put('hi.m3u8', `${MEDIA}#EXT-X-ENDLIST\n`)
  await put('lo.m3u8', `${MEDIA}#EXT-X-ENDLIST\n`)
  clock.advance(100_000)
  t.same(await statuses(), [200, 200, 200, 200])
})

t.test('off by default, on in the staging profile', async (t) => {
  const off = await openChannel(t, {})
  off.clock.advance(600_000)
  t.same(await off.statuses(), [200, 200, 200, 200])
  const staging = await openChannel(t, { profile: 'staging', http: { shutdownDelaySeconds: 0 } })
  staging.clock.advance(12_001)
  t.same(await staging.statuses(), [404, 404, 404, 200])
})

t.test('an audio rendition counts as much as a variant, subtitles do not', async (t) => {
  const { clock, put, get } = await openChannel(t, limit('channel'))
  const media = (type: string, key: string) =>
    `#EXT-X-MEDIA:TYPE=${type},GROUP-ID="${type}",NAME="en",URI="${key}"\n`
  const more = `${media('AUDIO', 'audio.m3u8')}${media('SUBTITLES', 'subs.m3u8')}#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="fast.m3u8"\n`
  await put('index.m3u8', MULTIVARIANT + more)
  for (const key of ['audio.m3u8', 'subs.m3u8', 'fast.m3u8']) await put(key, MEDIA)
  const all = ['index.m3u8', 'hi.m3u8', 'lo.m3u8', 'audio.m3u8', 'subs.m3u8', 'fast.m3u8']
  const statuses = () => Promise.all(all.map(async (key) => (await get(key)).status))
  clock.advance(10_000)
  for (const key of ['hi.m3u8', 'lo.m3u8', 'audio.m3u8']) await put(key, MEDIA)
  clock.advance(10_000)
  t.same(await statuses(), [200, 200, 200, 200, 200, 200], 'slow subtitles')
  for (const key of ['hi.m3u8', 'lo.m3u8']) await put(key, MEDIA)
  clock.advance(2001)
  t.same(await statuses(), [404, 404, 404, 404, 404, 404], 'the audio is dead')
  await put('audio.m3u8', MEDIA)
  t.same(await statuses(), [200, 200, 200, 200, 200, 200])
})
