/** `headwater assert`: watches channels for a while and fails when they break a promise. For CI. */

import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { ChannelInList } from '../../http/admin/channel-routes.ts'
import type { AdminClient } from '../admin-client.ts'
import type { CliContext } from '../cli-context.ts'
import { readCommandLine, usageError } from '../command.ts'
import type { Command } from '../command.ts'
import { requireServer } from '../control.ts'
import { writeJson } from '../key-command.ts'
import { EXIT_FAILURE } from '../report-error.ts'
import { formatJunit } from './junit.ts'
import { readSeconds } from './wait-command.ts'
import type { Sleep } from './wait-command.ts'

/** Something that was promised, and how often it did not hold. */
export interface CheckedPromise {
  readonly name: string
  /** In words, each once, the first 20. */
  readonly breaches: string[]
  breachCount: number
}

const LOOK_EVERY_MS = 1000
const BREACHES_TOLD_MAX = 20

const USAGE = `Usage: headwater assert [promises] [--for-seconds 60] [--junit FILE] [--json]

Looks at channels and findings once a second, and exits with 1 when a promise was broken. That there
is a channel at all is always promised.

  --no-findings                    no error or warning is found with a playlist from now on
  --live                           every channel is live
  --edge-lag-seconds-max N         no channel is further behind than that
  --missing-segments-max N         no channel lacks more segments that its playlists name
  --cache NAME, --key KEY          only this cache, only this channel
  --for-seconds N                  60
  --junit FILE                     the outcome as JUnit XML
  --json                           one JSON document
  --admin-url URL, --data-dir DIR  which server

Example:
  headwater assert --no-findings --edge-lag-seconds-max 6 --for-seconds 60 --junit headwater.xml
`

export function createAssertCommand(sleep: Sleep): Command {
  return {
    summary: 'watch channels for a while; exit 1 when a promise is broken',
    usage: USAGE,
    run: (context, argv) => runAssert(context, argv, sleep),
  }
}

export const assertCommand = createAssertCommand(async (ms) => {
  await wait(ms)
})

const OWN_FLAGS = {
  'no-findings': 'boolean',
  live: 'boolean',
  'edge-lag-seconds-max': 'string',
  'missing-segments-max': 'string',
  cache: 'string',
  key: 'string',
  'for-seconds': 'string',
  junit: 'string',
  json: 'boolean',
  'admin-url': 'string',
} as const

interface Finding {
  readonly at: string
  readonly cache: string
  readonly key: string
  readonly rule: string
  readonly severity: string
  readonly message: string
}

async function runAssert(
  context: CliContext,
  argv: readonly string[],
  sleep: Sleep,
): Promise<number> {
  const { config, own } = readCommandLine(context, { argv, own: OWN_FLAGS })
  if (own.key !== undefined && own.cache === undefined) throw usageError('--key needs --cache.')
  const forSeconds = readSeconds('for-seconds', own['for-seconds'], 60)
  const limits = {
    edgeLagSeconds: readLimit('edge-lag-seconds-max', own['edge-lag-seconds-max']),
    missingSegments: readLimit('missing-segments-max', own['missing-segments-max']),
  }
  const server = await requireServer(context, { config, adminUrl: own['admin-url'] })
  const { now } = await server.ask<{ now: string }>('GET', '/api/server')
  const promises = new Map<string, CheckedPromise>()
  const promise = (name: string) => {
    const made: CheckedPromise = { name, breaches: [], breachCount: 0 }
    promises.set(name, made)
    return made
  }
  const there = promise('there is a channel')
  const live = own.live === true ? promise('every channel is live') : undefined
  const lag =
    limits.edgeLagSeconds === undefined
      ? undefined
      : promise(`the live edge lags by ${limits.edgeLagSeconds} s at most`)
  const missing =
    limits.missingSegments === undefined
      ? undefined
      : promise(`${limits.missingSegments} segments are missing at most`)
  const clean = own['no-findings'] === true ? promise('nothing is found') : undefined
  const endsAtMs = context.clock.monotonicMs() + forSeconds * 1000
  for (;;) {
    const channels = await channelsOf(server, own.cache, own.key)
    if (channels.length === 0) breach(there, 'no channel was known')
    for (const channel of channels) {
      const name = `${channel.cacheName}/${channel.key}`
      const { state, stateDetail, edgeLagSeconds, missingSegmentCount } = channel
      if (state !== 'live')
        breach(live, `${name} was ${state}${stateDetail === '' ? '' : `: ${stateDetail}`}`)
      if ((edgeLagSeconds ?? 0) > (limits.edgeLagSeconds ?? Infinity)) {
        breach(lag, `${name} lagged by ${(edgeLagSeconds ?? 0).toFixed(1)} s`)
      }
      if (missingSegmentCount > (limits.missingSegments ?? Infinity)) {
        breach(missing, `${name} lacked ${missingSegmentCount} segments`)
      }
    }
    const leftMs = endsAtMs - context.clock.monotonicMs()
    if (leftMs <= 0) break
    await sleep(Math.min(LOOK_EVERY_MS, leftMs))
  }
  if (clean !== undefined) {
    for (const { cache, key, rule, message } of await findingsOf(server, own.cache, now)) {
      breach(clean, `${cache}/${key}: ${rule}: ${message}`)
    }
  }
  return report(context, [...promises.values()], { forSeconds, junit: own.junit, json: own.json })
}

function breach(promise: CheckedPromise | undefined, words: string): void {
  if (promise === undefined) return
  promise.breachCount++
  const isNews = !promise.breaches.includes(words)
  if (isNews && promise.breaches.length < BREACHES_TOLD_MAX) promise.breaches.push(words)
}

async function channelsOf(
  server: AdminClient,
  cache: string | undefined,
  key: string | undefined,
): Promise<readonly ChannelInList[]> {
  const query = cache === undefined ? '' : `?cache=${encodeURIComponent(cache)}`
  const { channels } = await server.ask<{ channels: readonly ChannelInList[] }>(
    'GET',
    `/api/channels${query}`,
  )
  return channels.filter((channel) => key === undefined || channel.key === key)
}

/** Those of a severity that somebody has to act on, made since. */
async function findingsOf(
  server: AdminClient,
  cache: string | undefined,
  since: string,
): Promise<readonly Finding[]> {
  const query = cache === undefined ? '' : `&cache=${encodeURIComponent(cache)}`
  const { findings } = await server.ask<{ findings: readonly Finding[] }>(
    'GET',
    `/api/findings?limit=1000${query}`,
  )
  // Both are written by one server in one form: as texts they are in the order of time.
  return findings.filter(({ at, severity }) => at >= since && severity !== 'info')
}

async function report(
  context: CliContext,
  promises: readonly CheckedPromise[],
  options: {
    readonly forSeconds: number
    readonly junit: string | undefined
    readonly json: boolean | undefined
  },
): Promise<number> {
  const { forSeconds, junit, json } = options
  if (junit !== undefined) {
    await writeFile(resolve(context.cwd, junit), formatJunit(promises, forSeconds))
  }
  const isKept = promises.every(({ breachCount }) => breachCount === 0)
  if (json === true) {
    writeJson(context, { isKept, promises })
  } else {
    for (const { name, breaches, breachCount } of promises) {
      context.stdout.write(`${breachCount === 0 ? 'kept  ' : 'BROKEN'}  ${name}\n`)
      for (const words of breaches) context.stdout.write(`        ${words}\n`)
    }
  }
  return isKept ? 0 : EXIT_FAILURE
}

function readLimit(flag: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : readSeconds(flag, text, 0)
}
