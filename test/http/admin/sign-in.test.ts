import t from 'tap'
import type { Test } from 'tap'
import { ManualClock } from '../../support/manual-clock.ts'
import { http } from '../../support/http.ts'
import { openOrigin } from '../../support/origin.ts'

async function open(
  t: Test,
  settings: Parameters<typeof openOrigin>[1] = {},
  clock = new ManualClock(),
) {
  const origin = await openOrigin(t, settings, { clock })
  const post = async (
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ) => {
    const answer = await http(`${origin.adminUrl}${path}`, {
      method: 'POST',
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const json: unknown = answer.text === '' ? undefined : JSON.parse(answer.text)
    return { ...answer, json }
  }
  const signIn = async (body: unknown) => {
    const answer = await post('/api/sign-in', body)
    // The route's answer.
    const { session = '' } = answer.json as { readonly session?: string }
    return { ...answer, session }
  }
  const get = async (path: string, session: string) =>
    (await http(`${origin.adminUrl}${path}`, { headers: { authorization: `Bearer ${session}` } }))
      .status
  const link = () => new URL(origin.createSignInUrl()).hash.replace('#sign-in=', '')
  return { origin, clock, post, signIn, get, link }
}

t.test('a key is exchanged for a session of twelve hours', async (t) => {
  const { origin, clock, signIn, get } = await open(t)
  const answer = await signIn({ key: origin.keys.superUser })
  t.match(answer, { status: 200, json: { superUser: true, adminCaches: '*' } })
  t.equal(answer.headers['cache-control'], 'no-store')
  t.match(answer.json, { expiresAt: new Date(clock.nowMs() + 12 * 3_600_000).toISOString() })
  t.equal(await get('/api/keys', answer.session), 200)
  clock.jumpWall(12 * 3_600_000)
  t.equal(await get('/api/keys', answer.session), 401)
})

t.test('a session may what its key may, and dies with it', async (t) => {
  const { origin, signIn, get } = await open(t)
  const admin = await origin.mintKey({ admin: ['live-origin'] })
  const answer = await signIn({ key: admin.apiKey })
  t.match(answer.json, { superUser: false, adminCaches: ['live-origin'] })
  t.equal(await get('/api/caches/live-origin', answer.session), 200)
  t.equal(await get('/api/keys', answer.session), 403)
  t.equal(await get('/api/caches/other', answer.session), 403)
  await origin.revokeKey(admin.keyId)
  t.equal(await get('/api/caches/live-origin', answer.session), 401)
})

t.test('a link signs in once, as a super-user, within ten minutes', async (t) => {
  const { clock, signIn, get, link } = await open(t)
  const [first, late] = [link(), link()]
  const answer = await signIn({ link: first })
  t.match(answer, { status: 200, json: { superUser: true } })
  t.equal(await get('/api/keys', answer.session), 200)
  t.match(await signIn({ link: first }), { status: 401, json: { code: 'HW_ADMIN_UNAUTHORIZED' } })
  t.equal((await signIn({ link: `${late}x` })).status, 401)
  clock.advance(600_000)
  t.equal((await signIn({ link: late })).status, 401)
})

t.test('two who use a link at once: one is let in', async (t) => {
  const { signIn, link } = await open(t)
  const shared = link()
  const answers = await Promise.all(Array.from({ length: 5 }, () => signIn({ link: shared })))
  t.equal(answers.filter(({ status }) => status === 200).length, 1)
})

t.test('signing out ends the session, and no key', async (t) => {
  const { origin, post, signIn, get } = await open(t)
  const { session } = await signIn({ key: origin.keys.superUser })
  const out = (credential: string) =>
    post('/api/sign-out', undefined, { authorization: credential })
  t.match(await out(`Bearer ${session}`), { status: 204, text: '' })
  t.equal(await get('/api/caches', session), 401)
  t.equal((await out(`Bearer ${session}`)).status, 401)
  t.match(await out(origin.keys.superUser), { status: 400 })
  t.equal((await http(`${origin.adminUrl}/api/sign-out`, { method: 'POST' })).status, 401)
})

t.test('what is neither key nor link is refused, with its bounds', async (t) => {
  const { origin, signIn } = await open(t, { auth: { failuresBurst: 100 } })
  const key = origin.keys.superUser
  const cases: readonly (readonly [unknown, number])[] = [
    [{}, 400],
    [{ key, link: 'x' }, 400],
    [{ key: '' }, 400],
    [{ key: 7 }, 400],
    [{ key: 'x'.repeat(4096) }, 401],
    [{ key: 'x'.repeat(4097) }, 400],
    [{ link: 'x'.repeat(64) }, 401],
    [{ link: 'x'.repeat(65) }, 400],
    [{ key, more: 1 }, 400],
    [[], 400],
    [{ key: origin.keys.player }, 403],
  ]
  for (const [body, status] of cases) {
    t.equal((await signIn(body)).status, status, JSON.stringify(body).slice(0, 60))
  }
})

t.test('guesses of keys, links and sessions are throttled together, at the bound', async (t) => {
  const { origin, clock, signIn, get, link } = await open(t, {
    auth: { failuresPerSecondMax: 1, failuresBurst: 3 },
  })
  const good = await signIn({ key: origin.keys.superUser })
  const mine = link()
  t.equal((await signIn({ key: 'a guess' })).status, 401)
  t.equal((await signIn({ link: 'a guess' })).status, 401)
  t.equal(await get('/api/caches', `${good.session.slice(0, -4)}AAAA`), 401)
  for (const body of [{ key: 'another' }, { link: 'another' }]) {
    const answer = await signIn(body)
    t.match(answer, { status: 429, json: { code: 'HW_ADMIN_THROTTLED' } })
    t.match(answer.headers['retry-after'], /^[1-9]\d*$/)
  }
  t.equal(await get('/api/caches', `${good.session.slice(0, -4)}BBBB`), 429)
  t.equal((await signIn({ link: mine })).status, 429, 'a good link waits, unspent')
  t.equal(await get('/api/caches', good.session), 200, 'a known session goes on')
  t.equal((await signIn({ key: origin.keys.superUser })).status, 200, 'a known key, too')
  clock.advance(1000)
  t.equal((await signIn({ link: mine })).status, 200)
})

t.test('pages of other sites and rebound names cannot sign in', async (t) => {
  const { origin, post } = await open(t)
  const body = { key: origin.keys.superUser }
  t.equal((await post('/api/sign-in', body, { origin: 'http://evil.example' })).status, 403)
  t.equal((await post('/api/sign-in', body, { host: 'evil.example' })).status, 403)
  t.equal((await post('/api/keys/refresh', { refreshToken: 'x' }, { origin: 'null' })).status, 403)
  const plain = await post('/api/sign-in', body, { 'content-type': 'text/plain' })
  t.equal(plain.status, 400, 'a form of another site could send that')
})
