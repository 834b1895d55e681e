/** Durations on the command line: `90s`, `30m`, `12h`, `30d`, `never`. */

import { EXPIRY_SECONDS_MAX } from '../auth/key-request.ts'
import { usageError } from './command.ts'

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/**
 * The value of `--expires-in`.
 *
 * @returns Seconds; `undefined` for `never`.
 * @throws HeadwaterError `HW_CLI_USAGE`.
 */
export function parseExpiresIn(text: string): number | undefined {
  const trimmed = text.trim().toLowerCase()
  if (trimmed === 'never') return undefined
  const match = /^(\d{1,12})([smhd])$/.exec(trimmed)
  const seconds = Number(match?.[1] ?? 0) * (UNIT_SECONDS[match?.[2] ?? ''] ?? 0)
  if (seconds >= 1 && seconds <= EXPIRY_SECONDS_MAX) return seconds
  throw usageError(`--expires-in ${JSON.stringify(text)} is not a duration.`, [
    `Write 90s, 30m, 12h, 30d or never; the longest is ${EXPIRY_SECONDS_MAX / 86_400}d.`,
  ])
}
