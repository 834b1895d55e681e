/** One HTTP/1.1 answer out of received bytes. Pure: no socket. Used by `raw-client.ts`. */

export interface RawResponse {
  readonly status: number
  readonly reason: string
  /** In order, as sent. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Value of the first header of that name in any case, `undefined` when absent. */
  header(name: string): string | undefined
  readonly body: Buffer
  readonly framing: 'content-length' | 'chunked' | 'none' | 'until-close'
  /** Of the answer in all: head, framing and body. */
  readonly sizeBytes: number
  /** The answer as received. */
  readonly raw: Buffer
}

/**
 * The first answer in `received` and what follows it; `undefined` while it is not whole.
 *
 * @param ended  No more bytes will come: ends a body that has no length.
 */
export function takeResponse(
  received: Buffer,
  method: string,
  ended: boolean,
): { readonly response: RawResponse; readonly rest: Buffer } | undefined {
  const headEnd = received.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const [statusLine = '', ...lines] = received.toString('latin1', 0, headEnd).split('\r\n')
  const match = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(statusLine)
  if (match === null) throw new Error(`not an HTTP/1.1 status line: ${JSON.stringify(statusLine)}`)
  const status = Number(match[1])
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    if (colon <= 0) throw new Error(`not a header line: ${JSON.stringify(line)}`)
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
  const header = (name: string) =>
    headers.find(([known]) => known.toLowerCase() === name.toLowerCase())?.[1]
  const body = takeBody(received, headEnd + 4, method, status, header, ended)
  if (body === undefined) return undefined
  return {
    response: {
      status,
      reason: match[2] ?? '',
      headers,
      header,
      body: body.bytes,
      framing: body.framing,
      sizeBytes: body.endOffset,
      raw: received.subarray(0, body.endOffset),
    },
    rest: received.subarray(body.endOffset),
  }
}

interface TakenBody {
  readonly bytes: Buffer
  readonly framing: RawResponse['framing']
  readonly endOffset: number
}

function takeBody(
  received: Buffer,
  offset: number,
  method: string,
  status: number,
  header: (name: string) => string | undefined,
  ended: boolean,
): TakenBody | undefined {
  const empty = Buffer.alloc(0)
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) {
    return { bytes: empty, framing: 'none', endOffset: offset }
  }
  if (header('transfer-encoding')?.toLowerCase() === 'chunked') return takeChunks(received, offset)
  const length = header('content-length')
  if (length !== undefined) {
    const endOffset = offset + Number(length)
    if (received.length < endOffset) return undefined
    return { bytes: received.subarray(offset, endOffset), framing: 'content-length', endOffset }
  }
  if (!ended) return undefined
  return { bytes: received.subarray(offset), framing: 'until-close', endOffset: received.length }
}

function takeChunks(received: Buffer, start: number): TakenBody | undefined {
  const pieces: Buffer[] = []
  let offset = start
  for (;;) {
    const lineEnd = received.indexOf('\r\n', offset)
    if (lineEnd < 0) return undefined
    const sizeBytes = Number.parseInt(received.toString('latin1', offset, lineEnd), 16)
    if (Number.isNaN(sizeBytes)) throw new Error('not a chunk size')
    const dataEnd = lineEnd + 2 + sizeBytes
    if (received.length < dataEnd + 2) return undefined
    pieces.push(received.subarray(lineEnd + 2, dataEnd))
    offset = dataEnd + 2
    // Trailers are not expected of this server: the last chunk is followed by an empty line.
    if (sizeBytes === 0) {
      return { bytes: Buffer.concat(pieces), framing: 'chunked', endOffset: offset }
    }
  }
}
