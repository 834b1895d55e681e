/** Families of one value without labels, in one line each. */

import type { Scrape } from './sources.ts'
import type { Family } from './text.ts'

export interface ScalarOptions {
  /** Markdown, for the documentation alone. */
  readonly advice?: string
  readonly read: (scrape: Scrape) => number
}

export function counter(name: string, help: string, options: ScalarOptions): Family<Scrape> {
  return scalar('counter', name, help, options)
}

export function gauge(name: string, help: string, options: ScalarOptions): Family<Scrape> {
  return scalar('gauge', name, help, options)
}

function scalar(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  { advice, read }: ScalarOptions,
): Family<Scrape> {
  return {
    name,
    help,
    ...(advice === undefined ? {} : { advice }),
    type,
    labels: {},
    read: (scrape) => [{ value: read(scrape) }],
  }
}
