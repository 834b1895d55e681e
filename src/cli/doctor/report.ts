/** The doctor's report: for people, grouped and aligned, and as one JSON document. */

import { VERSION } from '../../base/version.ts'
import { formatIsoTime } from '../../base/dates.ts'
import { wrapText } from '../../config/settings-help.ts'
import { painter } from '../banner.ts'
import type { Painter } from '../banner.ts'
import { quote } from './answer.ts'
import { CDN_NAMES } from './cdn.ts'
import { CHECKS } from './finding.ts'
import type { Finding, Verdict } from './finding.ts'
import type { Examination } from './examination.ts'

export interface ReportFacts extends Examination {
  readonly requestCount: number
  readonly tookMs: number
  /** Wall clock at the start, ms. */
  readonly startedAtMs: number
}

/** Of each verdict, how many. */
export type VerdictCounts = Readonly<Record<Verdict, number>>

export function countVerdicts(findings: readonly Finding[]): VerdictCounts {
  const counts = { ok: 0, warning: 0, breaks: 0, unchecked: 0 }
  for (const { verdict } of findings) counts[verdict]++
  return counts
}

/** Names of verdicts in JSON. */
const JSON_VERDICTS: Readonly<Record<Verdict, string>> = {
  ok: 'ok',
  warning: 'warning',
  breaks: 'breaks-playback',
  unchecked: 'could-not-be-checked',
}

/** One document; `findings` has every check, in a fixed order. */
export function toJsonReport(facts: ReportFacts): object {
  const counts = countVerdicts(facts.findings)
  return {
    url: quote(facts.url, 2000),
    version: VERSION,
    startedAt: formatIsoTime(facts.startedAtMs),
    tookSeconds: Math.round(facts.tookMs / 100) / 10,
    requestCount: facts.requestCount,
    cache: facts.cdn,
    counts: Object.fromEntries(
      Object.entries(JSON_VERDICTS).map(([verdict, name]) => [name, counts[verdict as Verdict]]),
    ),
    findings: facts.findings.map(({ id, verdict, seen, change }) => ({
      id,
      verdict: JSON_VERDICTS[verdict],
      seen,
      ...(change === undefined ? {} : { change }),
    })),
  }
}

const MARKS: Readonly<Record<Verdict, string>> = {
  ok: 'ok',
  warning: 'warning',
  breaks: 'BREAKS',
  unchecked: '-',
}
const MARK_CHARS = 9
const TITLE_CHARS = 17
const INDENT = '  '

/** Ends with the summary line. */
export function formatReport(
  facts: ReportFacts,
  options: { readonly colours: boolean; readonly columns: number },
): string {
  const paint = painter(options.colours)
  const width = Math.max(60, Math.min(110, options.columns))
  const took = `${(facts.tookMs / 1000).toFixed(0)} s, ${facts.requestCount} ${facts.requestCount === 1 ? 'request' : 'requests'}`
  const lines = [paint.bold(quote(facts.url, 2000)), `${CDN_NAMES[facts.cdn]}; ${took}`]
  const empty: string[] = []
  for (const [group, findings] of groupsOf(facts.findings)) {
    if (isEmpty(findings)) {
      empty.push(group)
      continue
    }
    lines.push('', paint.bold(group))
    for (const finding of findings) lines.push(...findingLines(finding, paint, width))
  }
  if (empty.length > 0) lines.push('', `${paint.bold('Not checked')}: ${empty.join(', ')}`)
  return `${lines.join('\n')}\n\n${summaryLine(facts.findings, paint)}\n`
}

function groupsOf(findings: readonly Finding[]): ReadonlyMap<string, readonly Finding[]> {
  const groups = new Map<string, Finding[]>()
  for (const finding of findings) {
    const { group } = CHECKS[finding.id]
    groups.set(group, [...(groups.get(group) ?? []), finding])
  }
  return groups
}

/** Whether a group says nothing but one and the same reason for not being checked. */
function isEmpty(findings: readonly Finding[]): boolean {
  const [first] = findings
  return findings.every(({ verdict, seen }) => verdict === 'unchecked' && seen === first?.seen)
}

function findingLines(
  { id, verdict, seen, change }: Finding,
  paint: Painter,
  width: number,
): string[] {
  const margin = INDENT.length + MARK_CHARS + TITLE_CHARS
  const mark = colourOf(verdict, paint)(MARKS[verdict].padEnd(MARK_CHARS))
  const [first = '', ...rest] = wrapText(seen, width - margin)
  const indent = ' '.repeat(margin)
  return [
    `${INDENT}${mark}${CHECKS[id].title.padEnd(TITLE_CHARS)}${first}`,
    ...rest.map((line) => `${indent}${line}`),
    ...(change === undefined ? [] : wrapText(change, width - margin - 3)).map(
      (line, index) => `${indent}${index === 0 ? '-> ' : '   '}${line}`,
    ),
  ]
}

function colourOf(verdict: Verdict, paint: Painter): (text: string) => string {
  switch (verdict) {
    case 'ok':
      return (text) => paint.green(text)
    case 'warning':
      return (text) => paint.yellow(text)
    case 'breaks':
      return (text) => paint.red(text)
    case 'unchecked':
      return (text) => paint.dim(text)
  }
}

function summaryLine(findings: readonly Finding[], paint: Painter): string {
  const counts = countVerdicts(findings)
  const rest = [
    `${counts.warning} ${counts.warning === 1 ? 'warning' : 'warnings'}`,
    `${counts.ok} ok`,
    `${counts.unchecked} could not be checked or do not apply`,
  ].join(', ')
  if (counts.breaks === 0) return `${paint.green('Nothing breaks playback')}: ${rest}.`
  const things = counts.breaks === 1 ? '1 thing breaks' : `${counts.breaks} things break`
  return `${paint.red(`${things} playback`)}: ${rest}.`
}
