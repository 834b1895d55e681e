/**
 * The HTTP server under a plane: limits, framing errors, its plain and its TLS port, and how it
 * stops. Routes are Fastify's; this is what Fastify stands on.
 */

import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import { createServer as createNetServer } from 'node:net'
import type { Server as NetServer, Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { ItemResponse } from '../wire/item-exchange.ts'
import { refusalBody, REFUSALS } from '../wire/refusals.ts'
import type { RefusalReason } from '../wire/refusals.ts'
import type { CertificateFiles } from './certificate.ts'
import { clientErrorAnswer, clientErrorReason } from './client-error.ts'
import { Connections } from './connections.ts'
import type { ConnectionStats } from './connections.ts'
import { responsesDatedBy } from './dated-response.ts'
import { listenOn } from './listen.ts'
import type { Listening } from './listen.ts'
import { TlsListener } from './tls-listener.ts'
import type { TlsReload } from './tls-listener.ts'

export interface PlaneServerOptions {
  /** Names the plane in errors: 'data plane', 'admin plane'. */
  readonly name: string
  readonly headerBytesMax: number
  readonly urlBytesMax: number
  readonly headersTimeoutMs: number
  readonly keepAliveMs: number
  readonly connectionsMax: number
  readonly clock: Clock
  /** What every `Date` is by, where that is not the machine's: a test rig's. */
  readonly dateClock?: Clock | undefined
  readonly log: Logger
  /** Called instead of the listener for `Expect: 100-continue`; it must end in `writeContinue` or an answer. */
  readonly onExpectContinue: (request: IncomingMessage, response: ServerResponse) => void
  /** Takes every connection of the plain port before node's HTTP server does. */
  readonly openFront?: ((host: FrontHost) => (socket: Socket) => void) | undefined
}

export interface PlaneAddress {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  /** Listening sockets of the supervisor, which are used instead. */
  readonly inheritedFds?: readonly number[] | undefined
}

/** What a front (a lane before node's HTTP server) needs of the plane. */
export interface FrontHost {
  readonly headerBytesMax: number
  readonly urlBytesMax: number
  readonly headersTimeoutMs: number
  readonly keepAliveMs: number
  /** A request begins; it ends with its answer. False: its connection is being closed, ignore it. */
  begin(this: void, socket: Socket, response: ItemResponse): boolean
  /** Half-closes in order: what still comes is read and dropped. */
  leave(this: void, socket: Socket): void
  /** Node's HTTP server takes the connection; bytes that were read are to be read again. */
  handOver(this: void, socket: Socket): void
  /** A head did not come to its end in time: says so and leaves. */
  headTimedOut(this: void, socket: Socket): void
}

/** How often node looks for heads that take too long: the precision of `headersTimeoutMs`. */
const CONNECTIONS_CHECK_MS = 1000

export class PlaneServer {
  readonly server: Server
  readonly #options: PlaneServerOptions
  readonly #connections: Connections
  #listening: Listening | undefined
  #tls: TlsListener | undefined
  #isStopping = false
  /** Connections that came through a front: counted already. */
  readonly #handedOver = new WeakSet<Socket>()

  /** @param listener  Fastify's. */
  constructor(options: PlaneServerOptions, listener: RequestListener) {
    this.#options = options
    this.#connections = new Connections(options.connectionsMax)
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
        ...(options.dateClock === undefined
          ? {}
          : { ServerResponse: responsesDatedBy(options.dateClock) }),
      },
      (request, response) => {
        if (!this.#admitRequest(request, response)) return
        const problem = this.#requestProblem(request)
        if (problem === undefined) listener(request, response)
        else this.#refuse(request.socket, response, problem)
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

  get stats(): ConnectionStats {
    return this.#connections.stats
  }

  /** @returns The URL to reach it by from this machine. @throws HeadwaterError HW_START_PORT_TAKEN, HW_START_LISTEN_FAILED. */
  async listen(address: PlaneAddress): Promise<string> {
    const server = this.#options.openFront === undefined ? this.server : this.#openFront()
    this.#listening = await listenOn(server, { ...address, name: this.#options.name })
    return this.#listening.url
  }

  #openFront(): NetServer {
    const { headerBytesMax, urlBytesMax, headersTimeoutMs, keepAliveMs } = this.#options
    const front = this.#options.openFront?.({
      ...{ headerBytesMax, urlBytesMax, headersTimeoutMs, keepAliveMs },
      begin: (socket, response) => {
        this.stats.frontRequestCount++
        return this.#connections.begin(socket, response)
      },
      leave: (socket) => this.#connections.leave(socket),
      handOver: (socket) => {
        this.stats.handedOverCount++
        this.#handedOver.add(socket)
        this.server.emit('connection', socket)
      },
      headTimedOut: (socket) => {
        this.stats.malformedCount++
        socket.write(clientErrorAnswer('head-timeout'))
        this.#connections.leave(socket)
      },
    })
    // Node watches over slow heads from this event on; its own server never listens here.
    this.server.emit('listening')
    return createNetServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      if (!this.#connections.admit(socket)) return
      this.#connections.watch(socket)
      front?.(socket)
    })
  }

  /**
   * A TLS port beside the plain one, with the same limits and the same requests.
   *
   * @returns Its URL. @throws HeadwaterError as {@link listen}, and HW_START_TLS_UNUSABLE.
   */
  async listenTls(address: PlaneAddress, files: CertificateFiles): Promise<string> {
    const { name, headersTimeoutMs, clock, log } = this.#options
    this.#tls = await TlsListener.open(
      {
        files,
        connections: this.#connections,
        handshakeTimeoutMs: headersTimeoutMs,
        onSecure: (socket) => this.server.emit('connection', socket),
        clock,
        log,
      },
      { ...address, name: `TLS port of the ${name}` },
    )
    return this.#tls.url
  }

  /** Reads the certificate's files again; `undefined` when there is no TLS port. */
  reloadTls(): Promise<TlsReload | undefined> {
    return this.#tls?.reload() ?? Promise.resolve(undefined)
  }

  /** From now on every answer ends its connection; new ones are still accepted. */
  announceStop(): void {
    this.#isStopping = true
  }

  /** No new connections: those that come wait for whoever else has the socket, or are refused. */
  async stopListening(): Promise<void> {
    this.announceStop()
    await Promise.all([this.#listening?.close(), this.#tls?.stopListening()])
  }

  /**
   * Stops listening, waits for requests in progress, closes what is left. May be called twice.
   * @param drainMs  How long requests may take.
   */
  async close(drainMs: number): Promise<void> {
    await this.stopListening()
    await this.#connections.drain(drainMs)
    // Ends node's watch over heads that take too long, too.
    this.server.close()
  }

  #onConnection(socket: Socket): void {
    if (this.#handedOver.has(socket)) return
    // A TLS connection was counted before its handshake.
    if (socket instanceof TLSSocket || this.#connections.admit(socket)) {
      this.#connections.watch(socket)
    }
  }

  /** False: the request came on a connection that is being closed. */
  #admitRequest(request: IncomingMessage, response: ServerResponse): boolean {
    const { socket } = request
    if (!this.#connections.begin(socket, response)) {
      request.resume()
      return false
    }
    if (this.#isStopping) {
      response.shouldKeepAlive = false
      // Node closes after a last answer; requests that are pipelined behind it would make that a RST.
      socket.destroySoon = () => this.#connections.leave(socket)
    }
    return true
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

  #refuse(socket: Socket, response: ServerResponse, reason: RefusalReason): void {
    socket.destroySoon = () => this.#connections.leave(socket)
    writeRefusal(response, reason)
  }

  /** What could not be framed is answered once, in words, and closed gently. */
  #onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    if (socket.destroyed || answered.has(socket)) return
    answered.add(socket)
    if (error.code === 'HPE_INVALID_EOF_STATE' || error.code === 'ECONNRESET' || !socket.writable) {
      // The client is gone, in the middle of a request or of an answer.
      socket.destroy()
      return
    }
    this.stats.malformedCount++
    // An answer that has begun cannot be followed by an error on the same connection.
    const pending = (socket as Socket & { _httpMessage?: ServerResponse })._httpMessage
    if (pending?.headersSent !== true) {
      socket.write(clientErrorAnswer(clientErrorReason(error)))
    }
    this.#connections.leave(socket)
  }
}

const answered = new WeakSet<Socket>()

function writeRefusal(response: ServerResponse, reason: RefusalReason): void {
  const { statusCode } = REFUSALS[reason]
  const body = refusalBody(reason, statusCode)
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
