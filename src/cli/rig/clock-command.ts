/** `headwater clock`: shows and moves the time of a test rig. */

import type { ClockView, MovedClockView } from '../../http/admin/clock-routes.ts'
import type { CliContext } from '../cli-context.ts'
import { readCommandLine, usageError } from '../command.ts'
import type { Command } from '../command.ts'
import { requireServer } from '../control.ts'
import { parseDurationMs } from '../durations.ts'
import { writeJson } from '../key-command.ts'

const COMMON_FLAGS = { json: 'boolean', 'admin-url': 'string' } as const
const COMMON_USAGE = `  --json                 one JSON document
  --admin-url URL        the server's admin API; without it the data directory tells
  --data-dir DIR         the server's data directory (.headwater)
`
/** A day of a busy channel is under a minute on a slow machine. */
const MOVE_TIMEOUT_MS = 600_000

const showCommand: Command = {
  summary: 'show the time that the origin goes by',
  usage: `Usage: headwater clock show [--json]

${COMMON_USAGE}`,
  run: async (context, argv) => {
    const { config, own } = readCommandLine(context, { argv, own: COMMON_FLAGS })
    const server = await requireServer(context, { config, adminUrl: own['admin-url'] })
    const clock = await server.ask<ClockView>('GET', '/api/clock')
    if (own.json === true) writeJson(context, clock)
    else context.stdout.write(formatClock(clock))
    return 0
  },
}

const setCommand: Command = {
  summary: 'move it on to a time',
  usage: `Usage: headwater clock set <time> [--json]

Returns when all has happened that fell due on the way, in order. Forwards only.

  <time>                 RFC 3339, or milliseconds since 1970
${COMMON_USAGE}
Example:
  headwater clock set 2026-12-24T18:00:00Z
`,
  run: (context, argv) =>
    move(context, argv, '<time>', (text) => ({ now: /^\d+$/.test(text) ? Number(text) : text })),
}

const advanceCommand: Command = {
  summary: 'move it on by a while',
  usage: `Usage: headwater clock advance <duration> [--json]

Returns when all has happened that fell due on the way, in order.

  <duration>             250ms, 90s, 30m, 12h, 7d; 1h30m
${COMMON_USAGE}
Example:
  headwater clock advance 1h
`,
  run: (context, argv) =>
    move(context, argv, '<duration>', (text) => {
      const durationMs = parseDurationMs(text)
      if (durationMs !== undefined) return { advanceSeconds: durationMs / 1000 }
      throw usageError(`${JSON.stringify(text)} is not a duration.`, [
        'Write 250ms, 90s, 30m, 12h, 7d or several together (1h30m).',
      ])
    }),
}

const rateCommand: Command = {
  summary: 'change its pace, or freeze it (0)',
  usage: `Usage: headwater clock rate <number> [--json]

  <number>               seconds that pass in a second: 0 freezes, 1 is usual, 1000 the most
${COMMON_USAGE}`,
  run: (context, argv) =>
    move(context, argv, '<number>', (text) => {
      if (/^\d+(?:\.\d+)?$/.test(text)) return { rate: Number(text) }
      throw usageError(`${JSON.stringify(text)} is not a rate.`, ['Write 0, 1, 0.5 or 60.'])
    }),
}

export const CLOCK_COMMANDS: Readonly<Record<string, Command>> = {
  show: showCommand,
  set: setCommand,
  advance: advanceCommand,
  rate: rateCommand,
}

async function move(
  context: CliContext,
  argv: readonly string[],
  word: string,
  toBody: (text: string) => unknown,
): Promise<number> {
  const loaded = readCommandLine(context, { argv, own: COMMON_FLAGS, words: [word] })
  const body = toBody(loaded.positionals[0] ?? '')
  const server = await requireServer(context, {
    config: loaded.config,
    adminUrl: loaded.own['admin-url'],
  })
  const clock = await server.ask<MovedClockView>('POST', '/api/clock', body, MOVE_TIMEOUT_MS)
  if (loaded.own.json === true) writeJson(context, clock)
  else context.stdout.write(formatClock(clock))
  return 0
}

function formatClock({ now, aheadSeconds, rate, isReal }: ClockView): string {
  if (isReal) return `${now}, as on the machine\n`
  const ahead = Math.round(aheadSeconds * 1000) / 1000
  const where = ahead < 0 ? `${-ahead} s behind the machine` : `${ahead} s ahead of the machine`
  return `${now}, ${where}, ${rate === 0 ? 'frozen' : `rate ${rate}`}\n`
}
