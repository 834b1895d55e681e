/** Stores a playlist's newest text, one version after the other, until the cache has it. */

import { HeadwaterError } from '../../base/errors.ts'
import type { PullShared } from './pull-shared.ts'

export interface PlaylistPublisherOptions {
  readonly shared: PullShared
  readonly label: string
  readonly playlistName: string
  /** Asked before each attempt; absent: there is nothing to store yet. */
  readonly text: () => string | undefined
  readonly ttlSeconds: () => number
  /** Whether what the playlist names is still in the cache. */
  readonly isSound: () => Promise<boolean>
  readonly isOver: () => boolean
  /** Gives up in the end: nothing is live. */
  readonly isWhole: () => boolean
}

const RETRY_MS = 500
const RETRY_MS_MAX = 15_000
/** When nothing is live: a quarter of an hour. */
const ATTEMPTS_MAX = 60

export class PlaylistPublisher {
  readonly #options: PlaylistPublisherOptions
  #publishedText: string | undefined
  #publishing: Promise<void> | undefined

  constructor(options: PlaylistPublisherOptions) {
    this.#options = options
  }

  get isPublished(): boolean {
    return this.#publishedText !== undefined
  }

  /** One at a time. @throws HeadwaterError `HW_PULL_FAILED`. */
  async publish(): Promise<void> {
    while (this.#publishing !== undefined) await this.#publishing
    const publishing = this.#publishNewest()
    this.#publishing = publishing.catch(() => undefined)
    await this.#publishing
    this.#publishing = undefined
    await publishing
  }

  /** Again, when there is something newer by then. */
  async #publishNewest(): Promise<void> {
    const { shared, text: newest, isSound, isOver, isWhole } = this.#options
    let failureCount = 0
    while (!isOver()) {
      const text = newest()
      if (text === undefined || text === this.#publishedText || !(await isSound())) return
      const reason = await this.#put(text)
      failureCount = reason === undefined ? 0 : failureCount + 1
      if (reason === undefined) continue
      if (failureCount === 1) shared.events.say(`${reason}. Trying again.`)
      if (isWhole() && failureCount >= ATTEMPTS_MAX) {
        throw new HeadwaterError('HW_PULL_FAILED', `The playlist cannot be stored: ${reason}.`)
      }
      await shared.sleep(Math.min(RETRY_MS * 2 ** failureCount, RETRY_MS_MAX), shared.signal)
    }
  }

  /** @returns Why it is not stored. */
  async #put(text: string): Promise<string | undefined> {
    const { shared, playlistName, label } = this.#options
    const ttlSeconds = this.#options.ttlSeconds()
    const outcome = await shared.local.put(playlistName, Buffer.from(text), { ttlSeconds })
    if (outcome.kind === 'unavailable') return outcome.reason
    // Another version may be taken; one that was refused never will be.
    this.#publishedText = text
    if (outcome.kind === 'refused') shared.events.say(`${label}: ${outcome.reason}.`)
    else shared.events.playlistStored()
    return undefined
  }
}
