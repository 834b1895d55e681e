/** The admin API of a running server as a {@link Control}. */

import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { GrantRequest } from '../auth/key-request.ts'
import type { KeyInfo } from '../auth/key-service.ts'
import { ERROR_KINDS, HeadwaterError } from '../base/errors.ts'
import type { ErrorCode } from '../base/errors.ts'
import type { CacheSettings } from '../config/schema.ts'
import type { CacheView } from '../http/admin/cache-routes.ts'
import type { KeyView } from '../http/admin/key-routes.ts'
import type { Control, RevokedThing } from './control.ts'

export interface AdminClientOptions {
  /** Without a slash at its end. */
  readonly adminUrl: string
  /** Absent: the server will say that it needs one. */
  readonly key: string | undefined
}

interface Answer {
  readonly statusCode: number
  readonly body: unknown
}

const TIMEOUT_MS = 10_000
const ANSWER_BYTES_MAX = 64 * 1024 * 1024

export class AdminClient implements Control {
  readonly where: string
  readonly #options: AdminClientOptions

  constructor(options: AdminClientOptions) {
    this.#options = options
    this.where = `the server at ${options.adminUrl}`
  }

  /** @throws HeadwaterError `HW_CLI_SERVER_UNREACHABLE`; as the server refuses the key. */
  async requireServer(): Promise<void> {
    const info = await this.#call('GET', '/api/server')
    if (typeof info === 'object' && info !== null && 'adminUrl' in info) return
    throw this.#unreachable('what answers there is not Headwater')
  }

  /** Whether the server of this process id answers here, and not another one on its old port. */
  async isServer(pid: number): Promise<boolean> {
    try {
      const { statusCode, body } = await this.#send('GET', '/api/server', undefined)
      // Without a key the server cannot be asked who it is, but it is one: its words are better
      // than those about a locked directory.
      if (statusCode === 401 && isProblem(body)) return true
      return typeof body === 'object' && body !== null && 'pid' in body && body.pid === pid
    } catch {
      // Ignored: nobody answers, so the file is stale; the directory's lock has the last word.
      return false
    }
  }

  /**
   * Any other route. @param path  With `/api` and its query, encoded.
   *
   * @param timeoutMs  How long the server may be silent; 10 s.
   * @throws HeadwaterError as the server refuses, `HW_CLI_SERVER_UNREACHABLE`.
   */
  async ask<Shape>(
    method: string,
    path: string,
    body?: unknown,
    timeoutMs = TIMEOUT_MS,
  ): Promise<Shape> {
    return answerOf<Shape>(await this.#call(method, path, body, timeoutMs))
  }

  async createKey(request: GrantRequest): Promise<{ key: KeyView; keyInfo: KeyInfo }> {
    return answerOf(await this.#call('POST', '/api/keys', request))
  }

  async importKey(request: GrantRequest & { readonly credential: string }): Promise<KeyView> {
    return answerOf<{ key: KeyView }>(await this.#call('POST', '/api/keys/import', request)).key
  }

  async listKeys(): Promise<readonly KeyView[]> {
    return answerOf<{ keys: KeyView[] }>(await this.#call('GET', '/api/keys')).keys
  }

  async showKey(keyId: string): Promise<KeyView> {
    return answerOf<{ key: KeyView }>(await this.#call('GET', keyPath(keyId))).key
  }

  async revokeKey(keyId: string): Promise<KeyView> {
    return answerOf<{ key: KeyView }>(await this.#call('DELETE', keyPath(keyId))).key
  }

  async revokeAny(what: RevokedThing): Promise<string> {
    return answerOf<{ keyId: string }>(await this.#call('POST', '/api/keys/revoke', what)).keyId
  }

  async refreshKey(refreshToken: string): Promise<{ key: KeyView; keyInfo: KeyInfo }> {
    return answerOf(await this.#call('POST', '/api/keys/refresh', { refreshToken }))
  }

  async createCache(name: string, settings: Partial<CacheSettings>): Promise<CacheView> {
    return answerOf(await this.#call('POST', '/api/caches', { name, settings }))
  }

  async listCaches(): Promise<readonly CacheView[]> {
    return answerOf<{ caches: CacheView[] }>(await this.#call('GET', '/api/caches')).caches
  }

  async showCache(name: string): Promise<CacheView> {
    return answerOf(await this.#call('GET', cachePath(name)))
  }

  async setCache(name: string, settings: Partial<CacheSettings>): Promise<CacheView> {
    return answerOf(await this.#call('PATCH', cachePath(name), settings))
  }

  async flushCache(name: string): Promise<number> {
    const answer = await this.#call('POST', `${cachePath(name)}/flush`)
    return answerOf<{ flushedCount: number }>(answer).flushedCount
  }

  async deleteCache(name: string): Promise<void> {
    await this.#call('DELETE', cachePath(name))
  }

  /** For what a {@link Control} does not do. */
  get endpoint(): AdminClientOptions {
    return this.#options
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  async #call(
    method: string,
    path: string,
    body?: unknown,
    timeoutMs = TIMEOUT_MS,
  ): Promise<unknown> {
    let answer: Answer
    try {
      answer = await this.#send(method, path, body, timeoutMs)
    } catch (error) {
      throw this.#unreachable(socketReason(error), error)
    }
    if (answer.statusCode >= 200 && answer.statusCode < 300) return answer.body
    throw refusalError(this.#options.adminUrl, answer)
  }

  #send(method: string, path: string, body: unknown, timeoutMs = TIMEOUT_MS): Promise<Answer> {
    const { adminUrl, key } = this.#options
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    const send = adminUrl.startsWith('https:') ? httpsRequest : httpRequest
    return new Promise((resolve, reject) => {
      const request = send(`${adminUrl}${path}`, {
        method,
        agent: false,
        timeout: timeoutMs,
        headers: {
          connection: 'close',
          ...(key === undefined ? {} : { authorization: key }),
          ...(bytes === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': bytes.length }),
        },
      })
      request.on('timeout', () =>
        request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)),
      )
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
          const text = Buffer.concat(chunks).toString('utf8')
          resolve({ statusCode: response.statusCode ?? 0, body: parseJson(text) })
        })
      })
      request.end(bytes)
    })
  }

  #unreachable(reason: string, cause?: unknown): HeadwaterError {
    return unreachableError(this.#options.adminUrl, reason, cause)
  }
}

/** Nobody answers there, or somebody else. */
export function unreachableError(
  adminUrl: string,
  reason: string,
  cause?: unknown,
): HeadwaterError {
  return new HeadwaterError(
    'HW_CLI_SERVER_UNREACHABLE',
    `The admin API at ${adminUrl} does not answer: ${reason}.`,
    { detail: 'It is on the admin port (8081), not on the data plane (8080).', cause },
  )
}

/** The server's own error, if this is ours. */
export function refusalError(adminUrl: string, { statusCode, body }: Answer): HeadwaterError {
  if (!isProblem(body)) {
    return unreachableError(adminUrl, `it answered ${statusCode} in other words`)
  }
  const { code, message, detail } = body
  const known = isErrorCode(code) ? code : 'HW_REQUEST_INVALID'
  const hint =
    // A refresh token is a credential of its own, about which the server's words are right.
    known === 'HW_ADMIN_UNAUTHORIZED' && !message.startsWith('The refresh token')
      ? 'Set HEADWATER_ADMIN_KEY to a super-user key of that server (super-user-key.json in its data directory), or name that directory with --data-dir.'
      : detail === message
        ? undefined
        : detail
  return new HeadwaterError(known, message, hint === undefined ? {} : { detail: hint })
}

function keyPath(keyId: string): string {
  return `/api/keys/${encodeURIComponent(keyId)}`
}

function cachePath(name: string): string {
  return `/api/caches/${encodeURIComponent(name)}`
}

/** The server is this program: what it answers with 2xx has the shape its routes declare. */
function answerOf<Shape>(body: unknown): Shape {
  return body as Shape
}

/** `undefined` when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    // Ignored: an empty 204, or somebody else's page; whoever reads it checks.
    return undefined
  }
}

interface ProblemBody {
  readonly code: string
  readonly message: string
  readonly detail?: string
}

function isProblem(body: unknown): body is ProblemBody {
  if (typeof body !== 'object' || body === null) return false
  const { code, message, detail } = body as Record<string, unknown> // Checked in the next line.
  const isDetail = detail === undefined || typeof detail === 'string'
  return typeof code === 'string' && typeof message === 'string' && isDetail
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_KINDS, code)
}

/** Why a connection failed, in words. */
export function socketReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'ECONNREFUSED') return 'nothing listens there'
  if (code === 'ENOTFOUND') return 'there is no such host'
  return error.message === '' ? code : error.message
}
