/**
 * Keys of Momento's second kind: a JWT that names itself and nothing else, whose role the registry
 * knows. Made, listed and revoked by Momento's account API; the HTTP of it is http/account-api's.
 */

import { randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { KeyRecord } from './key-record.ts'
import type { KeyRegistry } from './key-registry.ts'
import type { SystemRole } from './roles.ts'
import { signToken } from './signed-token.ts'
import { SigningKeys } from './signing-keys.ts'

export interface AccountKeyRequest {
  readonly role: SystemRole
  readonly description: string
  /** `undefined`: never. */
  readonly expiresAtMs: number | undefined
}

/** A record of kind `v2`. */
export type AccountKeyRecord = KeyRecord & { readonly roleId: string }

/** A place in the list: behind this key. */
export interface AccountKeyPlace {
  readonly issuedAtMs: number
  readonly keyId: string
}

export interface AccountKeysOptions {
  /** The signing key, at least 32 bytes. */
  readonly secret: Uint8Array
  readonly keys: KeyRegistry
  readonly clock: Clock
}

export class AccountKeys {
  readonly #signingKeys: SigningKeys
  readonly #keys: KeyRegistry
  readonly #clock: Clock

  /** @throws HeadwaterError `HW_AUTH_SIGNING_KEY` when the secret is under 32 bytes. */
  constructor({ secret, keys, clock }: AccountKeysOptions) {
    this.#signingKeys = new SigningKeys(secret)
    this.#keys = keys
    this.#clock = clock
  }

  /** For checking an expiry. */
  nowMs(): number {
    return this.#clock.nowMs()
  }

  /**
   * Makes a key; it is in the registry when this resolves. `apiKey` is shown this once.
   *
   * Source: Momento's SDKs: a v2 key is a JWT with HS512 and the claims `t: "g"` and `jti`; neither
   * its end nor what it allows is in it.
   *
   * @throws HeadwaterError `HW_KEY_INVALID` when there are too many keys.
   */
  async create(
    request: AccountKeyRequest,
  ): Promise<{ readonly apiKey: string; readonly record: AccountKeyRecord }> {
    const { role, description, expiresAtMs } = request
    const { superUser, permissions, admin } = role.grant
    const record: AccountKeyRecord = {
      ...{ keyId: `v2-${randomBytes(8).toString('hex')}`, description, kind: 'v2' },
      ...{ superUser, permissions, admin, issuedAtMs: this.#clock.nowMs(), expiresAtMs },
      ...{ revokedAtMs: undefined, roleId: role.roleId },
    }
    const apiKey = await signToken(this.#signingKeys, 'v2', { t: 'g', jti: record.keyId })
    await this.#keys.add({ ...record, credentialSha256: [] })
    return { apiKey, record }
  }

  /**
   * Keys that are not revoked, oldest first.
   *
   * @param after  Only what comes behind it, whether or not that key is still there.
   */
  list(after: AccountKeyPlace | undefined): readonly AccountKeyRecord[] {
    return this.#keys
      .list()
      .filter(isAccountKey)
      .filter((record) => record.revokedAtMs === undefined)
      .sort(comparePlaces)
      .filter((record) => after === undefined || comparePlaces(record, after) > 0)
  }

  /** `undefined`: no such key, a key of another kind, or a revoked one. */
  get(keyId: string): AccountKeyRecord | undefined {
    const record = this.#keys.get(keyId)
    return record !== undefined && record.revokedAtMs === undefined && isAccountKey(record)
      ? record
      : undefined
  }

  /** Holds at the next request. @throws HeadwaterError `HW_KEY_NOT_FOUND`. */
  async revoke(keyId: string): Promise<void> {
    await this.#keys.revoke(keyId)
  }
}

function isAccountKey(record: KeyRecord): record is AccountKeyRecord {
  return record.kind === 'v2' && record.roleId !== undefined
}

function comparePlaces(a: AccountKeyPlace, b: AccountKeyPlace): number {
  return a.issuedAtMs - b.issuedAtMs || (a.keyId < b.keyId ? -1 : a.keyId > b.keyId ? 1 : 0)
}
