/** Runs the command line inside the test: its own streams, environment and folder, no signals. */

import type { Test } from 'tap'
import { runCli } from '../../src/cli/cli.ts'
import type { CliContext, StopOptions } from '../../src/cli/cli-context.ts'
import { systemClock } from '../../src/base/clock.ts'
import type { InheritedSockets } from '../../src/http/plane-listeners.ts'

export interface CliRunOptions {
  readonly cwd: string
  readonly env?: Record<string, string>
  /** What comes on stdin; a person sits there when absent and `tty`. */
  readonly stdin?: string | Uint8Array
  /** Streams are terminals. */
  readonly tty?: boolean
  readonly columns?: number
  readonly platform?: string
  readonly inheritedSockets?: InheritedSockets
  /** Answers to questions, in order. */
  readonly answers?: readonly string[]
}

export interface CliResult {
  readonly exitCode: number
  readonly out: string
  /** What came as bytes. */
  readonly outBytes: Buffer
  readonly err: string
  /** The questions that were asked. */
  readonly asked: readonly string[]
}

/** Runs a command to its end. */
export async function cli(argv: readonly string[], options: CliRunOptions): Promise<CliResult> {
  const run = makeRun(argv, options)
  const exitCode = await runCli(run.context)
  return { exitCode, ...run.texts(), outBytes: Buffer.concat(run.outBytes) }
}

/** A `serve` or `demo` that runs. */
export interface RunningCli {
  readonly out: () => string
  readonly err: () => string
  /** As SIGHUP and SIGUSR2 do. */
  signal(name: 'SIGHUP' | 'SIGUSR2'): void
  /** As a signal does that ends it. */
  stop(reason?: string | Error): Promise<number>
}

/**
 * Starts `serve` or `demo` and waits for its ready line or its banner; stopped at the test's end.
 * The log is silent, since it goes to the process's own stderr.
 */
export async function startCli(
  t: Test,
  argv: readonly string[],
  options: CliRunOptions,
): Promise<RunningCli> {
  const run = makeRun([...argv, '--log-level', 'silent'], options)
  const done = runCli(run.context)
  const early = await Promise.race([run.ready, done])
  if (early !== undefined) throw new Error(`ended with ${early}: ${run.texts().err}`)
  let stopping: Promise<number> | undefined
  const stop = (reason: string | Error = 'SIGTERM') => {
    stopping ??= run.stop(reason).then(() => done)
    return stopping
  }
  t.teardown(() => stop())
  return { out: () => run.texts().out, err: () => run.texts().err, signal: run.signal, stop }
}

function makeRun(argv: readonly string[], options: CliRunOptions) {
  let out = ''
  let err = ''
  const asked: string[] = []
  const outBytes: Buffer[] = []
  const answers = [...(options.answers ?? [])]
  const isTTY = options.tty === true
  let stopOptions: StopOptions | undefined
  let finish: (exitCode: number) => void = () => undefined
  let setReady: (value: undefined) => void = () => undefined
  const ready = new Promise<undefined>((resolve) => {
    setReady = resolve
  })
  const context: CliContext = {
    argv,
    env: options.env ?? {},
    cwd: options.cwd,
    stdin: {
      isTTY: isTTY && options.stdin === undefined,
      async *[Symbol.asyncIterator]() {
        yield options.stdin ?? ''
      },
    },
    stdout: {
      isTTY,
      columns: options.columns ?? 100,
      write: (text) => {
        out += text
        if (/"event":"ready"|Ctrl-C/.test(text)) setReady(undefined)
      },
    },
    stderr: { isTTY, write: (text) => (err += text) },
    writeBytes: async (bytes) => {
      outBytes.push(Buffer.from(bytes))
    },
    platform: options.platform ?? 'linux',
    clock: systemClock,
    ask: async (question) => {
      asked.push(question)
      return answers.shift() ?? ''
    },
    takeInheritedSockets: () => options.inheritedSockets,
    untilStopped: (given) => {
      stopOptions = given
      return new Promise((resolve) => {
        finish = resolve
      })
    },
  }
  return {
    context,
    ready,
    outBytes,
    texts: () => ({ out, err, asked }),
    signal: (name: 'SIGHUP' | 'SIGUSR2') => {
      const act = name === 'SIGHUP' ? stopOptions?.onReload : stopOptions?.onUserSignal
      act?.()
    },
    stop: async (reason: string | Error) => {
      stopOptions?.onStop(reason)
      await stopOptions?.close()
      finish(reason instanceof Error ? 1 : 0)
    },
  }
}

/** The first line of stdout, parsed. */
export function readyLine(out: string): Record<string, string> {
  // A ready line is one JSON object; the test looks at its members.
  return JSON.parse(out.split('\n')[0] ?? '') as Record<string, string>
}
