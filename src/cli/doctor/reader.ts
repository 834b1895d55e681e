/**
 * Reads as a player on another site would: with an `Origin`, with the key where it belongs and
 * nowhere else, through redirects. The key goes to the host that the user named, and to no other.
 */

import type { Outcome } from './answer.ts'
import type { Ask, ProbeClient } from './probe-client.ts'

/** How the key is sent. */
export type KeyMode = 'header' | 'query' | 'none'

/** What a page on another site sends; a reserved name (RFC 2606). */
export const PAGE_ORIGIN = 'https://player.invalid'

const REDIRECTS_MAX = 3

export interface ReadOptions extends Omit<Ask, 'url'> {
  readonly mode?: KeyMode
  /** Instead of the reader's own. */
  readonly key?: string | undefined
}

export interface Read {
  readonly outcome: Outcome
  /** Where it came from in the end, without the key that was put on it. */
  readonly url: string
}

export class Reader {
  readonly #client: ProbeClient
  readonly #key: string | undefined
  /** Where the key may go. */
  readonly #trusted: URL
  readonly #userAgent: string
  /** How the key is sent unless a read says otherwise. */
  mode: KeyMode = 'none'

  constructor(options: {
    readonly client: ProbeClient
    readonly url: string
    readonly key: string | undefined
    readonly userAgent: string
  }) {
    this.#client = options.client
    this.#key = options.key
    this.#trusted = new URL(options.url)
    this.#userAgent = options.userAgent
  }

  async get(url: string, options: ReadOptions = {}): Promise<Outcome> {
    return (await this.follow(url, options)).outcome
  }

  /** Like {@link get}, and says where redirects led. */
  async follow(url: string, options: ReadOptions = {}): Promise<Read> {
    let current = url
    for (let count = 0; ; count++) {
      const outcome = await this.#ask(current, options)
      const location = outcome.kind === 'answer' ? outcome.headers['location'] : undefined
      const isRedirect = outcome.kind === 'answer' && /^30[12378]$/.test(String(outcome.status))
      if (!isRedirect || location === undefined) return { outcome, url: current }
      const next = resolveUri(location, current)
      if (next === undefined) return { outcome, url: current }
      if (count === REDIRECTS_MAX) {
        return { outcome: { kind: 'failure', code: 'REDIRECTS' }, url: current }
      }
      current = next
    }
  }

  #ask(url: string, options: ReadOptions): Promise<Outcome> {
    const { mode = this.mode, key = this.#key, headers = {}, ...ask } = options
    const mayHaveKey = key !== undefined && this.#isTrusted(url)
    // A URI of a playlist may bring its own; profile `momento` refuses two credentials.
    const hasOwnToken = /[?&]token=[^&#]/.test(url)
    const usedMode = mayHaveKey && !hasOwnToken ? mode : 'none'
    return this.#client.ask({
      ...ask,
      url: usedMode === 'query' ? withToken(url, key ?? '') : url,
      headers: {
        'user-agent': this.#userAgent,
        accept: '*/*',
        'accept-encoding': 'identity',
        origin: PAGE_ORIGIN,
        ...(usedMode === 'header' ? { authorization: key ?? '' } : {}),
        ...headers,
      },
    })
  }

  /** The same host, and never from https to http. */
  #isTrusted(url: string): boolean {
    const { hostname, protocol } = new URL(url)
    return (
      hostname === this.#trusted.hostname &&
      (protocol === 'https:' || this.#trusted.protocol === 'http:')
    )
  }
}

/** As a player resolves it; `undefined` when it is no http URL. */
export function resolveUri(uri: string, base: string): string | undefined {
  let url: URL
  try {
    url = new URL(uri, base)
  } catch {
    // Node's words quote the URI: they go no further.
    return undefined
  }
  url.hash = ''
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : undefined
}

/** The URL with one more parameter; what is there is not written anew. */
export function withParameter(url: string, name: string, value: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}${name}=${encodeURIComponent(value)}`
}

function withToken(url: string, key: string): string {
  return withParameter(url, 'token', key)
}
