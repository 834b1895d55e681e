/** Answers as facts, for the judges' tests. */

import type { Answer } from '../../../src/cli/doctor/answer.ts'
import type { Finding } from '../../../src/cli/doctor/finding.ts'

export const NOW_MS = Date.UTC(2026, 0, 15, 12, 0, 0)

export function answerOf(
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body: string | Buffer = '',
  more: Partial<Answer> = {},
): Answer {
  return {
    ...{ kind: 'answer', url: 'https://cdn.example/a/b.ts', status, headers, isCut: false },
    ...{ body: Buffer.from(body), startedAtMs: NOW_MS, endedAtMs: NOW_MS + 20 },
    ...{ isReused: true, tls: undefined, ...more },
  }
}

export const FAILED = { kind: 'failure', code: 'TIMEOUT' } as const

/** `verdict: what was seen`, short enough to compare. */
export function shortOf({ verdict, seen }: Finding): string {
  return `${verdict}: ${seen}`
}
