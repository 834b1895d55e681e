import t from 'tap'
import type { Headwater } from '../../src/app.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { http } from '../support/http.ts'
import type { HttpAnswer } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'
import { RawClient, head } from '../support/raw-client.ts'

const playlist = (first: number, count: number, extra = '') =>
  `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${first}\n` +
  Array.from({ length: count }, (_, index) => `#EXTINF:2,\nseg_${first + index}.ts\n`).join('') +
  extra

function client(origin: Headwater) {
  const url = (key: string) => `${origin.dataPlaneUrl}/cache/live-origin/${key}`
  const put = (key: string, body: string) =>
    http(url(key), { method: 'PUT', body, headers: { authorization: origin.keys.encoder } })
  const get = (key: string) => http(url(key), { headers: { authorization: origin.keys.player } })
  return { put, get, url }
}

/** Until so many readers wait; asks, does not guess. */
async function untilWaiting(origin: Headwater, count: number): Promise<void> {
  for (;;) {
    const { text } = await http(`${origin.adminUrl}/metrics`)
    if (text.includes(`headwater_waiters ${count}\n`)) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}

t.test('a segment that its playlist has just named is waited for, by all at once', async (t) => {
  const origin = await openOrigin(t, {}, { clock: new ManualClock() })
  const { put, get } = client(origin)
  await put('seg_1.ts', 'one')
  await put('live.m3u8', playlist(1, 2))
  const readers = Array.from({ length: 20 }, () => get('seg_2.ts'))
  await untilWaiting(origin, 20)
  await put('seg_2.ts', 'two')
  for (const reader of readers) t.equal((await reader).text, 'two')
  await untilWaiting(origin, 0)
})

t.test('an upload that starts is read as it comes', async (t) => {
  const origin = await openOrigin(t, {}, { clock: new ManualClock() })
  const { put, get } = client(origin)
  await put('live.m3u8', playlist(1, 1))
  const reader = get('seg_1.ts')
  await untilWaiting(origin, 1)
  const encoder = await RawClient.open(origin.dataPlaneUrl)
  await encoder.send(
    head('PUT', '/cache/live-origin/seg_1.ts', [
      `Authorization: ${origin.keys.encoder}`,
      'Transfer-Encoding: chunked',
    ]),
  )
  await encoder.sendChunk('one')
  await untilWaiting(origin, 0)
  await encoder.send('0\r\n\r\n')
  t.equal((await reader).text, 'one')
  t.equal((await reader).headers['transfer-encoding'], 'chunked')
})

t.test('then it is a 404: after a target duration, three seconds at the most', async (t) => {
  for (const [targetDuration, waitMs] of [
    [2, 2000],
    [6, 3000],
  ] as const) {
    const clock = new ManualClock()
    const origin = await openOrigin(t, {}, { clock })
    const { put, get } = client(origin)
    await put(
      'live.m3u8',
      playlist(1, 1).replace('TARGETDURATION:2', `TARGETDURATION:${targetDuration}`),
    )
    let answered: HttpAnswer | undefined
    const reader = get('seg_1.ts').then((answer) => (answered = answer))
    await untilWaiting(origin, 1)
    clock.advance(waitMs - 1)
    await untilWaiting(origin, 1)
    t.equal(answered, undefined)
    clock.advance(1)
    t.equal((await reader).status, 404)
    t.equal((await get('seg_1.ts')).status, 404, 'late readers do not wait again')
  }
})

t.test('nobody waits for what is not expected', async (t) => {
  const clock = new ManualClock()
  const origin = await openOrigin(t, {}, { clock })
  const { put, get, url } = client(origin)
  await put('seg_1.ts', 'one')
  await put('live.m3u8', playlist(1, 2))
  t.equal((await get('other.ts')).status, 404, 'no playlist names it')
  clock.advance(2500)
  await put('live.m3u8', playlist(1, 2))
  t.equal((await get('seg_2.ts')).status, 404, 'lost: an earlier playlist named it already')
  await http(url('seg_1.ts'), { method: 'DELETE', headers: { authorization: origin.keys.encoder } })
  t.equal((await get('seg_1.ts')).status, 404, 'deleted')
  await put('vod.m3u8', playlist(50, 1, '#EXT-X-ENDLIST\n'))
  t.equal((await get('seg_50.ts')).status, 404, 'not live')
})

t.test('a refused or cut upload releases who waited for it', async (t) => {
  const origin = await openOrigin(t, {}, { clock: new ManualClock() })
  const { put, get } = client(origin)
  await put('live.m3u8', playlist(1, 1))
  const reader = get('seg_1.ts')
  await untilWaiting(origin, 1)
  const refused = await put('seg_1.ts', '')
  t.equal(refused.status, 400)
  t.equal((await reader).status, 404)
})

t.test('a reader that leaves is forgotten', async (t) => {
  const origin = await openOrigin(t, {}, { clock: new ManualClock() })
  const { put } = client(origin)
  await put('live.m3u8', playlist(1, 1))
  const readers = await Promise.all([1, 2, 3].map(() => RawClient.open(origin.dataPlaneUrl)))
  for (const reader of readers) {
    await reader.send(
      head('GET', '/cache/live-origin/seg_1.ts', [`Authorization: ${origin.keys.player}`]),
    )
  }
  await untilWaiting(origin, 3)
  readers[0]?.reset()
  readers[1]?.destroy()
  await untilWaiting(origin, 1)
  readers[2]?.endWriting()
  await untilWaiting(origin, 0)
})

t.test('a stopping server answers who waits', async (t) => {
  const origin = await openOrigin(t, {}, { clock: new ManualClock() })
  const { put, get } = client(origin)
  await put('live.m3u8', playlist(1, 1))
  const reader = get('seg_1.ts')
  await untilWaiting(origin, 1)
  const closed = origin.close()
  const answer = await reader
  t.equal(answer.status, 503)
  t.equal(answer.headers['x-headwater-reason'], 'stopping')
  t.ok(answer.headers['retry-after'])
  await closed
})

t.test('the setting of the cache says how long, and momento does not wait', async (t) => {
  for (const settings of [
    { caches: { defaults: { holdSecondsMax: 0 } } },
    { profile: 'momento' as const },
  ]) {
    const origin = await openOrigin(t, settings, { clock: new ManualClock() })
    const { get, url } = client(origin)
    await http(`${url('live.m3u8')}?ttl_seconds=60`, {
      method: 'PUT',
      body: playlist(1, 1),
      headers: { authorization: origin.keys.encoder },
    })
    t.equal((await get('seg_1.ts')).status, 404)
  }
})
