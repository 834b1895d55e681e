/**
 * What somebody asks a key for, checked: text to names, lists to permissions. Momento's rules for
 * permission sets; everything that is wrong is said in one error.
 */

import { byteStringFromText, itemKeyFromText, parseCacheName, parseItemKey } from '../base/names.ts'
import type { CacheName } from '../base/names.ts'
import { HeadwaterError } from '../base/errors.ts'
import { DEV_KEYS } from './dev-keys.ts'
import type { AdminScope, CachePermission, ItemSelector, Role } from './grant.ts'
import { DESCRIPTION_CHARS_MAX, KEY_ID } from './key-record.ts'

/** Which items, as text (UTF-8). Absent or `all`: every item. */
export type ItemsRequest =
  | { readonly kind: 'all' }
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'keyPrefix'; readonly keyPrefix: string }

/** One statement per cache. */
export interface PermissionRequest {
  readonly role: Role
  /** `'*'`: every cache, future ones too. */
  readonly caches: '*' | readonly string[]
  readonly items?: ItemsRequest | undefined
}

/** Either `superUser`, or `role` and `caches` (and `items`), or a list of `permissions`, or both. */
export interface GrantRequest extends Partial<PermissionRequest> {
  /** Shows in logs and lists. Default: random. */
  readonly keyId?: string | undefined
  readonly description?: string | undefined
  readonly permissions?: readonly PermissionRequest[] | undefined
  /** Everything, the admin API included. */
  readonly superUser?: boolean | undefined
  /** May use the admin API, for these caches. */
  readonly admin?: '*' | readonly string[] | undefined
  /** 1 second to {@link EXPIRY_SECONDS_MAX}, whole. Absent: never. */
  readonly expiresInSeconds?: number | undefined
}

/** A request that can be granted. */
export interface CheckedGrantRequest {
  readonly keyId: string | undefined
  readonly description: string
  readonly permissions: readonly CachePermission[]
  readonly superUser: boolean
  readonly admin: AdminScope | undefined
  readonly expiresInSeconds: number | undefined
}

/** Statements in one key. Source: Momento, limits of authentication (10, later 20). */
export const STATEMENTS_MAX = 20
/** Ten years of 365 days. */
export const EXPIRY_SECONDS_MAX = 10 * 365 * 24 * 3600

const ROLES: readonly unknown[] = ['readwrite', 'readonly', 'writeonly']

/** @throws HeadwaterError `HW_KEY_INVALID` with every problem of the request. */
export function checkGrantRequest(request: GrantRequest): CheckedGrantRequest {
  const problems: string[] = []
  const checked: CheckedGrantRequest = {
    keyId: checkKeyId(request.keyId, problems),
    description: checkDescription(request.description ?? '', problems),
    superUser: request.superUser === true,
    permissions: checkPermissions(permissionsOf(request, problems), problems),
    admin: checkAdmin(request.admin, problems),
    expiresInSeconds: checkExpiry(request.expiresInSeconds, problems),
  }
  const { superUser, permissions, admin } = checked
  if (superUser && (permissions.length > 0 || admin !== undefined)) {
    problems.push('a super-user key allows everything: it takes no role, no caches and no admin')
  }
  if (!superUser && permissions.length === 0 && admin === undefined && problems.length === 0) {
    problems.push('it would allow nothing: give a role and caches, or superUser')
  }
  if (problems.length > 0) throw invalid(problems)
  return checked
}

/** `HW_KEY_INVALID` with its reasons. */
export function invalid(problems: readonly string[]): HeadwaterError {
  return new HeadwaterError('HW_KEY_INVALID', `The key cannot be made: ${problems.join('; ')}.`)
}

function checkKeyId(keyId: string | undefined, problems: string[]): string | undefined {
  if (keyId === undefined) return undefined
  // Never repeated: somebody may have put the key itself here.
  if (!KEY_ID.test(keyId)) {
    problems.push('a key id is 1 to 64 letters, digits, ".", "_" or "-", and starts with one')
  } else if (DEV_KEYS.has(keyId)) {
    problems.push(`"${keyId}" is the id of a dev key`)
  }
  return keyId
}

function checkDescription(description: string, problems: string[]): string {
  if (description.length > DESCRIPTION_CHARS_MAX || /[\u0000-\u001f\u007f]/.test(description)) {
    problems.push(`a description is one line of at most ${DESCRIPTION_CHARS_MAX} chars`)
  }
  return description
}

function permissionsOf(request: GrantRequest, problems: string[]): readonly PermissionRequest[] {
  const { role, caches, items, permissions = [] } = request
  if (role !== undefined && caches !== undefined) {
    return [{ role, caches, items }, ...permissions]
  }
  if (role !== undefined) problems.push('the role is for no cache: name caches, or all')
  else if (caches !== undefined) problems.push('the caches have no role')
  else if (items !== undefined && items.kind !== 'all') {
    problems.push('the key or key prefix is for no cache: give a role and caches')
  }
  return permissions
}

function checkPermissions(
  requests: readonly PermissionRequest[],
  problems: string[],
): readonly CachePermission[] {
  const permissions: CachePermission[] = []
  const roles = new Map<string, Role>()
  for (const { role, caches, items } of requests) {
    if (!ROLES.includes(role)) problems.push('a role is readwrite, readonly or writeonly')
    const selector = checkItems(items ?? { kind: 'all' }, problems)
    for (const cacheName of checkCaches(caches, problems)) {
      const known = roles.get(JSON.stringify([cacheName, selector]))
      if (known === role) {
        problems.push(`the permission for cache "${cacheName}" is there twice`)
      } else if (known !== undefined) {
        problems.push(`cache "${cacheName}" has the roles ${known} and ${role} for the same items`)
      }
      roles.set(JSON.stringify([cacheName, selector]), role)
      permissions.push({ role, cacheName, items: selector })
    }
  }
  if (permissions.length > STATEMENTS_MAX) {
    problems.push(`it has ${permissions.length} permissions; ${STATEMENTS_MAX} are the most`)
  }
  return permissions
}

function checkCaches(
  caches: '*' | readonly string[],
  problems: string[],
): readonly (CacheName | '*')[] {
  if (caches === '*') return ['*']
  if (caches.length === 0) problems.push('the list of caches is empty')
  return caches.flatMap((text) => {
    const cacheName = text === '*' ? text : parseCacheName(text)
    if (cacheName !== undefined) return [cacheName]
    problems.push('a cache name is 1 to 255 letters, digits, ".", "_" or "-"')
    return []
  })
}

function checkItems(items: ItemsRequest, problems: string[]): ItemSelector {
  switch (items.kind) {
    case 'all':
      return { kind: 'all' }
    case 'key': {
      const key = itemKeyFromText(items.key)
      if (key !== undefined) return { kind: 'key', key }
      problems.push('a key is 1 to 1024 bytes of UTF-8')
      return { kind: 'all' }
    }
    case 'keyPrefix': {
      const prefix = byteStringFromText(items.keyPrefix)
      if (parseItemKey(prefix) !== undefined) return { kind: 'prefix', prefix }
      problems.push('a key prefix is 1 to 1024 bytes of UTF-8')
      return { kind: 'all' }
    }
  }
}

function checkAdmin(
  admin: '*' | readonly string[] | undefined,
  problems: string[],
): AdminScope | undefined {
  if (admin === undefined) return undefined
  if (admin === '*') return { cacheNames: '*' }
  // `'*'` inside a list is not a cache name.
  const cacheNames = checkCaches(admin, problems).filter(isCacheName)
  if (cacheNames.length < admin.length) problems.push('admin is "*" or a list of cache names')
  return { cacheNames }
}

function isCacheName(name: CacheName | '*'): name is CacheName {
  return name !== '*'
}

function checkExpiry(seconds: number | undefined, problems: string[]): number | undefined {
  if (seconds === undefined) return undefined
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > EXPIRY_SECONDS_MAX) {
    problems.push(
      `it must expire in 1 to ${EXPIRY_SECONDS_MAX} whole seconds (ten years), or never`,
    )
  }
  return seconds
}
