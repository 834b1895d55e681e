/**
 * GET requests to a source that is not trusted: each address and each redirect is checked, and time,
 * size and number of everything is bounded. It retries nothing; who asks decides what a failure means.
 */

import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import { parseHttpDate } from '../../base/dates.ts'
import { VERSION } from '../../base/version.ts'
import type { ByteRange } from '../../hls/playlist.ts'
import type { AddressRules } from './address-rules.ts'
import { AddressRefused, guardedLookup, systemResolve } from './guarded-lookup.ts'
import type { ResolveAll } from './guarded-lookup.ts'
import { readSourceBody } from './source-body.ts'
import { parseSourceUrl } from './source-url.ts'
import type { SourceCredentials } from './source-url.ts'

export interface SourceAsk {
  readonly url: URL
  /** Beyond it the body is refused. Counted after decoding. */
  readonly bodyBytesMax: number
  /** For the whole answer, redirects included, ms. */
  readonly answerMsMax: number
  /** Only these bytes. */
  readonly range?: ByteRange | undefined
  /** What is known already: answered `unchanged` when it is still so. */
  readonly known?: SourceValidators | undefined
  /** Whether the body may come compressed: for texts. */
  readonly isText?: boolean
}

export interface SourceValidators {
  readonly etag: string | undefined
  readonly lastModified: string | undefined
}

/** What became of a request. A failure is a value: it is expected and tried again. */
export type SourceOutcome = SourceAnswer | { readonly kind: 'unchanged' } | SourceFailure

export interface SourceAnswer {
  readonly kind: 'answer'
  readonly body: Buffer
  /** After redirects: what relative URIs in it are relative to. */
  readonly url: URL
  readonly validators: SourceValidators
  /** '' when the source says none. */
  readonly contentType: string
}

export interface SourceFailure {
  readonly kind: 'failed'
  /** Absent when no answer came. */
  readonly statusCode: number | undefined
  /** For people; without credentials. */
  readonly reason: string
  /**
   * `refused`: this client may not ask that; `gone`: there is no such thing; `busy`: later, by all
   * means; `broken`: anything else. Only `refused` is for ever.
   */
  readonly cause: 'refused' | 'gone' | 'busy' | 'broken'
  /** As the source asked, at most {@link RETRY_AFTER_SECONDS_MAX}. */
  readonly retryAfterSeconds: number | undefined
}

export interface SourceClientOptions {
  readonly rules: AddressRules
  readonly credentials: SourceCredentials
  readonly clock: Clock
  /** Connections to one host. */
  readonly connectionsMax: number
  /** Without a byte for so long, ms. Default 10 s. */
  readonly idleMsMax?: number
  /** The system's resolver when absent. */
  readonly resolve?: ResolveAll
}

export const REDIRECTS_MAX = 5
export const RETRY_AFTER_SECONDS_MAX = 300
const IDLE_MS_MAX = 10_000
export const USER_AGENT = `headwater/${VERSION}`

export class SourceClient {
  readonly #options: SourceClientOptions
  readonly #agents: { readonly 'http:': HttpAgent; readonly 'https:': HttpsAgent }
  readonly #running = new Set<AbortController>()
  #isClosed = false
  /** Hosts that asked for a pause, and until when. */
  readonly #pausedUntilMonotonicMs = new Map<string, number>()

  constructor(options: SourceClientOptions) {
    this.#options = options
    const { connectionsMax: maxSockets, rules, resolve = systemResolve } = options
    const agentOptions = { keepAlive: true, maxSockets, lookup: guardedLookup(rules, resolve) }
    this.#agents = { 'http:': new HttpAgent(agentOptions), 'https:': new HttpsAgent(agentOptions) }
  }

  /** Never throws. */
  async get(ask: SourceAsk): Promise<SourceOutcome> {
    const pauseMs =
      (this.#pausedUntilMonotonicMs.get(ask.url.host) ?? 0) - this.#options.clock.monotonicMs()
    if (pauseMs > 0) {
      return {
        ...failure('busy', 'the source asked for a pause'),
        retryAfterSeconds: pauseMs / 1000,
      }
    }
    // Not AbortSignal.any: what it joins to a signal that lives as long as the pull is never let go
    // (Node 20).
    const controller = new AbortController()
    this.#running.add(controller)
    // Sockets' own timeouts are for silence; this one is for an answer that drips.
    const deadline = AbortSignal.timeout(ask.answerMsMax)
    const giveUp = () => controller.abort()
    deadline.addEventListener('abort', giveUp)
    if (this.#isClosed) controller.abort()
    try {
      return await this.#follow(ask, controller.signal, deadline)
    } finally {
      deadline.removeEventListener('abort', giveUp)
      this.#running.delete(controller)
    }
  }

  /** Ends the connections; what is under way fails. Safe to call twice. */
  close(): void {
    this.#isClosed = true
    for (const controller of this.#running) controller.abort()
    for (const agent of Object.values(this.#agents)) agent.destroy()
  }

  async #follow(
    ask: SourceAsk,
    signal: AbortSignal,
    deadline: AbortSignal,
  ): Promise<SourceOutcome> {
    let url = ask.url
    for (let redirectCount = 0; redirectCount <= REDIRECTS_MAX; redirectCount++) {
      const step = await this.#getOnce(ask, url, signal)
      if (step.kind === 'failed' && deadline.aborted) {
        return failure('broken', `no whole answer within ${Math.round(ask.answerMsMax / 1000)} s`)
      }
      if (step.kind !== 'redirect') return step
      const next = step.location === undefined ? undefined : parseSourceUrl(step.location, url)
      if (next === undefined) return failure('refused', 'it redirects to no http or https URL')
      url = next
    }
    return failure('refused', `it redirects more than ${REDIRECTS_MAX} times`)
  }

  async #getOnce(ask: SourceAsk, url: URL, signal: AbortSignal): Promise<Step> {
    // A socket looks up names alone: addresses are connected to as they are.
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    const verdict = isIP(host) === 0 ? undefined : this.#options.rules.check(host)
    if (verdict !== undefined) return failure('refused', refusedWords(`it is ${verdict}`))
    const first = await this.#send(ask, url, signal)
    // A kept connection may have been closed by the server while it was idle (RFC 9112 §9.3.1).
    return first === 'stale' ? asStep(await this.#send(ask, url, signal)) : first
  }

  #send(ask: SourceAsk, url: URL, signal: AbortSignal): Promise<Step | 'stale'> {
    return new Promise((resolve) => {
      let request: ClientRequest
      try {
        request = this.#open(ask, url, signal)
      } catch {
        // Node's words quote the URL, which may hold a credential.
        return resolve(failure('refused', 'the URL cannot be asked for'))
      }
      const { idleMsMax = IDLE_MS_MAX } = this.#options
      request.setTimeout(idleMsMax, () => request.destroy(new Error('it is silent')))
      let isAnswered = false
      request.on('error', (error) => {
        const isStale = request.reusedSocket && !isAnswered && !signal.aborted
        resolve(isStale ? 'stale' : failureOf(error))
      })
      request.on('response', (response) => {
        isAnswered = true
        void this.#readAnswer(ask, url, response).then(resolve)
      })
      request.end()
    })
  }

  #open(ask: SourceAsk, url: URL, signal: AbortSignal): ClientRequest {
    const { range, known, isText = false } = ask
    const authorization = this.#options.credentials.for(url)
    const last = range === undefined ? 0 : range.offsetBytes + range.lengthBytes - 1
    const bare = new URL(url)
    bare.username = ''
    bare.password = ''
    const options: RequestOptions = {
      signal,
      headers: {
        accept: '*/*',
        'accept-encoding': isText ? 'gzip, deflate, br' : 'identity',
        'user-agent': USER_AGENT,
        ...(authorization === undefined ? {} : { authorization }),
        ...(range === undefined ? {} : { range: `bytes=${range.offsetBytes}-${last}` }),
        ...(known?.etag === undefined ? {} : { 'if-none-match': known.etag }),
        ...(known?.lastModified === undefined ? {} : { 'if-modified-since': known.lastModified }),
      },
    }
    return bare.protocol === 'https:'
      ? httpsRequest(bare, { ...options, agent: this.#agents['https:'] })
      : httpRequest(bare, { ...options, agent: this.#agents['http:'] })
  }

  async #readAnswer(ask: SourceAsk, url: URL, response: IncomingMessage): Promise<Step> {
    const { statusCode = 0, headers } = response
    if ([301, 302, 303, 307, 308].includes(statusCode)) {
      await discard(response)
      return { kind: 'redirect', location: headers.location }
    }
    if (statusCode === 304 && ask.known !== undefined) {
      await discard(response)
      return { kind: 'unchanged' }
    }
    if (statusCode !== 200 && !(statusCode === 206 && ask.range !== undefined)) {
      await discard(response)
      return this.#refusal(statusCode, url, response)
    }
    const skipBytes = statusCode === 206 ? 0 : (ask.range?.offsetBytes ?? 0)
    const read = await readSourceBody(response, {
      bytesMax: ask.bodyBytesMax,
      skipBytes,
      takeBytes: ask.range?.lengthBytes,
    })
    if (typeof read === 'string') return failure('broken', read, statusCode)
    return {
      kind: 'answer',
      body: read,
      url,
      validators: { etag: headers.etag, lastModified: headers['last-modified'] },
      contentType: headers['content-type'] ?? '',
    }
  }

  #refusal(
    statusCode: number,
    { host }: URL,
    { statusMessage, headers }: IncomingMessage,
  ): SourceFailure {
    const words = /^[\x20-\x7e]{1,60}$/.test(statusMessage ?? '') ? ` ${statusMessage}` : ''
    const isBusy = statusCode === 429 || statusCode === 503
    const cause = statusCode === 404 || statusCode === 410 ? 'gone' : isBusy ? 'busy' : 'broken'
    const { clock } = this.#options
    const retryAfterSeconds = retryAfterOf(headers['retry-after'], clock.nowMs())
    if (isBusy && retryAfterSeconds !== undefined) {
      const pausedUntilMonotonicMs = clock.monotonicMs() + retryAfterSeconds * 1000
      this.#pausedUntilMonotonicMs.set(host, pausedUntilMonotonicMs)
    }
    return {
      ...failure(cause, `the source answers ${statusCode}${words}`, statusCode),
      retryAfterSeconds,
    }
  }
}

type Step = SourceOutcome | { readonly kind: 'redirect'; readonly location: string | undefined }

function asStep(step: Step | 'stale'): Step {
  return step === 'stale' ? failure('broken', 'the connection was closed') : step
}

function failure(
  cause: SourceFailure['cause'],
  reason: string,
  statusCode?: number,
): SourceFailure {
  return { kind: 'failed', cause, reason, statusCode, retryAfterSeconds: undefined }
}

function failureOf(error: Error): SourceFailure {
  if (error instanceof AddressRefused) return failure('refused', refusedWords(error.message))
  const code = 'code' in error ? String(error.code) : ''
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'nothing listens there',
    ENOTFOUND: 'there is no such host',
    EAI_AGAIN: 'the name cannot be resolved now',
    ECONNRESET: 'the connection was closed',
    ABORT_ERR: 'it was given up',
  }
  // Node's other words may quote what was asked for.
  return failure('broken', words[code] ?? (code === '' ? error.message : code))
}

function refusedWords(what: string): string {
  return `${what}, which a pull may not ask unless it is allowed`
}

/** Seconds or a date (RFC 9110 §10.2.3); `undefined` when it is neither. */
function retryAfterOf(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined
  const dateMs = parseHttpDate(text)
  const seconds = dateMs === undefined ? Number(text.trim() || NaN) : (dateMs - nowMs) / 1000
  if (!Number.isFinite(seconds)) return undefined
  return Math.min(Math.max(seconds, 0), RETRY_AFTER_SECONDS_MAX)
}

/** What is small is read to its end, so that the connection serves again; else it is closed. */
function discard(response: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let sizeBytes = 0
    response.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length
      if (sizeBytes > 65_536) response.destroy()
    })
    response.on('error', () => resolve())
    response.on('close', () => resolve())
    response.on('end', () => resolve())
  })
}
