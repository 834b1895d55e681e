/** Which playlists were told of, so that each is told once although it is written every few seconds. */

export const TOLD_PLAYLISTS_MAX = 2000
/** Of many at once a person reads a few; the others come again with their next write. */
export const TOLD_PER_MINUTE_MAX = 10

export class ToldPlaylists {
  /** Oldest first. */
  readonly #names = new Set<string>()
  #minuteEndsAtMs = -Infinity
  #toldCount = 0

  /**
   * @param nowMs  Monotonic.
   * @returns Whether to tell of it now. It is remembered only then.
   */
  add(name: string, nowMs: number): boolean {
    if (this.#names.delete(name)) {
      this.#names.add(name)
      return false
    }
    if (nowMs >= this.#minuteEndsAtMs) {
      this.#minuteEndsAtMs = nowMs + 60_000
      this.#toldCount = 0
    }
    if (this.#toldCount >= TOLD_PER_MINUTE_MAX) return false
    this.#toldCount++
    if (this.#names.size >= TOLD_PLAYLISTS_MAX) {
      const [oldest = ''] = this.#names
      this.#names.delete(oldest)
    }
    this.#names.add(name)
    return true
  }
}
