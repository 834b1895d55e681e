/**
 * Header tables that both lanes send. Flat arrays (`name, value, name, value…`), as node's
 * `writeHead` takes them.
 */

/** What a page on another site may read of an answer. */
export const EXPOSED_HEADERS =
  'ETag, Content-Length, Content-Range, Date, Age, Server-Timing, X-Headwater-Reason'

/** CORS fields of a read, whatever its status. */
export const CORS_ANY: readonly string[] = [
  'Access-Control-Allow-Origin',
  '*',
  'Access-Control-Expose-Headers',
  EXPOSED_HEADERS,
]

/** Momento reflects the origin that asks. */
export function corsReflected(origin: string): readonly string[] {
  return [
    'Access-Control-Allow-Origin',
    origin,
    'Vary',
    'Origin',
    'Access-Control-Expose-Headers',
    EXPOSED_HEADERS,
  ]
}

/**
 * A preflight's answer. `Authorization` has to be listed: `*` does not cover it (Fetch standard).
 * The four CMCD headers are CTA-5004's.
 */
export const PREFLIGHT: readonly string[] = [
  'Access-Control-Allow-Methods',
  'GET, HEAD, PUT, POST, DELETE',
  'Access-Control-Allow-Headers',
  'Authorization, Content-Type, Range, If-None-Match, If-Modified-Since, If-Range, CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status',
  'Access-Control-Max-Age',
  '86400',
]

/** Sent with every 401, so that challenge-driven encoders (Expect, Basic) come back with a key. */
export const CHALLENGE: readonly string[] = ['WWW-Authenticate', 'Basic realm="headwater"']

export const ITEM_METHODS = 'GET, HEAD, PUT, POST, DELETE, OPTIONS'

/**
 * Types that a browser does not run. Anything else a writer stores is served in a sandbox: pages of
 * this origin (the player) must not be reachable by a stored document.
 */
const PASSIVE_TYPE =
  /^(?:video|audio|font)\/|^image\/(?!svg)|^application\/(?:vnd\.apple\.mpegurl|dash\+xml|octet-stream|json|mp4|x-mpegurl)(?:;|$)|^text\/(?:vtt|plain)(?:;|$)/i

/** Whether a media type needs `Content-Security-Policy: sandbox`. */
export function isActiveType(contentType: string): boolean {
  return !PASSIVE_TYPE.test(contentType)
}
