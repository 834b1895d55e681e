/**
 * The segments of one media playlist over its versions: which are stored, which are lost, which are on
 * their way, and what a new version changes. State only; `rendition-follower.ts` acts on it.
 */

import type { ByteRange } from '../../hls/playlist.ts'
import type { MediaDocument, SourceSegment } from './media-document.ts'
import type { PlacedSegment } from './media-text.ts'

export interface SegmentState {
  readonly segment: SourceSegment
  /** `waiting` until it is one of the others, which are for good. */
  outcome: 'waiting' | 'lost' | PlacedSegment
}

/** What a version of the playlist brought. */
export interface WindowChange {
  /**
   * `older`: a copy from before, which some caches serve, to be ignored. `reset`: the source has begun
   * anew, with numbers that were used before.
   */
  readonly kind: 'same' | 'new' | 'older' | 'reset'
  readonly added: readonly SegmentState[]
}

/** Dates are rounded, and reckoned on from segment to segment. */
const DATE_MS_MAX = 2000

export class SegmentWindow {
  #document: MediaDocument | undefined
  #segments: readonly SourceSegment[] = []
  #waitingCount = 0
  #firstNumber = -Infinity
  readonly #states = new Map<number, SegmentState>()
  readonly #lastSeconds: number | undefined

  /** @param lastSeconds  Only so much of the end of the first version, unless it has ended. */
  constructor(lastSeconds: number | undefined) {
    this.#lastSeconds = lastSeconds
  }

  get document(): MediaDocument | undefined {
    return this.#document
  }

  /** Of the newest version, oldest first, without what was cut off at the beginning. */
  get segments(): readonly SourceSegment[] {
    return this.#segments
  }

  /** Whether nothing is on its way. */
  get isComplete(): boolean {
    return this.#waitingCount === 0
  }

  get lastNumber(): number | undefined {
    return this.#document?.segments.at(-1)?.mediaSequenceNumber
  }

  /** Of the first of {@link segments}: tags that are cut off count (RFC 8216bis §4.4.3.3). */
  get discontinuitySequence(): number {
    const { segments = [], discontinuitySequence = 0 } = this.#document ?? {}
    const cut = segments.filter(
      ({ mediaSequenceNumber, discontinuity }) =>
        discontinuity && mediaSequenceNumber < this.#firstNumber,
    )
    return discontinuitySequence + cut.length
  }

  /** Stored or lost, from the first on without a hole. */
  get ready(): readonly SourceSegment[] {
    const { segments } = this
    const end = segments.findIndex((segment) => this.stateOf(segment)?.outcome === 'waiting')
    return end === -1 ? segments : segments.slice(0, end)
  }

  stateOf({ mediaSequenceNumber }: SourceSegment): SegmentState | undefined {
    return this.#states.get(mediaSequenceNumber)
  }

  settle(state: SegmentState, outcome: Exclude<SegmentState['outcome'], 'waiting'>): void {
    if (state.outcome === 'waiting' && this.isCurrent(state)) this.#waitingCount -= 1
    state.outcome = outcome
  }

  isCurrent(state: SegmentState): boolean {
    return this.#states.get(state.segment.mediaSequenceNumber) === state
  }

  /** @param isTired  An older version has come for so long that it must be the one that is. */
  accept(document: MediaDocument, isTired: boolean): WindowChange {
    const known = this.lastNumber
    const last = document.segments.at(-1)?.mediaSequenceNumber
    const differs = document.segments.some((segment) => this.#isAnother(segment))
    const isBehind = known !== undefined && last !== undefined && last < known
    const overlaps = document.segments.some((segment) => this.stateOf(segment) !== undefined)
    const isOlder = isBehind && overlaps && !differs
    if (isOlder && !isTired) return { kind: 'older', added: [] }
    const isReset = this.#document !== undefined && (differs || isBehind)
    if (this.#document === undefined || (isReset && !overlaps)) this.#cut(document)
    this.#document = document
    return { kind: isReset ? 'reset' : this.#kindOf(known, last), added: this.#update(isOlder) }
  }

  /** All are to be fetched again: the cache has lost them. @returns Those that are. */
  forget(): readonly SegmentState[] {
    for (const [number, { outcome }] of this.#states) {
      if (outcome !== 'waiting' && outcome !== 'lost') this.#states.delete(number)
    }
    return this.#update(false)
  }

  #kindOf(known: number | undefined, last: number | undefined): 'same' | 'new' {
    return known === last ? 'same' : 'new'
  }

  #isAnother(segment: SourceSegment): boolean {
    const state = this.stateOf(segment)
    return state !== undefined && !isSame(state.segment, segment)
  }

  #cut({ segments, ended }: MediaDocument): void {
    this.#firstNumber = -Infinity
    if (this.#lastSeconds === undefined || ended) return
    let leftSeconds = this.#lastSeconds
    for (const { mediaSequenceNumber, durationSeconds } of [...segments].reverse()) {
      if (leftSeconds <= 0) break
      leftSeconds -= durationSeconds
      this.#firstNumber = mediaSequenceNumber
    }
  }

  #update(isAllNew: boolean): readonly SegmentState[] {
    const segments = (this.#document?.segments ?? []).filter(
      ({ mediaSequenceNumber }) => mediaSequenceNumber >= this.#firstNumber,
    )
    this.#segments = segments
    const numbers = new Set(segments.map(({ mediaSequenceNumber }) => mediaSequenceNumber))
    for (const number of this.#states.keys()) if (!numbers.has(number)) this.#states.delete(number)
    const added: SegmentState[] = []
    for (const segment of segments) {
      const known = this.stateOf(segment)
      if (known !== undefined && !isAllNew && isSame(known.segment, segment)) continue
      const state: SegmentState = { segment, outcome: segment.gap ? 'lost' : 'waiting' }
      this.#states.set(segment.mediaSequenceNumber, state)
      added.push(state)
    }
    const waiting = [...this.#states.values()].filter(({ outcome }) => outcome === 'waiting')
    this.#waitingCount = waiting.length
    return added
  }
}

/** The same number is the same segment, unless its name, range or date says otherwise. */
function isSame(known: SourceSegment, segment: SourceSegment): boolean {
  if (nameOf(known.resource.url) !== nameOf(segment.resource.url)) return false
  if (!isSameRange(known.resource.range, segment.resource.range)) return false
  const { programDateTimeMs: before } = known
  const { programDateTimeMs: after } = segment
  if (before === undefined || after === undefined) return true
  return Math.abs(before - after) <= DATE_MS_MAX
}

/** The path's last part: hosts change with CDNs, and signatures stand in paths and queries. */
function nameOf({ pathname }: URL): string {
  return pathname.slice(pathname.lastIndexOf('/') + 1)
}

function isSameRange(known: ByteRange | undefined, range: ByteRange | undefined): boolean {
  return known?.offsetBytes === range?.offsetBytes && known?.lengthBytes === range?.lengthBytes
}
