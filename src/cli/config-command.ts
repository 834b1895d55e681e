/** `headwater config`: the effective settings and where each one comes from. Changes nothing. */

import { HeadwaterError } from '../base/errors.ts'
import { suggestion } from '../config/closest-name.ts'
import { settingsHelp } from '../config/settings-help.ts'
import { SECTIONS, SETTINGS } from '../config/settings.ts'
import type { Setting } from '../config/settings.ts'
import { settingValue } from '../config/setting-value.ts'
import { shownValue } from '../config/shown-settings.ts'
import { loadConfig } from './load-config.ts'

/** Where text goes; `process.stdout` is one. */
export interface TextSink {
  write(text: string): unknown
}

export interface ConfigCommandOptions {
  /** Arguments after `config`. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: TextSink
  readonly stderr: TextSink
  readonly cwd: string
}

interface Row {
  readonly path: string
  readonly value: unknown
  readonly source: string
}

const OWN = { json: 'boolean', help: 'boolean', h: 'boolean' } as const

/**
 * Prints a table, or with `--json` one document: `settings` by path with `value` and `source`, and
 * `warnings`; on failure `error` with `code`, `message` and `problems`.
 *
 * @returns Exit code: 0, 1 for wrong settings, 2 for a wrong command line.
 */
export async function runConfigCommand(options: ConfigCommandOptions): Promise<number> {
  // Settings may be wrong: whether JSON is asked for has to be known before they are read.
  const isJson = options.argv.includes('--json')
  try {
    return await Promise.resolve(run(options))
  } catch (error) {
    if (!(error instanceof HeadwaterError)) throw error
    report(error, isJson, options)
    return error.code === 'HW_CLI_USAGE' ? 2 : 1
  }
}

function run({ argv, env, cwd, stdout, stderr }: ConfigCommandOptions): number {
  if (argv.includes('--help') || argv.includes('-h')) {
    stdout.write(`${CONFIG_USAGE}\n${settingsHelp()}`)
    return 0
  }
  const { config, sources, warnings, own, positionals } = loadConfig({ argv, env, cwd, own: OWN })
  const rows = selectSettings(positionals).map((setting) => ({
    path: setting.path,
    value: shownValue(setting, settingValue(config, setting.path)),
    source: sources.get(setting.path) ?? 'default',
  }))
  if (own.json === true) {
    const settings = Object.fromEntries(
      rows.map(({ path, value, source }) => [path, { value, source }]),
    )
    stdout.write(`${JSON.stringify({ settings, warnings }, null, 2)}\n`)
    return 0
  }
  for (const warning of warnings) stderr.write(`warning: ${warning}\n`)
  stdout.write(formatTable(rows))
  return 0
}

/** What `--help` prints before the settings. */
export const CONFIG_USAGE = `Usage: headwater config [--json] [--config FILE] [setting or group ...] [flags of settings]

Prints the effective settings, each with its source: default < profile < file < environment < flags.
`

/** Settings and groups by name; all of them when none is named. */
function selectSettings(names: readonly string[]): readonly Setting[] {
  if (names.length === 0) return SETTINGS
  const known = [...SETTINGS.map(({ path }) => path), ...SECTIONS.map(({ path }) => path)]
  const unknown = names.filter((name) => !known.includes(name) || name === '')
  if (unknown.length > 0) {
    throw new HeadwaterError('HW_CLI_USAGE', 'No setting has this name.', {
      detail: unknown
        .map((name) => `${name}: no such setting${suggestion(name, known)}`)
        .join('\n'),
    })
  }
  return SETTINGS.filter(({ path }) =>
    names.some((name) => path === name || path.startsWith(`${name}.`)),
  )
}

function formatTable(rows: readonly Row[]): string {
  const cells = rows.map(({ path, value, source }) => ({ path, text: formatCell(value), source }))
  const pathWidth = Math.max(...cells.map(({ path }) => path.length))
  // A long list must not push every source off the screen.
  const textWidth = Math.min(32, Math.max(...cells.map(({ text }) => text.length)))
  return cells
    .map(
      ({ path, text, source }) =>
        `${path.padEnd(pathWidth)}  ${text.padEnd(textWidth)}  ${source}\n`,
    )
    .join('')
}

function formatCell(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value)
  return value === '' ? '""' : value
}

function report(
  error: HeadwaterError,
  isJson: boolean,
  { stdout, stderr }: ConfigCommandOptions,
): void {
  const problems = (error.detail ?? '').split('\n').filter((line) => line !== '')
  if (isJson) {
    const { code, message } = error
    stdout.write(`${JSON.stringify({ error: { code, message, problems } }, null, 2)}\n`)
    return
  }
  stderr.write(`${error.code}: ${error.message}\n`)
  for (const problem of problems) stderr.write(`  ${problem}\n`)
}
