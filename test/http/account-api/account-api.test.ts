/**
 * Momento's account API, request by request as its documents have them: spec tables of keys and
 * roles, error bodies `{code, message, err?}`.
 */

import t from 'tap'
import type { Test } from 'tap'
import type { Headwater } from '../../../src/app.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { http } from '../../support/http.ts'
import { openOrigin } from '../../support/origin.ts'
import { RawClient } from '../../support/raw-client.ts'
import { tlsFixture } from '../../support/tls.ts'

interface Call {
  readonly method?: string
  readonly path: string
  readonly key?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

async function call(
  origin: Pick<Headwater, 'dataPlaneUrl'>,
  { method, path, key, body, headers }: Call,
) {
  const answer = await http(`${origin.dataPlaneUrl}${path}`, {
    method: method ?? 'GET',
    headers: {
      ...(key === undefined ? {} : { authorization: key }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const json: unknown = answer.text === '' ? undefined : JSON.parse(answer.text)
  return { ...answer, json }
}

/** A key of each role, made by the API itself. */
async function openWithRoles(t: Test, clock?: ManualClock) {
  const origin = await openOrigin(t, {}, clock === undefined ? {} : { clock })
  const make = async (roleId: string) => {
    const { status, json } = await call(origin, {
      ...{ method: 'POST', path: '/api-keys', key: origin.keys.superUser },
      body: { role_id: roleId, description: `the ${roleId}`, expiry: 'never' },
    })
    t.equal(status, 200)
    // As the documents have it.
    return json as { readonly api_key: string; readonly key_info: { readonly key_id: string } }
  }
  return {
    origin,
    owner: await make('owner'),
    operator: await make('operator'),
    viewer: await make('viewer'),
  }
}

t.test('POST /api-keys: the answer of the documents, and a key that works', async (t) => {
  const clock = new ManualClock()
  const { origin, viewer } = await openWithRoles(t, clock)
  const expiry = Math.floor(clock.nowMs() / 1000) + 3600
  const made = await call(origin, {
    ...{ method: 'POST', path: '/api-keys', key: origin.keys.superUser },
    body: { role_id: 'operator', description: 'For CI/CD', expiry },
  })
  t.equal(made.status, 200)
  t.equal(made.headers['cache-control'], 'no-store')
  t.equal(made.headers['access-control-allow-origin'], '*')
  const { api_key: apiKey, key_info: info } = made.json as {
    readonly api_key: string
    readonly key_info: Record<string, unknown>
  }
  t.strictSame(Object.keys(info), [
    ...['key_id', 'account_id', 'description', 'role_id'],
    ...['expires_at_epoch_seconds', 'issued_at_epoch_seconds'],
  ])
  t.match(info, { role_id: 'operator', description: 'For CI/CD', expires_at_epoch_seconds: expiry })
  t.match(info, { account_id: /^a-/, issued_at_epoch_seconds: expiry - 3600 })
  t.notOk('expires_at_epoch_seconds' in viewer.key_info, 'never: omitted')
  const item = { path: '/cache/live-origin/a.ts?ttl_seconds=60' }
  t.equal((await call(origin, { ...item, method: 'PUT', key: apiKey, body: '1' })).status, 204)
  t.equal((await call(origin, { ...item, key: viewer.api_key })).status, 200)
  t.equal(
    (await call(origin, { ...item, method: 'PUT', key: viewer.api_key, body: '1' })).status,
    403,
  )
  clock.jumpWall(3_600_000)
  t.equal((await call(origin, { ...item, key: apiKey })).status, 401, 'expired')
})

t.test('POST /api-keys: 400 for what the body lacks or has wrong', async (t) => {
  const clock = new ManualClock()
  const origin = await openOrigin(t, {}, { clock })
  const nowSeconds = Math.floor(clock.nowMs() / 1000)
  const good = { role_id: 'viewer', description: 'x', expiry: 'never' }
  const cases: readonly (readonly [string, unknown, number])[] = [
    ['as it should be', good, 200],
    ['an id as lists print the name', { ...good, role_id: 'Viewer' }, 200],
    ['an unknown member', { ...good, more: 1 }, 200],
    ['a description of 200 chars', { ...good, description: 'x'.repeat(200) }, 200],
    ['one over', { ...good, description: 'x'.repeat(201) }, 400],
    ['two lines', { ...good, description: 'a\nb' }, 400],
    ['no role_id', { ...good, role_id: undefined }, 400],
    ['a number as role_id', { ...good, role_id: 7 }, 400],
    ['no description', { ...good, description: undefined }, 400],
    ['no expiry', { ...good, expiry: undefined }, 400],
    ['an expiry in words', { ...good, expiry: 'tomorrow' }, 400],
    ['an expiry as text', { ...good, expiry: String(nowSeconds + 60) }, 400],
    ['half a second', { ...good, expiry: nowSeconds + 0.5 }, 400],
    ['now', { ...good, expiry: nowSeconds }, 400],
    ['in a second', { ...good, expiry: nowSeconds + 1 }, 200],
    ['milliseconds', { ...good, expiry: clock.nowMs() }, 400],
    ['a list', [], 400],
    ['null', 'null', 400],
    ['no JSON', '{"role_id":', 400],
    ['nothing', '', 400],
    ['no such role', { ...good, role_id: 'nobody' }, 404],
  ]
  for (const [name, body, status] of cases) {
    const answer = await call(origin, {
      ...{ method: 'POST', path: '/api-keys', key: origin.keys.superUser, body },
    })
    t.equal(answer.status, status, name)
    if (status === 400) t.match(answer.json, { code: 'Bad Request', message: String }, name)
    if (status === 404) t.match(answer.json, { code: 'NotFound', message: String }, name)
  }
  const form = await call(origin, {
    ...{ method: 'POST', path: '/api-keys', key: origin.keys.superUser, body: good },
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  t.match(form, { status: 400, json: { message: /application\/json/ } })
  const long = await call(origin, {
    ...{ method: 'POST', path: '/api-keys', key: origin.keys.superUser },
    body: { ...good, description: 'x'.repeat(70_000) },
  })
  t.match(long, { status: 413, json: { code: 'Bad Request' } })
})

t.test('GET /api-keys: pages by limit and next_token', async (t) => {
  const { origin, owner, operator, viewer } = await openWithRoles(t)
  const ids = [owner, operator, viewer].map(({ key_info: info }) => info.key_id)
  const list = async (query = '') => {
    const answer = await call(origin, { path: `/api-keys${query}`, key: viewer.api_key })
    t.equal(answer.status, 200)
    const page = answer.json as {
      readonly key_info: readonly { readonly key_id: string }[]
      readonly next_token?: string
    }
    t.notMatch(answer.text, owner.api_key)
    return { ids: page.key_info.map(({ key_id: id }) => id), next: page.next_token }
  }
  t.same((await list()).ids.sort(), [...ids].sort())
  t.equal((await list()).next, undefined)
  t.equal((await list('?limit=100')).next, undefined)
  const seen: string[] = []
  let query = '?limit=1'
  for (let pages = 0; pages < 5 && query !== ''; pages++) {
    const page = await list(query)
    t.equal(page.ids.length, 1)
    seen.push(...page.ids)
    query = page.next === undefined ? '' : `?limit=1&next_token=${page.next}`
  }
  t.same(seen.sort(), [...ids].sort())
  for (const wrong of [
    ...['limit=0', 'limit=101', 'limit=x', 'limit=1.5', 'limit=', 'limit=-1', 'limit=1&limit=2'],
    ...['next_token=x', 'next_token=', 'next_token=WyJ4Il0', `next_token=${'x'.repeat(300)}`],
  ]) {
    const answer = await call(origin, { path: `/api-keys?${wrong}`, key: viewer.api_key })
    t.match(answer, { status: 400, json: { code: 'Bad Request' } }, wrong)
  }
})

t.test('DELETE /api-keys/{key_id}: 200 {}, at once, once', async (t) => {
  const { origin, owner, operator, viewer } = await openWithRoles(t)
  const path = `/api-keys/${viewer.key_info.key_id}`
  t.match(
    await call(origin, {
      method: 'DELETE',
      path,
      key: operator.api_key,
      headers: { 'content-type': 'application/json' },
    }),
    {
      status: 200,
      json: {},
    },
  )
  const read = { path: '/cache/live-origin/a.ts', key: viewer.api_key }
  t.match(await call(origin, read), {
    status: 401,
    headers: { 'x-headwater-reason': 'credential-revoked' },
  })
  t.equal((await call(origin, { path: '/api-keys', key: viewer.api_key })).status, 401)
  const again = await call(origin, { method: 'DELETE', path, key: operator.api_key })
  t.match(again, { status: 404, json: { code: 'NotFound' } })
  const foreign = await origin.mintKey({ superUser: true, keyId: 'v1' })
  const other = { method: 'DELETE', path: `/api-keys/${foreign.keyId}`, key: owner.api_key }
  t.equal((await call(origin, other)).status, 404, 'a key of another kind')
  const ownerPath = `/api-keys/${owner.key_info.key_id}`
  const above = await call(origin, { method: 'DELETE', path: ownerPath, key: operator.api_key })
  t.match(above, { status: 403, json: { code: 'PermissionDenied' } })
  t.equal(
    (await call(origin, { method: 'DELETE', path: ownerPath, key: owner.api_key })).status,
    200,
  )
})

t.test('v2 keys are in /api/keys, and are revoked there as well', async (t) => {
  const { origin, viewer } = await openWithRoles(t)
  const headers = { authorization: origin.keys.superUser }
  const keyId = viewer.key_info.key_id
  const shown = await http(`${origin.adminUrl}/api/keys/${keyId}`, { headers })
  t.match(JSON.parse(shown.text), { key: { kind: 'v2', roleId: 'viewer', revokedAt: null } })
  await http(`${origin.adminUrl}/api/keys/${keyId}`, { method: 'DELETE', headers })
  const read = await call(origin, { path: '/cache/live-origin/a', key: viewer.api_key })
  t.equal(read.status, 401)
})

t.test('who may: super-users and keys of roles; nobody gives more than they have', async (t) => {
  const { origin, owner, operator, viewer } = await openWithRoles(t)
  const admin = await origin.mintKey({ admin: '*' })
  const body = { role_id: 'operator', description: '', expiry: 'never' }
  const keys = {
    'super-user': origin.keys.superUser,
    owner: owner.api_key,
    operator: operator.api_key,
    viewer: viewer.api_key,
    admin: admin.apiKey,
    encoder: origin.keys.encoder,
    none: undefined,
    garbage: 'garbage',
  }
  const expected: Readonly<Record<keyof typeof keys, readonly number[]>> = {
    'super-user': [200, 200, 200, 200],
    owner: [200, 200, 200, 200],
    operator: [200, 200, 200, 403],
    viewer: [200, 200, 403, 403],
    admin: [403, 403, 403, 403],
    encoder: [403, 403, 403, 403],
    none: [401, 401, 401, 401],
    garbage: [401, 401, 401, 401],
  }
  for (const [name, key] of Object.entries(keys)) {
    const with_ = key === undefined ? {} : { key }
    const answers = [
      await call(origin, { path: '/api-keys', ...with_ }),
      await call(origin, { path: '/roles', ...with_ }),
      await call(origin, { method: 'POST', path: '/api-keys', ...with_, body }),
      await call(origin, {
        ...{ method: 'POST', path: '/api-keys', ...with_ },
        body: { ...body, role_id: 'owner' },
      }),
    ]
    // The names are those of the table.
    const want = expected[name as keyof typeof keys]
    t.strictSame(
      answers.map(({ status }) => status),
      want,
      name,
    )
    for (const { status, json, headers } of answers) {
      if (status === 401) {
        t.match(json, { code: 'Unauthenticated', message: String })
        t.match(headers['www-authenticate'], /^Basic/)
      }
      if (status === 403) t.match(json, { code: 'PermissionDenied', message: String })
      t.notOk(JSON.stringify(json).includes('garbage'))
    }
  }
})

t.test('the credential is taken from the header alone, in its usual forms', async (t) => {
  const origin = await openOrigin(t)
  const key = origin.keys.superUser
  const inUrl = await call(origin, { path: `/api-keys?token=${encodeURIComponent(key)}` })
  t.equal(inUrl.status, 401)
  t.equal((await call(origin, { path: '/api-keys', key: `Bearer ${key}` })).status, 200)
  t.equal((await call(origin, { path: '/api-keys', key: '' })).status, 401)
})

t.test('GET /roles: the system roles, by type and page', async (t) => {
  const origin = await openOrigin(t)
  const key = origin.keys.superUser
  const list = async (query: string) => {
    const { status, json } = await call(origin, { path: `/roles${query}`, key })
    t.equal(status, 200, query)
    return json as {
      readonly roles: readonly { readonly role_id: string; readonly role_name: string }[]
      readonly next_token?: string
    }
  }
  const all = await list('')
  t.strictSame(
    all.roles.map(({ role_name: name }) => name),
    ['Owner', 'Operator', 'Viewer'],
  )
  t.match(all.roles[2], {
    ...{ role_id: 'viewer', role_type: 'system', description: String },
    permissions: {
      rules: [
        { type: 'account_management', permissions: ['read', 'list'] },
        { type: 'auth_management', permissions: ['read', 'list'], items: '*' },
        { type: 'resource_management', permissions: ['read', 'list'], resources: '*' },
        { type: 'cache', permissions: ['read', 'list'], caches: '*', items: '*' },
      ],
    },
  })
  t.strictSame(await list('?type=system'), all)
  t.strictSame(await list('?type=custom'), { roles: [] })
  const first = await list('?limit=2')
  t.equal(first.roles.length, 2)
  const rest = await list(`?limit=2&next_token=${first.next_token ?? ''}`)
  t.strictSame(rest, { roles: all.roles.slice(2) })
  for (const wrong of [
    'type=x',
    'type=',
    'limit=0',
    'limit=101',
    'next_token=x',
    'next_token=WyJ4Il0',
  ]) {
    const answer = await call(origin, { path: `/roles?${wrong}`, key })
    t.match(answer, { status: 400, json: { code: 'Bad Request' } }, wrong)
  }
})

t.test('custom roles: 501 that says so; system roles: 412, 409', async (t) => {
  const { origin, operator, viewer } = await openWithRoles(t)
  const rules = [{ type: 'cache', permissions: ['read'], caches: '*', items: '*' }]
  const custom = { role_name: 'cicd-role', permissions: { rules } }
  const cases: readonly (readonly [string, string, unknown, number, string])[] = [
    ['POST', '/roles', custom, 501, 'Unimplemented'],
    ['POST', '/roles', { ...custom, role_name: 'Owner' }, 409, 'AlreadyExists'],
    ['POST', '/roles', { role_name: 'x' }, 400, 'Bad Request'],
    ['POST', '/roles', { ...custom, role_name: 1 }, 400, 'Bad Request'],
    ['POST', '/roles', [], 400, 'Bad Request'],
    ['PUT', '/roles/owner', custom, 412, 'FailedPrecondition'],
    ['PUT', '/roles/cicd-role', custom, 404, 'NotFound'],
    ['DELETE', '/roles/viewer', undefined, 412, 'FailedPrecondition'],
    ['DELETE', '/roles/cicd-role', undefined, 404, 'NotFound'],
  ]
  for (const [method, path, body, status, code] of cases) {
    const answer = await call(origin, { method, path, key: operator.api_key, body })
    t.match(answer, { status, json: { code } }, `${method} ${path} ${String(status)}`)
    const { status: denied } = await call(origin, { method, path, key: viewer.api_key, body })
    t.equal(denied, 403)
  }
  const { json } = await call(origin, {
    ...{ method: 'POST', path: '/roles', key: operator.api_key, body: custom },
  })
  t.match(json, { err: 'custom-roles', message: /ip_filter/ })
})

t.test('pages of other sites may call it: preflight without a key', async (t) => {
  const origin = await openOrigin(t)
  for (const path of ['/api-keys', '/api-keys/x', '/roles', '/roles/x']) {
    const answer = await call(origin, { method: 'OPTIONS', path })
    t.equal(answer.status, 204, path)
    t.match(answer.headers, {
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, POST, PUT, DELETE',
      'access-control-allow-headers': 'Authorization, Content-Type',
    })
  }
  for (const [method, path] of [
    ['PATCH', '/api-keys'],
    ['GET', '/roles/owner/more'],
  ] as const) {
    const answer = await call(origin, { method, path, key: origin.keys.superUser })
    t.match(answer, { status: 404, json: { code: 'NotFound' } }, path)
    t.match(answer.headers, { 'access-control-allow-origin': '*', 'cache-control': 'no-store' })
  }
})

t.test('guesses are throttled with 429 and Retry-After; a good key is not', async (t) => {
  const origin = await openOrigin(t, { auth: { failuresPerSecondMax: 1, failuresBurst: 3 } })
  const statuses: number[] = []
  for (let index = 0; index < 4; index++) {
    const answer = await call(origin, { path: '/roles', key: `guess ${String(index)}` })
    statuses.push(answer.status)
    if (answer.status === 429) {
      t.match(answer.json, { code: 'ResourceExhausted', err: 'credential-throttled' })
      t.match(answer.headers['retry-after'], /^\d+$/)
    }
  }
  t.strictSame(statuses, [401, 401, 401, 429])
  t.equal((await call(origin, { path: '/roles', key: origin.keys.superUser })).status, 200)
})

t.test('under TLS it is the same', async (t) => {
  const files = { certFile: tlsFixture('first.cert.pem'), keyFile: tlsFixture('first.key.pem') }
  const origin = await openOrigin(t, { http: { tls: { port: 0, ...files } } })
  const client = await RawClient.open(origin.tlsUrl ?? '')
  const authorization = `Authorization: ${origin.keys.superUser}`
  t.equal((await client.request('GET', '/roles', [authorization])).status, 200)
  t.equal((await client.request('GET', '/api-keys', ['Authorization: garbage'])).status, 401)
  client.destroy()
})
