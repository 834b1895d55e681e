/**
 * What a command may touch of the process: streams, environment, time, signals. Tests give their
 * own; `process-context.ts` has the real ones.
 */

import type { Clock } from '../base/clock.ts'
import type { InheritedSockets } from '../http/plane-listeners.ts'

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
  /**
   * What SIGHUP means instead of the end, as supervisors use it. It stays the end for a program whose
   * terminal has gone, and on Windows, where it says that the console closes. Absent: the end.
   */
  readonly onReload?: () => void
  /** What SIGUSR2 means. Absent: Node's default, which is to end at once. */
  readonly onUserSignal?: () => void
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
  /**
   * Bytes to stdout; resolves when more may follow.
   * @throws Error when its reader has gone.
   */
  readonly writeBytes: (bytes: Uint8Array) => Promise<void>
  readonly platform: string
  readonly clock: Clock
  /** Asks a person on the terminal; what is typed is not shown when `secret`. */
  readonly ask: (question: string, options: { readonly secret: boolean }) => Promise<string>
  /**
   * Listening sockets of a supervisor; once, a second call has none.
   * @throws HeadwaterError HW_START_LISTEN_FAILED when what it says makes no sense.
   */
  readonly takeInheritedSockets: () => InheritedSockets | undefined
  /** Waits for a signal, then closes. @returns Exit code; the real one ends the process instead. */
  readonly untilStopped: (options: StopOptions) => Promise<number>
}

/** Whether to colour what goes to this stream. Source: https://no-color.org. */
export function hasColours(stream: TextOutput, env: CliContext['env']): boolean {
  const isRefused = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  return stream.isTTY === true && !isRefused
}
