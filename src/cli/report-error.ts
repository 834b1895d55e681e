/** Errors as a person reads them: one sentence, then what to do. A stack only for our own faults. */

import { HeadwaterError } from '../base/errors.ts'
import { redactText } from '../base/redact.ts'
import { VERSION } from '../base/version.ts'
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
  stderr.write(formatError({ code, message, detail }))
  return code === 'HW_CLI_USAGE' ? EXIT_USAGE : EXIT_FAILURE
}

interface ErrorWords {
  readonly code: string
  readonly message: string
  readonly detail: string | undefined
}

function describeError(error: unknown): ErrorWords {
  if (error instanceof HeadwaterError && error.blame !== 'bug') return error
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return {
    code: 'HW_INTERNAL',
    message: `This is a bug in Headwater ${VERSION}. Please report it with the lines below.`,
    detail: redactText(stack),
  }
}

/** `CODE: sentence`, the detail indented below. */
export function formatError({ code, message, detail }: ErrorWords): string {
  const lines = detail === undefined || detail === '' ? [] : detail.split('\n')
  return [`${code}: ${message}`, ...lines.map((line) => `  ${line}`), ''].join('\n')
}
