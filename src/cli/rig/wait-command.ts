/** `headwater wait`: returns once a channel is in a state, for scripts that go on then. */

import { setTimeout as wait } from 'node:timers/promises'
import { HeadwaterError } from '../../base/errors.ts'
import type { ChannelInList } from '../../http/admin/channel-routes.ts'
import type { AdminClient } from '../admin-client.ts'
import type { CliContext } from '../cli-context.ts'
import { readCommandLine, usageError } from '../command.ts'
import type { Command } from '../command.ts'
import { requireServer } from '../control.ts'
import { writeJson } from '../key-command.ts'

/** Waits; the process stays alive meanwhile, which a timer of the clock does not see to. */
export type Sleep = (ms: number) => Promise<void>

const STATES = ['live', 'stale', 'ended', 'broken']
const LOOK_EVERY_MS = 250
const TIMEOUT_SECONDS_MAX = 86_400

const USAGE = `Usage: headwater wait --cache NAME --key KEY [--state live] [--timeout 30] [--json]

Waits until a channel is in a state: ${STATES.join(', ')}. Exit code 1 when it is not in time. The key
is that of its multivariant playlist, or of the media playlist that has none; such a one is a channel
5 s after its first write.

  --cache NAME           its cache
  --key KEY              its playlist
  --state STATE          live
  --timeout SECONDS      30
  --json                 one JSON document
  --admin-url URL        the server's admin API; without it the data directory tells
  --data-dir DIR         the server's data directory (.headwater)

Example:
  headwater wait --cache live-origin --key playlist.m3u8 --state live --timeout 30
`

export function createWaitCommand(sleep: Sleep): Command {
  return {
    summary: 'wait until a channel is live',
    usage: USAGE,
    run: (context, argv) => runWait(context, argv, sleep),
  }
}

export const waitCommand = createWaitCommand(async (ms) => {
  await wait(ms)
})

const OWN_FLAGS = {
  cache: 'string',
  key: 'string',
  state: 'string',
  timeout: 'string',
  json: 'boolean',
  'admin-url': 'string',
} as const

async function runWait(
  context: CliContext,
  argv: readonly string[],
  sleep: Sleep,
): Promise<number> {
  const { config, own } = readCommandLine(context, { argv, own: OWN_FLAGS })
  const { cache, key, state = 'live' } = own
  if (cache === undefined || key === undefined) throw usageError('--cache and --key are needed.')
  if (!STATES.includes(state)) throw usageError(`--state is one of ${STATES.join(', ')}.`)
  const timeoutSeconds = readSeconds('timeout', own.timeout, 30)
  const server = await requireServer(context, { config, adminUrl: own['admin-url'] })
  const { clock } = context
  const endsAtMs = clock.monotonicMs() + timeoutSeconds * 1000
  for (;;) {
    const channel = await channelOf(server, cache, key)
    if (channel?.state === state) {
      if (own.json === true) writeJson(context, channel)
      else context.stdout.write(`${cache}/${key} is ${state}.\n`)
      return 0
    }
    if (clock.monotonicMs() >= endsAtMs) {
      const now = channel === undefined ? 'is no channel' : `is ${channel.state}`
      throw new HeadwaterError(
        'HW_CLI_WAIT_OVER',
        `${cache}/${key} ${now} after ${timeoutSeconds} s, not ${state}.`,
        channel === undefined || channel.stateDetail === '' ? {} : { detail: channel.stateDetail },
      )
    }
    await sleep(Math.min(LOOK_EVERY_MS, Math.max(1, endsAtMs - clock.monotonicMs())))
  }
}

async function channelOf(
  server: AdminClient,
  cache: string,
  key: string,
): Promise<ChannelInList | undefined> {
  const path = `/api/channels/${encodeURIComponent(cache)}/${encodeURIComponent(key)}`
  try {
    return await server.ask<ChannelInList>('GET', path)
  } catch (error) {
    const isAbsent =
      error instanceof HeadwaterError &&
      (error.code === 'HW_CHANNEL_NOT_FOUND' || error.code === 'HW_CACHE_NOT_FOUND')
    if (isAbsent) return undefined
    throw error
  }
}

/** A flag in seconds. @throws HeadwaterError `HW_CLI_USAGE`. */
export function readSeconds(flag: string, text: string | undefined, seconds: number): number {
  if (text === undefined) return seconds
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : NaN
  if (value >= 0 && value <= TIMEOUT_SECONDS_MAX) return value
  throw usageError(`--${flag} is a number of seconds, at most ${TIMEOUT_SECONDS_MAX}.`)
}
