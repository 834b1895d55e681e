/** The command line of `headwater pull`, checked. */

import { parseCacheName } from '../../base/names.ts'
import type { OwnValues } from '../../config/flags.ts'
import { usageError } from '../command.ts'
import { isCidr } from './address-rules.ts'
import type { AddressRulesOptions } from './address-rules.ts'
import { parseSourceUrl } from './source-url.ts'

export const PULL_FLAGS = {
  cache: 'string',
  'key-prefix': 'string',
  'ttl-seconds': 'string',
  seconds: 'string',
  'last-seconds': 'string',
  'allow-private': 'boolean',
  'allow-address': 'string',
  to: 'string',
  key: 'string',
  'key-file': 'string',
  json: 'boolean',
  'admin-url': 'string',
} as const

export interface PullArguments {
  readonly cacheName: string
  readonly keyPrefix: string
  readonly ttlSeconds: number | undefined
  /** Ends it after so long; absent: not. */
  readonly seconds: number | undefined
  readonly lastSeconds: number | undefined
  readonly addresses: AddressRulesOptions
  /** The origin's data plane, with a key; absent: a server that is found. */
  readonly to: string | undefined
}

/** Room for the longest name that a pull makes below it. */
const PREFIX_CHARS_MAX = 512
const TTL_SECONDS_MAX = 31 * 86_400
const SECONDS_MAX = 366 * 86_400

/** @throws HeadwaterError `HW_CLI_USAGE`. */
export function readPullArguments(own: OwnValues<typeof PULL_FLAGS>): PullArguments {
  const cacheName = parseCacheName(own.cache ?? '')
  if (cacheName === undefined) {
    throw usageError(own.cache === undefined ? '--cache is missing.' : '--cache is no cache name.')
  }
  const keyPrefix = own['key-prefix'] ?? ''
  if (!/^(?:[A-Za-z0-9._~-]+\/)*$/.test(keyPrefix) || keyPrefix.length > PREFIX_CHARS_MAX) {
    throw usageError('--key-prefix is folders of A-Z a-z 0-9 . _ ~ - and ends with a slash.', [
      'Such as --key-prefix news/',
    ])
  }
  if (keyPrefix.split('/').some((part) => part === '.' || part === '..')) {
    throw usageError('--key-prefix has a folder that URLs cannot have.')
  }
  const allowed = (own['allow-address'] ?? '').split(',').filter((text) => text !== '')
  const wrong = allowed.find((text) => !isCidr(text))
  if (wrong !== undefined) {
    throw usageError(`--allow-address ${JSON.stringify(wrong)} is no address and no range.`, [
      'Such as --allow-address 10.1.2.0/24,fd12::/16',
    ])
  }
  return {
    cacheName,
    keyPrefix,
    ttlSeconds: readWhole(own, 'ttl-seconds', TTL_SECONDS_MAX),
    seconds: readWhole(own, 'seconds', SECONDS_MAX),
    lastSeconds: readWhole(own, 'last-seconds', SECONDS_MAX),
    addresses: { allowPrivate: own['allow-private'] === true, allowed },
    to: readTo(own),
  }
}

/** @throws HeadwaterError `HW_CLI_USAGE`; it does not repeat the text, which may hold a credential. */
export function readSourceArgument(text: string): URL {
  const url = parseSourceUrl(text.trim())
  const isWhole = /^https?:\/\//i.test(text.trim())
  if (url !== undefined && isWhole) return url
  throw usageError('This is not the URL of a source.', [
    'Write it whole: headwater pull https://cdn.example.com/live/playlist.m3u8 --cache live-origin',
  ])
}

/** A pull into what it pulls from would never end. */
export function refuseOwnCache(
  url: URL,
  target: { readonly dataPlaneUrl: string; readonly cacheName: string; readonly keyPrefix: string },
): void {
  const base = new URL(target.dataPlaneUrl)
  const isLocal = (host: string) =>
    host === 'localhost' || host.startsWith('127.') || host === '[::1]'
  const isSameHost =
    url.hostname === base.hostname || (isLocal(url.hostname) && isLocal(base.hostname))
  const folder = `/cache/${target.cacheName}/${target.keyPrefix}`
  const rest = url.pathname.startsWith(folder) ? url.pathname.slice(folder.length) : undefined
  if (!isSameHost || url.port !== base.port || rest === undefined || rest.includes('/')) return
  throw usageError('The source is where it is to be pulled to.', [
    'Choose another --cache or --key-prefix.',
  ])
}

function readWhole(
  own: OwnValues<typeof PULL_FLAGS>,
  flag: 'ttl-seconds' | 'seconds' | 'last-seconds',
  max: number,
): number | undefined {
  const text = own[flag]
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,8}$/.test(text) && Number(text) <= max) return Number(text)
  throw usageError(`--${flag} is a number of seconds, 1 to ${max}.`)
}

function readTo(own: OwnValues<typeof PULL_FLAGS>): string | undefined {
  const { to, key } = own
  const hasKey = key !== undefined || own['key-file'] !== undefined
  if (to === undefined) {
    if (hasKey) throw usageError('--key and --key-file are for --to.')
    return undefined
  }
  if (own['admin-url'] !== undefined) throw usageError('--to and --admin-url exclude each other.')
  if (key !== undefined && own['key-file'] !== undefined) {
    throw usageError('Give --key or --key-file, not both.')
  }
  if (!hasKey) {
    throw usageError('--to needs the encoder key of that origin.', [
      'Give its file with --key-file (encoder-key.json in its data directory), or a dev key with --key.',
    ])
  }
  if (!/^https?:\/\/[^/]/i.test(to) || !URL.canParse(to)) {
    throw usageError('--to needs the URL of an origin.', ['Such as http://127.0.0.1:8080'])
  }
  return to.replace(/\/+$/, '')
}
