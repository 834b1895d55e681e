/**
 * The claims of a disposable token, to and from a grant. Signing is signed-token.ts's, minting
 * disposable-tokens.ts's.
 */

import type { DisposableOrigin, Grant } from './grant.ts'
import { formatPermissionClaim, parsePermissionClaim } from './permission-claim.ts'
import type { Claims } from './signed-token.ts'

/** Source: Momento, limits of authentication: a disposable token lives at most 25 hours. */
export const DISPOSABLE_SECONDS_MAX = 25 * 3600

/** Printable ASCII: a token id is seen in logs. Source of the length: Momento, tokens. */
export const TOKEN_ID = /^[\x20-\x7e]{1,64}$/

/** How a token's id is called in logs, events and revocations. `''`: all of them. */
export function disposableKeyId(tokenId: string): string {
  return `disposable:${tokenId}`
}

/** A grant that only a disposable token has. */
export type DisposableGrant = Grant & {
  readonly expiresAtMs: number
  readonly disposable: DisposableOrigin
}

/** @param options.expiresAtMs  Whole seconds. */
export function disposableGrant(options: {
  readonly permissions: Grant['permissions']
  readonly expiresAtMs: number
  readonly origin: DisposableOrigin
}): DisposableGrant {
  const { permissions, expiresAtMs, origin } = options
  return {
    keyId: disposableKeyId(origin.tokenId),
    superUser: false,
    permissions,
    admin: undefined,
    expiresAtMs,
    disposable: origin,
  }
}

/** `iat` has its milliseconds, so that a token made just after a revocation is not revoked with it. */
export function claimsOfDisposable(grant: DisposableGrant): Claims {
  const { tokenId, mintedBy, issuedAtMs } = grant.disposable
  return {
    sub: 'headwater',
    ver: 1,
    p: formatPermissionClaim(grant),
    tid: tokenId,
    by: mintedBy,
    iat: issuedAtMs / 1000,
    exp: grant.expiresAtMs / 1000,
  }
}

/**
 * `undefined` when the claims are not those of a disposable token, however right the signature is: one
 * without an end, with too late an end, or with more than items in it.
 */
export function grantOfDisposable(claims: Claims): DisposableGrant | undefined {
  const { ver, tid, by, iat, exp, p } = claims
  const permissions = parsePermissionClaim(p)
  if (ver !== 1 || permissions === undefined) return undefined
  if (permissions.superUser || permissions.admin !== undefined) return undefined
  if (typeof tid !== 'string' || !TOKEN_ID.test(tid) || typeof by !== 'string') return undefined
  if (typeof iat !== 'number' || typeof exp !== 'number' || !Number.isSafeInteger(exp)) {
    return undefined
  }
  // The end is rounded up to a whole second.
  if (!(exp - iat <= DISPOSABLE_SECONDS_MAX + 1)) return undefined
  return disposableGrant({
    permissions: permissions.permissions,
    expiresAtMs: exp * 1000,
    origin: { tokenId: tid, mintedBy: by, issuedAtMs: Math.round(iat * 1000) },
  })
}
