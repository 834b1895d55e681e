/**
 * A read as the item routes see it, whichever lane it came by. Node's `IncomingMessage` and
 * `ServerResponse` are such a request and answer; the express lane has lighter ones.
 */

import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'

/** A request whose head has been read. */
export interface ItemRequest {
  readonly method?: string | undefined
  /** The request target as received, with credentials in it. */
  readonly url?: string | undefined
  /** Lower-case names; repeated fields are one value. */
  readonly headers: IncomingHttpHeaders
  /** Of `HTTP/1.x`. */
  readonly httpVersionMinor: number
  readonly socket: Socket
  /** Whether its body came to its end. */
  readonly complete: boolean
}

/** Its answer. Members are those of Node's `ServerResponse`, with their meanings. */
export interface ItemResponse {
  readonly socket: Socket | null
  readonly statusCode: number
  readonly headersSent: boolean
  readonly writableFinished: boolean
  /** Bytes that the kernel has not taken yet. */
  readonly writableLength: number
  /** No more can be sent: the connection is gone, or all was handed over. */
  readonly destroyed: boolean
  /** @param fields  Flat: name, value, name, value. */
  writeHead(statusCode: number, fields: string[]): unknown
  write(chunk: Uint8Array | undefined): unknown
  end(chunk?: Uint8Array | string): unknown
  /** Cuts the connection: an answer that has begun must not look whole. */
  destroy(): unknown
  cork(): void
  uncork(): void
  /** Calls `listener` when the socket was silent for so long. */
  setTimeout(ms: number, listener: () => void): unknown
  /** Once, after the whole answer was handed over, or instead of it. */
  on(event: 'close', listener: () => void): unknown
  once(event: 'close', listener: () => void): unknown
}
