/**
 * Everything that is made to go wrong on this origin: faults for everybody, scenarios that only who
 * asks for them meets, what was done so far. Exists only on a test rig (`rig.enabled`).
 */

import type { Clock, Timer } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import type { ItemKey } from '../base/names.ts'
import type { FaultFile } from './fault-file.ts'
import type { FaultRule, FaultedRequest } from './fault-rule.ts'
import { FAULT_ACTION_NAMES, FAULT_LIMIT_SECONDS_MAX } from './fault-schema.ts'
import type { Fault, FaultAction, FaultOperation } from './fault-schema.ts'
import { FaultSet } from './fault-set.ts'
import { SHIPPED_SCENARIOS } from './shipped-scenarios.ts'

/** Faults that belong together, for who reads by `/rig/<name>/cache/…`. */
export interface Scenario {
  readonly name: string
  readonly description: string
  readonly faults: readonly Fault[]
  /** Comes with the program. */
  readonly isShipped: boolean
}

/** One player's pass through a scenario: counts and frozen playlists are its own. */
export interface ScenarioRun {
  /** As it stands in the path: the scenario's name, or `<name>~<run>`. */
  readonly path: string
  readonly faults: FaultSet
  lastUsedMonotonicMs: number
}

/** A request that was faulted. */
export interface FaultEvent {
  /** Counts up from 1. */
  readonly number: number
  /** Wall clock, ms. */
  readonly atMs: number
  /** Path of the scenario's run; '' for faults of everybody. */
  readonly scenario: string
  readonly faultId: string
  readonly action: FaultAction
  readonly operation: FaultOperation
  readonly cacheName: string
  readonly key: ItemKey
}

/** Something was added or taken away. */
export interface FaultsChange {
  /** `lapsed`: its time limit has taken it away. */
  readonly kind: 'added' | 'deleted' | 'cleared' | 'lapsed'
  /** '' when all went. */
  readonly faultId: string
  readonly action: FaultAction | undefined
  readonly limitSeconds: number
  readonly activeCount: number
}

export const SCENARIOS_MAX = 100
export const SCENARIO_RUNS_MAX = 200
export const FAULT_EVENTS_MAX = 1000
/** A run that nobody asked for so long begins anew. */
const RUN_IDLE_MS = 60_000
const RUN_PATH = /^([a-z0-9][a-z0-9-]{0,63})(?:~[A-Za-z0-9._-]{1,64})?$/

export class Faults {
  /** Requests faulted since the start, by action; read by metrics. */
  readonly counts: Readonly<Record<FaultAction, number>>
  readonly everybody: FaultSet
  /** Another one after every reset. */
  generation = 0
  readonly #clock: Clock
  readonly #machineClock: Clock
  readonly #counts: Record<FaultAction, number>
  readonly #scenarios = new Map<string, Scenario>()
  readonly #runs = new Map<string, ScenarioRun>()
  readonly #events: FaultEvent[] = []
  readonly #onChange: (change: FaultsChange) => void
  #eventCount = 0
  #serial = 0
  /** Until the first limit that takes a fault of everybody away. */
  #lapseTimer: Timer | undefined

  /**
   * @param clock  What the windows of rules go by.
   * @param machineClock  What limits go by, so that a clock that stands leaves none on; `clock` when
   *   absent.
   */
  constructor(
    clock: Clock,
    onChange: (change: FaultsChange) => void = () => undefined,
    machineClock: Clock = clock,
  ) {
    this.#clock = clock
    this.#machineClock = machineClock
    this.#onChange = onChange
    this.everybody = this.#newSet((rule) => this.#tell('lapsed', rule))
    // One for each action by definition.
    this.#counts = Object.fromEntries(FAULT_ACTION_NAMES.map((name) => [name, 0])) as Record<
      FaultAction,
      number
    >
    this.counts = this.#counts
    for (const [name, { description, faults }] of Object.entries(SHIPPED_SCENARIOS)) {
      this.#scenarios.set(name, { name, description, faults, isShipped: true })
    }
  }

  /** For everybody, from now on. @throws HeadwaterError as {@link FaultSet.add}. */
  add(fault: Fault): FaultRule {
    const rule = this.everybody.add(fault)
    this.#tell('added', rule)
    this.#awaitLapse()
    return rule
  }

  /** What a file holds. @throws HeadwaterError as {@link add} and {@link define}. */
  load({ faults = [], scenarios = {} }: FaultFile): void {
    for (const fault of faults) this.add(fault)
    for (const [name, scenario] of Object.entries(scenarios)) {
      this.define({ name, description: scenario.description ?? '', faults: scenario.faults })
    }
  }

  /** @throws HeadwaterError `HW_FAULT_NOT_FOUND`. */
  delete(id: string): void {
    if (!this.everybody.delete(id)) {
      throw new HeadwaterError('HW_FAULT_NOT_FOUND', `There is no fault ${id}.`)
    }
    this.#tell('deleted', { id, action: undefined, limitMs: 0 })
  }

  /** Of everybody; scenarios begin anew. @returns How many faults went. */
  clear(): number {
    const count = this.everybody.clear()
    this.#runs.clear()
    if (count > 0) this.#tell('cleared', { id: '', action: undefined, limitMs: 0 })
    return count
  }

  /** As after the start: scenarios that came later go, and the log of events. */
  reset(): number {
    for (const { name, isShipped } of this.#scenarios.values()) {
      if (!isShipped) this.#scenarios.delete(name)
    }
    this.#events.length = 0
    this.#eventCount = 0
    this.generation++
    return this.clear()
  }

  scenarios(): readonly Scenario[] {
    return [...this.#scenarios.values()]
  }

  /**
   * Adds a scenario, or replaces one that does not come with the program.
   *
   * @throws HeadwaterError `HW_FAULT_INVALID` for its first fault that is not valid, `HW_FAULTS_FULL`,
   *   `HW_FAULT_EXISTS` for a name that is shipped.
   */
  define({ name, description, faults }: Omit<Scenario, 'isShipped'>): void {
    if (this.#scenarios.get(name)?.isShipped === true) {
      throw new HeadwaterError('HW_FAULT_EXISTS', `The scenario ${name} comes with the program.`, {
        detail: 'Choose another name.',
      })
    }
    if (!this.#scenarios.has(name) && this.#scenarios.size >= SCENARIOS_MAX) {
      throw new HeadwaterError('HW_FAULTS_FULL', `There are ${SCENARIOS_MAX} scenarios already.`)
    }
    // Tried now: who asks by it should not find out.
    const trial = this.#newSet()
    for (const fault of faults) trial.add(fault)
    this.#scenarios.set(name, { name, description, faults, isShipped: false })
    this.#forgetRuns(name)
  }

  /** @throws HeadwaterError `HW_SCENARIO_NOT_FOUND`, also for those that are shipped. */
  undefine(name: string): void {
    if (this.#scenarios.get(name)?.isShipped !== false) {
      throw new HeadwaterError('HW_SCENARIO_NOT_FOUND', `No scenario ${name} was added.`)
    }
    this.#scenarios.delete(name)
    this.#forgetRuns(name)
  }

  /** The run of this path (`flaky-404`, `flaky-404~player-2`); `undefined` when no scenario has the name. */
  run(path: string): ScenarioRun | undefined {
    const nowMonotonicMs = this.#machineClock.monotonicMs()
    const known = this.#runs.get(path)
    if (known !== undefined && nowMonotonicMs - known.lastUsedMonotonicMs < RUN_IDLE_MS) {
      known.lastUsedMonotonicMs = nowMonotonicMs
      return known
    }
    const name = RUN_PATH.exec(path)?.[1]
    const scenario = name === undefined ? undefined : this.#scenarios.get(name)
    if (scenario === undefined) return undefined
    const faults = this.#newSet()
    // Nobody meets them who does not ask for them: those that are shipped may stay on.
    const limit = scenario.isShipped ? { limitSeconds: FAULT_LIMIT_SECONDS_MAX } : {}
    for (const fault of scenario.faults) faults.add({ ...limit, ...fault })
    const run = { path, faults, lastUsedMonotonicMs: nowMonotonicMs }
    this.#runs.delete(path)
    this.#runs.set(path, run)
    const oldest = this.#runs.keys().next()
    if (this.#runs.size > SCENARIO_RUNS_MAX && oldest.done !== true) this.#runs.delete(oldest.value)
    return run
  }

  /**
   * The faults that a request meets, in their order; counted and logged.
   *
   * @param only  Asks those of one action alone.
   * @param run  Of the scenario it was asked by: its faults alone. `undefined`: those of everybody.
   */
  take(
    request: FaultedRequest,
    run: ScenarioRun | undefined,
    only?: FaultAction,
  ): readonly FaultRule[] {
    const faults = run?.faults ?? this.everybody
    if (faults.size === 0) return []
    const met = faults.take(request, only)
    for (const rule of met) {
      this.#counts[rule.action]++
      this.#events.push({
        number: ++this.#eventCount,
        atMs: this.#clock.nowMs(),
        scenario: run?.path ?? '',
        faultId: rule.id,
        action: rule.action,
        operation: request.operation,
        cacheName: request.cacheName,
        key: request.key,
      })
      if (this.#events.length > FAULT_EVENTS_MAX) this.#events.shift()
    }
    return met
  }

  /** The last faulted requests, oldest first. */
  events(): readonly FaultEvent[] {
    return this.#events
  }

  #newSet(onLapsed?: (rule: FaultRule) => void): FaultSet {
    return new FaultSet(this.#machineClock, () => ++this.#serial, this.#clock, onLapsed)
  }

  /** People are told in time, though nobody asks for anything. */
  #awaitLapse(): void {
    if (this.#lapseTimer !== undefined) this.#machineClock.clearTimer(this.#lapseTimer)
    this.#lapseTimer = undefined
    const ends = this.everybody.list().map((rule) => rule.addedAtMonotonicMs + rule.limitMs)
    if (ends.length === 0) return
    const waitMs = Math.max(1, Math.min(...ends) - this.#machineClock.monotonicMs())
    this.#lapseTimer = this.#machineClock.setTimer(() => this.#awaitLapse(), waitMs)
  }

  #forgetRuns(name: string): void {
    for (const path of this.#runs.keys()) {
      if (path === name || path.startsWith(`${name}~`)) this.#runs.delete(path)
    }
  }

  #tell(
    kind: FaultsChange['kind'],
    rule: {
      readonly id: string
      readonly action: FaultAction | undefined
      readonly limitMs: number
    },
  ): void {
    this.#onChange({
      kind,
      faultId: rule.id,
      action: rule.action,
      limitSeconds: rule.limitMs / 1000,
      activeCount: this.everybody.list().length,
    })
  }
}
