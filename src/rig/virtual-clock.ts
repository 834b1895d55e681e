/**
 * The clock of a test rig: the machine's own until somebody moves it on, freezes it or changes its
 * pace. Rules whatever the origin remembers or waits for; never sockets, which have the machine's.
 */

import type { Clock, Timer } from '../base/clock.ts'
import { formatIsoTime } from '../base/dates.ts'
import { HeadwaterError } from '../base/errors.ts'
import { TimerQueue } from './timer-queue.ts'
import type { QueuedTimer } from './timer-queue.ts'

/** Virtual seconds in a second; 0 is frozen. */
export const CLOCK_RATE_MAX = 1000
/** Ten years: how far it may be moved ahead of the machine, ms. */
export const CLOCK_AHEAD_MS_MAX = 315_360_000_000
/** Timers of one move. Twelve hours of a live channel are some 220,000. */
export const CLOCK_TIMERS_PER_MOVE_MAX = 2_000_000
/** Moves that wait for their turn. */
export const CLOCK_MOVES_MAX = 100
/** What a date can hold. */
const TIME_MS_MAX = 8.64e15
/** Work that a timer has begun is waited for so long by the machine's clock, then left alone. */
const WORK_MS_MAX = 10_000
/** Timers of a move after which the event loop has a turn: others are answered meanwhile. */
const TIMERS_PER_TURN = 16
/** Node's timers come up to 1 ms early, and their sums are floats. */
const EARLY_MS = 0.01
/** The longest that node's timers can wait. */
const MACHINE_TIMER_MS_MAX = 2_147_483_647

export interface ClockState {
  /** Wall clock, ms since the epoch. */
  readonly nowMs: number
  readonly machineNowMs: number
  /** Virtual seconds in a second; 0: it stands. */
  readonly rate: number
  /** Nobody has moved it: it is the machine's. */
  readonly isReal: boolean
  /** A move is under way. */
  readonly isMoving: boolean
  /** Timers that wait. */
  readonly timerCount: number
}

/** What a move came to. */
export interface ClockMove {
  /** Timers that fell due and were called. */
  readonly firedCount: number
}

export interface VirtualClockOptions {
  /** Told when somebody has moved it or changed its pace. */
  readonly onChange?: (state: ClockState) => void
  /** {@link CLOCK_TIMERS_PER_MOVE_MAX} unless a test says otherwise. */
  readonly timersPerMoveMax?: number
  /** {@link WORK_MS_MAX} unless a test says otherwise. */
  readonly workMsMax?: number
}

export class VirtualClock implements Clock {
  readonly #machine: Clock
  readonly #onChange: (state: ClockState) => void
  readonly #timersPerMoveMax: number
  readonly #workMsMax: number
  readonly #timers = new TimerQueue()
  readonly #works = new Set<Promise<unknown>>()
  #rate = 1
  /** Virtual and machine's monotonic time of the last change: from there it goes at its rate. */
  #anchorMs = 0
  #anchorMachineMs = 0
  /** The latest due time of a timer that was called: time is never before it. */
  #floorMs = 0
  /** Wall clock minus monotonic; `undefined` while it is the machine's, which may jump. */
  #wallOffsetMs: number | undefined
  /** Where it stands in the middle of a move. */
  #standingMs: number | undefined
  #machineTimer: Timer | undefined
  #armedForMs = Infinity
  #moves: Promise<unknown> = Promise.resolve()
  #moveCount = 0
  #isStopped = false

  constructor(machine: Clock, options: VirtualClockOptions = {}) {
    this.#machine = machine
    this.#onChange = options.onChange ?? (() => undefined)
    this.#timersPerMoveMax = options.timersPerMoveMax ?? CLOCK_TIMERS_PER_MOVE_MAX
    this.#workMsMax = options.workMsMax ?? WORK_MS_MAX
  }

  nowMs(): number {
    const offsetMs = this.#wallOffsetMs
    return offsetMs === undefined
      ? this.#machine.nowMs()
      : Math.floor(offsetMs + this.monotonicMs() + EARLY_MS)
  }

  monotonicMs(): number {
    if (this.#standingMs !== undefined) return this.#standingMs
    const goneMs = this.#machine.monotonicMs() - this.#anchorMachineMs
    return Math.max(this.#floorMs, this.#anchorMs + goneMs * this.#rate)
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    // As node's own: what is no delay is none.
    const timer = this.#timers.add(callback, this.monotonicMs() + (delayMs > 0 ? delayMs : 0))
    if (timer.dueMs < this.#armedForMs) this.#arm()
    return timer
  }

  clearTimer(timer: Timer): void {
    // Made by setTimer. The machine's timer stays: it finds nothing due, and looks for the next.
    this.#timers.remove(timer as QueuedTimer)
  }

  waitFor(work: Promise<unknown>): void {
    this.#works.add(work)
    const end = () => void this.#works.delete(work)
    work.then(end, end)
  }

  get state(): ClockState {
    return {
      nowMs: this.nowMs(),
      machineNowMs: this.#machine.nowMs(),
      rate: this.#rate,
      isReal: this.#wallOffsetMs === undefined,
      isMoving: this.#moveCount > 0,
      timerCount: this.#timers.size,
    }
  }

  /**
   * From now on so many seconds pass in a second of the machine; 0 freezes it. A move that is under
   * way goes on first.
   *
   * @throws HeadwaterError `HW_CLOCK_INVALID`.
   */
  setRate(rate: number): void {
    if (!(rate >= 0 && rate <= CLOCK_RATE_MAX)) {
      throw new HeadwaterError('HW_CLOCK_INVALID', `A rate is from 0 to ${CLOCK_RATE_MAX}.`)
    }
    if (rate === this.#rate) return
    this.#leaveMachine()
    this.#goOnFrom(this.monotonicMs())
    this.#rate = rate
    this.#arm()
    this.#onChange(this.state)
  }

  /**
   * Moves on by `ms` and returns when all has happened that fell due on the way: each timer is called
   * in the order of due times, with the clock standing at its own, and the next one when the promises
   * it settled have had their effect and all work told of by {@link waitFor} is over. The event loop
   * has a turn in between now and then, and at the end. Moves wait for each other.
   *
   * @throws HeadwaterError `HW_CLOCK_INVALID`, `HW_CLOCK_BACKWARDS`, `HW_CLOCK_BUSY`; `HW_CLOCK_STOPPED`
   *   when it stopped between: it stands where it came to.
   */
  advance(ms: number): Promise<ClockMove> {
    return this.#inTurn(() => {
      if (!Number.isFinite(ms)) throw invalid('The clock moves by a number of milliseconds.')
      if (ms < 0) throw backwards()
      return this.monotonicMs() + ms
    })
  }

  /**
   * Moves on to a time of day, ms since the epoch, as {@link advance} does.
   *
   * @throws HeadwaterError as {@link advance}.
   */
  set(timeMs: number): Promise<ClockMove> {
    return this.#inTurn(() => {
      if (!(Math.abs(timeMs) <= TIME_MS_MAX)) throw invalid('The clock is set to a time.')
      const nowMs = this.nowMs()
      if (timeMs < nowMs) throw backwards(timeMs, nowMs)
      // What is gone of this millisecond is no reason to refuse it.
      return Math.max(this.monotonicMs(), timeMs - this.#wallOffset())
    })
  }

  /** Ends the move under way and refuses those that wait: the server stops. Time goes on. */
  stop(): void {
    this.#isStopped = true
  }

  async #inTurn(target: () => number): Promise<ClockMove> {
    if (this.#moveCount >= CLOCK_MOVES_MAX) {
      throw new HeadwaterError('HW_CLOCK_BUSY', `${CLOCK_MOVES_MAX} moves wait for their turn.`)
    }
    this.#moveCount++
    const move = this.#moves.then(() => this.#move(target))
    this.#moves = move.catch(() => undefined)
    try {
      return await move
    } finally {
      this.#moveCount--
      this.#onChange(this.state)
    }
  }

  async #move(target: () => number): Promise<ClockMove> {
    if (this.#isStopped) throw stopped('the server stops')
    const targetMs = target()
    const aheadMs = targetMs + this.#wallOffset() - this.#machine.nowMs()
    if (aheadMs > CLOCK_AHEAD_MS_MAX) {
      throw invalid('The clock goes at most ten years ahead of the machine.')
    }
    this.#leaveMachine()
    this.#standingMs = this.monotonicMs()
    this.#disarm()
    try {
      await this.#settle()
      return { firedCount: await this.#fireUntil(targetMs) }
    } finally {
      const standsAtMs = this.#standingMs
      this.#standingMs = undefined
      this.#goOnFrom(standsAtMs)
      this.#arm()
    }
  }

  async #fireUntil(targetMs: number): Promise<number> {
    let firedCount = 0
    for (let isThere = false; ;) {
      const next = this.#timers.first()
      if (next === undefined || next.dueMs > targetMs) {
        if (isThere) return firedCount
        // Whoever was answered a moment ago may ask for one more timer on the way.
        await this.#settle()
        if ((this.#timers.first()?.dueMs ?? Infinity) <= targetMs) continue
        this.#standAt(targetMs)
        await this.#settle()
        isThere = true
        continue
      }
      if (this.#isStopped) throw stopped('the server stops')
      if (firedCount >= this.#timersPerMoveMax) throw this.#tooMany(firedCount)
      this.#timers.remove(next)
      this.#standAt(next.dueMs)
      firedCount++
      call(next)
      await microtasks()
      if (this.#works.size > 0 || firedCount % TIMERS_PER_TURN === 0) await this.#settle()
    }
  }

  /** All that can be known to be under way. */
  async #settle(): Promise<void> {
    await turnOfEventLoop()
    if (this.#works.size === 0) return
    const untilMs = this.#machine.monotonicMs() + this.#workMsMax
    while (this.#works.size > 0) {
      const leftMs = untilMs - this.#machine.monotonicMs()
      if (leftMs <= 0) {
        // Something hangs: it is not asked for again.
        this.#works.clear()
        return
      }
      await this.#settledWithin(leftMs)
      await turnOfEventLoop()
    }
  }

  #settledWithin(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#machine.setTimer(resolve, ms)
      void Promise.allSettled([...this.#works]).then(() => {
        this.#machine.clearTimer(timer)
        resolve()
      })
    })
  }

  #standAt(ms: number): void {
    if (this.#standingMs === undefined || ms > this.#standingMs) this.#standingMs = ms
  }

  /** Where it is not being moved: calls what is due, as a timer of node's would. */
  #fireDue(): void {
    const nowMs = this.monotonicMs()
    const { nextSequence } = this.#timers
    for (;;) {
      const next = this.#timers.first()
      if (next === undefined || next.dueMs > nowMs + EARLY_MS) return
      // Of this call itself: everybody else has a turn first.
      if (next.sequence >= nextSequence) return
      this.#timers.remove(next)
      this.#floorMs = Math.max(this.#floorMs, next.dueMs)
      call(next)
    }
  }

  #arm(): void {
    this.#disarm()
    const next = this.#timers.first()
    if (next === undefined || this.#rate === 0 || this.#standingMs !== undefined) return
    this.#armedForMs = next.dueMs
    const delayMs = Math.max(0, (next.dueMs - this.monotonicMs()) / this.#rate)
    this.#machineTimer = this.#machine.setTimer(
      () => {
        this.#machineTimer = undefined
        this.#armedForMs = Infinity
        this.#fireDue()
        this.#arm()
      },
      Math.min(MACHINE_TIMER_MS_MAX, delayMs),
    )
  }

  #disarm(): void {
    this.#armedForMs = Infinity
    if (this.#machineTimer !== undefined) this.#machine.clearTimer(this.#machineTimer)
    this.#machineTimer = undefined
  }

  #goOnFrom(ms: number): void {
    this.#anchorMs = ms
    this.#anchorMachineMs = this.#machine.monotonicMs()
  }

  /** From the first change on its wall clock follows its own time alone, and never jumps. */
  #leaveMachine(): void {
    this.#wallOffsetMs ??= this.#wallOffset()
  }

  #wallOffset(): number {
    // Whole milliseconds, so that a time it is set to is the time it says; never behind the machine.
    return this.#wallOffsetMs ?? Math.ceil(this.#machine.nowMs() - this.monotonicMs())
  }

  #tooMany(firedCount: number): HeadwaterError {
    return new HeadwaterError(
      'HW_CLOCK_STOPPED',
      `The clock stopped at ${formatIsoTime(this.nowMs())}: ${firedCount} timers fell due on the way.`,
      {
        detail:
          'Move on from there in shorter steps. Objects that wait for their end cost four a second.',
      },
    )
  }
}

/** What a timer throws is a fault of ours, and ends as it would from a timer of node's. */
function call({ callback }: QueuedTimer): void {
  try {
    callback()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

/** Until none is left: ticks come after them. */
function microtasks(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}

function turnOfEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function invalid(message: string): HeadwaterError {
  return new HeadwaterError('HW_CLOCK_INVALID', message)
}

function backwards(timeMs?: number, nowMs?: number): HeadwaterError {
  const where =
    timeMs === undefined || nowMs === undefined
      ? ''
      : `: it is ${formatIsoTime(nowMs)}, ${formatIsoTime(timeMs)} is past`
  return new HeadwaterError('HW_CLOCK_BACKWARDS', `The clock goes forwards only${where}.`, {
    detail: 'Only a restart of the server begins again with the time of the machine.',
  })
}

function stopped(why: string): HeadwaterError {
  return new HeadwaterError('HW_CLOCK_STOPPED', `The clock was not moved: ${why}.`)
}
