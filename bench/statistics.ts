/** Order statistics of a run: medians, quartiles, percentiles. No distribution is assumed. */

/** Of one number that was measured several times. */
export interface Spread {
  readonly median: number
  readonly lowerQuartile: number
  readonly upperQuartile: number
  /** As measured, in order of the rounds. */
  readonly values: readonly number[]
}

/** @param digits  Decimals that mean something; the values are rounded to them as well. */
export function spreadOf(values: readonly number[], digits: number): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (fraction: number) => roundTo(quantile(sorted, fraction), digits)
  return {
    median: at(0.5),
    lowerQuartile: at(0.25),
    upperQuartile: at(0.75),
    values: values.map((value) => roundTo(value, digits)),
  }
}

/** @param sorted  Ascending. @returns Linear between neighbours; 0 when there are no values. */
export function quantile(sorted: ArrayLike<number>, fraction: number): number {
  if (sorted.length === 0) return 0
  const position = (sorted.length - 1) * fraction
  const below = sorted[Math.floor(position)] ?? 0
  const above = sorted[Math.ceil(position)] ?? 0
  return below + (above - below) * (position - Math.floor(position))
}

export function roundTo(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
