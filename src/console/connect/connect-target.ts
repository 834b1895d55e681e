/** What the lines of the page Connect are filled with: address, cache, channel, keys. Pure. */

import { formatBaseUrl } from '../../base/lines/ffmpeg-arguments.ts'
import type { CommandShell } from '../../base/lines/ffmpeg-command.ts'

export interface ConnectTarget {
  readonly shell: CommandShell
  /** http or https, without a slash at its end. */
  readonly dataPlaneUrl: string
  readonly cacheName: string
  /** Before every name: '' or `studio-1/`. */
  readonly keyPrefix: string
  /** A key that may write, or {@link ENCODER_KEY}. */
  readonly encoderKey: string
  /** A key that may read, or {@link PLAYER_KEY}. */
  readonly playerKey: string
}

/** Stands for a key that nobody gave. */
export const ENCODER_KEY = 'ENCODER_KEY'
/** Stands for a key that nobody gave. */
export const PLAYER_KEY = 'PLAYER_KEY'

export const TTL_SECONDS = 3600

/** The playlist that players open. */
export function playlistUrl(target: ConnectTarget): string {
  return `${formatBaseUrl(target)}playlist.m3u8`
}

/** The playlist for players that can send no header. */
export function playlistUrlWithToken(target: ConnectTarget): string {
  return `${playlistUrl(target)}?token=${toUrlKey(target.playerKey)}`
}

/** The server's own player page; the token is in the fragment, which no browser sends. */
export function playPageUrl(target: ConnectTarget): string {
  const base = `${target.dataPlaneUrl}/play/${target.cacheName}/${target.keyPrefix}playlist.m3u8`
  return target.playerKey === PLAYER_KEY ? base : `${base}#token=${toUrlKey(target.playerKey)}`
}

/**
 * A key as it goes into a URL: without the wrapper that Momento puts around its keys (the inner part
 * is shorter, and plain in URLs), and encoded where it is needed.
 */
export function toUrlKey(key: string): string {
  return encodeURIComponent(unwrapKey(key))
}

/** `{"endpoint": …, "api_key": …}` in base64 to the `api_key`; anything else as it is. */
export function unwrapKey(key: string): string {
  try {
    const wrapper: unknown = JSON.parse(atob(key))
    if (typeof wrapper === 'object' && wrapper !== null && 'api_key' in wrapper) {
      if (typeof wrapper.api_key === 'string') return wrapper.api_key
    }
  } catch {
    // Ignored: not wrapped.
  }
  return key
}

/** '' when it may be used, else why not. Slashes make folders. */
export function checkKeyPrefix(prefix: string): string {
  if (prefix === '') return ''
  if (!/^[A-Za-z0-9._/-]+$/.test(prefix)) return 'Letters, digits, ".", "_", "-" and "/" only.'
  if (prefix.startsWith('/') || prefix.includes('//')) return 'No empty part between slashes.'
  if (prefix.split('/').some((part) => part === '.' || part === '..')) return 'No "." or "..".'
  return prefix.length > 200 ? '200 characters at most.' : ''
}

/** Ends with a slash, or is ''. */
export function toKeyPrefix(prefix: string): string {
  return prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
}

/** The address as lines have it; `undefined` when it is none of an HTTP server. */
export function parseAddress(text: string): string | undefined {
  try {
    const url = new URL(text.trim())
    if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined
    if (url.username !== '' || url.search !== '' || url.hash !== '') return undefined
    return url.href.replace(/\/+$/, '')
  } catch {
    // Ignored: it is being typed.
    return undefined
  }
}

/** What an encoder has for a key is one run of printable ASCII. */
export function parseKey(text: string): string | undefined {
  const key = text.trim()
  return /^[\x21-\x7e]{1,8192}$/.test(key) ? key : undefined
}

/** The shell that somebody with this browser pastes into. */
export function guessShell(platform: string): CommandShell {
  return /^win/i.test(platform) ? 'powershell' : 'bash'
}
