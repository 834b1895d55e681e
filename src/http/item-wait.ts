/** Waiting on behalf of a request, for as long as its client does. */

import type { Wait, WaitOutcome } from '../origin/waiters.ts'
import type { ItemRequest, ItemResponse } from '../wire/item-exchange.ts'
import { recordOf } from './request-record.ts'

/** How the wait ended; `left` when the client was the first to end it. */
export async function waitWithClient(
  request: ItemRequest,
  response: ItemResponse,
  wait: Wait,
): Promise<WaitOutcome | 'left'> {
  const { socket } = request
  const record = recordOf(response)
  const since = record?.holdBegins() ?? 0
  let leave: () => void = () => undefined
  const left = new Promise<'left'>((resolve) => {
    leave = () => {
      wait.leave()
      resolve('left')
    }
  })
  // Most clients that leave close both ways at once, and the first sign of it is their FIN.
  socket.once('end', leave).once('close', leave)
  const outcome = await Promise.race([wait.outcome, left])
  socket.off('end', leave).off('close', leave)
  record?.heldSince(since)
  return outcome
}
