import t from 'tap'
import type { Test } from 'tap'
import type { Headwater, StartOptions } from '../../src/app.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'
import { RawClient, head } from '../support/raw-client.ts'

/** So many parts of segment 5, and hints. */
const playlist = (partCount: number, hints: readonly string[], end = '') =>
  '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PART-INF:PART-TARGET=0.5\n#EXT-X-MEDIA-SEQUENCE:5\n' +
  '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5\n#EXT-X-MAP:URI="first.mp4"\n' +
  Array.from(
    { length: partCount },
    (_, index) => `#EXT-X-PART:DURATION=0.5,URI="p${index}.m4s"\n`,
  ).join('') +
  hints.map((hint) => `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${hint}"\n`).join('') +
  end

async function open(t: Test, settings: StartOptions['settings'] = {}) {
  const clock = new ManualClock()
  const origin = await openOrigin(t, settings, { clock })
  const url = (key: string) => `${origin.dataPlaneUrl}/cache/live-origin/${key}`
  const put = (key: string, body: string) =>
    http(`${url(key)}?ttl_seconds=60`, {
      method: 'PUT',
      body,
      headers: { authorization: origin.keys.encoder },
    })
  const get = (key: string) => http(url(key), { headers: { authorization: origin.keys.player } })
  return { clock, origin, put, get }
}

/** Until so many readers wait; asks, does not guess. */
async function untilWaiting(origin: Headwater, count: number): Promise<void> {
  for (;;) {
    const { text } = await http(`${origin.adminUrl}/metrics`)
    if (text.includes(`headwater_waiters ${count}\n`)) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}

t.test('a hinted part is waited for until it is whole', async (t) => {
  const { origin, put, get } = await open(t)
  await put('live.m3u8', playlist(1, ['p1.m4s']))
  const reader = get('p1.m4s')
  await untilWaiting(origin, 1)
  const encoder = await RawClient.open(origin.dataPlaneUrl)
  await encoder.send(
    head('PUT', '/cache/live-origin/p1.m4s', [
      `Authorization: ${origin.keys.encoder}`,
      'Transfer-Encoding: chunked',
    ]),
  )
  await encoder.sendChunk('first half, ')
  const late = get('p1.m4s')
  await untilWaiting(origin, 2)
  await encoder.sendChunk('second half')
  await untilWaiting(origin, 2)
  await encoder.send('0\r\n\r\n')
  for (const answer of [await reader, await late]) {
    t.equal(answer.text, 'first half, second half')
    t.equal(answer.headers['content-length'], '23', 'never a growing one')
  }
})

t.test('for as long as it is hinted at: three target durations after the last PUT', async (t) => {
  const { clock, origin, put, get } = await open(t)
  await put('live.m3u8', playlist(1, ['p1.m4s']))
  const reader = get('p1.m4s')
  await untilWaiting(origin, 1)
  clock.advance(5999)
  await untilWaiting(origin, 1)
  clock.advance(1)
  t.equal((await reader).status, 404)
  t.equal((await get('p1.m4s')).status, 404, 'late readers do not wait again')
  await put('live.m3u8', playlist(1, ['p1.m4s']))
  const again = get('p1.m4s')
  await untilWaiting(origin, 1)
  await put('p1.m4s', 'part')
  t.equal((await again).text, 'part')
})

t.test('a hint that is taken back is a 404 at once', async (t) => {
  const { origin, put, get } = await open(t)
  for (const next of [
    playlist(1, ['other.m4s']),
    playlist(1, []),
    playlist(1, [], '#EXT-X-ENDLIST\n'),
    '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n',
  ]) {
    await put('live.m3u8', playlist(1, ['p1.m4s']))
    const reader = get('p1.m4s')
    await untilWaiting(origin, 1)
    await put('live.m3u8', next)
    t.equal((await reader).status, 404)
    t.equal((await get('p1.m4s')).status, 404)
  }
})

t.test('a part whose playlist came first goes on being waited for', async (t) => {
  const { clock, origin, put, get } = await open(t)
  await put('live.m3u8', playlist(1, ['p1.m4s']))
  const reader = get('p1.m4s')
  clock.advance(2500)
  await put('live.m3u8', playlist(2, ['p2.m4s']))
  await untilWaiting(origin, 1)
  await put('p1.m4s', 'part')
  t.equal((await reader).text, 'part')
})

t.test('an upload that fails releases who waited for it', async (t) => {
  const { origin, put, get } = await open(t)
  await put('live.m3u8', playlist(1, ['p1.m4s']))
  const reader = get('p1.m4s')
  await untilWaiting(origin, 1)
  t.equal((await put('p1.m4s', '')).status, 400)
  t.equal((await reader).status, 404)
})

t.test('a hinted init section is served whole, too', async (t) => {
  const { origin, put, get } = await open(t)
  const hint = '#EXT-X-PRELOAD-HINT:TYPE=MAP,URI="second.mp4"\n'
  await put('live.m3u8', playlist(1, [], hint))
  const reader = get('second.mp4')
  await untilWaiting(origin, 1)
  await put('live.m3u8', `${playlist(1, [])}#EXT-X-MAP:URI="second.mp4"\n`)
  await untilWaiting(origin, 1)
  await put('second.mp4', 'init')
  t.equal((await reader).text, 'init')
})

t.test('hints and segments have a setting each', async (t) => {
  const hintsOnly = await open(t, { caches: { defaults: { holdSecondsMax: 0 } } })
  await hintsOnly.put('live.m3u8', playlist(1, ['p1.m4s']))
  t.equal((await hintsOnly.get('p0.m4s')).status, 404)
  const reader = hintsOnly.get('p1.m4s')
  await untilWaiting(hintsOnly.origin, 1)
  await hintsOnly.put('p1.m4s', 'part')
  t.equal((await reader).text, 'part')
  const neither = await open(t, { profile: 'momento' })
  await neither.put('live.m3u8', playlist(1, ['p1.m4s']))
  t.equal((await neither.get('p1.m4s')).status, 404)
})
