import t from 'tap'
import { toStoreKey } from '../../src/base/names.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { SharedMemory } from '../support/shared-memory.ts'
import type { SharedMemoryNode } from '../support/shared-memory.ts'
import { cacheName, itemKey, openTestOrigin } from './support.ts'

const key = (text: string) => toStoreKey(cacheName('live'), itemKey(text))
const playlist = (first: number, count: number, more = '') =>
  `#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${first}\n${more}` +
  Array.from({ length: count }, (_, index) => `#EXTINF:2.0,\ns${first + index}.ts\n`).join('')
const LADDER = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000,RESOLUTION=2x1,CODECS="avc1"\nlive.m3u8\n'

/** Lets what nodes tell each other arrive. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
}

async function openNode(
  memory: SharedMemory,
  clock: ManualClock,
  settings: Parameters<typeof openTestOrigin>[0] = {},
) {
  const store: SharedMemoryNode = memory.open()
  const opened = await openTestOrigin(settings, { store, shared: store, clock })
  const cache = opened.caches.read('live')
  const hold = (text: string) => opened.origin.hold(cache, key(text))
  const told: string[] = []
  opened.events.on('finding', ({ finding }) => told.push(finding.rule))
  const missing = () =>
    opened.origin.channels.list().map(({ missingSegmentCount }) => missingSegmentCount)
  return { ...opened, node: store, cache, hold, told, missing }
}

async function openPair(settings: Parameters<typeof openTestOrigin>[0] = {}) {
  const clock = new ManualClock()
  const memory = new SharedMemory(clock)
  const a = await openNode(memory, clock, settings)
  const b = await openNode(memory, clock, settings)
  return { clock, memory, a, b }
}

t.test('an upload at one node is waited for at another, until it is stored', async (t) => {
  const { a, b } = await openPair()
  const upload = a.open('s1.ts')
  t.equal(await b.origin.load(key('s1.ts')), undefined)
  const wait = b.hold('s1.ts')
  upload.add(Buffer.from('bytes'))
  await upload.finish()
  t.equal(await wait?.outcome, 'changed')
  t.equal((await b.origin.load(key('s1.ts')))?.sizeBytes, 5)
  t.equal(b.hold('s2.ts'), undefined, 'of others nothing is known')
})

t.test('one that is broken off is waited for no longer, whoever has named it', async (t) => {
  const { a, b } = await openPair()
  await a.put('live.m3u8', playlist(0, 3))
  await settle()
  const upload = a.open('s1.ts')
  await settle()
  t.equal(await b.origin.load(key('s1.ts')), undefined)
  const wait = b.hold('s1.ts')
  upload.abort()
  t.equal(await wait?.outcome, 'changed')
  t.equal(await b.origin.load(key('s1.ts')), undefined)
  t.equal(b.hold('s1.ts'), undefined)
})

t.test('a node does not wait for an upload of its own that has failed', async (t) => {
  const { a } = await openPair()
  const upload = a.open('s1.ts')
  t.equal(await a.origin.load(key('s1.ts')), undefined)
  const wait = a.hold('s1.ts')
  upload.abort()
  t.equal(await wait?.outcome, 'changed')
  t.equal(await a.origin.load(key('s1.ts')), undefined)
  t.equal(a.hold('s1.ts'), undefined)
})

t.test('a node that dies is forgotten after six seconds, and a cache may not wait', async (t) => {
  const { a, b, clock } = await openPair()
  a.open('s1.ts')
  await b.origin.load(key('s1.ts'))
  const wait = b.hold('s1.ts')
  let outcome = ''
  void wait?.outcome.then((reached) => (outcome = reached))
  clock.advance(5999)
  await settle()
  t.equal(outcome, '')
  clock.advance(1)
  await settle()
  t.equal(outcome, 'over')
  const never = await openPair({ holdSecondsMax: 0 })
  never.a.open('s1.ts')
  await never.b.origin.load(key('s1.ts'))
  t.equal(never.b.hold('s1.ts'), undefined)
})

t.test('a playlist at one node moves the channel of another, as of its write', async (t) => {
  const { a, b, clock, memory } = await openPair({ staleAfterTargetDurations: 3 })
  await a.put('all.m3u8', LADDER)
  for (let msn = 0; msn < 3; msn++) await a.put(`s${msn}.ts`, 'bytes')
  await a.put('live.m3u8', playlist(0, 3))
  await settle()
  const shown = { key: 'all.m3u8', state: 'live', missingSegmentCount: 0 }
  t.match(b.origin.channels.list(), [shown])
  clock.advance(5000)
  const c = await openNode(memory, clock, { staleAfterTargetDurations: 3 })
  c.origin.restore(await c.node.restorePlaylists())
  t.match(c.origin.channels.list(), [shown])
  for (const { origin, cache, node } of [a, b, c]) {
    const item = await node.load(key('live.m3u8'))
    if (item === undefined) throw new Error('not there')
    t.equal(origin.staleSeconds(cache, item), undefined)
  }
  clock.advance(1001)
  for (const { origin, cache, node } of [a, b, c]) {
    const item = await node.load(key('live.m3u8'))
    if (item === undefined) throw new Error('not there')
    t.ok((origin.staleSeconds(cache, item) ?? 0) > 6, 'since the write, at every node')
  }
})

t.test('only the node that has received a playlist extends what it needs', async (t) => {
  const { a, b } = await openPair()
  await a.put('all.m3u8', LADDER)
  await a.put('init.mp4', 'init')
  await a.put('live.m3u8', playlist(0, 3, '#EXT-X-MAP:URI="init.mp4"\n'))
  await settle()
  t.same([...a.node.extended].sort(), [key('all.m3u8'), key('init.mp4')])
  t.same(b.node.extended, [])
})

t.test('announced segments and hinted parts are held until they come to any node', async (t) => {
  const { a, b, clock } = await openPair()
  const hint = '#EXT-X-PART-INF:PART-TARGET=1\n'
  const body = `${playlist(0, 3, hint)}#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part.mp4"\n`
  await a.put('live.m3u8', body)
  await settle()
  clock.advance(100)
  for (const name of ['s2.ts', 'part.mp4']) {
    t.equal(await b.origin.load(key(name)), undefined)
    const wait = b.hold(name)
    await a.put(name, 'bytes')
    t.equal(await wait?.outcome, 'changed', name)
    t.ok(await b.origin.load(key(name)))
    await settle()
    t.equal(b.hold(name), undefined, 'it has come')
  }
})

t.test('a segment that was missing here and came to another node is not', async (t) => {
  const { a, b, clock } = await openPair()
  await a.put('all.m3u8', LADDER)
  await settle()
  for (const name of ['s0.ts', 's1.ts', 's2.ts']) await b.origin.load(key(name))
  await b.put('live.m3u8', playlist(0, 3))
  await a.put('s0.ts', 'bytes')
  await a.put('s1.ts', 'bytes')
  await settle()
  clock.advance(10_000)
  t.same(b.missing(), [1], 's2.ts alone')
  await a.put('s2.ts', 'bytes')
  await settle()
  t.same(b.missing(), [0])
  t.match(
    b.origin.channels.list()[0]?.renditions[0]?.recentSegments.map(({ sizeBytes }) => sizeBytes),
    [5, 5, 5],
  )
})

t.test('what a playlist names is looked for before it is judged, and one node tells', async (t) => {
  const { a, b } = await openPair()
  for (let msn = 0; msn < 4; msn++) await a.put(`s${msn}.ts`, 'bytes')
  await b.put('live.m3u8', playlist(0, 3))
  await b.put('live.m3u8', playlist(1, 3))
  t.same([a.told, b.told], [[], []])
  await b.put('live.m3u8', playlist(2, 3))
  await b.put('live.m3u8', playlist(3, 3))
  await settle()
  t.same([a.told, b.told], [[], ['segment-missing']])
})

t.test('a late playlist is ignored at a node that has read nothing; a restart wins', async (t) => {
  const { a, b, clock, memory } = await openPair()
  for (let msn = 0; msn < 6; msn++) await a.put(`s${msn}.ts`, 'bytes')
  clock.advance(100)
  await a.put('live.m3u8', playlist(2, 3))
  await a.put('live.m3u8', playlist(3, 3))
  await settle()
  const c = await openNode(memory, clock)
  c.origin.restore(await c.node.restorePlaylists())
  // Its wall clock is ahead.
  clock.jumpWall(300_000)
  for (const { put, told } of [b, c]) {
    t.equal((await put('live.m3u8', playlist(1, 3))).kind, 'ignored')
    t.same(told, ['media-sequence-backwards'])
  }
  clock.advance(100)
  await c.put('s1.ts', 'of the next run')
  t.equal((await b.put('live.m3u8', playlist(0, 2))).kind, 'stored')
})

t.test('who was cut off reads what it has missed, and who waits looks again', async (t) => {
  const { a, b, memory } = await openPair()
  memory.nodes.delete(b.node)
  await a.put('all.m3u8', LADDER)
  await a.put('s0.ts', 'bytes')
  await a.put('live.m3u8', playlist(0, 1))
  await settle()
  t.same(b.origin.channels.list(), [])
  b.node.hearAll()
  b.node.hearAll()
  await settle()
  t.match(b.origin.channels.list(), [{ key: 'all.m3u8' }])
  await b.put('live.m3u8', playlist(0, 3))
  await b.origin.load(key('s2.ts'))
  const wait = b.hold('s2.ts')
  b.node.hearAll()
  t.equal(await wait?.outcome, 'changed')
})

t.test('what was written here while another version was read is the newer one', async (t) => {
  const { a, b, clock } = await openPair()
  let answer: () => void = () => undefined
  b.node.slow = new Promise<void>((resolve) => (answer = resolve))
  await a.put('live.m3u8', playlist(0, 3))
  b.node.slow = undefined
  clock.advance(10)
  await b.put('live.m3u8', playlist(1, 3))
  answer()
  await settle()
  const [channel] = b.origin.channels.list()
  t.equal(channel, undefined, 'a media playlist alone is none yet')
  clock.advance(5000)
  t.match(b.origin.channels.list(), [{ renditions: [{ lastMediaSequenceNumber: 3 }] }])
})
