import t from 'tap'
import type { Test } from 'tap'
import { ClipGenerator } from '../../../src/cli/demo/generator.ts'
import type { ItemWriter } from '../../../src/cli/demo/generator.ts'
import type { DemoClip } from '../../../src/cli/demo/demo-clip.ts'
import type { ItemOutcome } from '../../../src/cli/item-client.ts'
import { ManualClock } from '../../support/manual-clock.ts'

function rendition(name: string) {
  return {
    name,
    widthPixels: 640,
    heightPixels: 360,
    bandwidthBitsPerSecond: 1000,
    averageBandwidthBitsPerSecond: 900,
    codecs: 'avc1.4d401f,mp4a.40.2',
    bodies: ['0', '1', '2'].map((text) => Buffer.from(`${name}-${text}`)),
  }
}
const clip: DemoClip = {
  framesPerSecond: 25,
  durationsSeconds: [2, 2, 2],
  renditions: [rendition('hi'), rendition('lo')],
}

/** An origin that keeps what it is given, in order, and can be told to fail. */
class FakeOrigin implements ItemWriter {
  readonly items = new Map<string, string>()
  readonly writes: string[] = []
  readonly ttls = new Set<number>()
  failure: ItemOutcome | undefined
  isClosed = false

  put(key: string, body: Uint8Array, ttlSeconds: number): Promise<ItemOutcome> {
    if (this.failure !== undefined) return Promise.resolve(this.failure)
    this.items.set(key, Buffer.from(body).toString())
    this.writes.push(key)
    this.ttls.add(ttlSeconds)
    return Promise.resolve({ kind: 'ok', body: Buffer.alloc(0) })
  }

  close(): void {
    this.isClosed = true
  }
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

async function start(t: Test, options: { endsPlaylist?: boolean } = {}) {
  const clock = new ManualClock()
  const origin = new FakeOrigin()
  const lines: string[] = []
  const generator = new ClipGenerator({
    client: origin,
    clip,
    clock,
    keyPrefix: 'demo/',
    windowSegmentCount: 6,
    onProgress: (line) => lines.push(line),
    ...options,
  })
  t.teardown(() => generator.close())
  generator.start()
  return { clock, origin, lines, generator }
}

const mediaPlaylist = 'demo/playlist_hi.m3u8'
const msnOf = (text: string | undefined) => Number(/MEDIA-SEQUENCE:(\d+)/.exec(text ?? '')?.[1])
const urisOf = (text: string | undefined) =>
  (text ?? '').split('\n').filter((line) => line.endsWith('.ts'))

t.test('the first window is there at once, dated in the past', async (t) => {
  const { clock, origin, generator } = await start(t)
  await generator.ready
  const text = origin.items.get(mediaPlaylist)
  const uris = urisOf(text)
  t.equal(uris.length, 6)
  for (const uri of uris) t.ok(origin.items.has(`demo/${uri}`), uri)
  t.equal(msnOf(text), Math.floor(clock.nowMs() / 1000), 'numbers begin with the epoch')
  t.match(text, 'PROGRAM-DATE-TIME:2026-01-15T11:59:48.000Z')
  t.equal(origin.items.get(`demo/${uris[4]}`), 'hi-1', 'the clip repeats')
  t.equal(generator.playlistKey, 'demo/playlist.m3u8')
})

t.test('segments are written before the playlists that name them', async (t) => {
  const { origin, generator } = await start(t)
  await generator.ready
  const lastSegment = origin.writes.findLastIndex((key) => key.endsWith('.ts'))
  t.ok(lastSegment < origin.writes.indexOf(mediaPlaylist))
  t.equal(origin.writes.at(-1), 'demo/playlist.m3u8', 'the multivariant playlist comes last')
  t.same([...origin.ttls], [300], 'everything has a TTL')
})

t.test('each segment appears when it is over, not before', async (t) => {
  const { clock, origin, generator } = await start(t)
  await generator.ready
  const firstMsn = msnOf(origin.items.get(mediaPlaylist))
  await settle()
  clock.advance(1999)
  await settle()
  t.equal(msnOf(origin.items.get(mediaPlaylist)), firstMsn)
  clock.advance(1)
  await settle()
  const text = origin.items.get(mediaPlaylist)
  t.equal(msnOf(text), firstMsn + 1)
  t.equal(urisOf(text).length, 6)
})

t.test('the multivariant playlist is written again before it can expire', async (t) => {
  const { clock, origin, generator } = await start(t)
  await generator.ready
  await settle()
  for (let count = 0; count < 30; count++) {
    clock.advance(2000)
    await settle()
  }
  t.equal(origin.writes.filter((key) => key === 'demo/playlist.m3u8').length, 3)
})

t.test('after an outage the whole window is written again, at the live edge', async (t) => {
  const { clock, origin, lines, generator } = await start(t)
  await generator.ready
  await settle()
  const firstMsn = msnOf(origin.items.get(mediaPlaylist))
  origin.failure = { kind: 'failed', statusCode: undefined, reason: 'nothing listens there' }
  for (let count = 0; count < 60; count++) {
    clock.advance(1000)
    await settle()
  }
  // A restarted origin has forgotten everything.
  origin.items.clear()
  origin.failure = undefined
  clock.advance(5000)
  await settle()
  await settle()
  const text = origin.items.get(mediaPlaylist)
  t.ok(msnOf(text) >= firstMsn + 30)
  for (const uri of urisOf(text)) t.ok(origin.items.has(`demo/${uri}`), uri)
  t.ok(origin.items.has('demo/playlist.m3u8'))
  t.same(lines, [
    'The origin does not take the demo channel: nothing listens there. Trying again.',
    'The demo channel demo/playlist.m3u8 is back at its live edge.',
  ])
})

t.test('a refusal is told once, with its status and reason', async (t) => {
  const clock = new ManualClock()
  const origin = new FakeOrigin()
  origin.failure = { kind: 'failed', statusCode: 403, reason: 'read only' }
  const lines: string[] = []
  const generator = new ClipGenerator({
    client: origin,
    clip,
    clock,
    keyPrefix: '',
    onProgress: (line) => lines.push(line),
  })
  generator.start()
  for (let count = 0; count < 5; count++) {
    await settle()
    clock.advance(5000)
  }
  t.same(lines, ['The origin refuses the demo channel with 403: read only'])
  await generator.close()
  t.equal(origin.isClosed, true)
})

t.test('two runs never share a segment name', async (t) => {
  const first = await start(t)
  await first.generator.ready
  const clock = new ManualClock(first.clock.nowMs() + 1000)
  const origin = new FakeOrigin()
  const second = new ClipGenerator({ client: origin, clip, clock, keyPrefix: 'demo/' })
  t.teardown(() => second.close())
  second.start()
  await second.ready
  const shared = [...origin.items.keys()].filter(
    (key) => key.endsWith('.ts') && first.origin.items.has(key),
  )
  t.same(shared, [])
})

t.test('closing stops the pushing, ends nothing, and may be done twice', async (t) => {
  const { clock, origin, generator } = await start(t)
  await generator.ready
  await settle()
  await generator.close()
  await generator.close()
  const writeCount = origin.writes.length
  clock.advance(60_000)
  await settle()
  t.equal(origin.writes.length, writeCount)
  t.notMatch(origin.items.get(mediaPlaylist), '#EXT-X-ENDLIST')
  t.equal(clock.timerCount, 0)
})

t.test('closing may end the playlists', async (t) => {
  const { origin, generator } = await start(t, { endsPlaylist: true })
  await generator.ready
  await settle()
  await generator.close()
  t.match(origin.items.get(mediaPlaylist), /#EXT-X-ENDLIST\n$/)
  t.match(origin.items.get('demo/playlist_lo.m3u8'), /#EXT-X-ENDLIST\n$/)
  t.equal(origin.isClosed, true)
})

t.test('closing in the midst of the first window names no segment that is missing', async (t) => {
  const { origin, generator } = await start(t, { endsPlaylist: true })
  await generator.close()
  t.notOk(origin.items.has(mediaPlaylist))
})
