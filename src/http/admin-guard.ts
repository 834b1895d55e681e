/**
 * Who may talk to the admin API: a name that cannot be rebound, a page of our own, a key that
 * administers. Health and metrics are exempt and carry no secret.
 */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Authenticator } from '../auth/authenticator.ts'
import type { ClientAddresses } from '../auth/client-address.ts'
import { credentialFromAuthorization } from '../auth/credential.ts'
import type { Grant } from '../auth/grant.ts'
import { HeadwaterError } from '../base/errors.ts'
import { hostName, isAddressHost, isLoopbackHost } from './hosts.ts'

export interface AdminGuardOptions {
  readonly authenticator: Authenticator
  readonly clientAddresses: ClientAddresses
  /** Host names without port that may be used besides loopback names and addresses. */
  readonly allowedHosts: readonly string[]
  /** `admin.publicUrl`, or ''. */
  readonly publicUrl: string
}

/** The grant that let a request to `/api` through. */
const grants = new WeakMap<FastifyRequest, Grant>()

/** @throws TypeError when the route is not behind the guard. */
export function adminGrant(request: FastifyRequest): Grant {
  const grant = grants.get(request)
  if (grant === undefined) throw new TypeError('the route is not behind the admin guard')
  return grant
}

/** Guards every route of this Fastify scope. */
export function guardAdmin(app: FastifyInstance, options: AdminGuardOptions): void {
  const allowed = new Set(options.allowedHosts.map((host) => hostName(host)))
  if (options.publicUrl !== '') allowed.add(new URL(options.publicUrl).hostname.toLowerCase())

  app.addHook('onRequest', async (request) => {
    checkHost(request.headers.host ?? '', allowed)
    checkOrigin(request, options.publicUrl)
    grants.set(request, await authenticate(request, options))
  })
}

/** DNS rebinding: a foreign page whose name now points here still says its own name in Host. */
function checkHost(host: string, allowed: ReadonlySet<string>): void {
  if (isLoopbackHost(host) || isAddressHost(host) || allowed.has(hostName(host))) return
  throw new HeadwaterError(
    'HW_REQUEST_FORBIDDEN_HOST',
    'The admin API does not answer to this host name.',
    { detail: 'Use localhost or an address, or add the name to admin.allowedHosts.' },
  )
}

/** Cross-site requests: a browser says where a page came from; programs send no Origin. */
function checkOrigin(request: FastifyRequest, publicUrl: string): void {
  const { origin, host } = request.headers
  if (origin === undefined) return
  const ownOrigins = [`http://${host}`, `https://${host}`]
  if (publicUrl !== '') ownOrigins.push(new URL(publicUrl).origin)
  if (ownOrigins.includes(origin)) return
  throw new HeadwaterError(
    'HW_REQUEST_FORBIDDEN_HOST',
    'The admin API does not answer to pages of another site.',
  )
}

/** The header alone: a credential in a URL would end up in histories and logs. */
async function authenticate(request: FastifyRequest, options: AdminGuardOptions): Promise<Grant> {
  const { authenticator, clientAddresses } = options
  const header = request.headers.authorization
  const credential = header === undefined ? undefined : credentialFromAuthorization(header)
  if (credential === undefined) {
    throw new HeadwaterError('HW_ADMIN_UNAUTHORIZED', 'The admin API needs a key.', {
      detail: 'Send a super-user key as Authorization. It is in the data directory.',
    })
  }
  const forwarded = request.headers['x-forwarded-for']
  const clientAddress = clientAddresses.of(
    request.socket.remoteAddress ?? '',
    Array.isArray(forwarded) ? forwarded.join(', ') : forwarded,
  )
  const verified =
    authenticator.recall(credential) ?? (await authenticator.verify(credential, clientAddress))
  if (verified.kind === 'refused') {
    throw new HeadwaterError(
      'HW_ADMIN_UNAUTHORIZED',
      `The key is not accepted: ${verified.reason}.`,
    )
  }
  const { grant } = verified
  if (!grant.superUser && grant.admin === undefined) {
    throw new HeadwaterError('HW_ADMIN_FORBIDDEN', 'This key is for the data plane alone.', {
      detail: 'Use a super-user key, or one with an admin grant.',
    })
  }
  return grant
}

/** @throws HeadwaterError HW_ADMIN_FORBIDDEN when the grant does not administer this cache. */
export function requireCache(grant: Grant, cacheName: string): void {
  if (administers(grant, cacheName)) return
  throw new HeadwaterError('HW_ADMIN_FORBIDDEN', 'This key does not administer that cache.')
}

export function administers(grant: Grant, cacheName: string): boolean {
  if (grant.superUser || grant.admin?.cacheNames === '*') return true
  return grant.admin?.cacheNames.some((name) => name === cacheName) ?? false
}

/** @throws HeadwaterError HW_ADMIN_FORBIDDEN: keys, and what concerns all caches, are a super-user's. */
export function requireSuperUser(grant: Grant): void {
  if (grant.superUser) return
  throw new HeadwaterError('HW_ADMIN_FORBIDDEN', 'This needs a super-user key.')
}
