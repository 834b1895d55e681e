import t from 'tap'
import { DISPOSABLE_SECONDS_MAX } from '../../src/auth/disposable-claims.ts'
import { DisposableTokens } from '../../src/auth/disposable-tokens.ts'
import type { DisposableRequest } from '../../src/auth/disposable-tokens.ts'
import { permits } from '../../src/auth/grant.ts'
import type { Grant } from '../../src/auth/grant.ts'
import { ReaderTokens } from '../../src/auth/reader-tokens.ts'
import { claimsWithoutTrust } from '../../src/auth/signed-token.ts'
import { itemKeyFromText, parseCacheName } from '../../src/base/names.ts'
import type { CacheName } from '../../src/base/names.ts'
import { CLIENT, SECRET, forge, openAuth } from './support.ts'

const OURS = { alg: 'HS256', typ: 'hw-disposable+jwt' }
const READ: DisposableRequest = { role: 'readonly', caches: ['live'], expiresInSeconds: 60 }

/** The names of these tests are names. */
function cache(name: string): CacheName {
  const parsed = parseCacheName(name)
  if (parsed === undefined) throw new Error(name)
  return parsed
}

function superUser(keyId = 'root'): Grant {
  return { keyId, superUser: true, permissions: [], admin: undefined, expiresAtMs: undefined }
}

function adminOf(cacheNames: '*' | readonly string[], expiresAtMs?: number): Grant {
  return {
    keyId: 'admin',
    superUser: false,
    permissions: [],
    admin: { cacheNames: cacheNames === '*' ? '*' : cacheNames.map(cache) },
    expiresAtMs,
  }
}

async function open(options: Parameters<typeof openAuth>[0] = {}) {
  const auth = await openAuth(options)
  const publicUrl = () => 'http://localhost:8080'
  const disposables = new DisposableTokens({ secret: SECRET, clock: auth.clock, publicUrl })
  return { ...auth, disposables }
}

t.test('a token reads what it says, in both forms, and is in no list', async (t) => {
  const { disposables, authenticator, keys, clock } = await open()
  const token = await disposables.mint({ ...READ, tokenId: 'alice' }, superUser())
  t.equal(token.validUntil, clock.nowMs() / 1000 + 60)
  t.equal(token.restEndpoint, 'http://localhost:8080')
  for (const credential of [token.apiKey, token.innerJwt]) {
    const verified = await authenticator.verify(credential, CLIENT)
    if (verified.kind !== 'granted') throw new Error(verified.reason)
    t.equal(verified.grant.keyId, 'disposable:alice')
    const key = itemKeyFromText('a.ts')
    if (key === undefined) throw new Error('no key')
    t.ok(permits(verified.grant, 'read', cache('live'), key))
    t.notOk(permits(verified.grant, 'write', cache('live'), key))
    t.notOk(permits(verified.grant, 'read', cache('other'), key))
  }
  t.strictSame(keys.list(), [])
  clock.advance(60_000)
  t.match(await authenticator.verify(token.apiKey, CLIENT), { reason: 'expired' })
})

t.test('it always ends: 1 second to 25 hours', async (t) => {
  const { disposables } = await open()
  const life = (expiresInSeconds: number) =>
    disposables.mint({ ...READ, expiresInSeconds }, superUser())
  t.ok(await life(1))
  t.ok(await life(DISPOSABLE_SECONDS_MAX))
  for (const wrong of [0, -1, 1.5, NaN, DISPOSABLE_SECONDS_MAX + 1]) {
    await t.rejects(life(wrong), { code: 'HW_KEY_INVALID' }, String(wrong))
  }
})

t.test('a token id has 1 to 64 printable chars', async (t) => {
  const { disposables } = await open()
  const named = (tokenId: string) => disposables.mint({ ...READ, tokenId }, superUser())
  t.equal((await named('x'.repeat(64))).tokenId, 'x'.repeat(64))
  t.match((await disposables.mint(READ, superUser())).tokenId, /^token-[0-9a-f]{16}$/)
  for (const wrong of ['', 'x'.repeat(65), 'a\nb', 'clé']) {
    await t.rejects(named(wrong), { code: 'HW_KEY_INVALID' }, wrong)
  }
})

t.test('an admin makes tokens within its caches alone', async (t) => {
  const { disposables } = await open()
  const mint = (caches: '*' | readonly string[], minter: Grant) =>
    disposables.mint({ ...READ, role: 'readwrite', caches }, minter)
  t.ok(await mint(['a'], adminOf(['a', 'b'])))
  t.ok(await mint(['a', 'b'], adminOf(['a', 'b'])))
  t.ok(await mint('*', adminOf('*')))
  await t.rejects(mint(['a', 'c'], adminOf(['a', 'b'])), { code: 'HW_ADMIN_FORBIDDEN' })
  await t.rejects(mint('*', adminOf(['a'])), { code: 'HW_ADMIN_FORBIDDEN' })
  const player: Grant = { ...superUser(), superUser: false }
  await t.rejects(mint(['a'], player), { code: 'HW_ADMIN_FORBIDDEN' })
})

t.test('it does not outlive the key that asked for it', async (t) => {
  const { disposables, clock } = await open()
  const endMs = clock.nowMs() + 30_000
  const token = await disposables.mint(READ, adminOf(['live'], endMs))
  t.equal(token.validUntil * 1000, endMs)
})

t.test('what asks for nothing, or for too much, is told so', async (t) => {
  const { disposables } = await open()
  const nothing: DisposableRequest = { expiresInSeconds: 60 }
  await t.rejects(disposables.mint(nothing, superUser()), { code: 'HW_KEY_INVALID' })
  const caches = Array.from({ length: 20 }, (_, index) => `${'x'.repeat(200)}${String(index)}`)
  await t.rejects(disposables.mint({ ...READ, caches }, superUser()), /CloudFront|1700/)
})

t.test('tokens are revoked by id, all at once, and with their maker', async (t) => {
  const { disposables, authenticator, service, clock } = await open()
  const { keyId } = await service.mint({ admin: ['live'] })
  const minter = { ...adminOf(['live']), keyId }
  const mint = async (tokenId: string) =>
    (await disposables.mint({ ...READ, tokenId }, minter)).apiKey
  const stateOf = async (credential: string) => {
    const verified = await authenticator.verify(credential, CLIENT)
    return verified.kind === 'granted' ? 'granted' : verified.reason
  }
  const alice = await mint('alice')
  const bob = await mint('bob')
  t.equal(await stateOf(alice), 'granted')
  t.match(await service.revokeAny({ credential: alice }), { keyId: 'disposable:alice' })
  t.equal(await stateOf(alice), 'revoked')
  t.equal(await stateOf(bob), 'granted')
  clock.advance(1)
  t.equal(await stateOf(await mint('alice')), 'granted', 'made afterwards')
  await service.revokeAny({ keyId: 'disposable:' })
  t.equal(await stateOf(bob), 'revoked', 'all of them')
  clock.advance(1)
  const carol = await mint('carol')
  t.equal(await stateOf(carol), 'granted')
  await service.revoke(keyId)
  t.equal(await stateOf(carol), 'revoked', 'its maker is')
})

t.test('a revocation of tokens is written, and forgotten when none can be left', async (t) => {
  const { service, keys, records, clock } = await open()
  await service.revokeAny({ keyId: 'disposable:alice' })
  t.match(records.text, '"revocations":[{"keyId":"disposable:alice"')
  clock.advance(49 * 3600 * 1000)
  await service.revokeAny({ keyId: 'lost' })
  t.notMatch(records.text, 'alice')
  t.equal(keys.revokedAtMs('disposable:alice'), undefined)
  t.ok(keys.isRevoked('lost'))
})

t.test('claims that no minting makes are refused', async (t) => {
  const { authenticator, clock } = await open()
  const nowSeconds = clock.nowMs() / 1000
  const p = Buffer.from('{"c":[["r","live"]]}').toString('base64url')
  const good = { sub: 'headwater', ver: 1, p, tid: 'x', by: 'y', iat: nowSeconds }
  const late = { ...good, exp: nowSeconds + DISPOSABLE_SECONDS_MAX + 2 }
  const cases: readonly [string, object][] = [
    ['no end', good],
    ['an end in text', { ...good, exp: '9' }],
    ['an end after 25 hours', late],
    ['no beginning', { ...good, iat: undefined, exp: nowSeconds + 60 }],
    [
      'a super-user',
      { ...good, exp: nowSeconds + 60, p: Buffer.from('{"s":1}').toString('base64url') },
    ],
    [
      'an admin',
      { ...good, exp: nowSeconds + 60, p: Buffer.from('{"a":"*"}').toString('base64url') },
    ],
    ['no id', { ...good, exp: nowSeconds + 60, tid: undefined }],
    ['no maker', { ...good, exp: nowSeconds + 60, by: 7 }],
    ['another version', { ...good, exp: nowSeconds + 60, ver: 2 }],
  ]
  for (const [name, claims] of cases) {
    const token = await forge(OURS, claims, 'disposable')
    t.match(await authenticator.verify(token, CLIENT), { reason: 'malformed' }, name)
  }
  const fine = await forge(OURS, { ...good, exp: nowSeconds + 60 }, 'disposable')
  t.match(await authenticator.verify(fine, CLIENT), { kind: 'granted' })
})

t.test('the read-only twin of a token that writes is revoked with it', async (t) => {
  const { disposables, authenticator, service, clock } = await open()
  const readers = new ReaderTokens({ secret: SECRET, clock })
  const request: DisposableRequest = { ...READ, role: 'readwrite', tokenId: 'encoder' }
  const { innerJwt } = await disposables.mint(request, superUser())
  const verified = await authenticator.verify(innerJwt, CLIENT)
  if (verified.kind !== 'granted') throw new Error(verified.reason)
  const twin = (await readers.forReading(innerJwt, verified.grant)) ?? ''
  t.not(twin, innerJwt)
  t.match(claimsWithoutTrust(twin), { tid: 'encoder', exp: clock.nowMs() / 1000 + 60 })
  t.match(await authenticator.verify(twin, CLIENT), {
    grant: { keyId: 'disposable:encoder', permissions: [{ role: 'readonly' }] },
  })
  await service.revokeAny({ credential: twin })
  t.match(await authenticator.verify(innerJwt, CLIENT), { reason: 'revoked' })
  t.match(await authenticator.verify(twin, CLIENT), { reason: 'revoked' })
})
