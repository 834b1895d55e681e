/**
 * Read-only twins of keys that can write: what a player is given when somebody opens a playlist with
 * an encoder's key in the URL. A twin carries its key's id, so that revoking the key revokes it.
 */

import type { Clock } from '../base/clock.ts'
import { LRUCache } from 'lru-cache'
import { claimsOfGrant } from './data-key.ts'
import { claimsOfDisposable, disposableGrant } from './disposable-claims.ts'
import { canWrite } from './grant.ts'
import type { CachePermission, Grant } from './grant.ts'
import { SigningKeys } from './signing-keys.ts'
import { signToken } from './signed-token.ts'

/** A twin's life: longer than anybody watches in one sitting, short for a key that slipped out. */
export const READER_TOKEN_SECONDS = 12 * 3600
/** One is made anew when less than this is left of it. */
const RENEW_SECONDS = 2 * 3600
const REMEMBERED_MAX = 1000

interface Twin {
  readonly token: string
  readonly expiresAtMs: number
}

export class ReaderTokens {
  readonly #signingKeys: SigningKeys
  readonly #clock: Clock
  /** By grant: grants of one key are one object while it is remembered. */
  readonly #twins = new LRUCache<string, Promise<Twin>>({ max: REMEMBERED_MAX })

  /** @throws HeadwaterError `HW_AUTH_SIGNING_KEY` when the secret is under 32 bytes. */
  constructor(options: { readonly secret: Uint8Array; readonly clock: Clock }) {
    this.#signingKeys = new SigningKeys(options.secret)
    this.#clock = options.clock
  }

  /**
   * A credential for what this grant may read: `credential` itself when it cannot write, else its
   * twin. `undefined` when the grant may read nothing.
   */
  async forReading(credential: string, grant: Grant): Promise<string | undefined> {
    if (!canWrite(grant)) return credential
    const permissions = readOnly(grant)
    if (permissions.length === 0) return undefined
    const nowMs = this.#clock.nowMs()
    const id = JSON.stringify([grant.keyId, permissions, grant.disposable, grant.expiresAtMs])
    const known = await this.#twins.get(id)
    if (known !== undefined && known.expiresAtMs - nowMs > RENEW_SECONDS * 1000) return known.token
    const made = this.#make(grant, permissions, nowMs)
    this.#twins.set(id, made)
    return (await made).token
  }

  async #make(grant: Grant, permissions: readonly CachePermission[], nowMs: number): Promise<Twin> {
    // Whole seconds, as the claim has them.
    const latestMs = (Math.floor(nowMs / 1000) + READER_TOKEN_SECONDS) * 1000
    const expiresAtMs = Math.min(grant.expiresAtMs ?? latestMs, latestMs)
    const { keyId, disposable } = grant
    if (disposable !== undefined) {
      // It names what its original names, so that it is revoked with it.
      const twin = disposableGrant({ permissions, expiresAtMs, origin: disposable })
      const token = await signToken(this.#signingKeys, 'disposable', claimsOfDisposable(twin))
      return { token, expiresAtMs }
    }
    const twin: Grant = { keyId, superUser: false, permissions, admin: undefined, expiresAtMs }
    const token = await signToken(this.#signingKeys, 'data', claimsOfGrant(twin, nowMs))
    return { token, expiresAtMs }
  }
}

function readOnly(grant: Grant): readonly CachePermission[] {
  if (grant.superUser) return [{ role: 'readonly', cacheName: '*', items: { kind: 'all' } }]
  return grant.permissions
    .filter((permission) => permission.role !== 'writeonly')
    .map((permission) => ({ ...permission, role: 'readonly' }))
}
