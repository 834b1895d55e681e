/**
 * Gets the segments of one window into the cache, each after the init section and keys that it needs.
 * What can no longer be had is lost; what nobody names any more is left.
 */

import type { SourceResource, SourceSegment } from './media-document.ts'
import type { PlacedSegment } from './media-text.ts'
import type { PullShared } from './pull-shared.ts'
import { lostAfterMs, segmentAnswerMs } from './reload-pace.ts'
import { ResourceStore } from './resource-store.ts'
import type { SegmentState, SegmentWindow } from './segment-window.ts'
import { showUrl } from './source-url.ts'
import { transfer } from './transfer.ts'
import type { TransferOptions, Transferred } from './transfer.ts'

export interface SegmentPusherOptions {
  readonly shared: PullShared
  readonly window: SegmentWindow
  readonly label: string
  /** Where everything goes, with its slash. */
  readonly folder: string
  /** Before names in the playlist. */
  readonly uriPrefix: string
  /** Asked at each segment. */
  readonly policy: () => PushPolicy
  readonly isOver: () => boolean
  /** Called when a segment is stored or lost. */
  readonly onSettled: () => Promise<void>
  readonly onFatal: (error: unknown) => void
}

export interface PushPolicy {
  readonly ttlSeconds: number
  readonly targetDurationSeconds: number
  /** Nothing waits for it: a segment is tried often before it is lost. */
  readonly isWhole: boolean
}

export class SegmentPusher {
  readonly #options: SegmentPusherOptions
  readonly #resources = new ResourceStore()
  readonly #running = new Set<Promise<void>>()

  constructor(options: SegmentPusherOptions) {
    this.#options = options
  }

  start(states: readonly SegmentState[]): void {
    for (const state of states) {
      if (state.outcome !== 'waiting') continue
      const work = this.#push(state).catch(this.#options.onFatal)
      this.#running.add(work)
      void work.then(() => this.#running.delete(work))
    }
  }

  /** Until nothing is under way. Never throws. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  /** Nothing is in the cache any more. */
  forget(): void {
    this.#resources.forget()
  }

  /**
   * A new version of the playlist is in the window: segments that were known before tell which new URL
   * is which known init section or key.
   */
  learnUrls(): void {
    const { window } = this.#options
    for (const segment of window.segments) {
      const state = window.stateOf(segment)
      if (state === undefined || state.segment === segment) continue
      const before = resourcesOf(state.segment)
      for (const [index, resource] of resourcesOf(segment).entries()) {
        const known = before[index]
        if (known !== undefined && resource !== undefined) this.#resources.alias(known, resource)
      }
    }
  }

  async #push(state: SegmentState): Promise<void> {
    const { shared, window, label, isOver, onSettled } = this.#options
    const { segment } = state
    const placed = await this.#place(state)
    if (!window.isCurrent(state) || isOver()) return
    if ('reason' in placed) {
      const number = segment.mediaSequenceNumber
      const url = showUrl(segment.resource.url, 100)
      shared.events.segmentLost(`${label}: segment ${number} is lost: ${placed.reason} (${url}).`)
      window.settle(state, 'lost')
    } else window.settle(state, placed)
    await onSettled()
  }

  async #place(state: SegmentState): Promise<PlacedSegment | { readonly reason: string }> {
    const { shared, uriPrefix } = this.#options
    const { segment } = state
    const needed = await Promise.all(
      resourcesOf(segment).map(async (resource) =>
        resource === undefined ? undefined : this.#obtain(resource, segment),
      ),
    )
    for (const one of needed) if (one?.kind === 'lost') return one
    const { isOver, window } = this.#options
    const stored = await transfer(shared, segment.resource, {
      ...this.#transferOptions('segment', segment),
      isWanted: () => !isOver() && window.isCurrent(state),
    })
    if (stored.kind === 'lost') return stored
    shared.events.segmentStored(stored.sizeBytes)
    const names = needed.map((one) => (one?.kind === 'stored' ? uriPrefix + one.name : undefined))
    const mapKeyCount = segment.map?.keys.length ?? 0
    return {
      name: uriPrefix + stored.name,
      mapName: names[0],
      mapKeyNames: names.slice(1, 1 + mapKeyCount),
      keyNames: names.slice(1 + mapKeyCount),
    }
  }

  #obtain(resource: SourceResource, segment: SourceSegment): Promise<Transferred> {
    const { shared, policy, isOver } = this.#options
    const kind = resource === segment.map?.resource ? 'init' : 'key'
    return this.#resources.obtain(resource, {
      nowMonotonicMs: shared.clock.monotonicMs(),
      // Stored again long before it expires.
      freshMs: policy().ttlSeconds * 500,
      // Others wait for it, too, whatever becomes of the segment that came first.
      transfer: () =>
        transfer(shared, resource, {
          ...this.#transferOptions(kind, segment),
          isWanted: () => !isOver(),
        }),
    })
  }

  #transferOptions(
    kind: TransferOptions['kind'],
    { mediaSequenceNumber }: SourceSegment,
  ): Omit<TransferOptions, 'isWanted'> {
    const { ttlSeconds, targetDurationSeconds, isWhole } = this.#options.policy()
    return {
      ...{ kind, mediaSequenceNumber, ttlSeconds, folder: this.#options.folder },
      lostAfterMs: isWhole ? undefined : lostAfterMs(targetDurationSeconds),
      answerMsMax: segmentAnswerMs(targetDurationSeconds),
    }
  }
}

/** The init section, its keys, the segment's keys: in the order of a {@link PlacedSegment}. */
function resourcesOf({ map, keys }: SourceSegment): readonly (SourceResource | undefined)[] {
  return [
    map?.resource,
    ...(map?.keys ?? []).map(({ resource }) => resource),
    ...keys.map(({ resource }) => resource),
  ]
}
