import t from 'tap'
import type { CachePermission, Grant } from '../../src/auth/grant.ts'
import { claimsOfGrant, grantOfClaims } from '../../src/auth/data-key.ts'
import { formatPermissionClaim, parsePermissionClaim } from '../../src/auth/permission-claim.ts'
import { itemKeyFromText, parseCacheName } from '../../src/base/names.ts'
import type { CacheName, ItemKey } from '../../src/base/names.ts'

const live = parseCacheName('live') as CacheName
const encode = (json: unknown) => Buffer.from(JSON.stringify(json)).toString('base64url')

t.test('permissions survive the way through a claim', async (t) => {
  const permissions: CachePermission[] = [
    { role: 'readwrite', cacheName: '*', items: { kind: 'all' } },
    { role: 'readonly', cacheName: live, items: { kind: 'prefix', prefix: '/Movie/' } },
    { role: 'writeonly', cacheName: live, items: { kind: 'key', key: '\u0000\u00ff' as ItemKey } },
    { role: 'readonly', cacheName: live, items: { kind: 'key', key: itemKeyFromText('ü')! } },
  ]
  for (const set of [
    { superUser: false, permissions, admin: undefined },
    { superUser: false, permissions: [], admin: { cacheNames: [live] } },
    { superUser: false, permissions, admin: { cacheNames: '*' } },
    { superUser: true, permissions: [], admin: undefined },
  ] as const) {
    t.strictSame(parsePermissionClaim(formatPermissionClaim(set)), set)
  }
})

t.test('a claim that is anything else is refused whole', async (t) => {
  for (const claim of [
    undefined,
    1,
    '',
    '!!',
    encode(null),
    encode('x'),
    encode({ s: true }),
    encode({ c: 'x' }),
    encode({ c: ['x'] }),
    encode({ c: [['rwx', 'live']] }),
    encode({ c: [['constructor', 'live']] }),
    encode({ c: [['rw', 'a/b']] }),
    encode({ c: [['rw', 1]] }),
    encode({ c: [['rw', 'live'], ['r']] }),
    encode({ c: [['rw', 'live', 'k']] }),
    encode({ c: [['rw', 'live', 'k', '']] }),
    encode({ c: [['rw', 'live', 'p', '\u0100']] }),
    encode({ c: [['rw', 'live', 'x', 'a']] }),
    encode({ c: [], a: 1 }),
    encode({ c: [], a: ['a/b'] }),
    encode({ c: [], a: [1] }),
  ]) {
    t.equal(parsePermissionClaim(claim), undefined, JSON.stringify(claim))
  }
})

t.test('claims are a grant only with the right version, id and expiry', async (t) => {
  const grant: Grant = {
    keyId: 'k1',
    superUser: false,
    permissions: [{ role: 'readonly', cacheName: live, items: { kind: 'all' } }],
    admin: undefined,
    expiresAtMs: 2_000_000_000_000,
  }
  const claims = claimsOfGrant(grant, 1_000_999)
  t.match(claims, { ver: 1, jti: 'k1', iat: 1000, exp: 2_000_000_000 })
  t.strictSame(grantOfClaims(claims), grant)
  const forever = { ...grant, expiresAtMs: undefined }
  t.strictSame(grantOfClaims(claimsOfGrant(forever, 0)), forever)
  for (const wrong of [
    { ver: 2 },
    { jti: 7 },
    { jti: '' },
    { jti: 'a b' },
    { exp: '2000000000' },
    { exp: 1.5 },
    { exp: null },
    { p: 'x' },
  ]) {
    t.equal(grantOfClaims({ ...claims, ...wrong }), undefined, JSON.stringify(wrong))
  }
})
