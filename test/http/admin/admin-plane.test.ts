import t from 'tap'
import type { Headwater } from '../../../src/app.ts'
import { http } from '../../support/http.ts'
import type { HttpOptions } from '../../support/http.ts'
import { openOrigin } from '../../support/origin.ts'

function client(origin: Headwater, key = origin.keys.superUser) {
  return async (method: string, path: string, body?: unknown, options: HttpOptions = {}) => {
    const answer = await http(`${origin.adminUrl}${path}`, {
      method,
      ...options,
      headers: {
        authorization: key,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const json: unknown = answer.text === '' ? undefined : JSON.parse(answer.text)
    return { ...answer, json }
  }
}

t.test('a cache from creation to deletion', async (t) => {
  const origin = await openOrigin(t)
  const api = client(origin)
  t.match(await api('POST', '/api/caches', { name: 'b', settings: { defaultTtlSeconds: 9 } }), {
    status: 201,
    json: { name: 'b', declared: false, overrides: { defaultTtlSeconds: 9 } },
  })
  await http(`${origin.dataPlaneUrl}/cache/b/x.ts`, {
    method: 'PUT',
    body: 'bytes',
    headers: { authorization: origin.keys.superUser },
  })
  t.match(await api('GET', '/api/caches/b'), {
    status: 200,
    json: { usage: { itemCount: 1, sizeBytes: 5 }, settings: { defaultTtlSeconds: 9 } },
  })
  t.match(await api('PATCH', '/api/caches/b', { anonymous: 'read' }), {
    status: 200,
    json: { overrides: { defaultTtlSeconds: 9, anonymous: 'read' } },
  })
  t.equal((await http(`${origin.dataPlaneUrl}/cache/b/x.ts`)).text, 'bytes', 'readable by anybody')
  t.match(await api('GET', '/api/caches'), {
    json: { caches: [{ name: 'b' }, { name: 'live-origin' }] },
  })
  t.match(await api('POST', '/api/caches/b/flush'), { status: 200, json: { flushedCount: 1 } })
  t.equal((await api('DELETE', '/api/caches/b')).status, 204)
  t.match(await api('GET', '/api/caches/b'), { status: 404, json: { code: 'HW_CACHE_NOT_FOUND' } })
})

t.test('a key from minting to revocation', async (t) => {
  const origin = await openOrigin(t)
  const api = client(origin)
  const made = await api('POST', '/api/keys', {
    keyId: 'cdn',
    role: 'readonly',
    caches: ['live-origin'],
    items: { kind: 'keyPrefix', keyPrefix: 'a/' },
    expiresInSeconds: 60,
  })
  t.equal(made.status, 201)
  t.equal(made.headers['cache-control'], 'no-store')
  // The route's answer, as its docstring says.
  const { keyInfo } = made.json as { keyInfo: { apiKey: string } }
  t.same(Object.keys(keyInfo).sort(), ['apiKey', 'refreshToken', 'restEndpoint', 'validUntil'])
  const read = async () =>
    (
      await http(`${origin.dataPlaneUrl}/cache/live-origin/a/x.ts`, {
        headers: { authorization: keyInfo.apiKey },
      })
    ).status
  t.equal(await read(), 404)
  const listed = await api('GET', '/api/keys')
  t.match(listed.json, {
    keys: [
      {},
      {},
      {},
      { keyId: 'cdn', permissions: [{ cache: 'live-origin', items: 'prefix a/' }] },
    ],
  })
  t.notOk(listed.text.includes(keyInfo.apiKey))
  t.match(await api('DELETE', '/api/keys/cdn'), { json: { key: { revokedAt: String } } })
  t.equal(await read(), 401)
  t.match(await api('GET', '/api/keys/nobody'), { status: 404, json: { code: 'HW_KEY_NOT_FOUND' } })
})

t.test('an imported key is accepted and never shown', async (t) => {
  const origin = await openOrigin(t)
  const api = client(origin)
  const credential = 'an-old-encoder-secret'
  const made = await api('POST', '/api/keys/import', {
    credential,
    role: 'writeonly',
    caches: '*',
    items: { kind: 'key', key: 'é.ts' },
  })
  t.equal(made.status, 201)
  t.notOk(made.text.includes(credential))
  t.match(made.json, {
    key: { kind: 'imported', permissions: [{ cache: '*', items: 'key é.ts' }] },
  })
  const answer = await http(`${origin.dataPlaneUrl}/cache/live-origin/%C3%A9.ts`, {
    method: 'PUT',
    body: 'x',
    headers: { authorization: credential },
  })
  t.equal(answer.status, 204)
})

t.test('who may use it: super-users, and admin grants within their caches', async (t) => {
  const origin = await openOrigin(t)
  const admin = await origin.mintKey({ admin: ['live-origin'] })
  const scoped = client(origin, admin.apiKey)
  t.match(await scoped('GET', '/api/caches'), { json: { caches: [{ name: 'live-origin' }] } })
  t.equal((await scoped('PATCH', '/api/caches/live-origin', { defaultTtlSeconds: 60 })).status, 200)
  await origin.createCache('other')
  t.equal((await scoped('GET', '/api/caches/other')).status, 403)
  t.equal((await scoped('POST', '/api/caches', { name: 'x' })).status, 403)
  t.equal((await scoped('DELETE', '/api/caches/live-origin')).status, 403)
  t.equal((await scoped('POST', '/api/keys', { superUser: true })).status, 403)
  t.equal((await scoped('GET', '/api/keys')).status, 403)
  const everywhere = client(origin, (await origin.mintKey({ admin: '*' })).apiKey)
  t.equal((await everywhere('GET', '/api/caches/other')).status, 200)

  for (const key of [origin.keys.encoder, origin.keys.player]) {
    t.match(await client(origin, key)('GET', '/api/caches'), {
      status: 403,
      json: { code: 'HW_ADMIN_FORBIDDEN' },
    })
  }
  t.equal((await client(origin, 'garbage')('GET', '/api/caches')).status, 401)
  t.equal((await http(`${origin.adminUrl}/api/caches`)).status, 401)
  const inUrl = await http(`${origin.adminUrl}/api/caches?token=${origin.keys.superUser}`)
  t.equal(inUrl.status, 401, 'a key in the URL is not looked at')
})

t.test('rebound names and pages of other sites are refused before the key', async (t) => {
  const origin = await openOrigin(t, { admin: { allowedHosts: ['origin.example'] } })
  const api = client(origin)
  const status = async (headers: Record<string, string>) =>
    (await api('GET', '/api/caches', undefined, { headers })).status
  const port = new URL(origin.adminUrl).port
  t.equal(await status({ host: 'evil.example' }), 403)
  t.equal(await status({ host: `evil.example:${port}` }), 403)
  t.equal(await status({ host: '127.0.0.1.evil.example' }), 403)
  t.equal(await status({ host: `localhost:${port}` }), 200)
  t.equal(await status({ host: 'origin.example' }), 200)
  t.equal(await status({ host: 'Origin.Example:8081' }), 200)
  t.equal(await status({ host: `[::1]:${port}` }), 200)
  t.equal(await status({ origin: 'http://evil.example' }), 403)
  t.equal(await status({ origin: 'null' }), 403)
  t.equal(await status({ origin: origin.adminUrl }), 200)
  for (const path of ['/metrics', '/health/live', '/health/ready']) {
    const answer = await http(`${origin.adminUrl}${path}`, { headers: { host: 'evil.example' } })
    t.equal(answer.status, 200, `${path} is exempt`)
  }
})

t.test('bad requests are told what is wrong with them', async (t) => {
  const origin = await openOrigin(t)
  const api = client(origin)
  const cases = [
    ['POST', '/api/caches', { name: 'a b' }, 400],
    ['POST', '/api/caches', {}, 400],
    ['POST', '/api/caches', { name: 'x', settings: { defaultTtlSeconds: 0 } }, 400],
    ['POST', '/api/caches', { name: 'x', settings: { unknown: 1 } }, 400],
    ['POST', '/api/caches', { name: 'live-origin' }, 409],
    ['PATCH', '/api/caches/live-origin', { defaultTtlSeconds: '60' }, 400],
    ['PATCH', '/api/caches/nothing', {}, 404],
    ['POST', '/api/keys', { role: 'admin', caches: '*' }, 400],
    ['POST', '/api/keys', {}, 400],
    ['POST', '/api/keys/import', { credential: 'short', role: 'readonly', caches: '*' }, 400],
    ['DELETE', '/api/keys/nothing', undefined, 404],
    ['GET', '/api/nothing', undefined, 404],
  ] as const
  for (const [method, path, body, status] of cases) {
    const answer = await api(method, path, body)
    t.match(
      answer,
      { status, json: { status, code: String, message: String } },
      `${method} ${path}`,
    )
    t.ok(answer.headers['x-headwater-reason'])
  }
  const garbage = await http(`${origin.adminUrl}/api/caches`, {
    method: 'POST',
    body: '{"name":',
    headers: { authorization: origin.keys.superUser, 'content-type': 'application/json' },
  })
  t.equal(garbage.status, 400)
  const huge = await http(`${origin.adminUrl}/api/caches`, {
    method: 'POST',
    body: JSON.stringify({ name: 'x'.repeat(300_000) }),
    headers: { authorization: origin.keys.superUser, 'content-type': 'application/json' },
  })
  t.equal(huge.status, 413)
})

t.test('the front pages say what this is', async (t) => {
  const origin = await openOrigin(t)
  t.match((await http(`${origin.adminUrl}/`)).text, /admin plane/)
  t.match((await http(`${origin.dataPlaneUrl}/`)).text, /PUT \/cache\//)
  const page = await http(`${origin.dataPlaneUrl}/`, { headers: { accept: 'text/html' } })
  t.match(page.headers['content-type'], /text\/html/)
  t.match(page.text, /<h1>Headwater<\/h1>/)
  t.ok(page.text.includes(origin.adminUrl))
  t.match(JSON.parse((await client(origin)('GET', '/api/server')).text), {
    version: String,
    dataPlaneUrl: origin.dataPlaneUrl,
  })
})
