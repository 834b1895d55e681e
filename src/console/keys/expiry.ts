/** How long a key is to live: the choices, and what they come to. Pure. */

export type ExpiryPreset = 'hour' | 'day' | 'month' | 'year' | 'never' | 'custom'

export interface Expiry {
  readonly preset: ExpiryPreset
  /** Of `custom`: as it was typed. */
  readonly amount: string
  readonly unit: ExpiryUnit
}

export type ExpiryUnit = 'minutes' | 'hours' | 'days'

const UNIT_SECONDS: Readonly<Record<ExpiryUnit, number>> = {
  minutes: 60,
  hours: 3600,
  days: 86_400,
}

const PRESET_SECONDS: Readonly<Record<'hour' | 'day' | 'month' | 'year', number>> = {
  hour: 3600,
  day: 86_400,
  month: 30 * 86_400,
  year: 365 * 86_400,
}

/** The server's bound: ten years of 365 days. */
export const EXPIRY_SECONDS_MAX = 10 * 365 * 86_400

export const EXPIRY_CHOICES: readonly { readonly value: ExpiryPreset; readonly label: string }[] = [
  { value: 'hour', label: '1 hour' },
  { value: 'day', label: '1 day' },
  { value: 'month', label: '30 days' },
  { value: 'year', label: '1 year' },
  { value: 'never', label: 'Never' },
  { value: 'custom', label: 'Custom…' },
]

export const UNIT_CHOICES: readonly { readonly value: ExpiryUnit; readonly label: string }[] = [
  { value: 'minutes', label: 'minutes' },
  { value: 'hours', label: 'hours' },
  { value: 'days', label: 'days' },
]

export type ExpiryOutcome =
  /** `seconds`: `undefined` for never. */
  | { readonly kind: 'valid'; readonly seconds: number | undefined }
  | { readonly kind: 'invalid'; readonly problem: string }

/** What is asked of the server, or why it cannot be asked. */
export function checkExpiry({ preset, amount, unit }: Expiry): ExpiryOutcome {
  if (preset === 'never') return { kind: 'valid', seconds: undefined }
  if (preset !== 'custom') return { kind: 'valid', seconds: PRESET_SECONDS[preset] }
  const count = Number(amount.trim())
  if (amount.trim() === '' || !Number.isInteger(count) || count < 1) {
    return { kind: 'invalid', problem: 'A whole number of at least 1.' }
  }
  const seconds = count * UNIT_SECONDS[unit]
  if (seconds <= EXPIRY_SECONDS_MAX) return { kind: 'valid', seconds }
  return { kind: 'invalid', problem: 'Ten years at most; or choose never.' }
}

/** When it ends, ms since 1970; `undefined` for never, and for what is not valid. */
export function expiresAtMs(expiry: Expiry, nowMs: number): number | undefined {
  const outcome = checkExpiry(expiry)
  if (outcome.kind === 'invalid' || outcome.seconds === undefined) return undefined
  return nowMs + outcome.seconds * 1000
}
