/** One value of one setting against the schema's type and bounds and the rules of `formats.ts`. */

import { Value } from 'typebox/value'
import { suggestion } from './closest-name.ts'
import { FORMATS } from './formats.ts'
import { choiceFix } from './parse-text.ts'
import { formatValue } from './problems.ts'
import type { Setting } from './settings.ts'

/** A fault of a value. */
export interface Fault {
  /** Path of the setting, or of the part of it that is wrong (`caches.items[2].name`). */
  readonly setting: string
  /** Formatted; absent when there is none to show. */
  readonly value?: string
  readonly fix: string
}

export interface CheckedValue {
  /** The value in its one spelling. Meaningless when there are faults. */
  readonly value: unknown
  readonly faults: readonly Fault[]
}

export function checkValue(setting: Setting, value: unknown): CheckedValue {
  if (setting.type === 'list' && Array.isArray(value)) {
    return {
      value,
      faults: value.flatMap((item: unknown, index) =>
        checkItem(setting, `${setting.path}[${String(index)}]`, item),
      ),
    }
  }
  const fix = schemaFix(setting, value)
  if (fix !== undefined) return { value, faults: [toFault(setting, value, fix)] }
  return checkFormat(setting, value)
}

function toFault(setting: Setting, value: unknown, fix: string): Fault {
  return { setting: setting.path, value: formatValue(value, setting.isSecret), fix }
}

/** What the value must be, or `undefined` when the schema accepts it. */
function schemaFix(setting: Setting, value: unknown): string | undefined {
  // A number that a double cannot hold exactly is a typing error, not a size.
  const isUnsafe = setting.type === 'integer' && !Number.isSafeInteger(value)
  if (!isUnsafe && Value.Check(setting.schema, value)) return undefined
  switch (setting.type) {
    case 'boolean':
      return 'must be true or false'
    case 'integer':
    case 'number':
      return numberFix(setting, value)
    case 'choice':
      return choiceFix(setting, String(value))
    case 'strings':
      return stringsFix(setting, value)
    case 'list':
      return 'must be a list of objects'
    case 'string':
      if (typeof value !== 'string') return 'must be a string'
      return value === '' ? 'must not be empty' : 'must be 1 to 255 of A-Z a-z 0-9 . _ -'
  }
}

function stringsFix({ entryExample, entryCountMax }: Setting, value: unknown): string {
  if (entryExample === '' || !Array.isArray(value)) return 'must be a list of strings'
  if (entryCountMax !== undefined && value.length > entryCountMax) {
    return `must have at most ${String(entryCountMax)} entries`
  }
  return `must be a list of entries such as ${JSON.stringify(entryExample)}`
}

function numberFix(setting: Setting, value: unknown): string {
  const unit = setting.unit === undefined ? '' : ` in ${setting.unit}`
  if (typeof value === 'string') return `must be a number${unit}, without quotes`
  if (typeof value !== 'number') return `must be a number${unit}`
  const { minimum, maximum } = setting
  if (minimum !== undefined && value < minimum) return boundsFix(setting)
  if (maximum !== undefined && value > maximum) return boundsFix(setting)
  return 'must be a whole number'
}

function boundsFix({ minimum, maximum, unit }: Setting): string {
  const suffix = unit === undefined ? '' : ` ${unit}`
  if (maximum === undefined) return `must be at least ${String(minimum)}${suffix}`
  return `must be between ${String(minimum)} and ${String(maximum)}${suffix}`
}

function checkFormat(setting: Setting, value: unknown): CheckedValue {
  const format = FORMATS[setting.path]
  if (format === undefined) return { value, faults: [] }
  const faults: Fault[] = []
  const apply = (entry: unknown, path: string): unknown => {
    const result = format(String(entry))
    if (result.ok) return result.value
    faults.push({ setting: path, value: formatValue(entry, setting.isSecret), fix: result.fix })
    return entry
  }
  const checked: unknown = Array.isArray(value)
    ? value.map((entry: unknown, index) => apply(entry, `${setting.path}[${String(index)}]`))
    : apply(value, setting.path)
  return { value: checked, faults }
}

function checkItem(list: Setting, path: string, item: unknown): Fault[] {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    return [{ setting: path, value: formatValue(item), fix: 'must be an object' }]
  }
  const faults: Fault[] = []
  const given = new Map<string, unknown>(Object.entries(item))
  for (const field of list.itemSettings) {
    if (given.has(field.path)) {
      const fix = schemaFix(field, given.get(field.path))
      if (fix === undefined) continue
      const value = formatValue(given.get(field.path))
      faults.push({ setting: `${path}.${field.path}`, value, fix })
    } else if (field.isRequired) {
      faults.push({ setting: `${path}.${field.path}`, fix: 'is missing' })
    }
  }
  const known = list.itemSettings.map((field) => field.path)
  for (const name of given.keys()) {
    if (known.includes(name)) continue
    const fix = `no such setting of a cache${suggestion(name, known)}`
    faults.push({ setting: `${path}.${name}`, fix })
  }
  return faults
}
