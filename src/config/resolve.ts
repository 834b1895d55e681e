/**
 * default < profile < file < environment < flags < overrides -> one checked, frozen {@link Config}
 * and where each value came from. No I/O: whoever calls it has read the file.
 */

import { Value } from 'typebox/value'
import { HeadwaterError } from '../base/errors.ts'
import { crossCheck, crossWarnings } from './cross-checks.ts'
import { envWarnings } from './env-names.ts'
import type { FlagValue } from './flags.ts'
import { LayerReader } from './layers.ts'
import type { Entry, Layer } from './layers.ts'
import { formatProblem, formatValue } from './problems.ts'
import type { Problem } from './problems.ts'
import { PROFILE_DEFINITIONS } from './profiles.ts'
import { ConfigSchema, PROFILES } from './schema.ts'
import type { Config, PartialConfig, Profile } from './schema.ts'
import { settingValue } from './setting-value.ts'
import { SETTINGS, settingsByPath } from './settings.ts'

/** All sources but the defaults and the profile, which are known here. */
export interface ConfigSources {
  /** Settings file; `path` is for messages only. */
  readonly file?: { readonly path: string; readonly text: string } | undefined
  readonly env?: Readonly<Record<string, string | undefined>>
  /** By path of the setting, as {@link parseSettingsFlags} gives them. */
  readonly flags?: ReadonlyMap<string, FlagValue>
  /** Given by a program that embeds the server; wins over everything. */
  readonly overrides?: PartialConfig
  /** Reads the file that a `..._FILE` variable names. Absent: such a variable is a fault. */
  readonly readFile?: (path: string) => string
  /** Faults found before, to be told together with those found here. */
  readonly problems?: readonly Problem[]
}

export interface ResolvedConfig {
  /** Complete, checked, frozen through and through. */
  readonly config: Config
  /**
   * By path of the setting: `default`, `profile dev`, `file <path>`, `env NAME`, `flag --x` or
   * `option`.
   */
  readonly sources: ReadonlyMap<string, string>
  /** What was ignored or should be known. No values of secrets. */
  readonly warnings: readonly string[]
}

/**
 * @throws {HeadwaterError} `HW_CONFIG_INVALID` with every fault of every source, one a line in
 * `detail`; `HW_CLI_USAGE` when only the given `problems` are in the way.
 */
export function resolveConfig(input: ConfigSources): ResolvedConfig {
  const env = input.env ?? {}
  const reader = new LayerReader()
  const layers: Layer[] = [
    input.overrides === undefined ? new Map() : reader.readObject(input.overrides, 'option'),
    input.flags === undefined ? new Map() : reader.readFlags(input.flags),
    reader.readEnv(env, input.readFile ?? refuseFile),
    input.file === undefined ? new Map() : reader.readFile(input.file),
  ]
  const profile = findProfile(layers)
  layers.push(reader.readObject(PROFILE_DEFINITIONS[profile].values, `profile ${profile}`))

  const { config, sources } = build(layers)
  const { brokenPaths } = reader
  const crossFaults = crossCheck(config)
    .filter(({ paths }) => !paths.some((path) => brokenPaths.has(settingOf(path))))
    .map(({ paths: [path, ...others], fix }) => ({
      setting: path,
      source: [path, ...others].map((name) => sources.get(settingOf(name)) ?? 'default').join(', '),
      fix,
      ...shownValue(config, path),
    }))
  const found = [...reader.problems, ...crossFaults]
  throwProblems(input.problems ?? [], found)
  return { config, sources, warnings: [...envWarnings(env), ...crossWarnings(config)] }
}

function refuseFile(): string {
  throw new Error('files are not read here')
}

/** The profile decides about other defaults, so it is settled first. A wrong one is a fault already. */
function findProfile(layers: readonly Layer[]): Profile {
  const value = find(layers, 'profile')?.value
  return PROFILES.find((name) => name === value) ?? 'default'
}

function find(layers: readonly Layer[], path: string): Entry | undefined {
  return layers.find((layer) => layer.has(path))?.get(path)
}

function build(layers: readonly Layer[]): { config: Config; sources: Map<string, string> } {
  const sources = new Map<string, string>()
  const document: Record<string, unknown> = {}
  for (const setting of SETTINGS) {
    const entry = find(layers, setting.path)
    sources.set(setting.path, entry?.source ?? 'default')
    const value = entry === undefined ? structuredClone(setting.defaultValue) : entry.value
    setAt(document, setting.path, value)
  }
  // Every value was checked alone: a document that does not fit is a fault of the schema's walk.
  if (!Value.Check(ConfigSchema, document)) {
    const [error] = Value.Errors(ConfigSchema, document)
    throw new HeadwaterError(
      'HW_INTERNAL',
      `settings do not fit their schema: ${String(error?.instancePath)}`,
    )
  }
  deepFreeze(document)
  // Checked against the schema just now; `Config` is its type with the cache items spelled out.
  return { config: document, sources }
}

function setAt(document: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split('.')
  const leaf = names.pop() ?? ''
  let section = document
  for (const name of names) {
    // Only objects that were made here stand on the way to a leaf.
    section = (section[name] ??= {}) as Record<string, unknown>
  }
  section[leaf] = value
}

/** `caches.items[2].name` -> `caches.items`: what has a source. */
function settingOf(path: string): string {
  return path.replace(/\[.*/, '')
}

function shownValue(config: Config, path: string): { value: string } | undefined {
  const value = settingValue(config, path)
  if (typeof value === 'object') return undefined
  return { value: formatValue(value, settingsByPath.get(path)?.isSecret) }
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  Object.values(value).forEach(deepFreeze)
  Object.freeze(value)
}

function throwProblems(earlier: readonly Problem[], found: readonly Problem[]): void {
  const lines = [...new Set([...earlier, ...found].map(formatProblem))]
  if (lines.length === 0) return
  const detail = lines.join('\n')
  const count = lines.length === 1 ? '1 problem' : `${String(lines.length)} problems`
  if (found.length === 0) {
    throw new HeadwaterError('HW_CLI_USAGE', `The command line has ${count}.`, { detail })
  }
  throw new HeadwaterError('HW_CONFIG_INVALID', `The configuration has ${count}.`, { detail })
}
