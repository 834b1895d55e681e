/**
 * Permissions as the claim `p` of a JWT carries them: base64url of a JSON that is as short as it can
 * be, since a key travels in headers of bounded size and its JSON is base64-coded three times.
 */

import { parseCacheName, parseItemKey } from '../base/names.ts'
import type { CacheName } from '../base/names.ts'
import type { AdminScope, CachePermission, Grant, ItemSelector, Role } from './grant.ts'

/** The part of a grant that a claim says. */
export type Permissions = Pick<Grant, 'superUser' | 'permissions' | 'admin'>

/** `{"s":1}` for a super user; else `c`: `[role, cache]` or `[role, cache, "k" | "p", bytes]`. */
export function formatPermissionClaim({ superUser, permissions, admin }: Permissions): string {
  const json = {
    ...(superUser ? { s: 1 } : {}),
    ...(permissions.length > 0 ? { c: permissions.map(toStatement) } : {}),
    ...(admin === undefined ? {} : { a: admin.cacheNames }),
  }
  return Buffer.from(JSON.stringify(json), 'utf8').toString('base64url')
}

/** `undefined` when it is not what {@link formatPermissionClaim} writes. */
export function parsePermissionClaim(claim: unknown): Permissions | undefined {
  if (typeof claim !== 'string') return undefined
  let json: unknown
  try {
    json = JSON.parse(Buffer.from(claim, 'base64url').toString('utf8'))
  } catch {
    // Not JSON: not one of our claims.
    return undefined
  }
  if (typeof json !== 'object' || json === null) return undefined
  const superUser = 's' in json && json.s === 1
  if ('s' in json && !superUser) return undefined
  const statements: unknown = 'c' in json ? json.c : []
  if (!Array.isArray(statements)) return undefined
  const permissions = statements.map(fromStatement)
  const admin = 'a' in json ? parseAdmin(json.a) : undefined
  if (!permissions.every((permission) => permission !== undefined)) return undefined
  if ('a' in json && admin === undefined) return undefined
  return { superUser, permissions, admin }
}

const ROLE_CODES: Readonly<Record<Role, string>> = {
  readwrite: 'rw',
  readonly: 'r',
  writeonly: 'w',
}
const ROLES: ReadonlyMap<unknown, Role> = new Map([
  ['rw', 'readwrite'],
  ['r', 'readonly'],
  ['w', 'writeonly'],
])

function toStatement({ role, cacheName, items }: CachePermission): readonly string[] {
  const statement = [ROLE_CODES[role], cacheName]
  switch (items.kind) {
    case 'all':
      return statement
    case 'key':
      return [...statement, 'k', items.key]
    case 'prefix':
      return [...statement, 'p', items.prefix]
  }
}

function fromStatement(statement: unknown): CachePermission | undefined {
  if (!Array.isArray(statement)) return undefined
  // JSON.parse made this array: its members are unknown, whatever `isArray` says.
  const [roleCode, cache, kind, bytes] = statement as readonly unknown[]
  const role = ROLES.get(roleCode)
  const cacheName = parseCache(cache)
  const items = statement.length === 2 ? ALL_ITEMS : parseItems(kind, bytes)
  if (role === undefined || cacheName === undefined || items === undefined) return undefined
  return { role, cacheName, items }
}

const ALL_ITEMS: ItemSelector = { kind: 'all' }

function parseItems(kind: unknown, bytes: unknown): ItemSelector | undefined {
  const key = typeof bytes === 'string' ? parseItemKey(bytes) : undefined
  if (key === undefined) return undefined
  if (kind === 'k') return { kind: 'key', key }
  return kind === 'p' ? { kind: 'prefix', prefix: key } : undefined
}

function parseCache(cache: unknown): CacheName | '*' | undefined {
  if (cache === '*') return cache
  return typeof cache === 'string' ? parseCacheName(cache) : undefined
}

function parseAdmin(names: unknown): AdminScope | undefined {
  if (names === '*') return { cacheNames: '*' }
  if (!Array.isArray(names)) return undefined
  const cacheNames = names.map((name: unknown) =>
    typeof name === 'string' ? parseCacheName(name) : undefined,
  )
  return cacheNames.every((name) => name !== undefined) ? { cacheNames } : undefined
}
