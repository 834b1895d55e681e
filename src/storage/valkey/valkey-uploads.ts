/**
 * Uploads in progress at this node, told to the others by a name in Valkey beside the object's. It is
 * there while the upload is, and expires soon when nobody renews it: a node that dies is forgotten.
 */

import type { Clock, Timer } from '../../base/clock.ts'
import type { StoreKey } from '../../base/names.ts'
import { tagOf, uploadNameOf } from './valkey-keys.ts'
import type { ValkeyLink } from './valkey-link.ts'

export interface ValkeyUploadsOptions {
  readonly link: ValkeyLink
  readonly clock: Clock
}

/** How long others believe it without hearing of it again. */
export const ANNOUNCED_MS = 6000
const RENEW_MS = 2000
/** An upload that takes longer is not waited for any more. */
const RENEWED_MS_MAX = 60_000
/** Further ones are told to nobody. */
export const ANNOUNCED_MAX = 10_000

export class ValkeyUploads {
  readonly #options: ValkeyUploadsOptions
  /** Key -> when its upload began, monotonic. */
  readonly #startedAtMs = new Map<StoreKey, number>()
  #timer: Timer | undefined
  #closed = false

  constructor(options: ValkeyUploadsOptions) {
    this.#options = options
  }

  begin(storeKey: StoreKey): void {
    if (this.#closed || this.#startedAtMs.size >= ANNOUNCED_MAX) return
    this.#startedAtMs.set(storeKey, this.#options.clock.monotonicMs())
    this.#announce(storeKey)
    this.#timer ??= this.#options.clock.setTimer(() => this.#renew(), RENEW_MS)
  }

  /** @param isStored  Then the write has taken the name away. */
  end(storeKey: StoreKey, isStored: boolean): void {
    if (!this.#startedAtMs.delete(storeKey) || isStored) return
    this.#send(storeKey, ['unlink'])
  }

  /** What it has announced expires. */
  close(): void {
    this.#closed = true
    if (this.#timer !== undefined) this.#options.clock.clearTimer(this.#timer)
    this.#timer = undefined
    this.#startedAtMs.clear()
  }

  #renew(): void {
    this.#timer = undefined
    const nowMs = this.#options.clock.monotonicMs()
    for (const [storeKey, startedAtMs] of this.#startedAtMs) {
      const ageMs = nowMs - startedAtMs
      if (ageMs > RENEWED_MS_MAX) this.#startedAtMs.delete(storeKey)
      else if (ageMs >= RENEW_MS) this.#announce(storeKey)
    }
    if (this.#startedAtMs.size === 0 || this.#closed) return
    this.#timer = this.#options.clock.setTimer(() => this.#renew(), RENEW_MS)
  }

  #announce(storeKey: StoreKey): void {
    this.#send(storeKey, ['set', '1', 'PX', String(ANNOUNCED_MS)])
  }

  #send(storeKey: StoreKey, [command, ...args]: readonly [string, ...string[]]): void {
    const name = uploadNameOf(tagOf(storeKey), storeKey)
    this.#options.link
      .ask((client) => client.call(command, name, ...args))
      // Ignored: others wait for it as for any key that a playlist has named.
      .catch(() => undefined)
  }
}
