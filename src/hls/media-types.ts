/**
 * Media types by extension. Encoders send none, or useless ones, so a known extension wins over the
 * request's type. Source: Apple HLS Authoring Specification 10.4; DASH-IF Live Media Ingest 1.2.
 */

import type { ItemKey } from '../base/names.ts'
import { extensionOfKey } from './kind.ts'

/** What an item is answered with when nothing better is known. */
export const MEDIA_TYPE_UNKNOWN = 'application/octet-stream'

const MEDIA_TYPES: ReadonlyMap<string, string> = new Map([
  ['m3u8', 'application/vnd.apple.mpegurl'],
  ['m3u', 'application/vnd.apple.mpegurl'],
  ['mpd', 'application/dash+xml'],
  ['ts', 'video/mp2t'],
  ['m2ts', 'video/mp2t'],
  ['mts', 'video/mp2t'],
  ['mpegts', 'video/mp2t'],
  ['m4s', 'video/iso.segment'],
  ['m4f', 'video/iso.segment'],
  ['mp4', 'video/mp4'],
  ['m4v', 'video/mp4'],
  ['cmfv', 'video/mp4'],
  ['dash', 'video/mp4'],
  ['init', 'video/mp4'],
  ['header', 'video/mp4'],
  ['m4a', 'audio/mp4'],
  ['cmfa', 'audio/mp4'],
  ['cmft', 'application/mp4'],
  ['cmfm', 'application/mp4'],
  ['imsc', 'application/mp4'],
  ['webm', 'video/webm'],
  ['chk', 'video/webm'],
  ['hdr', 'video/webm'],
  ['aac', 'audio/aac'],
  ['ac3', 'audio/ac3'],
  ['ec3', 'audio/eac3'],
  ['eac3', 'audio/eac3'],
  ['ac4', 'audio/ac4'],
  ['mp3', 'audio/mpeg'],
  ['flac', 'audio/flac'],
  ['opus', 'audio/ogg'],
  ['vtt', 'text/vtt'],
  ['webvtt', 'text/vtt'],
  ['ttml', 'application/ttml+xml'],
  ['key', MEDIA_TYPE_UNKNOWN],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['png', 'image/png'],
  ['webp', 'image/webp'],
  ['json', 'application/json'],
  ['xml', 'application/xml'],
  ['txt', 'text/plain; charset=utf-8'],
])

/** By the key's extension; `undefined` when it says nothing. */
export function mediaTypeOfKey(key: ItemKey): string | undefined {
  return MEDIA_TYPES.get(extensionOfKey(key))
}
