/**
 * Time, as a parameter. Every component that measures, expires or waits takes a {@link Clock};
 * nothing else in `src/` may touch `Date` or the global timers. Socket timeouts stay with Node.
 */

/** A pending timer, opaque; pass it back to {@link Clock.clearTimer}. */
export type Timer = object

export interface Clock {
  /** Wall clock, ms since the Unix epoch. For `Date`, `Last-Modified`, key expiry. May jump. */
  nowMs(): number
  /** Never goes backwards, arbitrary origin, ms with fractions. For TTLs, holds and intervals. */
  monotonicMs(): number
  /** Runs `callback` once after `delayMs`. Never keeps the process alive on its own. */
  setTimer(callback: () => void, delayMs: number): Timer
  /** Cancels a timer; a timer that has fired is ignored. */
  clearTimer(timer: Timer): void
  /**
   * Tells of work that a timer has begun and that takes turns of the event loop (disk, sockets). A
   * clock that is moved by hand goes on when it has settled; absent on clocks that go by themselves.
   */
  waitFor?(work: Promise<unknown>): void
}

/** The machine's own clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
  clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
}

/**
 * The time of day of one clock, the intervals and timers of another: what is said is the origin's
 * time, what is measured and waited for the machine's. Of one and the same clock it is that clock.
 */
export function withTimeOfDay(timeOfDay: Clock, machine: Clock): Clock {
  if (timeOfDay === machine) return machine
  return {
    nowMs: () => timeOfDay.nowMs(),
    monotonicMs: () => machine.monotonicMs(),
    setTimer: (callback, delayMs) => machine.setTimer(callback, delayMs),
    clearTimer: (timer) => machine.clearTimer(timer),
  }
}
