/**
 * What a credential allows. A {@link Grant} is plain data; {@link permits} is the only judge of it.
 */

import type { CacheName, ItemKey } from '../base/names.ts'

/** Momento's cache roles (permission model v1): who may set, who may get. */
export type Role = 'readwrite' | 'readonly' | 'writeonly'

/** Which items of a cache. Keys and prefixes are byte strings. */
export type ItemSelector =
  | { readonly kind: 'all' }
  | { readonly kind: 'key'; readonly key: ItemKey }
  | { readonly kind: 'prefix'; readonly prefix: string }

export interface CachePermission {
  readonly role: Role
  /** `'*'`: every cache, future ones too. */
  readonly cacheName: CacheName | '*'
  readonly items: ItemSelector
}

/** May use `/api`; with names, only for these caches. Absent: data plane only. */
export interface AdminScope {
  readonly cacheNames: readonly CacheName[] | '*'
}

/** Where a disposable token comes from: what it takes to revoke it. */
export interface DisposableOrigin {
  readonly tokenId: string
  /** The key that asked for it; revoking that key revokes its tokens. */
  readonly mintedBy: string
  readonly issuedAtMs: number
}

export interface Grant {
  /** Names the key in logs and lists. Never the credential. A token's is `disposable:<tokenId>`. */
  readonly keyId: string
  /** Everything, everywhere, the admin API included. */
  readonly superUser: boolean
  /** Any match grants. */
  readonly permissions: readonly CachePermission[]
  readonly admin: AdminScope | undefined
  /** Wall clock, ms since the epoch; `undefined` never. */
  readonly expiresAtMs: number | undefined
  /** May list, or make and revoke, keys by Momento's account API. Absent: neither. */
  readonly authManagement?: 'read' | 'write'
  /** Present for a disposable token alone. */
  readonly disposable?: DisposableOrigin
}

export type Operation = 'read' | 'write' | 'delete'

/**
 * Whether a grant allows an operation on an item. Does not look at the expiry (the authenticator
 * does) or at whether the item exists: a key out of scope never shows that.
 *
 * `delete` counts as a write (Momento: silent; a readonly key cannot change anything).
 */
export function permits(
  grant: Grant,
  operation: Operation,
  cacheName: CacheName,
  key: ItemKey,
): boolean {
  if (grant.superUser) return true
  for (const permission of grant.permissions) {
    if (
      roleAllows(permission, operation) &&
      (permission.cacheName === '*' || permission.cacheName === cacheName) &&
      selects(permission.items, key)
    ) {
      return true
    }
  }
  return false
}

/**
 * Whether a grant could write anything, or see more than items: such a key must never reach a
 * viewer.
 */
export function canWrite(grant: Grant): boolean {
  return (
    grant.superUser ||
    grant.admin !== undefined ||
    grant.authManagement !== undefined ||
    grant.permissions.some((permission) => permission.role !== 'readonly')
  )
}

function roleAllows(permission: CachePermission, operation: Operation): boolean {
  if (permission.role === 'readwrite') return true
  return operation === 'read' ? permission.role === 'readonly' : permission.role === 'writeonly'
}

/**
 * A selector that starts with `/` also matches the same key without that slash: Momento's
 * entitlement page writes the prefix `/{ContentName}/`, and its path-style URLs never say whether
 * `/cache/media/Movie/x` is the key `Movie/x` or `/Movie/x`.
 */
function selects(selector: ItemSelector, key: ItemKey): boolean {
  switch (selector.kind) {
    case 'all':
      return true
    case 'key':
      return (
        key === selector.key ||
        (selector.key.charCodeAt(0) === 0x2f && key === selector.key.slice(1))
      )
    case 'prefix':
      return (
        key.startsWith(selector.prefix) ||
        (selector.prefix.charCodeAt(0) === 0x2f &&
          selector.prefix.length > 1 &&
          key.startsWith(selector.prefix.slice(1)))
      )
  }
}
