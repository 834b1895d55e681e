/** URLs of a source: what may be asked for, whose credential goes with it, and how it is shown. */

import { toPlainText } from '../../base/plain-text.ts'
import { redactText } from '../../base/redact.ts'

/** Longer ones are no URL of a playlist that anybody serves. */
export const URL_CHARS_MAX = 8192

/** @returns `undefined` when it is no `http:` or `https:` URL, or too long. */
export function parseSourceUrl(text: string, base?: URL): URL | undefined {
  if (text.length > URL_CHARS_MAX || !URL.canParse(text, base?.href)) return undefined
  const url = new URL(text, base)
  url.hash = ''
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined
}

/** For messages: without user information, query and control characters. */
export function showUrl(url: URL, charsMax = 160): string {
  return toPlainText(redactText(`${url.origin}${url.pathname}`), charsMax)
}

/** What names a resource while signatures in its query come and go. */
export function identityOf(url: URL): string {
  return `${url.origin}${url.pathname}`
}

/** Basic credentials that the user gave in the source's URL: for that scheme, host and port alone. */
export class SourceCredentials {
  readonly #origin: string
  readonly #authorization: string | undefined

  /** @param source  As typed, with its user information. */
  constructor(source: URL) {
    this.#origin = source.origin
    this.#authorization = basicOf(source)
  }

  /** `Authorization` for this request; a URL's own user information goes first. */
  for(url: URL): string | undefined {
    const own = basicOf(url)
    return own ?? (url.origin === this.#origin ? this.#authorization : undefined)
  }
}

function basicOf({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined
  const text = `${decode(username)}:${decode(password)}`
  return `Basic ${Buffer.from(text, 'utf8').toString('base64')}`
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // Not percent-encoding: taken as it is.
    return text
  }
}
