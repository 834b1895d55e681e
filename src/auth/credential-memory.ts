/**
 * What is known of credentials that were looked at before, so that a request costs a map look-up
 * (0.1 us) and not a signature check (21 us). Bounded in entries and in chars.
 */

import { timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/**
 * Entries are found by the end of the credential: hashing a fresh 390-char string costs 0.78 us, its
 * last 43 chars 0.065. For a JWT that is the signature. The whole credential is compared after.
 */
const TAIL_CHARS = 43

interface Entry<Value> {
  readonly credential: string
  readonly value: Value
}

export interface CredentialMemoryOptions {
  readonly entriesMax: number
  /** Of all credentials together. One credential can have many spellings (wrapper, padding). */
  readonly charsMax: number
}

export class CredentialMemory<Value extends object> {
  readonly #entries: LRUCache<string, Entry<Value>>

  constructor({ entriesMax, charsMax }: CredentialMemoryOptions) {
    this.#entries = new LRUCache({
      max: entriesMax,
      maxSize: charsMax,
      sizeCalculation: (entry) => entry.credential.length,
    })
  }

  get size(): number {
    return this.#entries.size
  }

  /** What was said of exactly this credential. */
  get(credential: string): Value | undefined {
    const entry = this.#entries.get(tailOf(credential))
    return entry !== undefined && isSame(entry.credential, credential) ? entry.value : undefined
  }

  /** Keeps a copy of the credential. One with the same end takes the other's place. */
  set(credential: string, value: Value): void {
    // A copy, since the string may be a slice that holds a whole request's head in memory.
    const copy = Buffer.from(credential, 'utf8').toString('utf8')
    this.#entries.set(tailOf(copy), { credential: copy, value })
  }
}

function tailOf(credential: string): string {
  return credential.length > TAIL_CHARS ? credential.slice(-TAIL_CHARS) : credential
}

/**
 * The ends are equal when this is asked. What is left of a JWT or a wrapper is no secret (the
 * signature was the end), and of a short secret nothing is left; the rest of a long one is compared
 * in constant time. The map's own comparison leaks nothing either: its hash is seeded per process.
 */
function isSame(known: string, presented: string): boolean {
  if (known.length !== presented.length) return false
  if (known.length <= TAIL_CHARS || known.startsWith('eyJ')) return known === presented
  const left = Buffer.from(known, 'utf8')
  const right = Buffer.from(presented, 'utf8')
  return left.byteLength === right.byteLength && timingSafeEqual(left, right)
}
