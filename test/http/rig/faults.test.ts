/** Each fault on real connections: what a client sees of it, and what it says of itself. */

import t from 'tap'
import type { Test } from 'tap'
import type { Headwater } from '../../../src/app.ts'
import type { Fault } from '../../../src/rig/fault-schema.ts'
import { http } from '../../support/http.ts'
import type { HttpAnswer, HttpOptions } from '../../support/http.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { openOrigin } from '../../support/origin.ts'
import { head, RawClient } from '../../support/raw-client.ts'

const SEGMENT = Buffer.from(Uint8Array.from({ length: 100_000 }, (_, index) => index % 251))

interface Rig {
  readonly origin: Headwater
  readonly clock: ManualClock
  readonly add: (fault: Fault) => void
  readonly get: (target: string, options?: HttpOptions) => Promise<HttpAnswer>
  readonly put: (target: string, body: string | Uint8Array) => Promise<HttpAnswer>
  /** A media playlist of segments `<from>.ts` and so on. */
  readonly publish: (from: number, count: number, name?: string) => Promise<void>
}

async function openRig(t: Test): Promise<Rig> {
  const clock = new ManualClock()
  const origin = await openOrigin(t, { rig: { enabled: true } }, { clock })
  const headers = { authorization: origin.keys.superUser }
  const get = (target: string, options: HttpOptions = {}) =>
    http(`${origin.dataPlaneUrl}${target}`, {
      ...options,
      headers: { ...headers, ...options.headers },
    })
  const put = (target: string, body: string | Uint8Array) =>
    get(target, { method: 'PUT', body, headers: {} })
  const publish = async (from: number, count: number, name = 'live.m3u8') => {
    const numbers = Array.from({ length: count }, (_, index) => from + index)
    for (const number of numbers) await put(`/cache/live-origin/${number}.ts`, SEGMENT)
    await put(`/cache/live-origin/${name}`, mediaPlaylist(numbers))
  }
  const add = (fault: Fault) => void origin.faults?.add(fault)
  return { origin, clock, add, get, put, publish }
}

function mediaPlaylist(numbers: readonly number[], prefix = ''): string {
  return [
    '#EXTM3U',
    '#EXT-X-VERSION:3',
    '#EXT-X-TARGETDURATION:2',
    `#EXT-X-MEDIA-SEQUENCE:${String(numbers[0])}`,
    ...numbers.flatMap((number) => ['#EXTINF:2,', `${prefix}${number}.ts`]),
    '',
  ].join('\n')
}

/** A connection that asks for one item and is then looked at. */
async function ask(t: Test, rig: Rig, target: string): Promise<RawClient> {
  const client = await RawClient.open(rig.origin.dataPlaneUrl)
  t.teardown(() => client.destroy())
  await client.send(head('GET', target, [`Authorization: ${rig.origin.keys.superUser}`, 'Host: a']))
  return client
}

/** Waits, in the test's own turn, for what the server does in its own. */
async function until(condition: () => boolean): Promise<void> {
  const endsAtMs = performance.now() + 5000
  while (!condition()) {
    if (performance.now() > endsAtMs) throw new Error('it did not happen within 5 s')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

t.test('a status instead of the answer, with what it is said by', async (t) => {
  const rig = await openRig(t)
  await rig.publish(1, 3)
  rig.add({ id: 'down', action: 'status', statusCode: 502, match: { kind: 'segment', count: 1 } })
  const refused = await rig.get('/cache/live-origin/1.ts')
  t.equal(refused.status, 502)
  t.match(refused.headers, {
    'x-headwater-fault': 'down',
    'x-headwater-reason': 'fault-injected',
    'cache-control': 'no-store',
    'access-control-allow-origin': '*',
    'access-control-expose-headers': /X-Headwater-Fault/,
  })
  t.match(JSON.parse(refused.text), { status: 502, detail: /down/ })
  const good = await rig.get('/cache/live-origin/1.ts')
  t.equal(good.status, 200, 'once was said')
  t.notOk(good.headers['x-headwater-fault'])
  t.equal((await rig.get('/cache/live-origin/live.m3u8')).status, 200, 'not of this kind')
  t.equal(rig.origin.faults?.counts.status, 1)
  const metrics = await http(`${rig.origin.adminUrl}/metrics`)
  t.match(metrics.text, 'headwater_faults_total{action="status"} 1')
  t.match(metrics.text, 'headwater_faults_active 1')
})

t.test('who may not read does not meet a fault', async (t) => {
  const rig = await openRig(t)
  rig.add({ action: 'status', statusCode: 500 })
  const answer = await rig.get('/cache/live-origin/1.ts', { headers: { authorization: 'nobody' } })
  t.equal(answer.status, 401)
  t.equal(rig.origin.faults?.counts.status, 0)
})

t.test('fields are set and left out; another type; no CORS, on preflights neither', async (t) => {
  const rig = await openRig(t)
  await rig.publish(1, 1)
  rig.add({
    id: 'fields',
    action: 'headers',
    set: { 'Cache-Control': 'max-age=60', 'X-Edge': 'yes' },
    remove: ['ETag'],
  })
  rig.add({ id: 'type', action: 'wrong-type', match: { key: '*.ts' } })
  const segment = await rig.get('/cache/live-origin/1.ts')
  t.match(segment.headers, {
    'cache-control': 'max-age=60',
    'x-edge': 'yes',
    'content-type': 'text/html',
    'x-headwater-fault': 'fields, type',
  })
  t.notOk(segment.headers.etag)
  t.same(segment.body, SEGMENT)
  rig.add({ id: 'cors', action: 'no-cors' })
  const read = await rig.get('/cache/live-origin/live.m3u8', { headers: { origin: 'http://p' } })
  const preflight = await rig.get('/cache/live-origin/live.m3u8', {
    method: 'OPTIONS',
    headers: { origin: 'http://p' },
  })
  for (const { headers } of [read, preflight]) {
    t.strictSame(
      Object.keys(headers).filter((name) => name.startsWith('access-control-')),
      [],
    )
    t.match(headers['x-headwater-fault'], 'cors')
  }
})

t.test('a delayed read begins late; who leaves before is not answered', async (t) => {
  const rig = await openRig(t)
  await rig.publish(1, 1)
  rig.add({ action: 'delay', delaySeconds: 3 })
  // Besides the one that ends the fault.
  const timers = rig.clock.timerCount
  const client = await ask(t, rig, '/cache/live-origin/1.ts')
  await until(() => rig.clock.timerCount > timers)
  rig.clock.advance(2999)
  t.equal(client.unreadBytes, 0)
  rig.clock.advance(1)
  t.equal((await client.readResponse()).status, 200)
  const leaver = await ask(t, rig, '/cache/live-origin/1.ts')
  await until(() => rig.clock.timerCount > timers)
  leaver.reset()
  await until(() => rig.clock.timerCount === timers)
  t.pass('its timer went with it')
})

t.test('a throttled body comes at its pace', async (t) => {
  const rig = await openRig(t)
  await rig.publish(1, 1)
  rig.add({ action: 'throttle', bytesPerSecond: 20_000 })
  const client = await ask(t, rig, '/cache/live-origin/1.ts')
  await until(() => client.unreadBytes > 2000)
  t.ok(client.unreadBytes < 4000, 'a tenth of a second at first')
  rig.clock.advance(1000)
  await until(() => client.unreadBytes > 22_000)
  t.ok(client.unreadBytes < 24_000)
  rig.clock.advance(10_000)
  t.same((await client.readResponse()).body, SEGMENT)
  t.ok(await client.isUsable(), 'the connection goes on')
})

t.test('a stalled body stops, and goes on', async (t) => {
  const rig = await openRig(t)
  await rig.publish(1, 1)
  rig.add({ action: 'stall', afterBytes: 500, stallSeconds: 8 })
  const client = await ask(t, rig, '/cache/live-origin/1.ts')
  await until(() => client.unreadBytes > 500)
  rig.clock.advance(7999)
  t.ok(client.unreadBytes < 2000)
  rig.clock.advance(1)
  t.same((await client.readResponse()).body, SEGMENT)
})

t.test('a truncated body ends early, a reset one with a reset', async (t) => {
  for (const [action, end] of [
    ['truncate', 'fin'],
    ['reset', 'reset'],
  ] as const) {
    for (const afterBytes of [0, 1000]) {
      const rig = await openRig(t)
      await rig.publish(1, 1)
      rig.add({ action, afterBytes })
      const timers = rig.clock.timerCount
      const client = await ask(t, rig, '/cache/live-origin/1.ts')
      await until(() => client.unreadBytes > afterBytes)
      if (action === 'reset') await until(() => rig.clock.timerCount > timers)
      rig.clock.advance(50)
      t.equal(await client.waitForEnd(), end, `${action} after ${afterBytes}`)
      t.ok(client.unreadBytes > afterBytes && client.unreadBytes < afterBytes + 1500)
    }
  }
})

t.test('a body shorter than the cut comes whole; a HEAD is not cut', async (t) => {
  const rig = await openRig(t)
  await rig.publish(1, 1)
  rig.add({ action: 'truncate', afterBytes: SEGMENT.length })
  t.same((await rig.get('/cache/live-origin/1.ts')).body, SEGMENT)
  rig.add({ action: 'reset', afterBytes: 0 })
  t.equal((await rig.get('/cache/live-origin/1.ts', { method: 'HEAD' })).status, 200)
})

t.test('corruption is the same every time, in ranges too, under an ETag of its own', async (t) => {
  const rig = await openRig(t)
  await rig.publish(1, 1)
  const { etag } = (await rig.get('/cache/live-origin/1.ts')).headers
  rig.add({ action: 'corrupt', everyBytes: 1000, seed: 7 })
  const first = await rig.get('/cache/live-origin/1.ts')
  const again = await rig.get('/cache/live-origin/1.ts')
  t.same(first.body, again.body)
  t.not(first.headers.etag, etag)
  const changed = [...SEGMENT].filter((byte, index) => first.body[index] !== byte)
  t.equal(changed.length, 100, 'one in every 1,000')
  const range = await rig.get('/cache/live-origin/1.ts', { headers: { range: 'bytes=5500-8999' } })
  t.equal(range.status, 206)
  t.same(range.body, first.body.subarray(5500, 9000))
})

t.test('a frozen playlist stays, while its segments come', async (t) => {
  const rig = await openRig(t)
  await rig.publish(1, 3)
  rig.add({ id: 'frozen', action: 'frozen-playlist' })
  const before = await rig.get('/cache/live-origin/live.m3u8')
  rig.clock.advance(2000)
  await rig.publish(2, 3)
  const after = await rig.get('/cache/live-origin/live.m3u8')
  t.equal(after.text, before.text)
  t.equal(after.headers['x-headwater-fault'], 'frozen')
  t.equal((await rig.get('/cache/live-origin/4.ts')).status, 200)
  rig.origin.faults?.clear()
  t.match((await rig.get('/cache/live-origin/live.m3u8')).text, '4.ts')
})

t.test('the newest segment is missing until there is a newer one', async (t) => {
  const rig = await openRig(t)
  await rig.publish(1, 3)
  rig.add({ action: 'newest-missing' })
  t.equal((await rig.get('/cache/live-origin/2.ts')).status, 200)
  t.equal((await rig.get('/cache/live-origin/3.ts')).status, 404)
  await rig.publish(2, 3)
  t.equal((await rig.get('/cache/live-origin/3.ts')).status, 200)
  t.equal((await rig.get('/cache/live-origin/4.ts')).status, 404)
})

t.test('a rendition is gone with all it names, also what has left it', async (t) => {
  const rig = await openRig(t)
  await rig.publish(1, 2, 'low.m3u8')
  await rig.publish(11, 2, 'high.m3u8')
  rig.add({ action: 'rendition-gone', match: { rendition: 'low*' } })
  const status = async (name: string) => (await rig.get(`/cache/live-origin/${name}`)).status
  t.equal(await status('low.m3u8'), 404)
  t.equal(await status('1.ts'), 404)
  t.equal(await status('high.m3u8'), 200)
  t.equal(await status('11.ts'), 200)
  await rig.publish(2, 2, 'low.m3u8')
  t.equal(await status('1.ts'), 404, 'it has left the playlist')
})

t.test('the sequence goes backwards', async (t) => {
  const rig = await openRig(t)
  await rig.publish(10, 3)
  rig.add({ action: 'backwards-sequence', bySegments: 4, match: { skip: 1, count: 1 } })
  const sequence = async () =>
    /SEQUENCE:(\d+)/.exec((await rig.get('/cache/live-origin/live.m3u8')).text)?.[1]
  t.strictSame([await sequence(), await sequence(), await sequence()], ['10', '6', '10'])
})

t.test('writes are refused, and the connection survives', async (t) => {
  const rig = await openRig(t)
  rig.add({
    action: 'status',
    statusCode: 429,
    retryAfterSeconds: 7,
    match: { operation: 'write', skip: 1, count: 2 },
  })
  const statuses: number[] = []
  for (let index = 0; index < 4; index++) {
    const answer = await rig.put('/cache/live-origin/a.ts', SEGMENT)
    statuses.push(answer.status)
    if (answer.status === 429) t.equal(answer.headers['retry-after'], '7')
  }
  t.strictSame(statuses, [204, 429, 429, 204])
  rig.add({ action: 'status', statusCode: 500, match: { operation: 'delete' } })
  t.equal((await rig.get('/cache/live-origin/a.ts', { method: 'DELETE' })).status, 500)
  t.equal((await rig.get('/cache/live-origin/a.ts')).status, 200)
})

t.test('a delayed 204 comes late, though the object is there', async (t) => {
  const rig = await openRig(t)
  rig.add({ action: 'delay', delaySeconds: 5, match: { operation: 'write' } })
  const timers = rig.clock.timerCount
  let answered = false
  const answer = rig.put('/cache/live-origin/a.ts', SEGMENT).then((got) => {
    answered = true
    return got
  })
  await until(() => rig.clock.timerCount > timers)
  t.equal((await rig.get('/cache/live-origin/a.ts')).status, 200)
  t.notOk(answered)
  rig.clock.advance(5000)
  t.match(await answer, { status: 204, headers: { 'x-headwater-fault': 'delay' } })
})

t.test('a lost write is acknowledged and was never there', async (t) => {
  const rig = await openRig(t)
  rig.add({ action: 'lose', match: { count: 1 } })
  const answer = await rig.put('/cache/live-origin/a.ts', SEGMENT)
  t.match(answer, { status: 204, headers: { 'x-headwater-fault': 'lose' } })
  t.equal((await rig.get('/cache/live-origin/a.ts')).status, 404)
})

t.test('a late segment comes after its playlist, and not after a reset', async (t) => {
  const rig = await openRig(t)
  rig.add({ action: 'store-late', delaySeconds: 4 })
  t.equal((await rig.put('/cache/live-origin/1.ts', SEGMENT)).status, 204)
  await rig.put('/cache/live-origin/live.m3u8', mediaPlaylist([1]))
  t.equal((await rig.get('/cache/live-origin/live.m3u8')).status, 200)
  const timerCount = () => rig.origin.clock?.state.timerCount ?? 0
  const timers = timerCount()
  const waiting = rig.get('/cache/live-origin/1.ts')
  await until(() => timerCount() > timers)
  rig.clock.advance(2000)
  t.equal((await waiting).status, 404, 'held for a target duration')
  rig.clock.advance(2000)
  const stored = () => rig.get('/cache/live-origin/1.ts')
  for (let tries = 0; tries < 50 && (await stored()).status !== 200; tries++);
  t.same((await stored()).body, SEGMENT)
  await rig.put('/cache/live-origin/2.ts', SEGMENT)
  rig.origin.faults?.reset()
  rig.clock.advance(4000)
  t.equal((await rig.get('/cache/live-origin/2.ts')).status, 404)
})

t.test('an upload is reset in its middle and changes nothing', async (t) => {
  const rig = await openRig(t)
  await rig.put('/cache/live-origin/a.ts', 'old')
  rig.add({ action: 'reset', afterBytes: 50_000, match: { operation: 'write' } })
  await t.rejects(rig.put('/cache/live-origin/a.ts', SEGMENT), { code: /ECONNRESET|EPIPE/ })
  t.equal((await rig.get('/cache/live-origin/a.ts')).text, 'old')
  t.equal((await rig.put('/cache/live-origin/a.ts', 'short')).status, 204, 'below the bound')
})

t.test('a write that is never answered is stored all the same', async (t) => {
  const rig = await openRig(t)
  rig.add({ action: 'no-answer', limitSeconds: 60 })
  const client = await RawClient.open(rig.origin.dataPlaneUrl)
  t.teardown(() => client.destroy())
  const timers = rig.clock.timerCount
  await client.send(
    head('PUT', '/cache/live-origin/a.ts', [
      `Authorization: ${rig.origin.keys.superUser}`,
      'Content-Length: 4',
      'Host: a',
    ]),
    'body',
  )
  await until(() => rig.clock.timerCount > timers)
  for (let tries = 0; tries < 50; tries++) {
    if ((await rig.get('/cache/live-origin/a.ts')).status === 200) break
  }
  t.equal((await rig.get('/cache/live-origin/a.ts')).text, 'body')
  t.equal(client.unreadBytes, 0)
  rig.clock.advance(60_000)
  t.not(await client.waitForEnd(), 'open', 'the limit of the fault ends it')
  t.equal(client.unreadBytes, 0)
})
