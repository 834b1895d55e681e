/** Figures as people read them: short, with their unit, a dash for what is not known. Pure. */

export const UNKNOWN = '–'

type Figure = number | null | undefined

function isKnown(value: Figure): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

/** At most three digits that mean something, and never more than two decimals. */
function short(value: number): string {
  const size = Math.abs(value)
  return value.toFixed(size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : 2)
}

/** `1,234,567`. */
export function formatCount(value: Figure): string {
  return isKnown(value) ? Math.round(value).toLocaleString('en-US') : UNKNOWN
}

/** `12.5k`, for axes and tiles. */
export function formatShortCount(value: Figure): string {
  if (!isKnown(value)) return UNKNOWN
  return scale(value, 1000, ['', 'k', 'M', 'G'], '')
}

/** `512 B`, `1.5 MiB`. */
export function formatBytes(value: Figure): string {
  return isKnown(value) ? scale(value, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB'], ' ') : UNKNOWN
}

/** Bytes each second as the bits that people of this field count: `12.4 Mbit/s`. */
export function formatBitRate(bytesPerSecond: Figure): string {
  return isKnown(bytesPerSecond)
    ? scale(bytesPerSecond * 8, 1000, ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s'], ' ')
    : UNKNOWN
}

function scale(value: number, base: number, units: readonly string[], space: string): string {
  let rest = value
  let index = 0
  // 999.6 would be shown as 1000.
  while (Math.abs(rest) >= base - 0.5 && index < units.length - 1) {
    rest /= base
    index++
  }
  return `${short(rest)}${space}${units[index] ?? ''}`.trimEnd()
}

/** `640 µs`, `12.5 ms`, `1.20 s`, `3 min 20 s`, `5 h 2 min`, `3 d 4 h`; negative with a minus. */
export function formatSeconds(value: Figure): string {
  if (!isKnown(value)) return UNKNOWN
  const sign = value < 0 ? '−' : ''
  const seconds = Math.abs(value)
  if (seconds === 0) return '0 s'
  if (seconds < 0.001) return `${sign}${short(seconds * 1e6)} µs`
  if (seconds < 0.9995) return `${sign}${short(seconds * 1000)} ms`
  if (seconds < 59.95) return `${sign}${short(seconds)} s`
  return sign + formatLong(Math.round(seconds))
}

function formatLong(seconds: number): string {
  const parts: [size: number, unit: string][] = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ]
  const first = parts.findIndex(([size]) => seconds >= size)
  const shown: string[] = []
  let rest = seconds
  for (const [size, unit] of parts.slice(first, first + 2)) {
    const count = Math.floor(rest / size)
    rest -= count * size
    if (count > 0) shown.push(`${count} ${unit}`)
  }
  return shown.join(' ')
}

/** How far behind: always seconds with one decimal, so that it does not jump about while it moves. */
export function formatLag(value: Figure): string {
  if (!isKnown(value) || Math.abs(value) >= 59.95) return formatSeconds(value)
  return `${value.toFixed(1).replace('-', '−')} s`
}

/** How long ago: `now`, `5 s ago`, `3 min ago`. Ahead of this machine's clock is now. */
export function formatAgo(at: string | null | undefined, nowMs: number): string {
  const atMs = Date.parse(at ?? '')
  if (Number.isNaN(atMs)) return UNKNOWN
  const seconds = Math.floor((nowMs - atMs) / 1000)
  if (seconds < 1) return 'now'
  if (seconds < 60) return `${seconds} s ago`
  const [longest = ''] = /^\d+ \D+/.exec(formatLong(seconds)) ?? []
  return `${longest.trim()} ago`
}

/** How long already, without the `ago`: `5 s`, `3 min`. */
export function formatFor(at: string | null | undefined, nowMs: number): string {
  const ago = formatAgo(at, nowMs)
  return ago === 'now' ? '0 s' : ago.replace(/ ago$/, '')
}

/** The time of day in this browser's zone: `14:03:07`. */
export function formatClock(at: string | number | null | undefined): string {
  const date = new Date(at ?? Number.NaN)
  if (Number.isNaN(date.getTime())) return UNKNOWN
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':')
}

/** Date and time in this browser's zone: `2026-11-21 14:03:07`. */
export function formatDateTime(at: string | number | null | undefined): string {
  const date = new Date(at ?? Number.NaN)
  if (Number.isNaN(date.getTime())) return UNKNOWN
  const day = [date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, '0'))
  return `${date.getFullYear()}-${day.join('-')} ${formatClock(at)}`
}

/** `1 segment`, `2 segments`. */
export function countOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}
