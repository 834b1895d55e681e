/** Where a tape is replayed to, and the heads of its requests there. Nothing of a tape names a host. */

import { isPlayableField } from '../../tape/recorded-headers.ts'
import { staysBelow } from '../../tape/tape-format.ts'
import { usageError } from '../command.ts'

/** How the key is sent. */
export const REPLAY_AUTH = ['header', 'bearer', 'basic', 'query', 'none'] as const
export type ReplayAuth = (typeof REPLAY_AUTH)[number]

export interface ReplayTarget {
  readonly isTls: boolean
  readonly hostname: string
  readonly port: number
  /** For `Host`. */
  readonly host: string
  /** Without a slash at its end. */
  readonly prefix: string
}

/** What is sent: a request of the tape, or what became of it. */
export interface SentRequest {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: readonly (readonly [string, string])[]
  readonly framing: 'none' | 'length' | 'chunked'
  readonly lengthBytes: number
}

/** @throws HeadwaterError `HW_CLI_USAGE`. */
export function parseReplayTarget(text: string): ReplayTarget {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw usageError('--to is not a URL.', [
      'Write it like http://127.0.0.1:8080/cache/live-origin.',
    ])
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw usageError('--to is a plain URL, without a user, a query or a fragment.', [
      'The key comes from HEADWATER_API_KEY or --key-file.',
    ])
  }
  const isTls = url.protocol === 'https:'
  return {
    isTls,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (isTls ? 443 : 80) : Number(url.port),
    host: url.host,
    prefix: url.pathname.replace(/\/+$/, ''),
  }
}

/** The head, as bytes in latin1. @throws TypeError for what the reader of tapes should have refused. */
export function headOf(
  target: ReplayTarget,
  request: SentRequest,
  { key, auth }: { readonly key: string; readonly auth: ReplayAuth },
): Buffer {
  const { method, path, headers, framing, lengthBytes } = request
  if (!staysBelow(path)) throw new TypeError('a path that leads out of its prefix')
  const isQueryKey = auth === 'query' && key !== ''
  // First: some encoders' keys are the last parameter, where file extensions are looked for.
  const token = isQueryKey ? `token=${encodeURIComponent(key)}` : ''
  const query = [token, request.query].filter((part) => part !== '').join('&')
  const where = `${target.prefix}${path === '' ? '' : `/${path}`}${query === '' ? '' : `?${query}`}`
  const lines = [`${method} ${where === '' ? '/' : where} HTTP/1.1`]
  let hasHost = false
  for (const [name, value] of headers) {
    const field = fieldOf(name, value)
    if (field === 'host') {
      if (!hasHost) lines.push(`${name}: ${target.host}`)
      hasHost = true
    } else if (field === 'kept') lines.push(`${name}: ${value}`)
  }
  if (!hasHost) lines.splice(1, 0, `Host: ${target.host}`)
  if (framing === 'chunked') lines.push('Transfer-Encoding: chunked')
  if (framing === 'length') lines.push(`Content-Length: ${lengthBytes}`)
  const authorization = authorizationOf(key, auth)
  if (authorization !== undefined) lines.push(`Authorization: ${authorization}`)
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

function fieldOf(name: string, value: string): 'host' | 'kept' | 'dropped' {
  const lower = name.toLowerCase()
  if (lower === 'host') return 'host'
  if (lower === 'content-length' || lower === 'transfer-encoding') return 'dropped'
  if (lower === 'connection') return /^(?:close|keep-alive)$/i.test(value) ? 'kept' : 'dropped'
  if (lower === 'expect') return /^100-continue$/i.test(value) ? 'kept' : 'dropped'
  return isPlayableField(name) ? 'kept' : 'dropped'
}

function authorizationOf(key: string, auth: ReplayAuth): string | undefined {
  if (key === '' || auth === 'none' || auth === 'query') return undefined
  if (auth === 'bearer') return `Bearer ${key}`
  if (auth === 'header') return key
  const userAndKey = key.includes(':') ? key : `headwater:${key}`
  return `Basic ${Buffer.from(userAndKey).toString('base64')}`
}
