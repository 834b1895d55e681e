/** `headwater reset`: a test rig as it was before the test; for scripts between two tests. */

import type { Command } from '../command.ts'
import { readCommandLine } from '../command.ts'
import { requireServer } from '../control.ts'
import { writeJson } from '../key-command.ts'

const OWN_FLAGS = { cache: 'strings', json: 'boolean', 'admin-url': 'string' } as const

const USAGE = `Usage: headwater reset [--cache NAME …] [--json]

Empties caches and forgets their channels, findings and recent requests, ends all faults, takes away
added scenarios, and lets the clock go at its pace. Keys, caches, settings and metrics stay. For test
rigs (--profile rig) only: it asks nothing.

  --cache NAME           this cache alone; may be repeated. Without: all of them
  --json                 one JSON document
  --admin-url URL        the server's admin API; without it the data directory tells
  --data-dir DIR         the server's data directory (.headwater)

Examples:
  headwater reset
  headwater reset --cache live-origin --cache tests --json
`

/** What `POST /api/reset` answers. */
interface ResetAnswer {
  readonly caches: readonly string[]
  readonly itemCount: number
  readonly faultCount: number
}

export const resetCommand: Command = {
  summary: 'empty a test rig and end its faults, between two tests',
  usage: USAGE,
  run: async (context, argv) => {
    const { config, own } = readCommandLine(context, { argv, own: OWN_FLAGS })
    const server = await requireServer(context, { config, adminUrl: own['admin-url'] })
    const caches = own.cache ?? []
    const answer = await server.ask<ResetAnswer>(
      'POST',
      '/api/reset',
      caches.length === 0 ? {} : { caches },
    )
    if (own.json === true) writeJson(context, answer)
    else context.stdout.write(wordsOf(answer))
    return 0
  },
}

function wordsOf({ caches, itemCount, faultCount }: ResetAnswer): string {
  const items = itemCount === 1 ? '1 object is' : `${itemCount} objects are`
  const faults = faultCount === 1 ? '1 fault has' : `${faultCount} faults have`
  return `${items} gone from ${caches.join(', ')}; ${faults} ended.\n`
}
