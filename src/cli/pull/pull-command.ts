/** `headwater pull`: follows a remote HLS channel or film into a cache of a running origin. */

import { setTimeout as wait } from 'node:timers/promises'
import type { CliContext } from '../cli-context.ts'
import { readCommandLine } from '../command.ts'
import type { Command } from '../command.ts'
import { writeJson } from '../key-command.ts'
import { formatPlayerUrl } from '../player-link.ts'
import { EXIT_FAILURE } from '../report-error.ts'
import { AddressRules } from './address-rules.ts'
import type { ResolveAll } from './guarded-lookup.ts'
import { LocalCache } from './local-cache.ts'
import {
  PULL_FLAGS,
  readPullArguments,
  readSourceArgument,
  refuseOwnCache,
} from './pull-arguments.ts'
import type { PullArguments } from './pull-arguments.ts'
import { PullReporter } from './pull-reporter.ts'
import { PullSession } from './pull-session.ts'
import type { PullEnd } from './pull-session.ts'
import type { AbortableSleep, PullBounds } from './pull-shared.ts'
import { openPullTarget } from './pull-target.ts'
import type { PullTarget } from './pull-target.ts'
import { SourceClient } from './source-client.ts'
import { showUrl, SourceCredentials } from './source-url.ts'
import { Turns } from './turns.ts'

const USAGE = `Usage: headwater pull URL|- --cache NAME [--key-prefix FOLDER/]

Follows a remote HLS source, live or not, into a cache of a running origin, as an encoder would push
it: all variants and renditions with their init sections, keys and subtitles, under names of its own.
Numbers, dates, discontinuities and other tags stay. A segment that the source has lost becomes
EXT-X-GAP. Ends with the source; what is live and never ends: Ctrl-C or --seconds.

  URL                    the source's playlist; - reads it from stdin, where nobody sees its token
  --cache NAME           the cache; it must exist
  --key-prefix FOLDER/   before all names
  --ttl-seconds N        of all that is stored (live 3600 or twice the playlist, else a day)
  --seconds N            end after so long
  --last-seconds N       of a live source only the last N seconds at the beginning, not its whole DVR
  --allow-private        the source may be on this machine or in a private network
  --allow-address CIDR   ... or at these addresses, whatever they are; several by commas
  --json                 one JSON document on stdout at the end, instead of a line when it plays

  --admin-url URL        the server's admin API; without it the data directory tells
  --data-dir DIR         the server's data directory (.headwater)
  --to URL               or any origin, with
  --key-file FILE        its encoder key: a momento_key_info.json, or the key alone
  --key KEY              the same, for keys that are no secret (dev-encoder)

A user and password in the URL go to its host alone. Exit code 1 when the copy of a source that was
whole has holes, or nothing came of one of its playlists.

Examples:
  headwater pull https://cdn.example.com/live/playlist.m3u8 --cache live-origin
  headwater pull http://10.1.2.3/film.m3u8 --cache vod --key-prefix film/ --allow-address 10.1.2.3
`

const BOUNDS: Omit<PullBounds, 'segmentBytesMax'> = {
  playlistBytesMax: 8 * 1024 * 1024,
  renditionsMax: 64,
  segmentsMax: 20_000,
}
/** Segments at once, of all renditions. */
const TURNS = 4
/** To one host: segments and playlists. */
const CONNECTIONS_MAX = 6
const MULTIVARIANT_EVERY_MS = 30_000
const URL_BYTES_MAX = 16_384

export interface PullCommandOptions {
  readonly sleep: AbortableSleep
  readonly multivariantEveryMs?: number
  /** The system's resolver when absent. */
  readonly resolve?: ResolveAll
}

export function createPullCommand(options: PullCommandOptions): Command {
  return {
    summary: 'follow a remote HLS source into a cache',
    usage: USAGE,
    run: (context, argv) => runPull(context, argv, options),
  }
}

export const pullCommand = createPullCommand({
  sleep: async (ms, signal) => {
    // Ignored: an abort ends the wait, which is all it should do.
    await wait(ms, undefined, { signal }).catch(() => undefined)
  },
})

async function runPull(
  context: CliContext,
  argv: readonly string[],
  options: PullCommandOptions,
): Promise<number> {
  const { config, own, positionals } = readCommandLine(context, {
    argv,
    own: PULL_FLAGS,
    words: ['URL'],
  })
  const args = readPullArguments(own)
  const [word = ''] = positionals
  const url = readSourceArgument(word === '-' ? await readLine(context) : word)
  const { key, 'key-file': keyFile, 'admin-url': adminUrl } = own
  const target = await openPullTarget(context, config, { ...args, key, keyFile, adminUrl })
  try {
    refuseOwnCache(url, { ...target.target, keyPrefix: args.keyPrefix })
    return await pull({ context, url, args, target, asJson: own.json === true, options })
  } finally {
    await target.close()
  }
}

interface Pull {
  readonly context: CliContext
  readonly url: URL
  readonly args: PullArguments
  readonly target: PullTarget
  readonly asJson: boolean
  readonly options: PullCommandOptions
}

async function pull({ context, url, args, target, asJson, options }: Pull): Promise<number> {
  const { clock } = context
  const abort = new AbortController()
  const reporter = new PullReporter(context, () => tellReady())
  const client = new SourceClient({
    rules: new AddressRules(args.addresses),
    credentials: new SourceCredentials(url),
    clock,
    connectionsMax: CONNECTIONS_MAX,
    ...(options.resolve === undefined ? {} : { resolve: options.resolve }),
  })
  const { keyPrefix, ttlSeconds, lastSeconds } = args
  const local = new LocalCache({ target: target.target, keyPrefix, renewKey: target.renewKey })
  const session = new PullSession({
    url,
    multivariantEveryMs: options.multivariantEveryMs ?? MULTIVARIANT_EVERY_MS,
    shared: {
      ...{ client, local, clock, ttlSeconds, lastSeconds, events: reporter },
      ...{ sleep: options.sleep, signal: abort.signal, turns: new Turns(TURNS) },
      bounds: { ...BOUNDS, segmentBytesMax: target.segmentBytesMax },
    },
  })
  reporter.watch(() => session.followers)
  // What is under way would take its time.
  abort.signal.addEventListener('abort', () => {
    client.close()
    local.close()
  })
  const playerUrl = formatPlayerUrl({
    publicUrl: target.publicUrl,
    cacheName: args.cacheName,
    playlistKey: `${keyPrefix}${session.playlistName}`,
  })
  const tellReady = () => {
    const { stdout } = context
    if (asJson) return
    // For scripts, as `serve` and `demo` have it.
    if (stdout.isTTY !== true) stdout.write(`${JSON.stringify({ event: 'ready', playerUrl })}\n`)
    else reporter.say('It can be played now. Ctrl-C ends the pull.')
  }
  reporter.say(`Pulling ${showUrl(url)} into ${args.cacheName}/${keyPrefix}${session.playlistName}`)
  reporter.say(`Play it: ${playerUrl}`)
  const end = { seconds: args.seconds, abort, sleep: options.sleep }
  try {
    const done = runUntilEnd(session, end).finally(() => {
      abort.abort()
      reporter.end()
    })
    const finished = done.then((ended) => {
      const exitCode = exitCodeOf(ended, reporter)
      const { hasEnded, isPublished, failedCount } = ended
      const words = hasEnded ? 'The source has ended' : 'Stopped'
      reporter.say(`${words}: ${reporter.summary()}.`)
      if (asJson) {
        writeJson(context, {
          ...{ source: showUrl(url), cache: args.cacheName, playerUrl },
          ...{ playlistKey: `${keyPrefix}${session.playlistName}`, hasEnded, isPublished },
          ...{ renditionCount: session.followers.length, failedRenditionCount: failedCount },
          ...reporter.counts,
        })
      }
      return exitCode
    })
    finished.catch(() => undefined)
    const stopped = context.untilStopped({
      close: async () => {
        abort.abort()
        await finished.catch(() => undefined)
        await target.close()
      },
      closeMsMax: 10_000,
      onStop: () => undefined,
    })
    return await Promise.race([finished, stopped])
  } finally {
    abort.abort()
  }
}

async function runUntilEnd(
  session: PullSession,
  {
    seconds,
    abort,
    sleep,
  }: {
    readonly seconds: number | undefined
    readonly abort: AbortController
    readonly sleep: AbortableSleep
  },
): Promise<PullEnd> {
  if (seconds !== undefined) void sleep(seconds * 1000, abort.signal).then(() => abort.abort())
  return session.run()
}

function exitCodeOf(end: PullEnd, reporter: PullReporter): number {
  if (!end.isPublished) return EXIT_FAILURE
  if (!end.hasEnded) return 0
  const hasHoles = end.isWhole && reporter.counts.lostSegmentCount > 0
  return hasHoles || end.failedCount > 0 ? EXIT_FAILURE : 0
}

async function readLine({ stdin }: CliContext): Promise<string> {
  let text = ''
  for await (const chunk of stdin) {
    text += String(chunk)
    if (text.includes('\n') || text.length > URL_BYTES_MAX) break
  }
  return text.split('\n', 1)[0] ?? ''
}
