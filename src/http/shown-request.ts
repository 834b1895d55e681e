/**
 * What of a request may be shown: its texts without credentials, control characters and excess.
 * Access log and recent requests take every text of a client from here.
 */

import type { ClientAddresses } from '../auth/client-address.ts'
import { credentialFromAuthorization, unwrapCredential } from '../auth/credential.ts'
import { formatItemKey } from '../base/names.ts'
import { toPlainText } from '../base/plain-text.ts'
import { redactText } from '../base/redact.ts'
import type { RequestRecord } from './request-record.ts'

/** What is needed to know a request's own credentials. */
type RequestTexts = Pick<RequestRecord, 'request' | 'target'>

/** Longest key and longest User-Agent that is shown, chars. */
export const SHOWN_KEY_CHARS_MAX = 300
export const SHOWN_USER_AGENT_CHARS_MAX = 200

const REDACTED = '[redacted]'

/** The client's address: the rightmost untrusted hop, as the authenticator counts it. */
export function shownClientAddress(record: RequestRecord, addresses: ClientAddresses): string {
  const forwarded = headerText(record, 'x-forwarded-for')
  return toPlainText(addresses.of(record.remoteAddress, forwarded), 64)
}

/** '' when the target named none. */
export function shownKey(record: RequestRecord): string {
  const { problem, key } = record.target
  return problem === undefined ? shownText(record, formatItemKey(key), SHOWN_KEY_CHARS_MAX) : ''
}

/** '' when the target named none. */
export function shownCacheName(record: RequestTexts): string {
  const { problem, cacheName } = record.target
  return problem === undefined ? shownText(record, cacheName, 255) : ''
}

export function shownUserAgent(record: RequestTexts): string {
  const text = record.request.headers['user-agent'] ?? ''
  // Cut first: redaction is linear, but the bound of a header block is 32 KiB.
  return shownText(record, text.slice(0, 4096), SHOWN_USER_AGENT_CHARS_MAX)
}

/**
 * A text of the client without anything that looks like a credential and without those of this very
 * request, whatever they look like.
 */
export function shownText(record: RequestTexts, text: string, charsMax: number): string {
  if (text === '') return ''
  const own = credentialsOf(record)
  const shown = redactOwn(text, own)
  // Encoded once more than it was read: nothing of it is worth the risk.
  if (text.includes('%')) {
    const decoded = decodeFully(text)
    if (redactOwn(decoded, own) !== decoded) return REDACTED
  }
  return toPlainText(shown, charsMax)
}

/** One value of a header; several are joined by commas. */
export function headerText(record: RequestRecord, name: string): string | undefined {
  const value = record.request.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

function redactOwn(text: string, own: readonly string[]): string {
  let shown = text
  for (const credential of own) shown = shown.replaceAll(credential, REDACTED)
  return redactText(shown)
}

/** Every form in which the request's credentials may be repeated. */
function credentialsOf(record: RequestTexts): readonly string[] {
  const { authorization } = record.request.headers
  const { token } = record.target
  if (authorization === undefined && token === '') return []
  const forms = new Set<string>()
  const add = (credential: string | undefined) => {
    // A shorter one is no secret, and would tear holes into every text.
    if (credential !== undefined && credential.length >= 6) forms.add(credential)
  }
  for (const credential of [
    token,
    authorization?.trim(),
    authorization?.trim().split(/\s+/)[1],
    authorization === undefined ? undefined : credentialFromAuthorization(authorization),
  ]) {
    if (credential === undefined || credential === '') continue
    add(credential)
    add(encodeURIComponent(credential))
    const inner = unwrapCredential(credential)
    add(inner)
  }
  // The longest first: a wrapper is not to leave its ends standing.
  return [...forms].sort((a, b) => b.length - a.length)
}

/** Percent-decoding until nothing changes, three times at most; what is malformed stays. */
function decodeFully(text: string): string {
  let decoded = text
  for (let round = 0; round < 3; round++) {
    const next = decodeLeniently(decoded)
    if (next === decoded) break
    decoded = next
  }
  return decoded
}

function decodeLeniently(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}
