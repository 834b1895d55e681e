/**
 * The settings as a flat table, derived from the schema: every name that an operator can write for
 * one (path, environment variable, flag) comes from here, so that no third spelling can exist.
 */

import type { TSchema } from 'typebox'
import { ConfigSchema } from './schema.ts'

/** `strings`: a list of strings. `list`: a list of objects, JSON outside of the file. */
export type SettingType =
  'boolean' | 'integer' | 'number' | 'string' | 'choice' | 'strings' | 'list'

/** One of the values that a setting of type `choice` can have. */
export interface Choice {
  readonly value: string | number
}

/** A leaf of the schema. */
export interface Setting {
  /** `hotStore.sizeBytesMax` */
  readonly path: string
  /** Path of the section it is in; empty at the top. */
  readonly section: string
  /** `HEADWATER_HOT_STORE_SIZE_BYTES_MAX` */
  readonly envName: string
  /** Variable that names a file with the value; secrets only. */
  readonly envFileName: string | undefined
  /** Flags without dashes, the derived one first; none for a secret. */
  readonly flagNames: readonly string[]
  readonly type: SettingType
  readonly choices: readonly Choice[]
  /** Absent for the fields of a list's items. */
  readonly defaultValue: unknown
  readonly minimum: number | undefined
  readonly maximum: number | undefined
  /** `seconds` or `bytes`, from the name. */
  readonly unit: string | undefined
  readonly isSecret: boolean
  /** Of a list; `undefined` when there is no bound. */
  readonly entryCountMax: number | undefined
  /** What an entry of `strings` looks like; '' when any text is one. */
  readonly entryExample: string
  readonly description: string
  /** Fields of the items of a `list`; their paths are bare names. */
  readonly itemSettings: readonly ItemSetting[]
  readonly schema: TSchema
}

/** A field of the items of a list: no variable and no flag of its own. */
export type ItemSetting = Setting & { readonly isRequired: boolean }

/** A group of settings. */
export interface Section {
  /** Empty for the settings at the top. */
  readonly path: string
  readonly description: string
}

/** The parts of a schema node that are read here. */
interface SchemaNode {
  readonly type?: string
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
  readonly const?: string | number
  readonly default?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly maxItems?: number
  readonly description?: string
  readonly 'x-secret'?: boolean
  readonly examples?: readonly string[]
}

/** Flags that are typed often have a short form. */
const FLAG_ALIASES: Readonly<Record<string, readonly string[]>> = {
  'http.port': ['port'],
  'http.host': ['host'],
}

const sections: Section[] = [{ path: '', description: '' }]

// The schema's types are deeper than what is needed of them: this view is the part that is read.
const root = ConfigSchema as unknown as SchemaNode

/** Every setting, in the order of the schema. */
export const SETTINGS: readonly Setting[] = walk(root, '')

/** Every section that has settings of its own, in the order of the schema. */
export const SECTIONS: readonly Section[] = sections

export const settingsByPath: ReadonlyMap<string, Setting> = new Map(
  SETTINGS.map((setting) => [setting.path, setting]),
)

export const settingsByFlag: ReadonlyMap<string, Setting> = new Map(
  SETTINGS.flatMap((setting) => setting.flagNames.map((name) => [name, setting] as const)),
)

/** Flags that would be those of secrets: they are refused with the reason. */
export const secretsByFlag: ReadonlyMap<string, Setting> = new Map(
  SETTINGS.filter((setting) => setting.isSecret).map((setting) => [
    toFlagName(setting.path),
    setting,
  ]),
)

/** `hotStore.sizeBytesMax` -> `hot-store-size-bytes-max`. */
export function toFlagName(path: string): string {
  return path
    .replace(/\./g, '-')
    .replace(/[A-Z]/g, (letter) => `-${letter}`)
    .toLowerCase()
}

/** `hotStore.sizeBytesMax` -> `HEADWATER_HOT_STORE_SIZE_BYTES_MAX`. */
export function toEnvName(path: string): string {
  return `HEADWATER_${toFlagName(path).replace(/-/g, '_').toUpperCase()}`
}

function walk(node: SchemaNode, parent: string): Setting[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const path = parent === '' ? name : `${parent}.${name}`
    if (child.properties === undefined) return [toSetting(child, path, parent)]
    sections.push({ path, description: child.description ?? '' })
    return walk(child, path)
  })
}

function toSetting(node: SchemaNode, path: string, section: string): Setting {
  const isSecret = node['x-secret'] === true
  const itemProperties = node.items?.properties ?? {}
  return {
    path,
    section,
    envName: toEnvName(path),
    envFileName: isSecret ? `${toEnvName(path)}_FILE` : undefined,
    flagNames: isSecret ? [] : [toFlagName(path), ...(FLAG_ALIASES[path] ?? [])],
    type: typeOf(node),
    choices: (node.anyOf ?? []).flatMap((option) =>
      option.const === undefined ? [] : [{ value: option.const }],
    ),
    defaultValue: node.default,
    minimum: node.minimum,
    maximum: node.maximum,
    unit: /(Seconds|Bytes)(Max|Min)?$/.exec(path)?.[1]?.toLowerCase(),
    isSecret,
    entryCountMax: node.maxItems,
    entryExample: node.items?.examples?.[0] ?? '',
    description: node.description ?? '',
    itemSettings: Object.entries(itemProperties).map(([name, child]) => ({
      ...toSetting({ ...child, default: undefined }, name, path),
      isRequired: node.items?.required?.includes(name) ?? false,
    })),
    // The same node seen as what typebox made it.
    schema: node,
  }
}

function typeOf(node: SchemaNode): SettingType {
  if (node.anyOf !== undefined) return 'choice'
  if (node.type === 'array') return node.items?.properties === undefined ? 'strings' : 'list'
  switch (node.type) {
    case 'boolean':
    case 'integer':
    case 'number':
    case 'string':
      return node.type
    default:
      throw new TypeError(`the settings table knows no schema of type ${String(node.type)}`)
  }
}
