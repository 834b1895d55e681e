/** Every route against every kind of credential, and against other sites. */

import t from 'tap'
import { SigningKeys } from '../../../src/auth/signing-keys.ts'
import { signToken } from '../../../src/auth/signed-token.ts'
import { wrapCredential } from '../../../src/auth/credential.ts'
import { ADMIN_PATHS } from '../../../src/http/admin/route-table.ts'
import type { AdminPath } from '../../../src/http/admin/route-table.ts'
import { http } from '../../support/http.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { openOrigin } from '../../support/origin.ts'
import { startHeadwater } from '../../../src/app.ts'
import { RawClient } from '../../support/raw-client.ts'

const CACHE = 'mine'
/** Enough of a body to get through validation. */
const BODIES: Readonly<Record<string, unknown>> = {
  'POST /api/caches': { name: 'new' },
  'PATCH /api/caches/{name}': { defaultTtlSeconds: 60 },
  'POST /api/faults': { action: 'status' },
  'PUT /api/scenarios/{name}': { faults: [] },
  'POST /api/reset': {},
  'POST /api/recordings': { cache: CACHE },
  'POST /api/clock': { rate: 1 },
  'POST /api/keys': { role: 'readonly', caches: '*' },
  'POST /api/keys/import': { credential: 'an-old-secret', role: 'readonly', caches: '*' },
  'POST /api/keys/disposable': { role: 'readonly', caches: [CACHE], expiresInSeconds: 60 },
  'POST /api/keys/refresh': { refreshToken: 'x' },
  'POST /api/keys/revoke': { credential: 'x'.repeat(20) },
  'POST /api/play-token': { cache: CACHE },
  'POST /api/sign-in': { key: 'x' },
}

function targetOf({ path }: AdminPath): string {
  const target = path
    .replace('{name}', CACHE)
    .replace('{cache}', CACHE)
    .replace('{keyId}', 'nobody')
    .replace('{key}', 'a/b.ts')
  return path === '/api/caches/{name}/object' ? `${target}?keyBase64Url=YQ` : target
}

/** The status of one request; of a stream that of its head. */
async function statusOf(
  adminUrl: string,
  route: AdminPath,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly status: number; readonly reason: string }> {
  const body = BODIES[`${route.method} ${route.path}`]
  const client = await RawClient.open(adminUrl)
  const text = route.path.includes('object') && route.method === 'PUT' ? 'bytes' : body
  const bytes = text === undefined ? '' : typeof text === 'string' ? text : JSON.stringify(text)
  const sent = { host: new URL(adminUrl).host, ...headers }
  const lines = Object.entries(sent).map(([name, value]) => `${name}: ${value}`)
  if (bytes !== '') lines.push('content-type: application/json', `content-length: ${bytes.length}`)
  lines.push('connection: close')
  await client.send(
    `${route.method} ${targetOf(route)} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`,
    bytes,
  )
  const head = await new Promise<string>((resolve) => {
    client.socket.once('data', (data: Buffer) => resolve(data.toString('latin1')))
    client.socket.once('close', () => resolve(''))
  })
  client.destroy()
  const reason = /x-headwater-reason: (\S+)/i.exec(head)?.[1] ?? ''
  return { status: Number(head.slice(9, 12)), reason }
}

t.test('no key, and keys that are worth nothing, get 401 at every route', async (t) => {
  const clock = new ManualClock()
  const origin = await openOrigin(t, {}, { clock })
  const stranger = await startHeadwater()
  await stranger.close()
  const short = await origin.mintKey({ superUser: true, expiresInSeconds: 60 })
  const gone = await origin.mintKey({ superUser: true, keyId: 'gone' })
  await origin.revokeKey('gone')
  clock.advance(61_000)
  const claims = { t: 'g', jti: 'super-user', su: true }
  const forged = await signToken(new SigningKeys(Buffer.alloc(32, 7)), 'data', claims)
  const [head = '', , signature = ''] = forged.split('.')
  const unsigned = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url')
  const payload = Buffer.from(JSON.stringify(claims)).toString('base64url')
  const credentials: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    none: {},
    empty: { authorization: '' },
    garbage: { authorization: 'garbage' },
    'of another server': { authorization: stranger.keys.superUser },
    forged: { authorization: forged },
    'forged in a wrapper': { authorization: wrapCredential(forged, 'x') },
    'without a signature': { authorization: `${unsigned}.${payload}.` },
    'with another payload': { authorization: `${head}.${payload}.${signature}` },
    expired: { authorization: short.apiKey },
    revoked: { authorization: gone.apiKey },
    'a refresh token': { authorization: gone.refreshToken },
  }
  for (const route of ADMIN_PATHS.filter(({ needs }) => needs !== 'nothing')) {
    for (const [name, headers] of Object.entries(credentials)) {
      const { status } = await statusOf(origin.adminUrl, route, headers)
      // So many wrong keys from one address are not looked at any more.
      t.ok(status === 401 || status === 429, `${route.method} ${route.path}: ${name}: ${status}`)
    }
  }
  t.equal((await http(`${origin.adminUrl}/api/server?token=${origin.keys.superUser}`)).status, 401)
})

t.test('keys of the data plane get 403, and each admin what its grant says', async (t) => {
  const origin = await openOrigin(t)
  const { superUser } = origin.keys
  const readwrite = await origin.mintKey({ role: 'readwrite', caches: '*' })
  const readonly = await origin.mintKey({ role: 'readonly', caches: [CACHE] })
  const elsewhere = await origin.mintKey({ admin: ['live-origin'] })
  const here = await origin.mintKey({ admin: [CACHE] })
  const everywhere = await origin.mintKey({ admin: '*' })
  const forbidden = async (route: AdminPath, key: string) => {
    if (!(await exists(origin.adminUrl, superUser))) await origin.createCache(CACHE)
    const answer = await statusOf(origin.adminUrl, route, { authorization: key })
    return answer.status === 403 && answer.reason !== 'HW_REQUEST_FORBIDDEN_HOST'
  }
  for (const route of ADMIN_PATHS.filter(({ needs }) => needs !== 'nothing')) {
    const { needs } = route
    const name = `${route.method} ${route.path}`
    t.ok(await forbidden(route, readwrite.apiKey), `${name}: a key that writes`)
    t.ok(await forbidden(route, readonly.apiKey), `${name}: a key that reads`)
    t.equal(await forbidden(route, elsewhere.apiKey), needs !== 'admin', `${name}: other cache`)
    t.equal(await forbidden(route, here.apiKey), needs === 'super-user', `${name}: this cache`)
    t.equal(await forbidden(route, everywhere.apiKey), needs === 'super-user', `${name}: all`)
    t.notOk(await forbidden(route, superUser), `${name}: super-user`)
  }
})

async function exists(adminUrl: string, key: string): Promise<boolean> {
  const url = `${adminUrl}/api/caches/${CACHE}`
  return (await http(url, { headers: { authorization: key } })).status === 200
}

t.test('an admin of one cache raises no rights and sees nothing of others', async (t) => {
  const origin = await openOrigin(t)
  await origin.createCache(CACHE)
  const { apiKey } = await origin.mintKey({ admin: [CACHE], keyId: 'small' })
  const call = async (method: string, path: string, body?: unknown) =>
    http(`${origin.adminUrl}${path}`, {
      method,
      headers: { authorization: apiKey, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  for (const body of [
    { superUser: true },
    { admin: '*' },
    { admin: [CACHE] },
    { role: 'readwrite', caches: '*' },
  ]) {
    t.equal((await call('POST', '/api/keys', body)).status, 403)
  }
  const wide = { role: 'readwrite', caches: '*', expiresInSeconds: 60 }
  t.equal((await call('POST', '/api/keys/disposable', wide)).status, 403)
  t.equal((await call('POST', '/api/play-token', { cache: 'live-origin' })).status, 403)
  for (const path of ['/api/channels', '/api/requests/recent', '/api/findings']) {
    t.equal((await call('GET', `${path}?cache=live-origin`)).status, 403, path)
  }
  await http(`${origin.dataPlaneUrl}/cache/live-origin/secret-name.ts`, {
    headers: { authorization: origin.keys.superUser },
  })
  await http(`${origin.dataPlaneUrl}/cache/${CACHE}/own-name.ts`, {
    headers: { authorization: origin.keys.superUser },
  })
  const recent = (await call('GET', '/api/requests/recent')).text
  t.ok(recent.includes('own-name'))
  t.notOk(recent.includes('secret-name'))
  const traversal = await call('GET', `/api/caches/${CACHE}/../live-origin`)
  t.ok(traversal.status === 403 || traversal.status === 404)
  const encoded = await call('GET', `/api/caches/${CACHE}%2f..%2flive-origin/objects/x`)
  t.ok(encoded.status === 400 || encoded.status === 403, String(encoded.status))
})

t.test('other sites and rebound names are refused at every route, whatever the key', async (t) => {
  const origin = await openOrigin(t)
  const { port } = new URL(origin.adminUrl)
  const authorization = origin.keys.superUser
  for (const route of ADMIN_PATHS) {
    for (const headers of [
      { host: 'evil.example' },
      { host: `evil.example:${port}` },
      { host: `localhost.evil.example:${port}` },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: `http://127.0.0.1:${Number(port) + 1}` },
    ]) {
      const answer = await statusOf(origin.adminUrl, route, { authorization, ...headers })
      t.match(
        answer,
        { status: 403, reason: 'HW_REQUEST_FORBIDDEN_HOST' },
        `${route.method} ${route.path} ${JSON.stringify(headers)}`,
      )
    }
  }
})

t.test('more than 1200 requests within a minute are refused', async (t) => {
  const origin = await openOrigin(t)
  const headers = { authorization: origin.keys.superUser }
  const ask = () => http(`${origin.adminUrl}/api/server`, { headers })
  for (let count = 0; count < 1200; count += 50) {
    const answers = await Promise.all(Array.from({ length: 50 }, ask))
    if (answers.some(({ status }) => status !== 200)) t.fail(`${count}`)
  }
  const refused = await ask()
  t.equal(refused.status, 429)
  t.ok(refused.headers['retry-after'])
})
