/**
 * The HTTP server under a plane: limits, framing errors, listening addresses and the order of
 * stopping. Routes are Fastify's; this is what Fastify stands on.
 */

import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { refusalBody, REFUSALS } from '../wire/refusals.ts'
import type { RefusalReason } from '../wire/refusals.ts'
import { linger } from './closing.ts'
import { listenOn } from './listen.ts'
import type { Listening } from './listen.ts'

export interface PlaneServerOptions {
  /** Names the plane in errors: 'data plane', 'admin plane'. */
  readonly name: string
  readonly headerBytesMax: number
  readonly urlBytesMax: number
  readonly headersTimeoutMs: number
  readonly keepAliveMs: number
  readonly connectionsMax: number
  /** Called instead of the listener for `Expect: 100-continue`; it must end in `writeContinue` or an answer. */
  readonly onExpectContinue: (request: IncomingMessage, response: ServerResponse) => void
}

/** Plain counters, read by metrics. */
export interface ConnectionStats {
  open: number
  openedCount: number
  /** Closed at once, over `connectionsMax`. */
  refusedCount: number
  /** Requests that could not be framed. */
  malformedCount: number
}

/** How often node looks for heads that take too long: the precision of `headersTimeoutMs`. */
const CONNECTIONS_CHECK_MS = 1000

export class PlaneServer {
  readonly server: Server
  readonly stats: ConnectionStats = { open: 0, openedCount: 0, refusedCount: 0, malformedCount: 0 }
  readonly #options: PlaneServerOptions
  readonly #sockets = new Set<Socket>()
  #listening: Listening | undefined

  /** @param listener  Fastify's. */
  constructor(options: PlaneServerOptions, listener: RequestListener) {
    this.#options = options
    this.server = createServer(
      {
        maxHeaderSize: options.headerBytesMax,
        headersTimeout: options.headersTimeoutMs,
        // Uploads last as long as a segment and are watched by their own idle timer.
        requestTimeout: 0,
        keepAliveTimeout: options.keepAliveMs,
        connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
        noDelay: true,
        // Node's default; said because the refusal of CL+TE and of bare LF rests on it.
        insecureHTTPParser: false,
        // Checked below, with a reason in the answer.
        requireHostHeader: false,
      },
      (request, response) => {
        const problem = this.#requestProblem(request)
        if (problem === undefined) listener(request, response)
        else refuseAndClose(response, problem)
      },
    )
    // ffmpeg closes its side as soon as it has sent a body. Without this, node would abort the
    // request that waits for its credential to be verified, body and all. (`Server.httpAllowHalfOpen`
    // is node's own switch for it, in its types since always, undocumented.)
    Object.assign(this.server, { httpAllowHalfOpen: true })
    // Node drops fields beyond 2,000 in silence, a Content-Range among them; the size bound is enough.
    this.server.maxHeadersCount = 0
    this.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      options.onExpectContinue(request, response)
    })
    this.server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
      this.#onClientError(error, socket),
    )
    this.server.on('connection', (socket: Socket) => this.#onConnection(socket))
  }

  /** @returns The URL to reach it by from this machine. @throws HeadwaterError HW_START_PORT_TAKEN, HW_START_LISTEN_FAILED. */
  async listen(host: string, port: number): Promise<string> {
    this.#listening = await listenOn(this.server, { host, port, name: this.#options.name })
    return this.#listening.url
  }

  /** No new connections. */
  async stopListening(): Promise<void> {
    await this.#listening?.close()
  }

  /**
   * Waits for requests in progress, then closes what is left.
   * @param drainMs  How long they may take.
   */
  async close(drainMs: number): Promise<void> {
    await this.stopListening()
    this.server.closeIdleConnections()
    if (this.#sockets.size > 0 && drainMs > 0) await this.#drained(drainMs)
    for (const socket of this.#sockets) socket.destroy()
  }

  #drained(drainMs: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearInterval(sweep)
        clearTimeout(deadline)
        resolve()
      }
      // A connection that was busy a moment ago is idle now: close it, too.
      const sweep = setInterval(() => {
        this.server.closeIdleConnections()
        if (this.#sockets.size === 0) finish()
      }, 20)
      const deadline = setTimeout(finish, drainMs)
    })
  }

  #onConnection(socket: Socket): void {
    if (this.#sockets.size >= this.#options.connectionsMax) {
      this.stats.refusedCount++
      socket.destroy()
      return
    }
    this.stats.openedCount++
    this.stats.open++
    this.#sockets.add(socket)
    socket.once('close', () => {
      this.stats.open--
      this.#sockets.delete(socket)
    })
  }

  #requestProblem(request: IncomingMessage): RefusalReason | undefined {
    if ((request.url ?? '').length > this.#options.urlBytesMax) return 'url-too-long'
    // RFC 9112 §3.2: a server MUST refuse more than one Host; node takes the first.
    let hostCount = 0
    const { rawHeaders } = request
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const name = rawHeaders[index]
      if (name?.length === 4 && name.toLowerCase() === 'host') hostCount++
    }
    // HTTP/1.0 knows no Host.
    if (hostCount === 0 && request.httpVersionMinor === 0) return undefined
    return hostCount === 1 ? undefined : 'host-ambiguous'
  }

  /** What could not be framed is answered once, in words, and closed gently. */
  #onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    if (socket.destroyed || answered.has(socket)) return
    answered.add(socket)
    const status = CLIENT_ERROR_STATUS[error.code ?? ''] ?? 400
    if (error.code === 'HPE_INVALID_EOF_STATE' || error.code === 'ECONNRESET' || !socket.writable) {
      // The client is gone, in the middle of a request or of an answer.
      socket.destroy()
      return
    }
    this.stats.malformedCount++
    // An answer that has begun cannot be followed by an error on the same connection.
    const pending = (socket as Socket & { _httpMessage?: ServerResponse })._httpMessage
    if (pending?.headersSent !== true) socket.write(clientErrorAnswer(status))
    linger(socket)
  }
}

const answered = new WeakSet<Socket>()

const CLIENT_ERROR_STATUS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

const CLIENT_ERROR_WORDS: Readonly<Record<number, readonly [string, string, string]>> = {
  400: ['Bad Request', 'request-malformed', 'The request is not valid HTTP/1.1.'],
  408: ['Request Timeout', 'head-timeout', 'The request head did not arrive in time.'],
  431: [
    'Request Header Fields Too Large',
    'headers-too-large',
    'The header block is over the limit of this server (http.headerBytesMax).',
  ],
}

function clientErrorAnswer(status: number): string {
  const [message, reason, detail] = CLIENT_ERROR_WORDS[status] ?? [
    'Bad Request',
    'request-malformed',
    '',
  ]
  const body = `${JSON.stringify({ status, code: 'InvalidArgument', message, detail })}\n`
  return [
    `HTTP/1.1 ${status} ${message}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Headwater-Reason: ${reason}`,
    'Cache-Control: no-store',
    'Access-Control-Allow-Origin: *',
    'Connection: close',
    '',
    body,
  ].join('\r\n')
}

function refuseAndClose(response: ServerResponse, reason: RefusalReason): void {
  const { statusCode } = REFUSALS[reason]
  const body = refusalBody(reason, statusCode)
  const { socket } = response
  if (socket !== null) socket.destroySoon = () => linger(socket)
  response.writeHead(statusCode, [
    'Content-Type',
    'application/json',
    'Content-Length',
    String(body.length),
    'X-Headwater-Reason',
    reason,
    'Cache-Control',
    'no-store',
    'Access-Control-Allow-Origin',
    '*',
    'Connection',
    'close',
  ])
  response.end(body)
}
