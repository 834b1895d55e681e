/** A reader of one media playlist who looks every 200 ms and keeps account of the live edge. */

import { setTimeout as sleep } from 'node:timers/promises'
import { http } from '../../support/http.ts'

const POLL_MS = 200

export interface EdgeReport {
  /** Longest time without a newer segment, from the last one to the next, ms. */
  readonly longestGapMs: number
  /** Playlists or segments older than what was seen before. */
  readonly wrongOrderCount: number
  /** Answers that were not 200, playlists and new segments. */
  readonly failures: readonly string[]
  readonly segmentCount: number
}

/** Watches from its making on, until {@link stop}. */
export class EdgeWatch {
  readonly #url: string
  readonly #done: Promise<void>
  #isStopped = false
  #sequence = -1
  #edge = -1
  #edgeAtMs = 0
  #longestGapMs = 0
  #wrongOrderCount = 0
  #segmentCount = 0
  #failures: string[] = []

  constructor(url: string) {
    this.#url = url
    this.#done = this.#run()
  }

  /** The number of the newest segment; -1 before the first. */
  get edge(): number {
    return this.#edge
  }

  /** What happened since the last call, or since the start. */
  take(): EdgeReport {
    const report = {
      longestGapMs: Math.round(Math.max(this.#longestGapMs, performance.now() - this.#edgeAtMs)),
      wrongOrderCount: this.#wrongOrderCount,
      failures: this.#failures,
      segmentCount: this.#segmentCount,
    }
    this.#longestGapMs = 0
    this.#wrongOrderCount = 0
    this.#segmentCount = 0
    this.#failures = []
    return report
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#done
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const startedMs = performance.now()
      await this.#look().catch((error: unknown) => this.#failures.push(String(error)))
      await sleep(Math.max(0, POLL_MS - (performance.now() - startedMs)))
    }
  }

  async #look(): Promise<void> {
    const answer = await http(this.#url)
    if (answer.status !== 200) {
      this.#failures.push(`playlist: ${String(answer.status)}`)
      return
    }
    const sequence = Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(answer.text)?.[1] ?? -1)
    const name = answer.text.trim().split('\n').at(-1) ?? ''
    const edge = Number(/_(\d+)\.ts/.exec(name)?.[1] ?? -1)
    if (sequence < this.#sequence || edge < this.#edge) this.#wrongOrderCount += 1
    this.#sequence = Math.max(this.#sequence, sequence)
    if (edge <= this.#edge) return
    const nowMs = performance.now()
    if (this.#edge >= 0) this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - this.#edgeAtMs)
    this.#edge = edge
    this.#edgeAtMs = nowMs
    this.#segmentCount += 1
    const segment = await http(new URL(name, this.#url).href)
    if (segment.status !== 200) this.#failures.push(`${name}: ${String(segment.status)}`)
  }
}
