/**
 * Where the planes listen and the order in which they stop. Called by the composition root; the
 * planes themselves know neither settings nor each other.
 */

import { HeadwaterError } from '../base/errors.ts'
import type { Config } from '../config/schema.ts'
import type { AdminPlane } from './admin/admin-plane.ts'
import type { DataPlane } from './data-plane.ts'
import type { Health } from './health.ts'
import type { TlsReload } from './tls-listener.ts'

/**
 * Listening sockets that a supervisor opened and keeps open (systemd's socket activation): their
 * file descriptors by port. Several of one port are several addresses.
 */
export interface InheritedSockets {
  readonly http?: readonly number[]
  readonly https?: readonly number[]
  readonly admin?: readonly number[]
}

export interface ListeningUrls {
  readonly dataPlaneUrl: string
  /** Absent without `http.tls.certFile`. */
  readonly tlsUrl: string | undefined
  readonly adminUrl: string
}

export interface Planes {
  readonly data: DataPlane
  readonly admin: AdminPlane
}

/** What the admin plane's last answers may take, when the data plane is done. */
const ADMIN_DRAIN_MS = 500

/** @throws HeadwaterError HW_START_PORT_TAKEN, HW_START_LISTEN_FAILED, HW_START_TLS_UNUSABLE. */
export async function listenOnPlanes(
  { data, admin }: Planes,
  settings: Pick<Config, 'http' | 'admin'>,
  inherited: InheritedSockets = {},
): Promise<ListeningUrls> {
  const { host, port, tls } = settings.http
  const hasTls = tls.certFile !== ''
  if (!hasTls && inherited.https !== undefined) {
    throw new HeadwaterError(
      'HW_START_TLS_UNUSABLE',
      'There is an inherited socket for https, but no certificate.',
      { detail: 'Set http.tls.certFile and http.tls.keyFile, or take the socket away.' },
    )
  }
  const dataPlaneUrl = await data.plane.listen({ host, port, inheritedFds: inherited.http })
  const tlsUrl = hasTls
    ? await data.plane.listenTls({ host, port: tls.port, inheritedFds: inherited.https }, tls)
    : undefined
  const adminUrl = await admin.plane.listen({
    host: settings.admin.host,
    port: settings.admin.port,
    inheritedFds: inherited.admin,
  })
  return { dataPlaneUrl, tlsUrl, adminUrl }
}

/** As `PlaneServer.reloadTls`, for the data plane. */
export function reloadTlsOf({ data }: Planes): Promise<TlsReload | undefined> {
  return data.plane.reloadTls()
}

/**
 * Stops in order: not ready; for `shutdownDelaySeconds` everything is still answered, each answer
 * closing its connection; no new connections; uploads end and waiters are answered for up to
 * `shutdownSeconds`; what is left is closed. The admin plane, and with it the metrics, goes last.
 */
export async function stopPlanes(
  { data, admin }: Planes,
  health: Health,
  http: Config['http'],
): Promise<void> {
  const wasReady = health.notReady === undefined
  health.set('stopping')
  data.plane.announceStop()
  if (wasReady) await delay(http.shutdownDelaySeconds * 1000)
  await data.plane.stopListening()
  health.startDraining()
  await data.plane.close(http.shutdownSeconds * 1000)
  await admin.plane.close(ADMIN_DRAIN_MS)
  await Promise.all([data.app.close(), admin.app.close()])
}

function delay(ms: number): Promise<void> {
  return ms <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms))
}
