/** What a command is, and the part of reading its command line that all of them share. */

import { HeadwaterError } from '../base/errors.ts'
import type { OwnFlags } from '../config/flags.ts'
import type { PartialConfig } from '../config/schema.ts'
import type { CliContext } from './cli-context.ts'
import { loadConfig } from './load-config.ts'
import type { LoadedConfig } from './load-config.ts'

export interface Command {
  /** One line for the list of commands. */
  readonly summary: string
  /** What `--help` prints, ending with a line break. */
  readonly usage: string
  /**
   * @param argv  What follows the command's name.
   * @returns The exit code.
   */
  run(context: CliContext, argv: readonly string[]): Promise<number>
}

export interface CommandLineOptions<Own extends OwnFlags> {
  readonly argv: readonly string[]
  readonly own: Own
  /** Names of the words that must follow, for messages: `<name>`. */
  readonly words?: readonly string[]
  readonly overrides?: PartialConfig | undefined
}

/**
 * Settings, the command's own flags and its words. Warnings go to stderr.
 *
 * @throws HeadwaterError as `loadConfig`; `HW_CLI_USAGE` for a word too many or too few.
 */
export function readCommandLine<const Own extends OwnFlags>(
  context: CliContext,
  { argv, own, words = [], overrides }: CommandLineOptions<Own>,
): LoadedConfig<Own> {
  const { env, cwd, stderr } = context
  const loaded = loadConfig({ argv, env, cwd, own, overrides })
  for (const warning of loaded.warnings) stderr.write(`warning: ${warning}\n`)
  const missing = words.slice(loaded.positionals.length)
  const extra = loaded.positionals.slice(words.length)
  if (missing.length > 0) throw usageError(`${missing.join(' ')} is missing.`)
  if (extra.length > 0) {
    throw usageError(`There is a word too many: ${JSON.stringify(extra[0])}.`, [
      'A value with spaces needs quotes; a flag begins with two dashes.',
    ])
  }
  return loaded
}

/** `HW_CLI_USAGE`: exit code 2. */
export function usageError(message: string, detail: readonly string[] = []): HeadwaterError {
  return new HeadwaterError(
    'HW_CLI_USAGE',
    message,
    detail.length === 0 ? {} : { detail: detail.join('\n') },
  )
}
