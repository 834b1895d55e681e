/** Bodies of writes that a test rig acknowledges and then loses, or stores late. */

import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Origin } from '../../origin/origin.ts'
import type { UploadOutcome, UploadProblem, UploadRequest } from '../../origin/upload.ts'
import type { BodySink } from '../item-write.ts'

/** Takes everything and keeps nothing. */
export const LOST_BODY: BodySink = {
  problem: undefined,
  add: () => undefined,
  abort: () => undefined,
  finish: () => Promise.resolve({ kind: 'ignored' }),
}

export interface LateBodyOptions {
  readonly origin: Origin
  readonly clock: Clock
  readonly log: Logger
  readonly delayMs: number
  /** Asked when it is time: false after a reset. */
  readonly isWanted: () => boolean
}

/**
 * Keeps a body apart, where no reader sees it, and stores it after its 204. What it keeps counts as an
 * upload in flight, and is bounded with them.
 */
export class LateBody implements BodySink {
  readonly #options: LateBodyOptions
  readonly #request: UploadRequest
  #chunks: Uint8Array[] = []
  #sizeBytes = 0
  #problem: UploadProblem | undefined

  constructor(request: UploadRequest, options: LateBodyOptions) {
    this.#options = options
    this.#request = request
  }

  get problem(): UploadProblem | undefined {
    return this.#problem
  }

  add(chunk: Uint8Array): void {
    if (this.#problem !== undefined) return
    if (this.#sizeBytes + chunk.length > this.#request.cache.settings.itemSizeBytesMax) {
      this.#fail('body-too-large')
    } else if (!this.#options.origin.reserve(chunk.length)) {
      this.#fail('uploads-busy')
    } else {
      this.#chunks.push(chunk)
      this.#sizeBytes += chunk.length
    }
  }

  abort(): void {
    this.#options.origin.release(this.#sizeBytes)
    this.#chunks = []
    this.#sizeBytes = 0
  }

  finish(): Promise<UploadOutcome> {
    const { clock, delayMs, log } = this.#options
    clock.setTimer(() => {
      const storing = this.#store()
      clock.waitFor?.(storing)
      storing.catch((error: unknown) => log.error({ err: error }, 'late write failed'))
    }, delayMs)
    return Promise.resolve({ kind: 'ignored' })
  }

  async #store(): Promise<void> {
    const { origin, isWanted } = this.#options
    const chunks = this.#chunks
    this.abort()
    if (!isWanted() || origin.caches.get(this.#request.cache.name) === undefined) return
    const upload = origin.openUpload(this.#request)
    for (const chunk of chunks) upload.add(chunk)
    // Whom should a refusal be told? The encoder has its 204.
    if (upload.problem === undefined) await upload.finish()
  }

  #fail(problem: UploadProblem): void {
    this.abort()
    this.#problem = problem
  }
}
