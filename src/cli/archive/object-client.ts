/** The objects of one cache through the admin API, one request at a time on one connection. */

import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { setTimeout as wait } from 'node:timers/promises'
import { parseJson, refusalError, socketReason, unreachableError } from '../admin-client.ts'
import type { AdminClientOptions } from '../admin-client.ts'

/** As `GET /api/caches/:name/objects` lists them, as far as it is used here. */
export interface ListedObject {
  readonly keyBase64Url: string
  readonly sizeBytes: number
  readonly kind: string
}

export interface ObjectPage {
  readonly objects: readonly ListedObject[]
  readonly nextAfter: string | null
}

export interface ObjectAnswer {
  readonly statusCode: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface ObjectUpload {
  readonly keyBase64Url: string
  readonly ttlSeconds: number
  readonly contentType: string
  /** '' for none. */
  readonly contentEncoding: string
  readonly body: Buffer
}

const PAGE_OBJECTS = 1000
const IDLE_MS = 60_000
const ATTEMPTS = 5
const RETRY_AFTER_SECONDS_MAX = 60
/** A page of the list, and more than any object. */
const ANSWER_BYTES_MAX = 1_100_000_000

export class ObjectClient {
  readonly #endpoint: AdminClientOptions
  readonly #cachePath: string
  readonly #agent: HttpAgent | HttpsAgent
  readonly #send: typeof httpRequest

  constructor(endpoint: AdminClientOptions, cacheName: string) {
    const isHttps = endpoint.adminUrl.startsWith('https:')
    const options = { keepAlive: true, maxSockets: 1 }
    this.#endpoint = endpoint
    this.#cachePath = `/api/caches/${encodeURIComponent(cacheName)}`
    this.#agent = isHttps ? new HttpsAgent(options) : new HttpAgent(options)
    this.#send = isHttps ? httpsRequest : httpRequest
  }

  /** @throws HeadwaterError as the server refuses it, such as `HW_CACHE_NOT_FOUND`. */
  async list(prefix: string, after: string | undefined): Promise<ObjectPage> {
    const query = new URLSearchParams({ prefix, limit: String(PAGE_OBJECTS) })
    if (after !== undefined) query.set('after', after)
    const answer = await this.#request('GET', `/objects?${query.toString()}`)
    if (answer.statusCode !== 200) throw this.#refusal(answer)
    // The server is this program: a 200 has the shape that its route declares.
    return parseJson(answer.body.toString('utf8')) as ObjectPage
  }

  /** @returns `undefined` when there is none. */
  async download(keyBase64Url: string): Promise<ObjectAnswer | undefined> {
    return this.#read('GET', keyBase64Url)
  }

  /** The head of {@link download}. */
  async look(keyBase64Url: string): Promise<ObjectAnswer | undefined> {
    return this.#read('HEAD', keyBase64Url)
  }

  /**
   * @returns `stored`; `ignored` when the server keeps what it has; else why it does not take this
   * one object.
   * @throws HeadwaterError when it would take no other object, either.
   */
  async upload(upload: ObjectUpload): Promise<'stored' | 'ignored' | { readonly reason: string }> {
    const { keyBase64Url, ttlSeconds, contentType, contentEncoding, body } = upload
    const path = `/object?keyBase64Url=${keyBase64Url}&ttlSeconds=${ttlSeconds}`
    const answer = await this.#request('PUT', path, body, {
      ...(contentType === '' ? {} : { 'content-type': contentType }),
      ...(contentEncoding === '' ? {} : { 'content-encoding': contentEncoding }),
    })
    if (answer.statusCode === 201) return 'stored'
    if (answer.statusCode === 204) return 'ignored'
    const refusal = this.#refusal(answer)
    if ([400, 413, 422, 507].includes(answer.statusCode)) return { reason: refusal.message }
    throw refusal
  }

  close(): void {
    this.#agent.destroy()
  }

  async #read(method: 'GET' | 'HEAD', keyBase64Url: string): Promise<ObjectAnswer | undefined> {
    const answer = await this.#request(method, `/object?keyBase64Url=${keyBase64Url}`)
    if (answer.statusCode === 200) return answer
    // A cache that is gone is found out by the next list or upload.
    if (answer.statusCode === 404) return undefined
    throw this.#refusal(answer)
  }

  #refusal({ statusCode, body }: ObjectAnswer) {
    const problem = parseJson(body.toString('utf8'))
    return refusalError(this.#endpoint.adminUrl, { statusCode, body: problem })
  }

  /** Again after 429 and 503, when asked to, and after a connection that broke: all of it is safe. */
  async #request(
    method: string,
    path: string,
    body?: Buffer,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<ObjectAnswer> {
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await this.#requestOnce(method, path, body, headers)
        const isBusy = answer.statusCode === 429 || answer.statusCode === 503
        if (!isBusy || attempt === ATTEMPTS) return answer
        const seconds = Number(answer.headers['retry-after'] ?? 1)
        await wait(1000 * Math.min(Math.max(seconds || 0, 0), RETRY_AFTER_SECONDS_MAX))
      } catch (error) {
        const isGone = error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
        if (isGone || attempt === ATTEMPTS) {
          throw unreachableError(this.#endpoint.adminUrl, socketReason(error), error)
        }
      }
    }
  }

  #requestOnce(
    method: string,
    path: string,
    body: Buffer | undefined,
    headers: Readonly<Record<string, string>>,
  ): Promise<ObjectAnswer> {
    const { adminUrl, key } = this.#endpoint
    return new Promise((resolve, reject) => {
      const request = this.#send(`${adminUrl}${this.#cachePath}${path}`, {
        method,
        agent: this.#agent,
        timeout: IDLE_MS,
        headers: {
          ...headers,
          ...(key === undefined ? {} : { authorization: key }),
          ...(body === undefined ? {} : { 'content-length': body.length }),
        },
      })
      request.on('timeout', () => request.destroy(new Error('it is silent for a minute')))
      request.on('error', reject)
      request.on('response', (response) => {
        const chunks: Buffer[] = []
        let sizeBytes = 0
        response.on('data', (chunk: Buffer) => {
          sizeBytes += chunk.length
          if (sizeBytes > ANSWER_BYTES_MAX) request.destroy(new Error('the answer has no end'))
          else chunks.push(chunk)
        })
        response.on('error', reject)
        response.on('end', () => {
          const { statusCode = 0, headers: answered } = response
          resolve({ statusCode, headers: answered, body: Buffer.concat(chunks) })
        })
      })
      request.end(body)
    })
  }
}
