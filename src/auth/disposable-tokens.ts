/**
 * Makes disposable tokens: keys that always expire, within 25 hours, that no registry holds. What
 * one says of itself is disposable-claims.ts's.
 */

import { randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import { wrapCredential } from './credential.ts'
import {
  DISPOSABLE_SECONDS_MAX,
  TOKEN_ID,
  claimsOfDisposable,
  disposableGrant,
} from './disposable-claims.ts'
import type { AdminScope, CachePermission, Grant } from './grant.ts'
import { API_KEY_CHARS_MAX, endpointsOf, tooLong } from './key-service.ts'
import { checkGrantRequest, invalid } from './key-request.ts'
import type { GrantRequest, PermissionRequest } from './key-request.ts'
import { signToken } from './signed-token.ts'
import { SigningKeys } from './signing-keys.ts'

/** A role and caches (and items), or a list of permissions, or both. Never a super-user. */
export interface DisposableRequest extends Partial<PermissionRequest> {
  /** 1 to 64 printable ASCII chars, for logs: a viewer's id. Default: random. */
  readonly tokenId?: string | undefined
  /** 1 to {@link DISPOSABLE_SECONDS_MAX}, whole. */
  readonly expiresInSeconds: number
  readonly permissions?: readonly PermissionRequest[] | undefined
}

/** A new token. Shown once, kept nowhere. */
export interface DisposableToken {
  readonly tokenId: string
  /** The v1 wrapper, as for a key. */
  readonly apiKey: string
  /** The JWT inside: shorter, for URLs. */
  readonly innerJwt: string
  /** Seconds since the epoch. */
  readonly validUntil: number
  readonly restEndpoint: string
}

export interface DisposableTokensOptions {
  /** The signing key, at least 32 bytes. */
  readonly secret: Uint8Array
  readonly clock: Clock
  readonly publicUrl: () => string
}

export class DisposableTokens {
  readonly #signingKeys: SigningKeys
  readonly #clock: Clock
  readonly #publicUrl: () => string

  /** @throws HeadwaterError `HW_AUTH_SIGNING_KEY` when the secret is under 32 bytes. */
  constructor({ secret, clock, publicUrl }: DisposableTokensOptions) {
    this.#signingKeys = new SigningKeys(secret)
    this.#clock = clock
    this.#publicUrl = publicUrl
  }

  /**
   * Makes a token with no wider rights than whoever asks for it, and no longer a life than their
   * key: it ends then at the latest.
   *
   * @param minter  A super-user, or an admin of every cache in the request: through the admin API they
   *   read and write the items of their caches already.
   * @throws HeadwaterError `HW_KEY_INVALID` with every problem; `HW_ADMIN_FORBIDDEN`.
   */
  async mint(request: DisposableRequest, minter: Grant): Promise<DisposableToken> {
    const { tokenId = `token-${randomBytes(8).toString('hex')}`, expiresInSeconds } = request
    const { permissions } = checkGrantRequest(grantRequestOf(request))
    const problems = problemsOf(tokenId, expiresInSeconds)
    if (problems.length > 0) throw invalid(problems)
    requireWithin(permissions, minter)
    const issuedAtMs = this.#clock.nowMs()
    const endMs = (Math.ceil(issuedAtMs / 1000) + expiresInSeconds) * 1000
    const expiresAtMs = Math.min(endMs, minter.expiresAtMs ?? endMs)
    const grant = disposableGrant({
      permissions,
      expiresAtMs,
      origin: { tokenId, mintedBy: minter.keyId, issuedAtMs },
    })
    const innerJwt = await signToken(this.#signingKeys, 'disposable', claimsOfDisposable(grant))
    const { endpoint, restEndpoint } = endpointsOf(this.#publicUrl())
    const apiKey = wrapCredential(endpoint, innerJwt)
    if (apiKey.length > API_KEY_CHARS_MAX) throw tooLong(apiKey.length)
    return { tokenId, apiKey, innerJwt, validUntil: expiresAtMs / 1000, restEndpoint }
  }
}

function grantRequestOf(request: DisposableRequest): GrantRequest {
  const { role, caches, items, permissions } = request
  return {
    ...(role === undefined ? {} : { role }),
    ...(caches === undefined ? {} : { caches }),
    ...{ items, permissions },
  }
}

function problemsOf(tokenId: string, expiresInSeconds: number): readonly string[] {
  const problems: string[] = []
  if (!TOKEN_ID.test(tokenId)) problems.push('a token id is 1 to 64 printable ASCII chars')
  if (
    !Number.isInteger(expiresInSeconds) ||
    expiresInSeconds < 1 ||
    expiresInSeconds > DISPOSABLE_SECONDS_MAX
  ) {
    problems.push(
      `a disposable token must expire in 1 to ${DISPOSABLE_SECONDS_MAX} whole seconds (25 hours)`,
    )
  }
  return problems
}

function requireWithin(permissions: readonly CachePermission[], minter: Grant): void {
  if (minter.superUser) return
  if (permissions.every(({ cacheName }) => isWithin(minter.admin, cacheName))) return
  throw new HeadwaterError(
    'HW_ADMIN_FORBIDDEN',
    'This key makes tokens for the caches that it administers, and for no others.',
  )
}

function isWithin(admin: AdminScope | undefined, cacheName: CachePermission['cacheName']): boolean {
  if (admin === undefined) return false
  if (admin.cacheNames === '*') return true
  return cacheName !== '*' && admin.cacheNames.includes(cacheName)
}
