/**
 * Makes, imports, refreshes, lists and revokes keys. The only place where a key exists in full: it is handed
 * out once and kept nowhere.
 */

import { randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import { WRAPPER_PREFIX, unwrapCredential, wrapCredential } from './credential.ts'
import { claimsOfGrant, grantOfClaims } from './data-key.ts'
import { DEV_KEYS } from './dev-keys.ts'
import { REVOCABLE_ID, grantOfRecord, withoutHashes } from './key-record.ts'
import type { KeyRecord, StoredKeyRecord } from './key-record.ts'
import { hashCredential } from './key-registry.ts'
import type { KeyRegistry } from './key-registry.ts'
import { checkGrantRequest, invalid } from './key-request.ts'
import type { GrantRequest } from './key-request.ts'
import { nameOfToken } from './named-token.ts'
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

/** Copies of one key, by refreshing, that may be valid at once; refreshing the newest is the way on. */
export const REFRESHED_MAX = 20

/** What was revoked, by {@link KeyService.revokeAny}. */
export interface RevokedAny {
  /** A key's id, or `disposable:<tokenId>`. */
  readonly keyId: string
  readonly revokedAtMs: number
  /** The key's record; `undefined` when there is none. */
  readonly record: KeyRecord | undefined
}

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
    return this.#mintRecord(record, request.expiresInSeconds)
  }

  /**
   * A new key with the permissions and the duration of an old one, which stays valid until it
   * expires. Source: Momento, RefreshApiKey: an expired key cannot be refreshed.
   *
   * @param request.refreshToken  Of the old key's `momento_key_info.json`.
   * @param request.apiKey  The old key in either form, as Momento's SDKs send it along; it must be the
   *   one that the refresh token is of.
   * @throws HeadwaterError `HW_ADMIN_UNAUTHORIZED` when the token is not one of ours, or its key has
   *   expired or was revoked; `HW_KEY_INVALID` for another key's token, or beyond {@link REFRESHED_MAX}.
   */
  async refresh(request: {
    readonly refreshToken: string
    readonly apiKey?: string | undefined
  }): Promise<MintedKey> {
    const claims = await openToken(this.#signingKeys, 'refresh', request.refreshToken)
    const grant = claims === undefined ? undefined : grantOfClaims(claims)
    const duration = claims?.['dur']
    if (grant === undefined || (grant.expiresAtMs === undefined) !== (duration === undefined)) {
      throw unrefreshable('it is not one of this server')
    }
    const { keyId, expiresAtMs } = grant
    if (this.#keys.isRevoked(keyId)) throw unrefreshable('its key is revoked')
    const nowMs = this.#clock.nowMs()
    if (nowMs >= (expiresAtMs ?? Infinity)) throw unrefreshable('its key has expired')
    if (request.apiKey !== undefined) await this.#requireKey(request.apiKey, keyId)
    const old = this.#keys.get(keyId)
    const refreshedFrom = old?.refreshedFrom ?? keyId
    this.#requireRoomFor(refreshedFrom, nowMs)
    const { superUser, permissions, admin } = grant
    const expiresInSeconds = typeof duration === 'number' ? duration : undefined
    const record: StoredKeyRecord = {
      ...{ keyId: randomKeyId(), description: old?.description ?? '', kind: 'minted' },
      ...{ superUser, permissions, admin, issuedAtMs: nowMs },
      expiresAtMs: endOf(nowMs, expiresInSeconds),
      ...{ revokedAtMs: undefined, credentialSha256: [], refreshedFrom },
    }
    return this.#mintRecord(record, expiresInSeconds)
  }

  /** @param expiresInSeconds  The duration, which refreshing gives anew. */
  async #mintRecord(
    record: StoredKeyRecord,
    expiresInSeconds: number | undefined,
  ): Promise<MintedKey> {
    const claims = claimsOfGrant(grantOfRecord(record), record.issuedAtMs)
    const innerJwt = await signToken(this.#signingKeys, 'data', claims)
    const { endpoint, restEndpoint } = endpointsOf(this.#publicUrl())
    const apiKey = wrapCredential(endpoint, innerJwt)
    if (apiKey.length > API_KEY_CHARS_MAX) throw tooLong(apiKey.length)
    const refreshToken = await signToken(this.#signingKeys, 'refresh', {
      ...claims,
      ...(expiresInSeconds === undefined ? {} : { dur: expiresInSeconds }),
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

  /**
   * Revokes whatever is presented: a credential of any kind that this server made or knows (a refresh
   * token stands for its key), or an id, also one that has no record: a key made with this signing key
   * whose list was lost, `disposable:<tokenId>`, or `disposable:` for all tokens made until now.
   *
   * @throws HeadwaterError `HW_KEY_NOT_FOUND` for a credential that is not ours, `HW_KEY_INVALID` for
   *   what is no id.
   */
  async revokeAny(
    what: { readonly credential: string } | { readonly keyId: string },
  ): Promise<RevokedAny> {
    const keyId = 'keyId' in what ? what.keyId : await this.#idOf(what.credential)
    if (keyId === undefined) {
      throw new HeadwaterError(
        'HW_KEY_NOT_FOUND',
        'This credential was not made here and is not imported: it is not accepted anyway.',
      )
    }
    if (this.#keys.has(keyId)) {
      const record = await this.#keys.revoke(keyId)
      return { keyId, revokedAtMs: record.revokedAtMs ?? this.#clock.nowMs(), record }
    }
    // The id is not repeated: people paste the key itself here.
    if (!REVOCABLE_ID.test(keyId) || DEV_KEYS.has(keyId)) {
      throw new HeadwaterError('HW_KEY_INVALID', 'This is not the id of a key or of tokens.')
    }
    const revocation = await this.#keys.revokeUnknown(keyId)
    return { keyId, revokedAtMs: revocation.revokedAtMs, record: undefined }
  }

  async #idOf(credential: string): Promise<string | undefined> {
    const inner = unwrapCredential(credential)
    const imported =
      this.#keys.findImported(credential) ??
      (inner === undefined ? undefined : this.#keys.findImported(inner))
    if (imported !== undefined) return imported.keyId
    return inner === undefined ? undefined : nameOfToken(this.#signingKeys, inner)
  }

  async #requireKey(apiKey: string, keyId: string): Promise<void> {
    const inner = unwrapCredential(apiKey) ?? ''
    const claims = await openToken(this.#signingKeys, 'data', inner)
    if (claims?.['jti'] === keyId) return
    throw invalid(['the refresh token is not that of this key'])
  }

  /** So that who has one refresh token cannot fill the registry. */
  #requireRoomFor(refreshedFrom: string, nowMs: number): void {
    const copies = this.#keys
      .list()
      .filter(
        (record) =>
          record.refreshedFrom === refreshedFrom &&
          record.revokedAtMs === undefined &&
          nowMs < (record.expiresAtMs ?? Infinity),
      )
    if (copies.length >= REFRESHED_MAX) {
      throw invalid([`${REFRESHED_MAX} refreshed copies of it are valid already; revoke some`])
    }
  }

  #newRecord(
    request: GrantRequest,
    kind: KeyRecord['kind'],
    credentialSha256: readonly string[],
  ): StoredKeyRecord {
    const { keyId, expiresInSeconds, ...checked } = checkGrantRequest(request)
    const issuedAtMs = this.#clock.nowMs()
    return {
      keyId: keyId ?? randomKeyId(),
      ...checked,
      kind,
      issuedAtMs,
      expiresAtMs: endOf(issuedAtMs, expiresInSeconds),
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

function randomKeyId(): string {
  return `key-${randomBytes(8).toString('hex')}`
}

function endOf(issuedAtMs: number, expiresInSeconds: number | undefined): number | undefined {
  if (expiresInSeconds === undefined) return undefined
  // Whole seconds, since `exp` has no others; rounded up, so that 1 s is not nothing.
  return (Math.ceil(issuedAtMs / 1000) + expiresInSeconds) * 1000
}

function unrefreshable(why: string): HeadwaterError {
  return new HeadwaterError('HW_ADMIN_UNAUTHORIZED', `The refresh token is not accepted: ${why}.`, {
    detail: 'Make a new key, with `headwater key create` or by POST /api/keys.',
  })
}

/** What a key says of the data plane: the wrapper's host, and the URL of `momento_key_info.json`. */
export function endpointsOf(publicUrl: string): { endpoint: string; restEndpoint: string } {
  return { endpoint: new URL(publicUrl).host, restEndpoint: publicUrl.replace(/\/+$/, '') }
}

/** A key that CloudFront would not send. */
export function tooLong(chars: number): HeadwaterError {
  return new HeadwaterError(
    'HW_KEY_INVALID',
    `The key would have ${chars} chars; ${API_KEY_CHARS_MAX} are the most.`,
    {
      detail:
        'CloudFront sends header values of at most 1,783 chars to an origin. Name fewer caches, use a shorter key prefix, or make several keys.',
    },
  )
}
