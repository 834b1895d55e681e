/** All rules of the validator in one table, and what it finds. The table is documentation's source, too. */

import { redactText } from '../base/redact.ts'
import { CHANGE_RULES } from './rules-change.ts'
import { CHANNEL_RULES } from './rules-channel.ts'
import { MEDIA_PLAYLIST_RULES } from './rules-media-playlist.ts'
import type { Rule, RuleSection, Severity } from './validation-rule.ts'

/** A closed set: fit for labels of metrics. */
export type RuleName =
  keyof typeof MEDIA_PLAYLIST_RULES | keyof typeof CHANGE_RULES | keyof typeof CHANNEL_RULES

export const RULES: Readonly<Record<RuleName, Rule>> = Object.freeze({
  ...MEDIA_PLAYLIST_RULES,
  ...CHANGE_RULES,
  ...CHANNEL_RULES,
})

/** Something the validator found. Severity and section are those of its rule. */
export interface Finding {
  readonly rule: RuleName
  readonly severity: Severity
  readonly section: RuleSection
  /** One sentence with its numbers. Names of segments may be in it, never a query. */
  readonly message: string
  /** The numbers of the message, units in their names. */
  readonly numbers: Readonly<Record<string, number>>
}

export function toFinding(
  rule: RuleName,
  message: string,
  numbers: Readonly<Record<string, number>>,
): Finding {
  const { severity, section } = RULES[rule]
  return { rule, severity, section, message, numbers }
}

/** Seconds for a message: at most three decimals. */
export function formatSeconds(seconds: number): string {
  return `${Number(seconds.toFixed(3))} s`
}

/** `1 segment`, `2 segments`. */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** A URI for a message: the last part of its path, so that no query and no credential is in it. */
export function formatUri(uri: string): string {
  const path = uri.split(/[?#]/, 1)[0] ?? ''
  // URIs such as `live?key=a.ts` have their name in the query.
  const key = /[?&]key=([^&#]*)/.exec(uri)?.[1]
  return redactText((key ?? path).split('/').at(-1) ?? '').slice(0, 100)
}
