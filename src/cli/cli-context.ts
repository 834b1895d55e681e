/**
 * What a command may touch of the process: streams, environment, time, signals. Tests give their
 * own; `process-context.ts` has the real ones.
 */

import type { Clock } from '../base/clock.ts'

/** Where text goes; `process.stdout` is one. */
export interface TextOutput {
  write(text: string): unknown
  /** A person reads it. */
  readonly isTTY?: boolean
  /** Width of the terminal, chars. */
  readonly columns?: number
}

/** Where text comes from; `process.stdin` is one. */
export interface TextInput extends AsyncIterable<unknown> {
  readonly isTTY?: boolean
}

export interface StopOptions {
  /** Ends everything; called once. */
  readonly close: () => Promise<void>
  /** How long `close` may take before the process ends all the same, ms. */
  readonly closeMsMax: number
  /** Told what stops it: a signal's name, or the error that nobody caught. */
  readonly onStop: (reason: string | Error) => void
  /** The terminal's hangup stops it, too; otherwise it ends the process at once. */
  readonly onHangup: boolean
}

export interface CliContext {
  /** Without the program's and the script's name. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Relative paths start here. */
  readonly cwd: string
  readonly stdin: TextInput
  readonly stdout: TextOutput
  readonly stderr: TextOutput
  readonly platform: string
  readonly clock: Clock
  /** Asks a person on the terminal; what is typed is not shown when `secret`. */
  readonly ask: (question: string, options: { readonly secret: boolean }) => Promise<string>
  /** Waits for a signal, then closes. @returns Exit code; the real one ends the process instead. */
  readonly untilStopped: (options: StopOptions) => Promise<number>
}

/** Whether to colour what goes to this stream. Source: https://no-color.org. */
export function hasColours(stream: TextOutput, env: CliContext['env']): boolean {
  const isRefused = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  return stream.isTTY === true && !isRefused
}
