/** The settings in force as people may see them: values with their sources, secrets left out. */

import type { Config } from './schema.ts'
import { settingValue } from './setting-value.ts'
import { SETTINGS } from './settings.ts'
import type { Setting } from './settings.ts'

export interface ShownSetting {
  /** Its path: `http.port`. */
  readonly name: string
  /** JSON. Of a secret `(set)` or `(not set)`. */
  readonly value: unknown
  readonly source: string
  readonly description: string
}

/** @param sources  By path, as `resolveConfig` gives them; what is not there is `default`. */
export function shownSettings(
  config: Config,
  sources: ReadonlyMap<string, string>,
): readonly ShownSetting[] {
  return SETTINGS.map((setting) => ({
    name: setting.path,
    value: shownValue(setting, settingValue(config, setting.path)),
    source: sources.get(setting.path) ?? 'default',
    description: setting.description,
  }))
}

/** A secret's value is never shown, only whether there is one; of a list's items, too. */
export function shownValue(
  setting: Pick<Setting, 'isSecret' | 'itemSettings'>,
  value: unknown,
): unknown {
  if (setting.isSecret) return value === '' ? '(not set)' : '(set)'
  const secrets = setting.itemSettings.filter((field) => field.isSecret).map(({ path }) => path)
  if (secrets.length === 0 || !Array.isArray(value)) return value
  return value.map((item: unknown) => {
    // The items of a list setting are objects by its schema.
    const fields = Object.entries(item as Readonly<Record<string, unknown>>)
    return Object.fromEntries(
      fields.map(([name, field]) => [name, secrets.includes(name) ? '(set)' : field]),
    )
  })
}
