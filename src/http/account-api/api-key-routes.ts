/** `/api-keys`: make, list and revoke keys of Momento's second kind. */

import type { FastifyInstance } from 'fastify'
import type { AccountKeyPlace, AccountKeyRecord, AccountKeys } from '../../auth/account-keys.ts'
import { DESCRIPTION_CHARS_MAX } from '../../auth/key-record.ts'
import { EXPIRY_SECONDS_MAX } from '../../auth/key-request.ts'
import { findRole, mayGiveRole } from '../../auth/roles.ts'
import { requireAuthManagement } from './account-access.ts'
import type { AccountAccessOptions } from './account-access.ts'
import { AccountProblem } from './account-problem.ts'
import { invalidToken, pageOf, readLimit, readNextToken } from './paging.ts'

export interface ApiKeyRoutesOptions extends AccountAccessOptions {
  readonly keys: AccountKeys
}

/** There is one account here; Momento's ids begin so. */
export const ACCOUNT_ID = 'a-headwater'

export function registerApiKeyRoutes(app: FastifyInstance, options: ApiKeyRoutesOptions): void {
  const { keys } = options
  app.post('/', async (request) => {
    const grant = await requireAuthManagement(request, 'write', options)
    const { roleId, description, expiresAtMs } = readKeyRequest(request.body, keys.nowMs())
    const role = findRole(roleId)
    if (role === undefined) throw new AccountProblem(404, 'There is no role with this role_id.')
    if (!mayGiveRole(grant, role)) {
      throw new AccountProblem(403, 'A key cannot make one that may do more than itself.')
    }
    const { apiKey, record } = await keys.create({ role, description, expiresAtMs })
    return { api_key: apiKey, key_info: toKeyInfo(record) }
  })
  app.get('/', async (request) => {
    await requireAuthManagement(request, 'read', options)
    const limit = readLimit(request.query)
    const { page, next } = pageOf(keys.list(readPlace(request.query)), limit, formatPlace)
    return { key_info: page.map(toKeyInfo), ...next }
  })
  app.delete('/:key_id', async (request) => {
    const grant = await requireAuthManagement(request, 'write', options)
    // The path has it.
    const { key_id: keyId } = request.params as { readonly key_id: string }
    const record = keys.get(keyId)
    if (record === undefined) throw new AccountProblem(404, 'There is no key with this key_id.')
    const role = findRole(record.roleId)
    if (role !== undefined && !mayGiveRole(grant, role)) {
      throw new AccountProblem(403, 'A key cannot revoke one that may do more than itself.')
    }
    await keys.revoke(keyId)
    return {}
  })
}

/** Source: Momento, API Keys HTTP API, "API key object". */
function toKeyInfo(record: AccountKeyRecord) {
  const { keyId, description, roleId, expiresAtMs, issuedAtMs } = record
  return {
    key_id: keyId,
    account_id: ACCOUNT_ID,
    description,
    role_id: roleId,
    ...(expiresAtMs === undefined ? {} : { expires_at_epoch_seconds: expiresAtMs / 1000 }),
    issued_at_epoch_seconds: Math.floor(issuedAtMs / 1000),
  }
}

interface KeyRequest {
  readonly roleId: string
  readonly description: string
  readonly expiresAtMs: number | undefined
}

/** @throws AccountProblem 400 with everything that is wrong. */
function readKeyRequest(body: unknown, nowMs: number): KeyRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new AccountProblem(400, 'The body must be a JSON object.')
  }
  // What JSON.parse made of an object is a record of unknowns.
  const { role_id: roleId, description, expiry } = body as Readonly<Record<string, unknown>>
  const problems: string[] = []
  if (typeof roleId !== 'string' || roleId === '') problems.push('role_id must be a string')
  if (typeof description !== 'string') problems.push('description must be a string')
  else if (
    description.length > DESCRIPTION_CHARS_MAX ||
    /[\u0000-\u001f\u007f]/.test(description)
  ) {
    problems.push(`description must be one line of at most ${String(DESCRIPTION_CHARS_MAX)} chars`)
  }
  const expiresAtMs = readExpiry(expiry, nowMs, problems)
  if (problems.length > 0 || typeof roleId !== 'string' || typeof description !== 'string') {
    throw new AccountProblem(400, `${problems.join('; ')}.`)
  }
  return { roleId, description, expiresAtMs }
}

function readExpiry(expiry: unknown, nowMs: number, problems: string[]): number | undefined {
  if (expiry === 'never') return undefined
  if (typeof expiry !== 'number' || !Number.isSafeInteger(expiry)) {
    problems.push('expiry must be "never" or an integer of seconds since the Unix epoch')
    return undefined
  }
  const leftSeconds = expiry - nowMs / 1000
  if (leftSeconds <= 0) problems.push('expiry is in the past')
  if (leftSeconds > EXPIRY_SECONDS_MAX) {
    problems.push('expiry is over ten years ahead (seconds, not milliseconds, or "never")')
  }
  return expiry * 1000
}

function formatPlace({ issuedAtMs, keyId }: AccountKeyPlace): readonly string[] {
  return [String(issuedAtMs), keyId]
}

/** @throws AccountProblem 400 */
function readPlace(query: unknown): AccountKeyPlace | undefined {
  const place = readNextToken(query)
  if (place === undefined) return undefined
  const [issuedAt = '', keyId] = place
  if (!/^\d{1,15}$/.test(issuedAt) || keyId === undefined) throw invalidToken()
  return { issuedAtMs: Number(issuedAt), keyId }
}
