/** `headwater fault`: add, list, clear what goes wrong on a test rig. */

import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import Type from 'typebox'
import type { TSchema } from 'typebox'
import type { OwnFlags } from '../../config/flags.ts'
import type { FaultInForce } from '../../http/admin/rig-routes.ts'
import { parseFaultFile } from '../../rig/fault-file.ts'
import type { FaultFile } from '../../rig/fault-file.ts'
import { FAULT_ACTION_NAMES, FaultMatchSchema, FaultSchema } from '../../rig/fault-schema.ts'
import { HeadwaterError } from '../../base/errors.ts'
import type { CliContext } from '../cli-context.ts'
import { readCommandLine, usageError } from '../command.ts'
import type { Command } from '../command.ts'
import { requireServer } from '../control.ts'
import { writeJson } from '../key-command.ts'
import { formatTable } from '../text-table.ts'

const COMMON_FLAGS = { json: 'boolean', 'admin-url': 'string' } as const
const COMMON_USAGE = `  --json                 one JSON document
  --admin-url URL        the server's admin API; without it the data directory tells
  --data-dir DIR         the server's data directory (.headwater)
`

/** Flag -> where its value goes. Those of `match` and those of the fault itself. */
const FIELDS = [
  ...fieldsOf(FaultMatchSchema.properties, 'match'),
  ...fieldsOf(FaultSchema.properties, 'fault'),
].filter(({ name }) => !['action', 'match', 'set', 'remove'].includes(name))

const addCommand: Command = {
  summary: 'make something go wrong',
  usage: `Usage: headwater fault add <action> [flags]
       headwater fault add --file FILE

Actions: ${FAULT_ACTION_NAMES.join(', ')}

Flags, each with the same name in docs/rigs.md:
${FIELDS.map(({ flag, description }) => `  --${flag.padEnd(20)} ${description}\n`).join('')}  --set 'Name: value'      \`headers\`: a field to set; may be repeated
  --remove NAME            \`headers\`: a field to leave out; may be repeated
  --file FILE              faults and scenarios in YAML or JSON instead
${COMMON_USAGE}
Examples:
  headwater fault add status --status-code 503 --kind segment --probability 0.2
  headwater fault add delay --delay-seconds 3 --key '*.m3u8' --count 5
  headwater fault add --file faults.yaml
`,
  run: runAdd,
}

const listCommand: Command = {
  summary: 'show what goes wrong now',
  usage: `Usage: headwater fault list [--json]

${COMMON_USAGE}`,
  run: async (context, argv) => {
    const { config, own } = readCommandLine(context, { argv, own: COMMON_FLAGS })
    const server = await requireServer(context, { config, adminUrl: own['admin-url'] })
    const answer = await server.ask<{ faults: readonly FaultInForce[] }>('GET', '/api/faults')
    if (own.json === true) writeJson(context, answer)
    else context.stdout.write(formatFaults(answer.faults))
    return 0
  },
}

const clearCommand: Command = {
  summary: 'end one fault, or all of them',
  usage: `Usage: headwater fault clear [--id ID] [--json]

${COMMON_USAGE}`,
  run: async (context, argv) => {
    const own = { ...COMMON_FLAGS, id: 'string' } as const
    const loaded = readCommandLine(context, { argv, own })
    const { id, json } = loaded.own
    const server = await requireServer(context, {
      config: loaded.config,
      adminUrl: loaded.own['admin-url'],
    })
    let clearedCount = 1
    if (id === undefined) {
      ;({ clearedCount } = await server.ask<{ clearedCount: number }>('DELETE', '/api/faults'))
    } else {
      await server.ask('DELETE', `/api/faults/${encodeURIComponent(id)}`)
    }
    if (json === true) writeJson(context, { clearedCount })
    else context.stdout.write(`${clearedCount} cleared.\n`)
    return 0
  },
}

export const FAULT_COMMANDS: Readonly<Record<string, Command>> = {
  add: addCommand,
  list: listCommand,
  clear: clearCommand,
}

/** @throws HeadwaterError `HW_CLI_USAGE` when it cannot be read, `HW_FAULT_INVALID`. */
export async function readFaultFile(cwd: string, path: string): Promise<FaultFile> {
  let text: string
  try {
    text = await readFile(resolve(cwd, path), 'utf8')
  } catch (cause) {
    const { message } = cause as Error // node:fs rejects with nothing else
    throw new HeadwaterError('HW_CLI_USAGE', `The file of faults cannot be read: ${message}.`, {
      cause,
    })
  }
  return parseFaultFile(text)
}

async function runAdd(context: CliContext, argv: readonly string[]): Promise<number> {
  const flags: OwnFlags = Object.fromEntries(FIELDS.map(({ flag }) => [flag, 'string']))
  const own = {
    ...flags,
    ...COMMON_FLAGS,
    file: 'string',
    set: 'strings',
    remove: 'strings',
  } as const
  const isFile = argv.some((argument) => argument === '--file' || argument.startsWith('--file='))
  const loaded = readCommandLine(context, { argv, own, words: isFile ? [] : ['<action>'] })
  // Read by the kinds in `own`; the open record of derived flags hides them.
  const given = loaded.own as Readonly<Record<string, unknown>> & {
    readonly json?: boolean
    readonly file?: string
    readonly 'admin-url'?: string
  }
  const file = given.file === undefined ? undefined : await readFaultFile(context.cwd, given.file)
  const server = await requireServer(context, {
    config: loaded.config,
    adminUrl: given['admin-url'],
  })
  const faults: FaultInForce[] = []
  const add = async (fault: unknown) => {
    faults.push(await server.ask<FaultInForce>('POST', '/api/faults', fault))
  }
  if (file === undefined) await add(faultOf(loaded.positionals[0] ?? '', given))
  for (const fault of file?.faults ?? []) await add(fault)
  for (const [name, scenario] of Object.entries(file?.scenarios ?? {})) {
    await server.ask('PUT', `/api/scenarios/${name}`, scenario)
  }
  if (given.json === true) writeJson(context, { faults })
  else context.stdout.write(formatFaults(faults))
  return 0
}

interface Field {
  readonly flag: string
  readonly name: string
  readonly isNumber: boolean
  readonly place: 'match' | 'fault'
  readonly description: string
}

function fieldsOf(properties: Readonly<Record<string, TSchema>>, place: Field['place']): Field[] {
  return Object.entries(properties).map(([name, schema]) => ({
    flag: name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
    name,
    isNumber: Type.IsInteger(schema) || Type.IsNumber(schema),
    place,
    description: 'description' in schema ? String(schema.description) : '',
  }))
}

function faultOf(action: string, given: Readonly<Record<string, unknown>>): unknown {
  const fault: Record<string, unknown> = {}
  const match: Record<string, unknown> = {}
  for (const { flag, name, isNumber, place } of FIELDS) {
    const text = given[flag]
    if (typeof text !== 'string') continue
    const value = isNumber ? Number(text) : text
    if (Number.isNaN(value)) throw usageError(`--${flag} needs a number.`)
    ;(place === 'match' ? match : fault)[name] = value
  }
  const set = Array.isArray(given['set']) ? given['set'].map(fieldOf) : []
  return {
    action,
    ...fault,
    ...(Object.keys(match).length === 0 ? {} : { match }),
    ...(set.length === 0 ? {} : { set: Object.fromEntries(set) }),
    ...(given['remove'] === undefined ? {} : { remove: given['remove'] }),
  }
}

function fieldOf(text: unknown): readonly [string, string] {
  const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(String(text)) ?? []
  if (name === undefined || value === undefined) throw usageError("--set is written 'Name: value'.")
  return [name, value]
}

function formatFaults(faults: readonly FaultInForce[]): string {
  if (faults.length === 0) return 'No fault is on.\n'
  return formatTable(
    [
      ['FAULT', 'ACTION', 'MATCH', 'MATCHED', 'DONE', 'ENDS IN'],
      ...faults.map(({ id, fault, matchedCount, appliedCount, endsInSeconds, isSpent }) => [
        id,
        fault.action,
        Object.entries(fault.match ?? {})
          .map(([name, value]) => `${name}=${String(value)}`)
          .join(' ') || 'all',
        String(matchedCount),
        `${appliedCount}${isSpent ? ' (spent)' : ''}`,
        `${Math.ceil(endsInSeconds)} s`,
      ]),
    ],
    [3, 4, 5],
  )
}
