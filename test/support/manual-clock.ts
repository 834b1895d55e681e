/** A clock that moves only when told; timers fire in order of their due time. */

import type { Clock, Timer } from '../../src/base/clock.ts'

interface PendingTimer {
  readonly dueMs: number
  readonly sequence: number
  readonly callback: () => void
}

export class ManualClock implements Clock {
  #wallMs: number
  #monotonicMs = 1000
  #sequence = 0
  readonly #timers = new Set<PendingTimer>()

  constructor(startMs = Date.UTC(2026, 0, 15, 12, 0, 0)) {
    this.#wallMs = startMs
  }

  nowMs(): number {
    return this.#wallMs
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  /** How many timers wait. */
  get timerCount(): number {
    return this.#timers.size
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    const timer = {
      dueMs: this.#monotonicMs + Math.max(0, delayMs),
      sequence: this.#sequence++,
      callback,
    }
    this.#timers.add(timer)
    return timer
  }

  clearTimer(timer: Timer): void {
    this.#timers.delete(timer as PendingTimer)
  }

  /** Moves both clocks on, firing what falls due on the way, in order. */
  advance(ms: number): void {
    const endMs = this.#monotonicMs + ms
    for (;;) {
      let next: PendingTimer | undefined
      for (const timer of this.#timers) {
        if (timer.dueMs > endMs) continue
        if (
          next === undefined ||
          timer.dueMs < next.dueMs ||
          (timer.dueMs === next.dueMs && timer.sequence < next.sequence)
        ) {
          next = timer
        }
      }
      if (next === undefined) break
      this.#timers.delete(next)
      this.#move(next.dueMs - this.#monotonicMs)
      next.callback()
    }
    this.#move(endMs - this.#monotonicMs)
  }

  /** The wall clock alone jumps, as an NTP step does. */
  jumpWall(ms: number): void {
    this.#wallMs += ms
  }

  #move(ms: number): void {
    this.#wallMs += ms
    this.#monotonicMs += ms
  }
}
