/**
 * Rules on single settings that a schema cannot say: URLs, addresses, host names, the length of a
 * secret. A rule may also give the value its one spelling.
 */

import { isIP } from 'node:net'
import type { ParsedText } from './parse-text.ts'

type Format = (value: string) => ParsedText

/** Shortest signing key, in bytes: HS256 wants as many as its hash has (RFC 7518 section 3.2). */
const SIGNING_KEY_BYTES_MIN = 32

/** Shortest secret of webhooks, bytes. */
export const WEBHOOK_SECRET_BYTES_MIN = 16

/** By path of the setting. For a list of strings the rule holds for each entry. */
export const FORMATS: Readonly<Record<string, Format>> = {
  'http.host': checkListenHost,
  'admin.host': checkListenHost,
  'http.publicUrl': checkPublicUrl,
  'admin.publicUrl': checkPublicUrl,
  'http.trustedProxies': checkAddressRange,
  'admin.allowedHosts': checkHostName,
  'auth.signingKey': checkSigningKey,
  'webhooks.secret': checkWebhookSecret,
}

function checkListenHost(value: string): ParsedText {
  if (value === '*' || isIP(value) !== 0 || /^[A-Za-z0-9._-]+$/.test(value)) {
    return { ok: true, value }
  }
  return {
    ok: false,
    fix: 'must be an address or a host name without port or brackets, such as localhost, 0.0.0.0, ::1 or *',
  }
}

/** The value becomes its origin: no slash at the end, so that paths can be put behind it. */
function checkPublicUrl(value: string): ParsedText {
  if (value === '') return { ok: true, value }
  const fix = 'must be a URL with http:// or https://, such as https://origin.example.com'
  if (!/^https?:\/\/[^/]/i.test(value) || !URL.canParse(value)) return { ok: false, fix }
  const url = new URL(value)
  if (url.username !== '' || url.password !== '') {
    return { ok: false, fix: 'must be without user name and password' }
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || /[?#]/.test(value)) {
    return { ok: false, fix: `must be without path and query: ${url.origin}` }
  }
  return { ok: true, value: url.origin }
}

function checkAddressRange(value: string): ParsedText {
  const [address = '', prefix, ...rest] = value.split('/')
  const family = isIP(address)
  const isPrefixGood =
    prefix === undefined ||
    (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 6 ? 128 : 32))
  if (family !== 0 && !address.includes('%') && isPrefixGood && rest.length === 0) {
    return { ok: true, value }
  }
  return { ok: false, fix: 'must be an IP address or a CIDR range, such as 10.0.0.0/8 or fd00::/8' }
}

function checkHostName(value: string): ParsedText {
  if (isIP(value) !== 0 || /^[A-Za-z0-9._-]+$/.test(value)) return { ok: true, value }
  return { ok: false, fix: 'must be a host name without scheme, port and path' }
}

function checkWebhookSecret(value: string): ParsedText {
  const sizeBytes = Buffer.byteLength(value)
  if (sizeBytes === 0 || sizeBytes >= WEBHOOK_SECRET_BYTES_MIN) return { ok: true, value }
  return {
    ok: false,
    fix: `has ${String(sizeBytes)} bytes and must have at least ${String(WEBHOOK_SECRET_BYTES_MIN)}`,
  }
}

function checkSigningKey(value: string): ParsedText {
  const sizeBytes = Buffer.byteLength(value)
  if (sizeBytes === 0 || sizeBytes >= SIGNING_KEY_BYTES_MIN) return { ok: true, value }
  return {
    ok: false,
    fix: `has ${String(sizeBytes)} bytes and must have at least ${String(SIGNING_KEY_BYTES_MIN)}`,
  }
}
