/**
 * The caches that are being recorded, one recorder each at most. The data plane asks with each item
 * request, on a test rig alone; without a recording that is one look at an empty map.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock, Timer } from '../../base/clock.ts'
import { HeadwaterError } from '../../base/errors.ts'
import type { CacheName } from '../../base/names.ts'
import { parseItemTarget } from '../../wire/target.ts'
import { Recording } from './recording.ts'
import type { TapeSink } from './recording.ts'

/** Each may hold 128 MiB. */
export const RECORDINGS_MAX = 8

export interface BeginOptions {
  readonly cacheName: CacheName
  /** Media are sizes without bytes. */
  readonly isScrubbed: boolean
  /** Ends by itself then; absent: never. */
  readonly seconds?: number | undefined
  readonly sink: TapeSink
  readonly heldBytesMax?: number | undefined
  readonly waitingBytesMax?: number | undefined
}

export class Recordings {
  readonly #clock: Clock
  readonly #machineClock: Clock
  readonly #byCache = new Map<CacheName, Recording>()
  readonly #timers = new Map<Recording, Timer>()

  /**
   * @param clock  What a tape's times are of.
   * @param machineClock  By which a reader is given up.
   */
  constructor(clock: Clock, machineClock: Clock) {
    this.#clock = clock
    this.#machineClock = machineClock
  }

  /** @throws HeadwaterError `HW_RECORDING_EXISTS`: two tapes of one cache are one too many. */
  begin({ seconds, ...options }: BeginOptions): Recording {
    const { cacheName } = options
    if (this.#byCache.has(cacheName)) {
      throw new HeadwaterError('HW_RECORDING_EXISTS', `The cache ${cacheName} is being recorded.`, {
        detail: `Copy that tape, or end it: DELETE /api/recordings/${cacheName}`,
      })
    }
    if (this.#byCache.size >= RECORDINGS_MAX) {
      throw new HeadwaterError(
        'HW_RECORDING_EXISTS',
        `${RECORDINGS_MAX} caches are being recorded, and more may not be.`,
      )
    }
    const recording = new Recording({
      ...options,
      ...{ clock: this.#clock, machineClock: this.#machineClock },
    })
    this.#byCache.set(cacheName, recording)
    if (seconds !== undefined) {
      this.#timers.set(
        recording,
        this.#clock.setTimer(() => this.#end(recording), seconds * 1000),
      )
    }
    return recording
  }

  /** Told of every item request, before anything of it is read. */
  watch(request: IncomingMessage, response: ServerResponse): void {
    if (this.#byCache.size === 0) return
    const target = parseItemTarget(request.url ?? '')
    if (target.problem !== undefined) return
    this.#byCache.get(target.cacheName)?.watch(request, response, target)
  }

  list(): readonly Recording[] {
    return [...this.#byCache.values()]
  }

  /** Ends a tape in order. @throws HeadwaterError `HW_RECORDING_NOT_FOUND`. */
  stop(cacheName: string): void {
    const recording = this.list().find((each) => each.cacheName === cacheName)
    if (recording === undefined) {
      throw new HeadwaterError('HW_RECORDING_NOT_FOUND', `Nobody records the cache ${cacheName}.`)
    }
    this.#end(recording)
  }

  /** Its reader has gone; of one that has ended nothing happens. */
  abandon(recording: Recording): void {
    this.#forget(recording)
    recording.abandon()
  }

  /** Ends all tapes in order: the server stops. */
  close(): void {
    for (const recording of this.list()) this.#end(recording)
  }

  #end(recording: Recording): void {
    this.#forget(recording)
    recording.stop()
  }

  #forget(recording: Recording): void {
    const timer = this.#timers.get(recording)
    if (timer !== undefined) this.#clock.clearTimer(timer)
    this.#timers.delete(recording)
    if (this.#byCache.get(recording.cacheName) === recording)
      this.#byCache.delete(recording.cacheName)
  }
}
