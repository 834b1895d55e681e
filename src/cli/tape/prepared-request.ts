/** A request of a tape made ready to be sent: as it was recorded, or as somebody has changed it. */

import type { SentRequest } from './replay-target.ts'
import type { Tape, TapedRequest } from './tape-source.ts'

export interface PreparedRequest {
  readonly sent: SentRequest
  /** As many as the recorded request has chunks; an empty one is left out. */
  readonly chunkBytes: readonly number[]
  readonly sizeBytes: number
  /** Bytes of the body. */
  read(offsetBytes: number, sizeBytes: number): Promise<Buffer>
}

/** `undefined`: this request is not sent in this loop. */
export type PrepareRequest = (
  request: TapedRequest,
  loop: number,
) => Promise<PreparedRequest | undefined>

/** Byte for byte, except for media that are only sizes. */
export function prepareExactly(tape: Tape, request: TapedRequest): PreparedRequest {
  const { method, path, query, headers, framing, sizeBytes, chunks, isScrubbed } = request
  return {
    sent: { ...{ method, path, query, headers, framing }, lengthBytes: request.lengthBytes ?? 0 },
    chunkBytes: chunks.map(([, bytes]) => bytes),
    sizeBytes,
    read: (offsetBytes, bytes) =>
      isScrubbed === true
        ? Promise.resolve(fillerOf(offsetBytes, bytes))
        : tape.read(request, offsetBytes, bytes),
  }
}

/** A null packet of MPEG-2 TS (ISO/IEC 13818-1 §2.4.3): demuxers pass over it. */
const NULL_PACKET = Buffer.alloc(188, 0xff)
NULL_PACKET.set([0x47, 0x1f, 0xff, 0x10])

/** Media that were not recorded: null packets, whatever the container was. */
export function fillerOf(offsetBytes: number, sizeBytes: number): Buffer {
  const start = offsetBytes % NULL_PACKET.length
  return Buffer.alloc(start + sizeBytes, NULL_PACKET).subarray(start)
}
