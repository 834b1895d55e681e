/** A cache's settings as fields of a form, from the API's own description of them. Pure. */

import type { CacheSettings } from '../api/steer-types.ts'

export interface SettingField {
  readonly name: string
  readonly label: string
  readonly description: string
  readonly kind: 'boolean' | 'number' | 'choice' | 'lines'
  /** Of `choice`. */
  readonly choices: readonly string[]
  readonly minimum: number | undefined
  readonly maximum: number | undefined
  readonly isInteger: boolean
  readonly default: unknown
}

/** What the form holds: text, or a tick. */
export type SettingDraft = Readonly<Record<string, string | boolean>>

/**
 * The fields of `components.schemas.CacheSettings`.
 *
 * @param openApi  `GET /api/openapi.json`. Of another shape: no fields.
 */
export function toSettingFields(openApi: unknown): readonly SettingField[] {
  const properties = read(openApi, 'components', 'schemas', 'CacheSettings', 'properties')
  if (!isObject(properties)) return []
  return Object.entries(properties).flatMap(([name, schema]) => {
    const field = isObject(schema) ? toField(name, schema) : undefined
    return field === undefined ? [] : [field]
  })
}

function toField(
  name: string,
  schema: Readonly<Record<string, unknown>>,
): SettingField | undefined {
  const { type, anyOf, description, minimum, maximum } = schema
  const choices = listOf(anyOf).flatMap((each) => textsOf(read(each, 'enum')))
  const kind =
    type === 'boolean'
      ? 'boolean'
      : type === 'integer' || type === 'number'
        ? 'number'
        : type === 'array'
          ? 'lines'
          : choices.length > 0
            ? 'choice'
            : undefined
  if (kind === undefined) return undefined
  return {
    name,
    label: toLabel(name),
    description: typeof description === 'string' ? description : '',
    kind,
    choices,
    minimum: typeof minimum === 'number' ? minimum : undefined,
    maximum: typeof maximum === 'number' ? maximum : undefined,
    isInteger: type === 'integer',
    default: schema['default'],
  }
}

/** `itemSizeBytesMax` -> `Item size bytes max`. */
export function toLabel(name: string): string {
  const words = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replace('ttl', 'TTL')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

export function toDraft(fields: readonly SettingField[], settings: CacheSettings): SettingDraft {
  return Object.fromEntries<string | boolean>(
    fields.map(({ name, kind }) => {
      const value = settings[name]
      if (kind === 'boolean') return [name, value === true]
      if (kind === 'lines') return [name, textsOf(value).join('\n')]
      return [name, typeof value === 'number' || typeof value === 'string' ? String(value) : '']
    }),
  )
}

/** '' when the server would take it. */
export function checkSetting(field: SettingField, value: string | boolean): string {
  if (field.kind !== 'number' || typeof value === 'boolean') return ''
  const count = Number(value.trim())
  const { minimum, maximum, isInteger } = field
  if (value.trim() === '' || !Number.isFinite(count)) return 'A number.'
  if (isInteger && !Number.isInteger(count)) return 'A whole number.'
  if (minimum !== undefined && count < minimum) return `At least ${minimum}.`
  if (maximum !== undefined && count > maximum) return `At most ${maximum}.`
  return ''
}

/** The settings that the form changes: the body of the PATCH. */
export function toChanges(
  fields: readonly SettingField[],
  before: SettingDraft,
  after: SettingDraft,
): CacheSettings {
  const changed = fields.filter(({ name }) => before[name] !== after[name])
  return Object.fromEntries(changed.map((field) => [field.name, toValue(field, after[field.name])]))
}

function toValue({ kind }: SettingField, value: string | boolean | undefined): unknown {
  if (typeof value !== 'string') return value
  if (kind === 'number') return Number(value.trim())
  if (kind !== 'lines') return value
  return value
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** A value as the form's words have it. */
export function formatSetting(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : textsOf(value).join(', ')
  if (value === true) return 'on'
  if (value === false) return 'off'
  return typeof value === 'number' || typeof value === 'string' ? String(value) : ''
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function textsOf(value: unknown): string[] {
  return listOf(value).filter((text) => typeof text === 'string')
}

function read(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), value)
}
