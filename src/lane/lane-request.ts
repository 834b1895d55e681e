/** A request of the express lane: its head, and never a body. */

import type { Socket } from 'node:net'
import type { ItemRequest } from '../wire/item-exchange.ts'
import type { LaneHeaders, RequestHead } from './request-head.ts'

export class LaneRequest implements ItemRequest {
  readonly method: 'GET' | 'HEAD'
  readonly url: string
  readonly headers: LaneHeaders
  readonly socket: Socket
  readonly httpVersionMinor = 1
  readonly complete = true

  constructor(head: RequestHead, socket: Socket) {
    this.method = head.method
    this.url = head.url
    this.headers = head.headers
    this.socket = socket
  }
}
