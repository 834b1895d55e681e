/**
 * The sources of settings, each read into the same shape: path -> value and where it came from.
 * Faults are collected, never thrown, so that all of them can be told at once.
 */

import { checkValue } from './check-value.ts'
import { suggestion } from './closest-name.ts'
import type { FlagValue } from './flags.ts'
import { findJsonFault } from './json-syntax.ts'
import { parseSettingText } from './parse-text.ts'
import { formatValue } from './problems.ts'
import type { Problem } from './problems.ts'
import { SECTIONS, SETTINGS, settingsByPath } from './settings.ts'
import type { Setting } from './settings.ts'

export interface Entry {
  readonly value: unknown
  readonly source: string
}

/** What one source says, by path of the setting. Values are checked. */
export type Layer = ReadonlyMap<string, Entry>

/** Collects what one or more sources say and every fault in it. */
export class LayerReader {
  readonly problems: Problem[] = []
  /** Paths that were given a value that cannot be used. */
  readonly brokenPaths = new Set<string>()

  /** A settings file. `path` is shown as it is. */
  readFile(file: { readonly path: string; readonly text: string }): Layer {
    const source = `file ${file.path}`
    // Editors on Windows may put a byte order mark first.
    const text = file.text.replace(/^\uFEFF/, '')
    const fault = findJsonFault(text)
    if (fault !== undefined) {
      const place = `line ${String(fault.line)}, column ${String(fault.column)}`
      this.problems.push({ setting: '', source: `${source}, ${place}`, fix: fault.fix })
      return new Map()
    }
    const document: unknown = JSON.parse(text)
    if (!isObject(document)) {
      this.problems.push({ setting: '', source, fix: 'must be a JSON object with settings' })
      return new Map()
    }
    // Editors find the schema by this name.
    const settings = Object.fromEntries(
      Object.entries(document).filter(([name]) => name !== '$schema'),
    )
    return this.readObject(settings, source)
  }

  /** Nested settings: a file's, a profile's, an embedding program's. */
  readObject(settings: object, source: string): Layer {
    const layer = new Map<string, Entry>()
    this.#readSection(settings, '', source, layer)
    return layer
  }

  /** Environment variables. An empty one counts as not set: compose files pass those on. */
  readEnv(
    env: Readonly<Record<string, string | undefined>>,
    readFile: (path: string) => string,
  ): Layer {
    const layer = new Map<string, Entry>()
    for (const setting of SETTINGS) {
      const text = env[setting.envName] ?? ''
      const filePath = setting.envFileName === undefined ? '' : (env[setting.envFileName] ?? '')
      if (text !== '' && filePath !== '') {
        const fix = `is set as ${setting.envName}, too; unset one of them`
        this.#add(setting, `env ${String(setting.envFileName)}`, fix)
      } else if (filePath !== '') {
        this.#readSecretFile(setting, filePath, readFile, layer)
      } else if (text !== '' && !(setting.type === 'integer' && isServiceAddress(text))) {
        this.#readText(setting, text, `env ${setting.envName}`, layer)
      }
    }
    return layer
  }

  /** Flags, by path of the setting. */
  readFlags(flags: ReadonlyMap<string, FlagValue>): Layer {
    const layer = new Map<string, Entry>()
    for (const [path, { text, flag }] of flags) {
      const setting = settingsByPath.get(path)
      if (setting !== undefined) this.#readText(setting, text, `flag ${flag}`, layer)
    }
    return layer
  }

  #readSection(section: object, parent: string, source: string, layer: Map<string, Entry>): void {
    for (const [name, value] of Object.entries(section) as [string, unknown][]) {
      const path = parent === '' ? name : `${parent}.${name}`
      const setting = settingsByPath.get(path)
      if (value === undefined) continue
      if (name.includes('.')) {
        const fix = 'write it as an object in an object, such as {"http":{"port":8080}}'
        this.problems.push({ setting: path, source, fix })
      } else if (setting !== undefined) {
        this.#accept(setting, value, source, layer)
      } else if (!SECTIONS.some((known) => known.path === path)) {
        this.problems.push({ setting: path, source, fix: unknownFix(path) })
      } else if (isObject(value)) {
        this.#readSection(value, path, source, layer)
      } else {
        const fix = 'is a group of settings and must be an object'
        this.problems.push({ setting: path, value: formatValue(value), source, fix })
      }
    }
  }

  #readSecretFile(
    setting: Setting,
    filePath: string,
    readFile: (path: string) => string,
    layer: Map<string, Entry>,
  ): void {
    const source = `env ${String(setting.envFileName)}`
    let text: string
    try {
      text = readFile(filePath)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#add(setting, source, `the file cannot be read: ${reason}`)
      return
    }
    // Editors and `echo` end a file with a line break, which is not part of the secret.
    const secret = text.replace(/[\r\n]+$/, '')
    if (secret === '') this.#add(setting, source, `the file ${filePath} is empty`)
    else this.#readText(setting, secret, source, layer)
  }

  #readText(setting: Setting, text: string, source: string, layer: Map<string, Entry>): void {
    const parsed = parseSettingText(setting, text)
    if (parsed.ok) this.#accept(setting, parsed.value, source, layer)
    else this.#add(setting, source, parsed.fix, formatValue(text, setting.isSecret))
  }

  #accept(setting: Setting, given: unknown, source: string, layer: Map<string, Entry>): void {
    const { value, faults } = checkValue(setting, given)
    if (faults.length === 0) {
      // A copy: what is frozen later must not be the caller's own object.
      layer.set(setting.path, { value: structuredClone(value), source })
      return
    }
    this.brokenPaths.add(setting.path)
    for (const fault of faults) this.problems.push({ ...fault, source })
  }

  #add(setting: Setting, source: string, fix: string, value?: string): void {
    this.brokenPaths.add(setting.path)
    const shown = value === undefined ? {} : { value }
    this.problems.push({ setting: setting.path, source, fix, ...shown })
  }
}

/**
 * Kubernetes gives every container `<SERVICE>_PORT=tcp://10.0.0.1:80`: with a service called
 * `headwater-http` that is the name of a setting.
 */
export function isServiceAddress(text: string): boolean {
  return /^(?:tcp|udp|sctp):\/\//.test(text)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unknownFix(path: string): string {
  const leaf = path.slice(path.lastIndexOf('.') + 1)
  const names = [...settingsByPath.keys(), ...SECTIONS.map((section) => section.path)]
  const elsewhere = names.find((name) => name.endsWith(`.${leaf}`))
  const hint = suggestion(path, names)
  if (hint === '' && elsewhere !== undefined) return `no such setting; did you mean ${elsewhere}?`
  return `no such setting${hint}`
}
