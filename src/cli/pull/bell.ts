/** Waits for a time, or until somebody rings. */

import type { AbortableSleep } from './pull-shared.ts'

export class Bell {
  #isRung = false
  #waiting: AbortController | undefined

  /** Ends the wait that runs, or the next one at once. */
  ring(): void {
    this.#isRung = true
    this.#waiting?.abort()
  }

  async wait(ms: number, sleep: AbortableSleep, signal: AbortSignal): Promise<void> {
    const waiting = new AbortController()
    const end = () => waiting.abort()
    this.#waiting = waiting
    signal.addEventListener('abort', end)
    if (!this.#isRung && !signal.aborted) await sleep(ms, waiting.signal)
    signal.removeEventListener('abort', end)
    this.#waiting = undefined
    this.#isRung = false
  }
}
