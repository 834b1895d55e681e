/** What a conformance case is, and what it may ask of a target. */

import type { SeenAnswer, SentRequest } from './paced-client.ts'

/**
 * What a claim rests on: Momento's own pages; a test or client of Momento's that runs against the
 * service; what others saw; nothing (the pages say nothing: what is seen is only written down).
 */
export type Evidence = 'documented' | 'tested' | 'observed' | 'silent'

/** The service under test, as a case sees it. */
export interface Target {
  readonly cacheName: string
  /** A key of this run, of its own prefix; whatever is stored under it is deleted at the end. */
  readonly keyOf: (name: string) => string
  /** The credential that can read and write. */
  readonly apiKey: string
  /** One that can only read; `undefined`: the cases that need it are not run. */
  readonly readonlyKey: string | undefined
  readonly send: (target: string, options?: SentRequest) => Promise<SeenAnswer>
  readonly sleep: (ms: number) => Promise<void>
}

export interface ConformanceCase {
  /** Stable: results are compared over time. */
  readonly id: string
  /** What is claimed of the API, one sentence. */
  readonly claim: string
  readonly evidence: Evidence
  /** What {@link run} returns when the claim holds; absent where the pages are silent. */
  readonly expected?: string
  /** What Headwater does by default instead, and why; absent where it does the same. */
  readonly amendment?: string
  readonly needsReadonlyKey?: boolean
  /** Sends the requests and says in a few words what was seen; never a credential. */
  readonly run: (target: Target) => Promise<string>
}
