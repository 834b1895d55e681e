/**
 * Counts of observations by size, in fixed buckets: what a latency is kept in. Plain numbers in one
 * `Float64Array`; observing allocates nothing.
 */

/** Seconds. From the fastest read out of memory to an upload that takes a whole segment. */
export const LATENCY_BOUNDS_SECONDS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  30, 60,
]

/** Seconds. Of objects: parts of low latency at one end, windows that viewers go back in at the other. */
export const AGE_BOUNDS_SECONDS: readonly number[] = [
  0.1, 0.25, 0.5, 1, 2, 4, 6, 10, 20, 30, 60, 300, 1800, 3600,
]

export class Histogram {
  /** Upper bounds, inclusive, ascending. */
  readonly bounds: readonly number[]
  /** Observations by bucket, not cumulated; the last one is of those over every bound. */
  readonly counts: Float64Array
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  /** A negative value, which only a clock that is wrong can make, counts as 0. */
  observe(value: number): void {
    const { bounds, counts } = this
    const known = value > 0 ? value : 0
    let bucket = 0
    // From the small end: nearly every read out of memory is in one of the first buckets.
    while (bucket < bounds.length && known > (bounds[bucket] ?? Infinity)) bucket++
    counts[bucket] = (counts[bucket] ?? 0) + 1
    this.sum += known
  }

  get count(): number {
    return sumOf(this.counts)
  }
}

/**
 * An estimate of a quantile, as Prometheus makes it: linear within its bucket.
 *
 * @param quantile  0.5 for the median.
 * @param counts  Observations by bucket, {@link Histogram.counts} or a difference of two.
 * @returns `undefined` when there is none. The last bound for what lies beyond it.
 */
export function quantileOf(
  quantile: number,
  bounds: readonly number[],
  counts: ArrayLike<number>,
): number | undefined {
  const total = sumOf(counts)
  if (total === 0) return undefined
  const rank = quantile * total
  let before = 0
  for (let bucket = 0; bucket < bounds.length; bucket++) {
    const inBucket = counts[bucket] ?? 0
    if (inBucket > 0 && before + inBucket >= rank) {
      const lower = bounds[bucket - 1] ?? 0
      const upper = bounds[bucket] ?? lower
      return lower + ((upper - lower) * (rank - before)) / inBucket
    }
    before += inBucket
  }
  return bounds.at(-1)
}

function sumOf(counts: ArrayLike<number>): number {
  let sum = 0
  for (let index = 0; index < counts.length; index++) sum += counts[index] ?? 0
  return sum
}
