/** The real process as a {@link CliContext}: its streams, its signals, its terminal. */

import closeWithGrace from 'close-with-grace'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { systemClock } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import type { CliContext, StopOptions } from './cli-context.ts'

/** The context of this process. Also keeps a closed pipe from ending it. */
export function processContext(): CliContext {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // A script that read the ready line and hung up must not end the server.
      if (error.code !== 'EPIPE') throw error
    })
  }
  return {
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    platform: process.platform,
    clock: systemClock,
    ask,
    untilStopped,
  }
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
function untilStopped({ close, closeMsMax, onStop, onHangup }: StopOptions): Promise<number> {
  const graceful = closeWithGrace(
    {
      delay: closeMsMax,
      logger: false,
      skip: [
        ...(onHangup ? [] : (['SIGHUP'] as const)),
        ...(['SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE'] as const),
        ...(['SIGSEGV', 'SIGUSR2', 'beforeExit'] as const),
      ],
    },
    async ({ signal, err }) => {
      onStop(err ?? signal ?? 'a request')
      await close()
    },
  )
  // Ctrl-Break, and what Windows sends instead of SIGTERM when a console closes.
  if (process.platform === 'win32') process.once('SIGBREAK', () => graceful.close())
  return new Promise(() => {
    // Never: closeWithGrace ends the process, with 1 after an uncaught error and 0 after a signal.
  })
}
