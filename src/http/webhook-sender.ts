/**
 * Delivers the events of one webhook, in order: a bounded queue, one call at a time, retries that
 * wait longer each time. What cannot be delivered is counted and forgotten. Which events there are:
 * `webhooks.ts`.
 */

import { randomUUID } from 'node:crypto'
import type { Clock, Timer } from '../base/clock.ts'
import { formatIsoTime } from '../base/dates.ts'
import type { Logger } from '../base/log.ts'
import { redactText } from '../base/redact.ts'
import { VERSION } from '../base/version.ts'
import { signWebhook, webhookKey } from './webhook-signature.ts'

export interface WebhookSenderOptions {
  readonly url: string
  readonly secret: string
  readonly clock: Clock
  readonly log: Logger
}

/** What a receiver gets, before it is text. */
export interface WebhookEvent {
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
}

/** How one webhook fares. No secret is in it: paths of such URLs often are one. */
export interface WebhookStats {
  /** Scheme, host and port. */
  readonly receiver: string
  readonly queuedCount: number
  readonly deliveredCount: number
  readonly failedAttemptCount: number
  /** Events given up: after the last attempt, for want of room, or at the stop. */
  readonly deadLetterCount: number
  /** `undefined` while nothing failed. */
  readonly lastError: string | undefined
  /** Wall clock, ms; `undefined` while nothing failed. */
  readonly lastErrorAtMs: number | undefined
}

/** Events that wait for delivery; more push out the oldest. */
export const WEBHOOK_QUEUE_MAX = 100
export const WEBHOOK_TIMEOUT_MS = 5000
/** Between attempts: 2 s, 8 s, 32 s, about 2 min, 5 min, 5 min. */
export const WEBHOOK_ATTEMPTS_MAX = 7
const CLOSE_MS_MAX = 1000
const DELAY_MS_MAX = 300_000

interface Queued {
  readonly id: string
  readonly type: string
  readonly body: string
}

export class WebhookSender {
  readonly #options: WebhookSenderOptions
  readonly #key: Buffer
  readonly #receiver: string
  readonly #queue: Queued[] = []
  /** Ends the pause between attempts, at the close. */
  readonly #closing = new AbortController()
  /** Ends the call under way, when it takes too long to close. */
  readonly #cut = new AbortController()
  #running: Promise<void> | undefined
  #deliveredCount = 0
  #failedAttemptCount = 0
  #deadLetterCount = 0
  #lastError: string | undefined
  #lastErrorAtMs: number | undefined

  constructor(options: WebhookSenderOptions) {
    this.#options = options
    this.#key = webhookKey(options.secret)
    this.#receiver = new URL(options.url).origin
  }

  get stats(): WebhookStats {
    return {
      receiver: this.#receiver,
      queuedCount: this.#queue.length,
      deliveredCount: this.#deliveredCount,
      failedAttemptCount: this.#failedAttemptCount,
      deadLetterCount: this.#deadLetterCount,
      lastError: this.#lastError,
      lastErrorAtMs: this.#lastErrorAtMs,
    }
  }

  /** Takes an event; never waits, never throws. */
  send(event: WebhookEvent): void {
    if (this.#closing.signal.aborted) return
    const id = `evt_${randomUUID()}`
    const at = formatIsoTime(this.#options.clock.nowMs())
    const body = JSON.stringify({ id, type: event.type, at, data: event.data })
    // The first one may be on its way: it stays.
    if (this.#queue.length >= WEBHOOK_QUEUE_MAX) {
      this.#queue.splice(1, 1)
      this.#deadLetterCount++
    }
    this.#queue.push({ id, type: event.type, body })
    this.#running ??= this.#run()
  }

  /** Lets the call under way end, for a second; what waits is counted as dead. May be called twice. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#deadLetterCount += this.#queue.splice(1).length
    const { clock } = this.#options
    const timer = clock.setTimer(() => this.#cut.abort(), CLOSE_MS_MAX)
    await this.#running
    clock.clearTimer(timer)
  }

  async #run(): Promise<void> {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      const isDelivered = await this.#deliver(next)
      this.#queue.shift()
      if (isDelivered) this.#deliveredCount++
      else this.#giveUp(next)
    }
    this.#running = undefined
  }

  async #deliver(event: Queued): Promise<boolean> {
    for (let attempt = 1; attempt <= WEBHOOK_ATTEMPTS_MAX; attempt++) {
      const problem = await this.#call(event)
      if (problem === undefined) return true
      this.#failedAttemptCount++
      this.#lastError = problem
      this.#lastErrorAtMs = this.#options.clock.nowMs()
      if (attempt < WEBHOOK_ATTEMPTS_MAX) {
        await this.#pause(Math.min(DELAY_MS_MAX, 2000 * 4 ** (attempt - 1)))
      }
      if (this.#closing.signal.aborted) return false
    }
    return false
  }

  /** @returns What went wrong, `undefined` for nothing. */
  async #call({ id, body }: Queued): Promise<string | undefined> {
    const { url, clock } = this.#options
    const timestampSeconds = Math.floor(clock.nowMs() / 1000)
    const abort = new AbortController()
    const timer = clock.setTimer(() => abort.abort(), WEBHOOK_TIMEOUT_MS)
    const stop = () => abort.abort()
    this.#cut.signal.addEventListener('abort', stop)
    try {
      const response = await fetch(url, {
        method: 'POST',
        // Who can answer for the receiver must not choose another one.
        redirect: 'manual',
        signal: abort.signal,
        headers: {
          'content-type': 'application/json',
          'user-agent': `headwater/${VERSION}`,
          'webhook-id': id,
          'webhook-timestamp': String(timestampSeconds),
          'webhook-signature': signWebhook(this.#key, { id, timestampSeconds, body }),
        },
        body,
      })
      await response.body?.cancel()
      return response.ok ? undefined : `status ${response.status}`
    } catch (error) {
      if (abort.signal.aborted) return 'no answer in time'
      return describe(error)
    } finally {
      clock.clearTimer(timer)
      this.#cut.signal.removeEventListener('abort', stop)
    }
  }

  #pause(delayMs: number): Promise<void> {
    const { clock } = this.#options
    const { signal } = this.#closing
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const done = () => {
        clock.clearTimer(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer: Timer = clock.setTimer(done, delayMs)
      signal.addEventListener('abort', done)
    })
  }

  #giveUp({ type }: Queued): void {
    this.#deadLetterCount++
    const fields = { receiver: this.#receiver, type, error: this.#lastError }
    this.#options.log.warn(fields, 'webhook not delivered')
  }
}

/** Node's own words for a connection that failed; the URL is not in them. */
function describe(error: unknown): string {
  const { cause } = error as { readonly cause?: unknown } // fetch rejects with a TypeError that has it
  const text = cause instanceof Error ? cause.message : String(error)
  return redactText(text).slice(0, 200)
}
