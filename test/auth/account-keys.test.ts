import t from 'tap'
import { AccountKeys } from '../../src/auth/account-keys.ts'
import { canWrite } from '../../src/auth/grant.ts'
import type { Grant } from '../../src/auth/grant.ts'
import { SYSTEM_ROLES, findRole, mayGiveRole } from '../../src/auth/roles.ts'
import type { SystemRole } from '../../src/auth/roles.ts'
import { claimsWithoutTrust } from '../../src/auth/signed-token.ts'
import { CLIENT, MemoryRecords, SECRET, forge, openAuth } from './support.ts'

const V2 = { alg: 'HS512', typ: 'hw-v2+jwt' }

function role(roleId: string): SystemRole {
  const found = findRole(roleId)
  if (found === undefined) throw new Error(roleId)
  return found
}

async function open(records = new MemoryRecords()) {
  const auth = await openAuth({ records })
  const { keys, clock } = auth
  return { ...auth, accountKeys: new AccountKeys({ secret: SECRET, keys, clock }) }
}

t.test('a v2 key names itself alone, and its role is in the registry', async (t) => {
  const { accountKeys, authenticator } = await open()
  const { apiKey, record } = await accountKeys.create({
    ...{ role: role('viewer'), description: 'a dashboard', expiresAtMs: undefined },
  })
  t.strictSame(claimsWithoutTrust(apiKey), { t: 'g', jti: record.keyId })
  t.match(Buffer.from(apiKey.split('.')[0] ?? '', 'base64url').toString(), /"HS512"/)
  const verified = await authenticator.verify(apiKey, CLIENT)
  if (verified.kind !== 'granted') throw new Error(verified.reason)
  t.match(verified.grant, { keyId: record.keyId, superUser: false, authManagement: 'read' })
  t.ok(canWrite(verified.grant), 'so it never reaches a viewer')
})

t.test(
  'it outlives a restart, expires, is revoked, and is nothing without its record',
  async (t) => {
    const records = new MemoryRecords()
    const { accountKeys, clock } = await open(records)
    const create = async (expiresAtMs?: number) =>
      accountKeys.create({ role: role('operator'), description: '', expiresAtMs })
    const short = await create(clock.nowMs() + 5000)
    const long = await create()
    const { authenticator, service, clock: later } = await open(records)
    t.match(await authenticator.verify(short.apiKey, CLIENT), {
      grant: { admin: { cacheNames: '*' }, authManagement: 'write' },
    })
    later.advance(5000)
    t.match(await authenticator.verify(short.apiKey, CLIENT), { reason: 'expired' })
    await service.revokeAny({ credential: long.apiKey })
    t.match(await authenticator.verify(long.apiKey, CLIENT), { reason: 'revoked' })
    const empty = await open()
    t.match(await empty.authenticator.verify(long.apiKey, CLIENT), { reason: 'unknown' })
  },
)

t.test('claims that are not those of a v2 key are refused', async (t) => {
  const { authenticator, service, accountKeys } = await open()
  const minted = await service.mint({ superUser: true })
  const { record } = await accountKeys.create({
    ...{ role: role('owner'), description: '', expiresAtMs: undefined },
  })
  const cases: readonly [object, string][] = [
    [{ t: 'x', jti: record.keyId }, 'malformed'],
    [{ jti: record.keyId }, 'malformed'],
    [{ t: 'g' }, 'malformed'],
    [{ t: 'g', jti: 'nobody' }, 'unknown'],
    [{ t: 'g', jti: minted.keyId }, 'unknown'],
  ]
  for (const [claims, reason] of cases) {
    const token = await forge(V2, claims, 'v2')
    t.match(await authenticator.verify(token, CLIENT), { reason }, JSON.stringify(claims))
  }
})

t.test('lists go on behind a key, even when it is gone', async (t) => {
  const { accountKeys, service, clock } = await open()
  await service.mint({ superUser: true })
  const ids: string[] = []
  for (let index = 0; index < 4; index++) {
    const { record } = await accountKeys.create({
      ...{ role: role('viewer'), description: String(index), expiresAtMs: undefined },
    })
    ids.push(record.keyId)
    clock.advance(1)
  }
  const idsOf = (after?: Parameters<typeof accountKeys.list>[0]) =>
    accountKeys.list(after).map(({ keyId }) => keyId)
  t.strictSame(idsOf(), ids)
  const second = accountKeys.list(undefined)[1]
  t.strictSame(idsOf(second), ids.slice(2))
  await accountKeys.revoke(ids[1] ?? '')
  t.strictSame(idsOf(second), ids.slice(2))
  t.strictSame(idsOf(), [ids[0], ids[2], ids[3]])
  t.equal(accountKeys.get(ids[1] ?? ''), undefined)
})

t.test('nobody gives more than they have', async (t) => {
  const grantOf = (authManagement?: 'read' | 'write'): Grant => ({
    ...{ keyId: 'k', superUser: false, permissions: [], admin: undefined, expiresAtMs: undefined },
    ...(authManagement === undefined ? {} : { authManagement }),
  })
  const given = (grant: Grant) =>
    SYSTEM_ROLES.filter((each) => mayGiveRole(grant, each)).map(({ roleId }) => roleId)
  t.strictSame(given({ ...grantOf(), superUser: true }), ['owner', 'operator', 'viewer'])
  t.strictSame(given(grantOf('write')), ['operator', 'viewer'])
  t.strictSame(given(grantOf('read')), [])
  t.strictSame(given(grantOf()), [])
  t.equal(findRole('Viewer'), findRole('viewer'))
  t.equal(findRole('nobody'), undefined)
})

t.test('a record of a v2 key has a role, others have none', async (t) => {
  const records = new MemoryRecords()
  const { accountKeys } = await open(records)
  await accountKeys.create({ role: role('owner'), description: '', expiresAtMs: undefined })
  const good = records.text ?? ''
  records.text = good.replace(',"roleId":"owner"', '')
  await t.rejects(open(records), { code: 'HW_DATA_DIR_CORRUPT' })
  records.text = good.replace('"kind":"v2"', '"kind":"minted"')
  await t.rejects(open(records), { code: 'HW_DATA_DIR_CORRUPT' })
})
