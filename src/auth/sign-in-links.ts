/**
 * Links that sign a person in to the console once: whoever sees the terminal of a server may
 * administer it. Kept in memory, as hashes; a restart forgets them.
 */

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../base/clock.ts'

export const LINK_SECONDS = 600
/** Links that wait to be used; beyond, the oldest is void. */
export const LINKS_MAX = 16

/** Longest text that is looked at. */
export const LINK_CHARS_MAX = 64

interface Link {
  readonly sha256: Buffer
  readonly expiresAtMonotonicMs: number
}

export class SignInLinks {
  readonly #clock: Clock
  #links: readonly Link[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Links that can still be used. */
  get size(): number {
    this.#forgetExpired()
    return this.#links.length
  }

  /** A new link's secret: 43 chars of base64url, good once, for {@link LINK_SECONDS}. */
  create(): string {
    this.#forgetExpired()
    const link = randomBytes(32).toString('base64url')
    const expiresAtMonotonicMs = this.#clock.monotonicMs() + LINK_SECONDS * 1000
    this.#links = [...this.#links, { sha256: hashOf(link), expiresAtMonotonicMs }].slice(-LINKS_MAX)
    return link
  }

  /** Uses a link up. The time it takes depends on the number of links alone. */
  redeem(link: string): boolean {
    if (link.length > LINK_CHARS_MAX) return false
    this.#forgetExpired()
    const sha256 = hashOf(link)
    const left = this.#links.filter((known) => !timingSafeEqual(known.sha256, sha256))
    const isKnown = left.length < this.#links.length
    this.#links = left
    return isKnown
  }

  #forgetExpired(): void {
    const nowMs = this.#clock.monotonicMs()
    this.#links = this.#links.filter((link) => nowMs < link.expiresAtMonotonicMs)
  }
}

function hashOf(link: string): Buffer {
  return createHash('sha256').update(link, 'utf8').digest()
}
