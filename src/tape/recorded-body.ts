/**
 * Bodies on their way to a tape. Playlists, manifests and other texts lose every credential, wherever
 * it stands; media are searched for the credentials of the recording and kept byte for byte.
 */

import { gunzipSync, gzipSync } from 'node:zlib'
import { redactSecrets } from '../base/redact.ts'
import type { ItemKey } from '../base/names.ts'
import { extensionOfKey, kindOfKey } from '../hls/kind.ts'
import { rewriteManifestUris } from '../hls/manifest-uris.ts'
import { rewriteUris } from '../hls/playlist-uris.ts'
import { joinUri, splitUri } from '../hls/uri-parameters.ts'
import type { UriPlace } from '../hls/uri-spans.ts'
import { holdsCredential, isSecretParameter, isSecretText } from './recorded-headers.ts'

/** Of a text, unpacked: larger ones are looked at as media are. */
export const TEXT_BYTES_MAX = 8 * 1024 * 1024
/** Longer URIs are not taken apart: no reader could ask for them. */
const URI_CHARS_MAX = 8192
const TEXT_EXTENSIONS = new Set(['vtt', 'webvtt', 'ttml', 'srt', 'txt', 'json', 'xml', 'html'])

/** Whether a body is text by its name: it is kept when media are scrubbed only if it is a playlist. */
export function isPlaylistKey(key: ItemKey): boolean {
  const kind = kindOfKey(key)
  return kind === 'playlist' || kind === 'manifest'
}

/**
 * The body as it may be on a tape: the same bytes when there was nothing to take out.
 *
 * @returns `undefined` when a credential is left that cannot be taken out.
 */
export function recordedBody(
  body: Buffer,
  key: ItemKey,
  credentials: ReadonlySet<string>,
): Buffer | undefined {
  const isPacked = body[0] === 0x1f && body[1] === 0x8b
  const plain = isPacked ? unpack(body) : body
  if (plain === undefined || !isText(plain, key) || plain.length > TEXT_BYTES_MAX) {
    return holdsRaw(body, credentials) ? undefined : body
  }
  const text = plain.toString('latin1')
  const cleaned = cleanText(text, credentials)
  if (holdsCredential(cleaned, credentials)) return undefined
  if (cleaned === text) return body
  const bytes = Buffer.from(cleaned, 'latin1')
  return isPacked ? gzipSync(bytes) : bytes
}

function cleanText(text: string, credentials: ReadonlySet<string>): string {
  const rewrite = (uri: string, place: UriPlace) => cleanUri(uri, place, credentials)
  const isHls = /^(?:\xef\xbb\xbf)?\s*#EXTM3U/.test(text)
  const isXml = /^(?:\xef\xbb\xbf)?\s*</.test(text)
  const rewritten = isHls
    ? rewriteUris(text, rewrite)
    : isXml
      ? rewriteManifestUris(text, rewrite)
      : text
  // Comments, unknown tags, and what was no URI.
  return redactSecrets(rewritten)
}

function cleanUri(uri: string, place: UriPlace, credentials: ReadonlySet<string>): string {
  if (uri.length > URI_CHARS_MAX) return uri
  const bare = uri.replace(/^([A-Za-z][A-Za-z0-9+.-]{0,30}:)?\/\/[^/?#@]*@/, '$1//')
  if (!bare.includes('?')) return bare
  const split = splitUri(bare, place)
  const all = split.parameters ?? []
  const kept = all.filter(
    ({ name, text, value }) =>
      !isSecretParameter(name) &&
      !isSecretText(text, credentials) &&
      !holdsCredential(value, credentials),
  )
  if (kept.length === all.length) return bare
  const isEmpty = kept.every(({ text }) => text === '')
  // An empty line is no URI: its `?` stays.
  return joinUri({ ...split, parameters: isEmpty && split.path !== '' ? undefined : kept })
}

function unpack(body: Buffer): Buffer | undefined {
  try {
    return gunzipSync(body, { maxOutputLength: TEXT_BYTES_MAX })
  } catch {
    // Ignored: not gzip after all, or more than a text may be; it is searched as it is.
    return undefined
  }
}

function isText(body: Buffer, key: ItemKey): boolean {
  if (isPlaylistKey(key) || TEXT_EXTENSIONS.has(extensionOfKey(key))) return true
  const start = body
    .subarray(0, 64)
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart()
  return start.startsWith('#EXTM3U') || start.startsWith('WEBVTT') || /^<[?!A-Za-z]/.test(start)
}

function holdsRaw(body: Buffer, credentials: ReadonlySet<string>): boolean {
  for (const credential of credentials) {
    if (credential.length >= 8 && body.includes(credential, 0, 'latin1')) return true
  }
  return false
}
