/**
 * Ending a connection without losing the answer. Closing a socket with unread bytes makes the
 * kernel send a RST, which throws away an answer on its way and makes ffmpeg exit; so the rest of a
 * body is read first, within bounds, and a socket that must go is half-closed and lingers.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const LINGER_MS = 2000

export interface DrainBounds {
  readonly bytesMax: number
  readonly timeMs: number
  /** What is read is counted here, too. */
  readonly tally?: { bytesIn: number } | undefined
}

/**
 * Reads and drops the rest of a body.
 *
 * @returns `complete`: the connection can be used again. `cut`: a bound was reached, the body goes
 *   on. `gone`: the client went away.
 */
export function drain(
  request: IncomingMessage,
  bounds: DrainBounds,
): Promise<'complete' | 'cut' | 'gone'> {
  if (request.complete || request.readableEnded) {
    request.resume()
    return Promise.resolve('complete')
  }
  if (request.destroyed) return Promise.resolve('gone')
  return new Promise((resolve) => {
    let readBytes = 0
    const timer = setTimeout(() => finish('cut'), bounds.timeMs)
    const onData = (chunk: Buffer) => {
      readBytes += chunk.length
      if (bounds.tally !== undefined) bounds.tally.bytesIn += chunk.length
      if (readBytes > bounds.bytesMax) finish('cut')
    }
    const onEnd = () => finish('complete')
    const onGone = () => finish(request.complete ? 'complete' : 'gone')
    const finish = (how: 'complete' | 'cut' | 'gone') => {
      clearTimeout(timer)
      request.off('data', onData).off('end', onEnd).off('close', onGone).off('error', onGone)
      resolve(how)
    }
    request.on('data', onData).on('end', onEnd).on('close', onGone).on('error', onGone)
    request.resume()
  })
}

/**
 * Makes the close after this answer a gentle one: FIN, then whatever still arrives is read and
 * dropped for two seconds. Call it before the head is written, which then says `Connection: close`.
 */
export function closeGently(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request
  response.shouldKeepAlive = false
  // Node ends a last answer by `destroySoon`, which closes at once; bytes that the client still
  // sends would turn that into a RST.
  socket.destroySoon = () => linger(socket)
  response.once('finish', () => request.resume())
}

/** Half-closes; destroys when the other side has closed, too, or after `lingerMs` (2 s). */
export function linger(socket: Socket, lingerMs = LINGER_MS): void {
  if (socket.destroyed) return
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(timer))
  socket.once('end', () => socket.destroy())
  socket.end()
  socket.resume()
}
