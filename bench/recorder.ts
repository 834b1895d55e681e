/** Counts answers and their latencies between two moments. Cheap: one write per answer. */

import { quantile } from './statistics.ts'

export interface Recorded {
  readonly seconds: number
  readonly requestCount: number
  readonly bodyBytes: number
  readonly p50Ms: number
  readonly p99Ms: number
}

const LATENCIES_MAX = 1_000_000

export class Recorder {
  readonly #latenciesMs = new Float64Array(LATENCIES_MAX)
  #requestCount = 0
  #bodyBytes = 0
  #startedAtMs = performance.now()
  #problem: string | undefined

  /** @param bodyBytes  Of the object that was transferred, up or down. */
  add(latencyMs: number, bodyBytes: number): void {
    if (this.#requestCount < LATENCIES_MAX) this.#latenciesMs[this.#requestCount] = latencyMs
    this.#requestCount++
    this.#bodyBytes += bodyBytes
  }

  /** The first one makes {@link take} throw: a wrong answer is not a fast answer. */
  fail(problem: string): void {
    this.#problem ??= problem
  }

  restart(): void {
    this.#requestCount = 0
    this.#bodyBytes = 0
    this.#startedAtMs = performance.now()
  }

  /** @throws Error when an answer was wrong, or when there was none. */
  take(): Recorded {
    const seconds = (performance.now() - this.#startedAtMs) / 1000
    if (this.#problem !== undefined) throw new Error(this.#problem)
    if (this.#requestCount === 0) throw new Error('no answer in the whole window')
    const count = Math.min(this.#requestCount, LATENCIES_MAX)
    const sorted = this.#latenciesMs.slice(0, count).sort()
    return {
      seconds,
      requestCount: this.#requestCount,
      bodyBytes: this.#bodyBytes,
      p50Ms: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99),
    }
  }
}

/** Requests that are under way until they are stopped. */
export interface Load {
  /** Settles when the load has ended by itself; never for one without a number of requests. */
  readonly done: Promise<void>
  stop(): Promise<void>
}
