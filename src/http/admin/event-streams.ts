/**
 * Live events as `text/event-stream`: who listens, what each may see, and when a stream ends. A
 * client that does not read is dropped, not waited for; one whose key has ended is dropped, too.
 * What there is to tell is `event-sources.ts`'s.
 */

import type { ServerResponse } from 'node:http'
import type { Grant } from '../../auth/grant.ts'
import type { Clock, Timer } from '../../base/clock.ts'
import { administers } from './admin-guard.ts'

/** `hello` comes first; each of the others has its data described in docs/admin-api.md. */
export type StreamedEvent =
  'hello' | 'channel' | 'finding' | 'write-refused' | 'request' | 'cache' | 'metrics' | 'faults'

export interface EventStreamsOptions {
  readonly clock: Clock
  readonly version: string
  readonly streamsMax?: number
  readonly bufferBytesMax?: number
}

export interface EventListener {
  readonly grant: Grant
  readonly response: ServerResponse
  /** Asks again what the credential is worth; `undefined`: nothing any more. */
  readonly recheck: () => Promise<Grant | undefined>
}

/** Plain counters, read by metrics and tests. */
export interface EventStreamStats {
  open: number
  /** Clients that did not read. */
  droppedCount: number
  /** Streams whose key was revoked or has expired. */
  endedCount: number
}

export const EVENT_STREAMS_MAX = 100
/** What may wait for a client beyond what the kernel takes. */
const BUFFER_BYTES_MAX = 256 * 1024
export const PING_MS = 15_000
/** Each kind, so that a flood of refusals costs a console no more than this. */
const EVENTS_PER_SECOND_MAX = 50

interface Stream extends Omit<EventListener, 'grant'> {
  grant: Grant
}

export class EventStreams {
  readonly stats: EventStreamStats = { open: 0, droppedCount: 0, endedCount: 0 }
  readonly #options: EventStreamsOptions
  readonly #streams = new Set<Stream>()
  /** Events told within the second that began then, by kind. */
  readonly #told = new Map<StreamedEvent, { sinceMs: number; count: number }>()
  #timer: Timer | undefined
  #isClosed = false

  constructor(options: EventStreamsOptions) {
    this.#options = options
  }

  get isFull(): boolean {
    return this.#isClosed || this.#streams.size >= (this.#options.streamsMax ?? EVENT_STREAMS_MAX)
  }

  /** Whether anybody listens: events need not be made for nobody. */
  get hasListeners(): boolean {
    return this.#streams.size > 0
  }

  /** Begins a stream on an answer whose head has not been written. Check {@link isFull} before. */
  open(listener: EventListener): void {
    const { response } = listener
    const stream: Stream = { ...listener }
    this.#streams.add(stream)
    this.stats.open = this.#streams.size
    response.once('close', () => {
      this.#streams.delete(stream)
      this.stats.open = this.#streams.size
      if (this.#streams.size === 0) this.#stopTimer()
    })
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      // nginx would hold events back until a buffer is full.
      'X-Accel-Buffering': 'no',
    })
    this.#write(stream, formatEvent('hello', { version: this.#options.version }))
    this.#timer ??= this.#options.clock.setTimer(() => this.#ping(), PING_MS)
  }

  /**
   * Tells everybody who may see it. Formatted once.
   *
   * @param cacheName  Whose event it is; '' of none, for those who administer all caches;
   *   `undefined` for everybody.
   */
  send(event: StreamedEvent, data: object, cacheName: string | undefined): void {
    if (this.#streams.size === 0 || this.#isTooOften(event)) return
    const text = formatEvent(event, data)
    for (const stream of this.#streams) {
      if (cacheName === undefined || administers(stream.grant, cacheName)) this.#write(stream, text)
    }
  }

  /** Ends every stream: the server stops, and consoles come back by themselves. */
  close(): void {
    this.#isClosed = true
    this.#stopTimer()
    for (const { response } of this.#streams) {
      response.shouldKeepAlive = false
      response.end()
    }
  }

  /** Also when a credential is asked for again: often enough to end a revoked one within a minute. */
  #ping(): void {
    this.#timer = this.#options.clock.setTimer(() => this.#ping(), PING_MS)
    for (const stream of this.#streams) {
      this.#write(stream, ': ping\n\n')
      void this.#recheck(stream)
    }
  }

  async #recheck(stream: Stream): Promise<void> {
    const grant = await stream.recheck()
    if (grant !== undefined) {
      stream.grant = grant
      return
    }
    this.stats.endedCount++
    // Nothing may be told between now and the end of the connection.
    this.#streams.delete(stream)
    stream.response.end()
  }

  #write(stream: Stream, text: string): void {
    const { response } = stream
    if (response.destroyed || response.writableEnded) return
    response.write(text)
    if (response.writableLength <= (this.#options.bufferBytesMax ?? BUFFER_BYTES_MAX)) return
    this.stats.droppedCount++
    response.destroy()
  }

  #isTooOften(event: StreamedEvent): boolean {
    const nowMs = this.#options.clock.monotonicMs()
    let told = this.#told.get(event)
    if (told === undefined || nowMs - told.sinceMs >= 1000) {
      told = { sinceMs: nowMs, count: 0 }
      this.#told.set(event, told)
    }
    told.count++
    return told.count > EVENTS_PER_SECOND_MAX
  }

  #stopTimer(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimer(this.#timer)
    this.#timer = undefined
  }
}

/** JSON has no line ends of its own, so it is one line of data whatever keys and agents hold. */
function formatEvent(event: StreamedEvent, data: object): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
