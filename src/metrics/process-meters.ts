/** What the process itself says: garbage collections, stalls of the event loop. Runs until closed. */

import { constants, PerformanceObserver } from 'node:perf_hooks'
import type { PerformanceEntry } from 'node:perf_hooks'
import { Histogram } from './histogram.ts'

/** `minor`: scavenges of new objects. `major`: the whole heap. `incremental`, `weak`: steps of it. */
export type GcKind = 'minor' | 'major' | 'incremental' | 'weak'
export const GC_KINDS: readonly GcKind[] = ['minor', 'major', 'incremental', 'weak']

const STALL_BOUNDS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

const KIND_BY_CODE: ReadonlyMap<number, GcKind> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weak'],
])

export class ProcessMeters {
  /** Collections and the seconds they took. */
  readonly gc: Readonly<Record<GcKind, { count: number; seconds: number }>> = {
    minor: { count: 0, seconds: 0 },
    major: { count: 0, seconds: 0 },
    incremental: { count: 0, seconds: 0 },
    weak: { count: 0, seconds: 0 },
  }
  /** The longest delay of the event loop in each interval that was looked at. */
  readonly stalls = new Histogram(STALL_BOUNDS_SECONDS)
  readonly #observer: PerformanceObserver

  constructor() {
    this.#observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) this.#add(entry)
    })
    this.#observer.observe({ entryTypes: ['gc'] })
  }

  close(): void {
    this.#observer.disconnect()
  }

  #add(entry: PerformanceEntry): void {
    // Node's own shape of an entry of type `gc`, missing in its types.
    const { detail } = entry as PerformanceEntry & { readonly detail?: { readonly kind?: number } }
    const kind = KIND_BY_CODE.get(detail?.kind ?? 0)
    if (kind === undefined) return
    this.gc[kind].count++
    this.gc[kind].seconds += entry.duration / 1000
  }
}
