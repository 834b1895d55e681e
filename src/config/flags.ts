/**
 * The command line: flags of settings, flags of the command itself, and words. Text only; what a
 * flag's text means is decided with the other sources of settings.
 */

import { suggestion } from './closest-name.ts'
import type { Problem } from './problems.ts'
import { secretsByFlag, settingsByFlag } from './settings.ts'
import type { Setting } from './settings.ts'

/** What was written for a setting. */
export interface FlagValue {
  readonly text: string
  /** As written, with dashes. */
  readonly flag: string
}

/**
 * Flags of a command, by name without dashes. A name of one letter is a short flag (`-h`).
 * `strings` can be repeated.
 */
export type OwnFlags = Readonly<Record<string, 'boolean' | 'string' | 'strings'>>

/** What was given for a command's own flags. */
export type OwnValues<Own extends OwnFlags> = {
  readonly [Name in keyof Own]?: Own[Name] extends 'boolean'
    ? boolean
    : Own[Name] extends 'string'
      ? string
      : readonly string[]
}

export interface ParsedFlags<Own extends OwnFlags> {
  /** By path of the setting. The last one wins; lists add up. */
  readonly flags: ReadonlyMap<string, FlagValue>
  readonly own: OwnValues<Own>
  /** Words that belong to no flag, in order. */
  readonly positionals: readonly string[]
  readonly problems: readonly Problem[]
}

/**
 * `--name value`, `--name=value`, `--flag`, `--no-flag`; `--` ends the flags.
 *
 * @param argv  Arguments without the program's and the script's name.
 * @param own   Flags of the command. They win over those of settings.
 */
export function parseSettingsFlags<const Own extends OwnFlags>(
  argv: readonly string[],
  own: Own,
): ParsedFlags<Own> {
  const parser = new FlagParser(argv, own)
  parser.run()
  return {
    flags: parser.flags,
    // Filled by the kinds in `own`, which is what the type says.
    own: Object.fromEntries(parser.own) as OwnValues<Own>,
    positionals: parser.positionals,
    problems: parser.problems,
  }
}

class FlagParser {
  readonly flags = new Map<string, FlagValue>()
  readonly own = new Map<string, boolean | string | string[]>()
  readonly positionals: string[] = []
  readonly problems: Problem[] = []
  readonly #waiting: string[]
  readonly #ownKinds: OwnFlags

  constructor(argv: readonly string[], ownKinds: OwnFlags) {
    this.#waiting = [...argv]
    this.#ownKinds = ownKinds
  }

  run(): void {
    for (;;) {
      const argument = this.#waiting.shift()
      if (argument === undefined) return
      if (argument === '--') {
        this.positionals.push(...this.#waiting)
        return
      }
      const match = /^(--[^=]+|-[^-=])(?:=(.*))?$/s.exec(argument)
      if (match?.[1] !== undefined) this.#flag(match[1], match[2])
      else if (argument.startsWith('-') && argument !== '-')
        this.#unknown(argument.split('=')[0] ?? '')
      else this.positionals.push(argument)
    }
  }

  #flag(flag: string, inline: string | undefined): void {
    const name = flag.replace(/^--?/, '')
    // A short flag is one letter, a long one is not: `--h` and `-port` are typing errors.
    if (flag.startsWith('--') === (name.length === 1)) {
      this.#unknown(flag)
      return
    }
    const ownKind = this.#kindOf(name)
    if (ownKind !== undefined) {
      this.#own(flag, name, ownKind, inline)
      return
    }
    const setting = settingsByFlag.get(name)
    if (setting !== undefined) {
      this.#setting(flag, setting, inline)
      return
    }
    const negated = name.startsWith('no-') ? name.slice('no-'.length) : undefined
    if (negated !== undefined && this.#negate(flag, negated, inline)) return
    const secret = secretsByFlag.get(name)
    if (secret === undefined) {
      this.#unknown(flag)
      return
    }
    // Its value is eaten unread: it must not turn up among the words of the command.
    if (inline === undefined) this.#takeValue()
    const fix = `a secret has no flag, which every user of the machine could read: use ${secret.envName} or ${String(secret.envFileName)}`
    this.problems.push({ setting: secret.path, source: `flag ${flag}`, fix })
  }

  #kindOf(name: string): 'boolean' | 'string' | 'strings' | undefined {
    return Object.hasOwn(this.#ownKinds, name) ? this.#ownKinds[name] : undefined
  }

  #own(
    flag: string,
    name: string,
    kind: 'boolean' | 'string' | 'strings',
    inline: string | undefined,
  ): void {
    if (kind === 'boolean') {
      const text = inline ?? 'true'
      if (text === 'true' || text === 'false') this.own.set(name, text === 'true')
      else this.#bad(flag, 'takes no value')
      return
    }
    const text = inline ?? this.#takeValue()
    if (text === undefined) {
      this.#bad(flag, 'needs a value')
      return
    }
    const earlier = this.own.get(name)
    if (kind === 'strings') this.own.set(name, [...(Array.isArray(earlier) ? earlier : []), text])
    else this.own.set(name, text)
  }

  #setting(flag: string, setting: Setting, inline: string | undefined): void {
    if (setting.type === 'boolean') {
      // `--x false` would otherwise mean the opposite of what it says.
      const next = this.#waiting[0]
      const isValue = inline === undefined && (next === 'true' || next === 'false')
      const text = inline ?? (isValue ? this.#waiting.shift() : 'true') ?? 'true'
      this.flags.set(setting.path, { text, flag })
      return
    }
    const text = inline ?? this.#takeValue()
    if (text === undefined) {
      this.#bad(flag, 'needs a value')
      return
    }
    const earlier = setting.type === 'strings' ? this.flags.get(setting.path) : undefined
    this.flags.set(setting.path, {
      text: earlier === undefined ? text : `${earlier.text},${text}`,
      flag,
    })
  }

  /** @returns Whether `--no-<name>` is a flag at all. */
  #negate(flag: string, name: string, inline: string | undefined): boolean {
    const setting = settingsByFlag.get(name)
    const isOwn = this.#kindOf(name) === 'boolean'
    if (!isOwn && setting?.type !== 'boolean') return false
    if (inline !== undefined) this.#bad(flag, 'takes no value')
    else if (isOwn) this.own.set(name, false)
    else if (setting !== undefined) this.flags.set(setting.path, { text: 'false', flag })
    return true
  }

  #takeValue(): string | undefined {
    const next = this.#waiting[0]
    return next === undefined || next.startsWith('--') ? undefined : this.#waiting.shift()
  }

  #bad(flag: string, fix: string): void {
    this.problems.push({ setting: flag, source: 'command line', fix })
  }

  #unknown(flag: string): void {
    const names = [...Object.keys(this.#ownKinds), ...settingsByFlag.keys()]
    const flags = names.map((name) => (name.length === 1 ? `-${name}` : `--${name}`))
    this.#bad(flag, `no such flag${suggestion(flag, flags)}`)
  }
}
