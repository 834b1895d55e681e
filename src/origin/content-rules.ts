/**
 * What an upload must look like to be stored under its name. ffmpeg aims segments at the playlist's
 * own key when a token with a dot is in the URL, and MediaLive may send playlists gzip-coded.
 */

import { gunzip } from 'node:zlib'
import { kindOfItem, kindOfKey } from '../hls/kind.ts'
import { parsePlaylist } from '../hls/playlist.ts'
import type { Playlist } from '../hls/playlist.ts'
import { looksLikeManifest, looksLikePlaylist, syntaxOf } from '../hls/signature.ts'
import type { ItemKey } from '../base/names.ts'
import type { ItemKind } from '../storage/store.ts'

/** What stands before the root of a manifest: a declaration, comments. */
const FIRST_BYTES = 4096

export type ContentProblem =
  'not-a-playlist' | 'not-a-manifest' | 'gzip-invalid' | 'playlist-leaks-key'

/** An upload that passed: what to store. */
export interface CheckedContent {
  readonly chunks: readonly Uint8Array[]
  readonly sizeBytes: number
  readonly contentEncoding: string
  readonly kind: ItemKind
  readonly playlist: Playlist | undefined
}

export interface UploadedContent {
  readonly key: ItemKey
  readonly chunks: readonly Uint8Array[]
  readonly sizeBytes: number
  /** The request's `Content-Encoding`, lower case; '' for none. */
  readonly contentEncoding: string
  /** Bound on an unpacked playlist. */
  readonly sizeBytesMax: number
  /** Takes out of a playlist or manifest what no reader may see. */
  readonly clean: (
    body: Buffer,
    syntax: 'hls' | 'dash',
  ) => Buffer | Promise<Buffer | 'playlist-leaks-key'>
}

/**
 * Segments pass untouched; a playlist under another name passes as what the name says, but without
 * the keys in it. Playlists and manifests are unpacked when gzip-coded (by header or by
 * their first bytes) and stored as identity, so that every reader can have them.
 */
export async function checkContent(
  upload: UploadedContent,
): Promise<CheckedContent | ContentProblem> {
  const kindByName = kindOfKey(upload.key)
  if (kindByName !== 'playlist' && kindByName !== 'manifest') {
    const { chunks, sizeBytes, contentEncoding } = upload
    const asSent = { chunks, sizeBytes, contentEncoding, kind: kindByName, playlist: undefined }
    const hidden = await hiddenText(upload)
    if (hidden === undefined) return asSent
    const clean = await upload.clean(hidden.body, hidden.syntax)
    if (typeof clean === 'string') return clean
    return clean === hidden.body ? asSent : identity(clean, kindByName, undefined)
  }
  const body = await toIdentity(upload)
  if (body === undefined) return 'gzip-invalid'
  if (kindByName === 'manifest') {
    if (!looksLikeManifest(body)) return 'not-a-manifest'
    const clean = await upload.clean(body, 'dash')
    return typeof clean === 'string' ? clean : identity(clean, 'manifest', undefined)
  }
  if (!looksLikePlaylist(body)) return 'not-a-playlist'
  const clean = await upload.clean(body, 'hls')
  if (typeof clean === 'string') return clean
  const playlist = parsePlaylist(clean.toString('utf8'))
  // What starts like a playlist but cannot be read is stored all the same. To delivery it is a live
  // media playlist (short-lived), the careful choice.
  return identity(
    clean,
    playlist === undefined ? 'media' : kindOfItem(kindByName, playlist),
    playlist,
  )
}

/** The text of a playlist or manifest that is not called one. */
async function hiddenText(
  upload: UploadedContent,
): Promise<{ readonly body: Buffer; readonly syntax: 'hls' | 'dash' } | undefined> {
  const isCoded = upload.contentEncoding === 'gzip'
  const syntax = isCoded ? undefined : syntaxOf(firstBytesOf(upload.chunks))
  if (!isCoded && syntax === undefined) return undefined
  // Readers unpack it, so it has to be looked into.
  const body = await toIdentity(upload)
  const found = syntax ?? (body === undefined ? undefined : syntaxOf(body.subarray(0, FIRST_BYTES)))
  return body === undefined || found === undefined ? undefined : { body, syntax: found }
}

/** Of one chunk, mostly: then nothing is copied. */
function firstBytesOf(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks
  if (first !== undefined && (chunks.length === 1 || first.length >= FIRST_BYTES)) {
    return first.subarray(0, FIRST_BYTES)
  }
  return Buffer.concat(chunks.slice(0, 16), FIRST_BYTES)
}

function identity(body: Buffer, kind: ItemKind, playlist: Playlist | undefined): CheckedContent {
  return { chunks: [body], sizeBytes: body.length, contentEncoding: '', kind, playlist }
}

/** One buffer of identity bytes; `undefined` when a gzip coding is broken or unpacks over the bound. */
async function toIdentity(upload: UploadedContent): Promise<Buffer | undefined> {
  const [first] = upload.chunks
  const body =
    upload.chunks.length === 1 && first !== undefined
      ? Buffer.from(first.buffer, first.byteOffset, first.byteLength)
      : Buffer.concat(upload.chunks)
  const isGzip = body[0] === 0x1f && body[1] === 0x8b
  if (!isGzip) return upload.contentEncoding === 'gzip' ? undefined : body
  return new Promise((resolve) => {
    gunzip(body, { maxOutputLength: upload.sizeBytesMax }, (error, unpacked) => {
      // Ignored: the reason (data or length) does not matter to the encoder, the refusal does.
      // Copied: zlib gives a slice of a larger buffer, which would be kept alive with it.
      resolve(error === null && unpacked.length > 0 ? exactCopy(unpacked) : undefined)
    })
  })
}

function exactCopy(bytes: Buffer): Buffer {
  const exact = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(exact)
  return exact
}
