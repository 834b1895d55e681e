/**
 * One signing key per purpose, all derived from the one secret, so that a token made for one
 * purpose can never pass for another. Not the tokens themselves (signed-token.ts).
 */

import { hkdfSync, webcrypto } from 'node:crypto'
import { HeadwaterError } from '../base/errors.ts'

/** Shortest secret, in bytes: the strength of HS256. */
export const SECRET_BYTES_MIN = 32

/**
 * What tokens are signed for; each has its key, its `alg` and its `typ`.
 *
 * - `data`: the inner JWT of a v1 key;
 * - `refresh`: a key's refresh token, which never authenticates;
 * - `disposable`: session tokens and derived read-only tokens;
 * - `v2`: Momento's v2 keys (HS512);
 * - `sign-in`: sessions of the console.
 */
export const TOKEN_PURPOSES = {
  data: { algorithm: 'HS256', hash: 'SHA-256', keyBytes: 32, type: 'hw+jwt' },
  refresh: { algorithm: 'HS256', hash: 'SHA-256', keyBytes: 32, type: 'hw-refresh+jwt' },
  disposable: { algorithm: 'HS256', hash: 'SHA-256', keyBytes: 32, type: 'hw-disposable+jwt' },
  v2: { algorithm: 'HS512', hash: 'SHA-512', keyBytes: 64, type: 'hw-v2+jwt' },
  'sign-in': { algorithm: 'HS256', hash: 'SHA-256', keyBytes: 32, type: 'hw-sign-in+jwt' },
} as const

export type TokenPurpose = keyof typeof TOKEN_PURPOSES

/** The keys of one secret, derived when they are first asked for. */
export class SigningKeys {
  readonly #secret: Uint8Array
  readonly #keys = new Map<TokenPurpose, Promise<webcrypto.CryptoKey>>()

  /** @throws HeadwaterError `HW_AUTH_SIGNING_KEY` when the secret is under 32 bytes. */
  constructor(secret: Uint8Array) {
    if (secret.byteLength < SECRET_BYTES_MIN) {
      throw new HeadwaterError(
        'HW_AUTH_SIGNING_KEY',
        `The signing key has ${secret.byteLength} bytes; ${SECRET_BYTES_MIN} are the least.`,
      )
    }
    this.#secret = Uint8Array.from(secret)
  }

  /** Not extractable. A `CryptoKey`, since jose takes half the time with it (21 us, not 39). */
  get(purpose: TokenPurpose): Promise<webcrypto.CryptoKey> {
    let key = this.#keys.get(purpose)
    if (key === undefined) {
      key = this.#derive(purpose)
      this.#keys.set(purpose, key)
    }
    return key
  }

  #derive(purpose: TokenPurpose): Promise<webcrypto.CryptoKey> {
    const { hash, keyBytes } = TOKEN_PURPOSES[purpose]
    // The secret has full entropy or is at least long, so HKDF needs no salt (RFC 5869 §3.1).
    const bytes = hkdfSync('sha256', this.#secret, '', `headwater token ${purpose} v1`, keyBytes)
    return webcrypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash }, false, [
      'sign',
      'verify',
    ])
  }
}
