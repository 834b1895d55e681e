/** The body of a request into an upload. What is done about how it ended is the caller's. */

import type { IncomingMessage } from 'node:http'
import type { Upload } from '../origin/upload.ts'

/**
 * Feeds the body to the upload until it ends, fails or falls silent for `idleMs`. `complete` with
 * {@link Upload.problem} set: the rest of the body has not been read, and waits for a drain.
 *
 * @param record  Told how many bytes came.
 */
export function receiveUpload(
  request: IncomingMessage,
  upload: Pick<Upload, 'add' | 'problem'>,
  idleMs: number,
  record?: { bytesIn: number },
): Promise<'complete' | 'gone' | 'idle'> {
  // Gone while its credential was verified: its events have been and will not come again.
  if (request.destroyed) return Promise.resolve('gone')
  return new Promise((resolve) => {
    const { socket } = request
    const finish = (how: 'complete' | 'gone' | 'idle') => {
      request.off('data', onData).off('end', onEnd).off('close', onGone).off('error', onGone)
      request.off('timeout', onIdle)
      socket.setTimeout(0)
      resolve(how)
    }
    const onData = (chunk: Buffer) => {
      if (record !== undefined) record.bytesIn += chunk.length
      upload.add(chunk)
      if (upload.problem === undefined) return
      request.pause()
      finish('complete')
    }
    const onEnd = () => finish('complete')
    const onGone = () => finish(request.complete ? 'complete' : 'gone')
    const onIdle = () => finish('idle')
    socket.setTimeout(idleMs)
    // On the request: node destroys a socket whose timeout no request, answer or server takes.
    request.on('timeout', onIdle)
    request.on('data', onData).on('end', onEnd).on('close', onGone).on('error', onGone)
  })
}
