/** An encoder's client that knows two origins: what one does not take, the other gets. */

import { http } from '../../support/http.ts'

export interface WriterOptions {
  /** `http://host:port`, the preferred one first. */
  readonly urls: readonly [string, string]
  readonly apiKey: string
}

export class FallingBackWriter {
  readonly #options: WriterOptions
  /** The one in use: an index of its URLs. */
  #current: 0 | 1 = 0
  /** When the first attempt at the other one was acknowledged, `performance.now()`. */
  movedAtMs: number | undefined
  #lastAckMs = performance.now()
  /** Longest time from one acknowledgement to the next. */
  longestGapMs = 0

  constructor(options: WriterOptions) {
    this.#options = options
  }

  /** Tries until one of them has taken it. */
  async put(key: string, body: string | Uint8Array): Promise<void> {
    for (;;) {
      const url = this.#options.urls[this.#current]
      const answer = await http(`${url}/cache/live-origin/${key}?ttl_seconds=120`, {
        ...{ method: 'PUT', body, headers: { authorization: this.#options.apiKey } },
      }).catch(() => undefined)
      if (answer?.status === 204) break
      this.#current = this.#current === 0 ? 1 : 0
    }
    const nowMs = performance.now()
    if (this.#current === 1) this.movedAtMs ??= nowMs
    this.longestGapMs = Math.max(this.longestGapMs, nowMs - this.#lastAckMs)
    this.#lastAckMs = nowMs
  }
}
