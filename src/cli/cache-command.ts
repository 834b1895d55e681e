/** `headwater cache`: create, list, show, set, flush, delete. */

import type { CacheView } from '../http/admin/cache-routes.ts'
import { CACHE_FLAGS, CACHE_FLAGS_USAGE, readCacheFlags } from './cache-flags.ts'
import type { CliContext } from './cli-context.ts'
import { readCommandLine, usageError } from './command.ts'
import type { Command } from './command.ts'
import type { Control } from './control.ts'
import { withControl, writeJson } from './key-command.ts'
import { shortTime } from './key-words.ts'
import { formatBytes, formatTable } from './text-table.ts'

const COMMON_FLAGS = { json: 'boolean', 'admin-url': 'string' } as const

const COMMON_USAGE = `  --json                 one JSON document
  --admin-url URL        the server's admin API; without it the data directory tells
  --data-dir DIR         the server's data directory (.headwater)
`

const createCommand: Command = {
  summary: 'make a cache',
  usage: `Usage: headwater cache create <name> [settings] [--json]

What is not set follows caches.defaults of the server.

${CACHE_FLAGS_USAGE}${COMMON_USAGE}
Examples:
  headwater cache create channel-7
  headwater cache create public --anonymous read --default-ttl-seconds 60
`,
  run: (context, argv) =>
    change(context, argv, async (control, name, settings) => {
      return control.createCache(name, settings)
    }),
}

const setCommand: Command = {
  summary: "change a cache's settings",
  usage: `Usage: headwater cache set <name> <settings> [--json]

Changes what is given, at once and for good; items that are stored keep their TTL. What the server's
configuration declares (caches.items) wins again at its next start.

${CACHE_FLAGS_USAGE}${COMMON_USAGE}
Example:
  headwater cache set live-origin --default-ttl-seconds 60 --anonymous read
`,
  run: (context, argv) =>
    change(context, argv, async (control, name, settings) => {
      if (Object.keys(settings).length === 0) {
        throw usageError('Nothing is set.', [
          `Give one of ${Object.keys(CACHE_FLAGS)
            .map((flag) => `--${flag}`)
            .join(', ')}.`,
        ])
      }
      return control.setCache(name, settings)
    }),
}

const listCommand: Command = {
  summary: 'list the caches with their size',
  usage: `Usage: headwater cache list [--json]

${COMMON_USAGE}`,
  run: async (context, argv) => {
    const { config, own } = readCommandLine(context, { argv, own: COMMON_FLAGS })
    return withControl(context, { config, adminUrl: own['admin-url'] }, async (control) => {
      const caches = await control.listCaches()
      if (own.json === true) writeJson(context, { caches })
      else context.stdout.write(formatCacheTable(caches))
    })
  },
}

const showCommand: Command = {
  summary: 'show one cache and its settings',
  usage: `Usage: headwater cache show <name> [--json]

${COMMON_USAGE}`,
  run: async (context, argv) => {
    const loaded = readCommandLine(context, { argv, own: COMMON_FLAGS, words: ['<name>'] })
    const { config, own, positionals } = loaded
    return withControl(context, { config, adminUrl: own['admin-url'] }, async (control) => {
      const cache = await control.showCache(positionals[0] ?? '')
      if (own.json === true) writeJson(context, cache)
      else context.stdout.write(formatCacheDetails(cache))
    })
  },
}

const flushCommand: Command = {
  summary: 'remove all items of a cache',
  usage: `Usage: headwater cache flush <name> [--yes] [--json]

Removes the items, not the cache. Asks first; --yes when nobody is there to ask.

${COMMON_USAGE}`,
  run: (context, argv) =>
    destroy(context, argv, {
      question: ({ name, usage }) => `Remove all ${usage.itemCount} items of the cache ${name}?`,
      act: async (control, cache) => {
        const flushedCount = await control.flushCache(cache.name)
        return {
          document: { name: cache.name, flushedCount },
          text: `Cache ${cache.name}: ${flushedCount} items removed.`,
        }
      },
    }),
}

const deleteCommand: Command = {
  summary: 'delete a cache with all its items',
  usage: `Usage: headwater cache delete <name> [--yes] [--json]

Asks first; --yes when nobody is there to ask. Keys for it stay, and open it again if it is made
again.

${COMMON_USAGE}`,
  run: (context, argv) =>
    destroy(context, argv, {
      question: ({ name, usage }) => `Delete the cache ${name} and its ${usage.itemCount} items?`,
      act: async (control, cache) => {
        await control.deleteCache(cache.name)
        const again = cache.declared
          ? ' The configuration declares it: the next start makes it again.'
          : ''
        return {
          document: { name: cache.name, deleted: true },
          text: `Cache ${cache.name} is deleted.${again}`,
        }
      },
    }),
}

export const CACHE_COMMANDS: Readonly<Record<string, Command>> = {
  create: createCommand,
  list: listCommand,
  show: showCommand,
  set: setCommand,
  flush: flushCommand,
  delete: deleteCommand,
}

async function change(
  context: CliContext,
  argv: readonly string[],
  act: (
    control: Control,
    name: string,
    settings: ReturnType<typeof readCacheFlags>,
  ) => Promise<CacheView>,
): Promise<number> {
  const { config, own, positionals } = readCommandLine(context, {
    argv,
    own: { ...CACHE_FLAGS, ...COMMON_FLAGS },
    words: ['<name>'],
  })
  const settings = readCacheFlags(own)
  // The common flags; the open record of derived ones hides their types.
  const { json, 'admin-url': adminUrl } = own as { json?: boolean; 'admin-url'?: string }
  return withControl(context, { config, adminUrl }, async (control) => {
    const cache = await act(control, positionals[0] ?? '', settings)
    if (json === true) writeJson(context, cache)
    else context.stdout.write(formatCacheDetails(cache))
  })
}

interface Destruction {
  readonly question: (cache: CacheView) => string
  readonly act: (
    control: Control,
    cache: CacheView,
  ) => Promise<{ readonly document: unknown; readonly text: string }>
}

async function destroy(
  context: CliContext,
  argv: readonly string[],
  { question, act }: Destruction,
): Promise<number> {
  const { config, own, positionals } = readCommandLine(context, {
    argv,
    own: { ...COMMON_FLAGS, yes: 'boolean', y: 'boolean' },
    words: ['<name>'],
  })
  const isSure = own.yes === true || own.y === true
  if (!isSure && context.stdin.isTTY !== true) {
    throw usageError('Nobody is there to ask.', ['Add --yes when you are sure.'])
  }
  return withControl(context, { config, adminUrl: own['admin-url'] }, async (control) => {
    const cache = await control.showCache(positionals[0] ?? '')
    if (!isSure) {
      const answer = await context.ask(`${question(cache)} [y/N] `, { secret: false })
      if (!/^\s*y(?:es)?\s*$/i.test(answer)) {
        context.stderr.write('Nothing was changed.\n')
        return
      }
    }
    const { document, text } = await act(control, cache)
    if (own.json === true) writeJson(context, document)
    else context.stdout.write(`${text}\n`)
  })
}

export function formatCacheTable(caches: readonly CacheView[]): string {
  return formatTable(
    [
      ['CACHE', 'ITEMS', 'SIZE', 'DEFAULT TTL', 'LARGEST ITEM', 'ANONYMOUS', 'DECLARED'],
      ...caches.map(({ name, usage, settings, declared }) => [
        name,
        String(usage.itemCount),
        formatBytes(usage.sizeBytes),
        `${settings.defaultTtlSeconds} s`,
        formatBytes(settings.itemSizeBytesMax),
        settings.anonymous,
        declared ? 'yes' : 'no',
      ]),
    ],
    [1, 2, 3, 4],
  )
}

export function formatCacheDetails(cache: CacheView): string {
  const { settings, overrides, usage } = cache
  const mark = (name: keyof typeof settings) => (name in overrides ? '' : '  (default)')
  return formatTable([
    ['cache', cache.name],
    ['items', `${usage.itemCount} (${formatBytes(usage.sizeBytes)})`],
    [
      'made',
      `${shortTime(cache.createdAt)}${cache.declared ? ', declared by the configuration' : ''}`,
    ],
    ...Object.entries(settings).map(([name, value]) => [
      name,
      // Members of the settings by definition.
      `${formatSetting(value)}${mark(name as keyof typeof settings)}`,
    ]),
  ])
}

function formatSetting(value: unknown): string {
  if (!Array.isArray(value)) return String(value)
  return value.length === 0 ? 'none' : value.join(', ')
}
