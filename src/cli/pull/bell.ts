/** Waits for a time, or until somebody rings. */

import type { AbortableSleep } from './pull-shared.ts'

export class Bell {
  #ringing = new AbortController()

  /** Ends the wait that runs, or the next one at once. */
  ring(): void {
    this.#ringing.abort()
  }

  async wait(ms: number, sleep: AbortableSleep, signal: AbortSignal): Promise<void> {
    await sleep(ms, AbortSignal.any([signal, this.#ringing.signal]))
    if (this.#ringing.signal.aborted) this.#ringing = new AbortController()
  }
}
