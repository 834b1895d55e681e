/** Runs the cases against one target and clears up after them; knows nothing of reports. */

import { randomBytes } from 'node:crypto'
import type { Clock } from '../../src/base/clock.ts'
import { CONFORMANCE_CASES } from './cases.ts'
import type { ConformanceCase, Target } from './conformance-case.ts'
import { PacedClient } from './paced-client.ts'

export interface TargetOptions {
  /** Scheme and authority, no trailing slash. */
  readonly origin: string
  readonly cacheName: string
  readonly apiKey: string
  readonly readonlyKey?: string | undefined
  readonly clock: Clock
  readonly requestsPerSecondMax?: number
}

export interface CaseResult {
  readonly id: string
  /**
   * `same`: as the evidence has it. `seen`: nothing is claimed. `not-run`: a second key was wanted,
   * or nobody answered.
   */
  readonly outcome: 'same' | 'differs' | 'seen' | 'not-run'
  readonly seen: string
}

export interface RunResult {
  readonly cases: readonly CaseResult[]
  readonly requestCount: number
  /** Keys that could not be deleted again; their TTL is a minute. */
  readonly leftBehind: readonly string[]
}

export async function runCases(
  options: TargetOptions,
  cases: readonly ConformanceCase[] = CONFORMANCE_CASES,
): Promise<RunResult> {
  const client = new PacedClient(options)
  const prefix = `headwater-conformance/${randomBytes(8).toString('hex')}`
  const written = new Set<string>()
  const { cacheName, apiKey, readonlyKey } = options
  const target: Target = {
    cacheName,
    apiKey,
    readonlyKey,
    keyOf: (name) => {
      written.add(`${prefix}/${name}`)
      return `${prefix}/${name}`
    },
    send: (url, sent) => client.send(url, sent),
    sleep: (ms) => client.sleep(ms),
  }
  const results: CaseResult[] = []
  for (const one of cases) results.push(await runOne(one, target))
  const leftBehind: string[] = []
  for (const key of written) {
    const url = `/cache/${cacheName}?key=${encodeURIComponent(key)}`
    const answer = await client
      .send(url, { method: 'DELETE', headers: { authorization: apiKey } })
      .catch(() => undefined)
    if (answer?.status !== 204) leftBehind.push(key)
  }
  return { cases: results, requestCount: client.sentCount, leftBehind }
}

async function runOne(one: ConformanceCase, target: Target): Promise<CaseResult> {
  const { id, expected } = one
  if (one.needsReadonlyKey === true && target.readonlyKey === undefined) {
    return { id, outcome: 'not-run', seen: 'needs a readonly key' }
  }
  try {
    const seen = withoutKeys(await one.run(target), target)
    if (expected === undefined) return { id, outcome: 'seen', seen }
    return { id, outcome: seen === expected ? 'same' : 'differs', seen }
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'no answer'
    return { id, outcome: 'not-run', seen: withoutKeys(reason, target) }
  }
}

/** A target that echoes what it was sent must not bring a key into the report. */
function withoutKeys(text: string, target: Target): string {
  const keys = [target.apiKey, target.readonlyKey ?? '']
  return keys
    .filter((key) => key !== '')
    .reduce((kept, key) => kept.replaceAll(key, '(key)'), text)
    .replace(/[|\n\r`]/g, ' ')
    .slice(0, 120)
}
