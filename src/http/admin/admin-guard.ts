/**
 * Who may talk to the admin API: a name that cannot be rebound, a page of our own, a key that
 * administers. Health and metrics are exempt and carry no secret.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Authenticator, Refused, Verified } from '../../auth/authenticator.ts'
import type { ClientAddresses } from '../../auth/client-address.ts'
import { credentialFromAuthorization } from '../../auth/credential.ts'
import type { Grant } from '../../auth/grant.ts'
import type { Sessions } from '../../auth/sessions.ts'
import { HeadwaterError } from '../../base/errors.ts'
import { hostName, isAddressHost, isLoopbackHost } from '../hosts.ts'

export interface AdminGuardOptions {
  readonly authenticator: Authenticator
  readonly sessions: Sessions
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

  app.addHook('onRequest', async (request, reply) => {
    checkHost(request.headers.host ?? '', allowed)
    checkOrigin(request, options.publicUrl)
    // Absent for what is no route.
    if (request.routeOptions.config?.isOpen === true) return
    grants.set(request, await authenticate(request, reply, options))
  })
}

/** Where a request comes from: what failures are counted against. */
export function clientAddressOf(
  request: FastifyRequest,
  { clientAddresses }: Pick<AdminGuardOptions, 'clientAddresses'>,
): string {
  const forwarded = request.headers['x-forwarded-for']
  return clientAddresses.of(
    request.socket.remoteAddress ?? '',
    Array.isArray(forwarded) ? forwarded.join(', ') : forwarded,
  )
}

/**
 * The grant of what was verified, when it may administer.
 *
 * @throws HeadwaterError `HW_ADMIN_UNAUTHORIZED`, `HW_ADMIN_THROTTLED` (with `Retry-After` on the
 *   reply), `HW_ADMIN_FORBIDDEN` for a key of the data plane.
 */
export function requireAdmin(verified: Verified, reply: FastifyReply): Grant {
  if (verified.kind === 'refused') throw refusalOf(verified, reply)
  const { grant } = verified
  if (!grant.superUser && grant.admin === undefined) {
    throw new HeadwaterError('HW_ADMIN_FORBIDDEN', 'This key is for the data plane alone.', {
      detail: 'Use a super-user key, or one with an admin grant.',
    })
  }
  return grant
}

/** @throws nothing: gives the error for {@link requireAdmin} and for whatever else is guessed at. */
export function refusalOf(
  { reason, retryAfterSeconds }: Pick<Refused, 'reason' | 'retryAfterSeconds'>,
  reply: FastifyReply,
): HeadwaterError {
  if (reason === 'throttled') {
    reply.header('Retry-After', String(retryAfterSeconds))
    return new HeadwaterError(
      'HW_ADMIN_THROTTLED',
      'Too many keys that are not accepted came from this address; try again shortly.',
    )
  }
  return new HeadwaterError('HW_ADMIN_UNAUTHORIZED', `The key is not accepted: ${reason}.`)
}

/** The credential of the header. A credential in a URL would end up in histories and logs. */
export function adminCredential(request: FastifyRequest): string | undefined {
  const header = request.headers.authorization
  return header === undefined ? undefined : credentialFromAuthorization(header)
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

async function authenticate(
  request: FastifyRequest,
  reply: FastifyReply,
  options: AdminGuardOptions,
): Promise<Grant> {
  const credential = adminCredential(request)
  if (credential === undefined) {
    throw new HeadwaterError('HW_ADMIN_UNAUTHORIZED', 'The admin API needs a key.', {
      detail: 'Send a super-user key as Authorization. It is in the data directory.',
    })
  }
  return requireAdmin(await verify(request, credential, options), reply)
}

function verify(
  request: FastifyRequest,
  credential: string,
  options: AdminGuardOptions,
): Promise<Verified> {
  const { authenticator, sessions } = options
  const clientAddress = clientAddressOf(request, options)
  return sessions.isSession(credential)
    ? sessions.verify(credential, clientAddress)
    : authenticator.verify(credential, clientAddress)
}

/** What the credential of a request that was let through is worth by now; `undefined`: nothing. */
export async function recheckAdmin(
  request: FastifyRequest,
  options: AdminGuardOptions,
): Promise<Grant | undefined> {
  const credential = adminCredential(request)
  if (credential === undefined) return undefined
  const verified = await verify(request, credential, options)
  if (verified.kind === 'refused') return undefined
  return verified.grant.superUser || verified.grant.admin !== undefined ? verified.grant : undefined
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
