/** `headwater replay`: a tape to an origin, at its own speed or another. */

import { resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { formatItemKey } from '../../base/names.ts'
import { toPlainText } from '../../base/plain-text.ts'
import { parseItemTarget } from '../../wire/target.ts'
import { isPlaylistKey } from '../../tape/recorded-body.ts'
import type { CliContext } from '../cli-context.ts'
import { readCommandLine, usageError } from '../command.ts'
import type { Command } from '../command.ts'
import { credentialOfFile } from '../credential-input.ts'
import { writeJson } from '../key-command.ts'
import { EXIT_FAILURE } from '../report-error.ts'
import { formatBytes } from '../text-table.ts'
import { prepareExactly } from './prepared-request.ts'
import type { PrepareRequest } from './prepared-request.ts'
import { openRebase } from './rebase.ts'
import { Replayer } from './replayer.ts'
import type { ReplayerOptions } from './replayer.ts'
import { ReplayReport } from './replay-report.ts'
import { parseReplayTarget, REPLAY_AUTH } from './replay-target.ts'
import type { ReplayAuth } from './replay-target.ts'
import { StatusLine } from './status-line.ts'
import { openTape } from './tape-source.ts'
import type { Tape, TapedRequest } from './tape-source.ts'
import { isPlayed, timelineOf } from './timeline.ts'

const USAGE = `Usage: headwater replay TAPE --to URL [--speed N] [--loop] [--rebase] [--step request]

Sends what a tape of headwater record holds to an origin, this one or any other that takes HTTP PUT:
the same requests in the same order, with their chunks, pauses, connections and uploads that broke
off. Nothing is sent anywhere but below URL, and no redirect is followed.

  --to URL               http://127.0.0.1:8080/cache/live-origin; keys are put behind it
  --key-file FILE        the API key, or a momento_key_info.json; without it HEADWATER_API_KEY
  --auth FORM            how the key is sent: ${REPLAY_AUTH.join(', ')}; header
  --speed N              1; 20 is 20 times as fast, max as fast as the order allows
  --step WHAT            Enter sends the next request, or the next segment and what follows it
  --loop, --loops N      again and again, or N times
  --rebase               as a live channel now: media sequence numbers go on from loop to loop,
                         program date-times are moved to now, segments get names of their own
  --accept-cut           plays what is whole of a tape that was cut short
  --json                 one JSON document at the end

Without --rebase every byte is as it was recorded. Exit code 1 when an upload is refused that was
accepted in the recording.

Examples:
  headwater replay ladder.tape.gz --to http://127.0.0.1:8080/cache/live-origin --speed 20
  headwater replay ladder.tape.gz --to https://origin.example/live --auth basic --loop --rebase
`

/** Waits; the process stays alive meanwhile. Over at once when the signal says so. */
export type ReplaySleep = ReplayerOptions['sleep']

const OWN_FLAGS = {
  to: 'string',
  'key-file': 'string',
  auth: 'string',
  speed: 'string',
  step: 'string',
  loop: 'boolean',
  loops: 'string',
  rebase: 'boolean',
  'accept-cut': 'boolean',
  json: 'boolean',
} as const
const STOP_MS_MAX = 10_000
const SPEED_MAX = 10_000

export function createReplayCommand(sleep: ReplaySleep): Command {
  return {
    summary: 'send a tape to an origin',
    usage: USAGE,
    run: (context, argv) => runReplay(context, argv, sleep),
  }
}

export const replayCommand = createReplayCommand(async (ms, signal) => {
  try {
    await wait(ms, undefined, { signal })
  } catch {
    // Ignored: the replay ends, and who waits looks at the signal.
  }
})

async function runReplay(
  context: CliContext,
  argv: readonly string[],
  sleep: ReplaySleep,
): Promise<number> {
  const loaded = readCommandLine(context, { argv, own: OWN_FLAGS, words: ['TAPE'] })
  const { own, positionals } = loaded
  if (own.to === undefined) throw usageError('--to is missing.')
  const step = choiceOf('step', own.step, ['request', 'segment'] as const)
  const target = parseReplayTarget(own.to)
  const speed = step === undefined ? speedOf(own.speed) : Infinity
  const loops = loopsOf(own.loop === true, own.loops)
  const auth: ReplayAuth = choiceOf('auth', own.auth, REPLAY_AUTH) ?? 'header'
  const key = await keyOf(context, own['key-file'])
  const tape = await openTape({
    ...{ cwd: context.cwd, file: positionals[0] ?? '', acceptCut: own['accept-cut'] === true },
  })
  try {
    const prepare = await prepareOf(context, tape, own.rebase === true, loops)
    tellOf(context, tape)
    return await play(context, tape, {
      ...{ target, key, auth, speed, sleep, prepare, clock: context.clock, loops, step },
      json: own.json === true,
    })
  } finally {
    await tape.close()
  }
}

interface PlayOptions extends Omit<ReplayerOptions, 'signal' | 'report' | 'onRequest'> {
  readonly loops: number
  readonly step: 'request' | 'segment' | undefined
  readonly json: boolean
}

async function play(context: CliContext, tape: Tape, options: PlayOptions): Promise<number> {
  const { clock } = context
  const { loops, json, step } = options
  const report = new ReplayReport()
  report.skippedCount = tape.requests.filter((request) => !isPlayed(request)).length
  const status = json || step !== undefined ? undefined : new StatusLine(context)
  const ending = new AbortController()
  const steps = step === undefined ? undefined : new Steps(context, step, ending)
  const startedAtMs = clock.monotonicMs()
  if (!json) context.stdout.write(`Replaying to ${options.target.host}; Ctrl-C ends it.\n`)
  const replayer = new Replayer({
    ...options,
    signal: ending.signal,
    report,
    onRequest: async (request, loop) => {
      await steps?.next(request)
      const round = loop === 0 ? '' : `loop ${loop + 1}, `
      status?.show(
        `${round}${clockOf(request.at)} of ${clockOf(tape.requests.at(-1)?.at ?? 0)}, ${report.requestCount} requests, ${formatBytes(report.sentBytes)}, ${nameOf(request)}`,
      )
    },
  })
  const finished = (async () => {
    try {
      const events = timelineOf(tape)
      for (let loop = 0; loop < loops && !ending.signal.aborted; loop++) {
        await replayer.play(events, loop)
        report.loopCount++
      }
    } finally {
      status?.end()
    }
    const seconds = Math.round(clock.monotonicMs() - startedAtMs) / 1000
    if (json) writeJson(context, report.toJson(seconds))
    else context.stdout.write(report.format(seconds))
    return report.refusedCount === 0 ? 0 : EXIT_FAILURE
  })()
  // A signal ends the process there and then: what is to be said is said before.
  const stopped = context.untilStopped({
    close: async () => {
      ending.abort()
      await finished
    },
    closeMsMax: STOP_MS_MAX,
    onStop: () => undefined,
  })
  return Promise.race([finished, stopped])
}

async function prepareOf(
  { clock }: CliContext,
  tape: Tape,
  isRebase: boolean,
  loops: number,
): Promise<PrepareRequest> {
  if (!isRebase) return (request) => Promise.resolve(prepareExactly(tape, request))
  return openRebase(tape, {
    nowMs: () => clock.nowMs(),
    isLastLoop: (loop) => loop === loops - 1,
  })
}

/** What a person should know before, on stderr. */
function tellOf({ stderr }: CliContext, { cut, missedCount }: Tape): void {
  if (cut !== undefined) stderr.write(`warning: The tape was cut short: ${cut}.\n`)
  if (missedCount > 0) {
    stderr.write(`warning: ${missedCount} requests are missing on the tape.\n`)
  }
}

/** Waits for Enter before a request; the end of stdin ends the replay. */
class Steps {
  readonly #context: CliContext
  readonly #what: 'request' | 'segment'
  readonly #ending: AbortController
  readonly #lines: AsyncIterator<unknown>
  #readyCount = 0

  constructor(context: CliContext, what: 'request' | 'segment', ending: AbortController) {
    this.#context = context
    this.#what = what
    this.#ending = ending
    this.#lines = context.stdin[Symbol.asyncIterator]()
  }

  async next(request: TapedRequest): Promise<void> {
    const { stderr } = this.#context
    const name = `${request.method} ${nameOf(request)} (${formatBytes(request.sizeBytes)})`
    if (this.#what === 'segment' && isPlaylist(request)) {
      stderr.write(`${name}\n`)
      return
    }
    stderr.write(`${name}  Enter sends it. `)
    while (this.#readyCount === 0) {
      const chunk = await this.#lines.next()
      if (chunk.done === true) return this.#ending.abort()
      this.#readyCount += String(chunk.value).split('\n').length - 1
    }
    this.#readyCount--
    // On a terminal Enter was the line's end.
    if (this.#context.stdin.isTTY !== true) stderr.write('\n')
  }
}

function isPlaylist({ path, query }: TapedRequest): boolean {
  return isPlaylistKey(parseItemTarget(`/cache/tape/${path}?${query}`).key)
}

function nameOf({ path, query }: TapedRequest): string {
  const { key } = parseItemTarget(`/cache/tape/${path}?${query}`)
  return toPlainText(formatItemKey(key), 60)
}

function clockOf(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

async function keyOf(context: CliContext, file: string | undefined): Promise<string> {
  if (file !== undefined) return credentialOfFile(resolve(context.cwd, file))
  const key = (context.env['HEADWATER_API_KEY'] ?? '').trim()
  if (/^[\x21-\x7e]*$/.test(key)) return key
  throw usageError('HEADWATER_API_KEY is no key: it has blanks or line ends in it.')
}

function speedOf(text: string | undefined): number {
  if (text === undefined) return 1
  if (text === 'max') return Infinity
  const speed = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : NaN
  if (speed >= 0.01 && speed <= SPEED_MAX) return speed
  throw usageError(`--speed is a number from 0.01 to ${SPEED_MAX}, or max.`)
}

function loopsOf(isEndless: boolean, text: string | undefined): number {
  if (text === undefined) return isEndless ? Infinity : 1
  if (isEndless) throw usageError('--loop and --loops exclude each other.')
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text)
  throw usageError('--loops is a whole number from 1 on.')
}

function choiceOf<const Words extends readonly string[]>(
  flag: string,
  text: string | undefined,
  words: Words,
): Words[number] | undefined {
  if (text === undefined) return undefined
  const word: Words[number] | undefined = words.find((each) => each === text)
  if (word !== undefined) return word
  throw usageError(`--${flag} is one of ${words.join(', ')}.`)
}
