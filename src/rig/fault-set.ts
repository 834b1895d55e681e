/** The faults of one scope: those of everybody, or those of one scenario. Bounded, each with its limit. */

import type { Clock } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import { FaultRule } from './fault-rule.ts'
import type { FaultedRequest } from './fault-rule.ts'
import { FAULTS_MAX } from './fault-schema.ts'
import type { Fault, FaultAction } from './fault-schema.ts'

export class FaultSet {
  readonly #clock: Clock
  readonly #windowClock: Clock
  readonly #nextSerial: () => number
  readonly #onLapsed: (rule: FaultRule) => void
  readonly #rules = new Map<string, FaultRule>()

  /**
   * @param clock  What limits go by.
   * @param nextSerial  A number that no rule of any set has had.
   * @param windowClock  What `match.fromSeconds` and `untilSeconds` go by.
   * @param onLapsed  Told of each rule that its limit has taken away, when somebody looks after that.
   */
  constructor(
    clock: Clock,
    nextSerial: () => number,
    windowClock: Clock,
    onLapsed: (rule: FaultRule) => void = () => undefined,
  ) {
    this.#clock = clock
    this.#nextSerial = nextSerial
    this.#windowClock = windowClock
    this.#onLapsed = onLapsed
  }

  get size(): number {
    return this.#rules.size
  }

  /** @throws HeadwaterError `HW_FAULT_INVALID`, `HW_FAULT_EXISTS`, `HW_FAULTS_FULL`. */
  add(fault: Fault): FaultRule {
    this.#dropOver()
    const serial = this.#nextSerial()
    const id = fault.id ?? this.#freeId(fault.action)
    if (this.#rules.has(id)) {
      throw new HeadwaterError('HW_FAULT_EXISTS', `There is a fault ${id} already.`, {
        detail: 'Delete it first, or give this one another id.',
      })
    }
    if (this.#rules.size >= FAULTS_MAX) {
      throw new HeadwaterError('HW_FAULTS_FULL', `There are ${FAULTS_MAX} faults already.`, {
        detail: 'Clear them, or add rules that match more.',
      })
    }
    const rule = new FaultRule(fault, {
      ...{ id, serial, nowMonotonicMs: this.#clock.monotonicMs() },
      nowWindowMs: this.#windowClock.monotonicMs(),
    })
    this.#rules.set(id, rule)
    return rule
  }

  /** In the order they were added; without those whose time is over. */
  list(): readonly FaultRule[] {
    this.#dropOver()
    return [...this.#rules.values()]
  }

  /** Whether it was there. */
  delete(id: string): boolean {
    this.#dropOver()
    return this.#rules.delete(id)
  }

  /** @returns How many there were. */
  clear(): number {
    this.#dropOver()
    const { size } = this.#rules
    this.#rules.clear()
    return size
  }

  /**
   * The rules that this request meets, in their order; each counts it.
   *
   * @param only  Asks those of one action alone.
   */
  take(request: FaultedRequest, only?: FaultAction): readonly FaultRule[] {
    if (this.#rules.size === 0) return NONE
    const nowMonotonicMs = this.#clock.monotonicMs()
    const nowWindowMs = this.#windowClock.monotonicMs()
    let met: FaultRule[] | undefined
    for (const rule of this.#rules.values()) {
      if (only !== undefined && rule.action !== only) continue
      if (!rule.isOver(nowMonotonicMs) && rule.take(request, nowWindowMs)) (met ??= []).push(rule)
    }
    return met ?? NONE
  }

  #dropOver(): void {
    const nowMonotonicMs = this.#clock.monotonicMs()
    for (const [id, rule] of this.#rules) {
      if (!rule.isOver(nowMonotonicMs)) continue
      this.#rules.delete(id)
      this.#onLapsed(rule)
    }
  }

  #freeId(action: string): string {
    if (!this.#rules.has(action)) return action
    for (let number = 2; ; number++) {
      const id = `${action}-${number}`
      if (!this.#rules.has(id)) return id
    }
  }
}

const NONE: readonly FaultRule[] = []
