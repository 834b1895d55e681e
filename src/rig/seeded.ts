/**
 * Chance that comes out the same every time: numbers from a seed and a name. Not for secrets, and
 * no generator with a state: what is drawn does not depend on what was drawn before it.
 */

/** From 0 up to 1, by the seed and the parts alone. */
export function seededFraction(seed: number, ...parts: readonly (string | number)[]): number {
  // FNV-1a, then the end of MurmurHash3, which spreads what is left together.
  let hash = 0x811c9dc5 ^ seed
  for (const char of parts.join('\n')) {
    hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x1_0000_0000
}

/** Changes one byte of each block of a body, the same ones at every call. */
export class SeededCorruption {
  readonly #seed: number
  readonly #name: string
  readonly #everyBytes: number

  /** @param name  What is corrupted: another name has its faults elsewhere. */
  constructor(seed: number, name: string, everyBytes: number) {
    this.#seed = seed
    this.#name = name
    this.#everyBytes = everyBytes
  }

  /**
   * The changed copy of a piece.
   *
   * @param offsetBytes  Where it begins in the body.
   */
  apply(piece: Uint8Array, offsetBytes: number): Uint8Array {
    const changed = Uint8Array.from(piece)
    const first = Math.floor(offsetBytes / this.#everyBytes)
    const last = Math.floor((offsetBytes + piece.length - 1) / this.#everyBytes)
    for (let block = first; block <= last; block++) {
      const within = seededFraction(this.#seed, this.#name, block)
      const at = Math.floor((block + within) * this.#everyBytes) - offsetBytes
      const byte = changed[at]
      if (at >= 0 && byte !== undefined) changed[at] = byte ^ 0xff
    }
    return changed
  }
}
