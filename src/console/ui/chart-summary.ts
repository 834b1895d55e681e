/** A chart in words, for who does not see it. Pure. */

export interface SummarizedSeries {
  readonly label: string
  /** `null` where there is none. */
  readonly values: readonly (number | null)[]
}

/** `Reads: now 120, lowest 80, highest 300. Writes: no figures.` */
export function summarizeChart(
  series: readonly SummarizedSeries[],
  format: (value: number) => string,
): string {
  return series
    .map(({ label, values }) => {
      const known = values.filter((value) => value !== null)
      const last = known.at(-1)
      if (last === undefined) return `${label}: no figures.`
      const lowest = format(known.reduce((a, b) => Math.min(a, b)))
      const highest = format(known.reduce((a, b) => Math.max(a, b)))
      return `${label}: now ${format(last)}, lowest ${lowest}, highest ${highest}.`
    })
    .join(' ')
}
