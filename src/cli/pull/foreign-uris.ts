/**
 * URIs of a playlist that are not pulled (interstitials, licence servers, tags nobody knows): made
 * absolute, since the copy stands elsewhere, and without what may be a credential of the source.
 */

import { rewriteUris } from '../../hls/playlist-uris.ts'
import { redactText } from '../../base/redact.ts'

/**
 * @param line  One tag.
 * @param source  The playlist's own URL: queries of its host are signatures, for all one knows.
 */
export function rewriteForeignUris(
  line: string,
  resolve: (uri: string) => URL | undefined,
  source: URL,
): string {
  return rewriteUris(line, (uri) => {
    const url = resolve(uri)
    // `skd:`, `data:` and their like mean the same everywhere.
    if (url === undefined) return uri
    url.username = ''
    url.password = ''
    if (url.origin === source.origin || hasValueOf(url, source)) url.search = ''
    return redactText(url.href) === url.href ? url.href : `${url.origin}${url.pathname}`
  })
}

function hasValueOf(url: URL, source: URL): boolean {
  const values = new Set([...source.searchParams.values()].filter((value) => value.length >= 8))
  return [...url.searchParams.values()].some((value) => values.has(value))
}
