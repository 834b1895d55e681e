/** The part of the composition root that listens: both servers, what is measured, how they stop. */

import type { Socket } from 'node:net'
import { ClientAddresses } from '../auth/client-address.ts'
import { withTimeOfDay } from '../base/clock.ts'
import { formatIsoTime } from '../base/dates.ts'
import type { Logger } from '../base/log.ts'
import { VERSION } from '../base/version.ts'
import type { Config } from '../config/schema.ts'
import { shownSettings } from '../config/shown-settings.ts'
import { createAdminPlane } from '../http/admin/admin-plane.ts'
import { createItemHandler } from '../http/create-item-handler.ts'
import { createDataPlane } from '../http/data-plane.ts'
import { Health } from '../http/health.ts'
import { Recordings } from '../http/rig/recordings.ts'
import { openOverload } from '../http/open-overload.ts'
import type { ItemHandler } from '../http/item-handler.ts'
import type { FrontHost } from '../http/plane-server.ts'
import { LaneConnection } from '../lane/lane-connection.ts'
import type { LaneHost } from '../lane/lane-connection.ts'
import { listenOnPlanes, reloadTlsOf, stopPlanes } from '../http/plane-listeners.ts'
import type { InheritedSockets, ListeningUrls } from '../http/plane-listeners.ts'
import type { TlsReload } from '../http/tls-listener.ts'
import { HISTORY_STEP_SECONDS } from '../metrics/history.ts'
import type { MetricsHistory } from '../metrics/history.ts'
import { RecentFindings } from '../origin/recent-findings.ts'
import type { Core } from './core.ts'
import { openMeters } from './meters.ts'
import { openObservation } from './observation.ts'

/** Both servers, listening. */
export interface Planes extends ListeningUrls {
  readonly health: Health
  /** The last hour of metrics. */
  readonly history: MetricsHistory
  reloadTls(): Promise<TlsReload | undefined>
  /** Goes on in a new access log, for who has renamed it. */
  reopenLogs(): void
  close(): Promise<void>
}

export interface PlanesOptions {
  readonly config: Config
  /** Where each setting comes from, by path. */
  readonly sources: ReadonlyMap<string, string> | undefined
  readonly log: Logger
  readonly core: Core
  readonly inheritedSockets: InheritedSockets | undefined
  /** Whether metrics, logs and recent requests are told of requests. */
  readonly observeRequests: boolean
}

/** Puts the data plane and the admin plane together and listens. */
export async function openPlanes(options: PlanesOptions): Promise<Planes> {
  const { config, log, core } = options
  const { clock, machineClock } = core
  // What is told of has the origin's time; what is measured and waited for is the machine's.
  const watch = withTimeOfDay(clock, machineClock)
  const startedAtMs = clock.nowMs()
  const health = new Health()
  health.watchStore(core.isStoreDown)
  const clientAddresses = new ClientAddresses(config.http.trustedProxies)
  const observation = await openObservation({
    ...{ config, clock: watch, machineClock, log, core, clientAddresses },
  })
  const meters = openMeters({ config, clock: watch, core })
  const overload = openOverload(config, watch, (seconds) => meters.process.stalls.observe(seconds))
  const publicHosts = () => [new URL(core.publicUrl()).host]
  const recordings = config.rig.enabled ? new Recordings(clock, machineClock) : undefined
  let adminUrl = config.admin.publicUrl
  const serverOptions = {
    headerBytesMax: config.http.headerBytesMax,
    urlBytesMax: config.http.urlBytesMax,
    headersTimeoutMs: config.http.headersTimeoutSeconds * 1000,
    keepAliveMs: config.http.keepAliveSeconds * 1000,
    connectionsMax: config.http.connectionsMax,
    clock: machineClock,
    dateClock: core.virtualClock,
    log,
  }
  const items = createItemHandler({
    ...{ config, clock, machineClock, log },
    origin: core.origin,
    store: core.store,
    overload,
    authenticator: core.authenticator,
    readerTokens: core.readerTokens,
    publicHosts,
    clientAddresses,
    health,
    faults: core.faults,
    observers: options.observeRequests ? [meters.requests, ...observation.observers] : [],
  })
  const data = await createDataPlane({
    items,
    account: {
      keys: core.accountKeys,
      authenticator: core.authenticator,
      clientAddresses,
    },
    health,
    faults: core.faults,
    recordings,
    log,
    // A test rig looks at every request, and its faults are the other lane's.
    server:
      config.expressLane && !config.rig.enabled
        ? { ...serverOptions, openFront: (host) => openExpressLane(host, items) }
        : serverOptions,
    adminUrl: () => adminUrl,
    version: VERSION,
  })
  const metrics = meters.open({
    overload: overload.stats,
    accessLog: observation.accessLogStats,
    webhooks: () => observation.webhooks.stats,
    connections: {
      data: data.plane.stats,
      get admin() {
        return admin.plane.stats
      },
    },
  })
  const admin = await createAdminPlane({
    origin: core.origin,
    keys: core.keys,
    tokens: { disposables: core.disposables, links: core.signInLinks },
    guard: {
      authenticator: core.authenticator,
      sessions: core.sessions,
      clientAddresses,
      allowedHosts: config.admin.allowedHosts,
      publicUrl: config.admin.publicUrl,
    },
    health,
    log,
    server: serverOptions,
    metricsText: metrics.text,
    faults: core.faults,
    recordings,
    clock: {
      machine: machineClock,
      virtualClock: core.virtualClock,
      isClockFixed: config.rig.enabled && core.virtualClock === undefined,
    },
    objects: {
      store: core.store,
      clock,
      ttlSecondsMax: config.limits.ttlSecondsMax,
      uploadIdleMs: config.http.uploadIdleSeconds * 1000,
      publicHosts,
    },
    activity: {
      channels: core.origin.channels,
      recentRequests: observation.recentRequests,
      recentFindings: new RecentFindings({ events: core.origin.events, clock }),
      history: metrics.history,
      historyStepSeconds: HISTORY_STEP_SECONDS,
    },
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
      rigEnabled: config.rig.enabled,
      faultCount: core.faults?.everybody.list().length ?? 0,
    }),
  })
  const both = { data, admin }
  health.draining.addEventListener('abort', () => core.origin.releaseWaiters())
  const close = async () => {
    await stopPlanes(both, health, config.http)
    overload.close()
    meters.close()
    await observation.close()
  }
  try {
    const urls = await listenOnPlanes(both, config, options.inheritedSockets)
    core.setListeningUrl(urls.dataPlaneUrl)
    adminUrl = config.admin.publicUrl || urls.adminUrl
    return {
      ...urls,
      health,
      history: metrics.history,
      reloadTls: () => reloadTlsOf(both),
      reopenLogs: () => observation.reopenLogs(),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function openExpressLane(host: FrontHost, items: ItemHandler): (socket: Socket) => void {
  const laneHost: LaneHost = { ...host, read: (request, response) => items.read(request, response) }
  return (socket) => {
    // It lives by its socket's listeners.
    new LaneConnection(socket, laneHost)
  }
}
