/** `headwater capacity`: bitrates, segment and window seconds to bytes of hot store. */

import { parseArgs } from 'node:util'
import { hotStoreBytes } from './demo/capacity.ts'
import type { Capacity } from './demo/capacity.ts'

/** What the command reads and writes; the process's own streams in `main.ts`. */
export interface CapacityCommandOptions {
  /** Without `headwater capacity`. */
  readonly argv: readonly string[]
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
}

export const CAPACITY_USAGE = `Usage: headwater capacity --bitrates <kbit/s,...> --segment-seconds <n> --window-seconds <n>
                          [--channels <n>] [--json]

How much hot store a live channel needs: bitrate / 8 x segment seconds x 1.1, for each rendition
and each segment of the window.

  --bitrates          kbit/s of each rendition, comma separated: 2500,1500,750
  --segment-seconds   length of a segment: 2.5
  --window-seconds    how far back viewers may go, which is the segments' TTL: 300
  --channels          how many such channels (1)
  --json              one JSON document

Example: headwater capacity --bitrates 2500,1500,750 --segment-seconds 2.5 --window-seconds 300
`

const MIB = 1024 * 1024

/** Runs the command. @returns The exit code: 0, or 2 when the command line is not valid. */
export function runCapacityCommand(options: CapacityCommandOptions): number {
  const parsed = parseCapacityArguments(options.argv)
  if (parsed.kind === 'help') {
    options.stdout.write(CAPACITY_USAGE)
    return 0
  }
  if (parsed.kind === 'invalid') {
    for (const problem of parsed.problems) options.stderr.write(`headwater capacity: ${problem}\n`)
    options.stderr.write(`\n${CAPACITY_USAGE}`)
    return 2
  }
  const capacity = hotStoreBytes(parsed)
  options.stdout.write(
    parsed.asJson
      ? `${JSON.stringify({ ...parsed.echo, ...capacity }, null, 2)}\n`
      : formatCapacity(capacity, parsed),
  )
  return 0
}

interface CapacityArguments {
  readonly kind: 'valid'
  readonly bitratesKbps: readonly number[]
  readonly segmentSeconds: number
  readonly windowSeconds: number
  readonly channelCount: number
  readonly asJson: boolean
  /** The input, as `--json` repeats it. */
  readonly echo: {
    readonly segmentSeconds: number
    readonly windowSeconds: number
    readonly channelCount: number
  }
}

type ParsedArguments =
  | CapacityArguments
  | { readonly kind: 'help' }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] }

function parseCapacityArguments(argv: readonly string[]): ParsedArguments {
  let values
  try {
    ;({ values } = parseArgs({
      args: [...argv],
      options: {
        bitrates: { type: 'string' },
        'segment-seconds': { type: 'string' },
        'window-seconds': { type: 'string' },
        channels: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }))
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    return { kind: 'invalid', problems: [problem] }
  }
  if (values.help) return { kind: 'help' }

  const problems: string[] = []
  const bitratesKbps = (values.bitrates ?? '').split(',').map(toPositiveNumber)
  if (values.bitrates === undefined) {
    problems.push('--bitrates is missing; give the kbit/s of each rendition: 2500,1500,750')
  } else if (bitratesKbps.includes(undefined)) {
    problems.push(
      `--bitrates "${values.bitrates}" is not a list of positive numbers (kbit/s): 2500,1500,750`,
    )
  }
  const readSeconds = (name: 'segment-seconds' | 'window-seconds', example: string): number => {
    const text = values[name]
    const seconds = text === undefined ? undefined : toPositiveNumber(text)
    if (text === undefined) problems.push(`--${name} is missing, as in --${name} ${example}`)
    else if (seconds === undefined) problems.push(`--${name} "${text}" is not a positive number`)
    return seconds ?? 0
  }
  const segmentSeconds = readSeconds('segment-seconds', '2.5')
  const windowSeconds = readSeconds('window-seconds', '300')
  if (segmentSeconds > 0 && windowSeconds > 0 && windowSeconds < segmentSeconds) {
    problems.push(`--window-seconds ${windowSeconds} is shorter than one segment`)
  }
  const channelCount = toPositiveNumber(values.channels)
  if (channelCount === undefined || !Number.isInteger(channelCount)) {
    problems.push(`--channels "${values.channels}" is not a positive whole number`)
  }
  if (problems.length > 0 || channelCount === undefined) return { kind: 'invalid', problems }
  return {
    kind: 'valid',
    bitratesKbps: bitratesKbps.filter((bitrateKbps) => bitrateKbps !== undefined),
    segmentSeconds,
    windowSeconds,
    channelCount,
    asJson: values.json,
    echo: { segmentSeconds, windowSeconds, channelCount },
  }
}

/** Decimal notation only: `1e3`, `0x10` and the empty string are typing errors here. */
function toPositiveNumber(text: string): number | undefined {
  const number = /^\s*\d+(?:\.\d+)?\s*$/.test(text) ? Number(text) : 0
  return number > 0 && Number.isFinite(number) ? number : undefined
}

function formatCapacity(capacity: Capacity, input: CapacityArguments): string {
  const rows = capacity.renditions.map(
    ({ bitrateKbps, segmentBytes, windowBytes }) =>
      `${`${bitrateKbps} kbit/s`.padStart(16)}${`${Math.round(segmentBytes / 1024)} KiB`.padStart(14)}` +
      `${formatMib(windowBytes).padStart(16)}`,
  )
  const channels =
    input.channelCount === 1
      ? ''
      : `${input.channelCount} channels of ${formatMib(capacity.channelBytes)} each\n`
  return (
    `${'rendition'.padStart(16)}${'a segment'.padStart(14)}${'the window'.padStart(16)}\n` +
    `${rows.join('\n')}\n\n${channels}` +
    `${capacity.segmentCount} segments of ${input.segmentSeconds} s: ` +
    `${formatMib(capacity.totalBytes)} of hot store\n` +
    `Set at least --hot-store-size-bytes-max ${Math.ceil(capacity.totalBytes / MIB) * MIB}\n`
  )
}

function formatMib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`
}
