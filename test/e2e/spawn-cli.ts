/** The built command line as a process of its own, in a folder of its own. */

import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

export interface SpawnOptions {
  readonly cwd: string
  readonly env?: Record<string, string>
  readonly stdin?: string
  /** A listening socket, handed over as systemd does; POSIX. */
  readonly inheritedFd?: number
}

export interface SpawnResult {
  readonly exitCode: number | null
  readonly out: string
  readonly err: string
}

/** Runs it to its end. */
export async function runMain(
  argv: readonly string[],
  options: SpawnOptions,
): Promise<SpawnResult> {
  const child = spawnMain(argv, options)
  const texts = collect(child)
  child.stdin.end(options.stdin ?? '')
  await once(child, 'close')
  return { exitCode: child.exitCode, ...texts() }
}

export interface Served {
  readonly child: ChildProcessWithoutNullStreams
  readonly ready: Record<string, string>
  readonly texts: () => { readonly out: string; readonly err: string }
  /** Waits until the text is in the log. */
  said(text: string): Promise<void>
  /** Sends the signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

/** Starts `serve` or `demo` and waits for the ready line; killed at the test's end. */
export async function serveMain(
  t: Test,
  argv: readonly string[],
  options: SpawnOptions,
): Promise<Served> {
  const child = spawnMain(argv, options)
  const texts = collect(child)
  const closed = once(child, 'close')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await closed
  })
  let end = false
  void closed.then(() => (end = true))
  const until = async (isDone: () => boolean) => {
    while (!isDone()) {
      if (end) throw new Error(`ended with ${child.exitCode}: ${texts().err}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  await until(() => texts().out.includes('\n'))
  return {
    child,
    texts,
    // The ready line is one JSON object; tests look at its members.
    ready: JSON.parse(texts().out.split('\n')[0] ?? '') as Record<string, string>,
    said: (text) => until(() => texts().err.includes(text)),
    end: async (signal) => {
      child.kill(signal)
      await closed
      return child.exitCode
    },
  }
}

function spawnMain(
  argv: readonly string[],
  { cwd, env = {}, inheritedFd }: SpawnOptions,
): ChildProcessWithoutNullStreams {
  const inherited = Object.entries(process.env).filter(([name]) => {
    return !/^(?:HEADWATER_|NODE_OPTIONS$|TAP)/.test(name)
  })
  const allEnv = { ...Object.fromEntries(inherited), ...env }
  if (inheritedFd === undefined) {
    return spawn(process.execPath, [MAIN, ...argv], { cwd, env: allEnv, stdio: 'pipe' })
  }
  // The variable names the process that the shell becomes.
  const script = 'LISTEN_PID=$$ exec "$@"'
  return spawn('sh', ['-c', script, 'sh', process.execPath, MAIN, ...argv], {
    cwd,
    env: { ...allEnv, LISTEN_FDS: '1', LISTEN_FDNAMES: 'http' },
    stdio: ['pipe', 'pipe', 'pipe', inheritedFd],
    // The first three are pipes, which the type of a tuple with a number in it does not say.
  }) as ChildProcessWithoutNullStreams
}

function collect(child: ChildProcessWithoutNullStreams) {
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  return () => ({ out, err })
}
