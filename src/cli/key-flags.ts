/** Flags of `key create` and `key import` to the grant that is asked for. */

import type { GrantRequest } from '../auth/key-request.ts'
import type { Role } from '../auth/grant.ts'
import { suggestion } from '../config/closest-name.ts'
import type { OwnValues } from '../config/flags.ts'
import { usageError } from './command.ts'
import { parseExpiresIn } from './durations.ts'

export const GRANT_FLAGS = {
  cache: 'strings',
  'all-caches': 'boolean',
  role: 'string',
  key: 'string',
  'key-prefix': 'string',
  'super-user': 'boolean',
  id: 'string',
  description: 'string',
  'expires-in': 'string',
} as const

/** The part of the usage text about them. */
export const GRANT_USAGE = `  --cache NAME           for this cache; again for further ones
  --all-caches           for every cache, future ones too
  --role ROLE            readwrite, readonly or writeonly
  --key KEY              for one item only
  --key-prefix PREFIX    for items whose key begins so
  --super-user           everything, the admin API included (instead of the five above)
  --id ID                name in lists and logs (random)
  --description TEXT     one line for people
  --expires-in TIME      90s, 30m, 12h, 30d or never (never, so that no channel stops one night)
`

const ROLES: readonly Role[] = ['readwrite', 'readonly', 'writeonly']

/** @throws HeadwaterError `HW_CLI_USAGE` with everything that is wrong. */
export function readGrantFlags(own: OwnValues<typeof GRANT_FLAGS>): GrantRequest {
  const problems: string[] = []
  const isSuperUser = own['super-user'] === true
  const isForAll = own['all-caches'] === true
  const { cache = [], role, key, description, id } = own
  const keyPrefix = own['key-prefix']
  const scope = [cache.length > 0, isForAll, role, key, keyPrefix]
  if (isSuperUser && scope.some((given) => given !== undefined && given !== false)) {
    problems.push('--super-user allows everything: leave out cache, role, key and key prefix')
  }
  if (!isSuperUser && cache.length === 0 && !isForAll) {
    problems.push('say what it is for: --cache NAME, --all-caches or --super-user')
  }
  if (cache.length > 0 && isForAll) problems.push('--cache and --all-caches exclude each other')
  if (!isSuperUser && role === undefined) {
    problems.push(`say what it may do: --role ${ROLES.join('|')}`)
  }
  const known = ROLES.find((name) => name === role)
  if (role !== undefined && known === undefined) {
    problems.push(
      `--role ${JSON.stringify(role)}: must be one of ${ROLES.join(', ')}${suggestion(role, ROLES)}`,
    )
  }
  if (key !== undefined && keyPrefix !== undefined) {
    problems.push('--key and --key-prefix exclude each other')
  }
  if (problems.length > 0) throw usageError('The key cannot be made from these flags.', problems)
  return {
    ...(id === undefined ? {} : { keyId: id }),
    ...(description === undefined ? {} : { description }),
    ...(isSuperUser ? { superUser: true } : { caches: isForAll ? '*' : cache }),
    ...(known === undefined ? {} : { role: known }),
    ...(key === undefined ? {} : { items: { kind: 'key', key } }),
    ...(keyPrefix === undefined ? {} : { items: { kind: 'keyPrefix', keyPrefix } }),
    ...expiryOf(own['expires-in']),
  }
}

function expiryOf(text: string | undefined): { expiresInSeconds?: number } {
  const expiresInSeconds = text === undefined ? undefined : parseExpiresIn(text)
  return expiresInSeconds === undefined ? {} : { expiresInSeconds }
}
