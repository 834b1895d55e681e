/** Scenarios on the data plane, and the routes of the admin API that steer a rig. */

import t from 'tap'
import { openApi } from '../../support/admin-api.ts'
import { http } from '../../support/http.ts'
import { openOrigin } from '../../support/origin.ts'

const MEDIA =
  '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:2,\n/cache/live-origin/1.ts\n'

t.test('a scenario is met by who asks for it, and leads on into itself', async (t) => {
  const origin = await openOrigin(t, { rig: { enabled: true } })
  const headers = { authorization: origin.keys.encoder }
  const get = (path: string, more = {}) =>
    http(`${origin.dataPlaneUrl}${path}`, { headers: { ...headers, ...more } })
  const put = (path: string, body: string) =>
    http(`${origin.dataPlaneUrl}${path}`, { method: 'PUT', body, headers })
  await put('/cache/live-origin/1.ts', 'bytes')
  await put('/rig/clean/cache/live-origin/live.m3u8', MEDIA)
  const plain = await get('/cache/live-origin/live.m3u8')
  const there = await get('/rig/clean/cache/live-origin/live.m3u8')
  t.equal(plain.text, MEDIA)
  t.equal(there.text, MEDIA.replace('/cache/', '/rig/clean/cache/'))
  t.equal(there.headers['content-length'], String(there.body.length))
  t.not(there.headers.etag, plain.headers.etag)
  const other = await get('/rig/clean~2/cache/live-origin/live.m3u8')
  t.match(other.text, '/rig/clean~2/cache/')
  t.not(other.headers.etag, there.headers.etag)
  const known = { 'if-none-match': there.headers.etag }
  t.equal((await get('/rig/clean/cache/live-origin/live.m3u8', known)).status, 304)
  const typed = await get('/rig/wrong-type/cache/live-origin/1.ts')
  t.match(typed, { status: 200, headers: { 'content-type': 'text/html' } })
  origin.faults?.add({ action: 'status', statusCode: 500 })
  t.equal((await get('/cache/live-origin/1.ts')).status, 500)
  t.equal((await get('/rig/clean/cache/live-origin/1.ts')).status, 200, 'not those of everybody')
  t.equal((await get('/rig/clean/cache/live-origin/1.ts', { authorization: 'x' })).status, 401)
  t.match((await get('/rig/nobody/cache/live-origin/1.ts')).text, 'HW_SCENARIO_NOT_FOUND')
  t.match((await get('/rig')).text, 'slow-segments')
})

t.test('faults, scenarios and events by the admin API', async (t) => {
  const origin = await openOrigin(t, { rig: { enabled: true } })
  const call = await openApi(t, origin)
  const added = await call('POST', '/api/faults', { action: 'status', statusCode: 404 })
  t.match(added, { status: 201, json: { id: 'status', appliedCount: 0, isSpent: false } })
  t.equal((await call('POST', '/api/faults', { action: 'status', statusCode: 200 })).status, 400)
  t.equal((await call('POST', '/api/faults', { id: 'status', action: 'delay' })).status, 409)
  const url = `${origin.dataPlaneUrl}/cache/live-origin/a.ts`
  t.equal((await http(url, { headers: { authorization: origin.keys.player } })).status, 404)
  t.match(await call('GET', '/api/faults/events'), {
    json: { events: [{ number: 1, faultId: 'status', key: 'a.ts', operation: 'read' }] },
  })
  t.match(await call('GET', '/api/faults'), { json: { faults: [{ matchedCount: 1 }] } })
  t.equal((await call('DELETE', '/api/faults/status')).status, 204)
  t.equal((await call('DELETE', '/api/faults/status')).status, 404)
  await call('POST', '/api/faults', { action: 'no-cors' })
  t.match(await call('DELETE', '/api/faults'), { json: { clearedCount: 1 } })
  const scenario = { faults: [{ action: 'delay' }] }
  t.equal((await call('PUT', '/api/scenarios/mine', scenario)).status, 204)
  t.equal((await call('PUT', '/api/scenarios/clean', scenario)).status, 409)
  const listed = await call('GET', '/api/scenarios')
  t.match(listed.text, '"name":"mine"')
  t.equal((await call('DELETE', '/api/scenarios/mine')).status, 204)
  t.equal((await call('DELETE', '/api/scenarios/mine')).status, 404)
})

t.test('a reset empties what was chosen; keys stay', async (t) => {
  const origin = await openOrigin(t, { rig: { enabled: true } })
  await origin.createCache('other')
  const call = await openApi(t, origin)
  const headers = { authorization: origin.keys.superUser }
  const put = (path: string, body: string) =>
    http(`${origin.dataPlaneUrl}/cache/${path}`, { method: 'PUT', body, headers })
  await put('live-origin/media.m3u8', MEDIA)
  await put('live-origin/live.m3u8', '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nmedia.m3u8\n')
  await put('other/a.ts', 'a')
  await http(`${origin.dataPlaneUrl}/cache/live-origin/absent`, { headers })
  t.match(await call('GET', '/api/channels'), { json: { channels: { length: 1 } } })
  origin.faults?.add({ action: 'delay' })
  const done = await call('POST', '/api/reset', { caches: ['live-origin'] })
  t.match(done, { status: 200, json: { caches: ['live-origin'], itemCount: 2, faultCount: 1 } })
  t.match(await call('GET', '/api/channels'), { json: { channels: { length: 0 } } })
  t.match(await call('GET', '/api/findings'), { json: { findings: { length: 0 } } })
  t.match(await call('GET', '/api/requests/recent'), { json: { requests: { length: 0 } } })
  t.match(await call('POST', '/api/reset', {}), { json: { itemCount: 1, faultCount: 0 } })
  t.equal((await call('POST', '/api/reset', { caches: ['none'] })).status, 404)
  t.equal((await put('other/a.ts', 'a')).status, 204)
})

t.test('without rig.enabled nothing of it is there', async (t) => {
  const origin = await openOrigin(t)
  const call = await openApi(t, origin)
  t.match(await call('GET', '/api/faults'), { status: 404, json: { code: 'HW_RIG_DISABLED' } })
  t.equal((await call('POST', '/api/reset', {})).status, 404)
  t.equal((await http(`${origin.dataPlaneUrl}/rig`)).status, 404)
  const path = '/rig/clean/cache/live-origin/a.ts'
  t.match((await http(`${origin.dataPlaneUrl}${path}`)).text, 'route-not-found')
  t.notMatch((await http(`${origin.adminUrl}/metrics`)).text, 'headwater_faults_total{')
  t.equal(origin.faults, undefined)
})
