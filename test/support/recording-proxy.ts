/**
 * Stands between players and the origin and keeps every answer, so that a test can look for what no
 * reader may see. Changes nothing; for a failing origin see `e2e/support/origin-gate.ts`.
 */

import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { gunzipSync } from 'node:zlib'

export interface Exchange {
  readonly method: string
  readonly target: string
  /** When it was asked and when it was answered whole, `performance.now()`. */
  readonly askedMs: number
  readonly answeredMs: number
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Unpacked when it was gzip-coded; what came of it when the reader went away. */
  readonly body: Buffer
}

export interface RecordingProxy {
  /** `http://127.0.0.1:port`, no trailing slash. */
  readonly url: string
  /** In the order of their ends. */
  readonly exchanges: readonly Exchange[]
  /** How many answers hold a text: in their body or in a header. */
  countWith(text: string): number
}

/** Closed at the end of the test. */
export async function openRecordingProxy(t: Test, originUrl: string): Promise<RecordingProxy> {
  const exchanges: Exchange[] = []
  const server = createServer((request, response) => {
    forward(new URL(originUrl), request, response, (exchange) => exchanges.push(exchange))
  })
  server.keepAliveTimeout = 125_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  })
  // A TCP server's address, not a pipe's.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${String(port)}`,
    exchanges,
    countWith: (text) =>
      exchanges.filter(
        ({ headers, body }) => body.includes(text) || JSON.stringify(headers).includes(text),
      ).length,
  }
}

function forward(
  origin: URL,
  request: IncomingMessage,
  response: ServerResponse,
  keep: (exchange: Exchange) => void,
): void {
  const askedMs = performance.now()
  const { method = '', url = '', headers } = request
  const upstream = httpRequest({
    ...{ host: origin.hostname, port: origin.port, method, path: url, headers, agent: false },
  })
  // A reader that leaves frees what waits for it.
  response.on('close', () => void upstream.destroy())
  upstream.on('error', () => response.destroy())
  upstream.on('response', (answer) => {
    const status = answer.statusCode ?? 0
    const chunks: Buffer[] = []
    response.writeHead(status, answer.rawHeaders)
    answer.on('data', (chunk: Buffer) => chunks.push(chunk))
    answer.on('error', () => response.destroy())
    answer.on('close', () => {
      const bytes = Buffer.concat(chunks)
      const isPacked = answer.headers['content-encoding'] === 'gzip' && answer.complete
      keep({
        ...{ method, target: url, askedMs, answeredMs: performance.now(), status },
        headers: Object.fromEntries(
          Object.entries(answer.headers).map(([name, value]) => [name, String(value)]),
        ),
        body: isPacked && bytes.length > 0 ? gunzipSync(bytes) : bytes,
      })
    })
    answer.pipe(response)
  })
  request.pipe(upstream)
}
