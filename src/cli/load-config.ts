/**
 * What every command does first: the settings file, the environment and the flags -> the settings.
 * The only place that looks for the file.
 */

import { existsSync, readFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { parseSettingsFlags } from '../config/flags.ts'
import type { OwnFlags, OwnValues } from '../config/flags.ts'
import type { Problem } from '../config/problems.ts'
import { resolveConfig } from '../config/resolve.ts'
import type { ResolvedConfig } from '../config/resolve.ts'
import type { PartialConfig } from '../config/schema.ts'

/** Looked for in the working directory when no file is named. */
const FILE_NAME = 'headwater.config.json'

/** The largest settings file; a larger one is not one. */
const FILE_BYTES_MAX = 1_048_576

export interface LoadConfigOptions<Own extends OwnFlags> {
  /** Arguments after the command's name. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Relative paths of the settings file and of secrets' files start here. */
  readonly cwd: string
  /** Flags of the command; `--config FILE` is added to them. */
  readonly own: Own
  /** Wins over everything. */
  readonly overrides?: PartialConfig | undefined
}

export interface LoadedConfig<Own extends OwnFlags> extends ResolvedConfig {
  readonly own: OwnValues<Own>
  /** Words of the command line that belong to no flag. */
  readonly positionals: readonly string[]
  /** The settings file that was read; absent when there is none. */
  readonly configFile: string | undefined
}

/**
 * @throws {HeadwaterError} `HW_CLI_USAGE` when only the command line is wrong, else
 * `HW_CONFIG_INVALID`. `detail` has every fault, one a line.
 */
export function loadConfig<const Own extends OwnFlags>(
  options: LoadConfigOptions<Own>,
): LoadedConfig<Own> {
  const { argv, env, cwd, overrides } = options
  const parsed = parseSettingsFlags(argv, { ...options.own, config: 'string' })
  const problems: Problem[] = [...parsed.problems]
  // `config` is a string by the line above; the mapped type of a spread generic does not see it.
  const { config: flagged, ...own } = parsed.own as { readonly config?: string }
  const file = readConfigFile({ flagged, named: env['HEADWATER_CONFIG'], cwd, problems })
  const resolved = resolveConfig({
    file,
    env,
    flags: parsed.flags,
    problems,
    readFile: (path) => readFileSync(toAbsolute(path, cwd), 'utf8'),
    ...(overrides === undefined ? {} : { overrides }),
  })
  return {
    ...resolved,
    // The same object without `config`.
    own: own,
    positionals: parsed.positionals,
    configFile: file?.path,
  }
}

/** A missing file is a fault only when somebody named it. */
function readConfigFile(options: {
  readonly flagged: string | undefined
  /** Empty counts as not set, as for settings. */
  readonly named: string | undefined
  readonly cwd: string
  readonly problems: Problem[]
}): { readonly path: string; readonly text: string } | undefined {
  const { flagged, cwd, problems } = options
  const named = options.named === '' ? undefined : options.named
  const path = flagged ?? named ?? FILE_NAME
  const absolute = toAbsolute(path, cwd)
  if (flagged === undefined && named === undefined && !existsSync(absolute)) return undefined
  const origin = flagged !== undefined ? ' (flag --config)' : ' (env HEADWATER_CONFIG)'
  const source = `file ${path}${path === FILE_NAME ? '' : origin}`
  try {
    const text = readFileSync(absolute, 'utf8')
    if (text.length <= FILE_BYTES_MAX) return { path, text }
    problems.push({ setting: '', source, fix: 'is too large for a settings file' })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    problems.push({ setting: '', source, fix: `cannot be read: ${reason}` })
  }
  return undefined
}

function toAbsolute(path: string, cwd: string): string {
  return isAbsolute(path) ? path : join(cwd, path)
}
