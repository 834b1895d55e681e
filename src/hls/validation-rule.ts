/** What a rule of the validator is. The rules themselves: `rules-*.ts`, together: `validation-rules.ts`. */

/**
 * - `error`: the RFC forbids it and players stall, skip or give up. A strict cache refuses it.
 * - `warning`: some players suffer, or something is about to go wrong.
 * - `info`: worth knowing, nothing to repair.
 */
export type Severity = 'error' | 'warning' | 'info'

/** Section of draft-pantos-hls-rfc8216bis, or of its appendix. */
export type RuleSection = `RFC 8216bis §${string}`

export interface Rule {
  readonly severity: Severity
  readonly section: RuleSection
  /** What is the matter and what it does to viewers. */
  readonly meaning: string
  /** What the operator of the encoder can do. */
  readonly whatToDo: string
}

export function rule(severity: Severity, section: string, meaning: string, whatToDo: string): Rule {
  return { severity, section: `RFC 8216bis §${section}`, meaning, whatToDo }
}
