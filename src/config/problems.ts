/** What is wrong with the settings, one entry a fault, and how it is written for a person. */

import { redactText } from '../base/redact.ts'

/** One fault: which setting, what it was given, by whom, and what to do. */
export interface Problem {
  /** Path of the setting, or the unknown name; empty when it is about a whole source. */
  readonly setting: string
  /** Already formatted and free of secrets; absent when there is none to show. */
  readonly value?: string
  /** `env HEADWATER_HTTP_PORT`, `flag --port`, `file headwater.config.json`, … */
  readonly source: string
  /** A sentence without its end: what must be, or what to write instead. */
  readonly fix: string
}

/** `http.port = 70000 (flag --port): must be between 0 and 65535` */
export function formatProblem(problem: Problem): string {
  const value = problem.value === undefined ? '' : ` = ${problem.value}`
  if (problem.setting === '') return `${problem.source}: ${problem.fix}`
  return `${problem.setting}${value} (${problem.source}): ${problem.fix}`
}

const SHOWN_CHARACTERS_MAX = 80

/** A value for an error: JSON, short, without credentials. A secret's is never shown. */
export function formatValue(value: unknown, isSecret = false): string {
  if (isSecret) return '(secret)'
  // JSON.stringify returns undefined for what JSON cannot say, whatever its type claims.
  const json = (JSON.stringify(value) as string | undefined) ?? String(value)
  const text = redactText(json)
  return text.length <= SHOWN_CHARACTERS_MAX ? text : `${text.slice(0, SHOWN_CHARACTERS_MAX)}…`
}
