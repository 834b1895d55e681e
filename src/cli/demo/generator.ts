/**
 * A live channel without an encoder: pushes the bundled clip over and over, in real time, through
 * the public API. Used when ffmpeg is missing or cannot draw the test pattern.
 */

import type { Clock, Timer } from '../../base/clock.ts'
import type { DemoClip, ClipRendition } from './demo-clip.ts'
import type { ItemFailure, ItemOutcome } from '../item-client.ts'
import {
  formatLoopMediaPlaylist,
  formatMultivariantPlaylist,
  lastCompleteIndex,
  segmentStartSeconds,
} from './live-playlist.ts'
import type { LiveLoop } from './live-playlist.ts'

/** What the generator needs of a client; `ItemClient` is one. */
export interface ItemWriter {
  put(key: string, body: Uint8Array, ttlSeconds: number): Promise<ItemOutcome>
  close(): void
}

export interface ClipGeneratorOptions {
  /** Owned from here on: closed with the generator. */
  readonly client: ItemWriter
  readonly clip: DemoClip
  readonly clock: Clock
  /** Before every key: `demo/` gives `demo/playlist.m3u8`. */
  readonly keyPrefix: string
  /** TTL of all that is written. Playlists are written again long before. */
  readonly ttlSeconds?: number
  /** Segments in a media playlist. At least 6: players begin three target durations back. */
  readonly windowSegmentCount?: number
  /** Publishes EXT-X-ENDLIST at the end, so that players stop instead of waiting. */
  readonly endsPlaylist?: boolean
  /** Trouble and recovery, one line each, without credentials. */
  readonly onProgress?: (line: string) => void
}

/** The multivariant playlist is written again after this many segments: it must not expire. */
const MULTIVARIANT_EVERY_SEGMENTS = 15
const RETRY_DELAY_MS = 1000
const RETRY_DELAY_MS_MAX = 5000

export class ClipGenerator {
  readonly #client: ItemWriter
  readonly #clip: DemoClip
  readonly #clock: Clock
  readonly #keyPrefix: string
  readonly #ttlSeconds: number
  readonly #windowSegmentCount: number
  readonly #endsPlaylist: boolean
  readonly #onProgress: (line: string) => void
  readonly #loop: LiveLoop
  readonly #startedAtMonotonicMs: number
  /** The first segment that is not stored yet. */
  #nextIndex = 0
  #multivariantIndex: number | undefined
  #isClosed = false
  #wake: (() => void) | undefined
  #trouble: string | undefined
  #running: Promise<void> | undefined
  /** Settles when the first window is stored; stays pending while the origin refuses it. */
  readonly ready: Promise<void>
  #resolveReady: () => void = () => undefined

  constructor(options: ClipGeneratorOptions) {
    this.ready = new Promise((resolve) => {
      this.#resolveReady = resolve
    })
    this.#client = options.client
    this.#clip = options.clip
    this.#clock = options.clock
    this.#keyPrefix = options.keyPrefix
    this.#ttlSeconds = options.ttlSeconds ?? 300
    this.#windowSegmentCount = options.windowSegmentCount ?? 8
    this.#endsPlaylist = options.endsPlaylist ?? false
    this.#onProgress = options.onProgress ?? (() => undefined)
    const { durationsSeconds } = options.clip
    // The channel began one window ago: a player that comes first finds enough to begin with.
    const windowMs = segmentStartSeconds(durationsSeconds, this.#windowSegmentCount) * 1000
    const nowMs = options.clock.nowMs()
    this.#startedAtMonotonicMs = options.clock.monotonicMs() - windowMs
    this.#loop = {
      durationsSeconds,
      // Epoch seconds, as ffmpeg's `-hls_start_number_source epoch`: a restart goes on higher.
      mediaSequenceStart: Math.floor(nowMs / 1000),
      startedAtMs: nowMs - windowMs,
    }
  }

  /** The key of the multivariant playlist. */
  get playlistKey(): string {
    return `${this.#keyPrefix}playlist.m3u8`
  }

  /** Begins to push; returns at once. */
  start(): void {
    this.#running ??= this.#run()
  }

  /** Stops pushing. Items stay until their TTL. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#wake?.()
    // Without a last playlist to write, an upload that hangs shall not delay the end.
    if (!this.#endsPlaylist) this.#client.close()
    await this.#running
    if (this.#endsPlaylist && this.#nextIndex > 0) {
      await this.#putMediaPlaylists(this.#nextIndex - 1, true)
    }
    this.#client.close()
  }

  async #run(): Promise<void> {
    let failureCount = 0
    while (!this.#isClosed) {
      const lastIndex = this.#lastDueIndex()
      const publishing = this.#publish(lastIndex)
      this.#clock.waitFor?.(publishing)
      const failure = await publishing
      if (this.#isClosed) return
      if (failure === undefined) {
        failureCount = 0
        this.#resolveReady()
        this.#reportRecovery()
        await this.#sleep(this.#delayUntilCompleteMs(lastIndex + 1))
      } else {
        this.#reportTrouble(failure)
        // The origin may have lost what it had: the whole window is written again.
        this.#nextIndex = 0
        this.#multivariantIndex = undefined
        await this.#sleep(Math.min(RETRY_DELAY_MS * 2 ** failureCount, RETRY_DELAY_MS_MAX))
        failureCount++
      }
    }
  }

  /** Segments, then the playlists that name them, then the playlist that names those. */
  async #publish(lastIndex: number): Promise<ItemFailure | undefined> {
    // After an outage the window's own segments are enough: the rest is past.
    const firstIndex = Math.max(this.#nextIndex, this.#firstIndexOf(lastIndex))
    const segmentFailure = await firstFailure(
      this.#clip.renditions.map((rendition) => this.#putSegments(rendition, firstIndex, lastIndex)),
    )
    // Closed half-way: these segments are not all there, so no playlist may name them.
    if (segmentFailure !== undefined || this.#isClosed) return segmentFailure
    const playlistFailure = await this.#putMediaPlaylists(lastIndex, false)
    if (playlistFailure !== undefined) return playlistFailure
    this.#nextIndex = lastIndex + 1
    if (
      this.#multivariantIndex === undefined ||
      lastIndex - this.#multivariantIndex >= MULTIVARIANT_EVERY_SEGMENTS
    ) {
      const outcome = await this.#putText(this.playlistKey, this.#formatMultivariant())
      if (outcome.kind === 'failed') return outcome
      this.#multivariantIndex = lastIndex
    }
    return undefined
  }

  async #putSegments(
    rendition: ClipRendition,
    firstIndex: number,
    lastIndex: number,
  ): Promise<ItemFailure | undefined> {
    for (let index = firstIndex; index <= lastIndex && !this.#isClosed; index++) {
      const body = rendition.bodies[index % rendition.bodies.length]
      if (body === undefined) continue
      const key = this.#keyPrefix + this.#segmentName(rendition, index)
      const outcome = await this.#client.put(key, body, this.#ttlSeconds)
      if (outcome.kind === 'failed') return outcome
    }
    return undefined
  }

  #putMediaPlaylists(lastIndex: number, ended: boolean): Promise<ItemFailure | undefined> {
    return firstFailure(
      this.#clip.renditions.map(async (rendition) => {
        const text = formatLoopMediaPlaylist(this.#loop, {
          firstIndex: this.#firstIndexOf(lastIndex),
          lastIndex,
          formatUri: (index) => this.#segmentName(rendition, index),
          ended,
        })
        const outcome = await this.#putText(this.#keyPrefix + mediaPlaylistName(rendition), text)
        return outcome.kind === 'failed' ? outcome : undefined
      }),
    )
  }

  #putText(key: string, text: string): Promise<ItemOutcome> {
    return this.#client.put(key, Buffer.from(text, 'utf8'), this.#ttlSeconds)
  }

  #formatMultivariant(): string {
    const { framesPerSecond, renditions } = this.#clip
    return formatMultivariantPlaylist(
      renditions.map((rendition) => ({
        ...rendition,
        uri: mediaPlaylistName(rendition),
        framesPerSecond,
      })),
    )
  }

  /**
   * The start number is in every name, beside the count: two runs that began in different seconds
   * never share a name, however soon one followed the other.
   */
  #segmentName(rendition: ClipRendition, index: number): string {
    const count = String(index).padStart(5, '0')
    return `playlist_${rendition.name}_${this.#loop.mediaSequenceStart}_${count}.ts`
  }

  #firstIndexOf(lastIndex: number): number {
    return Math.max(0, lastIndex - this.#windowSegmentCount + 1)
  }

  #lastDueIndex(): number {
    const elapsedMs = this.#clock.monotonicMs() - this.#startedAtMonotonicMs
    return lastCompleteIndex(this.#loop.durationsSeconds, elapsedMs / 1000)
  }

  #delayUntilCompleteMs(index: number): number {
    const endSeconds = segmentStartSeconds(this.#loop.durationsSeconds, index + 1)
    const elapsedMs = this.#clock.monotonicMs() - this.#startedAtMonotonicMs
    return Math.max(0, endSeconds * 1000 - elapsedMs)
  }

  #sleep(delayMs: number): Promise<void> {
    if (this.#isClosed) return Promise.resolve()
    return new Promise((resolve) => {
      const timer: Timer = this.#clock.setTimer(resolve, delayMs)
      this.#wake = () => {
        this.#clock.clearTimer(timer)
        resolve()
      }
    })
  }

  #reportTrouble(failure: ItemFailure): void {
    const trouble =
      failure.statusCode === undefined
        ? `The origin does not take the demo channel: ${failure.reason}. Trying again.`
        : `The origin refuses the demo channel with ${failure.statusCode}: ${failure.reason}`
    // The same trouble every second is one line, not a flood.
    if (trouble !== this.#trouble) this.#onProgress(trouble)
    this.#trouble = trouble
  }

  #reportRecovery(): void {
    if (this.#trouble === undefined) return
    this.#trouble = undefined
    this.#onProgress(`The demo channel ${this.playlistKey} is back at its live edge.`)
  }
}

function mediaPlaylistName(rendition: ClipRendition): string {
  return `playlist_${rendition.name}.m3u8`
}

async function firstFailure(
  uploads: readonly Promise<ItemFailure | undefined>[],
): Promise<ItemFailure | undefined> {
  const outcomes = await Promise.all(uploads)
  return outcomes.find((outcome) => outcome !== undefined)
}
