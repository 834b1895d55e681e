/** The body of an answer of a source: decoded, cut to a range, and never larger than allowed. */

import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'

export interface BodyBounds {
  /** Over it the body is refused. */
  readonly bytesMax: number
  /** Bytes to pass over: the source does not know ranges. */
  readonly skipBytes: number
  /** How many to take; absent: all. */
  readonly takeBytes?: number | undefined
}

/** A source that ignores ranges would send a whole film for each of its segments. */
export const SKIP_BYTES_MAX = 64 * 1024 * 1024

/** @returns What is wrong with it, as words, instead of a body. Never throws. */
export function readSourceBody(
  response: IncomingMessage,
  { bytesMax, skipBytes, takeBytes }: BodyBounds,
): Promise<Buffer | string> {
  return new Promise((resolve) => {
    const decoded = decode(response)
    const settle = (result: Buffer | string) => {
      resolve(result)
      if (response.complete) return
      response.destroy()
      if (decoded !== response) decoded?.destroy()
    }
    const wanted = takeBytes ?? Infinity
    if (decoded === undefined) return settle('its Content-Encoding is not known')
    if (skipBytes > SKIP_BYTES_MAX) return settle('it does not know byte ranges')
    if (wanted !== Infinity && wanted > bytesMax) return settle(tooLarge(bytesMax))
    if (decoded === response && Number(response.headers['content-length'] ?? 0) > bytesMax) {
      if (wanted === Infinity) return settle(tooLarge(bytesMax))
    }
    const chunks: Buffer[] = []
    let passedBytes = 0
    let sizeBytes = 0
    decoded.on('data', (chunk: Buffer) => {
      const start = Math.min(chunk.length, Math.max(0, skipBytes - passedBytes))
      passedBytes += chunk.length
      const piece = chunk.subarray(start, start + Math.max(0, wanted - sizeBytes))
      sizeBytes += piece.length
      if (sizeBytes > bytesMax) return settle(tooLarge(bytesMax))
      if (piece.length > 0) chunks.push(piece)
      // An answer that ends here is left to end, so that its connection serves again.
      if (passedBytes > skipBytes + wanted) settle(Buffer.concat(chunks))
    })
    decoded.on('error', () => settle('the answer broke off, or cannot be decoded'))
    decoded.on('end', () => {
      if (!response.complete) settle('the answer broke off')
      else if (takeBytes !== undefined && sizeBytes < takeBytes) {
        settle(`only ${sizeBytes} of ${takeBytes} bytes came`)
      } else settle(Buffer.concat(chunks))
    })
    response.on('error', () => settle('the answer broke off'))
    response.on('close', () => {
      if (!response.complete) settle('the answer broke off')
    })
  })
}

function tooLarge(bytesMax: number): string {
  return `it is larger than ${bytesMax} bytes`
}

/** Decoded as it comes, so that a bomb is never unpacked as a whole. */
function decode(response: IncomingMessage): Readable | undefined {
  const coding = (response.headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  if (coding === 'identity' || coding === '') return response
  const decoder =
    coding === 'gzip' || coding === 'x-gzip'
      ? createGunzip()
      : coding === 'deflate'
        ? createInflate()
        : coding === 'br'
          ? createBrotliDecompress()
          : undefined
  return decoder === undefined ? undefined : response.pipe(decoder)
}
