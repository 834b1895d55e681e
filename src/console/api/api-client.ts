/**
 * The admin API over fetch: adds the session, turns refusals into `ApiError`, tells the
 * connection whether anybody answered. The only place of the console that talks to `/api`.
 */

import { UnreachableError, toApiError } from './api-error.ts'
import type { SessionStore } from './session.ts'

export interface ApiClientOptions {
  readonly fetch: typeof fetch
  readonly session: SessionStore
  /** The session is not, or no longer, accepted. */
  readonly onUnauthorized: () => void
  readonly onReached: () => void
  readonly onUnreachable: () => void
}

export interface RequestOptions {
  readonly method?: string
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is; instead of `body`. */
  readonly bytes?: Blob
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** Needs no session, and its 401 is about a key. */
export const SIGN_IN_PATH = '/api/sign-in'

/** What a proxy in front of a dead server answers. */
const GATEWAY_STATUS_CODES = new Set([502, 503, 504])

export class ApiClient {
  readonly #options: ApiClientOptions

  constructor(options: ApiClientOptions) {
    this.#options = options
  }

  /**
   * One request, its answer as JSON. The caller names the type that the admin API documents.
   *
   * @throws ApiError, UnreachableError, or the signal's reason.
   */
  async request<T>(path: string, options: RequestOptions = {}): Promise<T> {
    const response = await this.fetch(path, options)
    const text = await this.#text(response, options.signal)
    // The contract between the API and its types; both are tested against the same OpenAPI text.
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  /**
   * One request whose answer the caller reads: downloads, events.
   *
   * @returns An answer with a status below 400.
   * @throws as `request`.
   */
  async fetch(path: string, options: RequestOptions = {}): Promise<Response> {
    const sent = this.#options.session.get()?.session
    const response = await this.#send(path, options)
    if (response.ok) {
      this.#options.onReached()
      return response
    }
    const error = toApiError(response.status, await this.#text(response, options.signal))
    if (GATEWAY_STATUS_CODES.has(response.status) && error.code === '') {
      this.#options.onUnreachable()
      throw new UnreachableError(error)
    }
    this.#options.onReached()
    // A late answer to the session before is none to this one's; a wrong key ends no session.
    const isCurrent = sent === this.#options.session.get()?.session
    if (error.statusCode === 401 && isCurrent && path !== SIGN_IN_PATH) {
      this.#options.onUnauthorized()
    }
    throw error
  }

  async #send(path: string, options: RequestOptions): Promise<Response> {
    const session = this.#options.session.get()
    const headers: Record<string, string> = { accept: 'application/json', ...options.headers }
    if (session !== undefined) headers['authorization'] = `Bearer ${session.session}`
    if (options.body !== undefined) headers['content-type'] = 'application/json'
    const body = options.bytes ?? (options.body === undefined ? null : JSON.stringify(options.body))
    const init = {
      method: options.method ?? 'GET',
      headers,
      body,
      signal: options.signal ?? null,
      cache: 'no-store' as const,
      credentials: 'omit' as const,
      redirect: 'error' as const,
    }
    return this.#reach(options.signal, () => this.#options.fetch(path, init))
  }

  #text(response: Response, signal: AbortSignal | undefined): Promise<string> {
    return this.#reach(signal, () => response.text())
  }

  async #reach<T>(signal: AbortSignal | undefined, act: () => Promise<T>): Promise<T> {
    try {
      return await act()
    } catch (error) {
      // The caller's own doing says nothing about the server.
      if (signal?.aborted === true) throw error
      this.#options.onUnreachable()
      throw new UnreachableError(error)
    }
  }
}

/** A path with its variable parts encoded: ``apiPath`/api/caches/${name}` ``. Slashes stay. */
export function apiPath(strings: TemplateStringsArray, ...values: readonly string[]): string {
  return strings.reduce((path, text, index) => {
    const value = values[index]
    return path + text + (value === undefined ? '' : encodePath(value))
  }, '')
}

function encodePath(text: string): string {
  return text.split('/').map(encodeURIComponent).join('/')
}
