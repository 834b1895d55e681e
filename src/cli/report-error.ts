/** Errors as a person reads them: one sentence, then what to do. A stack only for our own faults. */

import { HeadwaterError } from '../base/errors.ts'
import type { ErrorCode } from '../base/errors.ts'
import { redactText } from '../base/redact.ts'
import { VERSION } from '../base/version.ts'
import { wrapText } from '../config/settings-help.ts'
import type { TextOutput } from './cli-context.ts'

/** 0 is success. */
export const EXIT_FAILURE = 1
export const EXIT_USAGE = 2

export interface ReportErrorOptions {
  readonly error: unknown
  /** Print one document on stdout: `{"error":{"code","message","detail"}}`. The words go to stderr. */
  readonly json: boolean
  readonly stdout: TextOutput
  readonly stderr: TextOutput
}

/** @returns The exit code: 2 for a wrong command line, else 1. */
export function reportError({ error, json, stdout, stderr }: ReportErrorOptions): number {
  const { code, message, detail } = describeError(error)
  if (json) {
    const document = { error: { code, message, ...(detail === undefined ? {} : { detail }) } }
    stdout.write(`${JSON.stringify(document, null, 2)}\n`)
  }
  const columns = stderr.isTTY === true ? (stderr.columns ?? 100) : undefined
  stderr.write(formatError({ code, message, detail }, columns))
  return code === 'HW_CLI_USAGE' ? EXIT_USAGE : EXIT_FAILURE
}

interface ErrorWords {
  readonly code: string
  readonly message: string
  readonly detail: string | undefined
}

function describeError(error: unknown): ErrorWords {
  if (error instanceof HeadwaterError && error.blame !== 'bug') {
    const { code, message, detail } = error
    return { code, message, detail: detail ?? HINTS[code] }
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return {
    code: 'HW_INTERNAL',
    message: `This is a bug in Headwater ${VERSION}. Please report it with the lines below.`,
    detail: redactText(stack),
  }
}

/** What to do about errors that do not say it themselves, in the words of this command line. */
const HINTS: Partial<Record<ErrorCode, string>> = {
  HW_KEY_NOT_FOUND: 'headwater key list shows the ids.',
  HW_CACHE_NOT_FOUND: 'headwater cache list shows the names.',
}

/**
 * `CODE: sentence`, the detail indented below.
 *
 * @param columns  Wraps the detail for a terminal; absent: lines stay whole, for `grep`.
 */
export function formatError({ code, message, detail }: ErrorWords, columns?: number): string {
  const given = detail === undefined || detail === '' ? [] : detail.split('\n')
  const lines =
    columns === undefined
      ? given
      : given.flatMap((line) =>
          // A stack's lines are indented and stay as they are.
          line.startsWith(' ') ? [line] : wrapText(line, Math.max(40, columns - 2)),
        )
  return [`${code}: ${message}`, ...lines.map((line) => `  ${line}`), ''].join('\n')
}
