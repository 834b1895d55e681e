/**
 * An HTTP client of one cache, as an encoder is one: PUT and GET with the key in `Authorization`,
 * over kept-alive connections. It knows nothing of the server but its public API.
 */

import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'

/** Where to push, and as whom. */
export interface PushTarget {
  /** As printed by `serve`: scheme, host, port, and a path when a proxy adds one. */
  readonly dataPlaneUrl: string
  readonly cacheName: string
  /** A key that may read and write. Goes out in a header, never in a URL. */
  readonly encoderKey: string
}

/** What became of a request. A failure is a value: it is expected and tried again. */
export type ItemOutcome = { readonly kind: 'ok'; readonly body: Buffer } | ItemFailure

export interface PutOptions {
  readonly ttlSeconds: number
  /** For names whose extension does not tell it. */
  readonly contentType: string
}

export interface ItemFailure {
  readonly kind: 'failed'
  /** Absent when no answer came. */
  readonly statusCode: number | undefined
  /** For people; without credentials. */
  readonly reason: string
}

const REQUEST_TIMEOUT_MS = 10_000
/** Error bodies are under 1 KiB; more of one is not worth keeping. */
const REASON_BYTES_MAX = 1024

export class ItemClient {
  readonly #origin: PushTarget
  readonly #agent: HttpAgent | HttpsAgent
  readonly #isTls: boolean
  readonly #abort = new AbortController()

  constructor(origin: PushTarget) {
    this.#origin = origin
    this.#isTls = new URL(origin.dataPlaneUrl).protocol === 'https:'
    // Six: what ffmpeg opens at most for three renditions.
    const options = { keepAlive: true, maxSockets: 6 }
    this.#agent = this.#isTls ? new HttpsAgent(options) : new HttpAgent(options)
  }

  /** The item's URL, without query. */
  urlOf(key: string): URL {
    const base = this.#origin.dataPlaneUrl.replace(/\/+$/, '')
    const path = key.split('/').map(encodeURIComponent).join('/')
    return new URL(`${base}/cache/${this.#origin.cacheName}/${path}`)
  }

  /** Stores `body` for `ttlSeconds`. Never throws. */
  put(key: string, body: Uint8Array, options: number | PutOptions): Promise<ItemOutcome> {
    const { ttlSeconds, contentType } =
      typeof options === 'number' ? { ttlSeconds: options, contentType: undefined } : options
    const url = this.urlOf(key)
    url.searchParams.set('ttl_seconds', String(ttlSeconds))
    return this.#send('PUT', url, body, contentType)
  }

  /** Reads an item, or what a playlist refers to. Never throws. */
  get(url: URL): Promise<ItemOutcome> {
    return this.#send('GET', url, undefined)
  }

  /** Asks whether an item is there: `ok`, without its body. Never throws. */
  look(key: string): Promise<ItemOutcome> {
    return this.#send('HEAD', this.urlOf(key), undefined)
  }

  /** Ends the connections; what is under way fails. Safe to call twice. */
  close(): void {
    this.#abort.abort()
    this.#agent.destroy()
  }

  async #send(
    method: string,
    url: URL,
    body: Uint8Array | undefined,
    contentType?: string,
  ): Promise<ItemOutcome> {
    for (let attempt = 1; ; attempt++) {
      const { outcome, isStaleSocket } = await this.#sendOnce(method, url, body, contentType)
      // A kept-alive connection may have been closed by the server while it was idle; that says
      // nothing about the server, so one more attempt is made on a new one.
      if (!isStaleSocket || attempt > 1) return outcome
    }
  }

  #sendOnce(
    method: string,
    url: URL,
    body: Uint8Array | undefined,
    contentType: string | undefined,
  ): Promise<{ readonly outcome: ItemOutcome; readonly isStaleSocket: boolean }> {
    return new Promise((resolve) => {
      const send = this.#isTls ? httpsRequest : httpRequest
      const request = send(url, {
        method,
        agent: this.#agent,
        signal: this.#abort.signal,
        timeout: REQUEST_TIMEOUT_MS,
        headers: {
          authorization: this.#origin.encoderKey,
          ...(body === undefined ? {} : { 'content-length': body.byteLength }),
          ...(contentType === undefined ? {} : { 'content-type': contentType }),
        },
      })
      request.on('timeout', () => request.destroy(new Error('no answer within 10 s')))
      request.on('error', (error: NodeJS.ErrnoException) =>
        resolve({
          outcome: { kind: 'failed', statusCode: undefined, reason: formatSocketError(error) },
          isStaleSocket: request.reusedSocket && !this.#abort.signal.aborted,
        }),
      )
      request.on('response', (response) => {
        void readOutcome(response).then((outcome) => resolve({ outcome, isStaleSocket: false }))
      })
      request.end(body)
    })
  }
}

async function readOutcome(response: IncomingMessage): Promise<ItemOutcome> {
  const chunks: Buffer[] = []
  try {
    // Node's streams are untyped; without an encoding a response yields Buffers.
    for await (const chunk of response) chunks.push(chunk as Buffer)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { kind: 'failed', statusCode: undefined, reason: `the answer broke off: ${reason}` }
  }
  const body = Buffer.concat(chunks)
  const statusCode = response.statusCode ?? 0
  if (statusCode >= 200 && statusCode < 300) return { kind: 'ok', body }
  return { kind: 'failed', statusCode, reason: formatRefusal(response, body) }
}

/** The server's own words: its reason header, else the error body's `message`. */
function formatRefusal(response: IncomingMessage, body: Buffer): string {
  const header = response.headers['x-headwater-reason']
  if (typeof header === 'string') return header
  try {
    const parsed: unknown = JSON.parse(body.subarray(0, REASON_BYTES_MAX).toString('utf8'))
    if (typeof parsed === 'object' && parsed !== null && 'message' in parsed) {
      return String(parsed.message)
    }
  } catch {
    // Ignored: not our server's body; the status text says enough.
  }
  return response.statusMessage ?? ''
}

function formatSocketError(error: NodeJS.ErrnoException): string {
  if (error.code === 'ECONNREFUSED') return 'nothing listens there'
  // `localhost` that refuses on both families comes as an AggregateError without a message.
  return error.message === '' ? (error.code ?? error.name) : error.message
}
