/**
 * Reading an upload while it is written: chunked, without length, range or validator. If the
 * encoder dies, the reader's socket is destroyed and never ended, so that no cache keeps a torn body
 * as the whole.
 */

import type { Upload } from '../origin/upload.ts'
import { isActiveType } from '../wire/headers.ts'
import type { ItemRequest, ItemResponse } from '../wire/item-exchange.ts'
import type { ItemAnswers } from './item-answers.ts'
import { recordOf } from './request-record.ts'

export interface ItemStreamOptions {
  readonly answers: ItemAnswers
  /** A reader that takes nothing for this long is cut. */
  readonly readerStallMs: number
}

export interface StreamedItem {
  readonly contentType: string
  readonly maxAgeSeconds: number
}

/** Answers 200 with what has come of an upload, then with what comes. */
export function streamUpload(
  request: ItemRequest,
  response: ItemResponse,
  upload: Upload,
  item: StreamedItem,
  options: ItemStreamOptions,
): void {
  const { contentEncoding } = upload.request
  const fields = ['Content-Type', item.contentType, 'X-Content-Type-Options', 'nosniff']
  if (contentEncoding !== '') fields.push('Content-Encoding', contentEncoding)
  if (isActiveType(item.contentType)) fields.push('Content-Security-Policy', 'sandbox')
  const record = recordOf(response)
  const begin = () => {
    if (!response.headersSent) {
      if (record !== undefined) record.source = 'upload'
      options.answers.head(request, response, 200, fields, item)
    }
  }
  const send = (chunk: Uint8Array) => {
    begin()
    if (record !== undefined) record.bytesOut += chunk.length
    response.write(chunk)
  }
  if (request.method === 'HEAD') {
    begin()
    response.end()
    return
  }
  const { chunks, stop } = upload.follow({
    onChunk: (chunk) => send(chunk),
    onStored: () => response.end(),
    onFailed: () => {
      // Nothing came and nothing was said yet: it is a miss like any other.
      if (response.headersSent) response.destroy()
      else options.answers.refuse(request, response, 'key-not-found')
    },
  })
  response.once('close', stop)
  watchStall(response, options.readerStallMs)
  for (const chunk of chunks) send(chunk)
}

/** Cuts a reader that leaves bytes unread for so long. Silence of the encoder is no stall. */
export function watchStall(response: ItemResponse, readerStallMs: number): void {
  response.setTimeout(readerStallMs, () => {
    if (response.socket !== null && response.socket.writableLength > 0) response.destroy()
    else response.socket?.setTimeout(readerStallMs)
  })
}
