/**
 * Every refusal of an item request: status, Momento's words and our reason. A refusal is a value
 * out of this table; nothing is thrown on the item path.
 */

/** The reason, sent as `x-headwater-reason`, logged, counted. A closed set. */
export type RefusalReason = keyof typeof REFUSALS

export interface Refusal {
  readonly statusCode: number
  /** Momento's class of error. */
  readonly code: string
  /** Momento's words where they are known (HTTP API reference, topics reference, observed). */
  readonly message: string
  /** What to do about it. */
  readonly detail: string
}

export const REFUSALS = {
  'credential-missing': {
    statusCode: 401,
    code: 'Unauthenticated',
    message: 'Invalid authentication credentials',
    detail: 'Send a key as ?token=, as Authorization, or as the password of Basic.',
  },
  'credential-malformed': {
    statusCode: 401,
    code: 'Unauthenticated',
    message: 'Invalid authentication credentials',
    detail: 'The key is not one of this server: cut short, or changed on the way.',
  },
  'credential-unknown': {
    statusCode: 401,
    code: 'Unauthenticated',
    message: 'Invalid authentication credentials',
    detail:
      'This server does not know the key: it was made elsewhere, or for another data directory.',
  },
  'credential-expired': {
    statusCode: 401,
    code: 'Unauthenticated',
    message: 'Invalid authentication credentials',
    detail: 'The key has expired; make a new one with `headwater key create`.',
  },
  'credential-revoked': {
    statusCode: 401,
    code: 'Unauthenticated',
    message: 'Invalid authentication credentials',
    detail: 'The key was revoked; make a new one with `headwater key create`.',
  },
  'credential-throttled': {
    statusCode: 429,
    code: 'ResourceExhausted',
    message: 'Resource Exhausted',
    detail: 'Too many unknown keys came from this address; try again shortly.',
  },
  'credential-both': {
    statusCode: 400,
    code: 'InvalidArgument',
    message: 'only one value must be set',
    detail: 'Send the key as ?token= or as Authorization, not as both.',
  },
  'cache-name-invalid': {
    statusCode: 400,
    code: 'InvalidArgument',
    message: 'Invalid cache name',
    detail: 'A cache name is 1 to 255 of A-Z a-z 0-9 . _ -',
  },
  'key-missing': {
    statusCode: 400,
    code: 'InvalidArgument',
    message: 'must specify a key',
    detail: 'Name the item: /cache/<name>/<key>, ?key= or ?key_base64=',
  },
  'key-ambiguous': {
    statusCode: 400,
    code: 'InvalidArgument',
    message: 'must specify a key',
    detail: 'Name the item once: /cache/<name>/<key>, ?key= or ?key_base64=',
  },
  'key-encoding': {
    statusCode: 400,
    code: 'InvalidArgument',
    message: 'must specify a key',
    detail: 'The key is not percent-encoded (or not base64url) as it should be.',
  },
  'key-too-long': {
    statusCode: 400,
    code: 'InvalidArgument',
    message: 'must specify a key',
    detail: 'A key is at most 1024 bytes.',
  },
  'ttl-missing': {
    statusCode: 400,
    code: 'InvalidArgument',
    message: 'ttl_seconds is required',
    detail: 'Add ttl_seconds=<seconds> to the query.',
  },
  'ttl-invalid': {
    statusCode: 400,
    code: 'InvalidArgument',
    message: 'Invalid ttl_seconds',
    detail:
      'ttl_seconds is a whole number of seconds, at least 1 and at most the limit of this server.',
  },
  'directive-invalid': {
    statusCode: 400,
    code: 'InvalidArgument',
    message: 'Invalid delivery directive',
    detail: '_HLS_msn and _HLS_part are whole numbers, and no directive is given twice.',
  },
  'part-without-msn': {
    statusCode: 400,
    code: 'InvalidArgument',
    message: 'Invalid delivery directive',
    detail: '_HLS_part has no meaning without _HLS_msn.',
  },
  'reload-too-far': {
    statusCode: 400,
    code: 'InvalidArgument',
    message: 'Invalid delivery directive',
    detail: '_HLS_msn or _HLS_part is further ahead of the playlist than may be asked for.',
  },
  'permission-denied': {
    statusCode: 403,
    code: 'PermissionDenied',
    message: 'Token is not authorized to make this call',
    detail: 'The key is valid, but not for this operation, cache or item.',
  },
  'cache-not-found': {
    statusCode: 404,
    code: 'NotFound',
    message: 'Cache Not Found',
    detail: 'Make it with `headwater cache create <name>`, or set caches.autoCreate.',
  },
  'key-not-found': {
    statusCode: 404,
    code: 'NotFound',
    message: 'Key Not Found',
    detail: 'Nothing is stored under this key, or its TTL has passed.',
  },
  stale: {
    statusCode: 404,
    code: 'NotFound',
    message: 'Key Not Found',
    detail: 'The live playlist is stale: its encoder has stopped writing.',
  },
  'method-not-allowed': {
    statusCode: 405,
    code: 'InvalidArgument',
    message: 'Method Not Allowed',
    detail: 'Items know GET, HEAD, PUT, POST, DELETE and OPTIONS.',
  },
  'length-required': {
    statusCode: 411,
    code: 'InvalidArgument',
    message: 'Length Required',
    detail: 'Send Content-Length or Transfer-Encoding: chunked.',
  },
  'transfer-coding': {
    statusCode: 501,
    code: 'Unimplemented',
    message: 'Not Implemented',
    detail: 'The only transfer coding of an upload is chunked.',
  },
  'content-range': {
    statusCode: 400,
    code: 'InvalidArgument',
    message: 'Partial uploads are not supported',
    detail:
      'A PUT with Content-Range would store a part as the whole; send the object in one request.',
  },
  'body-empty': {
    statusCode: 400,
    code: 'InvalidArgument',
    message: 'The body is empty',
    detail: 'An empty upload would overwrite what is stored. Nothing was changed.',
  },
  'body-too-large': {
    statusCode: 413,
    code: 'ResourceExhausted',
    message: 'Resource Exhausted',
    detail: 'The object is over the size limit of this cache (itemSizeBytesMax).',
  },
  'body-incomplete': {
    statusCode: 400,
    code: 'InvalidArgument',
    message: 'The body ended early',
    detail: 'The upload was cut; nothing was changed.',
  },
  'body-timeout': {
    statusCode: 408,
    code: 'Cancelled',
    message: 'Request Timeout',
    detail: 'The upload was silent for too long; nothing was changed.',
  },
  'not-a-playlist': {
    statusCode: 400,
    code: 'InvalidArgument',
    message: 'Not a playlist',
    detail:
      'A .m3u8 starts with #EXTM3U. ffmpeg sends segments here when the query is missing in -hls_segment_filename.',
  },
  'not-a-manifest': {
    statusCode: 400,
    code: 'InvalidArgument',
    message: 'Not a manifest',
    detail: 'A .mpd starts with <.',
  },
  'playlist-invalid': {
    statusCode: 422,
    code: 'InvalidArgument',
    message: 'The playlist breaks a rule of HLS',
    detail: 'The cache is strict (playlistRules); nothing was changed.',
  },
  'playlist-leaks-key': {
    statusCode: 422,
    code: 'InvalidArgument',
    message: 'The playlist would publish its key',
    detail:
      'The key of this upload is in the text of the playlist where it cannot be taken out; every viewer would get it.',
  },
  'gzip-invalid': {
    statusCode: 400,
    code: 'InvalidArgument',
    message: 'The gzip coding is broken',
    detail: 'The playlist could not be unpacked within the size limit.',
  },
  'precondition-failed': {
    statusCode: 412,
    code: 'FailedPrecondition',
    message: 'Precondition Failed',
    detail: 'The object is not the version that If-Match or If-Unmodified-Since names.',
  },
  'range-not-satisfiable': {
    statusCode: 416,
    code: 'InvalidArgument',
    message: 'Range Not Satisfiable',
    detail: 'The range lies outside the object.',
  },
  'url-too-long': {
    statusCode: 414,
    code: 'InvalidArgument',
    message: 'URI Too Long',
    detail: 'The request target is over the limit of this server (http.urlBytesMax).',
  },
  'host-ambiguous': {
    statusCode: 400,
    code: 'InvalidArgument',
    message: 'Bad Request',
    detail: 'An HTTP/1.1 request has exactly one Host header (RFC 9112 3.2).',
  },
  'uploads-busy': {
    statusCode: 503,
    code: 'Unavailable',
    message: 'Service Unavailable',
    detail: 'Too many bytes of unfinished uploads (limits.uploadsInFlightBytesMax); try again.',
  },
  'fault-injected': {
    statusCode: 503,
    code: 'Unavailable',
    message: 'Service Unavailable',
    detail: 'A fault of the test rig: x-headwater-fault names it, `headwater fault list` shows it.',
  },
  overloaded: {
    statusCode: 503,
    code: 'Unavailable',
    message: 'Service Unavailable',
    detail: 'The server is overloaded and serves the live edge first; try again.',
  },
  'waiters-busy': {
    statusCode: 503,
    code: 'Unavailable',
    message: 'Service Unavailable',
    detail: 'As many readers wait for playlists as may; try again.',
  },
  'reload-timeout': {
    statusCode: 503,
    code: 'Unavailable',
    message: 'Service Unavailable',
    detail: 'The encoder did not write what was waited for within three target durations.',
  },
  'reads-per-second': {
    statusCode: 429,
    code: 'ResourceExhausted',
    message: 'Request rate exceeded.',
    detail: 'The cache is over its reads per second (readsPerSecondMax); try again.',
  },
  'read-bytes-per-second': {
    statusCode: 429,
    code: 'ResourceExhausted',
    message: 'Throughput rate exceeded.',
    detail: 'The cache is over its bytes read per second (readBytesPerSecondMax); try again.',
  },
  'writes-per-second': {
    statusCode: 429,
    code: 'ResourceExhausted',
    message: 'Request rate exceeded.',
    detail: 'The cache is over its writes per second (writesPerSecondMax); nothing was changed.',
  },
  'write-bytes-per-second': {
    statusCode: 429,
    code: 'ResourceExhausted',
    message: 'Throughput rate exceeded.',
    detail:
      'The cache is over its bytes written per second (writeBytesPerSecondMax); nothing was changed.',
  },
  stopping: {
    statusCode: 503,
    code: 'Unavailable',
    message: 'Service Unavailable',
    detail: 'The server is stopping; ask again, or ask another one.',
  },
  'store-full': {
    statusCode: 507,
    code: 'ResourceExhausted',
    message: 'Resource Exhausted',
    detail: 'The live windows of the channels fill the hot store (hotStore.sizeBytesMax).',
  },
  'cache-full': {
    statusCode: 507,
    code: 'ResourceExhausted',
    message: 'Resource Exhausted',
    detail: 'The live windows of this cache fill its byte budget (sizeBytesMax).',
  },
  'store-unavailable': {
    statusCode: 503,
    code: 'Unavailable',
    message: 'Service Unavailable',
    detail: 'The store does not answer; try again.',
  },
  internal: {
    statusCode: 500,
    code: 'Internal',
    message: 'Internal Server Error',
    detail: 'A fault of this server; its log has more.',
  },
} as const satisfies Record<string, Refusal>

/**
 * Momento's shape: `{"status","code","message","detail"}`, well under 1 KiB.
 * @param detail  Instead of the general one; short, never with a credential.
 */
export function refusalBody(
  reason: RefusalReason,
  statusCode: number,
  detail: string = REFUSALS[reason].detail,
): Buffer {
  const refusal = REFUSALS[reason]
  const known = BODIES.get(reason)
  if (known !== undefined && refusal.statusCode === statusCode && detail === refusal.detail) {
    return known
  }
  return encodeBody(reason, statusCode, detail)
}

const BODIES = new Map<RefusalReason, Buffer>()
// `Object.keys` widens to string; the table's keys are the reasons by definition.
for (const reason of Object.keys(REFUSALS) as RefusalReason[]) {
  BODIES.set(reason, encodeBody(reason, REFUSALS[reason].statusCode, REFUSALS[reason].detail))
}

function encodeBody(reason: RefusalReason, statusCode: number, detail: string): Buffer {
  const { code, message } = REFUSALS[reason]
  return Buffer.from(`${JSON.stringify({ status: statusCode, code, message, detail })}\n`)
}
