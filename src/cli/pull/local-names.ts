/**
 * Names of what is pulled. A rendition is a folder named by where its playlist is; what is in it is
 * named by its number and its own bytes. So names are short and safe whatever the source calls its
 * files, two files never share one, the same file keeps its name over restarts, and nothing of a URL
 * (tokens stand in paths, too) can be read from one.
 */

import { createHash } from 'node:crypto'
import { extname } from 'node:path/posix'
import type { ItemKey } from '../../base/names.ts'
import { kindOfKey } from '../../hls/kind.ts'
import { mediaTypeOfKey } from '../../hls/media-types.ts'
import { identityOf } from './source-url.ts'

/** What a rendition is, in the name of its folder. */
export type RenditionKind = 'video' | 'audio' | 'subtitles' | 'iframes' | 'media'

export type ResourceKind = 'segment' | 'init' | 'key' | 'data'

const IMAGES = new Set(['jpg', 'jpeg', 'png', 'webp'])

/**
 * Names folders of renditions: `video-3fa94c01d2`, with a count when several playlists differ only in
 * their query, which may be a signature and is not looked at.
 */
export class RenditionFolders {
  readonly #urls = new Map<string, string[]>()

  /** @param ordinal  Which of those of one text that differ in their query alone, from 0. */
  nameOf(kind: RenditionKind, url: URL, ordinal: number): string {
    const id = identityOf(url)
    const names = this.#urls.get(id) ?? []
    this.#urls.set(id, names)
    // The first kind stays: players have the name.
    const hash = shortHash(Buffer.from(id))
    names[ordinal] ??= `${kind}-${hash}${ordinal === 0 ? '' : `-${ordinal + 1}`}`
    return names[ordinal]
  }
}

/** The name of something stored, without its folder: `12-3fa94c01d2.ts`, `init-….mp4`. */
export function nameOfResource(
  what: { readonly kind: ResourceKind; readonly mediaSequenceNumber: number },
  { body, url, contentType }: { body: Buffer; url: URL; contentType: string },
): string {
  const hash = shortHash(body)
  if (what.kind === 'key') return `key-${hash}.key`
  const extension = extensionOf(what.kind, body, url, contentType)
  if (what.kind === 'data') return `data-${hash}.${extension}`
  return what.kind === 'init'
    ? `init-${hash}.${extension}`
    : `${what.mediaSequenceNumber}-${hash}.${extension}`
}

/** The URI of a segment that is not there, and will not be. */
export function nameOfLost(mediaSequenceNumber: number): string {
  return `${mediaSequenceNumber}-lost.ts`
}

/** The key of the first playlist, from the source's: `playlist.m3u8`. Its folder is the prefix. */
export function nameOfPlaylist(url: URL): string {
  const last = url.pathname.slice(url.pathname.lastIndexOf('/') + 1)
  const stem = last.replace(/\.m3u8?$/i, '').replace(/[^A-Za-z0-9._-]+/g, '-')
  const safe = stem.replace(/^[.-]+/, '').slice(0, 64)
  // A name that is long and mixed is a token more often than a name.
  return `${safe === '' || safe.length > 40 ? 'playlist' : safe}.m3u8`
}

function extensionOf(kind: ResourceKind, body: Buffer, url: URL, contentType: string): string {
  const written = extname(url.pathname).slice(1).toLowerCase()
  if (kind === 'data') return written === 'json' || written === 'xml' ? written : 'json'
  // ASCII letters and digits, so it is a key as it is.
  const sample = /^[a-z0-9]{1,6}$/.test(written) ? (`a.${written}` as ItemKey) : undefined
  if (sample !== undefined) {
    const isMedia = kindOfKey(sample) === 'segment' || IMAGES.has(written)
    if (isMedia && mediaTypeOfKey(sample) !== undefined) return written
  }
  return sniff(body) ?? extensionOfType(contentType) ?? (kind === 'init' ? 'mp4' : 'ts')
}

/** By its first bytes. */
function sniff(body: Buffer): string | undefined {
  if (body[0] === 0x47 && (body.length < 189 || body[188] === 0x47)) return 'ts'
  const box = body.toString('latin1', 4, 8)
  if (['ftyp', 'styp', 'moof', 'sidx', 'emsg', 'prft'].includes(box)) {
    return box === 'ftyp' ? 'mp4' : 'm4s'
  }
  if (/^(?:\xef\xbb\xbf)?WEBVTT/.test(body.toString('latin1', 0, 9))) return 'vtt'
  // Packed audio begins with an ID3 tag (RFC 8216bis §3.1.4), or with its first frame.
  if (body.toString('latin1', 0, 3) === 'ID3') return 'aac'
  return body[0] === 0xff && ((body[1] ?? 0) & 0xf6) === 0xf0 ? 'aac' : undefined
}

function extensionOfType(contentType: string): string | undefined {
  const [type = ''] = contentType.toLowerCase().split(';', 1)
  const known: Readonly<Record<string, string>> = {
    'video/mp2t': 'ts',
    'video/mp4': 'mp4',
    'audio/mp4': 'm4a',
    'audio/aac': 'aac',
    'audio/mpeg': 'mp3',
    'audio/ac3': 'ac3',
    'text/vtt': 'vtt',
    'image/jpeg': 'jpg',
    'image/png': 'png',
  }
  return known[type.trim()]
}

/** 48 bits: within a folder, and beside a number, far more than two files need to differ. */
function shortHash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 12)
}
