/**
 * The TLS port: accepts connections, tells TLS from plain text by the first byte, and hands each
 * finished handshake to the plane's one HTTP server, so that both ports have the same limits and
 * rules. HTTP/1.1 alone (ALPN `http/1.1`).
 */

import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { Server as TlsServer, TLSSocket } from 'node:tls'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { readCertificate } from './certificate.ts'
import type { Certificate, CertificateFiles } from './certificate.ts'
import { clientErrorAnswer, isTlsRecord } from './client-error.ts'
import type { Connections } from './connections.ts'
import { listenOn } from './listen.ts'
import type { Listening, ListenOptions } from './listen.ts'

export interface TlsListenerOptions {
  readonly files: CertificateFiles
  readonly connections: Connections
  /** For the first byte, and again for the handshake. */
  readonly handshakeTimeoutMs: number
  /** Called with each connection whose handshake is done. */
  readonly onSecure: (socket: TLSSocket) => void
  readonly clock: Clock
  readonly log: Logger
}

/** `kept`: the files cannot be used, the certificate in use stays; the log says why. */
export type TlsReload = 'reloaded' | 'kept'

/** Failed handshakes are one line of the log in so long: a scanner must not fill the disk. */
const FAILURE_LOG_INTERVAL_MS = 10_000
/** A warning before clients begin to refuse the certificate. */
const EXPIRES_SOON_MS = 14 * 86_400_000

export class TlsListener {
  readonly #options: TlsListenerOptions
  readonly #front: Server
  readonly #tls: TlsServer
  #listening: Listening | undefined
  #failureCount = 0
  #failureLoggedAtMs = -Infinity

  /** @throws HeadwaterError HW_START_TLS_UNUSABLE, HW_START_PORT_TAKEN, HW_START_LISTEN_FAILED. */
  static async open(options: TlsListenerOptions, listen: ListenOptions): Promise<TlsListener> {
    const certificate = await readCertificate(options.files)
    const listener = new TlsListener(options, certificate)
    listener.#listening = await listenOn(listener.#front, listen)
    listener.#tell(certificate, 'certificate loaded')
    return listener
  }

  private constructor(options: TlsListenerOptions, certificate: Certificate) {
    this.#options = options
    this.#tls = createTlsServer({
      ...certificate.context,
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: options.handshakeTimeoutMs,
    })
    this.#tls.on('secureConnection', (socket) => options.onSecure(socket))
    this.#tls.on('tlsClientError', (error, socket) => this.#onHandshakeFailed(error, socket))
    this.#front = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#onConnection(socket),
    )
  }

  /** How this machine reaches it: `https://127.0.0.1:8443`. */
  get url(): string {
    return (this.#listening?.url ?? '').replace(/^http:/, 'https:')
  }

  /** Reads the files again. Connections that are open keep the certificate they began with. */
  async reload(): Promise<TlsReload> {
    const { files, log } = this.#options
    try {
      const certificate = await readCertificate(files)
      this.#tls.setSecureContext(certificate.context)
      this.#tell(certificate, 'certificate reloaded')
      return 'reloaded'
    } catch (error) {
      log.error({ err: error }, 'certificate not reloaded: the one in use is kept')
      return 'kept'
    }
  }

  /** No new connections; those in the middle of a handshake may finish it. */
  async stopListening(): Promise<void> {
    await this.#listening?.close()
  }

  /** A plain request on this port gets words; OpenSSL would drop it with an alert. */
  #onConnection(socket: Socket): void {
    const { connections, handshakeTimeoutMs } = this.#options
    // Ignored: `close` follows, and whoever has the socket by then sees it.
    socket.on('error', () => undefined)
    if (!connections.admit(socket)) return
    // While it is silent it is as idle as a connection between two requests.
    connections.watch(socket)
    const onTimeout = () => socket.destroy()
    const onEnd = () => socket.end()
    socket.setTimeout(handshakeTimeoutMs, onTimeout)
    socket.once('end', onEnd)
    socket.once('data', (first: Buffer) => {
      socket.off('end', onEnd).off('timeout', onTimeout).setTimeout(0)
      if (isTlsRecord(first)) {
        socket.pause()
        connections.unwatch(socket)
        socket.unshift(first)
        // A documented use of the event; what was put back is read by the TLS socket.
        this.#tls.emit('connection', socket)
        return
      }
      connections.stats.malformedCount++
      socket.write(clientErrorAnswer('plain-on-tls-port'))
      connections.leave(socket)
    })
  }

  #onHandshakeFailed(error: NodeJS.ErrnoException, socket: TLSSocket): void {
    const { connections, clock, log } = this.#options
    const clientAddress = socket.remoteAddress
    // After an error of OpenSSL node has done it; after a timeout it leaves it to this listener.
    socket.destroy()
    connections.stats.malformedCount++
    this.#failureCount++
    const nowMs = clock.monotonicMs()
    if (nowMs - this.#failureLoggedAtMs < FAILURE_LOG_INTERVAL_MS) return
    log.warn(
      {
        clientAddress,
        reason: error.code ?? error.message,
        failureCount: this.#failureCount,
      },
      'TLS handshake failed',
    )
    this.#failureLoggedAtMs = nowMs
    this.#failureCount = 0
  }

  #tell({ names, fingerprint, validToMs }: Certificate, message: string): void {
    const { clock, log, files } = this.#options
    log.info({ certFile: files.certFile, names, fingerprint }, message)
    if (validToMs === undefined) return
    const leftMs = validToMs - clock.nowMs()
    if (leftMs > EXPIRES_SOON_MS) return
    const daysLeft = Math.floor(leftMs / 86_400_000)
    log.warn(
      { certFile: files.certFile, daysLeft },
      leftMs <= 0
        ? 'the certificate has expired: clients refuse it'
        : 'the certificate expires soon',
    )
  }
}
