/** What came back for one request, as plain facts, and how its headers are read. No judgement. */

import { gunzipSync } from 'node:zlib'
import { parseHttpDate } from '../../base/dates.ts'
import { toPlainText } from '../../base/plain-text.ts'
import { redactText } from '../../base/redact.ts'

export interface Answer {
  readonly kind: 'answer'
  /** As asked for, the credential included: only ever shown through {@link quote}. */
  readonly url: string
  readonly status: number
  /** Lower-case names; repeated fields are joined by a comma. */
  readonly headers: Readonly<Record<string, string>>
  /** As sent: not decoded. */
  readonly body: Buffer
  /** The body was longer than what was asked of it, or ended early. */
  readonly isCut: boolean
  /** This machine's wall clock, ms. */
  readonly startedAtMs: number
  readonly endedAtMs: number
  /** The connection had served a request before. */
  readonly isReused: boolean
  readonly tls: TlsFacts | undefined
}

export interface TlsFacts {
  /** `TLSv1.3`. */
  readonly protocol: string
  readonly certificateExpiresAtMs: number | undefined
}

export interface Failure {
  readonly kind: 'failure'
  /** Node's code (`ECONNREFUSED`), or one of ours: `TIMEOUT`, `BUDGET`, `URL`, `REDIRECTS`. */
  readonly code: string
}

export type Outcome = Answer | Failure

export function isStatus(outcome: Outcome | undefined, ...statuses: number[]): outcome is Answer {
  return outcome?.kind === 'answer' && statuses.includes(outcome.status)
}

/** `404`, `no answer (ECONNREFUSED)`. */
export function describeOutcome(outcome: Outcome): string {
  return outcome.kind === 'answer' ? String(outcome.status) : `no answer (${outcome.code})`
}

/** The largest playlist that is unpacked. */
const TEXT_BYTES_MAX = 4 * 1024 * 1024

/** The body as text, unpacked when it is gzip-coded: some servers send nothing else. */
export function textOf(answer: Answer): string {
  const { body } = answer
  if (body[0] !== 0x1f || body[1] !== 0x8b) return body.toString('utf8')
  try {
    return gunzipSync(body, { maxOutputLength: TEXT_BYTES_MAX }).toString('utf8')
  } catch {
    // Cut, broken or too long: whatever it is, no playlist comes out of it.
    return ''
  }
}

/** Somebody else's text for the report: no credential, no control characters, not endless. */
export function quote(text: string, charsMax = 120): string {
  return toPlainText(redactText(text), charsMax)
}

export interface CacheControl {
  /** Whether any directive is there. */
  readonly isPresent: boolean
  readonly directives: ReadonlyMap<string, string>
  /** What a shared cache goes by: `s-maxage`, else `max-age`; absent: `undefined`. Seconds. */
  readonly maxAgeSeconds: number | undefined
}

/** Source: RFC 9111 §5.2. */
export function cacheControlOf(answer: Answer): CacheControl {
  const directives = new Map<string, string>()
  for (const part of (answer.headers['cache-control'] ?? '').split(',')) {
    const [name = '', value = ''] = part.split('=', 2)
    const key = name.trim().toLowerCase()
    if (key !== '') directives.set(key, value.trim().replace(/^"|"$/g, ''))
  }
  return {
    isPresent: directives.size > 0,
    directives,
    maxAgeSeconds: parseSeconds(directives.get('s-maxage') ?? directives.get('max-age')),
  }
}

/** `Age`, seconds; `undefined` when it is absent: no cache says that it answered. */
export function ageSecondsOf(answer: Answer): number | undefined {
  return parseSeconds(answer.headers['age'])
}

/** `Date` and its like, ms since the epoch. */
export function dateHeaderMs(answer: Answer, name: string): number | undefined {
  const text = answer.headers[name]
  return text === undefined ? undefined : parseHttpDate(text)
}

/**
 * Whether a cache answered, as far as its headers tell: `Age` over 0, `X-Cache: Hit from …`,
 * `CF-Cache-Status: HIT`, `X-Cache-Status: HIT` (nginx, by convention), two ids in `X-Varnish`.
 */
export function isCacheHit(answer: Answer): boolean {
  if ((ageSecondsOf(answer) ?? 0) > 0) return true
  const words = ['x-cache', 'x-cache-status', 'x-proxy-cache', 'cf-cache-status']
  if (words.some((name) => /\bhit\b/i.test(answer.headers[name] ?? ''))) return true
  return /^\s*\d+ \d+/.test(answer.headers['x-varnish'] ?? '')
}

/** Last part of a URL's path, for the report. */
export function nameOf(url: string): string {
  const path = url.replace(/[?#].*$/s, '')
  const name = path.slice(path.lastIndexOf('/') + 1)
  // A key in the query: `/cache/live?key=a.ts`.
  const key = /[?&]key=([^&#]+)/.exec(url)?.[1]
  return quote(key ?? (name === '' ? path : name), 60)
}

function parseSeconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text.trim()) ? Number(text) : undefined
}
