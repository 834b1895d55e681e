import t from 'tap'
import type { Test } from 'tap'
import { ManualClock } from '../../support/manual-clock.ts'
import { http } from '../../support/http.ts'
import { openOrigin } from '../../support/origin.ts'

async function open(t: Test, settings: Parameters<typeof openOrigin>[1] = {}) {
  const clock = new ManualClock()
  const origin = await openOrigin(t, settings, { clock })
  const post = async (
    path: string,
    body: unknown,
    key: string | undefined = origin.keys.superUser,
  ) => {
    const answer = await http(`${origin.adminUrl}${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key === '' ? {} : { authorization: key }),
      },
      body: JSON.stringify(body),
    })
    return { ...answer, json: JSON.parse(answer.text) as Record<string, unknown> }
  }
  const status = async (method: string, path: string, key: string, body?: string) =>
    (
      await http(`${origin.dataPlaneUrl}/cache${path}`, {
        method,
        headers: { authorization: key },
        ...(body === undefined ? {} : { body }),
      })
    ).status
  return { origin, clock, post, status }
}

t.test('a disposable token: in scope 200, out of scope 403, after its end 401', async (t) => {
  const { origin, clock, post, status } = await open(t)
  await status('PUT', '/live-origin/Movie/a.ts', origin.keys.encoder, 'x')
  const made = await post('/api/keys/disposable', {
    ...{ tokenId: 'viewer 7', expiresInSeconds: 90_000, role: 'readonly', caches: ['live-origin'] },
    items: { kind: 'keyPrefix', keyPrefix: '/Movie/' },
  })
  t.equal(made.status, 201)
  t.equal(made.headers['cache-control'], 'no-store')
  t.strictSame(Object.keys(made.json), ['apiKey', 'validUntil', 'tokenId', 'restEndpoint'])
  t.match(made.json, { tokenId: 'viewer 7', validUntil: clock.nowMs() / 1000 + 90_000 })
  const token = String(made.json['apiKey'])
  t.equal(await status('GET', '/live-origin/Movie/a.ts', token), 200)
  t.equal(await status('GET', '/live-origin/Other/a.ts', token), 403)
  t.equal(await status('PUT', '/live-origin/Movie/a.ts', token, 'x'), 403)
  const listed = await http(`${origin.adminUrl}/api/keys`, {
    headers: { authorization: origin.keys.superUser },
  })
  t.notMatch(listed.text, 'viewer 7')
  clock.jumpWall(90_000_000)
  t.equal(await status('GET', '/live-origin/Movie/a.ts', token), 401)
})

t.test('what a disposable token must have, and must not', async (t) => {
  const { post } = await open(t)
  const good = { expiresInSeconds: 60, role: 'readonly', caches: ['live-origin'] }
  const cases: readonly (readonly [unknown, number])[] = [
    [good, 201],
    [{ ...good, tokenId: 'x'.repeat(64) }, 201],
    [{ ...good, tokenId: 'x'.repeat(65) }, 400],
    [{ ...good, tokenId: 'é' }, 400],
    [{ ...good, expiresInSeconds: undefined }, 400],
    [{ ...good, expiresInSeconds: 90_001 }, 400],
    [{ ...good, expiresInSeconds: 0 }, 400],
    [{ expiresInSeconds: 60 }, 400],
    [{ expiresInSeconds: 60, superUser: true }, 400],
    [{ ...good, admin: '*' }, 400],
    [{ ...good, role: 'admin' }, 400],
    [{ expiresInSeconds: 60, permissions: [{ role: 'writeonly', caches: '*' }] }, 201],
  ]
  for (const [body, status] of cases) {
    t.equal((await post('/api/keys/disposable', body)).status, status, JSON.stringify(body))
  }
})

t.test('an admin of caches mints for those alone, and never raises its rights', async (t) => {
  const { origin, clock, post } = await open(t)
  await origin.createCache('other')
  const admin = await origin.mintKey({ admin: ['live-origin'], expiresInSeconds: 3600 })
  const mint = (caches: unknown, more = {}) =>
    post(
      '/api/keys/disposable',
      { expiresInSeconds: 7200, role: 'readwrite', caches, ...more },
      admin.apiKey,
    )
  const own = await mint(['live-origin'])
  t.equal(own.status, 201)
  t.equal(own.json['validUntil'], clock.nowMs() / 1000 + 3600, 'no longer than its own key')
  for (const caches of [['other'], ['live-origin', 'other'], '*']) {
    t.match(await mint(caches), { status: 403, json: { code: 'HW_ADMIN_FORBIDDEN' } })
  }
  const play = (cache: string) => post('/api/play-token', { cache }, admin.apiKey)
  t.equal((await play('live-origin')).status, 201)
  t.equal((await play('other')).status, 403)
  t.equal((await play('nothing')).status, 403, 'whether it exists is not shown')
  const revoke = await post('/api/keys/revoke', { keyId: 'x' }, admin.apiKey)
  t.equal(revoke.status, 403)
})

t.test('a play token reads a cache for an hour, or what begins so', async (t) => {
  const { origin, clock, post, status } = await open(t)
  await status('PUT', '/live-origin/a/x.ts', origin.keys.encoder, 'x')
  const all = await post('/api/play-token', { cache: 'live-origin' })
  t.match(all, { status: 201, headers: { 'cache-control': 'no-store' } })
  t.equal(all.json['expiresAt'], new Date(clock.nowMs() + 3_600_000).toISOString())
  const narrow = await post('/api/play-token', { cache: 'live-origin', keyPrefix: 'b/' })
  const [token, narrowed] = [String(all.json['token']), String(narrow.json['token'])]
  t.equal(await status('GET', '/live-origin/a/x.ts', token), 200)
  t.equal(await status('PUT', '/live-origin/a/x.ts', token, 'x'), 403)
  t.equal(await status('GET', '/live-origin/a/x.ts', narrowed), 403)
  t.equal((await post('/api/play-token', { cache: 'nothing' })).status, 404)
  t.equal((await post('/api/play-token', {})).status, 400)
  clock.jumpWall(3_600_000)
  t.equal(await status('GET', '/live-origin/a/x.ts', token), 401)
})

t.test("tokens end with the session's key, and by being revoked", async (t) => {
  const { origin, post, status } = await open(t)
  await status('PUT', '/live-origin/a.ts', origin.keys.encoder, 'x')
  const admin = await origin.mintKey({ admin: '*' })
  const { json } = await post('/api/sign-in', { key: admin.apiKey }, '')
  const session = `Bearer ${String(json['session'])}`
  const play = async () =>
    String((await post('/api/play-token', { cache: 'live-origin' }, session)).json['token'])
  const [first, second] = [await play(), await play()]
  t.equal(await status('GET', '/live-origin/a.ts', first), 200)
  t.match(await post('/api/keys/revoke', { credential: first }), {
    status: 200,
    json: { keyId: 'disposable:play', revokedAt: String, key: null },
  })
  t.equal(await status('GET', '/live-origin/a.ts', first), 401)
  t.equal(await status('GET', '/live-origin/a.ts', second), 401, 'tokens of one id go together')
  await origin.revokeKey(admin.keyId)
  t.equal((await post('/api/play-token', { cache: 'live-origin' }, session)).status, 401)
})

t.test('refreshing needs the refresh token alone', async (t) => {
  const { origin, clock, post } = await open(t, {
    auth: { failuresPerSecondMax: 1, failuresBurst: 3 },
  })
  const old = await origin.mintKey({
    ...{ keyId: 'cdn', role: 'readonly', caches: ['live-origin'], expiresInSeconds: 100 },
  })
  const refresh = (refreshToken: string, more = {}) =>
    post('/api/keys/refresh', { refreshToken, ...more }, '')
  const made = await refresh(old.refreshToken, { apiKey: old.apiKey })
  t.match(made, {
    status: 201,
    json: { key: { refreshedFrom: 'cdn' }, keyInfo: { apiKey: String } },
  })
  t.equal((await refresh(old.refreshToken, { apiKey: origin.keys.player })).status, 400)
  clock.advance(100_000)
  t.match(await refresh(old.refreshToken), { status: 401, json: { message: /expired/ } })
  t.equal((await refresh('a guess')).status, 401)
  t.equal((await refresh('x'.repeat(4097))).status, 400)
  t.equal((await refresh(old.apiKey)).status, 401)
  const over = await refresh('a fourth')
  t.match(over, { status: 429, json: { code: 'HW_ADMIN_THROTTLED' } })
  t.match(over.headers['retry-after'], /^\d+$/)
})

t.test('revoking by credential or id answers what it was', async (t) => {
  const { origin, post } = await open(t)
  const { keyId, apiKey } = await origin.mintKey({ superUser: true })
  const revoked = await post('/api/keys/revoke', { credential: apiKey })
  t.match(revoked, { status: 200, json: { keyId, key: { keyId, revokedAt: String } } })
  t.notOk(revoked.text.includes(apiKey))
  t.match(await post('/api/keys/revoke', { keyId: 'lost' }), { json: { keyId: 'lost', key: null } })
  t.equal((await post('/api/keys/revoke', { credential: 'nobody has it' })).status, 404)
  t.equal((await post('/api/keys/revoke', { keyId: 'a b' })).status, 400)
  t.equal((await post('/api/keys/revoke', {})).status, 400)
  t.equal((await post('/api/keys/revoke', { keyId: 'a', credential: 'b' })).status, 400)
})
