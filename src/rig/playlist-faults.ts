/**
 * What faults and scenarios do to the text of a playlist or manifest: bytes as latin1 in and out, all
 * else kept as it is.
 */

import { forEachManifestUri } from '../hls/manifest-uris.ts'
import { ownershipOf } from '../hls/own-uri.ts'
import { rewriteUris } from '../hls/playlist-uris.ts'
import type { PlaylistLocation } from '../hls/resolve.ts'
import { rewriteSpans } from '../hls/uri-spans.ts'
import type { UriPlace } from '../hls/uri-spans.ts'
import { decodeXml } from '../hls/xml-references.ts'

/** The media sequence number, so much lower; never below 0. */
export function lowerSequence(text: string, bySegments: number): string {
  return text.replace(
    /^(#EXT-X-MEDIA-SEQUENCE:[ \t]*)(\d{1,15})/m,
    (_, tag: string, digits: string) => `${tag}${Math.max(0, Number(digits) - bySegments)}`,
  )
}

/**
 * Puts `prefix` (`/rig/<scenario>`) before the path of every item URI of this origin that names it
 * from its root or by its host. Relative ones lead there by themselves. Twice is the same as once.
 */
export function prefixItemUris(
  text: string,
  prefix: string,
  { syntax, location }: { readonly syntax: 'hls' | 'dash'; readonly location: PlaylistLocation },
): string {
  const rewrite = (uri: string, place: UriPlace): string => {
    if (uri.length > URI_CHARS_MAX) return uri
    const pathStart = /^(?:(?:https?:)?\/\/[^/?#]+)?(?=\/cache[/?])/i.exec(uri)?.[0].length
    if (pathStart === undefined) return uri
    const plain = place === 'xml' ? decodeXml(uri) : uri
    if (ownershipOf(location, plain) !== 'item') return uri
    return `${uri.slice(0, pathStart)}${prefix}${uri.slice(pathStart)}`
  }
  return syntax === 'hls'
    ? rewriteUris(text, rewrite)
    : rewriteSpans(text, forEachManifestUri, rewrite)
}

/** Longer ones lead to no item: no request may be so long. */
const URI_CHARS_MAX = 8192
