/** The part of the composition root that listens: both servers, what is measured, how they stop. */

import { ClientAddresses } from '../auth/client-address.ts'
import type { Clock } from '../base/clock.ts'
import { formatIsoTime } from '../base/dates.ts'
import type { Logger } from '../base/log.ts'
import { VERSION } from '../base/version.ts'
import type { Config } from '../config/schema.ts'
import { shownSettings } from '../config/shown-settings.ts'
import { createAdminPlane } from '../http/admin-plane.ts'
import { createItemHandler } from '../http/create-item-handler.ts'
import { createDataPlane } from '../http/data-plane.ts'
import { Health } from '../http/health.ts'
import { countRequests, createRequestStats } from '../http/item-handler.ts'
import { openOverload } from '../http/open-overload.ts'
import { listenOnPlanes, reloadTlsOf, stopPlanes } from '../http/plane-listeners.ts'
import type { InheritedSockets, ListeningUrls } from '../http/plane-listeners.ts'
import type { TlsReload } from '../http/tls-listener.ts'
import { metricFamilies } from '../metrics/families.ts'
import { formatMetrics } from '../metrics/text.ts'
import type { Core } from './core.ts'

/** Both servers, listening. */
export interface Planes extends ListeningUrls {
  readonly health: Health
  reloadTls(): Promise<TlsReload | undefined>
  close(): Promise<void>
}

export interface PlanesOptions {
  readonly config: Config
  /** Where each setting comes from, by path. */
  readonly sources: ReadonlyMap<string, string> | undefined
  readonly clock: Clock
  readonly log: Logger
  readonly core: Core
  readonly inheritedSockets: InheritedSockets | undefined
}

/** Puts the data plane and the admin plane together and listens. */
export async function openPlanes(options: PlanesOptions): Promise<Planes> {
  const { config, clock, log, core } = options
  const startedAtMs = clock.nowMs()
  const health = new Health()
  const clientAddresses = new ClientAddresses(config.http.trustedProxies)
  const requestStats = createRequestStats()
  const refusedWrites = new Map<string, number>()
  core.origin.events.on('write-refused', ({ reason }) => {
    refusedWrites.set(reason, (refusedWrites.get(reason) ?? 0) + 1)
  })
  const overload = openOverload(config, clock)
  let adminUrl = config.admin.publicUrl
  const serverOptions = {
    headerBytesMax: config.http.headerBytesMax,
    urlBytesMax: config.http.urlBytesMax,
    headersTimeoutMs: config.http.headersTimeoutSeconds * 1000,
    keepAliveMs: config.http.keepAliveSeconds * 1000,
    connectionsMax: config.http.connectionsMax,
    clock,
    log,
  }
  const data = await createDataPlane({
    items: createItemHandler({
      config,
      clock,
      log,
      origin: core.origin,
      store: core.store,
      overload,
      authenticator: core.authenticator,
      readerTokens: core.readerTokens,
      publicHosts: () => [new URL(core.publicUrl()).host],
      clientAddresses,
      health,
      observers: [countRequests(requestStats)],
    }),
    health,
    log,
    server: serverOptions,
    adminUrl: () => adminUrl,
    version: VERSION,
  })
  const families = metricFamilies({
    store: core.store.stats,
    origin: core.origin.stats,
    waiterCount: () => core.origin.waiterCount,
    findingCounts: core.origin.findings.countByRule,
    overload: overload.stats,
    tokenGuard: core.tokenGuard.stats,
    auth: () => core.authenticator.stats,
    requests: requestStats,
    refusedWrites,
    connections: {
      data: data.plane.stats,
      get admin() {
        return admin.plane.stats
      },
    },
    startedAtMs,
    version: VERSION,
  })
  const admin = await createAdminPlane({
    origin: core.origin,
    keys: core.keys,
    guard: {
      authenticator: core.authenticator,
      clientAddresses,
      allowedHosts: config.admin.allowedHosts,
      publicUrl: config.admin.publicUrl,
    },
    health,
    log,
    server: serverOptions,
    metricsText: () => formatMetrics(families),
    settings: shownSettings(config, options.sources ?? new Map()),
    serverInfo: () => ({
      version: VERSION,
      dataPlaneUrl: core.publicUrl(),
      adminUrl,
      pid: process.pid,
      nodeVersion: process.versions.node,
      startedAt: formatIsoTime(startedAtMs),
      now: formatIsoTime(clock.nowMs()),
      state: health.notReady ?? 'ready',
    }),
  })
  const both = { data, admin }
  health.draining.addEventListener('abort', () => core.origin.releaseWaiters())
  const close = async () => {
    await stopPlanes(both, health, config.http)
    overload.close()
  }
  try {
    const urls = await listenOnPlanes(both, config, options.inheritedSockets)
    core.setListeningUrl(urls.dataPlaneUrl)
    adminUrl = config.admin.publicUrl || urls.adminUrl
    return { ...urls, health, reloadTls: () => reloadTlsOf(both), close }
  } catch (error) {
    await close()
    throw error
  }
}
