/** Families of one value without labels, in one line each. */

import type { Scrape } from './sources.ts'
import type { Family } from './text.ts'

export interface ScalarOptions {
  /** Markdown, for the documentation alone. */
  readonly advice?: string
  readonly read: (scrape: Scrape) => number
}

export function counter(name: string, help: string, options: ScalarOptions): Family<Scrape> {
  return ofScrape('counter', name, help, options.read, options.advice)
}

export function gauge(name: string, help: string, options: ScalarOptions): Family<Scrape> {
  return ofScrape('gauge', name, help, options.read, options.advice)
}

/**
 * Families about a part of the server that may not be there (a disk, Valkey): then they have no values.
 *
 * @returns Makes one of them; `advice` as {@link ScalarOptions.advice}.
 */
export function scalarsOf<Part>(partOf: (scrape: Scrape) => Part | undefined) {
  return (
    type: 'counter' | 'gauge',
    name: string,
    help: string,
    read: (part: Part) => number,
    advice?: string,
  ): Family<Scrape> => ({
    name,
    help,
    ...(advice === undefined ? {} : { advice }),
    type,
    labels: {},
    read: (scrape) => {
      const part = partOf(scrape)
      return part === undefined ? [] : [{ value: read(part) }]
    },
  })
}

const ofScrape = scalarsOf((scrape) => scrape)
