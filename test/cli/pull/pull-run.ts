/** Runs `headwater pull` in the test, twenty times faster than time: its waits and its clock alike. */

import { setTimeout as wait } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Headwater } from '../../../src/app.ts'
import { systemClock } from '../../../src/base/clock.ts'
import type { Clock } from '../../../src/base/clock.ts'
import type { CliContext, StopOptions } from '../../../src/cli/cli-context.ts'
import { createPullCommand } from '../../../src/cli/pull/pull-command.ts'
import type { PullCommandOptions } from '../../../src/cli/pull/pull-command.ts'
import { reportError } from '../../../src/cli/report-error.ts'
import { http } from '../../support/http.ts'

const SPEED = 20

const fastClock: Clock = {
  ...systemClock,
  monotonicMs: () => systemClock.monotonicMs() * SPEED,
}

export interface PullRun {
  readonly done: Promise<number>
  readonly out: () => string
  readonly err: () => string
  /** Waits until stderr has it. */
  said(text: string | RegExp): Promise<void>
  /** As Ctrl-C. */
  stop(): Promise<number>
  /** An object of the cache, as text; `undefined` when it is not there. */
  text(key: string): Promise<string | undefined>
  bytes(key: string): Promise<Buffer | undefined>
  /** Waits until the object's text passes. */
  untilText(key: string, passes: (text: string) => boolean): Promise<string>
}

export interface PullRunOptions extends Partial<PullCommandOptions> {
  readonly flags?: readonly string[]
  readonly tty?: boolean
  readonly stdin?: string
}

/** Into `live-origin` of this origin, with its encoder's key; stopped at the test's end. */
export function startPull(
  t: Test,
  origin: Pick<Headwater, 'dataPlaneUrl' | 'keys'>,
  url: string,
  options: PullRunOptions = {},
): PullRun {
  const { flags = ['--allow-private'], tty = false, stdin = '', ...given } = options
  const { encoder: key = '' } = origin.keys
  const argv = [url, '--cache', 'live-origin', '--to', origin.dataPlaneUrl, '--key', key, ...flags]
  let out = ''
  let err = ''
  let stopOptions: StopOptions | undefined
  const context: CliContext = {
    argv,
    env: {},
    cwd: '/nonexistent',
    stdin: {
      async *[Symbol.asyncIterator]() {
        yield stdin
      },
    },
    stdout: { write: (text) => (out += text), isTTY: tty },
    stderr: { write: (text) => (err += text), isTTY: tty },
    writeBytes: async () => undefined,
    platform: 'linux',
    clock: fastClock,
    ask: async () => '',
    takeInheritedSockets: () => undefined,
    untilStopped: (received) => {
      stopOptions = received
      return new Promise(() => undefined)
    },
  }
  const command = createPullCommand({
    sleep: async (ms, signal) => {
      await wait(ms / SPEED, undefined, { signal }).catch(() => undefined)
    },
    ...given,
  })
  const done = command.run(context, argv).catch((error: unknown) => {
    const { stdout, stderr } = context
    return reportError({ error, json: argv.includes('--json'), stdout, stderr })
  })
  const stop = async () => {
    await stopOptions?.close()
    return done
  }
  t.teardown(stop)
  const read = async (itemKey: string) => {
    const answer = await http(`${origin.dataPlaneUrl}/cache/live-origin/${itemKey}`, {
      headers: { authorization: origin.keys.player ?? '' },
    })
    return answer.status === 200 ? answer : undefined
  }
  const until = async <Value>(look: () => Promise<Value | undefined>, what: string) => {
    const endsAtMs = performance.now() + 20_000
    for (;;) {
      const value = await look()
      if (value !== undefined) return value
      if (performance.now() > endsAtMs) throw new Error(`not so in 20 s: ${what}\n${err}`)
      await wait(10)
    }
  }
  return {
    done,
    out: () => out,
    err: () => err,
    stop,
    text: async (itemKey) => (await read(itemKey))?.text,
    bytes: async (itemKey) => (await read(itemKey))?.body,
    said: async (text) => {
      const isSaid = () => (typeof text === 'string' ? err.includes(text) : text.test(err))
      await until(async () => (isSaid() ? true : undefined), String(text))
    },
    untilText: (itemKey, passes) =>
      until(async () => {
        const text = (await read(itemKey))?.text
        return text !== undefined && passes(text) ? text : undefined
      }, itemKey),
  }
}

/** URIs of a playlist's lines. */
export function urisOf(text: string | undefined): readonly string[] {
  return (text ?? '').split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}
