import t from 'tap'
import { Authenticator, GUESSABLE_CHARS, REMEMBERED_MAX } from '../../src/auth/authenticator.ts'
import { CREDENTIAL_CHARS_MAX, wrapCredential } from '../../src/auth/credential.ts'
import { claimsOfGrant } from '../../src/auth/data-key.ts'
import { DEV_ENCODER_KEY, DEV_PLAYER_KEY, DEV_SUPER_USER_KEY } from '../../src/auth/dev-keys.ts'
import { permits } from '../../src/auth/grant.ts'
import { itemKeyFromText, parseCacheName } from '../../src/base/names.ts'
import { CLIENT, OTHER_SECRET, SECRET, forge, openAuth } from './support.ts'

const PLAYER = { role: 'readonly', caches: ['live'] } as const
const OURS = { alg: 'HS256', typ: 'hw+jwt' }

const playerClaims = (keyId: string) =>
  claimsOfGrant(
    { keyId, superUser: true, permissions: [], admin: undefined, expiresAtMs: undefined },
    0,
  )

t.test('a key is verified once and then recalled, in both forms', async (t) => {
  const { service, authenticator } = await openAuth()
  const { apiKey, innerJwt, keyId } = await service.mint(PLAYER)
  for (const form of [apiKey, innerJwt]) {
    t.equal(authenticator.recall(form), undefined)
    const verified = await authenticator.verify(form, CLIENT)
    t.match(verified, { kind: 'granted', grant: { keyId } })
    t.equal(authenticator.recall(form), verified, 'the same object')
    t.equal(authenticator.recall(`${form.slice(0, -1)}`), undefined)
    t.equal(authenticator.recall(`x${form}`), undefined, 'the whole is compared')
    t.equal(authenticator.recall(`X${form.slice(1)}`), undefined, 'the whole is compared')
  }
  t.equal(authenticator.stats.signatureCheckCount, 2)
  await authenticator.verify(apiKey, CLIENT)
  t.equal(authenticator.stats.signatureCheckCount, 2)
  t.match(authenticator.stats, { rememberedCount: 2, verificationCount: 2, recallCount: 3 })
})

t.test('a thousand requests at once with one new key are one verification', async (t) => {
  const { service, authenticator } = await openAuth()
  const { apiKey } = await service.mint(PLAYER)
  const all = await Promise.all(
    Array.from({ length: 1000 }, () => authenticator.verify(apiKey, CLIENT)),
  )
  t.equal(all.filter(({ kind }) => kind === 'granted').length, 1000)
  t.equal(authenticator.stats.signatureCheckCount, 1)
})

t.test('a key expires to the millisecond, verified before or not', async (t) => {
  const { service, authenticator, clock } = await openAuth()
  const known = await service.mint({ ...PLAYER, expiresInSeconds: 10 })
  const fresh = await service.mint({ ...PLAYER, expiresInSeconds: 10 })
  await authenticator.verify(known.apiKey, CLIENT)
  clock.advance(9999)
  t.match(authenticator.recall(known.apiKey), { kind: 'granted' })
  clock.advance(1)
  const expired = { kind: 'refused', reason: 'expired', keyId: known.keyId, retryAfterSeconds: 0 }
  t.strictSame(authenticator.recall(known.apiKey), expired)
  t.match(await authenticator.verify(fresh.apiKey, CLIENT), { reason: 'expired' })
  const { signatureCheckCount } = authenticator.stats
  t.match(await authenticator.verify(fresh.apiKey, CLIENT), { reason: 'expired' })
  t.equal(authenticator.stats.signatureCheckCount, signatureCheckCount, 'and is recalled as such')
  clock.jumpWall(-1)
  t.match(authenticator.recall(known.apiKey), { kind: 'granted' }, 'the wall clock decides')
})

t.test('a revoked key is refused at the very next recall, others stay recalled', async (t) => {
  const { service, authenticator } = await openAuth()
  const revoked = await service.mint({ ...PLAYER, keyId: 'a' })
  const other = await service.mint({ ...PLAYER, keyId: 'b' })
  const credential = 'a secret of old'
  await service.import({ ...PLAYER, keyId: 'c', credential })
  for (const form of [revoked.apiKey, revoked.innerJwt, other.apiKey, credential]) {
    await authenticator.verify(form, CLIENT)
  }
  const { signatureCheckCount } = authenticator.stats
  const written = service.revoke('a')
  const refused = { kind: 'refused', reason: 'revoked', keyId: 'a', retryAfterSeconds: 0 }
  t.strictSame(authenticator.recall(revoked.apiKey), refused, 'before it is even written')
  t.strictSame(authenticator.recall(revoked.innerJwt), refused)
  t.match(authenticator.recall(other.apiKey), { kind: 'granted' })
  await written
  void service.revoke('c')
  t.match(authenticator.recall(credential), { reason: 'revoked', keyId: 'c' })
  t.match(await authenticator.verify(revoked.apiKey, CLIENT), refused)
  t.equal(authenticator.stats.signatureCheckCount, signatureCheckCount, 'nothing verified again')
})

t.test('a revoked key is refused after a restart, an unregistered one is not', async (t) => {
  const first = await openAuth()
  const revoked = await first.service.mint({ ...PLAYER, keyId: 'a' })
  const credential = 'a secret of old'
  await first.service.import({ ...PLAYER, keyId: 'b', credential })
  await first.service.revoke('a')
  await first.service.revoke('b')
  const second = await openAuth({ records: first.records })
  for (const form of [revoked.apiKey, revoked.innerJwt, credential]) {
    t.match(await second.authenticator.verify(form, CLIENT), { reason: 'revoked' })
  }
  const elsewhere = await openAuth()
  t.match(await elsewhere.authenticator.verify(revoked.apiKey, CLIENT), {
    kind: 'granted',
    grant: { keyId: 'a' },
  })
})

t.test('a key that is revoked while it is verified is refused', async (t) => {
  const { service, authenticator } = await openAuth()
  const { apiKey, keyId } = await service.mint(PLAYER)
  const verified = authenticator.verify(apiKey, CLIENT)
  await service.revoke(keyId)
  t.match(await verified, { reason: 'revoked' })
})

t.test('what is not a key of ours is refused with its reason', async (t) => {
  const { service, authenticator } = await openAuth({ failuresBurst: 1000 })
  const { innerJwt, refreshToken, keyId } = await service.mint(PLAYER)
  const [header = '', payload = '', signature = ''] = innerJwt.split('.')
  const encode = (json: unknown) => Buffer.from(JSON.stringify(json)).toString('base64url')
  const claims = playerClaims(keyId)
  const cases: readonly [string, string, string][] = [
    ['empty', '', 'malformed'],
    ['control characters', 'abc\u0000def', 'malformed'],
    ['not ASCII', 'clé', 'malformed'],
    ['an unreadable wrapper', 'eyJlbmRwb2ludCI6!!', 'malformed'],
    ['an empty wrapper', Buffer.from('{"endpoint":"x"}').toString('base64'), 'malformed'],
    ['4,096 chars', 'x'.repeat(CREDENTIAL_CHARS_MAX), 'unknown'],
    ['4,097 chars', 'x'.repeat(CREDENTIAL_CHARS_MAX + 1), 'too-long'],
    ['a megabyte', 'x'.repeat(1_000_000), 'too-long'],
    ['garbage', 'garbage', 'unknown'],
    ['two dots', 'a.b.c', 'unknown'],
    ['a refresh token', refreshToken, 'unknown'],
    ['a refresh token in a wrapper', wrapCredential('x', refreshToken), 'unknown'],
    ['a wrapper in a wrapper', wrapCredential('x', wrapCredential('x', innerJwt)), 'unknown'],
    ['alg none', `${encode({ alg: 'none' })}.${payload}.`, 'unknown'],
    ['alg none, our typ', `${encode({ alg: 'none', typ: 'hw+jwt' })}.${payload}.x`, 'unknown'],
    ['no signature', `${header}.${payload}.`, 'unknown'],
    ['no typ, our key', await forge({ alg: 'HS256' }, claims), 'unknown'],
    ['typ JWT, our key', await forge({ alg: 'HS256', typ: 'JWT' }, claims), 'unknown'],
    ['HS512, the v2 key', await forge({ alg: 'HS512', typ: 'hw+jwt' }, claims, 'v2'), 'unknown'],
    ['one member more', await forge({ ...OURS, kid: 'x' }, claims), 'unknown'],
    [
      'disposable, with claims of a key',
      await forge({ ...OURS, typ: 'hw-disposable+jwt' }, claims, 'disposable'),
      'malformed',
    ],
    ['our header, the refresh key', await forge(OURS, claims, 'refresh'), 'bad-signature'],
    ['another secret', await forge(OURS, claims, 'data', OTHER_SECRET), 'bad-signature'],
    ['changed claims', `${header}.${encode(claims)}.${signature}`, 'bad-signature'],
    ['a cut signature', innerJwt.slice(0, -4), 'bad-signature'],
    ['ours, no claims', await forge(OURS, {}), 'malformed'],
    ['ours, a string', await forge(OURS, 'x' as unknown as object), 'bad-signature'],
  ]
  for (const [name, credential, reason] of cases) {
    const verified = await authenticator.verify(credential, CLIENT)
    t.match(verified, { kind: 'refused', reason, retryAfterSeconds: 0 }, name)
    if (credential !== '') t.notOk(JSON.stringify(verified).includes(credential), name)
  }
  t.equal(authenticator.stats.rememberedCount, 0)
})

t.test('a forged key shows the id only of a key that exists', async (t) => {
  const { service, authenticator } = await openAuth()
  const { keyId } = await service.mint(PLAYER)
  const forgery = (id: string) => forge(OURS, playerClaims(id), 'data', OTHER_SECRET)
  t.match(await authenticator.verify(await forgery(keyId), CLIENT), { keyId })
  t.match(await authenticator.verify(await forgery('nobody'), CLIENT), { keyId: undefined })
})

t.test('the secret has 32 bytes at least', async (t) => {
  await t.rejects(openAuth({ secret: SECRET.subarray(1) }), { code: 'HW_AUTH_SIGNING_KEY' })
})

t.test('10,000 forgeries from one address cost a few signature checks', async (t) => {
  const { service, authenticator, clock } = await openAuth()
  const good = await service.mint({ ...PLAYER, keyId: 'good' })
  const late = await service.mint({ ...PLAYER, keyId: 'late' })
  await authenticator.verify(good.apiKey, CLIENT)
  const before = authenticator.stats.signatureCheckCount
  const [head, , signature] = good.innerJwt.split('.')
  const forgery = (jti: string) => {
    const payload = Buffer.from(JSON.stringify({ jti })).toString('base64url')
    return `${head}.${payload}.${signature}`
  }
  const verified = await Promise.all(
    Array.from({ length: 10_000 }, (_, index) =>
      authenticator.verify(forgery(`f${index}`), CLIENT),
    ),
  )
  t.equal(authenticator.stats.signatureCheckCount - before, 5, 'the burst')
  t.equal(authenticator.stats.refusedCounts.throttled, 9995)
  t.match(verified[9999], { reason: 'throttled', keyId: undefined, retryAfterSeconds: 1 })

  t.match(authenticator.recall(good.apiKey), { kind: 'granted' }, 'a verified key is served')
  t.match(await authenticator.verify(late.apiKey, CLIENT), { kind: 'granted' }, 'a new one, too')
  t.match(await authenticator.verify(forgery('other'), '192.0.2.2'), { reason: 'bad-signature' })
  clock.advance(100)
  t.match(await authenticator.verify(forgery('later'), CLIENT), { reason: 'bad-signature' })
  t.match(await authenticator.verify(forgery('again'), CLIENT), { reason: 'throttled' })
})

t.test('10,000 forgeries that name a known key id cost a few more', async (t) => {
  const { service, authenticator, clock } = await openAuth()
  const { innerJwt, keyId, apiKey } = await service.mint(PLAYER)
  const [head, , signature] = innerJwt.split('.')
  const forgery = (index: number) => {
    const payload = Buffer.from(JSON.stringify({ jti: keyId, index })).toString('base64url')
    return `${head}.${payload}.${signature}`
  }
  for (let index = 0; index < 10_000; index++) await authenticator.verify(forgery(index), CLIENT)
  t.equal(authenticator.stats.signatureCheckCount, 5 + 5, "the address's burst and the key's")
  t.match(await authenticator.verify(apiKey, '192.0.2.2'), { kind: 'granted' }, 'from elsewhere')
  clock.advance(1000)
  t.match(await authenticator.verify(innerJwt, CLIENT), { kind: 'granted' }, 'here, a moment later')
})

t.test('opaque guesses are throttled, an imported credential is not', async (t) => {
  const { service, authenticator } = await openAuth()
  const credential = 'a secret of old, of 24 c.'.slice(0, GUESSABLE_CHARS)
  await service.import({ ...PLAYER, keyId: 'old', credential })
  let throttled = 0
  for (let index = 0; index < 1000; index++) {
    const verified = await authenticator.verify(`guess number ${index}`, CLIENT)
    if (verified.kind === 'refused' && verified.reason === 'throttled') throttled++
  }
  t.equal(throttled, 995)
  t.match(await authenticator.verify(credential, CLIENT), { grant: { keyId: 'old' } })
  t.equal(authenticator.stats.signatureCheckCount, 0)
})

t.test('a short imported secret cannot be guessed by who is throttled', async (t) => {
  const { service, authenticator, clock } = await openAuth()
  const credential = 'x'.repeat(GUESSABLE_CHARS - 1)
  await service.import({ ...PLAYER, keyId: 'short', credential })
  for (let index = 0; index < 5; index++) await authenticator.verify(`guess ${index}`, CLIENT)
  t.match(await authenticator.verify(credential, CLIENT), { reason: 'throttled' }, 'unread')
  t.match(await authenticator.verify(credential, '192.0.2.9'), { grant: { keyId: 'short' } })
  t.match(
    await authenticator.verify(credential, CLIENT),
    { grant: { keyId: 'short' } },
    'known now',
  )
  clock.advance(1000)
  for (let index = 0; index < 20; index++) await authenticator.verify(credential, CLIENT)
  t.match(await authenticator.verify('a guess', CLIENT), { reason: 'unknown' }, 'costs no failure')
})

t.test('good, expired and revoked keys do not use up an address', async (t) => {
  const { service, authenticator, clock } = await openAuth({ failuresBurst: 1 })
  for (let index = 0; index < 5; index++) {
    const { apiKey, keyId } = await service.mint({ ...PLAYER, expiresInSeconds: 5 })
    if (index === 1) await service.revoke(keyId)
    if (index === 2) clock.advance(5000)
    t.notMatch(await authenticator.verify(apiKey, CLIENT), { reason: 'throttled' })
  }
  t.equal(authenticator.stats.throttledAddressCount, 0)
  t.match(await authenticator.verify('a guess', CLIENT), { reason: 'unknown' })
  t.match(await authenticator.verify('another', CLIENT), { reason: 'throttled' })
})

t.test('IPv6 clients are throttled by /64, mapped ones by their IPv4 address', async (t) => {
  const { authenticator } = await openAuth({ failuresBurst: 1 })
  const reasonOf = async (guess: string, address: string) => {
    const verified = await authenticator.verify(guess, address)
    return verified.kind === 'refused' ? verified.reason : 'granted'
  }
  t.equal(await reasonOf('guess 1', '2001:db8:0:1::1'), 'unknown')
  t.equal(await reasonOf('guess 2', '2001:db8:0:1:ffff::2'), 'throttled')
  t.equal(await reasonOf('guess 3', '2001:db8:0:2::1'), 'unknown')
  t.equal(await reasonOf('guess 4', '192.0.2.7'), 'unknown')
  t.equal(await reasonOf('guess 5', '::ffff:192.0.2.7'), 'throttled')
})

t.test('one wrong key, sent again and again, does not use up its address', async (t) => {
  const { service, authenticator } = await openAuth({ failuresBurst: 2 })
  const wrong = await forge(OURS, playerClaims('x'), 'data', OTHER_SECRET)
  for (let index = 0; index < 1000; index++) {
    t.match(await authenticator.verify(wrong, CLIENT), { reason: 'bad-signature' })
  }
  t.equal(authenticator.stats.signatureCheckCount, 1)
  t.match(authenticator.recall(wrong), { reason: 'bad-signature' })
  t.match(await authenticator.verify('a guess', CLIENT), { reason: 'unknown' })
  await service.import({ ...PLAYER, credential: wrong })
  t.equal(authenticator.recall(wrong), undefined, 'until the registry changes')
  t.match(await authenticator.verify(wrong, CLIENT), { kind: 'granted' })
})

t.test('what is remembered is bounded', async (t) => {
  const { service, authenticator } = await openAuth({ failuresBurst: 10_000 })
  const { innerJwt } = await service.mint(PLAYER)
  for (let index = 0; index < 2000; index++) await authenticator.verify(`guess ${index}`, CLIENT)
  t.equal(authenticator.stats.rememberedRefusalCount, 1000)
  // One key in as many spellings as its holder likes.
  for (let index = 0; index <= REMEMBERED_MAX; index++) {
    const json = JSON.stringify({ endpoint: 'x', api_key: innerJwt, end: `spelling ${index}` })
    await authenticator.verify(Buffer.from(json).toString('base64'), CLIENT)
  }
  t.equal(authenticator.stats.rememberedCount, REMEMBERED_MAX)
})

t.test('imported credentials with the same end are told apart', async (t) => {
  const { service, authenticator } = await openAuth()
  const end = 'e'.repeat(60)
  await service.import({ ...PLAYER, keyId: 'a', credential: `a${end}` })
  await service.import({ ...PLAYER, keyId: 'b', credential: `b${end}` })
  for (const keyId of ['a', 'b', 'a']) {
    t.match(await authenticator.verify(`${keyId}${end}`, CLIENT), { grant: { keyId } })
    t.match(authenticator.recall(`${keyId}${end}`), { grant: { keyId } })
  }
  t.equal(authenticator.recall(`c${end}`), undefined)
  t.equal(authenticator.recall(`é${end}`), undefined)
  t.equal(authenticator.recall(end), undefined)
})

t.test('dev keys are unknown unless they are asked for', async (t) => {
  const { authenticator } = await openAuth()
  for (const key of [DEV_SUPER_USER_KEY, DEV_ENCODER_KEY, DEV_PLAYER_KEY]) {
    t.equal(authenticator.recall(key), undefined)
    t.match(await authenticator.verify(key, '127.0.0.1'), { reason: 'unknown' })
  }
})

t.test('dev keys: encoder writes, player reads, from everywhere', async (t) => {
  const { authenticator } = await openAuth({ devKeys: true })
  const cacheName = parseCacheName('live')!
  const item = itemKeyFromText('x')!
  for (const [key, mayWrite] of [
    [DEV_ENCODER_KEY, true],
    [DEV_PLAYER_KEY, false],
  ] as const) {
    const verified = authenticator.recall(key)
    t.match(verified, { kind: 'granted', grant: { keyId: key, superUser: false } })
    t.equal(await authenticator.verify(key, CLIENT), verified)
    if (verified?.kind !== 'granted') continue
    t.equal(permits(verified.grant, 'read', cacheName, item), true)
    t.equal(permits(verified.grant, 'write', cacheName, item), mayWrite)
    t.equal(permits(verified.grant, 'delete', cacheName, item), mayWrite)
  }
  t.equal(authenticator.stats.rememberedCount, 0)
})

t.test('the dev super-user key works from loopback only and is never recalled', async (t) => {
  const { authenticator } = await openAuth({ devKeys: true, failuresBurst: 3 })
  for (const address of ['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1']) {
    const verified = await authenticator.verify(DEV_SUPER_USER_KEY, address)
    t.match(verified, { kind: 'granted', grant: { superUser: true } }, address)
    t.equal(authenticator.recall(DEV_SUPER_USER_KEY), undefined)
  }
  for (const address of [CLIENT, '::ffff:192.0.2.5', '2001:db8::1', '', 'localhost']) {
    const verified = await authenticator.verify(DEV_SUPER_USER_KEY, address)
    t.match(verified, { reason: 'unknown' }, address)
    t.equal(authenticator.recall(DEV_SUPER_USER_KEY), undefined)
  }
  t.match(await authenticator.verify(DEV_SUPER_USER_KEY, '::1'), { kind: 'granted' })
})

t.test('the same secret and registry in another process accept the same keys', async (t) => {
  const { service, keys, clock } = await openAuth()
  const { apiKey } = await service.mint(PLAYER)
  const other = new Authenticator({
    secret: Buffer.from(SECRET),
    keys,
    clock,
    devKeys: false,
    failuresPerSecondMax: 1,
    failuresBurst: 1,
  })
  t.match(await other.verify(apiKey, CLIENT), { kind: 'granted' })
})
