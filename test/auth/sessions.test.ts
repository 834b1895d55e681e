import t from 'tap'
import { DEV_SUPER_USER_KEY } from '../../src/auth/dev-keys.ts'
import type { Grant } from '../../src/auth/grant.ts'
import { LINK_GRANT, SESSION_SECONDS, Sessions } from '../../src/auth/sessions.ts'
import { CLIENT, OTHER_SECRET, SECRET, forge, openAuth } from './support.ts'

const OURS = { alg: 'HS256', typ: 'hw-sign-in+jwt' }

interface Options {
  readonly devKeys?: boolean
  readonly failuresBurst?: number
  readonly signedOutMax?: number
}

async function open({ signedOutMax = 10, ...options }: Options = {}) {
  const auth = await openAuth(options)
  const newSessions = () =>
    new Sessions({
      ...{ secret: SECRET, keys: auth.keys, clock: auth.clock },
      ...{ throttle: auth.authenticator, devKeys: options.devKeys ?? false },
      signedOutMax,
    })
  return { ...auth, sessions: newSessions(), newSessions }
}

async function mintAdmin(
  { service, authenticator }: Awaited<ReturnType<typeof open>>,
  seconds?: number,
) {
  const minted = await service.mint({
    admin: ['live'],
    ...(seconds === undefined ? {} : { expiresInSeconds: seconds }),
  })
  const verified = await authenticator.verify(minted.apiKey, CLIENT)
  if (verified.kind === 'refused') throw new Error(verified.reason)
  return verified.grant
}

t.test('a session stands for its key for twelve hours, after a restart, too', async (t) => {
  const setup = await open()
  const { sessions, clock, newSessions } = setup
  const grant = await mintAdmin(setup)
  const { session, expiresAtMs } = await sessions.open(grant)
  t.equal(expiresAtMs, clock.nowMs() + SESSION_SECONDS * 1000)
  t.ok(sessions.isSession(session))
  const { keyId, admin } = grant
  t.match(await sessions.verify(session, CLIENT), { kind: 'granted', grant: { keyId, admin } })
  t.match(await newSessions().verify(session, CLIENT), { grant: { keyId, admin } })
  clock.advance(SESSION_SECONDS * 1000 - 1)
  t.match(await sessions.verify(session, CLIENT), { kind: 'granted' })
  clock.advance(1)
  t.match(await sessions.verify(session, CLIENT), { reason: 'expired', keyId })
})

t.test('it ends with its key: expired or revoked', async (t) => {
  const setup = await open()
  const { sessions, service, clock } = setup
  const short = await sessions.open(await mintAdmin(setup, 60))
  t.equal(short.expiresAtMs, clock.nowMs() + 60_000)
  const grant = await mintAdmin(setup)
  const { session } = await sessions.open(grant)
  await service.revoke(grant.keyId)
  t.match(await sessions.verify(session, CLIENT), { reason: 'revoked' })
})

t.test('a session is not accepted where keys are, nor a key here', async (t) => {
  const setup = await open()
  const { session } = await setup.sessions.open(LINK_GRANT)
  t.match(await setup.authenticator.verify(session, CLIENT), { reason: 'unknown' })
  const { innerJwt, refreshToken } = await setup.service.mint({ superUser: true })
  for (const other of [innerJwt, refreshToken, 'garbage']) {
    t.notOk(setup.sessions.isSession(other))
    t.match(await setup.sessions.verify(other, '192.0.2.77'), { reason: 'bad-signature' })
  }
})

t.test('signing out is for good; another session of the key goes on', async (t) => {
  const setup = await open()
  const { sessions } = setup
  const grant = await mintAdmin(setup)
  const [first, second] = [await sessions.open(grant), await sessions.open(grant)]
  await sessions.close(first.session)
  await sessions.close('garbage')
  t.match(await sessions.verify(first.session, CLIENT), { reason: 'revoked' })
  t.match(await sessions.verify(second.session, CLIENT), { kind: 'granted' })
})

t.test('more sign-outs than can be remembered end every session', async (t) => {
  const signedOutMax = 3
  const { sessions, clock } = await open({ signedOutMax })
  const { session } = await sessions.open(LINK_GRANT)
  for (let index = 0; index < signedOutMax; index++) {
    await sessions.close((await sessions.open(LINK_GRANT)).session)
  }
  t.match(await sessions.verify(session, CLIENT), { kind: 'granted' }, 'at the bound')
  clock.advance(1)
  const last = await sessions.open(LINK_GRANT)
  await sessions.close(last.session)
  t.match(await sessions.verify(session, CLIENT), { reason: 'revoked' }, 'over it')
  t.match(await sessions.verify(last.session, CLIENT), { reason: 'revoked' })
  clock.advance(1)
  const after = await sessions.open(LINK_GRANT)
  t.match(await sessions.verify(after.session, CLIENT), { kind: 'granted' })
})

t.test('sign-outs of sessions that are over make room', async (t) => {
  const { sessions, clock } = await open({ signedOutMax: 2 })
  for (let index = 0; index < 2; index++) {
    await sessions.close((await sessions.open(LINK_GRANT)).session)
  }
  clock.jumpWall(SESSION_SECONDS * 1000)
  const { session } = await sessions.open(LINK_GRANT)
  await sessions.close((await sessions.open(LINK_GRANT)).session)
  t.match(await sessions.verify(session, CLIENT), { kind: 'granted' })
})

t.test('sessions by link are revoked together', async (t) => {
  const { sessions, service, clock } = await open()
  const { session } = await sessions.open(LINK_GRANT)
  await service.revokeAny({ keyId: 'sign-in:link' })
  t.match(await sessions.verify(session, CLIENT), { reason: 'revoked' })
  clock.advance(1)
  const later = await sessions.open(LINK_GRANT)
  t.match(await sessions.verify(later.session, CLIENT), { grant: { superUser: true } })
})

t.test('a session of the dev super-user is for this machine, while dev keys are on', async (t) => {
  const { sessions, authenticator, keys, clock } = await open({ devKeys: true })
  const verified = await authenticator.verify(DEV_SUPER_USER_KEY, '127.0.0.1')
  if (verified.kind === 'refused') throw new Error(verified.reason)
  const { session } = await sessions.open(verified.grant)
  t.match(await sessions.verify(session, '::1'), { kind: 'granted' })
  t.match(await sessions.verify(session, CLIENT), { reason: 'unknown' })
  const off = new Sessions({
    ...{ secret: SECRET, keys, clock, throttle: authenticator, devKeys: false },
  })
  t.match(await off.verify(session, '::1'), { reason: 'unknown' })
})

t.test('forged and foreign sessions are refused, and throttled by address', async (t) => {
  const { sessions, clock } = await open({ failuresBurst: 8 })
  const nowSeconds = clock.nowMs() / 1000
  const p = Buffer.from('{"s":1}').toString('base64url')
  const good = { jti: 'a', key: 'k', p, iat: nowSeconds, exp: nowSeconds + 60 }
  const { session: ours } = await sessions.open(LINK_GRANT)
  const cases: readonly [string, string, string][] = [
    ['another secret', await forge(OURS, good, 'sign-in', OTHER_SECRET), 'bad-signature'],
    ['the data key', await forge(OURS, good, 'data'), 'bad-signature'],
    ['another typ', await forge({ alg: 'HS256', typ: 'hw+jwt' }, good, 'sign-in'), 'bad-signature'],
    ['cut', ours.slice(0, -2), 'bad-signature'],
    ['no permissions', await forge(OURS, { ...good, p: 1 }, 'sign-in'), 'malformed'],
    ['no key', await forge(OURS, { ...good, key: 'a b' }, 'sign-in'), 'malformed'],
    ['no id', await forge(OURS, { ...good, jti: 1 }, 'sign-in'), 'malformed'],
    ['no end', await forge(OURS, { ...good, exp: '9' }, 'sign-in'), 'malformed'],
    ['an odd end of its key', await forge(OURS, { ...good, kexp: '9' }, 'sign-in'), 'malformed'],
    ['too long', 'x'.repeat(8001), 'too-long'],
  ]
  for (const [name, session, reason] of cases) {
    t.match(await sessions.verify(session, CLIENT), { reason }, name)
  }
  const forgery = (index: number) => `${ours.slice(0, -43)}${String(index).padStart(43, 'A')}`
  for (let index = 0; index < 4; index++) {
    t.match(await sessions.verify(forgery(index), CLIENT), { reason: 'bad-signature' })
  }
  t.match(await sessions.verify(forgery(9), CLIENT), { reason: 'throttled', retryAfterSeconds: 1 })
  t.match(await sessions.verify(ours, CLIENT), { kind: 'granted' }, 'a known one is not')
})

t.test('a key that names too many caches gets no session', async (t) => {
  const { sessions } = await open()
  const cacheNames = Array.from({ length: 100 }, (_, index) => `${'x'.repeat(200)}${String(index)}`)
  // The names are valid; parsing each would say no more.
  const admin = { cacheNames } as unknown as NonNullable<Grant['admin']>
  await t.rejects(sessions.open({ ...LINK_GRANT, keyId: 'k', superUser: false, admin }), {
    code: 'HW_ADMIN_FORBIDDEN',
  })
})
