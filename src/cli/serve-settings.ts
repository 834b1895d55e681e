/** Settings and output of a command that runs an origin (`serve`, `demo`): flags, `--lan`, the log. */

import { createLogger } from '../base/log.ts'
import type { Logger } from '../base/log.ts'
import { crossWarnings } from '../config/cross-checks.ts'
import type { OwnFlags, OwnValues } from '../config/flags.ts'
import type { Config } from '../config/schema.ts'
import { painter } from './banner.ts'
import type { Painter } from './banner.ts'
import { hasColours } from './cli-context.ts'
import type { CliContext } from './cli-context.ts'
import { readCommandLine } from './command.ts'
import { lanAddresses, withLan } from './lan.ts'
import { terminalLog } from './terminal-log.ts'

export interface ServeSettings {
  /** With `--lan` in it. */
  readonly config: Config
  /** Where each setting comes from, by path. */
  readonly sources: ReadonlyMap<string, string>
  readonly warnings: readonly string[]
  /** With `--lan`: addresses in the network, the printed one first. */
  readonly lanAddresses: readonly string[]
  readonly log: Logger
  readonly paint: Painter
  /** A person looks at stdout: banner and lines instead of JSON. */
  readonly isInteractive: boolean
}

const COMMON_FLAGS = { lan: 'boolean', json: 'boolean' } as const

/** @throws HeadwaterError as `readCommandLine` and `withLan`. */
export async function readServeSettings<const Own extends OwnFlags>(
  context: CliContext,
  argv: readonly string[],
  own: Own,
): Promise<{ readonly settings: ServeSettings; readonly own: OwnValues<Own> }> {
  const loaded = readCommandLine(context, { argv, own: { ...own, ...COMMON_FLAGS } })
  // The flags that every such command has; the mapped type of a spread generic does not see them.
  const { lan, json } = loaded.own as { readonly lan?: boolean; readonly json?: boolean }
  const addresses = lan === true ? lanAddresses() : []
  const config = lan === true ? await withLan(loaded, addresses) : loaded.config
  const warnings = [...loaded.warnings, ...openWarnings(config, loaded.config)]
  if (lan === true && addresses.length === 0) {
    warnings.push('--lan: this machine has no address in a network; only it can reach the origin')
  }
  const isInteractive = context.stdout.isTTY === true && json !== true
  const colours = hasColours(isInteractive ? context.stdout : context.stderr, context.env)
  const paint = painter(colours)
  const levelSource = loaded.sources.get('log.level')
  // The terminal has its own lines for what the log says at info.
  const level = isInteractive && levelSource === 'default' ? 'warn' : config.log.level
  const log = isInteractive
    ? createLogger(level, terminalLog(context.stderr, paint))
    : createLogger(level)
  return {
    settings: {
      ...{ config, sources: loaded.sources, warnings },
      ...{ lanAddresses: addresses, log, paint, isInteractive },
    },
    // Read by the flags in `own` among others, which is what the type says.
    own: loaded.own,
  }
}

/** What is open to whom, in words that nobody overlooks. */
function openWarnings(config: Config, before: Config): string[] {
  const warnings: string[] = []
  if (config.http.host !== before.http.host) {
    // What --lan adds; the public URL it sets says nothing about a proxy.
    const http = { ...config.http, publicUrl: before.http.publicUrl }
    const known = crossWarnings(before)
    warnings.push(...crossWarnings({ ...config, http }).filter((text) => !known.includes(text)))
  }
  const isTold = [...warnings, ...crossWarnings(before)].some((text) => /devKeys/.test(text))
  if (config.auth.devKeys && !isTold) {
    warnings.push(
      'dev keys are on: dev-super-user, dev-encoder and dev-player are accepted, and everybody knows them',
    )
  }
  if (config.rig.enabled) {
    warnings.push('this is a test rig: whoever has a super-user key can make any answer fail')
  }
  if (config.auth.loopbackWithoutKey) {
    warnings.push('programs on this machine need no key')
  }
  return warnings
}
