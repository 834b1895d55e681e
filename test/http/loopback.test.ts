import t from 'tap'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'

t.test('in the dev profile, programs on this machine need no key', async (t) => {
  const origin = await openOrigin(t, { profile: 'dev' })
  const url = `${origin.dataPlaneUrl}/cache/made-on-first-use/a.ts`
  t.equal((await http(url, { method: 'PUT', body: 'x' })).status, 204)
  t.equal((await http(url)).text, 'x')
  const { port } = new URL(url)
  const status = async (headers: Record<string, string>) => (await http(url, { headers })).status
  t.equal(await status({ host: `localhost:${port}` }), 200)
  t.equal(await status({ origin: `http://localhost:${port}` }), 200)
  t.equal(await status({ host: 'rebound.example' }), 401)
  t.equal(await status({ origin: 'http://evil.example' }), 401)
  t.equal(await status({ 'sec-fetch-site': 'cross-site' }), 401)
  t.equal(await status({ 'x-forwarded-for': '203.0.113.9' }), 401, 'it came through a proxy')
  t.equal((await http(`${origin.adminUrl}/api/caches`)).status, 401, 'not the admin API')
})

t.test('otherwise they do', async (t) => {
  const origin = await openOrigin(t)
  t.equal((await http(`${origin.dataPlaneUrl}/cache/live-origin/a.ts`)).status, 401)
})

t.test('anonymous: none, read, readwrite', async (t) => {
  const origin = await openOrigin(t)
  for (const anonymous of ['none', 'read', 'readwrite'] as const) {
    await origin.createCache(anonymous, { anonymous })
    const url = `${origin.dataPlaneUrl}/cache/${anonymous}/a.ts`
    const put = await http(url, { method: 'PUT', body: 'x' })
    t.equal(put.status, anonymous === 'readwrite' ? 204 : 401, `PUT, ${anonymous}`)
    const get = await http(`${url}?token=expired-or-garbage`)
    t.equal(get.status, { none: 401, read: 404, readwrite: 200 }[anonymous], `GET, ${anonymous}`)
    const remove = await http(url, { method: 'DELETE' })
    t.equal(remove.status, anonymous === 'readwrite' ? 204 : 401, `DELETE, ${anonymous}`)
  }
})
