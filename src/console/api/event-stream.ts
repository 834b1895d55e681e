/**
 * The live events of `/api/events`, over fetch: connects, reads, notices silence, connects again.
 * Events are news, not state: who needs to be complete loads again when `onConnected` is told.
 */

import { ApiError } from './api-error.ts'
import { backoffMs } from './backoff.ts'
import { ServerSentEventReader } from './server-sent-events.ts'

export interface EventStreamOptions {
  /** The answer to a GET of the events. */
  readonly open: (signal: AbortSignal) => Promise<Response>
  readonly random: () => number
  readonly later: (call: () => void, delayMs: number) => () => void
  /** Each time the stream begins: what happened before it is not in it. */
  readonly onConnected: () => void
  /** @param data  Parsed JSON. */
  readonly onEvent: (type: string, data: unknown) => void
  readonly onDisconnected: () => void
}

/** The server sends a comment every 15 s; three missing ones are a dead connection. */
const SILENCE_MS_MAX = 45_000
/** A server without events, or one that has too many listeners, is asked again this late. */
const REFUSED_RETRY_MS = 30_000

export class EventStream {
  readonly #options: EventStreamOptions
  #abort: AbortController | undefined
  #cancelRetry: (() => void) | undefined
  #cancelSilence: (() => void) | undefined
  #failureCount = 0
  #isConnected = false

  constructor(options: EventStreamOptions) {
    this.#options = options
  }

  /** Connects now, whatever it waits for; a second call starts anew. */
  start(): void {
    this.close()
    this.#abort = new AbortController()
    void this.#run(this.#abort)
  }

  /** `onDisconnected` is told when it was connected. */
  close(): void {
    if (this.#isConnected) this.#options.onDisconnected()
    this.#isConnected = false
    this.#abort?.abort()
    this.#abort = undefined
    this.#cancelRetry?.()
    this.#cancelSilence?.()
  }

  async #run(abort: AbortController): Promise<void> {
    let isRefused = false
    try {
      const response = await this.#options.open(abort.signal)
      if (abort.signal.aborted) return
      this.#isConnected = true
      this.#options.onConnected()
      await this.#read(response, abort)
    } catch (error) {
      // Ignored: whatever ended it, the next try tells more.
      isRefused = error instanceof ApiError
    }
    // Closed on purpose, or started anew.
    if (this.#abort !== abort) return
    this.#cancelSilence?.()
    if (this.#isConnected) this.#options.onDisconnected()
    this.#isConnected = false
    this.#failureCount++
    const delayMs = isRefused
      ? REFUSED_RETRY_MS
      : backoffMs(this.#failureCount, this.#options.random())
    this.#cancelRetry = this.#options.later(() => this.start(), delayMs)
  }

  async #read(response: Response, abort: AbortController): Promise<void> {
    const reader = response.body?.getReader()
    if (reader === undefined) return
    const decoder = new TextDecoder()
    const events = new ServerSentEventReader()
    for (;;) {
      this.#cancelSilence = this.#options.later(() => abort.abort(), SILENCE_MS_MAX)
      const { done, value } = await reader.read()
      this.#cancelSilence()
      if (done || abort.signal.aborted) return
      this.#failureCount = 0
      for (const event of events.push(decoder.decode(value, { stream: true }))) {
        const data = parseJson(event.data)
        if (data !== undefined) this.#options.onEvent(event.type, data)
      }
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Ignored: one event that cannot be read is no reason to lose the others.
    return undefined
  }
}
