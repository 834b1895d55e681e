/** Flags of a cache's settings, derived from their schema: `defaultTtlSeconds` -> `--default-ttl-seconds`. */

import { checkValue } from '../config/check-value.ts'
import { parseSettingText } from '../config/parse-text.ts'
import type { CacheSettings } from '../config/schema.ts'
import { settingsByPath, toFlagName } from '../config/settings.ts'
import type { ItemSetting } from '../config/settings.ts'
import { wrapText } from '../config/settings-help.ts'
import { usageError } from './command.ts'

const CACHE_SETTINGS: readonly ItemSetting[] = (
  settingsByPath.get('caches.items')?.itemSettings ?? []
).filter(({ path }) => path !== 'name')

/** For `readCommandLine`. */
export const CACHE_FLAGS: Readonly<Record<string, 'string'>> = Object.fromEntries(
  CACHE_SETTINGS.map(({ path }) => [toFlagName(path), 'string' as const]),
)

/** The part of the usage text about them. */
export const CACHE_FLAGS_USAGE = CACHE_SETTINGS.map((setting) => {
  const values = setting.choices.map(({ value }) => String(value)).join('|')
  const placeholder = values === '' ? (setting.unit?.toUpperCase() ?? 'VALUE') : values
  const text = wrapText(setting.description.replaceAll('`', ''), 90)
  return `  --${toFlagName(setting.path)} ${placeholder}\n${text.map((line) => `      ${line}\n`).join('')}`
}).join('')

/**
 * The settings that were given.
 *
 * @param own  By flag, without dashes.
 * @throws HeadwaterError `HW_CLI_USAGE` with everything that is wrong.
 */
export function readCacheFlags(own: Readonly<Record<string, unknown>>): Partial<CacheSettings> {
  const problems: string[] = []
  const given: Record<string, unknown> = {}
  for (const setting of CACHE_SETTINGS) {
    const flag = toFlagName(setting.path)
    const text = own[flag]
    if (typeof text !== 'string') continue
    const parsed = parseSettingText(setting, text)
    const faults = parsed.ok ? checkValue(setting, parsed.value).faults : [parsed]
    problems.push(...faults.map(({ fix }) => `--${flag} ${JSON.stringify(text)}: ${fix}`))
    if (parsed.ok) given[setting.path] = parsed.value
  }
  if (problems.length > 0) throw usageError('A cache setting is not valid.', problems)
  // Names and values were just checked against the schema of the settings.
  return given
}
