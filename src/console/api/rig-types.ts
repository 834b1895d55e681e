/** What the admin API answers about a test rig, as far as the console reads it. 404 on other servers. */

/** What a fault is written as; fields that belong to its action are left out here. */
export interface FaultView {
  readonly action: string
  readonly match?: Readonly<Record<string, unknown>>
}

/** Each of `GET /api/faults`. */
export interface FaultInForce {
  readonly id: string
  readonly fault: FaultView
  readonly matchedCount: number
  readonly appliedCount: number
  readonly isSpent: boolean
  readonly endsInSeconds: number
}

export interface FaultList {
  readonly faults: readonly FaultInForce[]
}

/** Each of `GET /api/scenarios`. */
export interface ScenarioView {
  readonly name: string
  readonly description: string
  readonly isShipped: boolean
  readonly faults: readonly FaultView[]
}

/** Each of `GET /api/faults/events`, oldest first. */
export interface FaultEventView {
  readonly number: number
  readonly at: string
  /** '' for faults of everybody. */
  readonly scenario: string
  readonly faultId: string
  readonly action: string
  readonly operation: string
  readonly cache: string
  readonly key: string
}

/** The live event `faults`. */
export interface FaultsChangeEvent {
  readonly change: 'added' | 'deleted' | 'cleared' | 'lapsed'
  readonly faultId: string
  readonly activeCount: number
}
