/** A source for pulls: real HTTP on loopback, with answers that a test changes as it goes. */

import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** A body for 200, a status, or all of the answer. */
export type SourceAnswer =
  string | Buffer | number | ((request: IncomingMessage, response: ServerResponse) => void)

export interface AskedRequest {
  /** With its query. */
  readonly path: string
  readonly headers: IncomingMessage['headers']
}

export class HlsSource {
  readonly url: string
  readonly port: number
  /** By path, without the query. */
  readonly answers = new Map<string, SourceAnswer>()
  readonly asked: AskedRequest[] = []

  private constructor(port: number) {
    this.port = port
    this.url = `http://127.0.0.1:${port}`
  }

  static async open(t: Test, host = '127.0.0.1'): Promise<HlsSource> {
    const server = createServer((request, response) => source.#answer(request, response))
    server.listen(0, host)
    await once(server, 'listening')
    // A TCP server's address, not a pipe's.
    const source = new HlsSource((server.address() as AddressInfo).port)
    t.teardown(() => {
      server.closeAllConnections()
      server.close()
    })
    return source
  }

  set(answers: Readonly<Record<string, SourceAnswer>>): void {
    for (const [path, answer] of Object.entries(answers)) this.answers.set(path, answer)
  }

  countOf(path: string): number {
    return this.asked.filter((request) => request.path.split('?')[0] === path).length
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { url: path = '', headers } = request
    this.asked.push({ path, headers })
    const answer = this.answers.get(path.split('?')[0] ?? '') ?? 404
    if (typeof answer === 'function') return answer(request, response)
    if (typeof answer === 'number') {
      response.writeHead(answer).end()
      return
    }
    const body = Buffer.from(answer)
    response.writeHead(200, { 'content-length': body.length }).end(body)
  }
}

/** A live media playlist of these numbers. `tags` stand before the segment of their number. */
export function mediaText(
  numbers: readonly number[],
  options: {
    readonly ended?: boolean
    readonly head?: string
    readonly tags?: Readonly<Record<number, string>>
    readonly uri?: (number: number) => string
  } = {},
): string {
  const { ended = false, head = '', tags = {}, uri = (number) => `seg${number}.ts` } = options
  return [
    '#EXTM3U',
    '#EXT-X-VERSION:3',
    '#EXT-X-TARGETDURATION:2',
    `#EXT-X-MEDIA-SEQUENCE:${numbers[0] ?? 0}`,
    ...(head === '' ? [] : [head]),
    ...numbers.flatMap((number) => [
      ...(tags[number] === undefined ? [] : [tags[number]]),
      '#EXTINF:2.000,',
      uri(number),
    ]),
    ...(ended ? ['#EXT-X-ENDLIST'] : []),
    '',
  ].join('\n')
}

/** MPEG-TS by its first byte. */
export function tsBody(words: string): Buffer {
  return Buffer.concat([Buffer.from([0x47]), Buffer.from(words)])
}
