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

/** A secret's value is never shown, only whether there is one. */
export function shownValue(setting: Pick<Setting, 'isSecret'>, value: unknown): unknown {
  if (!setting.isSecret) return value
  return value === '' ? '(not set)' : '(set)'
}
