/** Header fields and queries of a recorded request: what stays on the tape, and what must not. */

import { redactSecrets } from '../base/redact.ts'
import { containsCredential } from '../hls/credential-search.ts'

/** Fields that are credentials, by their name alone. */
const SECRET_FIELD = /authoriz|cookie|token|secret|passw|signature|credential|api-?key|session/i
/** Fields that would lead a request elsewhere, or make another request of it. */
const ROUTING_FIELD =
  /^(?:forwarded|via|destination|upgrade|http2-settings|te|trailer|keep-alive|proxy-.*|x-forwarded-.*|x-original-.*|x-rewrite-.*|x-real-ip|x-accel-.*|x-http-method.*|x-method-override)$/i
const SECRET_PARAMETER =
  /token|secret|passw|signature|^sig$|credential|api-?_?key|^x-amz-|^policy$|^key-pair-id$|session|^sign-in$/i
/** Shorter ones turn up by chance; none that is made or imported is. */
const CREDENTIAL_CHARS_MIN = 8

/** Whether a field may be on a tape, and be sent from one. */
export function isPlayableField(name: string): boolean {
  return !SECRET_FIELD.test(name) && !ROUTING_FIELD.test(name)
}

/** Whether a text of any kind holds one of these credentials, in any form. */
export function holdsCredential(text: string, credentials: Iterable<string>): boolean {
  for (const credential of credentials) {
    if (credential.length >= CREDENTIAL_CHARS_MIN && containsCredential(text, credential)) {
      return true
    }
  }
  return false
}

/** @param rawHeaders  Names and values in turn, as node gives them. */
export function recordedHeaders(
  rawHeaders: readonly string[],
  credentials: ReadonlySet<string>,
): [string, string][] {
  const kept: [string, string][] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    const value = rawHeaders[index + 1] ?? ''
    if (!isPlayableField(name) || redactSecrets(value) !== value) continue
    if (!holdsCredential(value, credentials)) kept.push([name, value])
  }
  return kept
}

/** A query without the parameters that are credentials or hold one; the others as they were. */
export function recordedQuery(query: string, credentials: ReadonlySet<string>): string {
  return query
    .split('&')
    .filter((parameter) => {
      const [name = ''] = parameter.split('=', 1)
      return !isSecretParameter(name) && !isSecretText(parameter, credentials)
    })
    .join('&')
}

/** @param name  Percent-decoded or not: those that matter need no escapes, and get none from encoders. */
export function isSecretParameter(name: string): boolean {
  return SECRET_PARAMETER.test(name)
}

export function isSecretText(text: string, credentials: ReadonlySet<string>): boolean {
  return redactSecrets(text) !== text || holdsCredential(text, credentials)
}
