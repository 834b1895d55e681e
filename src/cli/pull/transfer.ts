/** One resource from the source into the cache, tried again politely until it is there or lost. */

import type { SourceResource } from './media-document.ts'
import { nameOfResource } from './local-names.ts'
import type { ResourceKind } from './local-names.ts'
import type { PullShared } from './pull-shared.ts'
import type { SourceFailure } from './source-client.ts'

export type Transferred =
  | { readonly kind: 'stored'; readonly name: string; readonly sizeBytes: number }
  | { readonly kind: 'lost'; readonly reason: string }

export interface TransferOptions {
  readonly kind: ResourceKind
  readonly mediaSequenceNumber: number
  /** With its slash; '' is the prefix itself. */
  readonly folder: string
  readonly ttlSeconds: number
  /** Absent: nothing waits for it, and it is tried {@link ATTEMPTS_MAX} times. */
  readonly lostAfterMs: number | undefined
  /** For one attempt. */
  readonly answerMsMax: number
  /** Whether anybody still needs it. */
  readonly isWanted: () => boolean
}

export const ATTEMPTS_MAX = 5
/** A source that says when it will have time is believed so often. */
const BUSY_ATTEMPTS_MAX = 20
/** So often the cache is tried when nothing is live: half an hour. */
const STORE_ATTEMPTS_MAX = 60
const RETRY_MS = 500
const RETRY_MS_MAX = 30_000
const KEY_BYTES_MAX = 65_536

/** @throws HeadwaterError `HW_PULL_FAILED` when the cache takes nothing. */
export async function transfer(
  shared: PullShared,
  resource: SourceResource,
  options: TransferOptions,
): Promise<Transferred> {
  const { clock, sleep, signal } = shared
  let startedAtMonotonicMs: number | undefined
  const counts = { source: 0, busy: 0, store: 0 }
  for (;;) {
    if (signal.aborted || !options.isWanted())
      return { kind: 'lost', reason: 'nobody needs it now' }
    const step = await shared.turns.take(() => {
      startedAtMonotonicMs ??= clock.monotonicMs()
      return attempt(shared, resource, options)
    })
    if (step.kind === 'stored' || step.kind === 'lost') return step
    counts[step.what] += 1
    const elapsedMs = clock.monotonicMs() - (startedAtMonotonicMs ?? 0)
    if (isOver(step, counts, elapsedMs, options)) return { kind: 'lost', reason: step.reason }
    const backOffMs = Math.min(RETRY_MS * 2 ** (counts[step.what] - 1), RETRY_MS_MAX)
    await sleep(Math.max(step.waitMs, backOffMs), signal)
  }
}

interface Failed {
  readonly kind: 'failed'
  readonly what: 'source' | 'busy' | 'store'
  readonly reason: string
  readonly waitMs: number
}

async function attempt(
  { client, local, bounds }: PullShared,
  resource: SourceResource,
  options: TransferOptions,
): Promise<Transferred | Failed> {
  const { kind, mediaSequenceNumber, folder, ttlSeconds, answerMsMax } = options
  const bodyBytesMax = kind === 'key' ? KEY_BYTES_MAX : bounds.segmentBytesMax
  const outcome = await client.get({ ...resource, bodyBytesMax, answerMsMax })
  if (outcome.kind === 'failed') {
    return outcome.cause === 'refused'
      ? { kind: 'lost', reason: outcome.reason }
      : toFailed(outcome)
  }
  if (outcome.kind === 'unchanged' || outcome.body.length === 0) {
    return { kind: 'failed', what: 'source', reason: 'it is empty', waitMs: 0 }
  }
  const { body, contentType } = outcome
  const name = nameOfResource({ kind, mediaSequenceNumber }, { ...outcome, url: resource.url })
  const stored = await local.put(`${folder}${name}`, body, {
    ttlSeconds,
    // Anything that would not do in a header does not go into one.
    contentType: /^[\w.+-]+\/[\w.+-]+$/.test(contentType) ? contentType : '',
  })
  if (stored.kind === 'stored') return { kind: 'stored', name, sizeBytes: body.length }
  if (stored.kind === 'refused') return { kind: 'lost', reason: stored.reason }
  return { kind: 'failed', what: 'store', reason: stored.reason, waitMs: 0 }
}

function toFailed({ cause, reason, retryAfterSeconds }: SourceFailure): Failed {
  const what = cause === 'busy' ? 'busy' : 'source'
  return { kind: 'failed', what, reason, waitMs: (retryAfterSeconds ?? 0) * 1000 }
}

function isOver(
  { what }: Failed,
  counts: Readonly<Record<Failed['what'], number>>,
  elapsedMs: number,
  { lostAfterMs }: TransferOptions,
): boolean {
  // Without the cache no playlist gets out, either: a live segment waits until nobody names it.
  if (lostAfterMs !== undefined) return what !== 'store' && elapsedMs >= lostAfterMs
  if (what === 'store') return counts.store >= STORE_ATTEMPTS_MAX
  return what === 'busy' ? counts.busy >= BUSY_ATTEMPTS_MAX : counts.source >= ATTEMPTS_MAX
}
