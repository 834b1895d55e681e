/** The real process as a {@link CliContext}: its streams, its signals, its terminal. */

import closeWithGrace from 'close-with-grace'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { isatty } from 'node:tty'
import { systemClock } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import type { CliContext, StopOptions } from './cli-context.ts'
import { takeListenFds } from './listen-fds.ts'

/** The context of this process. Also keeps a closed pipe from ending it. */
export function processContext(): CliContext {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // A script that read the ready line and hung up must not end the server, nor must a terminal
      // that closed under a server that was left running (EIO).
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
    })
  }
  return {
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    writeBytes,
    platform: process.platform,
    clock: systemClock,
    ask,
    takeInheritedSockets: () => takeListenFds(process.env, process.pid),
    untilStopped,
  }
}

function writeBytes(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => {
      if (error === undefined || error === null) resolve()
      else
        reject(
          new HeadwaterError('HW_ARCHIVE_FILE', 'Who reads stdout has gone.', { cause: error }),
        )
    })
  })
}

/** On stderr: stdout is for results. @throws HeadwaterError `HW_CLI_USAGE` after Ctrl-C. */
async function ask(question: string, { secret }: { readonly secret: boolean }): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const output = secret ? silent : process.stderr
  // Nothing reaches the silent one, the question neither.
  if (secret) process.stderr.write(question)
  const lines = createInterface({ input: process.stdin, output, terminal: true })
  try {
    return await lines.question(secret ? '' : question)
  } catch (cause) {
    if (!secret) process.stderr.write('\n')
    throw new HeadwaterError('HW_CLI_USAGE', 'There was no answer; nothing was changed.', { cause })
  } finally {
    lines.close()
    if (secret) process.stderr.write('\n')
  }
}

/** Signals that close; of all others Node's default stays. A second one ends the process at once. */
function untilStopped(options: StopOptions): Promise<number> {
  const { close, closeMsMax, onStop, onUserSignal } = options
  const isWindows = process.platform === 'win32'
  const onReload = isWindows ? undefined : options.onReload
  const terminals = OUTPUT_FDS.filter((fd) => isatty(fd))
  const hasTerminalGone = () => !isWindows && !terminals.every((fd) => isatty(fd))
  let request = 'a request'
  let isStopping = false
  const graceful = closeWithGrace(
    {
      delay: closeMsMax,
      logger: false,
      skip: [
        ...(onReload === undefined ? [] : (['SIGHUP'] as const)),
        ...(['SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE'] as const),
        ...(['SIGSEGV', 'SIGUSR2', 'beforeExit'] as const),
      ],
    },
    async ({ signal, err }) => {
      isStopping = true
      onStop(err ?? signal ?? request)
      await close()
      if (hasTerminalGone()) endByHangup()
    },
  )
  if (onReload !== undefined) {
    process.on('SIGHUP', () => {
      // A closing window sends it more than once: the kernel does, and the shell.
      if (isStopping) return
      if (!hasTerminalGone()) return onReload()
      // Somebody closed the window: what they started in it must not keep the port.
      request = 'SIGHUP'
      return graceful.close()
    })
  }
  if (onUserSignal !== undefined && !isWindows) process.on('SIGUSR2', onUserSignal)
  // Ctrl-Break, and what Windows sends instead of SIGTERM when a console closes.
  if (isWindows) process.once('SIGBREAK', () => graceful.close())
  return new Promise(() => {
    // Never: closeWithGrace ends the process, with 1 after an uncaught error and 0 after a signal.
  })
}

/** Not stdin: with its output in a file a program is meant to outlive the terminal. */
const OUTPUT_FDS = [1, 2]

/** Without `process.exit`, which aborts when it cannot reset a terminal that is not there (node 20). */
function endByHangup(): void {
  process.removeAllListeners('SIGHUP')
  process.kill(process.pid, 'SIGHUP')
}
