/**
 * One fault in force: whether a request is one of those it is meant for, and how often that was so.
 * Decides by what it is told and by the time it is told; does nothing to anybody.
 */

import { compileAddressRange } from '../auth/client-address.ts'
import { HeadwaterError } from '../base/errors.ts'
import { compileKeyGlob } from '../base/key-glob.ts'
import type { KeyGlob } from '../base/key-glob.ts'
import type { ItemKey, StoreKey } from '../base/names.ts'
import type { ItemKind, StoredItem } from '../storage/store.ts'
import { FAULT_ACTIONS, FAULT_LIMIT_SECONDS_DEFAULT } from './fault-schema.ts'
import type { Fault, FaultAction, FaultOperation } from './fault-schema.ts'
import { seededFraction } from './seeded.ts'

/** Where a segment or a playlist stands in a media playlist. */
export interface PlaceInPlaylist {
  /** Of the media playlist. */
  readonly renditionKey: ItemKey
  /** Media sequence number, a playlist's newest; `undefined` for what has none (init sections, keys). */
  readonly sequence: number | undefined
  /** The newest segment's; `undefined` while there is none. */
  readonly edgeSequence: number | undefined
}

/** What a rule looks at. What is dear to find out is asked for when a rule needs it. */
export interface FaultedRequest {
  readonly operation: FaultOperation
  readonly cacheName: string
  readonly key: ItemKey
  readonly storeKey: StoreKey
  readonly clientAddress: string
  readonly userAgent: string
  /** By the stored object, else by the name. */
  readonly kind: () => ItemKind | 'playlist'
  /** In every media playlist that names it. */
  readonly places: () => readonly PlaceInPlaylist[]
}

/** Runs of `*` in one pattern. */
export const FAULT_WILDCARDS_MAX = 10
/** Keys whose number of requests is remembered, for `probability`. */
const ASKED_KEYS_MAX = 5000
/** Playlists that one rule keeps as they were. */
const FROZEN_MAX = 100

export class FaultRule {
  readonly id: string
  readonly fault: Fault
  readonly action: FaultAction
  readonly operation: FaultOperation
  readonly seed: number
  /** Another one for every rule that ever was: part of the ETags of what it changes. */
  readonly serial: number
  /** What {@link limitMs} counts from. */
  readonly addedAtMonotonicMs: number
  readonly limitMs: number
  /** Requests that matched. */
  matchedCount = 0
  /** Of them, those that were faulted. */
  appliedCount = 0
  /** What the window of `match` counts from, by its own clock. */
  readonly #windowBeganMs: number
  readonly #key: KeyGlob | undefined
  readonly #rendition: KeyGlob | undefined
  readonly #isClient: ((address: string) => boolean) | undefined
  readonly #askedCounts = new Map<StoreKey, number>()
  readonly #frozen = new Map<StoreKey, StoredItem>()

  /** @throws HeadwaterError `HW_FAULT_INVALID` that says which field is wrong. */
  constructor(
    fault: Fault,
    {
      id,
      serial,
      nowMonotonicMs,
      nowWindowMs,
    }: {
      readonly id: string
      readonly serial: number
      readonly nowMonotonicMs: number
      readonly nowWindowMs: number
    },
  ) {
    this.id = id
    this.fault = fault
    this.action = fault.action
    this.seed = fault.seed ?? 1
    this.serial = serial
    this.addedAtMonotonicMs = nowMonotonicMs
    this.#windowBeganMs = nowWindowMs
    this.limitMs = (fault.limitSeconds ?? FAULT_LIMIT_SECONDS_DEFAULT) * 1000
    const { match = {} } = fault
    const operations: readonly FaultOperation[] = FAULT_ACTIONS[fault.action]
    this.operation = match.operation ?? operations[0] ?? 'read'
    if (!operations.includes(this.operation)) {
      throw invalid(id, `match.operation of ${fault.action} is ${operations.join(' or ')}`)
    }
    this.#key = globOf(id, 'key', match.key)
    this.#rendition = globOf(id, 'rendition', match.rendition)
    if (fault.action === 'rendition-gone' && match.rendition === undefined) {
      throw invalid(id, 'rendition-gone needs match.rendition')
    }
    if (match.client !== undefined) {
      this.#isClient = compileAddressRange(match.client)
      if (this.#isClient === undefined) throw invalid(id, 'match.client is no address or range')
    }
    requireOrder(id, 'sequence', match.sequenceFrom, match.sequenceTo)
    requireOrder(id, 'edge', match.edgeFrom, match.edgeTo)
    const { fromSeconds, untilSeconds } = match
    if (fromSeconds !== undefined && untilSeconds !== undefined && fromSeconds > untilSeconds) {
      throw invalid(id, 'match.untilSeconds is before match.fromSeconds')
    }
  }

  /** Whether its time limit has passed. */
  isOver(nowMonotonicMs: number): boolean {
    return nowMonotonicMs >= this.addedAtMonotonicMs + this.limitMs
  }

  /** Whether it has faulted as many requests as it may. */
  get isSpent(): boolean {
    return this.appliedCount >= (this.fault.match?.count ?? Infinity)
  }

  /** Whether this request is to be faulted; counts it. Ask one that {@link isOver} no more. */
  take(request: FaultedRequest, nowWindowMs: number): boolean {
    if (this.isSpent || !this.#isMeant(request, nowWindowMs)) return false
    this.matchedCount++
    const { skip = 0, probability = 1 } = this.fault.match ?? {}
    if (this.matchedCount <= skip) return false
    if (probability < 1 && !this.#isDrawn(request.storeKey, probability)) return false
    this.appliedCount++
    return true
  }

  /** The version of a playlist that it was frozen in: this one, the first time. */
  freeze(item: StoredItem): StoredItem {
    const known = this.#frozen.get(item.storeKey)
    if (known !== undefined) return known
    if (this.#frozen.size < FROZEN_MAX) this.#frozen.set(item.storeKey, item)
    return item
  }

  #isMeant(request: FaultedRequest, nowWindowMs: number): boolean {
    if (request.operation !== this.operation) return false
    const { match = {} } = this.fault
    if (match.cache !== undefined && match.cache !== request.cacheName) return false
    if (this.#key?.matches(request.key) === false) return false
    if (this.#isClient?.(request.clientAddress) === false) return false
    const { userAgent } = match
    if (userAgent !== undefined && !includesText(request.userAgent, userAgent)) return false
    const ageSeconds = (nowWindowMs - this.#windowBeganMs) / 1000
    if (ageSeconds < (match.fromSeconds ?? 0)) return false
    if (ageSeconds > (match.untilSeconds ?? Infinity)) return false
    return this.#isOfKind(request) && this.#isInPlace(request)
  }

  #isOfKind(request: FaultedRequest): boolean {
    const wanted = this.fault.match?.kind ?? KIND_BY_ACTION[this.action]
    if (wanted === undefined) return true
    const kind = request.kind()
    if (wanted === 'playlist') return kind === 'playlist' || isPlaylist(kind)
    // A part is a piece of a segment: who asks for segments means both.
    return kind === wanted || (wanted === 'segment' && kind === 'part')
  }

  #isInPlace(request: FaultedRequest): boolean {
    const { sequenceFrom, sequenceTo, edgeFrom, edgeTo } = this.fault.match ?? {}
    const edgeMin = this.action === 'newest-missing' ? 1 - this.#segmentCount : edgeFrom
    const bySequence = sequenceFrom !== undefined || sequenceTo !== undefined
    const byEdge = edgeMin !== undefined || edgeTo !== undefined
    if (this.#rendition === undefined && !bySequence && !byEdge) return true
    return request.places().some(({ renditionKey, sequence, edgeSequence }) => {
      if (this.#rendition?.matches(renditionKey) === false) return false
      if (bySequence && !isWithin(sequence, sequenceFrom, sequenceTo)) return false
      if (!byEdge) return true
      const fromEdge =
        sequence === undefined || edgeSequence === undefined ? undefined : sequence - edgeSequence
      return isWithin(fromEdge, edgeMin, edgeTo)
    })
  }

  get #segmentCount(): number {
    return this.fault.segmentCount ?? 1
  }

  /** By the key and how often it was asked for: what other clients do in between changes nothing. */
  #isDrawn(storeKey: StoreKey, probability: number): boolean {
    const asked = this.#askedCounts.get(storeKey) ?? 0
    this.#askedCounts.delete(storeKey)
    this.#askedCounts.set(storeKey, asked + 1)
    const oldest = this.#askedCounts.keys().next()
    if (this.#askedCounts.size > ASKED_KEYS_MAX && oldest.done !== true) {
      this.#askedCounts.delete(oldest.value)
    }
    return seededFraction(this.seed, storeKey, asked) < probability
  }
}

/** What an action is about, when nobody says. */
const KIND_BY_ACTION: Partial<Record<FaultAction, ItemKind | 'playlist'>> = {
  'frozen-playlist': 'media',
  'backwards-sequence': 'media',
  'newest-missing': 'segment',
  'store-late': 'segment',
}

function isPlaylist(kind: string): boolean {
  return kind === 'media' || kind === 'multivariant'
}

function isWithin(value: number | undefined, from = -Infinity, to = Infinity): boolean {
  return value !== undefined && value >= from && value <= to
}

function includesText(text: string, part: string): boolean {
  return text.toLowerCase().includes(part.toLowerCase())
}

function globOf(id: string, field: string, pattern: string | undefined): KeyGlob | undefined {
  if (pattern === undefined) return undefined
  // Each costs a step for every byte of every key that is asked for, times 100 rules.
  if ((pattern.match(/\*+/g)?.length ?? 0) > FAULT_WILDCARDS_MAX) {
    throw invalid(id, `match.${field} has more than ${FAULT_WILDCARDS_MAX} times *`)
  }
  const glob = compileKeyGlob(pattern)
  if (glob === undefined) throw invalid(id, `match.${field} is longer than a glob may be`)
  return glob
}

function requireOrder(id: string, field: string, from = -Infinity, to = Infinity): void {
  if (from > to) throw invalid(id, `match.${field}To is before match.${field}From`)
}

function invalid(id: string, fix: string): HeadwaterError {
  return new HeadwaterError('HW_FAULT_INVALID', `Fault ${id}: ${fix}.`)
}
