/** Segments that the origin sends while they are still being uploaded: chunked, without a length. */

import { request as httpRequest } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Test } from 'tap'
import { http } from '../../support/http.ts'
import { openRig } from './cdn-checks.ts'
import type { CdnProgram } from './cdn-process.ts'

/** As the origin answers for such a segment. */
const HEAD = { 'content-type': 'video/mp2t', 'cache-control': 'public, max-age=300' }
/** More than any buffer that waits to be full: the first bytes must not wait for the last. */
const FIRST = Buffer.alloc(200_000, 1)
const REST = Buffer.alloc(100_000, 2)

export function checkStreaming(t: Test, program: CdnProgram): void {
  t.test('a segment in progress reaches the viewer as it arrives, and is kept whole', async (t) => {
    const { gate, cdnUrl } = await openRig(t, program)
    let upload: ServerResponse | undefined
    gate.answerWith = (response) => {
      upload = response
      response.writeHead(200, HEAD)
      response.write(FIRST)
    }
    const viewer = open(`${cdnUrl}/growing.ts`)
    const response = await viewer.response
    let sizeBytes = 0
    await new Promise<void>((resolve) => {
      response.on('data', (data: Buffer) => {
        sizeBytes += data.length
        // All but what a proxy may hold back until it has a full buffer.
        if (sizeBytes > FIRST.length - 64 * 1024) resolve()
      })
    })
    t.ok(upload?.writableEnded === false, 'the first bytes came before the last were sent')
    const ended = new Promise<void>((resolve) => void response.once('end', resolve))
    upload?.end(REST)
    await ended
    t.equal(sizeBytes, FIRST.length + REST.length)
    const again = await http(`${cdnUrl}/growing.ts`)
    t.ok(again.body.equals(Buffer.concat([FIRST, REST])))
    t.equal(gate.reads('/cache/live-origin/growing.ts').length, 1)
  })

  t.test('a segment whose encoder died is torn for its viewer, and kept by no one', async (t) => {
    const { gate, cdnUrl, put } = await openRig(t, program)
    gate.answerWith = (response) => {
      response.writeHead(200, HEAD)
      response.write(FIRST, () => void response.destroy())
    }
    const viewer = open(`${cdnUrl}/torn.ts`)
    const outcome = await viewer.response.then(
      (response) =>
        new Promise<string>((resolve) => {
          response.resume()
          response.once('end', () => resolve(`complete ${String(response.statusCode)}`))
          response.once('error', () => resolve('torn'))
        }),
      () => 'torn',
    )
    // Varnish may learn of it before it has sent a head: then it is a 503, which nobody plays.
    t.ok(
      ['torn', 'complete 503'].includes(outcome),
      `not a 200 that ends as if it were whole: ${outcome}`,
    )
    gate.answerWith = undefined
    t.equal((await http(`${cdnUrl}/torn.ts`)).status, 404, 'the origin was asked again')
    await put('torn-2.ts', 'whole')
    t.equal((await http(`${cdnUrl}/torn-2.ts`)).text, 'whole')
  })
}

function open(url: string): { readonly response: Promise<IncomingMessage> } {
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpRequest(url, resolve)
    request.on('error', reject)
    request.end()
  })
  return { response }
}
