/**
 * Momento's system roles: what they are called, what they say of themselves, what they allow here.
 * Roles of one's own are not supported. Who may use a role is account-keys.ts's.
 */

import type { CachePermission, Grant } from './grant.ts'

/**
 * A permission set rule in Momento's own terms and spelling.
 * Source: Momento, Roles HTTP API, "Permission set".
 */
export interface RoleRule {
  readonly type:
    | 'account_management'
    | 'auth_management'
    | 'resource_management'
    | 'cache'
    | 'topic'
    | 'store'
    | 'function'
  readonly permissions: readonly ('read' | 'write' | 'list' | 'invoke')[]
  readonly items?: '*'
  readonly resources?: '*'
  readonly caches?: '*'
  readonly topics?: '*'
  readonly stores?: '*'
  readonly functions?: '*'
}

/** What a role allows on this server. */
export type RoleGrant = Pick<Grant, 'superUser' | 'permissions' | 'admin'> & {
  readonly authManagement: 'read' | 'write'
}

export interface SystemRole {
  readonly roleId: string
  readonly roleName: string
  readonly description: string
  readonly rules: readonly RoleRule[]
  readonly grant: RoleGrant
}

const ALL_ITEMS = { kind: 'all' } as const
const everyCache = (role: CachePermission['role']): readonly CachePermission[] => [
  { role, cacheName: '*', items: ALL_ITEMS },
]

/**
 * Owner, Operator, Viewer. Source: Momento, "Roles and permissions": Owner is a super-user, Operator
 * reads and writes auth and resource management and reads account management, Viewer reads all
 * three. Inferred: resources are caches and what is in them; the ids are the names in lower case.
 */
export const SYSTEM_ROLES: readonly SystemRole[] = [
  {
    roleId: 'owner',
    roleName: 'Owner',
    description: 'Full access (super-user)',
    rules: rulesOf({ account: ['read', 'list'], rest: ['read', 'write', 'list'] }),
    grant: { superUser: true, permissions: [], admin: undefined, authManagement: 'write' },
  },
  {
    roleId: 'operator',
    roleName: 'Operator',
    description: 'Reads and writes keys, caches and items',
    rules: rulesOf({ account: ['read', 'list'], rest: ['read', 'write', 'list'] }),
    grant: {
      superUser: false,
      permissions: everyCache('readwrite'),
      admin: { cacheNames: '*' },
      authManagement: 'write',
    },
  },
  {
    roleId: 'viewer',
    roleName: 'Viewer',
    description: 'Reads keys, caches and items',
    rules: rulesOf({ account: ['read', 'list'], rest: ['read', 'list'] }),
    grant: {
      superUser: false,
      permissions: everyCache('readonly'),
      admin: undefined,
      authManagement: 'read',
    },
  },
]

/** By id, in any case: `Viewer` is what people read in lists. `undefined`: there is no such role. */
export function findRole(roleId: string): SystemRole | undefined {
  const known = roleId.toLowerCase()
  return SYSTEM_ROLES.find((role) => role.roleId === known)
}

/**
 * Whether somebody may hand out (or take away) a key of this role: nobody gives more than they have.
 * An Operator's grant covers Operator and Viewer, a super-user's all.
 */
export function mayGiveRole(grant: Grant, role: SystemRole): boolean {
  if (grant.superUser) return true
  return grant.authManagement === 'write' && !role.grant.superUser
}

function rulesOf({
  account,
  rest,
}: {
  readonly account: RoleRule['permissions']
  readonly rest: RoleRule['permissions']
}): readonly RoleRule[] {
  return [
    { type: 'account_management', permissions: account },
    { type: 'auth_management', permissions: rest, items: '*' },
    { type: 'resource_management', permissions: rest, resources: '*' },
    { type: 'cache', permissions: rest, caches: '*', items: '*' },
  ]
}
