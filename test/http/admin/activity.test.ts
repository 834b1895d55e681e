import t from 'tap'
import { openApi } from '../../support/admin-api.ts'
import { http } from '../../support/http.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { openOrigin } from '../../support/origin.ts'
import { RawClient } from '../../support/raw-client.ts'

t.test('channels, findings, refused requests and metrics of what was pushed', async (t) => {
  const clock = new ManualClock()
  const origin = await openOrigin(t, {}, { clock })
  const api = await openApi(t, origin)
  const headers = { authorization: origin.keys.superUser, 'user-agent': '<b>agent</b>' }
  const url = `${origin.dataPlaneUrl}/cache/live-origin`
  const put = (key: string, body: string) => http(`${url}/${key}`, { method: 'PUT', headers, body })
  const playlist = (first: number) =>
    `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${first}\n` +
    `#EXTINF:2,\nseg%20${first}.ts\n#EXTINF:9,\nseg%20${first + 1}.ts\n`
  for (let first = 0; first < 3; first++) {
    await put(`ch/seg%20${first}.ts`, 'bytes')
    await put(`ch/seg%20${first + 1}.ts`, 'bytes')
    await put('ch/live.m3u8', playlist(first))
    clock.advance(2000)
  }
  const listed = await api('GET', '/api/channels?cache=live-origin')
  t.match(listed.json, {
    channels: [{ cacheName: 'live-origin', key: 'ch/live.m3u8', renditions: [{ role: 'alone' }] }],
  })
  const shown = await api('GET', '/api/channels/live-origin/ch/live.m3u8')
  t.match(shown.json, {
    key: 'ch/live.m3u8',
    renditions: [{ recentSegments: [{ key: /^ch\/seg \d\.ts$/ }] }],
    findings: [{ cache: 'live-origin', rule: String, whatToDo: /\.$/ }],
  })
  const times = (shown.json as { findings: { at: string }[] }).findings.map(({ at }) => at)
  t.ok(new Set(times).size > 1, 'found one after another')
  t.strictSame(times, [...times].sort().reverse(), 'the newest first')
  t.match(await api('GET', '/api/channels/live-origin/none.m3u8'), {
    status: 404,
    json: { code: 'HW_CHANNEL_NOT_FOUND' },
  })
  t.match((await api('GET', '/api/findings?cache=live-origin&limit=1')).json, {
    findings: [{ cache: 'live-origin', key: 'ch/live.m3u8', whatToDo: String }],
  })
  await http(`${url}/missing.ts`, { headers })
  t.match((await api('GET', '/api/requests/recent?status=404')).json, {
    requests: [
      {
        cache: 'live-origin',
        key: 'missing.ts',
        statusCode: 404,
        reason: 'key-not-found',
        userAgent: '<b>agent</b>',
        sentence: String,
        advice: String,
      },
    ],
  })
  clock.advance(20_000)
  t.match((await api('GET', '/api/metrics/history')).json, {
    stepSeconds: 10,
    points: [{ readsPerSecond: Number, getP99Seconds: null }],
  })
  for (const bad of ['requests/recent?limit=0', 'requests/recent?limit=501', 'findings?limit=-1']) {
    t.equal((await api('GET', `/api/${bad}`)).status, 400, bad)
  }
})

t.test('the configuration in force, without a secret', async (t) => {
  const signingKey = 'a-signing-key-that-nobody-may-see-0123456789'
  const origin = await openOrigin(t, { auth: { signingKey }, limits: { cachesMax: 7 } })
  const api = await openApi(t, origin)
  const { text, json } = await api('GET', '/api/config')
  t.notOk(text.includes(signingKey))
  // The client has held it against its schema.
  const { settings } = json as { settings: { name: string; value: unknown; source: string }[] }
  const of = (name: string) => settings.find((setting) => setting.name === name)
  t.match(of('auth.signingKey'), { value: '(set)', source: 'option' })
  t.match(of('limits.cachesMax'), { value: 7, source: 'option' })
  t.match(of('log.level'), { source: 'option' })
  t.match(of('http.keepAliveSeconds'), { source: 'default' })
})

t.test('the endless body of a refused upload ends its connection', async (t) => {
  const origin = await openOrigin(t)
  const client = await RawClient.open(origin.adminUrl)
  const lines = ['Host: localhost', 'Transfer-Encoding: chunked']
  await client.send(
    `PUT /api/caches/live-origin/objects/x HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`,
  )
  await client.sendChunk('x'.repeat(1000))
  const answer = await client.readResponse()
  t.equal(answer.status, 401)
  t.equal(await client.waitForEnd(), 'fin')
  client.destroy()
})
