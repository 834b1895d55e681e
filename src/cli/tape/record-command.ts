/** `headwater record`: what an encoder pushes into a cache, as a tape. */

import { formatIsoTime } from '../../base/dates.ts'
import { HeadwaterError } from '../../base/errors.ts'
import { parseCacheName } from '../../base/names.ts'
import { encodeTapeRecord } from '../../tape/tape-format.ts'
import type { TapeEnd } from '../../tape/tape-format.ts'
import type { CliContext } from '../cli-context.ts'
import { readCommandLine, usageError } from '../command.ts'
import type { Command } from '../command.ts'
import { requireServer } from '../control.ts'
import { writeJson } from '../key-command.ts'
import { readSeconds } from '../rig/wait-command.ts'
import { formatBytes } from '../text-table.ts'
import { StatusLine } from './status-line.ts'
import { startRecording } from './recording-client.ts'
import type { RunningRecording } from './recording-client.ts'
import { TapeOutput } from './tape-output.ts'
import { TapeReader } from './tape-reader.ts'

const USAGE = `Usage: headwater record --cache NAME [--out FILE] [--seconds N] [--scrub-media]

Records what encoders push into a cache of a running test rig (--rig-enabled): methods, keys, fields,
bodies, the timing of each chunk, uploads that broke off, connections. Credentials are left out, in
fields, queries and playlists. One file, to be replayed by headwater replay or attached to a report.
Begin before the encoder does, so that init sections and multivariant playlists are on the tape.

  --cache NAME           the cache
  --out FILE             NAME-<time>.tape.gz; packed when its name ends with .gz
  --seconds N            until then; without it until Ctrl-C
  --scrub-media          of all but playlists and manifests the sizes alone
  --json                 one JSON document at the end
  --admin-url URL        the server's admin API; without it the data directory tells
  --data-dir DIR         the server's data directory (.headwater)

Examples:
  headwater record --cache live-origin --seconds 60
  headwater record --cache live-origin --scrub-media --out report.tape.gz
`

export const recordCommand: Command = {
  summary: "record what encoders push into a test rig's cache",
  usage: USAGE,
  run: runRecord,
}

const OWN_FLAGS = {
  cache: 'string',
  out: 'string',
  seconds: 'string',
  'scrub-media': 'boolean',
  json: 'boolean',
  'admin-url': 'string',
} as const
/** For the records that wait after Ctrl-C. */
const STOP_MS_MAX = 15_000
const SECONDS_MAX = 86_400

interface Recorded {
  readonly file: string
  readonly seconds: number
  readonly requestCount: number
  readonly bodyBytes: number
  /** Answered with another status than 2xx. */
  readonly refusedCount: number
  readonly abortedCount: number
  /** In gaps. */
  readonly missedCount: number
  readonly unfinishedCount: number
}

async function runRecord(context: CliContext, argv: readonly string[]): Promise<number> {
  const { config, own } = readCommandLine(context, { argv, own: OWN_FLAGS })
  const cache = parseCacheName(own.cache ?? '')
  if (cache === undefined) {
    throw usageError(own.cache === undefined ? '--cache is missing.' : '--cache is no cache name.')
  }
  const seconds = own.seconds === undefined ? 0 : readSeconds('seconds', own.seconds, 0)
  if (
    own.seconds !== undefined &&
    (!Number.isInteger(seconds) || seconds < 1 || seconds > SECONDS_MAX)
  ) {
    throw usageError(`--seconds is a whole number from 1 to ${SECONDS_MAX}.`)
  }
  const server = await requireServer(context, { config, adminUrl: own['admin-url'] })
  const recording = await startRecording(server, {
    ...{ cache, scrubMedia: own['scrub-media'] === true },
    ...(seconds === 0 ? {} : { seconds }),
  })
  const startedAt = formatIsoTime(context.clock.nowMs()).replace(/[-:]|\.\d+/g, '')
  const json = own.json === true
  const done = writeTape(context, {
    recording,
    json,
    file: own.out ?? `${cache}-${startedAt}.tape.gz`,
  })
  if (!json) {
    const until = seconds === 0 ? 'Ctrl-C ends it' : `for ${seconds} s, or until Ctrl-C`
    context.stdout.write(`Recording ${cache}; ${until}.\n`)
  }
  const finished = done.then((recorded) => {
    if (json) writeJson(context, recorded)
    else context.stdout.write(summaryOf(recorded))
    return 0
  })
  // Of the process: it ends there and then, so all that is to be said is said before.
  const stopped = context.untilStopped({
    close: async () => {
      await recording.stop()
      await finished
    },
    closeMsMax: STOP_MS_MAX,
    onStop: () => undefined,
  })
  return Promise.race([finished, stopped])
}

async function writeTape(
  context: CliContext,
  options: { readonly recording: RunningRecording; readonly json: boolean; readonly file: string },
): Promise<Recorded> {
  const { recording, file } = options
  const output = await TapeOutput.open(context.cwd, file).catch((error: unknown) => {
    recording.close()
    throw error
  })
  const status = options.json ? undefined : new StatusLine(context)
  let refusedCount = 0
  let abortedCount = 0
  let requestCount = 0
  let bodyBytes = 0
  let missedCount = 0
  try {
    const reader = await TapeReader.open(untilBroken(recording.chunks))
    for (const bytes of encodeTapeRecord(reader.head)) await output.write(bytes)
    for (;;) {
      const item = await reader.next()
      if (item === 'cut') throw brokenError(output.path)
      const { record, body } = item
      for (const bytes of encodeTapeRecord(record, body)) await output.write(bytes)
      if (record.type === 'end') {
        return { ...countsOf(record), file: output.path, refusedCount, abortedCount, missedCount }
      }
      if (record.type === 'gap') missedCount += record.requestCount
      if (record.type !== 'request') continue
      requestCount++
      bodyBytes += record.sizeBytes
      if (record.end === 'aborted') abortedCount++
      else if (record.status < 200 || record.status > 299) refusedCount++
      status?.show(`${requestCount} requests, ${formatBytes(bodyBytes)}`)
    }
  } finally {
    status?.end()
    recording.close()
    await output.close()
  }
}

function countsOf({ at, requestCount, bodyBytes, unfinishedCount }: TapeEnd) {
  return { seconds: Math.round(at) / 1000, requestCount, bodyBytes, unfinishedCount }
}

/** A connection that breaks is a tape that is cut. */
async function* untilBroken(chunks: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  try {
    yield* chunks
  } catch {
    // Ignored: what came is kept; the missing last record says the rest.
  }
}

function brokenError(path: string): HeadwaterError {
  return new HeadwaterError('HW_RECORDING_BROKEN', 'The server ended the recording.', {
    detail: `It stopped, the key was revoked, or this program did not take the tape in time. What came is in ${path}: headwater replay --accept-cut plays it.`,
  })
}

function summaryOf(recorded: Recorded): string {
  const { file, seconds, requestCount, bodyBytes } = recorded
  const others = [
    [recorded.refusedCount, 'were refused'],
    [recorded.abortedCount, 'broke off'],
    [recorded.missedCount, 'are a gap on the tape'],
    [recorded.unfinishedCount, 'were not over and are not on it'],
  ] as const
  const more = others.filter(([count]) => count > 0).map(([count, what]) => `; ${count} ${what}`)
  const hint = requestCount === 0 ? ' Nothing was pushed into this cache.' : ''
  return `Recorded ${requestCount} requests, ${formatBytes(bodyBytes)}, in ${seconds.toFixed(1)} s into ${file}${more.join('')}.${hint}\n`
}
