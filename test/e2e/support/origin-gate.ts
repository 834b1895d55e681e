/**
 * Stands between a CDN and the origin: counts and keeps what the CDN asks for, and lets the origin
 * be slow, failing or gone. Encoders go to the origin itself.
 */

import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export interface SeenRequest {
  readonly method: string
  readonly target: string
  readonly headers: IncomingHttpHeaders
}

export class OriginGate {
  readonly #originUrl: URL
  #server: Server | undefined
  #port = 0
  #seen: SeenRequest[] = []
  /** Before each request goes on; health probes are not held up. */
  delayMs = 0
  /** Answered instead of the origin, with `no-store`, when set. */
  failWithStatus: number | undefined
  /** Answers items instead of the origin, when set. */
  answerWith: ((response: ServerResponse) => void) | undefined

  private constructor(originUrl: string) {
    this.#originUrl = new URL(originUrl)
  }

  static async open(t: Test, originUrl: string): Promise<OriginGate> {
    const gate = new OriginGate(originUrl)
    await gate.up()
    t.teardown(() => gate.down())
    return gate
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.#port)}`
  }

  /** Requests of items since the last {@link forget}; health probes are left out. */
  get seen(): readonly SeenRequest[] {
    return this.#seen
  }

  /** How many GETs (and HEADs) the origin got for a path, whatever their query. */
  reads(path: string): readonly SeenRequest[] {
    return this.#seen.filter(
      ({ method, target }) =>
        (method === 'GET' || method === 'HEAD') && target.replace(/\?.*$/, '') === path,
    )
  }

  forget(): void {
    this.#seen = []
  }

  /** Listens, on the same port as before. */
  async up(): Promise<void> {
    const server = createServer((request, response) => {
      this.#handle(request, response)
    })
    server.keepAliveTimeout = 125_000
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    // A TCP server's address, not a pipe's.
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  /** Connections are refused from now on, and those that are open end. */
  async down(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const target = request.url ?? ''
    const isProbe = target.startsWith('/health/')
    if (!isProbe) {
      this.#seen.push({ method: request.method ?? '', target, headers: request.headers })
    }
    const delayMs = isProbe ? 0 : this.delayMs
    if (delayMs > 0) setTimeout(() => this.#forward(request, response), delayMs)
    else this.#forward(request, response)
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    const isProbe = (request.url ?? '').startsWith('/health/')
    if (this.failWithStatus !== undefined && !isProbe) {
      response.writeHead(this.failWithStatus, { 'cache-control': 'no-store', 'retry-after': '1' })
      response.end('failing')
      return
    }
    if (this.answerWith !== undefined && !isProbe) {
      this.answerWith(response)
      return
    }
    const upstream = httpRequest(
      {
        host: this.#originUrl.hostname,
        port: this.#originUrl.port,
        method: request.method,
        path: request.url,
        headers: request.headers,
        agent: false,
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 0, answer.rawHeaders)
        answer.pipe(response)
        answer.on('error', () => response.destroy())
      },
    )
    upstream.on('error', () => response.destroy())
    request.pipe(upstream)
  }
}
