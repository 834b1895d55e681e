/** The results as a page: `docs/fidelity.md`. Says "not run" where nothing ran. */

import { CONFORMANCE_CASES } from './cases.ts'
import type { ConformanceCase, Evidence } from './conformance-case.ts'
import type { CaseResult, RunResult } from './run-cases.ts'

/** One column: a target, when it was asked, and what it answered. */
export interface FidelityColumn {
  readonly title: string
  /** `2026-01-31`; `undefined`: it was never asked. */
  readonly date: string | undefined
  readonly result: RunResult | undefined
  /** What differs on purpose is said as such. */
  readonly isAmended: boolean
}

const EVIDENCE: Record<Evidence, string> = {
  documented: 'documented',
  tested: 'in a test of Momento’s',
  observed: 'seen by others',
  silent: 'nothing is said',
}

export function formatFidelity(columns: readonly FidelityColumn[]): string {
  const lines = [
    '# Fidelity',
    '',
    'How close Headwater is to Momento’s HTTP API, request by request. Written by `npm run conformance`;',
    'do not edit. A claim is one of Momento’s documentation, of their tests, or of people who wrote down what',
    'they saw; where nothing is said, what was seen is only noted.',
    '',
    ...columns.map((column) => `- **${column.title}**: ${summaryOf(column)}`),
    '',
    'To ask the service itself, with a cache of yours and a key for all caches (about 80 requests, five a second,',
    'under a random key prefix; everything is deleted again and lives a minute at most):',
    '',
    '```sh',
    'npm run conformance -- --target https://api.cache.<cell>.prod.a.momentohq.com --cache my-cache --key-file key.txt',
    '```',
    '',
    `| Claim | Evidence | ${columns.map((column) => column.title).join(' | ')} |`,
    `| --- | --- | ${columns.map(() => '---').join(' | ')} |`,
    ...CONFORMANCE_CASES.map((one) => rowOf(one, columns)),
    '',
  ]
  return lines.join('\n')
}

/** What a run came to, in words. */
export function summaryOf(column: FidelityColumn): string {
  const { date, result } = column
  if (result === undefined || date === undefined) return 'not run'
  const count = (outcome: CaseResult['outcome']) =>
    result.cases.filter((one) => one.outcome === outcome).length
  const parts = [`${String(count('same'))} claims hold`, `${String(count('differs'))} differ`]
  if (column.isAmended) parts[1] += ' (on purpose, see the table)'
  if (count('not-run') > 0) parts.push(`${String(count('not-run'))} not run`)
  parts.push(`${String(count('seen'))} noted`)
  return `${parts.join(', ')}; ${date}`
}

/** Whether anything differs that is not meant to. */
export function unexpectedDifferences(column: FidelityColumn): readonly CaseResult[] {
  const amended = new Set(
    CONFORMANCE_CASES.filter((one) => one.amendment !== undefined).map((one) => one.id),
  )
  return (column.result?.cases ?? []).filter(
    (one) =>
      one.outcome === 'not-run' ||
      (one.outcome === 'differs' && !(column.isAmended && amended.has(one.id))),
  )
}

function rowOf(one: ConformanceCase, columns: readonly FidelityColumn[]): string {
  const cells = columns.map((column) => cellOf(one, column))
  const expected = one.expected === undefined ? '' : `: ${one.expected}`
  return `| ${one.claim} | ${EVIDENCE[one.evidence]}${expected} | ${cells.join(' | ')} |`
}

function cellOf(one: ConformanceCase, column: FidelityColumn): string {
  const result = column.result?.cases.find(({ id }) => id === one.id)
  if (result === undefined) return 'not run'
  if (result.outcome === 'same') return 'holds'
  if (result.outcome === 'not-run') return `not run: ${result.seen}`
  if (result.outcome === 'seen') return result.seen
  const why = column.isAmended && one.amendment !== undefined ? ` (${one.amendment})` : ''
  return `**${result.seen}**${why}`
}
