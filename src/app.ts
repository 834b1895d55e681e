/**
 * The composition root: from settings to a running origin. The only file that knows every room;
 * also the library's entry, for tests of other projects ({@link startHeadwater}).
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Authenticator } from './auth/authenticator.ts'
import { ClientAddresses } from './auth/client-address.ts'
import { openFirstKeys, readSigningSecret } from './auth/first-keys.ts'
import type { FirstKeys } from './auth/first-keys.ts'
import { KeyRegistry } from './auth/key-registry.ts'
import { KeyService } from './auth/key-service.ts'
import { ReaderTokens } from './auth/reader-tokens.ts'
import type { MintedKey, MintRequest } from './auth/key-service.ts'
import { systemClock } from './base/clock.ts'
import type { Clock } from './base/clock.ts'
import { createLogger } from './base/log.ts'
import type { Logger } from './base/log.ts'
import { formatItemKey } from './base/names.ts'
import { VERSION } from './base/version.ts'
import { resolveConfig } from './config/resolve.ts'
import type { CacheSettings, Config, PartialConfig } from './config/schema.ts'
import { createAdminPlane } from './http/admin-plane.ts'
import { createItemHandler } from './http/create-item-handler.ts'
import { createDataPlane } from './http/data-plane.ts'
import { Health } from './http/health.ts'
import { createRequestStats } from './http/item-handler.ts'
import { openOverload } from './http/open-overload.ts'
import { listenOnPlanes, reloadTlsOf, stopPlanes } from './http/plane-listeners.ts'
import type { InheritedSockets, ListeningUrls } from './http/plane-listeners.ts'
import type { TlsReload } from './http/tls-listener.ts'
import { metricFamilies } from './metrics/families.ts'
import { formatMetrics } from './metrics/text.ts'
import { CacheRegistry } from './origin/caches.ts'
import { ChannelTracker } from './origin/channels.ts'
import { OriginEvents } from './origin/events.ts'
import { Origin } from './origin/origin.ts'
import { TokenGuard } from './origin/token-guard.ts'
import { DataDirectory } from './storage/data-directory.ts'
import { hotStoreSizeBytesDefault } from './storage/hot-store-size.ts'
import { HotStore } from './storage/hot-store.ts'

/** The cache that exists from the first start. */
export const FIRST_CACHE_NAME = 'live-origin'

export interface OpenOptions {
  readonly config: Config
  /** Already owned by this process; closed with the origin. */
  readonly dataDirectory: DataDirectory
  readonly clock?: Clock
  readonly log?: Logger
  /** Listening sockets of a supervisor, used instead of opening our own. */
  readonly inheritedSockets?: InheritedSockets
}

/** A running origin. */
export interface Headwater {
  /** How this machine reaches the data plane, no trailing slash: `http://127.0.0.1:8080`. */
  readonly dataPlaneUrl: string
  readonly adminUrl: string
  /** The data plane by TLS: `https://127.0.0.1:8443`; absent without `http.tls.certFile`. */
  readonly tlsUrl: string | undefined
  /** What encoders and players are told: `http.publicUrl`, else {@link dataPlaneUrl}. */
  readonly publicUrl: string
  readonly config: Config
  /** API keys of the first start; encoder and player are for the cache `live-origin`. */
  readonly keys: FirstKeys
  readonly events: OriginEvents
  /** @throws HeadwaterError HW_KEY_INVALID, HW_KEY_EXISTS. */
  mintKey(request: MintRequest): Promise<MintedKey>
  /** @throws HeadwaterError HW_KEY_NOT_FOUND. */
  revokeKey(keyId: string): Promise<void>
  /** @throws HeadwaterError HW_CACHE_INVALID, HW_CACHE_EXISTS. */
  createCache(name: string, settings?: Partial<CacheSettings>): Promise<void>
  /**
   * Reads certificate and key again, for SIGHUP; the log says what came of it. A file that is gone
   * or does not fit changes nothing: `kept`. `undefined`: there is no TLS port.
   */
  reloadTls(): Promise<TlsReload | undefined>
  /** Stops in order: not ready, delay, no new connections, drain, close. May be called twice. */
  close(): Promise<void>
}

/**
 * Opens every component and listens.
 *
 * @throws HeadwaterError with what is wrong and what to do; everything opened so far is closed again.
 */
export async function openHeadwater(options: OpenOptions): Promise<Headwater> {
  const { config, dataDirectory, clock = systemClock } = options
  const log = options.log ?? createLogger(config.log.level)
  const closers: (() => Promise<void> | void)[] = [() => dataDirectory.close()]
  const closeAll = async () => {
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer()
  }
  try {
    const core = await openCore({ config, dataDirectory, clock, log })
    closers.push(() => core.store.close())
    closers.push(() => core.origin.close())
    const tracker = new ChannelTracker({ events: core.origin.events, clock })
    closers.push(() => tracker.close())
    const { inheritedSockets } = options
    core.origin.events.on('finding', ({ cacheName, key, finding }) => {
      const { rule, severity, message } = finding
      const told = { cacheName, key: formatItemKey(key), rule, finding: message }
      log[severity === 'info' ? 'info' : 'warn'](told, 'playlist finding')
    })
    const planes = await openPlanes({ config, clock, log, core, inheritedSockets })
    closers.push(() => planes.close())
    const keys = await openFirstKeys({
      files: dataDirectory.documents,
      keys: core.keys,
      authenticator: core.authenticator,
      cacheName: FIRST_CACHE_NAME,
    })
    planes.health.set(undefined)
    return {
      dataPlaneUrl: planes.dataPlaneUrl,
      adminUrl: planes.adminUrl,
      tlsUrl: planes.tlsUrl,
      reloadTls: () => planes.reloadTls(),
      publicUrl: core.publicUrl(),
      config,
      keys,
      events: core.origin.events,
      mintKey: (request) => core.keys.mint(request),
      revokeKey: async (keyId) => {
        await core.keys.revoke(keyId)
      },
      createCache: async (name, settings) => {
        await core.origin.caches.create(name, settings)
      },
      close: closeAll,
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}

interface Core {
  readonly store: HotStore
  readonly origin: Origin
  readonly authenticator: Authenticator
  readonly tokenGuard: TokenGuard
  readonly readerTokens: ReaderTokens
  readonly keys: KeyService
  /** Settled once the data plane listens. */
  readonly publicUrl: () => string
  readonly setListeningUrl: (url: string) => void
}

async function openCore(options: {
  readonly config: Config
  readonly dataDirectory: DataDirectory
  readonly clock: Clock
  readonly log: Logger
}): Promise<Core> {
  const { config, clock, log } = options
  const { documents } = options.dataDirectory
  const document = (name: string) => ({
    read: () => documents.read(name),
    write: (value: unknown) => documents.write(name, value),
  })
  const secret = await readSigningSecret(documents, config.auth.signingKey)
  const registry = await KeyRegistry.open({ records: document('keys.json'), clock })
  const caches = await CacheRegistry.open({
    document: document('caches.json'),
    clock,
    defaults: config.caches.defaults,
    declared: config.caches.items,
    cachesMax: config.limits.cachesMax,
  })
  // The first start alone: a cache that was deleted on purpose does not come back.
  if ((await documents.read('caches.json')) === undefined) await makeFirstCache(caches)
  const store = new HotStore({
    sizeBytesMax: config.hotStore.sizeBytesMax || hotStoreSizeBytesDefault(),
    clock,
  })
  const authenticator = new Authenticator({
    secret,
    keys: registry,
    clock,
    devKeys: config.auth.devKeys,
    failuresPerSecondMax: config.auth.failuresPerSecondMax,
    failuresBurst: config.auth.failuresBurst,
  })
  const events = new OriginEvents()
  const tokenGuard = new TokenGuard({ authenticator, events })
  const origin = new Origin({
    store,
    caches,
    events,
    tokenGuard,
    clock,
    log,
    uploadsInFlightBytesMax: config.limits.uploadsInFlightBytesMax,
    segmentMaxAgeSeconds: config.delivery.segmentMaxAgeSeconds,
    contentType: config.delivery.contentType,
    autoCreate: config.caches.autoCreate,
  })
  let listeningUrl = ''
  const publicUrl = () => config.http.publicUrl || listeningUrl
  return {
    store,
    origin,
    authenticator,
    tokenGuard,
    readerTokens: new ReaderTokens({ secret, clock }),
    keys: new KeyService({ secret, keys: registry, clock, publicUrl }),
    publicUrl,
    setListeningUrl: (url) => {
      listeningUrl = url
    },
  }
}

async function makeFirstCache(caches: CacheRegistry): Promise<void> {
  if (caches.list().some((cache) => cache.name === FIRST_CACHE_NAME)) return
  await caches.create(FIRST_CACHE_NAME)
}

interface Planes extends ListeningUrls {
  readonly health: Health
  reloadTls(): Promise<TlsReload | undefined>
  close(): Promise<void>
}

async function openPlanes(options: {
  readonly config: Config
  readonly clock: Clock
  readonly log: Logger
  readonly core: Core
  readonly inheritedSockets: InheritedSockets | undefined
}): Promise<Planes> {
  const { config, clock, log, core } = options
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
      stats: requestStats,
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
    startedAtMs: clock.nowMs(),
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
    serverInfo: () => ({
      version: VERSION,
      dataPlaneUrl: core.publicUrl(),
      adminUrl,
      pid: process.pid,
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

export interface StartOptions {
  /** Any settings; ports are free ones and the log is silent unless said otherwise. */
  readonly settings?: PartialConfig
  /** Kept afterwards. Absent: a temporary one, removed at close. */
  readonly dataDir?: string
  readonly clock?: Clock
  readonly log?: Logger
  readonly inheritedSockets?: InheritedSockets
}

/**
 * Starts an origin inside the calling process, for tests: free ports on loopback, a data directory
 * of its own, no output. Any number of them run side by side.
 *
 * @example
 * const origin = await startHeadwater()
 * await fetch(`${origin.dataPlaneUrl}/cache/live-origin/a.ts?ttl_seconds=60`, {
 *   method: 'PUT', headers: { authorization: origin.keys.encoder }, body: 'bytes',
 * })
 * await origin.close()
 */
export async function startHeadwater(options: StartOptions = {}): Promise<Headwater> {
  const temporary = options.dataDir === undefined
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'headwater-')))
  const { settings = {} } = options
  const { config } = resolveConfig({
    overrides: {
      ...settings,
      dataDir,
      http: { port: 0, shutdownSeconds: 1, ...settings.http },
      admin: { port: 0, ...settings.admin },
      log: { level: 'silent', ...settings.log },
    },
  })
  const dataDirectory = await DataDirectory.open(dataDir, { create: true })
  const headwater = await openHeadwater({
    config,
    dataDirectory,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(options.log === undefined ? {} : { log: options.log }),
    ...(options.inheritedSockets === undefined
      ? {}
      : { inheritedSockets: options.inheritedSockets }),
  })
  return {
    ...headwater,
    close: async () => {
      await headwater.close()
      if (temporary) await rm(dataDir, { recursive: true, force: true })
    },
  }
}
