/** The command line: finds the command, runs it, turns what goes wrong into words and an exit code. */

import { VERSION } from '../base/version.ts'
import { suggestion } from '../config/closest-name.ts'
import { CACHE_COMMANDS } from './cache-command.ts'
import { CAPACITY_USAGE, runCapacityCommand } from './capacity-command.ts'
import type { CliContext } from './cli-context.ts'
import { usageError } from './command.ts'
import type { Command } from './command.ts'
import { CONFIG_USAGE, runConfigCommand } from './config-command.ts'
import { demoCommand } from './demo-command.ts'
import { doctorCommand } from './doctor/doctor-command.ts'
import { exportCommand } from './export-command.ts'
import { importCommand } from './import-command.ts'
import { KEY_COMMANDS } from './key-command.ts'
import { pullCommand } from './pull/pull-command.ts'
import { EXIT_USAGE, reportError } from './report-error.ts'
import { assertCommand } from './rig/assert-command.ts'
import { CLOCK_COMMANDS } from './rig/clock-command.ts'
import { FAULT_COMMANDS } from './rig/fault-command.ts'
import { resetCommand } from './rig/reset-command.ts'
import { waitCommand } from './rig/wait-command.ts'
import { serveCommand } from './serve-command.ts'
import { recordCommand } from './tape/record-command.ts'
import { replayCommand } from './tape/replay-command.ts'

/** A command, or several under one name. */
type Entry = Command | { readonly summary: string; readonly commands: Commands }
type Commands = Readonly<Record<string, Command>>

const COMMANDS: Readonly<Record<string, Entry>> = {
  serve: serveCommand,
  demo: demoCommand,
  key: { summary: 'create, import, list, show and revoke keys', commands: KEY_COMMANDS },
  cache: { summary: 'create, list, show, set, flush and delete caches', commands: CACHE_COMMANDS },
  config: {
    summary: 'show every setting, its value and where it comes from',
    usage: CONFIG_USAGE,
    run: ({ env, cwd, stdout, stderr }, argv) =>
      runConfigCommand({ argv, env, cwd, stdout, stderr }),
  },
  capacity: {
    summary: 'how much memory a live channel needs',
    usage: CAPACITY_USAGE,
    run: ({ stdout, stderr }, argv) =>
      Promise.resolve(runCapacityCommand({ argv, stdout, stderr })),
  },
  doctor: doctorCommand,
  fault: { summary: 'make answers go wrong on a test rig', commands: FAULT_COMMANDS },
  clock: { summary: 'show, move and freeze the time of a test rig', commands: CLOCK_COMMANDS },
  reset: resetCommand,
  wait: waitCommand,
  assert: assertCommand,
  record: recordCommand,
  replay: replayCommand,
  pull: pullCommand,
  export: exportCommand,
  import: importCommand,
  version: {
    summary: 'print the version',
    usage: 'Usage: headwater version [--json]\n',
    run: runVersion,
  },
}

/** @returns The exit code: 0 clean, 1 failure, 2 wrong command line. */
export async function runCli(context: CliContext): Promise<number> {
  const { argv, stdout, stderr } = context
  try {
    return await dispatch(context)
  } catch (error) {
    return reportError({ error, json: argv.includes('--json'), stdout, stderr })
  }
}

async function dispatch(context: CliContext): Promise<number> {
  const { argv, stdout } = context
  const [first, ...rest] = argv
  if (first === undefined || first.startsWith('-')) {
    if (first === '--help' || first === '-h') return printHelp(context, [])
    if (first === '--version' || first === '-V') return runVersion(context, rest)
    return run(context, serveCommand, argv)
  }
  if (first === 'help') return printHelp(context, rest)
  const entry = findEntry(first)
  if (!('commands' in entry)) return run(context, entry, rest)
  const [name, ...others] = rest
  if (name === undefined) {
    context.stderr.write(formatGroup(first, entry))
    return EXIT_USAGE
  }
  if (isHelp(name) || name === 'help') {
    stdout.write(formatGroup(first, entry))
    return 0
  }
  return run(context, findCommand(first, entry.commands, name), others)
}

function run(context: CliContext, command: Command, argv: readonly string[]): Promise<number> {
  const end = argv.indexOf('--')
  const flags = end === -1 ? argv : argv.slice(0, end)
  // `config` and `capacity` answer it themselves: the first lists every setting.
  if (!flags.some(isHelp) || command.usage === CONFIG_USAGE) return command.run(context, argv)
  context.stdout.write(command.usage)
  return Promise.resolve(0)
}

function printHelp({ stdout }: CliContext, names: readonly string[]): number {
  const [first, second] = names
  if (first === undefined) {
    stdout.write(formatOverview())
    return 0
  }
  const entry = findEntry(first)
  if (!('commands' in entry)) stdout.write(entry.usage)
  else if (second === undefined) stdout.write(formatGroup(first, entry))
  else stdout.write(findCommand(first, entry.commands, second).usage)
  return 0
}

function findEntry(name: string): Entry {
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (entry !== undefined) return entry
  throw unknownCommand(name, Object.keys(COMMANDS), 'headwater help')
}

function findCommand(group: string, commands: Commands, name: string): Command {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command !== undefined) return command
  throw unknownCommand(`${group} ${name}`, prefixed(group, commands), `headwater ${group} --help`)
}

function prefixed(group: string, commands: Commands): readonly string[] {
  return Object.keys(commands).map((name) => `${group} ${name}`)
}

function unknownCommand(name: string, known: readonly string[], help: string): Error {
  // Somebody may have put a key there.
  const words = name.slice(0, 40)
  const hint = suggestion(name, known)
  return usageError(`There is no command ${JSON.stringify(words)}${hint === '' ? '.' : hint}`, [
    `${help} lists the commands.`,
  ])
}

function isHelp(argument: string): boolean {
  return argument === '--help' || argument === '-h'
}

function runVersion({ stdout }: CliContext, argv: readonly string[]): Promise<number> {
  const isJson = argv.includes('--json')
  stdout.write(isJson ? `${JSON.stringify({ version: VERSION })}\n` : `${VERSION}\n`)
  return Promise.resolve(0)
}

function formatOverview(): string {
  return `Headwater ${VERSION}, a live HLS origin: encoders push by HTTP PUT, CDNs and players pull.

Usage: headwater [command] [flags]

${listCommands(COMMANDS)}
  headwater <command> --help says more.

First steps:
  headwater demo                 a live channel in your browser, in seconds
  headwater                      an origin for your own encoder, with the commands to push to it
  headwater key create --cache live-origin --role readonly --expires-in 30d

Exit codes: 0 clean, 1 failure, 2 wrong command line. --json prints one JSON document on stdout;
a failure is {"error":{"code","message","detail"}}.
`
}

function formatGroup(name: string, { commands }: { readonly commands: Commands }): string {
  return `Usage: headwater ${name} <command> [flags]

${listCommands(commands)}
  headwater ${name} <command> --help says more.

They find a running server by the data directory (--data-dir, .headwater), or by --admin-url or
HEADWATER_ADMIN_URL, and use HEADWATER_ADMIN_KEY or the directory's super-user key. With no server
running they work on the directory itself.
`
}

function listCommands(entries: Readonly<Record<string, { readonly summary: string }>>): string {
  const width = Math.max(...Object.keys(entries).map((name) => name.length))
  return Object.entries(entries)
    .map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}\n`)
    .join('')
}
