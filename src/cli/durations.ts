/** Durations on the command line: `90s`, `30m`, `12h`, `30d`, `1h30m`, `never`. */

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

const PART_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** One or several of `250ms`, `1.5s`, `30m`, `12h`, `7d`, the sum of them; `undefined` for what is none. */
export function parseDurationMs(text: string): number | undefined {
  const trimmed = text.trim().toLowerCase()
  if (trimmed.length > 100 || !/^(?:\d{1,12}(?:\.\d{1,6})?(?:ms|[smhd]))+$/.test(trimmed)) {
    return undefined
  }
  let durationMs = 0
  for (const [, amount, unit = ''] of trimmed.matchAll(/([\d.]+)(ms|[smhd])/g)) {
    durationMs += Number(amount) * (PART_MS[unit] ?? 0)
  }
  return durationMs
}
