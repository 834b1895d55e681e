/** Who may use Momento's account API: a super-user, or a key whose role manages keys. */

import type { FastifyRequest } from 'fastify'
import type { Authenticator } from '../../auth/authenticator.ts'
import type { ClientAddresses } from '../../auth/client-address.ts'
import { credentialFromAuthorization } from '../../auth/credential.ts'
import type { Grant } from '../../auth/grant.ts'
import { AccountProblem } from './account-problem.ts'

export interface AccountAccessOptions {
  readonly authenticator: Authenticator
  readonly clientAddresses: ClientAddresses
}

/**
 * The grant of the credential in `Authorization`; one in the URL is not looked at.
 * Source: Momento, API Keys HTTP API, "Authentication".
 *
 * @throws AccountProblem 401, 403, 429.
 */
export async function requireAuthManagement(
  request: FastifyRequest,
  needed: 'read' | 'write',
  { authenticator, clientAddresses }: AccountAccessOptions,
): Promise<Grant> {
  const header = request.headers.authorization
  const credential = header === undefined ? undefined : credentialFromAuthorization(header)
  if (credential === undefined) {
    throw new AccountProblem(401, 'The Authorization header has no API key.')
  }
  const forwarded = request.headers['x-forwarded-for']
  const clientAddress = clientAddresses.of(
    request.socket.remoteAddress ?? '',
    Array.isArray(forwarded) ? forwarded.join(', ') : forwarded,
  )
  const verified = await authenticator.verify(credential, clientAddress)
  if (verified.kind === 'refused') {
    const { reason, retryAfterSeconds } = verified
    if (reason === 'throttled') {
      throw new AccountProblem(429, 'Too many unknown keys came from this address.', {
        ...{ err: 'credential-throttled', retryAfterSeconds },
      })
    }
    throw new AccountProblem(401, `The API key is not accepted: ${reason}.`)
  }
  const { grant } = verified
  const held = grant.superUser ? 'write' : grant.authManagement
  if (held === 'write' || held === needed) return grant
  throw new AccountProblem(403, 'The API key does not grant the required access.')
}
