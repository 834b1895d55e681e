/**
 * Credential -> grant. {@link Authenticator.recall} answers for what was seen before, without a
 * promise; {@link Authenticator.verify} looks at the rest, one flight per credential, throttled by
 * client address. What a grant allows is grant.ts's.
 */

import type { Clock } from '../base/clock.ts'
import { networkOf, isLoopback } from './client-address.ts'
import { CREDENTIAL_CHARS_MAX, WRAPPER_PREFIX, unwrapCredential } from './credential.ts'
import { CredentialMemory } from './credential-memory.ts'
import { grantOfClaims } from './data-key.ts'
import { disposableKeyId, grantOfDisposable } from './disposable-claims.ts'
import { DEV_KEYS } from './dev-keys.ts'
import type { DevKey } from './dev-keys.ts'
import type { DisposableOrigin, Grant } from './grant.ts'
import { grantOfRecord } from './key-record.ts'
import type { KeyRegistry } from './key-registry.ts'
import { SigningKeys } from './signing-keys.ts'
import type { TokenPurpose } from './signing-keys.ts'
import { claimsWithoutTrust, isTokenFor, openToken } from './signed-token.ts'
import type { Claims } from './signed-token.ts'
import { TokenBuckets } from './token-buckets.ts'

/**
 * - `malformed`: empty, not printable ASCII, a wrapper that cannot be read, claims that are not ours;
 * - `too-long`: over 4,096 chars;
 * - `bad-signature`: shaped like a key of ours, signed by another secret or changed;
 * - `unknown`: anything else that is neither ours nor imported; a refresh token, too;
 * - `expired`, `revoked`: was good;
 * - `throttled`: not looked at, too many failures from this address.
 */
export type RefusalReason =
  'malformed' | 'too-long' | 'bad-signature' | 'unknown' | 'expired' | 'revoked' | 'throttled'

export interface Granted {
  readonly kind: 'granted'
  readonly grant: Grant
}

export interface Refused {
  readonly kind: 'refused'
  readonly reason: RefusalReason
  /** A key this server knows or signed; `undefined` when the credential names none. */
  readonly keyId: string | undefined
  /** When to try again; 0 unless `throttled`. */
  readonly retryAfterSeconds: number
}

export type Verified = Granted | Refused

export interface AuthenticatorOptions {
  /** The signing key, at least 32 bytes. */
  readonly secret: Uint8Array
  readonly keys: KeyRegistry
  readonly clock: Clock
  /** Whether the three public keys of dev-keys.ts are accepted. */
  readonly devKeys: boolean
  /** Failures per second that one client address may cause before it is throttled. */
  readonly failuresPerSecondMax: number
  /** How many of them may come at once. */
  readonly failuresBurst: number
}

/** Counters since the start, and sizes now. */
export interface AuthenticatorStats {
  readonly recallCount: number
  readonly verificationCount: number
  /** HMACs computed: what a flood of forged keys would cost. */
  readonly signatureCheckCount: number
  /** Answers of `verify` and `recall` alike. */
  readonly refusedCounts: Readonly<Record<RefusalReason, number>>
  readonly rememberedCount: number
  readonly rememberedRefusalCount: number
  readonly throttledAddressCount: number
}

/** Verified credentials that are remembered. */
export const REMEMBERED_MAX = 10_000
const REMEMBERED_CHARS_MAX = 16 * 1024 * 1024
/** Refused ones: an encoder with a wrong key sends it with every segment. */
const REFUSALS_MAX = 1000
const REFUSALS_CHARS_MAX = 1024 * 1024
const BUCKETS_MAX = 10_000
/** Failures per second, per known key id, that a throttled address may still cause. */
const KEY_ID_FAILURES_PER_SECOND = 1
const KEY_ID_FAILURES_BURST = 5

/**
 * Imported secrets shorter than this could be guessed: they are looked up only within the failures
 * that their sender's address has left. What is longer is never refused for what others do.
 */
export const GUESSABLE_CHARS = 24

/** What authenticates. Refresh tokens and sessions of the console do not. */
const PURPOSES: readonly TokenPurpose[] = ['data', 'disposable', 'v2']

const PRINTABLE = /^[\x20-\x7e]+$/

/** A credential whose signature or hash was right. What it is worth changes with time and epoch. */
interface Proven {
  readonly granted: Granted
  readonly expired: Refused
  readonly expiresAtMs: number
  /** The registry's epoch when `revoked` was looked up. */
  epoch: number
  revoked: Refused | undefined
}

interface RememberedRefusal {
  readonly refused: Refused
  /** The registry's version then: an import may have made the credential known. */
  readonly registryVersion: number
}

export class Authenticator {
  readonly #keys: KeyRegistry
  readonly #clock: Clock
  readonly #signingKeys: SigningKeys
  readonly #devKeys: ReadonlyMap<string, DevKey>
  readonly #proven = new CredentialMemory<Proven>({
    entriesMax: REMEMBERED_MAX,
    charsMax: REMEMBERED_CHARS_MAX,
  })
  readonly #refusals = new CredentialMemory<RememberedRefusal>({
    entriesMax: REFUSALS_MAX,
    charsMax: REFUSALS_CHARS_MAX,
  })
  readonly #addressFailures: TokenBuckets
  readonly #keyIdFailures: TokenBuckets
  readonly #flights = new Map<string, Promise<Verified>>()
  #recallCount = 0
  #verificationCount = 0
  #signatureCheckCount = 0
  readonly #refusedCounts: Record<RefusalReason, number> = {
    malformed: 0,
    'too-long': 0,
    'bad-signature': 0,
    unknown: 0,
    expired: 0,
    revoked: 0,
    throttled: 0,
  }

  /** @throws HeadwaterError `HW_AUTH_SIGNING_KEY` when the secret is under 32 bytes. */
  constructor(options: AuthenticatorOptions) {
    const { secret, keys, clock, devKeys, failuresPerSecondMax, failuresBurst } = options
    this.#keys = keys
    this.#clock = clock
    this.#signingKeys = new SigningKeys(secret)
    this.#devKeys = devKeys ? DEV_KEYS : new Map()
    this.#addressFailures = new TokenBuckets({
      clock,
      tokensPerSecond: failuresPerSecondMax,
      tokensMax: failuresBurst,
      bucketsMax: BUCKETS_MAX,
    })
    this.#keyIdFailures = new TokenBuckets({
      clock,
      tokensPerSecond: KEY_ID_FAILURES_PER_SECOND,
      tokensMax: KEY_ID_FAILURES_BURST,
      bucketsMax: BUCKETS_MAX,
    })
  }

  /**
   * What is known of a credential now: one map look-up, no promise. Expiry and revocation hold from
   * the very next call. Does not depend on who asks: a key that is for loopback clients only is
   * never recalled, so that a caller need not work out the client's address first.
   *
   * @returns `undefined` when it has to be verified.
   */
  recall(credential: string): Verified | undefined {
    const proven = this.#proven.get(credential)
    if (proven !== undefined) {
      this.#recallCount++
      return this.#count(this.#worthOf(proven))
    }
    const devKey = this.#devKeys.get(credential)
    if (devKey !== undefined) return devKey.loopbackOnly ? undefined : devKey.granted
    const refusal = this.#refusals.get(credential)
    if (refusal === undefined || refusal.registryVersion !== this.#keys.version) return undefined
    this.#recallCount++
    return this.#count(refusal.refused)
  }

  /**
   * Looks at a credential, whether or not it is remembered. Never rejects for what the credential
   * is.
   *
   * @param clientAddress As `ClientAddresses.of` gives it. Failures are counted against it (IPv6: its
   * /64). With too many, credentials are refused unread, except those that are imported (and not
   * shorter than {@link GUESSABLE_CHARS}) or that name a known key id: a good one is not refused for
   * what others at its address do.
   */
  verify(credential: string, clientAddress: string): Promise<Verified> {
    const devKey = this.#devKeys.get(credential)
    if (devKey?.loopbackOnly === true && isLoopback(clientAddress)) {
      return Promise.resolve(devKey.granted)
    }
    const known = this.recall(credential)
    if (known !== undefined) return Promise.resolve(known)
    const flight = this.#flights.get(credential)
    if (flight !== undefined) return flight.then((verified) => this.#count(verified))
    this.#verificationCount++
    const verified = this.#verifyNew(credential, clientAddress)
    if (!(verified instanceof Promise)) return Promise.resolve(this.#count(verified))
    const landed = verified.finally(() => this.#flights.delete(credential))
    this.#flights.set(credential, landed)
    return landed.then((result) => this.#count(result))
  }

  get stats(): AuthenticatorStats {
    return {
      recallCount: this.#recallCount,
      verificationCount: this.#verificationCount,
      signatureCheckCount: this.#signatureCheckCount,
      refusedCounts: { ...this.#refusedCounts },
      rememberedCount: this.#proven.size,
      rememberedRefusalCount: this.#refusals.size,
      throttledAddressCount: this.#addressFailures.size,
    }
  }

  #verifyNew(credential: string, clientAddress: string): Verified | Promise<Verified> {
    if (credential.length > CREDENTIAL_CHARS_MAX) return refuse('too-long')
    if (!PRINTABLE.test(credential)) return refuse('malformed')
    const inner = unwrapCredential(credential)
    const isGuessable = credential.length < GUESSABLE_CHARS
    const taken = isGuessable ? this.takeFailure(clientAddress) : undefined
    if (typeof taken === 'number') return refuse('throttled', undefined, taken)
    const imported =
      this.#keys.findImported(credential) ?? this.#findImportedInner(credential, inner)
    if (imported !== undefined) {
      taken?.()
      return this.#remember(credential, grantOfRecord(imported))
    }
    const token = inner === undefined ? undefined : tokenOf(inner)
    const refund = taken ?? this.takeFailure(clientAddress, token?.text)
    if (typeof refund === 'number') return refuse('throttled', undefined, refund)
    if (token !== undefined) return this.#verifySignature(credential, token, refund)
    const reason = inner === undefined ? 'malformed' : 'unknown'
    return this.#rememberRefusal(credential, refuse(reason))
  }

  #findImportedInner(credential: string, inner: string | undefined) {
    return inner === undefined || !credential.startsWith(WRAPPER_PREFIX)
      ? undefined
      : this.#keys.findImported(inner)
  }

  async #verifySignature(
    credential: string,
    { text, purpose }: Token,
    refund: () => void,
  ): Promise<Verified> {
    this.#signatureCheckCount++
    const claims = await openToken(this.#signingKeys, purpose, text)
    if (claims === undefined) {
      return this.#rememberRefusal(credential, refuse('bad-signature', this.#knownKeyId(text)))
    }
    // The signature proves who made it, so the address is not to blame, whatever it is worth now.
    refund()
    const grant = this.#grantOf(claims, purpose)
    if (grant === undefined || grant === 'unknown') {
      return this.#rememberRefusal(credential, refuse(grant ?? 'malformed'))
    }
    return this.#remember(credential, grant)
  }

  /** `'unknown'`: a v2 key that no record says the role of. */
  #grantOf(claims: Claims, purpose: TokenPurpose): Grant | 'unknown' | undefined {
    if (purpose === 'disposable') return grantOfDisposable(claims)
    if (purpose === 'data') return grantOfClaims(claims)
    const { t, jti } = claims
    if (t !== 'g' || typeof jti !== 'string') return undefined
    const record = this.#keys.get(jti)
    return record?.kind === 'v2' ? grantOfRecord(record) : 'unknown'
  }

  /**
   * Takes a failure in advance, so that a thousand forgeries at once do not all pass a bucket that
   * has one left. For whatever else can be guessed at: sessions, links, refresh tokens.
   *
   * @param token  One that may name a known key id, which has failures of its own.
   * @returns The way to give it back when it was none, or the seconds to wait.
   */
  takeFailure(clientAddress: string, token?: string): (() => void) | number {
    const network = networkOf(clientAddress)
    if (this.#addressFailures.take(network)) return () => this.#addressFailures.giveBack(network)
    const keyId = token === undefined ? undefined : this.#knownKeyId(token)
    if (keyId !== undefined && this.#keyIdFailures.take(keyId)) {
      return () => this.#keyIdFailures.giveBack(keyId)
    }
    return this.#addressFailures.retryAfterSeconds(network)
  }

  /** The id a token names, if there is such a key. The token may still be forged. */
  #knownKeyId(token: string): string | undefined {
    const keyId = claimsWithoutTrust(token)?.['jti']
    return typeof keyId === 'string' && this.#keys.has(keyId) ? keyId : undefined
  }

  #remember(credential: string, grant: Grant): Verified {
    const proven: Proven = {
      granted: { kind: 'granted', grant },
      expired: refuse('expired', grant.keyId),
      expiresAtMs: grant.expiresAtMs ?? Infinity,
      epoch: this.#keys.epoch,
      revoked: this.#revokedRefusal(grant),
    }
    this.#proven.set(credential, proven)
    return this.#worthOf(proven)
  }

  /**
   * Refusals of the credential itself are kept, until the registry changes, so that one wrong key
   * that is sent with every segment costs a look-up each and does not use up its address's failures.
   */
  #rememberRefusal(credential: string, refused: Refused): Refused {
    // A dev key that is refused to this address is welcome from another.
    if (!this.#devKeys.has(credential)) {
      this.#refusals.set(credential, { refused, registryVersion: this.#keys.version })
    }
    return refused
  }

  #worthOf(proven: Proven): Verified {
    if (proven.epoch !== this.#keys.epoch) {
      // The signature stays right: only the registry has to be asked again, not jose.
      proven.revoked = this.#revokedRefusal(proven.granted.grant)
      proven.epoch = this.#keys.epoch
    }
    if (proven.revoked !== undefined) return proven.revoked
    return this.#clock.nowMs() >= proven.expiresAtMs ? proven.expired : proven.granted
  }

  #revokedRefusal({ keyId, disposable }: Grant): Refused | undefined {
    const isRevoked =
      disposable === undefined ? this.#keys.isRevoked(keyId) : this.#isTokenRevoked(disposable)
    return isRevoked ? refuse('revoked', keyId) : undefined
  }

  /** With the key that it was made by, by its own id, or with all tokens of its time. */
  #isTokenRevoked({ tokenId, mintedBy, issuedAtMs }: DisposableOrigin): boolean {
    const isOver = (id: string) => issuedAtMs <= (this.#keys.revokedAtMs(id) ?? -Infinity)
    // A session by link has no key; its id is revoked for the time until then, as tokens are.
    const isMinterRevoked = mintedBy.includes(':')
      ? isOver(mintedBy)
      : this.#keys.isRevoked(mintedBy)
    return isMinterRevoked || isOver(disposableKeyId(tokenId)) || isOver(disposableKeyId(''))
  }

  #count(verified: Verified): Verified {
    if (verified.kind === 'refused') this.#refusedCounts[verified.reason]++
    return verified
  }
}

interface Token {
  readonly text: string
  readonly purpose: TokenPurpose
}

function tokenOf(text: string): Token | undefined {
  const purpose = PURPOSES.find((candidate) => isTokenFor(candidate, text))
  return purpose === undefined ? undefined : { text, purpose }
}

function refuse(reason: RefusalReason, keyId?: string, retryAfterSeconds = 0): Refused {
  return { kind: 'refused', reason, keyId, retryAfterSeconds }
}
