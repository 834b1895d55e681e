/**
 * `/roles`: Momento's three system roles can be listed; they cannot be changed, with Momento neither.
 * Roles of one's own (and with them `ip_filter`) are not supported: 501.
 */

import type { FastifyInstance } from 'fastify'
import { SYSTEM_ROLES, findRole } from '../../auth/roles.ts'
import type { SystemRole } from '../../auth/roles.ts'
import { requireAuthManagement } from './account-access.ts'
import type { AccountAccessOptions } from './account-access.ts'
import { AccountProblem } from './account-problem.ts'
import { invalidToken, pageOf, readLimit, readNextToken, readParameter } from './paging.ts'

export function registerRoleRoutes(app: FastifyInstance, options: AccountAccessOptions): void {
  app.get('/', async (request) => {
    await requireAuthManagement(request, 'read', options)
    const limit = readLimit(request.query)
    const roles = rolesOfType(readParameter(request.query, 'type'))
    const after = readAfter(request.query)
    const { page, next } = pageOf(roles.slice(after), limit, ({ roleId }) => [roleId])
    return { roles: page.map(toRole), ...next }
  })
  app.post('/', async (request) => {
    await requireAuthManagement(request, 'write', options)
    const { role_name: roleName } = readRole(request.body)
    if (findRole(roleName) !== undefined) {
      throw new AccountProblem(409, 'A role with this name exists.')
    }
    throw new AccountProblem(
      501,
      'Custom roles (and ip_filter) are not supported: use owner, operator or viewer, or a key of `headwater key create` with permissions of its own.',
      { err: 'custom-roles' },
    )
  })
  for (const method of ['PUT', 'DELETE'] as const) {
    app.route({
      method,
      url: '/:role_id',
      handler: async (request) => {
        await requireAuthManagement(request, 'write', options)
        // The path has it.
        const { role_id: roleId } = request.params as { readonly role_id: string }
        if (findRole(roleId) === undefined) {
          throw new AccountProblem(404, 'There is no role with this role_id.')
        }
        throw new AccountProblem(412, 'System roles cannot be modified or deleted.')
      },
    })
  }
}

/** Source: Momento, Roles HTTP API, "Role object". */
function toRole({ roleId, roleName, description, rules }: SystemRole) {
  return {
    role_id: roleId,
    role_name: roleName,
    role_type: 'system',
    description,
    permissions: { rules, conditions: [] },
  }
}

/** @throws AccountProblem 400 */
function rolesOfType(type: string | undefined): readonly SystemRole[] {
  if (type === undefined || type === 'system') return SYSTEM_ROLES
  if (type === 'custom') return []
  throw new AccountProblem(400, 'type must be system or custom.')
}

/** How many roles come before the page. @throws AccountProblem 400 */
function readAfter(query: unknown): number {
  const place = readNextToken(query)
  if (place === undefined) return 0
  const index = SYSTEM_ROLES.findIndex(({ roleId }) => roleId === place[0])
  if (index === -1) throw invalidToken()
  return index + 1
}

/** @throws AccountProblem 400 */
function readRole(body: unknown): { readonly role_name: string } {
  if (typeof body !== 'object' || body === null || !('role_name' in body)) {
    throw new AccountProblem(400, 'The body must be a JSON object with role_name and permissions.')
  }
  const { role_name: roleName } = body
  const hasPermissions =
    'permissions' in body && typeof body.permissions === 'object' && body.permissions !== null
  if (typeof roleName !== 'string' || roleName === '' || !hasPermissions) {
    throw new AccountProblem(400, 'role_name must be a string and permissions an object.')
  }
  return { role_name: roleName }
}
