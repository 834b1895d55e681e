/**
 * Makes, imports, lists and revokes keys. The only place where a key exists in full: it is handed
 * out once and kept nowhere.
 */

import { randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import { WRAPPER_PREFIX, unwrapCredential, wrapCredential } from './credential.ts'
import { claimsOfGrant } from './data-key.ts'
import { DEV_KEYS } from './dev-keys.ts'
import { grantOfRecord, withoutHashes } from './key-record.ts'
import type { KeyRecord, StoredKeyRecord } from './key-record.ts'
import { hashCredential } from './key-registry.ts'
import type { KeyRegistry } from './key-registry.ts'
import { checkGrantRequest, invalid } from './key-request.ts'
import type { GrantRequest } from './key-request.ts'
import { SigningKeys, TOKEN_PURPOSES } from './signing-keys.ts'
import type { TokenPurpose } from './signing-keys.ts'
import { openToken, signToken } from './signed-token.ts'

export type MintRequest = GrantRequest

export interface ImportRequest extends GrantRequest {
  /** 8 to 4,096 printable ASCII chars: a Momento key in either form, an encoder's secret. */
  readonly credential: string
}

/** A new key. Shown once: only `record` is kept. */
export interface MintedKey {
  readonly keyId: string
  /** The v1 wrapper: what encoders, players and Momento's SDKs are given. */
  readonly apiKey: string
  /** The JWT inside, which is accepted as well. */
  readonly innerJwt: string
  /** Momento's shape has one. Never authenticates. */
  readonly refreshToken: string
  /** Seconds since the epoch; {@link VALID_FOREVER} for a key that does not expire. */
  readonly validUntil: number
  readonly restEndpoint: string
  readonly record: KeyRecord
}

/** `momento_key_info.json`, member by member. */
export interface KeyInfo {
  readonly apiKey: string
  readonly refreshToken: string
  readonly validUntil: number
  readonly restEndpoint: string
}

export interface KeyServiceOptions {
  /** The signing key, at least 32 bytes. */
  readonly secret: Uint8Array
  readonly keys: KeyRegistry
  readonly clock: Clock
  /** Where encoders and players reach the data plane, asked for at each key. */
  readonly publicUrl: () => string
}

/**
 * `validUntil` of a key that does not expire: 9999-12-31T23:59:59Z. Scripts compare `validUntil`
 * with the time or print it as a date; 0 would say expired since 1970, and this is the last second
 * that every date library can show.
 */
export const VALID_FOREVER = 253_402_300_799

/** CloudFront takes header values of at most 1,783 chars; a scheme and a margin are left. */
export const API_KEY_CHARS_MAX = 1700

export const IMPORTED_CHARS_MIN = 8
export const IMPORTED_CHARS_MAX = 4096

export class KeyService {
  readonly #signingKeys: SigningKeys
  readonly #keys: KeyRegistry
  readonly #clock: Clock
  readonly #publicUrl: () => string

  /** @throws HeadwaterError `HW_AUTH_SIGNING_KEY` when the secret is under 32 bytes. */
  constructor({ secret, keys, clock, publicUrl }: KeyServiceOptions) {
    this.#signingKeys = new SigningKeys(secret)
    this.#keys = keys
    this.#clock = clock
    this.#publicUrl = publicUrl
  }

  /**
   * Makes a key; it is in the registry when this resolves.
   *
   * @throws HeadwaterError `HW_KEY_INVALID` with every problem, or when the key would be over
   * {@link API_KEY_CHARS_MAX}; `HW_KEY_EXISTS`.
   */
  async mint(request: MintRequest): Promise<MintedKey> {
    const record = this.#newRecord(request, 'minted', [])
    const claims = claimsOfGrant(grantOfRecord(record), record.issuedAtMs)
    const innerJwt = await signToken(this.#signingKeys, 'data', claims)
    const { endpoint, restEndpoint } = endpointsOf(this.#publicUrl())
    const apiKey = wrapCredential(endpoint, innerJwt)
    if (apiKey.length > API_KEY_CHARS_MAX) throw tooLong(apiKey.length)
    const refreshToken = await signToken(this.#signingKeys, 'refresh', {
      ...claims,
      ...(request.expiresInSeconds === undefined ? {} : { dur: request.expiresInSeconds }),
    })
    await this.#keys.add(record)
    return {
      keyId: record.keyId,
      apiKey,
      innerJwt,
      refreshToken,
      validUntil: record.expiresAtMs === undefined ? VALID_FOREVER : record.expiresAtMs / 1000,
      restEndpoint,
      record: withoutHashes(record),
    }
  }

  /**
   * Accepts a credential that somebody already has, from now on, with a grant of ours. Only its
   * SHA-256 is kept (of a v1 wrapper also its inner JWT's: either authenticates), so it should be as
   * hard to guess as a key.
   *
   * @throws HeadwaterError `HW_KEY_INVALID`; `HW_KEY_EXISTS` when it is known, revoked ones too.
   */
  async import(request: ImportRequest): Promise<KeyRecord> {
    const { credential } = request
    const inner = credential.startsWith(WRAPPER_PREFIX) ? unwrapCredential(credential) : undefined
    const forms = inner === undefined ? [credential] : [credential, inner]
    const problems = forms.flatMap(problemsOfImport)
    if (problems.length > 0) throw invalid(problems)
    if ([request.keyId, request.description].some((text) => text?.includes(credential) === true)) {
      throw invalid(['its id or description has the credential itself in it'])
    }
    const record = this.#newRecord(request, 'imported', [...new Set(forms.map(hashCredential))])
    // A key of ours under a second name would outlive its revocation and its expiry.
    if (await this.#isOurs(inner ?? credential)) {
      throw new HeadwaterError('HW_KEY_EXISTS', 'This server made this credential itself.')
    }
    await this.#keys.add(record)
    return withoutHashes(record)
  }

  /** Oldest first; revoked ones too, until they expire. */
  list(): readonly KeyRecord[] {
    return this.#keys.list()
  }

  /** @throws HeadwaterError `HW_KEY_NOT_FOUND`. */
  show(keyId: string): KeyRecord {
    const record = this.#keys.get(keyId)
    // The id is not repeated: people paste the key itself here.
    if (record === undefined) {
      throw new HeadwaterError('HW_KEY_NOT_FOUND', 'There is no key with this id.')
    }
    return record
  }

  /** Holds at the next request. @throws HeadwaterError `HW_KEY_NOT_FOUND`. */
  revoke(keyId: string): Promise<KeyRecord> {
    return this.#keys.revoke(keyId)
  }

  #newRecord(
    request: GrantRequest,
    kind: KeyRecord['kind'],
    credentialSha256: readonly string[],
  ): StoredKeyRecord {
    const { keyId, expiresInSeconds, ...checked } = checkGrantRequest(request)
    const issuedAtMs = this.#clock.nowMs()
    return {
      keyId: keyId ?? `key-${randomBytes(8).toString('hex')}`,
      ...checked,
      kind,
      issuedAtMs,
      expiresAtMs:
        expiresInSeconds === undefined
          ? undefined
          : // Whole seconds, since `exp` has no others; rounded up, so that 1 s is not nothing.
            (Math.ceil(issuedAtMs / 1000) + expiresInSeconds) * 1000,
      revokedAtMs: undefined,
      credentialSha256,
    }
  }

  async #isOurs(credential: string): Promise<boolean> {
    // The names of a literal table.
    for (const purpose of Object.keys(TOKEN_PURPOSES) as TokenPurpose[]) {
      if ((await openToken(this.#signingKeys, purpose, credential)) !== undefined) return true
    }
    return false
  }
}

/** Exactly the members of `momento_key_info.json`, as Momento's console downloads it. */
export function toKeyInfo({ apiKey, refreshToken, validUntil, restEndpoint }: MintedKey): KeyInfo {
  return { apiKey, refreshToken, validUntil, restEndpoint }
}

/** The words never hold the credential. */
function problemsOfImport(credential: string): readonly string[] {
  if (credential.length < IMPORTED_CHARS_MIN || credential.length > IMPORTED_CHARS_MAX) {
    return [`a credential has ${IMPORTED_CHARS_MIN} to ${IMPORTED_CHARS_MAX} chars`]
  }
  if (!/^[\x20-\x7e]+$/.test(credential) || credential.trim() !== credential) {
    return ['a credential is printable ASCII, without spaces around it: headers carry no more']
  }
  if (/^(?:basic|bearer) /i.test(credential)) {
    return ['leave out the scheme: import what follows "Basic" (decoded, the password) or "Bearer"']
  }
  return DEV_KEYS.has(credential) ? ['it is a dev key, which everybody knows'] : []
}

function endpointsOf(publicUrl: string): { endpoint: string; restEndpoint: string } {
  return { endpoint: new URL(publicUrl).host, restEndpoint: publicUrl.replace(/\/+$/, '') }
}

function tooLong(chars: number): HeadwaterError {
  return new HeadwaterError(
    'HW_KEY_INVALID',
    `The key would have ${chars} chars; ${API_KEY_CHARS_MAX} are the most.`,
    {
      detail:
        'CloudFront sends header values of at most 1,783 chars to an origin. Name fewer caches, use a shorter key prefix, or make several keys.',
    },
  )
}
