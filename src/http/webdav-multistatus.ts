/** The one XML document that WebDAV needs here: RFC 4918 `multistatus`. Text in, text out. */

import { formatHttpDate } from '../base/dates.ts'
import type { CacheName } from '../base/names.ts'

/** A resource as PROPFIND shows it. */
export interface DavResource {
  /** Byte string; '' for the cache itself, with a slash at the end for a collection. */
  readonly key: string
  /** Absent for a collection, which has no more than its name. */
  readonly item?: {
    readonly sizeBytes: number
    readonly contentType: string
    readonly storedAtMs: number
  }
}

export function formatMultistatus(cacheName: CacheName, resources: readonly DavResource[]): string {
  const responses = resources.map((resource) => {
    const href = escapeXml(formatHref(cacheName, resource.key))
    return (
      `<D:response><D:href>${href}</D:href><D:propstat><D:prop>${formatProperties(resource)}` +
      '</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>\n'
    )
  })
  return `${XML}<D:multistatus xmlns:D="DAV:">\n${responses.join('')}</D:multistatus>\n`
}

const XML = '<?xml version="1.0" encoding="utf-8"?>\n'

/** Why a PROPFIND without `Depth: 0` or `1` is refused (RFC 4918 §9.1). */
export const FINITE_DEPTH_ERROR = `${XML}<D:error xmlns:D="DAV:"><D:propfind-finite-depth/></D:error>\n`

function formatProperties({ item }: DavResource): string {
  if (item === undefined) return '<D:resourcetype><D:collection/></D:resourcetype>'
  return (
    '<D:resourcetype/>' +
    `<D:getcontentlength>${String(item.sizeBytes)}</D:getcontentlength>` +
    `<D:getcontenttype>${escapeXml(item.contentType)}</D:getcontenttype>` +
    `<D:getlastmodified>${formatHttpDate(item.storedAtMs)}</D:getlastmodified>`
  )
}

/** The path form of a key, each byte outside of RFC 3986's unreserved ones percent-encoded. */
function formatHref(cacheName: CacheName, key: string): string {
  const path = key.replaceAll(/[^A-Za-z0-9._~/-]/g, (byte) => {
    return `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  })
  return `/cache/${cacheName}/${path}`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
}

/** Text of an element; control characters, which XML 1.0 does not have, are left out. */
export function escapeXml(text: string): string {
  return text
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '')
    .replaceAll(/[&<>"]/g, (char) => ENTITIES[char] ?? char)
}
