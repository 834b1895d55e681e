/** The log for a person's terminal: one readable line a record instead of JSON. */

import type { DestinationStream } from 'pino'
import type { Painter } from './banner.ts'
import type { TextOutput } from './cli-context.ts'

const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}
const ERROR = 50

/** A destination for `createLogger` that rewrites its JSON lines. */
export function terminalLog(stderr: TextOutput, paint: Painter): DestinationStream {
  return {
    write: (json: string) => {
      stderr.write(formatLogLine(json, paint))
    },
  }
}

/** @param json  One record of pino. */
export function formatLogLine(json: string, paint: Painter): string {
  let record: Record<string, unknown>
  try {
    // pino writes one object a line; anything else is shown as it is.
    record = JSON.parse(json) as Record<string, unknown>
  } catch {
    return json
  }
  const { level, time, msg, err, ...fields } = record
  const name = (LEVELS[Number(level)] ?? 'log').padEnd(7)
  const painted = Number(level) >= ERROR ? paint.red(name) : paint.yellow(name)
  const rest = Object.keys(fields).length === 0 ? '' : `  ${paint.dim(JSON.stringify(fields))}`
  const head = `${paint.dim(formatClockTime(Number(time)))}  ${painted} ${String(msg)}${rest}\n`
  return `${head}${errorText(err)}`
}

function errorText(err: unknown): string {
  if (typeof err !== 'object' || err === null) return ''
  // pino's serialised error.
  const { message, stack } = err as { readonly message?: unknown; readonly stack?: unknown }
  const text = typeof stack === 'string' ? stack : String(message)
  return text.replace(/^/gm, '          ').concat('\n')
}

/** The local time of day: what the clock on the wall says. */
export function formatClockTime(timeMs: number): string {
  return CLOCK_TIME.format(timeMs)
}

const CLOCK_TIME = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })
