/** `headwater key`: create, import, refresh, list, show, revoke. A key is printed once, when it is made. */

import { resolve } from 'node:path'
import { formatIsoTime } from '../base/dates.ts'
import type { KeyView } from '../http/admin/key-routes.ts'
import type { CliContext } from './cli-context.ts'
import { readCommandLine, usageError } from './command.ts'
import type { Command } from './command.ts'
import { openControl } from './control.ts'
import type { Control } from './control.ts'
import { memberOfFile, readCredential } from './credential-input.ts'
import { GRANT_FLAGS, GRANT_USAGE, readGrantFlags } from './key-flags.ts'
import { formatGrant, formatKeyDetails, formatKeyTable, formatValidity } from './key-words.ts'

const COMMON_FLAGS = { json: 'boolean', 'admin-url': 'string' } as const

const COMMON_USAGE = `  --json                 one JSON document
  --admin-url URL        the server's admin API; without it the data directory tells
  --data-dir DIR         the server's data directory (.headwater)
`

const createCommand: Command = {
  summary: 'make a key and print it, this once',
  usage: `Usage: headwater key create (--cache NAME | --all-caches) --role ROLE [...]
       headwater key create --super-user [...]

Makes a key. The key alone goes to stdout, what it is to stderr. With --json it is a
momento_key_info.json: apiKey, refreshToken, validUntil, restEndpoint.

${GRANT_USAGE}${COMMON_USAGE}
Examples:
  headwater key create --cache live-origin --role readonly --expires-in 30d
  headwater key create --cache live-origin --role readwrite --json > momento_key_info.json
  headwater key create --all-caches --role readonly --key-prefix /Movie/ --id cdn
`,
  run: async (context, argv) => {
    const { config, own } = readCommandLine(context, {
      argv,
      own: { ...GRANT_FLAGS, ...COMMON_FLAGS },
    })
    const request = readGrantFlags(own)
    return withControl(context, { config, adminUrl: own['admin-url'] }, async (control) => {
      const { key, keyInfo } = await control.createKey(request)
      await warnOfMissingCaches(context, control, key)
      if (own.json === true) {
        writeJson(context, keyInfo)
        return
      }
      const nowIsoTime = formatIsoTime(context.clock.nowMs())
      context.stderr.write(
        `Key ${key.keyId}: ${formatGrant(key)}, ${formatValidity(key, nowIsoTime)}. It is shown this once:\n\n`,
      )
      context.stdout.write(`${keyInfo.apiKey}\n`)
      context.stderr.write(
        '\nSend it as Authorization, as the password of Basic (any user), or as ?token=.\n',
      )
    })
  },
}

const importCommand: Command = {
  summary: 'accept a key that somebody already has',
  usage: `Usage: headwater key import (--cache NAME | --all-caches) --role ROLE [...] < secret
       headwater key import [...] --from-file FILE
       headwater key import [...] --credential-env NAME

Accepts an opaque string (a Momento key, a secret that an encoder already has) from now on. Only its
hash is stored. It is never given as an argument, which every user of the machine could read.

  --from-file FILE       read it from a file; the apiKey of a momento_key_info.json, too
  --credential-env NAME  read it from this environment variable
${GRANT_USAGE}${COMMON_USAGE}
Examples:
  headwater key import --cache live-origin --role readwrite --from-file momento_key_info.json
  printf %s "$SECRET" | headwater key import --cache live-origin --role readwrite --id encoder-7
`,
  run: async (context, argv) => {
    const { config, own } = readCommandLine(context, {
      argv,
      own: {
        ...GRANT_FLAGS,
        ...COMMON_FLAGS,
        'from-file': 'string',
        'credential-env': 'string',
      },
    })
    const request = readGrantFlags(own)
    const credential = await readCredential(context, {
      file: own['from-file'],
      envName: own['credential-env'],
    })
    return withControl(context, { config, adminUrl: own['admin-url'] }, async (control) => {
      const key = await control.importKey({ ...request, credential })
      await warnOfMissingCaches(context, control, key)
      const nowIsoTime = formatIsoTime(context.clock.nowMs())
      if (own.json === true) writeJson(context, { key })
      else {
        context.stdout.write(
          `Key ${key.keyId} is accepted: ${formatGrant(key)}, ${formatValidity(key, nowIsoTime)}.\n`,
        )
      }
    })
  },
}

const listCommand: Command = {
  summary: 'list the keys, without the keys themselves',
  usage: `Usage: headwater key list [--json]

Lists keys by id, with what they allow. Revoked ones stay until they expire.

${COMMON_USAGE}`,
  run: async (context, argv) => {
    const { config, own } = readCommandLine(context, { argv, own: COMMON_FLAGS })
    return withControl(context, { config, adminUrl: own['admin-url'] }, async (control) => {
      const keys = await control.listKeys()
      if (own.json === true) writeJson(context, { keys })
      else context.stdout.write(formatKeyTable(keys, formatIsoTime(context.clock.nowMs())))
    })
  },
}

const showCommand: Command = {
  summary: 'show what one key allows',
  usage: `Usage: headwater key show <key id> [--json]

${COMMON_USAGE}`,
  run: (context, argv) => showOrRevoke(context, argv, 'show'),
}

const revokeCommand: Command = {
  summary: 'refuse a key from now on, for good',
  usage: `Usage: headwater key revoke <key id> [--unknown] [--json]
       headwater key revoke --credential [--from-file FILE | --credential-env NAME] [--json]

Holds at the next request, and after a restart. It cannot be undone.

  --unknown              also an id that is in no list: of a key whose record was lost,
                         disposable:<token id>, disposable: (all disposable tokens made until
                         now), sign-in:link (all sessions by link until now)
  --credential           whatever is presented: a key, a refresh token, a disposable token, from
                         stdin, or
  --from-file FILE       from a file; the apiKey of a momento_key_info.json, too
  --credential-env NAME  from this environment variable
${COMMON_USAGE}`,
  run: async (context, argv) => {
    const own = { ...COMMON_FLAGS, ...REVOKE_FLAGS }
    const isCredential = argv.some(
      (word) => word.startsWith('--credential') || word.startsWith('--from-file'),
    )
    if (!isCredential && !argv.includes('--unknown')) return showOrRevoke(context, argv, 'revoke')
    const words = isCredential ? [] : ['<key id>']
    const loaded = readCommandLine(context, { argv, own, words })
    const [keyId = ''] = loaded.positionals
    if (isCredential && loaded.own.unknown === true) {
      throw usageError('--unknown is for an id, not for a credential.')
    }
    const file = loaded.own['from-file']
    const envName = loaded.own['credential-env']
    const what = isCredential
      ? { credential: await readCredential(context, { file, envName }) }
      : { keyId }
    const { config } = loaded
    return withControl(context, { config, adminUrl: loaded.own['admin-url'] }, async (control) => {
      const revoked = await control.revokeAny(what)
      if (loaded.own.json === true) writeJson(context, { keyId: revoked })
      else context.stdout.write(`${revoked} is revoked.\n`)
    })
  },
}

const REVOKE_FLAGS = {
  unknown: 'boolean',
  credential: 'boolean',
  'from-file': 'string',
  'credential-env': 'string',
} as const

const refreshCommand: Command = {
  summary: 'make a copy of a key with a new end',
  usage: `Usage: headwater key refresh <momento_key_info.json> [--admin-url URL]

Prints a new momento_key_info.json: the same permissions, and the same duration from now on. The old
key stays valid until it expires. An expired or revoked key cannot be refreshed.

${COMMON_USAGE}
Examples:
  headwater key refresh momento_key_info.json > next_key_info.json
`,
  run: async (context, argv) => {
    const words = ['<momento_key_info.json>']
    const loaded = readCommandLine(context, { argv, own: COMMON_FLAGS, words })
    const { config, own, positionals } = loaded
    const refreshToken = await memberOfFile(
      resolve(context.cwd, positionals[0] ?? ''),
      'refreshToken',
    )
    return withControl(context, { config, adminUrl: own['admin-url'] }, async (control) => {
      writeJson(context, (await control.refreshKey(refreshToken)).keyInfo)
    })
  },
}

export const KEY_COMMANDS: Readonly<Record<string, Command>> = {
  create: createCommand,
  import: importCommand,
  refresh: refreshCommand,
  list: listCommand,
  show: showCommand,
  revoke: revokeCommand,
}

async function showOrRevoke(
  context: CliContext,
  argv: readonly string[],
  verb: 'show' | 'revoke',
): Promise<number> {
  const words = ['<key id>']
  const loaded = readCommandLine(context, { argv, own: COMMON_FLAGS, words })
  const { config, own, positionals } = loaded
  const [keyId = ''] = positionals
  return withControl(context, { config, adminUrl: own['admin-url'] }, async (control) => {
    const key = await (verb === 'show' ? control.showKey(keyId) : control.revokeKey(keyId))
    if (own.json === true) writeJson(context, { key })
    else if (verb === 'revoke') {
      context.stdout.write(`Key ${key.keyId} is revoked (${formatGrant(key)}).\n`)
    } else {
      context.stdout.write(formatKeyDetails(key, formatIsoTime(context.clock.nowMs())))
    }
  })
}

/** Opens the control, does the work, closes it. @returns 0. */
export async function withControl(
  context: CliContext,
  options: Parameters<typeof openControl>[1],
  work: (control: Control) => Promise<void>,
): Promise<number> {
  const control = await openControl(context, options)
  try {
    await work(control)
  } finally {
    await control.close()
  }
  return 0
}

export function writeJson({ stdout }: CliContext, document: unknown): void {
  stdout.write(`${JSON.stringify(document, null, 2)}\n`)
}

/** A name that is mistyped would make a key that opens nothing. */
async function warnOfMissingCaches(
  { stderr }: CliContext,
  control: Control,
  { permissions }: KeyView,
): Promise<void> {
  const names = new Set((await control.listCaches()).map(({ name }) => name))
  for (const { cache } of permissions) {
    if (cache === '*' || names.has(cache)) continue
    stderr.write(
      `warning: there is no cache ${cache} yet; make it with: headwater cache create ${cache}\n`,
    )
  }
}
