/**
 * Asks Headwater, in both profiles, and any other service that speaks Momento's HTTP API, and writes
 * what came of it to `docs/fidelity.md`. Started by `scripts/conformance.mjs`.
 */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../../src/base/clock.ts'
import { OriginChild } from '../soak/origin-child.ts'
import { formatFidelity, summaryOf, unexpectedDifferences } from './fidelity-report.ts'
import type { FidelityColumn } from './fidelity-report.ts'
import { runCases } from './run-cases.ts'
import type { RunResult } from './run-cases.ts'

const USAGE = `Usage: npm run conformance -- [--target URL --cache NAME --key-file FILE]

Asks Headwater, in its default profile and in profile momento, every claim of Momento's HTTP API that
is known, and writes docs/fidelity.md. With --target it asks that service, too: at most five requests
a second, under a random key prefix, everything deleted again.

  --target URL              scheme and host of the service
  --cache NAME              a cache there that may be written to (live-origin)
  --key-file FILE           holds a key for all its caches that can read and write;
                            or --key KEY, or the environment's HEADWATER_CONFORMANCE_KEY
  --readonly-key-file FILE  one that can only read, for the claims about it
  --out FILE                instead of docs/fidelity.md

Exit 1 when something differs that is not meant to, 2 when the target was not asked for want of a key.
`

const SERVICE = 'Momento’s service'
/** What the last asked service answered, so that a run without a key keeps what is known. */
const SERVICE_RESULT_FILE = 'test/conformance/service-result.json'

process.exitCode = await main()

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      target: { type: 'string' },
      cache: { type: 'string', default: 'live-origin' },
      key: { type: 'string' },
      'key-file': { type: 'string' },
      'readonly-key-file': { type: 'string' },
      out: { type: 'string', default: 'docs/fidelity.md' },
      'no-build': { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) {
    process.stdout.write(USAGE)
    return 0
  }
  const apiKey =
    values.key ??
    (await readSecret(values['key-file'])) ??
    process.env['HEADWATER_CONFORMANCE_KEY'] ??
    ''
  const service: FidelityColumn =
    values.target === undefined || apiKey === ''
      ? await lastAsked(values.target)
      : await askService({
          targetUrl: values.target,
          cacheName: values.cache,
          apiKey,
          readonlyKey: await readSecret(values['readonly-key-file']),
        })
  const columns = [
    service,
    await askHeadwater('Headwater, `profile: momento`', ['--profile', 'momento']),
    await askHeadwater('Headwater', []),
  ]
  await writeFile(values.out, formatFidelity(columns))
  let differs = false
  for (const column of columns) {
    process.stdout.write(`${column.title}: ${summaryOf(column)}\n`)
    for (const key of column.result?.leftBehind ?? [])
      process.stdout.write(`  not deleted: ${key}\n`)
    for (const one of unexpectedDifferences(column)) {
      process.stdout.write(`  ${one.id}: ${one.outcome}, ${one.seen}\n`)
      if (one.outcome === 'differs') differs = true
    }
  }
  process.stdout.write(`Written to ${values.out}.\n`)
  if (differs) return 1
  if (values.target === undefined || apiKey !== '') return 0
  process.stdout.write('The target was not asked: there is no key (--key-file).\n')
  return 2
}

async function askHeadwater(title: string, flags: readonly string[]): Promise<FidelityColumn> {
  const dataDir = await mkdtemp(join(tmpdir(), 'headwater-conformance-'))
  const origin = await OriginChild.start(
    process.env['BUILT_MAIN'] ?? 'dist/main.js',
    dataDir,
    flags,
  )
  try {
    const result = await runCases({
      origin: origin.dataPlaneUrl,
      cacheName: 'live-origin',
      apiKey: await origin.key('super-user'),
      readonlyKey: await origin.key('player'),
      clock: systemClock,
      requestsPerSecondMax: 1000,
    })
    return { title, date: today(), result, isAmended: flags.length === 0 }
  } finally {
    await origin.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

async function askService(options: {
  readonly targetUrl: string
  readonly cacheName: string
  readonly apiKey: string
  readonly readonlyKey: string | undefined
}): Promise<FidelityColumn> {
  const { origin, host } = new URL(options.targetUrl)
  process.stdout.write(`Asking ${host}, five requests a second…\n`)
  const result = await runCases({ ...options, origin, clock: systemClock })
  const title = host.endsWith('.momentohq.com') ? SERVICE : host
  const column = { title, date: today(), result, isAmended: false }
  if (title === SERVICE) {
    await writeFile(SERVICE_RESULT_FILE, `${JSON.stringify(column, undefined, 2)}\n`)
  }
  return column
}

async function lastAsked(targetUrl: string | undefined): Promise<FidelityColumn> {
  const host = targetUrl === undefined ? '' : new URL(targetUrl).host
  const title = host === '' || host.endsWith('.momentohq.com') ? SERVICE : host
  const never = { title, date: undefined, result: undefined, isAmended: false }
  if (title !== SERVICE) return never
  try {
    const text = await readFile(SERVICE_RESULT_FILE, 'utf8')
    // Written by askService().
    return JSON.parse(text) as FidelityColumn & { readonly result: RunResult }
  } catch {
    return never
  }
}

async function readSecret(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  const text = (await readFile(file, 'utf8')).trim()
  if (!text.startsWith('{')) return text
  // A momento_key_info.json, as the console hands it out.
  return (JSON.parse(text) as { readonly apiKey: string }).apiKey
}

function today(): string {
  return new Date().toISOString().slice(0, 10)
}
