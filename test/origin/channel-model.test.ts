import t from 'tap'
import type { ChannelChange } from '../../src/origin/events.ts'
import { openTestOrigin } from './support.ts'

const media = (sequence: number, end = '') =>
  `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${sequence}\n#EXTINF:2,\ns${sequence}.ts\n${end}`
const MULTIVARIANT =
  '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="audio.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=2\nhi.m3u8?token=x&ttl_seconds=9\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlo.m3u8\n'

async function openChannels(t: { teardown(end: () => void): void }) {
  const opened = await openTestOrigin()
  t.teardown(() => opened.origin.close())
  const changes: string[] = []
  const details: ChannelChange[] = []
  opened.events.on('channel-changed', (change) => {
    changes.push(`${change.cacheName}/${change.key} ${change.state}`)
    details.push(change)
  })
  return { ...opened, changes, details }
}

t.test('a ladder is one channel: live, stale, live again, ended', async (t) => {
  const { put, clock, changes, details } = await openChannels(t)
  await put('index.m3u8', MULTIVARIANT)
  await put('hi.m3u8', media(1))
  await put('lo.m3u8', media(1))
  clock.advance(1000)
  t.same(changes, ['live/index.m3u8 live'])
  t.match(details[0], { renditionCount: 2, targetDurationSeconds: 2 })
  clock.advance(6000)
  t.same(changes.slice(1), ['live/index.m3u8 stale'])
  t.match(details[1], { lastWriteAgeSeconds: 7 })
  await put('hi.m3u8', media(2))
  clock.advance(1000)
  await put('hi.m3u8', media(2, '#EXT-X-ENDLIST\n'))
  await put('lo.m3u8', media(2, '#EXT-X-ENDLIST\n'))
  clock.advance(1000)
  t.same(changes.slice(2), ['live/index.m3u8 live', 'live/index.m3u8 ended'])
})

t.test('renditions belong to their channel', async (t) => {
  const { put, clock, changes, details } = await openChannels(t)
  await put('audio.m3u8', media(1))
  await put('index.m3u8', MULTIVARIANT)
  await put('hi.m3u8', media(1))
  clock.advance(9000)
  t.same(changes, ['live/index.m3u8 live', 'live/index.m3u8 stale'])
  t.equal(details[0]?.renditionCount, 2)
})

t.test('a media playlist that nothing names is a channel of its own, after a while', async (t) => {
  const { put, clock, changes } = await openChannels(t)
  await put('alone.m3u8', media(1))
  clock.advance(4000)
  t.same(changes, [])
  await put('alone.m3u8', media(2))
  clock.advance(2000)
  t.same(changes, ['live/alone.m3u8 live'])
})

t.test('what is no playlist, or cannot be read, is no channel', async (t) => {
  const { put, clock, changes } = await openChannels(t)
  await put('a.ts', 'bytes')
  await put('odd.m3u8', '#EXTM3U\n')
  clock.advance(20_000)
  t.same(changes, [])
})

t.test('a channel is forgotten an hour after its last write, and its timer with it', async (t) => {
  const { put, clock, changes, store } = await openChannels(t)
  await put('index.m3u8', MULTIVARIANT)
  await put('lo.m3u8', media(1))
  clock.advance(3_700_000)
  await store.close()
  t.equal(clock.timerCount, 0)
  await put('lo.m3u8', media(9)).catch(() => undefined)
  t.same(changes, ['live/index.m3u8 live', 'live/index.m3u8 stale'])
})
