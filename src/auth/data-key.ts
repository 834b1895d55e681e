/** The claims of a data key's inner JWT, to and from a grant. Signing is signed-token.ts's. */

import type { Grant } from './grant.ts'
import { KEY_ID } from './key-record.ts'
import { formatPermissionClaim, parsePermissionClaim } from './permission-claim.ts'
import type { Claims } from './signed-token.ts'

/** Source: claims of Momento's v1 keys (`sub`, `ver`, `p`, `exp`); `jti` and `iat` are ours. */
export function claimsOfGrant(grant: Grant, issuedAtMs: number): Claims {
  return {
    sub: 'headwater',
    ver: 1,
    p: formatPermissionClaim(grant),
    jti: grant.keyId,
    iat: Math.floor(issuedAtMs / 1000),
    ...(grant.expiresAtMs === undefined ? {} : { exp: grant.expiresAtMs / 1000 }),
  }
}

/** `undefined` when the claims are not those of a data key, however right the signature is. */
export function grantOfClaims(claims: Claims): Grant | undefined {
  const { ver, jti, exp, p } = claims
  const permissions = parsePermissionClaim(p)
  if (ver !== 1 || typeof jti !== 'string' || !KEY_ID.test(jti)) return undefined
  if (permissions === undefined) return undefined
  if (exp !== undefined && (typeof exp !== 'number' || !Number.isSafeInteger(exp))) return undefined
  return { keyId: jti, ...permissions, expiresAtMs: exp === undefined ? undefined : exp * 1000 }
}
