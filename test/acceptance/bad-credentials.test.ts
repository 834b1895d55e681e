/** Credentials that are not good enough, over raw sockets: who is told what, and what it costs. */

import t from 'tap'
import { RawClient, head } from '../support/raw-client.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { basicAuthorization, innerJwt, openOrigin } from '../support/origin.ts'
import { checkRefusal, checkUsable } from '../support/refusal-checks.ts'

const TARGET = '/cache/live-origin/a.ts'
const BODY = Buffer.alloc(300_000, 0x47)

/** A PUT by header lines; a body of several socket buffers, so that an undrained one would show. */
function put(client: RawClient, headers: readonly string[], target = TARGET) {
  const length = `Content-Length: ${String(BODY.length)}`
  return client.request('PUT', target, [...headers, length], BODY)
}

t.test(
  'a credential that is none of ours is 401 in every form, and the connection lives',
  async (t) => {
    const origin = await openOrigin(t)
    const other = await openOrigin(t)
    const jwt = innerJwt(origin.keys.encoder)
    const [header = '', payload = '', signature = ''] = jwt.split('.')
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')
    const keys = {
      garbled: 'no-such-key',
      'cut short': jwt.slice(0, -10),
      'with another signature': `${header}.${payload}.${signature.split('').reverse().join('')}`,
      'with another payload': `${header}.${Buffer.from('{}').toString('base64url')}.${signature}`,
      unsigned: `${none}.${payload}.`,
      'of another server': other.keys.superUser,
      'the inner JWT of another server': innerJwt(other.keys.encoder),
      'a wrapper of nonsense': Buffer.from('{"endpoint":"x","api_key":"y"}').toString('base64'),
    }
    const client = await RawClient.open(origin.dataPlaneUrl)
    for (const [what, key] of Object.entries(keys)) {
      t.comment(what)
      checkRefusal(t, await put(client, [`Authorization: ${key}`]), 401)
      checkRefusal(t, await put(client, [`Authorization: Bearer ${key}`]), 401)
      checkRefusal(t, await put(client, [`Authorization: ${basicAuthorization(key)}`]), 401)
      checkRefusal(t, await put(client, [], `${TARGET}?token=${key}`), 401)
    }
    await checkUsable(t, client)
    const read = await client.request('GET', TARGET, [`Authorization: ${origin.keys.player}`])
    checkRefusal(t, read, 404, 'key-not-found')
    client.destroy()
  },
)

t.test('no credential is 401 for every method: header absent, empty, token empty', async (t) => {
  const origin = await openOrigin(t)
  const client = await RawClient.open(origin.dataPlaneUrl)
  for (const method of ['GET', 'DELETE']) {
    checkRefusal(t, await client.request(method, TARGET), 401, 'credential-missing')
    checkRefusal(t, await client.request(method, `${TARGET}?token=`), 401, 'credential-missing')
  }
  for (const headers of [[], ['Authorization:'], ['Authorization: Basic Og==']]) {
    checkRefusal(t, await put(client, headers), 401)
  }
  const headOnly = await client.request('HEAD', TARGET)
  t.equal(headOnly.status, 401)
  t.ok(headOnly.header('www-authenticate'))
  checkRefusal(t, await put(client, ['Authorization: Digest username="momento"']), 401)
  await checkUsable(t, client)
  client.destroy()
})

t.test('every form of a good credential is accepted', async (t) => {
  const origin = await openOrigin(t)
  const key = origin.keys.encoder
  const userOnly = `Basic ${Buffer.from(`${key}:`).toString('base64')}`
  const client = await RawClient.open(origin.dataPlaneUrl)
  for (const headers of [
    [`Authorization: ${key}`],
    [`Authorization: ${innerJwt(key)}`],
    [`Authorization: Bearer ${key}`],
    [`Authorization: ${basicAuthorization(key)}`],
    [`Authorization: ${basicAuthorization(key, '')}`],
    [`Authorization: ${basicAuthorization(innerJwt(key), 'anybody')}`],
    [`Authorization: ${userOnly}`],
    [`authorization: basic ${basicAuthorization(key).slice(6)}`],
  ]) {
    t.equal((await put(client, headers)).status, 204, (headers[0] ?? '').slice(0, 22))
  }
  t.equal((await put(client, [], `${TARGET}?token=${key}`)).status, 204)
  t.equal((await put(client, [], `${TARGET}?token=${encodeURIComponent(key)}`)).status, 204)
  t.equal((await put(client, [`Authorization: ${key}`], `${TARGET}?token=`)).status, 204)
  client.destroy()
})

t.test(
  'an expired key is 401 from its second on, a revoked one from the next request on',
  async (t) => {
    const clock = new ManualClock()
    const origin = await openOrigin(t, {}, { clock })
    const scope = { role: 'readwrite', caches: ['live-origin'], items: { kind: 'all' } } as const
    const shortLived = await origin.mintKey({ ...scope, expiresInSeconds: 60 })
    const revoked = await origin.mintKey(scope)
    const client = await RawClient.open(origin.dataPlaneUrl)
    t.equal((await put(client, [`Authorization: ${shortLived.apiKey}`])).status, 204)
    clock.advance(61_000)
    const late = await put(client, [`Authorization: ${shortLived.apiKey}`])
    checkRefusal(t, late, 401, 'credential-expired')

    t.equal((await put(client, [`Authorization: ${revoked.apiKey}`])).status, 204)
    await origin.revokeKey(revoked.keyId)
    for (const key of [revoked.apiKey, innerJwt(revoked.apiKey)]) {
      checkRefusal(t, await put(client, [`Authorization: ${key}`]), 401, 'credential-revoked')
    }
    t.equal((await put(client, [`Authorization: ${origin.keys.encoder}`])).status, 204)
    await checkUsable(t, client)
    client.destroy()
  },
)

t.test('the wrong role, cache or prefix is 403, also for what does not exist', async (t) => {
  const origin = await openOrigin(t)
  await origin.createCache('other')
  const scoped = await origin.mintKey({
    role: 'readwrite',
    caches: ['live-origin'],
    items: { kind: 'keyPrefix', keyPrefix: 'news/' },
  })
  const oneKey = await origin.mintKey({
    role: 'readonly',
    caches: ['live-origin'],
    items: { kind: 'key', key: 'one.ts' },
  })
  const writer = await origin.mintKey({
    role: 'writeonly',
    caches: ['live-origin'],
    items: { kind: 'all' },
  })
  const client = await RawClient.open(origin.dataPlaneUrl)
  const refused: readonly (readonly [string, string, string])[] = [
    [origin.keys.player, 'PUT', TARGET],
    [origin.keys.player, 'DELETE', TARGET],
    [origin.keys.encoder, 'PUT', '/cache/other/a.ts'],
    [origin.keys.encoder, 'GET', '/cache/not-there/a.ts'],
    [scoped.apiKey, 'PUT', '/cache/live-origin/sport/a.ts'],
    [scoped.apiKey, 'GET', '/cache/live-origin/news'],
    [oneKey.apiKey, 'GET', '/cache/live-origin/one.tsx'],
    [writer.apiKey, 'GET', TARGET],
  ]
  for (const [key, method, target] of refused) {
    const headers = [`Authorization: ${key}`]
    const answer =
      method === 'PUT'
        ? await put(client, headers, target)
        : await client.request(method, target, headers)
    checkRefusal(t, answer, 403, 'permission-denied')
  }
  const news = await put(
    client,
    [`Authorization: ${scoped.apiKey}`],
    '/cache/live-origin/news/a.ts',
  )
  t.equal(news.status, 204)
  const byWriter = [`Authorization: ${writer.apiKey}`]
  t.equal((await put(client, byWriter)).status, 204)
  t.equal((await client.request('DELETE', TARGET, byWriter)).status, 204)
  const one = await client.request('GET', '/cache/live-origin/one.ts', [
    `Authorization: ${oneKey.apiKey}`,
  ])
  checkRefusal(t, one, 404, 'key-not-found')
  await checkUsable(t, client)
  client.destroy()
})

t.test('two credentials: either that grants is enough, none that does is 401 or 403', async (t) => {
  const origin = await openOrigin(t)
  const { encoder, player } = origin.keys
  const client = await RawClient.open(origin.dataPlaneUrl)
  const both = (header: string, token: string) =>
    put(client, [`Authorization: ${header}`], `${TARGET}?token=${token}`)
  t.equal((await both(encoder, player)).status, 204)
  t.equal((await both(player, encoder)).status, 204)
  t.equal((await both('not-a-key', encoder)).status, 204)
  t.equal((await both(encoder, 'not-a-key')).status, 204)
  checkRefusal(t, await both('not-a-key', 'nor-this'), 401)
  checkRefusal(t, await both(player, player), 403)
  checkRefusal(t, await both(player, 'not-a-key'), 403)
  await checkUsable(t, client)
  client.destroy()
})

t.test('two credentials are 400 in the exact profile, before anything else', async (t) => {
  const origin = await openOrigin(t, { profile: 'momento' })
  const client = await RawClient.open(origin.dataPlaneUrl)
  for (const [header, token] of [
    [origin.keys.encoder, origin.keys.encoder],
    ['not-a-key', 'nor-this'],
    [basicAuthorization(origin.keys.encoder), origin.keys.player],
  ] as const) {
    const target = `${TARGET}?ttl_seconds=60&token=${token}`
    const answer = await put(client, [`Authorization: ${header}`], target)
    checkRefusal(t, answer, 400, 'credential-both')
    t.match(JSON.parse(answer.body.toString()), { message: 'only one value must be set' })
  }
  await checkUsable(t, client)
  client.destroy()
})

t.test('ten thousand failed credentials: throttled, and a good one is served', async (t) => {
  const clock = new ManualClock()
  const origin = await openOrigin(t, {}, { clock })
  const known = [`Authorization: ${origin.keys.encoder}`]
  const fresh = await origin.mintKey({
    role: 'readonly',
    caches: ['live-origin'],
    items: { kind: 'all' },
  })
  const client = await RawClient.open(origin.dataPlaneUrl)
  t.equal((await put(client, known)).status, 204)

  const counts = new Map<number, number>()
  const attackers = await Promise.all(
    Array.from({ length: 10 }, () => RawClient.open(origin.dataPlaneUrl)),
  )
  const foreign = innerJwt(origin.keys.encoder).split('.')[0] ?? ''
  await Promise.all(
    attackers.map(async (attacker, index) => {
      const heads = Array.from({ length: 1000 }, (_, attempt) => {
        const claims = Buffer.from(`{"sub":"${String(index)}-${String(attempt)}"}`)
        const key = `${foreign}.${claims.toString('base64url')}.${'A'.repeat(43)}`
        return head('GET', TARGET, [`Authorization: ${key}`])
      })
      for (let start = 0; start < heads.length; start += 100) {
        await attacker.send(heads.slice(start, start + 100).join(''))
        for (let count = 0; count < 100; count++) {
          const { status } = await attacker.readResponse()
          counts.set(status, (counts.get(status) ?? 0) + 1)
        }
      }
    }),
  )
  t.equal(counts.get(401), 50, 'the burst is judged')
  t.equal(counts.get(429), 9950, 'the rest is refused unread')
  const refused = await attackers[0]?.request('GET', TARGET, ['Authorization: another'])
  checkRefusal(t, refused, 429, 'credential-throttled')

  const read = await client.request('GET', TARGET, known)
  t.equal(read.status, 200, 'a verified key from the same address is served')
  t.equal((await put(client, known)).status, 204)
  clock.advance(1000)
  const later = await client.request('GET', TARGET, [`Authorization: ${fresh.apiKey}`])
  t.equal(later.status, 200, 'a new key is judged again when the rate allows it')
  for (const raw of [client, ...attackers]) raw.destroy()
})

t.test('the throttle of one address is not that of another behind a trusted proxy', async (t) => {
  const clock = new ManualClock()
  const origin = await openOrigin(t, { http: { trustedProxies: ['127.0.0.1'] } }, { clock })
  const client = await RawClient.open(origin.dataPlaneUrl)
  const from = (address: string, key: string) =>
    client.request('GET', TARGET, [`X-Forwarded-For: ${address}`, `Authorization: ${key}`])
  const foreign = `${innerJwt(origin.keys.encoder).split('.')[0] ?? ''}.e30`
  for (let attempt = 0; attempt < 60; attempt++) {
    await from('203.0.113.5', `${foreign}.${'A'.repeat(20)}${String(attempt)}`)
  }
  t.equal((await from('203.0.113.5', `${foreign}.again`)).status, 429)
  // The client may write what it likes to the left of the address that the proxy added.
  t.equal((await from('198.51.100.7, 203.0.113.5', `${foreign}.more`)).status, 429)
  t.equal((await from('203.0.113.5, 198.51.100.7', `${foreign}.other`)).status, 401)
  client.destroy()
})
