/** What the faults that a request has met come to, together: its refusal, and what its answer suffers. */

import type { FaultRule, FaultedRequest } from '../../rig/fault-rule.ts'
import { SeededCorruption } from '../../rig/seeded.ts'
import type { BodyCut, ResponseFaults } from './faulty-response.ts'

/** How long a write that is never answered is left waiting, ms. */
const SILENT_MS_MAX = 600_000

export interface FaultRefusal {
  readonly statusCode: number
  readonly retryAfterSeconds: number
  readonly detail: string
}

/** The first fault that answers instead; `undefined` when none does. */
export function refusalOf(rules: readonly FaultRule[]): FaultRefusal | undefined {
  for (const { id, action, fault } of rules) {
    if (action !== 'status' && action !== 'newest-missing' && action !== 'rendition-gone') continue
    return {
      statusCode: action === 'status' ? (fault.statusCode ?? 503) : 404,
      retryAfterSeconds: fault.retryAfterSeconds ?? 0,
      detail: `The fault ${id} (${action}) of the test rig answered this.`,
    }
  }
  return undefined
}

export function responseFaultsOf(
  rules: readonly FaultRule[],
  { operation, storeKey }: Pick<FaultedRequest, 'operation' | 'storeKey'>,
  nowMonotonicMs: number,
): ResponseFaults {
  const set: Record<string, string> = {}
  const remove = new Set<string>()
  const corruptions: SeededCorruption[] = []
  let bytesPerSecond: number | undefined
  let cut: BodyCut | undefined
  let answerDelayMs = 0
  let silentMs: number | undefined
  for (const { action, fault, seed, addedAtMonotonicMs, limitMs } of rules) {
    switch (action) {
      case 'headers':
        Object.assign(set, fault.set)
        for (const name of fault.remove ?? []) remove.add(name.toLowerCase())
        break
      case 'wrong-type':
        set['Content-Type'] = fault.contentType ?? 'text/html'
        break
      case 'corrupt':
        corruptions.push(new SeededCorruption(seed, storeKey, fault.everyBytes ?? 4096))
        break
      case 'throttle':
        bytesPerSecond = Math.min(bytesPerSecond ?? Infinity, fault.bytesPerSecond ?? 50_000)
        break
      case 'reset':
      case 'truncate':
      case 'stall':
        cut ??= {
          how: action,
          afterBytes: fault.afterBytes ?? 1024,
          stallMs: (fault.stallSeconds ?? 30) * 1000,
        }
        break
      case 'delay':
        // A read waits before it looks; a write is done, and its answer waits.
        if (operation !== 'read') answerDelayMs += (fault.delaySeconds ?? 2) * 1000
        break
      case 'no-answer':
        silentMs = Math.min(SILENT_MS_MAX, addedAtMonotonicMs + limitMs - nowMonotonicMs)
        break
    }
  }
  return {
    ids: rules.map(({ id }) => id).join(', '),
    isWithoutCors: rules.some(({ action }) => action === 'no-cors'),
    ...{ set, remove, corruptions, bytesPerSecond, answerDelayMs, silentMs },
    // Of a write it is the upload that is reset.
    cut: operation === 'read' ? cut : undefined,
  }
}
