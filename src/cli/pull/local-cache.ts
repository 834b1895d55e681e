/** The cache that is pulled into, by its public API; what its refusals mean for a pull. */

import { HeadwaterError } from '../../base/errors.ts'
import { ItemClient } from '../item-client.ts'
import type { ItemFailure, ItemOutcome, PushTarget } from '../item-client.ts'

/** `refused`: not this object, whenever; `unavailable`: nothing now. */
export type StoreOutcome =
  | { readonly kind: 'stored' }
  | { readonly kind: 'refused' | 'unavailable'; readonly reason: string }

export interface LocalCacheOptions {
  readonly target: PushTarget
  /** Before every name. */
  readonly keyPrefix: string
  /** Another key when the first one is no longer accepted; absent: it was given by a person. */
  readonly renewKey?: (() => Promise<string>) | undefined
}

export class LocalCache {
  readonly #options: LocalCacheOptions
  #client: ItemClient
  #renewing: Promise<string> | undefined
  #outageCount = 0
  #isOut = false

  constructor(options: LocalCacheOptions) {
    this.#options = options
    this.#client = new ItemClient(options.target)
  }

  /** How often nobody answered: after one, what was stored may be gone. */
  get outageCount(): number {
    return this.#outageCount
  }

  /** @throws HeadwaterError `HW_PULL_FAILED` when the cache takes nothing from this key. */
  async put(
    name: string,
    body: Uint8Array,
    options: { readonly ttlSeconds: number; readonly contentType?: string },
  ): Promise<StoreOutcome> {
    const { ttlSeconds, contentType = '' } = options
    const key = `${this.#options.keyPrefix}${name}`
    const put = () =>
      this.#client.put(key, body, contentType === '' ? ttlSeconds : { ttlSeconds, contentType })
    const used = this.#client
    let outcome = await put()
    if (outcome.kind === 'failed' && outcome.statusCode === 401 && (await this.#renew(used))) {
      outcome = await put()
    }
    return this.#judge(outcome)
  }

  /** `undefined`: not known now. */
  async has(name: string): Promise<boolean | undefined> {
    const outcome = await this.#client.look(`${this.#options.keyPrefix}${name}`)
    if (outcome.kind === 'ok') return true
    return outcome.statusCode === 404 ? false : undefined
  }

  close(): void {
    this.#client.close()
  }

  /** Once for all uploads that were refused together. @returns Whether there is another key. */
  async #renew(used: ItemClient): Promise<boolean> {
    const { renewKey, target } = this.#options
    if (renewKey === undefined) return false
    if (this.#client !== used) return true
    this.#renewing ??= renewKey().finally(() => (this.#renewing = undefined))
    const encoderKey = await this.#renewing
    if (this.#client === used) this.#client = new ItemClient({ ...target, encoderKey })
    return true
  }

  #judge(outcome: ItemOutcome): StoreOutcome {
    if (outcome.kind === 'ok') {
      this.#isOut = false
      return { kind: 'stored' }
    }
    const { statusCode, reason } = outcome
    if (statusCode === undefined) {
      if (!this.#isOut) this.#outageCount += 1
      this.#isOut = true
      return { kind: 'unavailable', reason: `the origin does not answer: ${reason}` }
    }
    this.#isOut = false
    if (statusCode === 429 || statusCode >= 500) {
      return { kind: 'unavailable', reason: `the origin answers ${statusCode}: ${reason}` }
    }
    if (statusCode === 401 || statusCode === 403 || statusCode === 404) throw fatal(outcome)
    return { kind: 'refused', reason: `the origin answers ${statusCode}: ${reason}` }
  }
}

function fatal({ statusCode, reason }: ItemFailure): HeadwaterError {
  return new HeadwaterError(
    'HW_PULL_FAILED',
    `The origin does not take what is pulled: ${statusCode} ${reason}.`,
    {
      detail:
        statusCode === 404
          ? 'Make the cache first: headwater cache create NAME'
          : 'The key has to be able to write to this cache and prefix: headwater key create --cache NAME --role readwrite',
    },
  )
}
