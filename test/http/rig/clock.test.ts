/** What the clock of a test rig rules, and what it does not, over real connections. */

import t from 'tap'
import type { Test } from 'tap'
import type { Headwater, StartOptions } from '../../../src/app.ts'
import { adminRequest } from '../../support/admin-request.ts'
import { http } from '../../support/http.ts'
import type { HttpOptions } from '../../support/http.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { openOrigin } from '../../support/origin.ts'
import { head, RawClient } from '../../support/raw-client.ts'

const HOUR_MS = 3_600_000
const HOUR_SECONDS = 3600

interface Rig {
  readonly origin: Headwater
  readonly machine: ManualClock
  readonly get: (key: string, options?: HttpOptions) => ReturnType<typeof http>
  readonly put: (key: string, body: string, query?: string) => ReturnType<typeof http>
  /** `POST /api/clock`. */
  readonly move: (body: unknown) => ReturnType<typeof adminRequest>
}

/** On a machine whose clock stands still: whatever moves has been moved by the rig's. */
async function openRig(t: Test, settings: StartOptions['settings'] = {}): Promise<Rig> {
  const machine = new ManualClock()
  const origin = await openOrigin(t, { ...settings, rig: { enabled: true } }, { clock: machine })
  const url = (key: string) => `${origin.dataPlaneUrl}/cache/live-origin/${key}`
  const { encoder, player } = origin.keys
  return {
    origin,
    machine,
    get: (key, options = {}) =>
      http(url(key), { ...options, headers: { authorization: player, ...options.headers } }),
    put: (key, body, query = '') =>
      http(`${url(key)}${query}`, { method: 'PUT', body, headers: { authorization: encoder } }),
    move: (body) => adminRequest(origin, 'POST', '/api/clock', body),
  }
}

/** Until so many readers wait; asks, does not guess. */
async function untilWaiting(origin: Headwater, count: number): Promise<void> {
  for (;;) {
    const { text } = await http(`${origin.adminUrl}/metrics`)
    if (text.includes(`headwater_waiters ${count}\n`)) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const media = (first: number, count: number, targetSeconds = 2, extra = '') =>
  `#EXTM3U\n#EXT-X-TARGETDURATION:${targetSeconds}\n${extra}#EXT-X-MEDIA-SEQUENCE:${first}\n` +
  Array.from({ length: count }, (_, at) => `#EXTINF:${targetSeconds},\n${first + at}.ts\n`).join('')

t.test('the clock is shown and moved by the admin API', async (t) => {
  const { origin, machine, move } = await openRig(t)
  const show = () => adminRequest(origin, 'GET', '/api/clock')
  const startMs = machine.nowMs()
  const iso = (ms: number) => new Date(ms).toISOString()
  t.match(await show(), {
    status: 200,
    json: { now: iso(startMs), machineNow: iso(startMs), aheadSeconds: 0, rate: 1, isReal: true },
  })
  const moved = await move({ rate: 0, advanceSeconds: HOUR_SECONDS })
  t.match(moved, {
    status: 200,
    json: { now: iso(startMs + HOUR_MS), aheadSeconds: HOUR_SECONDS, rate: 0, isReal: false },
  })
  t.match(moved.json, { isMoving: false, firedCount: Number, timerCount: Number })
  t.match((await move({ now: iso(startMs + 2 * HOUR_MS) })).json, {
    aheadSeconds: 2 * HOUR_SECONDS,
  })
  t.match((await move({ now: startMs + 3 * HOUR_MS })).json, { aheadSeconds: 3 * HOUR_SECONDS })
  t.match((await move({ rate: 60 })).json, { rate: 60, firedCount: 0 })
  machine.advance(1000)
  t.match((await show()).json, { aheadSeconds: 3 * HOUR_SECONDS + 59 })
  t.match((await adminRequest(origin, 'POST', '/api/reset', {})).status, 200)
  t.match((await show()).json, { rate: 1 }, 'a reset leaves no clock frozen or fast')
})

t.test('what cannot be is refused with the reason, and moves nothing', async (t) => {
  const { origin, machine, move } = await openRig(t)
  const past = new Date(machine.nowMs() - 1).toISOString()
  const cases: [unknown, number, string][] = [
    [{ advanceSeconds: -1 }, 409, 'HW_CLOCK_BACKWARDS'],
    [{ now: past }, 409, 'HW_CLOCK_BACKWARDS'],
    [{ now: -8e15 }, 409, 'HW_CLOCK_BACKWARDS'],
    [{ now: -9e15 }, 400, 'HW_CLOCK_INVALID'],
    [{ now: 'tomorrow' }, 400, 'HW_CLOCK_INVALID'],
    [{ now: 'x'.repeat(41) }, 400, 'HW_REQUEST_INVALID'],
    [{ advanceSeconds: 1, now: past }, 400, 'HW_CLOCK_INVALID'],
    [{}, 400, 'HW_CLOCK_INVALID'],
    [{ rate: -1 }, 400, 'HW_REQUEST_INVALID'],
    [{ rate: 1001 }, 400, 'HW_REQUEST_INVALID'],
    [{ advanceSeconds: 315_360_001 }, 400, 'HW_REQUEST_INVALID'],
    [{ seconds: 1 }, 400, 'HW_REQUEST_INVALID'],
    [{ rate: 0, now: 'never' }, 400, 'HW_CLOCK_INVALID'],
  ]
  for (const [body, status, code] of cases) {
    t.match(await move(body), { status, json: { code } }, JSON.stringify(body).slice(0, 60))
  }
  t.ok(origin.clock?.state.isReal)
  t.equal((await move({ rate: 1000 })).status, 200, 'at the bound')
  t.equal((await move({ rate: 0, advanceSeconds: 315_360_000 })).status, 200, 'at the bound')
})

t.test('it is a super-user’s, and only on a test rig', async (t) => {
  const { origin } = await openRig(t)
  const admin = await origin.mintKey({ admin: '*' })
  t.equal((await adminRequest(origin, 'GET', '/api/clock', undefined, admin.apiKey)).status, 403)
  t.equal((await adminRequest(origin, 'POST', '/api/clock', {}, admin.apiKey)).status, 403)
  const plain = await openOrigin(t)
  t.equal(plain.clock, undefined)
  for (const method of ['GET', 'POST']) {
    t.match(await adminRequest(plain, method, '/api/clock', method === 'POST' ? {} : undefined), {
      status: 404,
      json: { code: 'HW_RIG_DISABLED' },
    })
  }
})

t.test('an object lives for its TTL by the clock, and says so', async (t) => {
  const { origin, get, put, move } = await openRig(t)
  await put('a.ts', 'bytes', '?ttl_seconds=3600')
  const first = await get('a.ts')
  await move({ advanceSeconds: HOUR_SECONDS - 10 })
  const late = await get('a.ts')
  t.equal(late.headers['cache-control'], 'public, max-age=10', 'never beyond the TTL')
  t.equal(late.headers['last-modified'], first.headers['last-modified'])
  const dateMs = Date.parse(late.headers.date ?? '')
  t.equal(dateMs - Date.parse(first.headers.date ?? ''), HOUR_MS - 10_000)
  t.equal(Date.parse(late.headers.expires ?? '') - dateMs, 10_000)
  const view = await adminRequest(origin, 'GET', '/api/caches/live-origin/objects?limit=1')
  t.match(view.json, { objects: [{ expiresAt: /T13:00:00.000Z$/ }] })
  await move({ advanceSeconds: 9.999 })
  t.equal((await get('a.ts')).status, 200)
  await move({ advanceSeconds: 0.001 })
  t.equal((await get('a.ts')).status, 404)
  await put('b.ts', 'bytes')
  t.equal(
    (await get('b.ts')).headers['last-modified'],
    new Date(origin.clock?.nowMs() ?? 0).toUTCString(),
  )
  await move({ advanceSeconds: HOUR_SECONDS + 1 })
  t.match((await http(`${origin.adminUrl}/metrics`)).text, /headwater_hot_store_items 0\n/)
})

t.test('every answer has the clock’s Date, errors of all kinds, too', async (t) => {
  const { origin, move } = await openRig(t)
  await move({ rate: 0, advanceSeconds: 86_400 })
  const date = new Date(origin.clock?.nowMs() ?? 0).toUTCString()
  const { dataPlaneUrl, adminUrl, keys } = origin
  const cache = `${dataPlaneUrl}/cache/live-origin`
  const authorization = keys.superUser
  const asked: [string, HttpOptions, number][] = [
    [`${dataPlaneUrl}/`, {}, 200],
    [`${dataPlaneUrl}/health/live`, {}, 200],
    [`${dataPlaneUrl}/nothing`, {}, 404],
    [`${dataPlaneUrl}/rig`, {}, 200],
    [`${cache}/a.ts`, {}, 401],
    [`${cache}/a.ts`, { headers: { authorization } }, 404],
    [`${cache}/a.ts`, { method: 'PUT', body: 'x', headers: { authorization } }, 204],
    [`${cache}/a.ts`, { method: 'OPTIONS', headers: { origin: 'http://a' } }, 204],
    [`${cache}/a.ts`, { method: 'PROPFIND', headers: { authorization, depth: '0' } }, 207],
    [`${cache}/${'x'.repeat(9000)}`, {}, 414],
    [`${adminUrl}/metrics`, {}, 200],
    [`${adminUrl}/api/server`, {}, 401],
    [`${adminUrl}/api/server`, { headers: { authorization } }, 200],
  ]
  for (const [url, options, status] of asked) {
    const answer = await http(url, options)
    t.equal(answer.status, status, url.slice(0, 60))
    t.equal(answer.headers.date, date, url.slice(0, 60))
  }
  t.match(await adminRequest(origin, 'GET', '/api/server'), {
    json: { now: new Date(date).toISOString() },
  })
})

t.test('keys, disposable tokens and derived tokens end by it; sessions do not', async (t) => {
  const { origin, put, get, move } = await openRig(t)
  await put('a.ts', 'bytes', '?ttl_seconds=1000000')
  const key = await origin.mintKey({
    role: 'readonly',
    caches: '*',
    expiresInSeconds: HOUR_SECONDS,
  })
  const disposable = await adminRequest(origin, 'POST', '/api/keys/disposable', {
    ...{ expiresInSeconds: HOUR_SECONDS, caches: ['live-origin'], role: 'readonly' },
    items: { kind: 'all' },
  })
  const token = (disposable.json as { readonly apiKey?: string }).apiKey ?? ''
  const session = await adminRequest(origin, 'POST', '/api/sign-in', { key: origin.keys.superUser })
  const { session: cookie = '' } = session.json as { readonly session?: string }
  const read = async (authorization: string) =>
    (await get('a.ts', { headers: { authorization } })).status
  t.strictSame([await read(key.apiKey), await read(token)], [200, 200])
  await move({ advanceSeconds: HOUR_SECONDS - 2 })
  t.strictSame([await read(key.apiKey), await read(token)], [200, 200])
  await move({ advanceSeconds: 3 })
  t.strictSame([await read(key.apiKey), await read(token)], [401, 401])
  await move({ advanceSeconds: 12 * HOUR_SECONDS })
  t.equal(
    (await adminRequest(origin, 'GET', '/api/keys', undefined, `Bearer ${cookie}`)).status,
    200,
  )
})

t.test('a session ends with its key, by the clock', async (t) => {
  const { origin, move } = await openRig(t)
  const key = await origin.mintKey({ superUser: true, expiresInSeconds: 60 })
  const signedIn = await adminRequest(origin, 'POST', '/api/sign-in', { key: key.apiKey })
  const { session = '' } = signedIn.json as { readonly session?: string }
  const ask = async () =>
    (await adminRequest(origin, 'GET', '/api/keys', undefined, `Bearer ${session}`)).status
  t.equal(await ask(), 200)
  await move({ advanceSeconds: 61 })
  t.equal(await ask(), 401)
})

t.test('a held reader is answered before the clock goes on', async (t) => {
  const { origin, put, get, move } = await openRig(t)
  await put('live.m3u8', media(1, 1))
  const held = get('1.ts')
  await untilWaiting(origin, 1)
  await move({ rate: 0, advanceSeconds: 1.999 })
  t.equal(origin.clock?.state.timerCount === 0, false)
  const before = await Promise.race([held.then(({ status }) => status), Promise.resolve('waits')])
  t.equal(before, 'waits')
  const [answer] = await Promise.all([held, move({ advanceSeconds: HOUR_SECONDS })])
  t.equal(answer.status, 404)
  const saidMs = Date.parse(answer.headers.date ?? '')
  const nowMs = origin.clock?.nowMs() ?? 0
  t.ok(nowMs - saidMs > HOUR_MS - 3000, 'its Date is that of the end of its wait')
})

t.test('a blocking reload waits by the clock', async (t) => {
  const { origin, put, get, move } = await openRig(t)
  const control = '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES\n'
  await put('live.m3u8', media(1, 4, 2, control))
  const waiting = get('live.m3u8?_HLS_msn=5')
  await untilWaiting(origin, 1)
  await move({ advanceSeconds: 6 })
  t.equal((await waiting).status, 503)
  t.equal((await waiting).headers['x-headwater-reason'], 'reload-timeout')
})

t.test('a channel goes stale by it, and its readers are told', async (t) => {
  const states: string[] = []
  const { origin, put, get, move } = await openRig(t, {
    caches: { defaults: { staleAfterTargetDurations: 3 } },
  })
  origin.events.on('channel-changed', ({ state }) => states.push(state))
  await put('1.ts', 'bytes')
  await put('live.m3u8', media(1, 1, 4))
  await move({ advanceSeconds: 12 })
  t.equal((await get('live.m3u8')).status, 200)
  await move({ advanceSeconds: 0.001 })
  t.equal((await get('live.m3u8')).headers['x-headwater-reason'], 'stale')
  await move({ advanceSeconds: 60 })
  t.strictSame(states, ['live', 'stale'], 'in this order, once each')
})

t.test('windows of faults go by the clock, their limits by the machine', async (t) => {
  const { origin, machine, put, get, move } = await openRig(t)
  await put('a.ts', 'bytes', '?ttl_seconds=1000000')
  origin.faults?.add({
    action: 'status',
    match: { fromSeconds: 60, untilSeconds: 120 },
    limitSeconds: 600,
  })
  t.equal((await get('a.ts')).status, 200)
  await move({ rate: 0, advanceSeconds: 60 })
  t.equal((await get('a.ts')).status, 503)
  machine.advance(500_000)
  t.equal((await get('a.ts')).status, 503, 'the window stands as the clock does')
  machine.advance(100_000)
  t.equal((await get('a.ts')).status, 200, 'its limit has passed')
  origin.faults?.add({ action: 'status', limitSeconds: 600 })
  await move({ advanceSeconds: HOUR_SECONDS })
  t.equal((await get('a.ts')).status, 503, 'the clock does not end it')
})

t.test('a late write is stored by the clock; a late answer is sent by the machine', async (t) => {
  const { origin, machine, put, get, move } = await openRig(t)
  origin.faults?.add({ action: 'store-late', delaySeconds: 300, match: { key: 'late.ts' } })
  await put('late.ts', 'bytes')
  await move({ advanceSeconds: 299 })
  t.equal((await get('late.ts')).status, 404)
  await move({ advanceSeconds: 1 })
  t.equal((await get('late.ts')).text, 'bytes', 'it is there when the move returns')
  origin.faults?.add({ action: 'delay', delaySeconds: 5 })
  const waiting = get('late.ts')
  while (!(origin.faults?.events().some(({ action }) => action === 'delay') ?? false)) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  await move({ advanceSeconds: 60 })
  t.equal(await Promise.race([waiting, Promise.resolve('waits')]), 'waits')
  machine.advance(5000)
  t.equal((await waiting).status, 200)
})

t.test('rates, latencies and uploads know nothing of it', async (t) => {
  const { origin, machine, put, get, move } = await openRig(t, {
    caches: { defaults: { writesPerSecondMax: 1 } },
  })
  t.equal((await put('a.ts', 'bytes')).status, 204)
  await move({ advanceSeconds: 100 })
  t.equal((await put('a.ts', 'bytes')).status, 429)
  machine.advance(1000)
  const upload = await RawClient.open(origin.dataPlaneUrl)
  t.teardown(() => upload.destroy())
  await upload.send(
    head('PUT', '/cache/live-origin/slow.ts', [
      `Authorization: ${origin.keys.encoder}`,
      'Transfer-Encoding: chunked',
    ]),
  )
  await upload.sendChunk('half')
  await move({ advanceSeconds: 2 * HOUR_SECONDS })
  await upload.sendChunk('half')
  await upload.send('0\r\n\r\n')
  t.equal((await upload.readResponse('PUT')).status, 204, 'no idle limit has passed')
  const read = await get('slow.ts')
  t.equal(read.text, 'halfhalf')
  t.match((await http(`${origin.adminUrl}/metrics`)).text, /headwater_put_duration_seconds_sum 0\b/)
})

t.test('others are answered while the clock goes a long way', async (t) => {
  const { origin, put, move } = await openRig(t)
  await put('a.ts', 'bytes', '?ttl_seconds=2000000')
  const moving = move({ advanceSeconds: 86_400 })
  let answeredCount = 0
  let isOver = false
  void moving.then(() => (isOver = true))
  while (!isOver) {
    const { status } = await http(`${origin.dataPlaneUrl}/health/live`)
    if (status === 200 && origin.clock?.state.isMoving === true) answeredCount++
  }
  t.equal((await moving).status, 200)
  t.ok(answeredCount >= 3, `${answeredCount} answers meanwhile`)
})

t.test('a stop ends a move under way', async (t) => {
  const machine = new ManualClock()
  const origin = await openOrigin(t, { rig: { enabled: true } }, { clock: machine })
  const tick = () => void origin.clock?.setTimer(tick, 1)
  tick()
  const moving = Promise.resolve(origin.clock?.advance(HOUR_MS)).then(() => undefined)
  const refused = t.rejects(moving, { code: 'HW_CLOCK_STOPPED' })
  await new Promise((resolve) => setImmediate(resolve))
  await origin.close()
  await refused
})

t.test('objects on disk end by it, and are gone when the move returns', async (t) => {
  const { origin, get, put, move } = await openRig(t, { storage: { kind: 'disk' } })
  await put('a.ts', 'bytes', '?ttl_seconds=60')
  await put('b.ts', 'bytes', '?ttl_seconds=600')
  const onDisk = async () =>
    /headwater_disk_items (\d+)/.exec((await http(`${origin.adminUrl}/metrics`)).text)?.[1]
  t.equal(await onDisk(), '2')
  await move({ advanceSeconds: 62 })
  t.strictSame([(await get('a.ts')).status, (await get('b.ts')).status], [404, 200])
  t.equal(await onDisk(), '1')
})

t.test('an hour of TTL and twelve hours of DVR in no time', async (t) => {
  const origin = await openOrigin(t, { rig: { enabled: true } })
  const { clock, keys, dataPlaneUrl } = origin
  if (clock === undefined) throw new Error('a test rig has a clock')
  clock.setRate(0)
  const url = (key: string) => `${dataPlaneUrl}/cache/live-origin/${key}`
  const put = (key: string, body: string, ttlSeconds: number) =>
    http(`${url(key)}?ttl_seconds=${ttlSeconds}`, {
      ...{ method: 'PUT', body, headers: { authorization: keys.encoder } },
    })
  const get = async (key: string) => http(url(key), { headers: { authorization: keys.player } })

  let beganMs = performance.now()
  await put('hour.ts', 'bytes', HOUR_SECONDS)
  await clock.advance(HOUR_MS - 1)
  t.equal((await get('hour.ts')).status, 200)
  await clock.advance(1)
  t.equal((await get('hour.ts')).status, 404)
  t.comment(`one hour: ${Math.round(performance.now() - beganMs)} ms`)

  // Thirteen hours of two-minute segments, an hour's at a time; twelve hours stay in the playlist.
  beganMs = performance.now()
  const segmentSeconds = 120
  const hourCount = HOUR_SECONDS / segmentSeconds
  const ttlSeconds = 12 * HOUR_SECONDS + 1
  const statuses = new Set<number>()
  for (let hour = 0; hour < 13; hour++) {
    const numbers = Array.from({ length: hourCount }, (_, index) => hour * hourCount + index)
    const puts = numbers.map((number) => put(`${number}.ts`, `segment ${number}`, ttlSeconds))
    for (const { status } of await Promise.all(puts)) statuses.add(status)
    const first = Math.max(0, (hour - 11) * hourCount)
    const text = media(first, (hour + 1) * hourCount - first, segmentSeconds)
    statuses.add((await put('dvr.m3u8', text, ttlSeconds)).status)
    await clock.advance(HOUR_MS)
  }
  t.strictSame([...statuses], [204])
  t.equal((await get('29.ts')).status, 404, 'older than twelve hours')
  const [, oldest = ''] = /\n(\d+\.ts)\n/.exec((await get('dvr.m3u8')).text) ?? []
  t.equal(oldest, '30.ts')
  t.equal((await get(oldest)).text, 'segment 30', 'twelve hours old')
  t.equal((await get('389.ts')).text, 'segment 389')
  t.comment(`twelve hours: ${Math.round(performance.now() - beganMs)} ms`)
})
