/**
 * Reads a credential out of the forms it arrives in: the `Authorization` header and Momento's v1
 * wrapper. Says nothing about whether it is any good; the authenticator does.
 */

/** Longest credential that is looked at, in chars. Longer ones are refused by their length. */
export const CREDENTIAL_CHARS_MAX = 4096

/** Every v1 wrapper starts with this: base64 of `{"endpoint":`. */
export const WRAPPER_PREFIX = 'eyJlbmRwb2ludCI6'

/** Base64 of the longest credential, a user name and a scheme fit; nothing longer is decoded. */
const HEADER_CHARS_MAX = 8192

const BASE64 = /^[A-Za-z0-9+/_-]+$/
const BASE64_PADDING = /(?:=|%3D)+$/i

/**
 * The credential of an `Authorization` header.
 *
 * - no scheme: the value itself (Momento HTTP API);
 * - `Basic`: the password, the user name does not matter (MediaLive sends `momento`); without a
 *   password, or without a colon, the user name is the credential;
 * - `Bearer`: what follows (no Momento document has it, every client library does);
 * - any other scheme: the whole value, since an imported secret may hold spaces.
 *
 * @returns `undefined` when there is none: an empty value, a bare scheme, or a `Basic` whose base64
 * cannot be decoded. That is a request without a credential (401), or with the one of its query.
 * A header over 8,192 chars comes back as it is, undecoded: it is refused by its length.
 */
export function credentialFromAuthorization(header: string): string | undefined {
  const value = header.trim()
  if (value === '') return undefined
  if (value.length > HEADER_CHARS_MAX) return value
  const schemeLength = value.search(/[ \t]/)
  const scheme = (schemeLength === -1 ? value : value.slice(0, schemeLength)).toLowerCase()
  if (scheme !== 'basic' && scheme !== 'bearer') return value
  const rest = schemeLength === -1 ? '' : value.slice(schemeLength).trim()
  if (rest === '') return undefined
  return scheme === 'bearer' ? rest : credentialFromUserPassword(rest)
}

/**
 * The inner JWT of a v1 wrapper: standard base64 of JSON `{"endpoint","api_key"}`. Padding may be
 * missing, doubled or still percent-encoded, and a `+` may have become a space on its way through a
 * query string.
 *
 * @returns The credential itself when it is not a wrapper; `undefined` for a wrapper that cannot be
 * read, or one over {@link CREDENTIAL_CHARS_MAX}. Source: the v1 key format of Momento's SDKs.
 */
export function unwrapCredential(credential: string): string | undefined {
  if (!credential.startsWith(WRAPPER_PREFIX)) return credential
  if (credential.length > CREDENTIAL_CHARS_MAX) return undefined
  const json = decodeBase64(credential.replaceAll(' ', '+'))
  if (json === undefined) return undefined
  let content: unknown
  try {
    content = JSON.parse(json)
  } catch {
    // The parser's words quote the credential: they go no further.
    return undefined
  }
  if (typeof content !== 'object' || content === null || !('api_key' in content)) return undefined
  const { api_key: inner } = content
  return typeof inner === 'string' && inner !== '' ? inner : undefined
}

/**
 * The v1 wrapper of a JWT, as `momento_key_info.json` holds it. It never contains `+` or `/`, so it
 * survives in a query unencoded: base64 of ASCII makes those two only from `>`, `?`, `~` and DEL,
 * and those are written as JSON escapes here.
 */
export function wrapCredential(endpoint: string, jwt: string): string {
  const json = JSON.stringify({ endpoint, api_key: jwt }).replace(
    /[>?~\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return Buffer.from(json, 'latin1').toString('base64')
}

function credentialFromUserPassword(encoded: string): string | undefined {
  const text = decodeBase64(encoded)
  if (text === undefined) return undefined
  const colon = text.indexOf(':')
  const user = colon === -1 ? text : text.slice(0, colon)
  const password = colon === -1 ? '' : text.slice(colon + 1)
  const credential = password === '' ? user : password
  return credential === '' ? undefined : credential
}

/** Both alphabets, any padding. Strict about everything else, which `Buffer.from` is not. */
function decodeBase64(encoded: string): string | undefined {
  const digits = encoded.replace(BASE64_PADDING, '')
  // 4n+1 digits are not base64 of anything.
  if (!BASE64.test(digits) || digits.length % 4 === 1) return undefined
  return Buffer.from(digits, 'base64').toString('utf8')
}
