/** Tells of a test rig's clock, at most once in a while: tests move it hundreds of times a second. */

import type { Clock, Timer } from '../base/clock.ts'
import type { ClockChange } from '../origin/events.ts'

const EVERY_MS = 2000

export class ClockTeller {
  readonly #clock: Clock
  readonly #report: (change: ClockChange) => void
  #latest: ClockChange | undefined
  #timer: Timer | undefined

  constructor(clock: Clock, report: (change: ClockChange) => void) {
    this.#clock = clock
    this.#report = report
  }

  /** At once, or when enough time has passed since the last; then the latest alone. */
  tell(change: ClockChange): void {
    if (this.#timer !== undefined) {
      this.#latest = change
      return
    }
    this.#report(change)
    this.#timer = this.#clock.setTimer(() => {
      this.#timer = undefined
      const latest = this.#latest
      this.#latest = undefined
      if (latest !== undefined) this.tell(latest)
    }, EVERY_MS)
  }

  close(): void {
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer)
    this.#timer = undefined
  }
}
