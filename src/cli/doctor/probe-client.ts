/**
 * Requests of the doctor: reading methods only, one at a time, over kept connections, bounded in
 * number, time and bytes. Follows nothing and decodes nothing: what came is a fact.
 */

import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { TLSSocket } from 'node:tls'
import type { Clock } from '../../base/clock.ts'
import { parseHttpDate } from '../../base/dates.ts'
import type { Answer, Outcome, TlsFacts } from './answer.ts'

export interface Ask {
  /** `http:` or `https:`. */
  readonly url: string
  readonly method?: 'GET' | 'HEAD' | 'OPTIONS'
  readonly headers?: Readonly<Record<string, string>>
  /** Beyond it the connection is cut. Default 1 MiB. */
  readonly bodyBytesMax?: number
}

export interface ProbeClientOptions {
  readonly clock: Clock
  /** Default 60. */
  readonly requestsMax?: number
  /** Without a byte for so long, ms. Default 10 s. */
  readonly idleMsMax?: number
  /** For one whole answer, ms. Default 30 s. */
  readonly answerMsMax?: number
}

const REQUESTS_MAX = 60
const IDLE_MS_MAX = 10_000
const ANSWER_MS_MAX = 30_000
const BODY_BYTES_MAX = 1024 * 1024

export class ProbeClient {
  readonly #options: ProbeClientOptions
  readonly #agents = {
    'http:': new HttpAgent({ keepAlive: true, maxSockets: 1 }),
    'https:': new HttpsAgent({ keepAlive: true, maxSockets: 1 }),
  }
  readonly #answers: Answer[] = []
  #requestCount = 0

  constructor(options: ProbeClientOptions) {
    this.#options = options
  }

  /** Requests sent so far. */
  get requestCount(): number {
    return this.#requestCount
  }

  /** All answers so far, oldest first. */
  get answers(): readonly Answer[] {
    return this.#answers
  }

  /** Never throws: what went wrong is an outcome, too. */
  async ask(ask: Ask): Promise<Outcome> {
    const first = await this.#send(ask)
    // A server may close a kept connection at the moment it is used again (RFC 9112 §9.3.1).
    const isStale = first.kind === 'failure' && first.code === STALE
    const outcome = isStale ? await this.#send(ask) : first
    if (outcome.kind === 'answer') this.#answers.push(outcome)
    return outcome.kind === 'failure' && outcome.code === STALE ? failure('ECONNRESET') : outcome
  }

  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy()
  }

  #send(ask: Ask): Promise<Outcome> {
    if (this.#requestCount >= (this.#options.requestsMax ?? REQUESTS_MAX)) {
      return Promise.resolve(failure('BUDGET'))
    }
    this.#requestCount++
    const { clock, idleMsMax = IDLE_MS_MAX, answerMsMax = ANSWER_MS_MAX } = this.#options
    const startedAtMs = clock.nowMs()
    return new Promise((resolve) => {
      let request: ClientRequest
      try {
        request = this.#open(ask)
      } catch {
        // Node's words quote the URL, which may hold a credential.
        return resolve(failure('URL'))
      }
      // The socket's own timeout is for silence; this one is for an answer that drips.
      const deadline = AbortSignal.timeout(answerMsMax)
      const giveUp = () => request.destroy(new ProbeTimeout())
      deadline.addEventListener('abort', giveUp)
      const settle = (outcome: Outcome) => {
        deadline.removeEventListener('abort', giveUp)
        resolve(outcome)
      }
      request.setTimeout(idleMsMax, giveUp)
      request.on('error', (error) => settle(failureOf(error, request)))
      request.on('response', (response) => {
        // Asked for now: a socket that is gone by the end no longer knows.
        const tls = tlsFactsOf(request)
        const isReused = request.reusedSocket
        readBody(response, ask.bodyBytesMax ?? BODY_BYTES_MAX, ({ body, isCut }) => {
          settle({
            ...{ kind: 'answer', url: ask.url, status: response.statusCode ?? 0 },
            ...{ headers: flatHeaders(response), body, isCut, isReused, tls },
            ...{ startedAtMs, endedAtMs: clock.nowMs() },
          })
        })
      })
      request.end()
    })
  }

  #open(ask: Ask): ClientRequest {
    const url = new URL(ask.url)
    const options = { method: ask.method ?? 'GET', headers: { ...ask.headers } }
    return url.protocol === 'https:'
      ? httpsRequest(url, { ...options, agent: this.#agents['https:'] })
      : httpRequest(url, { ...options, agent: this.#agents['http:'] })
  }
}

/** Ours: a kept connection that was closed under the request. Never leaves this module. */
const STALE = 'STALE'

class ProbeTimeout extends Error {
  override readonly name = 'ProbeTimeout'
}

function failure(code: string): Outcome {
  return { kind: 'failure', code }
}

function failureOf(error: Error, request: ClientRequest): Outcome {
  if (error instanceof ProbeTimeout) return failure('TIMEOUT')
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN'
  const isStale = request.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE')
  return failure(isStale ? STALE : code)
}

function readBody(
  response: IncomingMessage,
  bytesMax: number,
  done: (read: { readonly body: Buffer; readonly isCut: boolean }) => void,
): void {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  let isDone = false
  const finish = (isCut: boolean) => {
    if (isDone) return
    isDone = true
    done({ body: Buffer.concat(chunks), isCut })
  }
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    sizeBytes += chunk.length
    if (sizeBytes <= bytesMax) return
    finish(true)
    response.destroy()
  })
  response.on('end', () => finish(false))
  // Whatever the reason, what came so far is what a player would have.
  response.on('error', () => finish(true))
  response.on('close', () => finish(true))
}

function flatHeaders(response: IncomingMessage): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  )
}

function tlsFactsOf(request: ClientRequest): TlsFacts | undefined {
  const { socket } = request
  if (!(socket instanceof TLSSocket)) return undefined
  const { valid_to: validTo } = socket.getPeerCertificate()
  return {
    protocol: socket.getProtocol() ?? 'TLS',
    // OpenSSL's form is asctime's without its weekday, which no parser checks.
    certificateExpiresAtMs: validTo === undefined ? undefined : parseHttpDate(`Mon ${validTo}`),
  }
}
