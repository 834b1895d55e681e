/**
 * Whether a media playlist still goes on from what was seen of it before. An encoder that restarts
 * counts from elsewhere; playback must then begin anew.
 */

/** `same`: nothing new. `advanced`: newer segments. `broken`: none in common with before. */
export type PlaylistChange = 'same' | 'advanced' | 'broken'

export class PlaylistContinuity {
  #url: string | undefined
  #firstMsn = 0
  #lastMsn = -1

  /**
   * Takes note of a playlist that was loaded.
   *
   * @param url  Of the media playlist. Variants are not compared with one another: one may be a
   * segment ahead, and one that was not loaded for a while has rightly moved on.
   * @param firstMsn  Media sequence number of its first segment.
   * @param lastMsn  Of its last.
   */
  follow(url: string, firstMsn: number, lastMsn: number): PlaylistChange {
    const isBroken = url === this.#url && (firstMsn > this.#lastMsn + 1 || lastMsn < this.#firstMsn)
    const isNewer = lastMsn > this.#lastMsn
    this.#url = url
    this.#firstMsn = firstMsn
    this.#lastMsn = lastMsn
    return isBroken ? 'broken' : isNewer ? 'advanced' : 'same'
  }
}
