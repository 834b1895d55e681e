/** Text of an environment variable or a flag -> the value of a setting. Strict: no units, no guesses. */

import { closestName } from './closest-name.ts'
import type { Setting } from './settings.ts'

/** The value, not yet checked against bounds; or what to write instead. */
export type ParsedText =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly fix: string }

export function parseSettingText(setting: Setting, text: string): ParsedText {
  switch (setting.type) {
    case 'string':
      return { ok: true, value: text }
    case 'boolean':
      return parseBoolean(text)
    case 'integer':
    case 'number':
      return parseNumber(setting, text)
    case 'choice':
      return parseChoice(setting, text)
    case 'strings':
      return {
        ok: true,
        value: text
          .split(',')
          .map((entry) => entry.trim())
          .filter((entry) => entry !== ''),
      }
    case 'list':
      return parseList(text)
  }
}

/** `must be one of "memory", "disk"`; numbers are written bare. */
export function choiceFix(setting: Setting, given: string): string {
  const values = setting.choices.map((choice) => choice.value)
  const names = values.map((value) => JSON.stringify(value)).join(', ')
  const closest = closestName(
    given,
    values.map((value) => String(value)),
  )
  return `must be one of ${names}${closest === undefined ? '' : `; did you mean ${closest}?`}`
}

function parseBoolean(text: string): ParsedText {
  switch (text.trim().toLowerCase()) {
    case 'true':
    case '1':
      return { ok: true, value: true }
    case 'false':
    case '0':
      return { ok: true, value: false }
    default:
      return { ok: false, fix: 'must be true or false' }
  }
}

function parseNumber(setting: Setting, text: string): ParsedText {
  const trimmed = text.trim()
  if (/^-?\d+(?:\.\d+)?$/.test(trimmed)) return { ok: true, value: Number(trimmed) }
  const unit = setting.unit === undefined ? '' : ` in ${setting.unit}`
  const example = formatNumber(setting.defaultValue)
  return { ok: false, fix: `must be a number${unit}, digits only, such as ${example}` }
}

function formatNumber(value: unknown): string {
  return typeof value === 'number' ? String(value) : '10'
}

function parseChoice(setting: Setting, text: string): ParsedText {
  const trimmed = text.trim()
  const choice = setting.choices.find(({ value }) => String(value) === trimmed)
  if (choice !== undefined) return { ok: true, value: choice.value }
  return { ok: false, fix: choiceFix(setting, trimmed) }
}

function parseList(text: string): ParsedText {
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch {
    // The engine's words quote the text and differ by version; an example says more.
    return { ok: false, fix: 'must be a JSON list, such as [{"name":"live-origin"}]' }
  }
}
