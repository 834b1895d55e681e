/** What a person sees of a pull, on stderr: lines for what happens, and one that tells how it stands. */

import type { CliContext } from '../cli-context.ts'
import { formatBytes } from '../text-table.ts'
import type { PullEvents } from './pull-shared.ts'
import type { RenditionFollower } from './rendition-follower.ts'

const TERMINAL_MS = 500
const LOG_MS = 30_000
/** Losses that are told one by one in a row; the others are counted. */
const LOSSES_TOLD_MAX = 20

export interface PullCounts {
  readonly segmentCount: number
  readonly sizeBytes: number
  readonly lostSegmentCount: number
  readonly playlistCount: number
}

export class PullReporter implements PullEvents {
  readonly #context: Pick<CliContext, 'stderr' | 'clock'>
  readonly #counts = { segmentCount: 0, sizeBytes: 0, lostSegmentCount: 0, playlistCount: 0 }
  #shownAtMonotonicMs: number
  #shownChars = 0
  #followers: () => readonly RenditionFollower[] = () => []
  readonly #onPublished: () => void

  /** @param onPublished  Called once it can be played. */
  constructor(context: Pick<CliContext, 'stderr' | 'clock'>, onPublished: () => void) {
    this.#context = context
    this.#onPublished = onPublished
    this.#shownAtMonotonicMs = context.clock.monotonicMs()
  }

  get counts(): PullCounts {
    return this.#counts
  }

  /** Whose state the line tells. */
  watch(followers: () => readonly RenditionFollower[]): void {
    this.#followers = followers
  }

  say(line: string): void {
    this.#clear()
    this.#context.stderr.write(`${line}\n`)
  }

  segmentStored(sizeBytes: number): void {
    this.#counts.segmentCount += 1
    this.#counts.sizeBytes += sizeBytes
    this.#show()
  }

  segmentLost(words: string): void {
    this.#counts.lostSegmentCount += 1
    const { lostSegmentCount } = this.#counts
    if (lostSegmentCount <= LOSSES_TOLD_MAX) this.say(words)
    if (lostSegmentCount === LOSSES_TOLD_MAX) this.say('More losses are counted, not told.')
  }

  playlistStored(): void {
    this.#counts.playlistCount += 1
    this.#show()
  }

  published(): void {
    this.#onPublished()
  }

  /** How it stands, in a few words. */
  summary(): string {
    const { segmentCount, sizeBytes, lostSegmentCount } = this.#counts
    const lost = lostSegmentCount === 0 ? '' : `, ${lostSegmentCount} lost`
    return `${segmentCount} segments, ${formatBytes(sizeBytes)}${lost}`
  }

  /** The line that changes goes. */
  end(): void {
    this.#clear()
  }

  #show(): void {
    const { stderr, clock } = this.#context
    const isTerminal = stderr.isTTY === true
    const nowMonotonicMs = clock.monotonicMs()
    if (nowMonotonicMs - this.#shownAtMonotonicMs < (isTerminal ? TERMINAL_MS : LOG_MS)) return
    this.#shownAtMonotonicMs = nowMonotonicMs
    const followers = this.#followers()
    const lags = followers.flatMap(({ edgeLagSeconds }) => edgeLagSeconds ?? [])
    const isLive = followers.some(({ isWhole, hasEnded }) => !isWhole && !hasEnded)
    const lag = isLive && lags.length > 0 ? `, ${Math.max(...lags).toFixed(1)} s behind` : ''
    const stale = followers.filter(({ isStale }) => isStale).length
    const staleWords = stale === 0 ? '' : `, ${stale} stale`
    const text = `${followers.length} playlists${staleWords}, ${this.summary()}${lag}`
    if (!isTerminal) {
      stderr.write(`${text}\n`)
      return
    }
    stderr.write(`\r${text.padEnd(this.#shownChars)}`)
    this.#shownChars = text.length
  }

  #clear(): void {
    if (this.#shownChars > 0) this.#context.stderr.write(`\r${' '.repeat(this.#shownChars)}\r`)
    this.#shownChars = 0
  }
}
