/**
 * Sessions of the console: signed tokens that stand for a key for half a day, on the admin API
 * alone. They end with their key, when they are signed out, or by their time. What may be done with
 * one is its key's grant.
 */

import { randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import type { Authenticator, Refused, Verified } from './authenticator.ts'
import { isLoopback } from './client-address.ts'
import { CredentialMemory } from './credential-memory.ts'
import { DEV_KEYS } from './dev-keys.ts'
import type { Grant } from './grant.ts'
import { KEY_ID } from './key-record.ts'
import type { KeyRegistry } from './key-registry.ts'
import { formatPermissionClaim, parsePermissionClaim } from './permission-claim.ts'
import { isTokenFor, openToken, signToken } from './signed-token.ts'
import type { Claims } from './signed-token.ts'
import { SigningKeys } from './signing-keys.ts'

export const SESSION_SECONDS = 12 * 3600

/** Sessions that were signed out and have not ended; beyond, all sessions of until then end. */
export const SIGNED_OUT_MAX = 10_000

/** It travels in a header; a key that names hundreds of caches would make it longer. */
export const SESSION_CHARS_MAX = 8000

const REMEMBERED_MAX = 1000
const REMEMBERED_CHARS_MAX = 4 * 1024 * 1024

/** Who signs in by a link is a super-user without a key; its id shows in logs and is revocable. */
export const LINK_GRANT: Grant = {
  keyId: 'sign-in:link',
  superUser: true,
  permissions: [],
  admin: undefined,
  expiresAtMs: undefined,
}

export interface SessionsOptions {
  /** The signing key, at least 32 bytes. */
  readonly secret: Uint8Array
  readonly keys: KeyRegistry
  readonly clock: Clock
  /** What keys end by, where that is another clock: a test rig's. */
  readonly keyClock?: Clock
  /** Whose failures forged sessions count against. */
  readonly throttle: Pick<Authenticator, 'takeFailure'>
  /** Whether sessions of the dev keys are accepted. */
  readonly devKeys: boolean
  /** {@link SIGNED_OUT_MAX} unless a test says otherwise. */
  readonly signedOutMax?: number
}

/** A new session; shown once. */
export interface NewSession {
  readonly session: string
  readonly expiresAtMs: number
}

interface Session {
  readonly id: string
  /** Its key's: `expiresAtMs` is the key's, too. */
  readonly grant: Grant
  readonly issuedAtMs: number
  readonly expiresAtMs: number
}

export class Sessions {
  readonly #options: SessionsOptions
  readonly #signingKeys: SigningKeys
  readonly #known = new CredentialMemory<Session>({
    entriesMax: REMEMBERED_MAX,
    charsMax: REMEMBERED_CHARS_MAX,
  })
  /** By id: when it would have ended. */
  readonly #signedOut = new Map<string, number>()
  #notBeforeMs = -Infinity

  /** @throws HeadwaterError `HW_AUTH_SIGNING_KEY` when the secret is under 32 bytes. */
  constructor(options: SessionsOptions) {
    this.#options = options
    this.#signingKeys = new SigningKeys(options.secret)
  }

  /** Whether a credential is to be verified here and not by the authenticator. Proves nothing. */
  isSession(credential: string): boolean {
    return isTokenFor('sign-in', credential)
  }

  /**
   * A session for whoever proved to have this grant: {@link SESSION_SECONDS}, or as long as the key.
   *
   * @throws HeadwaterError `HW_ADMIN_FORBIDDEN` when it would be over {@link SESSION_CHARS_MAX}.
   */
  async open(grant: Grant): Promise<NewSession> {
    const issuedAtMs = this.#options.clock.nowMs()
    const latestMs = (Math.ceil(issuedAtMs / 1000) + SESSION_SECONDS) * 1000
    const expiresAtMs = Math.min(latestMs, grant.expiresAtMs ?? latestMs)
    const opened: Session = {
      id: randomBytes(16).toString('base64url'),
      // What the key may do to items is the data plane's, where no session is accepted.
      grant: { ...grant, permissions: [] },
      issuedAtMs,
      expiresAtMs,
    }
    const session = await signToken(this.#signingKeys, 'sign-in', claimsOf(opened))
    if (session.length > SESSION_CHARS_MAX) {
      throw new HeadwaterError(
        'HW_ADMIN_FORBIDDEN',
        'This key names too many caches for a session.',
        { detail: 'Sign in with a super-user key, or with an admin key of fewer caches.' },
      )
    }
    // Known at once, so that it is never refused for what others at its address do.
    this.#known.set(session, opened)
    return { session, expiresAtMs }
  }

  /**
   * Never rejects for what the session is. The key is looked up each time: one that was revoked since
   * is a dead session.
   */
  async verify(session: string, clientAddress: string): Promise<Verified> {
    let opened = this.#known.get(session)
    if (opened === undefined) {
      if (session.length > SESSION_CHARS_MAX) return refuse('too-long')
      const refund = this.#options.throttle.takeFailure(clientAddress)
      if (typeof refund === 'number') return refuse('throttled', refund)
      const claims = await openToken(this.#signingKeys, 'sign-in', session)
      if (claims === undefined) return refuse('bad-signature')
      refund()
      opened = sessionOf(claims)
      if (opened === undefined) return refuse('malformed')
      this.#known.set(session, opened)
    }
    return this.#worthOf(opened, clientAddress)
  }

  /** Ends a session for good. What is no session of ours changes nothing. */
  async close(session: string): Promise<void> {
    const claims = await openToken(this.#signingKeys, 'sign-in', session)
    const opened = claims === undefined ? undefined : sessionOf(claims)
    if (opened === undefined) return
    const { clock, signedOutMax = SIGNED_OUT_MAX } = this.#options
    const nowMs = clock.nowMs()
    if (this.#signedOut.size >= signedOutMax) {
      for (const [id, expiresAtMs] of this.#signedOut) {
        if (nowMs >= expiresAtMs) this.#signedOut.delete(id)
      }
    }
    if (this.#signedOut.size >= signedOutMax && !this.#signedOut.has(opened.id)) {
      // Forgetting one would bring it back to life: better that everybody signs in again.
      this.#notBeforeMs = nowMs
      this.#signedOut.clear()
    }
    this.#signedOut.set(opened.id, opened.expiresAtMs)
  }

  #worthOf(opened: Session, clientAddress: string): Verified {
    const { id, grant, issuedAtMs, expiresAtMs } = opened
    const { clock, keyClock = clock } = this.#options
    const isKeyOver = keyClock.nowMs() >= (grant.expiresAtMs ?? Infinity)
    if (clock.nowMs() >= expiresAtMs || isKeyOver) return refuse('expired', 0, grant.keyId)
    if (this.#signedOut.has(id) || issuedAtMs <= this.#notBeforeMs) {
      return refuse('revoked', 0, grant.keyId)
    }
    if (this.#isKeyRevoked(opened)) return refuse('revoked', 0, grant.keyId)
    const devKey = DEV_KEYS.get(grant.keyId)
    if (devKey !== undefined) {
      // What the key may not do, its session may not do either.
      const isElsewhere = devKey.loopbackOnly && !isLoopback(clientAddress)
      if (!this.#options.devKeys || isElsewhere) return refuse('unknown')
    }
    return { kind: 'granted', grant }
  }

  #isKeyRevoked({ grant, issuedAtMs }: Session): boolean {
    const revokedAtMs = this.#options.keys.revokedAtMs(grant.keyId)
    if (revokedAtMs === undefined) return false
    return grant.keyId === LINK_GRANT.keyId ? issuedAtMs <= revokedAtMs : true
  }
}

function claimsOf({ id, grant, issuedAtMs, expiresAtMs }: Session): Claims {
  return {
    jti: id,
    key: grant.keyId,
    p: formatPermissionClaim(grant),
    iat: issuedAtMs / 1000,
    exp: expiresAtMs / 1000,
    ...(grant.expiresAtMs === undefined ? {} : { kexp: grant.expiresAtMs / 1000 }),
  }
}

/** `undefined` when the claims are not those of a session, however right the signature is. */
function sessionOf({ jti, key, p, iat, exp, kexp }: Claims): Session | undefined {
  const permissions = parsePermissionClaim(p)
  if (permissions === undefined || typeof jti !== 'string' || typeof key !== 'string') {
    return undefined
  }
  if (key !== LINK_GRANT.keyId && !KEY_ID.test(key)) return undefined
  if (typeof iat !== 'number' || typeof exp !== 'number') return undefined
  if (kexp !== undefined && typeof kexp !== 'number') return undefined
  return {
    id: jti,
    grant: {
      keyId: key,
      ...permissions,
      expiresAtMs: kexp === undefined ? undefined : kexp * 1000,
    },
    issuedAtMs: Math.round(iat * 1000),
    expiresAtMs: exp * 1000,
  }
}

function refuse(reason: Refused['reason'], retryAfterSeconds = 0, keyId?: string): Refused {
  return { kind: 'refused', reason, keyId, retryAfterSeconds }
}
