import t from 'tap'
import { REFRESHED_MAX, VALID_FOREVER } from '../../src/auth/key-service.ts'
import type { MintRequest } from '../../src/auth/key-service.ts'
import { REVOCATIONS_MAX } from '../../src/auth/key-registry.ts'
import { CLIENT, MemoryRecords, OTHER_SECRET, forge, openAuth } from './support.ts'

const PLAYER: MintRequest = { role: 'readonly', caches: ['live'], expiresInSeconds: 100 }
const REFRESH = { alg: 'HS256', typ: 'hw-refresh+jwt' }

t.test('a refreshed key has the permissions and the duration of the old one', async (t) => {
  const { service, authenticator, clock } = await openAuth()
  const items = { kind: 'keyPrefix', keyPrefix: 'é/' } as const
  const old = await service.mint({ ...PLAYER, items, keyId: 'player', description: 'the player' })
  clock.advance(60_000)
  const { refreshToken, apiKey } = old
  const fresh = await service.refresh({ refreshToken, apiKey })
  t.equal(fresh.validUntil, clock.nowMs() / 1000 + 100)
  t.not(fresh.keyId, old.keyId)
  t.strictSame(fresh.record.permissions, old.record.permissions)
  t.match(fresh.record, { description: 'the player', refreshedFrom: 'player', kind: 'minted' })
  t.match(await authenticator.verify(fresh.apiKey, CLIENT), { grant: { keyId: fresh.keyId } })
  t.match(await authenticator.verify(apiKey, CLIENT), { kind: 'granted' }, 'the old one is valid')
  clock.advance(40_000)
  t.match(await authenticator.verify(apiKey, CLIENT), { reason: 'expired' }, 'until it expires')
  const third = await service.refresh({ refreshToken: fresh.refreshToken })
  t.equal(third.record.refreshedFrom, 'player', 'the first of the line')
})

t.test('a key that never expires is refreshed to one that never does', async (t) => {
  const { service } = await openAuth()
  const { refreshToken } = await service.mint({ superUser: true })
  const fresh = await service.refresh({ refreshToken })
  t.equal(fresh.validUntil, VALID_FOREVER)
  t.equal(fresh.record.superUser, true)
})

t.test('an expired, a revoked and a foreign key cannot be refreshed', async (t) => {
  const { service, clock } = await openAuth()
  const expiring = await service.mint(PLAYER)
  const revoked = await service.mint(PLAYER)
  await service.revoke(revoked.keyId)
  const refused = (refreshToken: string) =>
    t.rejects(service.refresh({ refreshToken }), { code: 'HW_ADMIN_UNAUTHORIZED' })
  await refused(revoked.refreshToken)
  await refused(expiring.innerJwt)
  await refused(expiring.apiKey)
  await refused('garbage')
  const nowSeconds = clock.nowMs() / 1000
  const p = Buffer.from('{"s":1}').toString('base64url')
  const claims = { ver: 1, jti: 'x', p, exp: nowSeconds + 60 }
  await refused(await forge(REFRESH, { ...claims, dur: 60 }, 'refresh', OTHER_SECRET))
  await refused(await forge(REFRESH, claims, 'refresh'))
  await refused(await forge(REFRESH, { ...claims, dur: 60 }, 'data'))
  clock.advance(100_000)
  await refused(expiring.refreshToken)
})

t.test('the key that is sent along must be that of the refresh token', async (t) => {
  const { service } = await openAuth()
  const [one, other] = [await service.mint(PLAYER), await service.mint(PLAYER)]
  const { refreshToken } = one
  await t.rejects(service.refresh({ refreshToken, apiKey: other.apiKey }), {
    code: 'HW_KEY_INVALID',
  })
  await t.rejects(service.refresh({ refreshToken, apiKey: 'x' }), { code: 'HW_KEY_INVALID' })
  t.ok(await service.refresh({ refreshToken, apiKey: one.innerJwt }))
})

t.test('one refresh token does not fill the registry', async (t) => {
  const { service } = await openAuth()
  const { refreshToken } = await service.mint(PLAYER)
  const copies = []
  for (let index = 0; index < REFRESHED_MAX; index++) {
    copies.push(await service.refresh({ refreshToken }))
  }
  const again = () => service.refresh({ refreshToken })
  await t.rejects(again(), { code: 'HW_KEY_INVALID', message: /20 refreshed copies/ })
  const newest = copies.at(-1)?.refreshToken ?? ''
  await t.rejects(service.refresh({ refreshToken: newest }), { code: 'HW_KEY_INVALID' })
  await service.revoke(copies[0]?.keyId ?? '')
  t.ok(await again())
})

t.test('whatever is presented is revoked: key, refresh token, imported string', async (t) => {
  const { service, authenticator } = await openAuth()
  const byKey = await service.mint(PLAYER)
  const byRefresh = await service.mint(PLAYER)
  await service.import({ ...PLAYER, keyId: 'old', credential: 'a secret that somebody has' })
  t.match(await service.revokeAny({ credential: byKey.apiKey }), {
    keyId: byKey.keyId,
    record: { keyId: byKey.keyId },
  })
  await service.revokeAny({ credential: byRefresh.refreshToken })
  await service.revokeAny({ credential: 'a secret that somebody has' })
  for (const credential of [byKey.innerJwt, byRefresh.apiKey, 'a secret that somebody has']) {
    t.match(await authenticator.verify(credential, CLIENT), { reason: 'revoked' })
  }
  for (const credential of ['nobody knows this one', `${byKey.innerJwt}x`, 'eyJlbmRwb2ludCI6!']) {
    await t.rejects(service.revokeAny({ credential }), { code: 'HW_KEY_NOT_FOUND' })
  }
})

t.test('a key without a record can be revoked, for good', async (t) => {
  const lost = await openAuth()
  const byCredential = await lost.service.mint(PLAYER)
  const byId = await lost.service.mint({ ...PLAYER, keyId: 'lost' })
  const records = new MemoryRecords()
  const { service, authenticator } = await openAuth({ records })
  t.match(await authenticator.verify(byId.apiKey, CLIENT), { kind: 'granted' }, 'signed by us')
  t.match(await service.revokeAny({ keyId: 'lost' }), { record: undefined })
  t.match(await authenticator.verify(byId.apiKey, CLIENT), { reason: 'revoked' }, 'at once')
  await service.revokeAny({ credential: byCredential.apiKey })
  await service.revokeAny({ credential: byCredential.apiKey })
  const again = await openAuth({ records })
  for (const { apiKey } of [byId, byCredential]) {
    t.match(await again.authenticator.verify(apiKey, CLIENT), { reason: 'revoked' }, 'later, too')
  }
  await t.rejects(again.service.refresh({ refreshToken: byId.refreshToken }), /revoked/)
  await t.rejects(again.service.mint({ ...PLAYER, keyId: 'lost' }), { code: 'HW_KEY_EXISTS' })
})

t.test('what is no id is refused, unrepeated', async (t) => {
  const { service } = await openAuth()
  for (const keyId of ['', 'a b', 'x'.repeat(65), 'sign-in:', 'dev-encoder', 'disposable:\n']) {
    await t.rejects(service.revokeAny({ keyId }), { code: 'HW_KEY_INVALID' }, keyId)
  }
})

t.test('revocations without a record are bounded', async (t) => {
  const revocations = Array.from({ length: REVOCATIONS_MAX - 1 }, (_, index) => ({
    keyId: `k${String(index)}`,
    revokedAtMs: 0,
  }))
  const records = new MemoryRecords()
  records.text = JSON.stringify({ version: 1, keys: [], revocations })
  const { service, keys } = await openAuth({ records })
  await service.revokeAny({ keyId: 'last' })
  await t.rejects(service.revokeAny({ keyId: 'over' }), { code: 'HW_KEY_INVALID' })
  t.ok(keys.isRevoked('last'))
  t.notOk(keys.isRevoked('over'))
})

t.test('a document whose revocations are not ours is refused', async (t) => {
  for (const revocations of [{}, [1], [{ keyId: 'a b', revokedAtMs: 1 }], [{ keyId: 'a' }]]) {
    const records = new MemoryRecords()
    records.text = JSON.stringify({ version: 1, keys: [], revocations })
    await t.rejects(openAuth({ records }), { code: 'HW_DATA_DIR_CORRUPT' })
  }
})
