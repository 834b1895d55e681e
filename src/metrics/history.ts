/**
 * The last hour, for the console: rates and latencies as differences of the counters, in plain
 * arrays. Prometheus keeps history better; this is for who has none.
 */

import type { Clock, Timer } from '../base/clock.ts'
import { formatIsoTime } from '../base/dates.ts'
import { quantileOf } from './histogram.ts'
import type { Histogram } from './histogram.ts'
import type { MetricSources } from './sources.ts'

/** One point: rates over the time since the point before it, gauges at its end. Fit for JSON. */
export interface HistoryPoint {
  /** End of the interval, RFC 3339. */
  readonly at: string
  readonly readsPerSecond: number
  readonly writesPerSecond: number
  readonly deletesPerSecond: number
  /** Bodies of requests, all operations. */
  readonly bytesInPerSecond: number
  readonly bytesOutPerSecond: number
  readonly readStatus2xxPerSecond: number
  readonly readStatus3xxPerSecond: number
  readonly readStatus4xxPerSecond: number
  readonly readStatus5xxPerSecond: number
  readonly writeStatus2xxPerSecond: number
  readonly writeStatus3xxPerSecond: number
  readonly writeStatus4xxPerSecond: number
  readonly writeStatus5xxPerSecond: number
  readonly deleteStatus2xxPerSecond: number
  readonly deleteStatus3xxPerSecond: number
  readonly deleteStatus4xxPerSecond: number
  readonly deleteStatus5xxPerSecond: number
  /** Of reads from memory; `null` when there was none. */
  readonly getP50Seconds: number | null
  readonly getP99Seconds: number | null
  /** Of writes, with the time that the encoder takes; `null` when there was none. */
  readonly putP50Seconds: number | null
  readonly putP99Seconds: number | null
  readonly hotStoreBytes: number
  readonly hotStoreBytesMax: number
  readonly pinnedBytes: number
  /** Objects dropped to make room, within the interval. */
  readonly evictions: number
  /** Open ones of the data plane. */
  readonly connections: number
  readonly waiters: number
  /** Mean delay of the event loop, the last sample. */
  readonly eventLoopDelaySeconds: number
}

export interface MetricsHistoryOptions {
  readonly clock: Clock
  readonly sources: Pick<
    MetricSources,
    'requests' | 'store' | 'connections' | 'waiterCount' | 'overload'
  >
}

/** Seconds between the points that are kept. */
export const HISTORY_STEP_SECONDS = 10
/** One hour. */
export const HISTORY_POINTS_MAX = 360
/** Seconds between the points that listeners are told of. */
export const LIVE_STEP_SECONDS = 2

const LIVE_STEPS_PER_POINT = HISTORY_STEP_SECONDS / LIVE_STEP_SECONDS

/** Counters at one moment. */
interface Snapshot {
  readonly atMonotonicMs: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly evictionCount: number
  /** Answers by operation; index = status class. */
  readonly read: readonly number[]
  readonly write: readonly number[]
  readonly delete: readonly number[]
  readonly getHit: Float64Array
  readonly put: Float64Array
}

export class MetricsHistory {
  readonly #options: MetricsHistoryOptions
  readonly #listeners = new Set<(point: HistoryPoint) => void>()
  readonly #points: HistoryPoint[] = []
  #latest: HistoryPoint | undefined
  #atPoint: Snapshot
  #atLiveStep: Snapshot
  #liveSteps = 0
  #timer: Timer | undefined

  /** Begins at once, and goes on until it is closed. */
  constructor(options: MetricsHistoryOptions) {
    this.#options = options
    this.#atPoint = this.#take()
    this.#atLiveStep = this.#atPoint
    this.#schedule()
  }

  /** Every {@link HISTORY_STEP_SECONDS}, oldest first, at most {@link HISTORY_POINTS_MAX}. */
  points(): readonly HistoryPoint[] {
    return this.#points
  }

  /** The last one of {@link onPoint}; `undefined` in the first seconds. */
  latest(): HistoryPoint | undefined {
    return this.#latest
  }

  /**
   * Calls `listener` every {@link LIVE_STEP_SECONDS} with what happened since the last call.
   * @returns The function that ends it.
   */
  onPoint(listener: (point: HistoryPoint) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimer(this.#timer)
    this.#timer = undefined
    this.#listeners.clear()
  }

  #schedule(): void {
    this.#timer = this.#options.clock.setTimer(() => {
      this.#schedule()
      this.#step()
    }, LIVE_STEP_SECONDS * 1000)
  }

  #step(): void {
    const now = this.#take()
    const point = this.#pointBetween(this.#atLiveStep, now)
    this.#latest = point
    this.#atLiveStep = now
    if (++this.#liveSteps % LIVE_STEPS_PER_POINT === 0) {
      this.#points.push(this.#pointBetween(this.#atPoint, now))
      if (this.#points.length > HISTORY_POINTS_MAX) this.#points.shift()
      this.#atPoint = now
    }
    for (const listener of this.#listeners) listener(point)
  }

  #take(): Snapshot {
    const { clock, sources } = this.#options
    const { requests, store } = sources
    const { read, write, delete: deletes, other } = requests.operations
    const byClass = (meters: typeof read) =>
      [0, 1, 2, 3, 4, 5].map((statusClass) => meters.countOfClass(statusClass))
    return {
      atMonotonicMs: clock.monotonicMs(),
      bytesIn: read.bytesIn + write.bytesIn + deletes.bytesIn + other.bytesIn,
      bytesOut: read.bytesOut + write.bytesOut + deletes.bytesOut + other.bytesOut,
      evictionCount: store.evictionCount,
      read: byClass(read),
      write: byClass(write),
      delete: byClass(deletes),
      getHit: requests.getHit.counts.slice(),
      put: requests.put.counts.slice(),
    }
  }

  #pointBetween(before: Snapshot, after: Snapshot): HistoryPoint {
    const { clock, sources } = this.#options
    const { requests, store, connections, overload } = sources
    // The time that passed, not the step: timers are late when there is much to do.
    const seconds = Math.max(0.001, (after.atMonotonicMs - before.atMonotonicMs) / 1000)
    const rate = (operation: 'read' | 'write' | 'delete', statusClass: number) =>
      ((after[operation][statusClass] ?? 0) - (before[operation][statusClass] ?? 0)) / seconds
    const total = (operation: 'read' | 'write' | 'delete') =>
      (sum(after[operation]) - sum(before[operation])) / seconds
    const get = (quantile: number) =>
      quantileBetween(quantile, requests.getHit, before.getHit, after.getHit)
    const put = (quantile: number) => quantileBetween(quantile, requests.put, before.put, after.put)
    return {
      at: formatIsoTime(clock.nowMs()),
      readsPerSecond: total('read'),
      writesPerSecond: total('write'),
      deletesPerSecond: total('delete'),
      bytesInPerSecond: (after.bytesIn - before.bytesIn) / seconds,
      bytesOutPerSecond: (after.bytesOut - before.bytesOut) / seconds,
      readStatus2xxPerSecond: rate('read', 2),
      readStatus3xxPerSecond: rate('read', 3),
      readStatus4xxPerSecond: rate('read', 4),
      readStatus5xxPerSecond: rate('read', 5),
      writeStatus2xxPerSecond: rate('write', 2),
      writeStatus3xxPerSecond: rate('write', 3),
      writeStatus4xxPerSecond: rate('write', 4),
      writeStatus5xxPerSecond: rate('write', 5),
      deleteStatus2xxPerSecond: rate('delete', 2),
      deleteStatus3xxPerSecond: rate('delete', 3),
      deleteStatus4xxPerSecond: rate('delete', 4),
      deleteStatus5xxPerSecond: rate('delete', 5),
      getP50Seconds: get(0.5),
      getP99Seconds: get(0.99),
      putP50Seconds: put(0.5),
      putP99Seconds: put(0.99),
      hotStoreBytes: store.sizeBytes,
      hotStoreBytesMax: store.sizeBytesMax,
      pinnedBytes: store.pinnedBytes,
      evictions: after.evictionCount - before.evictionCount,
      connections: connections.data.open,
      waiters: sources.waiterCount(),
      eventLoopDelaySeconds: overload.eventLoopDelayMs / 1000,
    }
  }
}

function quantileBetween(
  quantile: number,
  { bounds }: Histogram,
  before: Float64Array,
  after: Float64Array,
): number | null {
  const counts = after.map((count, bucket) => count - (before[bucket] ?? 0))
  return quantileOf(quantile, bounds, counts) ?? null
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
