/**
 * Requests to somebody's service: at most five a second, a bound on each answer, and every key that
 * was written is known, so that it can be deleted again. Paths are sent as written.
 */

import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../../src/base/clock.ts'

export interface SentRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** The body goes out in chunks of unknown sum, not with a Content-Length. */
  readonly chunked?: boolean
}

export interface SeenAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
}

export interface PacedClientOptions {
  /** Scheme and authority, no trailing slash. */
  readonly origin: string
  readonly clock: Clock
  readonly requestsPerSecondMax?: number
}

const REQUESTS_PER_SECOND_MAX = 5
const ANSWER_BYTES_MAX = 16 * 1024 * 1024
const TIMEOUT_MS = 30_000

export class PacedClient {
  readonly #origin: URL
  readonly #clock: Clock
  readonly #intervalMs: number
  #nextAtMs = 0
  #sentCount = 0

  constructor(options: PacedClientOptions) {
    this.#origin = new URL(options.origin)
    this.#clock = options.clock
    this.#intervalMs = 1000 / (options.requestsPerSecondMax ?? REQUESTS_PER_SECOND_MAX)
  }

  get sentCount(): number {
    return this.#sentCount
  }

  /** Waits, for a time to live that has to pass. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      // The runner has nothing else that keeps it alive while it waits.
      const alive = setInterval(() => undefined, 60_000)
      this.#clock.setTimer(() => {
        clearInterval(alive)
        resolve()
      }, ms)
    })
  }

  /**
   * @param target  Path and query, sent as written.
   * @throws Error when nobody answers within 30 s, or with more than 16 MiB.
   */
  async send(target: string, options: SentRequest = {}): Promise<SeenAnswer> {
    const nowMs = this.#clock.monotonicMs()
    const waitMs = this.#nextAtMs - nowMs
    this.#nextAtMs = Math.max(nowMs, this.#nextAtMs) + this.#intervalMs
    if (waitMs > 0) await this.sleep(waitMs)
    this.#sentCount++
    return this.#exchange(target, options)
  }

  #exchange(target: string, options: SentRequest): Promise<SeenAnswer> {
    const { protocol, hostname, port } = this.#origin
    const body = options.body === undefined ? undefined : Buffer.from(options.body)
    const framing =
      body === undefined || options.chunked === true ? {} : { 'content-length': `${body.length}` }
    const request = protocol === 'https:' ? httpsRequest : httpRequest
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          host: hostname.replace(/[[\]]/g, ''),
          port,
          path: target,
          method: options.method ?? 'GET',
          headers: { ...framing, ...options.headers },
          timeout: TIMEOUT_MS,
        },
        (answer) => {
          const chunks: Buffer[] = []
          let sizeBytes = 0
          answer.on('data', (chunk: Buffer) => {
            sizeBytes += chunk.length
            if (sizeBytes > ANSWER_BYTES_MAX) sent.destroy(new Error('the answer has no end'))
            else chunks.push(chunk)
          })
          answer.on('error', reject)
          answer.on('end', () => {
            const bytes = Buffer.concat(chunks)
            const { statusCode = 0, headers } = answer
            resolve({ status: statusCode, headers, body: bytes, text: bytes.toString('utf8') })
          })
        },
      )
      sent.on('timeout', () => sent.destroy(new Error('no answer within 30 s')))
      sent.on('error', reject)
      sent.end(body)
    })
  }
}
