/**
 * The answer to bytes that are no HTTP request: whole, in words, ready for the socket, since there
 * is no request to answer by node's means.
 */

export type ClientErrorReason =
  | 'request-malformed'
  | 'head-timeout'
  | 'headers-too-large'
  /** A TLS handshake on the plain port. */
  | 'tls-on-plain-port'
  /** A plain request on the TLS port. */
  | 'plain-on-tls-port'

const ANSWERS: Readonly<Record<ClientErrorReason, readonly [number, string, string]>> = {
  'request-malformed': [400, 'Bad Request', 'The request is not valid HTTP/1.1.'],
  'head-timeout': [408, 'Request Timeout', 'The request head did not arrive in time.'],
  'headers-too-large': [
    431,
    'Request Header Fields Too Large',
    'The header block is over the limit of this server (http.headerBytesMax).',
  ],
  'tls-on-plain-port': [
    400,
    'Bad Request',
    'This port speaks plain HTTP: use http://, or https:// with the TLS port (http.tls.port).',
  ],
  'plain-on-tls-port': [400, 'Bad Request', 'This port speaks TLS: use https://.'],
}

const REASONS: Readonly<Record<string, ClientErrorReason>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'head-timeout',
}

/** Why a request could not be framed, from the error of node's parser. */
export function clientErrorReason(
  error: NodeJS.ErrnoException & { readonly rawPacket?: Uint8Array },
): ClientErrorReason {
  const known = REASONS[error.code ?? '']
  if (known !== undefined) return known
  return error.rawPacket !== undefined && isTlsRecord(error.rawPacket)
    ? 'tls-on-plain-port'
    : 'request-malformed'
}

/** Whether bytes begin like a TLS handshake: record type 22, of any version 3.x (RFC 8446 §5.1). */
export function isTlsRecord(bytes: Uint8Array): boolean {
  return bytes[0] === 0x16 && (bytes.length === 1 || bytes[1] === 0x03)
}

/** Head and body. The connection must be closed after it. */
export function clientErrorAnswer(reason: ClientErrorReason): string {
  const [status, message, detail] = ANSWERS[reason]
  const body = `${JSON.stringify({ status, code: 'InvalidArgument', message, detail })}\n`
  return [
    `HTTP/1.1 ${status} ${message}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Headwater-Reason: ${reason}`,
    'Cache-Control: no-store',
    'Access-Control-Allow-Origin: *',
    'Connection: close',
    '',
    body,
  ].join('\r\n')
}
