import t from 'tap'
import { canWrite, permits } from '../../src/auth/grant.ts'
import type { CachePermission, Grant, ItemSelector, Operation, Role } from '../../src/auth/grant.ts'
import { itemKeyFromText, parseCacheName } from '../../src/base/names.ts'
import type { CacheName, ItemKey } from '../../src/base/names.ts'

const live = parseCacheName('live') as CacheName
const vod = parseCacheName('vod') as CacheName
const keyOf = (text: string): ItemKey => itemKeyFromText(text) as ItemKey

function grantOf(permissions: readonly CachePermission[], more: Partial<Grant> = {}): Grant {
  return {
    keyId: 'k',
    superUser: false,
    permissions,
    admin: undefined,
    expiresAtMs: undefined,
    ...more,
  }
}

const all: ItemSelector = { kind: 'all' }

t.test('a role allows its operations, delete counts as a write', async (t) => {
  const cases: readonly [Role, readonly Operation[]][] = [
    ['readwrite', ['read', 'write', 'delete']],
    ['readonly', ['read']],
    ['writeonly', ['write', 'delete']],
  ]
  for (const [role, allowed] of cases) {
    const grant = grantOf([{ role, cacheName: live, items: all }])
    for (const operation of ['read', 'write', 'delete'] as const) {
      const expected = allowed.includes(operation)
      t.equal(permits(grant, operation, live, keyOf('x')), expected, `${role} ${operation}`)
      t.equal(permits(grant, operation, vod, keyOf('x')), false, 'another cache')
    }
  }
})

t.test('any statement that matches grants, none is nothing, a super user has all', async (t) => {
  const grant = grantOf([
    { role: 'readonly', cacheName: '*', items: all },
    { role: 'writeonly', cacheName: live, items: { kind: 'key', key: keyOf('a') } },
  ])
  t.equal(permits(grant, 'read', vod, keyOf('x')), true)
  t.equal(permits(grant, 'write', live, keyOf('a')), true)
  t.equal(permits(grant, 'write', live, keyOf('b')), false)
  t.equal(permits(grantOf([]), 'read', live, keyOf('x')), false)
  t.equal(permits(grantOf([], { superUser: true }), 'delete', live, keyOf('x')), true)
})

t.test('a key or prefix with a leading slash also selects without it, not reversed', async (t) => {
  const cases: readonly [ItemSelector, string, boolean][] = [
    [{ kind: 'key', key: keyOf('/Movie/a') }, '/Movie/a', true],
    [{ kind: 'key', key: keyOf('/Movie/a') }, 'Movie/a', true],
    [{ kind: 'key', key: keyOf('/Movie/a') }, 'Movie/ab', false],
    [{ kind: 'key', key: keyOf('Movie/a') }, '/Movie/a', false],
    [{ kind: 'prefix', prefix: '/Movie/' }, '/Movie/a', true],
    [{ kind: 'prefix', prefix: '/Movie/' }, 'Movie/a', true],
    [{ kind: 'prefix', prefix: '/Movie/' }, '//Movie/a', false],
    [{ kind: 'prefix', prefix: '/Movie/' }, 'Movie2/a', false],
    [{ kind: 'prefix', prefix: 'Movie/' }, '/Movie/a', false],
    [{ kind: 'prefix', prefix: '/' }, '/a', true],
    [{ kind: 'prefix', prefix: '/' }, 'a', false],
  ]
  for (const [items, key, expected] of cases) {
    const grant = grantOf([{ role: 'readonly', cacheName: live, items }])
    t.equal(permits(grant, 'read', live, keyOf(key)), expected, `${JSON.stringify(items)} ${key}`)
  }
})

t.test('only a grant that is readonly throughout cannot write', async (t) => {
  const readonly: CachePermission = { role: 'readonly', cacheName: live, items: all }
  t.equal(canWrite(grantOf([readonly])), false)
  t.equal(canWrite(grantOf([readonly, { ...readonly, role: 'writeonly' }])), true)
  t.equal(canWrite(grantOf([], { superUser: true })), true)
  t.equal(canWrite(grantOf([readonly], { admin: { cacheNames: '*' } })), true)
})
