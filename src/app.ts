/**
 * The composition root: from settings to a running origin. The only file that knows every room;
 * also the library's entry, for tests of other projects ({@link startHeadwater}).
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFirstKeys } from './auth/first-keys.ts'
import type { FirstKeys } from './auth/first-keys.ts'
import type { MintedKey, MintRequest } from './auth/key-service.ts'
import { systemClock } from './base/clock.ts'
import type { Clock } from './base/clock.ts'
import { createLogger } from './base/log.ts'
import type { Logger } from './base/log.ts'
import { formatItemKey } from './base/names.ts'
import { redactText } from './base/redact.ts'
import { resolveConfig } from './config/resolve.ts'
import type { CacheSettings, Config, PartialConfig } from './config/schema.ts'
import type { InheritedSockets } from './http/plane-listeners.ts'
import type { TlsReload } from './http/tls-listener.ts'
import type { OriginEvents } from './origin/events.ts'
import type { FaultFile } from './rig/fault-file.ts'
import type { Faults } from './rig/faults.ts'
import type { VirtualClock } from './rig/virtual-clock.ts'
import { DataDirectory } from './storage/data-directory.ts'
import { FIRST_CACHE_NAME, openCore } from './app/core.ts'
import { openPlanes } from './app/planes.ts'

export { FIRST_CACHE_NAME }

export interface OpenOptions {
  readonly config: Config
  /** Already owned by this process; closed with the origin. */
  readonly dataDirectory: DataDirectory
  readonly clock?: Clock
  readonly log?: Logger
  /** Where each setting comes from, by path: for who asks what is in force. */
  readonly sources?: ReadonlyMap<string, string> | undefined
  /** Listening sockets of a supervisor, used instead of opening our own. */
  readonly inheritedSockets?: InheritedSockets
  /** False: requests are neither measured nor logged. For benches of what that costs. */
  readonly observeRequests?: boolean
  /** Faults and scenarios of a test rig, there from the first request on. Needs `rig.enabled`. */
  readonly faultFile?: FaultFile | undefined
  /** Readers that may wait at once in one cache, for tests of what is said to the others; 5,000. */
  readonly waitersPerCacheMax?: number | undefined
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
  /** What is made to go wrong, for tests in this process; `undefined` without `rig.enabled`. */
  readonly faults: Faults | undefined
  /** The time that the origin goes by; `undefined` without `rig.enabled`, and with Valkey. */
  readonly clock: VirtualClock | undefined
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
  /** Goes on in a new access log, for SIGUSR2 after somebody has renamed the old one. */
  reopenLogs(): void
  /**
   * The console's URL with a secret in its fragment that signs in once, as a super-user, within 10
   * minutes. For the eyes of whoever started the server: never for a log.
   */
  createSignInUrl(): string
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
    const core = await openCore({
      ...{ config, dataDirectory, clock, log, waitersPerCacheMax: options.waitersPerCacheMax },
    })
    closers.push(() => core.store.close())
    closers.push(() => core.origin.close())
    if (options.faultFile !== undefined) core.faults?.load(options.faultFile)
    const { inheritedSockets, sources, observeRequests = true } = options
    core.origin.events.on('finding', ({ cacheName, key, finding }) => {
      const { rule, severity, message } = finding
      const told = { cacheName, key: redactText(formatItemKey(key)), rule, finding: message }
      log[severity === 'info' ? 'info' : 'warn'](told, 'playlist finding')
    })
    const planes = await openPlanes({
      ...{ config, sources, log, core, inheritedSockets, observeRequests },
    })
    closers.push(() => planes.close())
    closers.push(() => core.virtualClock?.stop())
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
      reopenLogs: () => planes.reopenLogs(),
      publicUrl: core.publicUrl(),
      createSignInUrl: () => {
        const consoleUrl = (config.admin.publicUrl || planes.adminUrl).replace(/\/+$/, '')
        return `${consoleUrl}/#sign-in=${core.signInLinks.create()}`
      },
      config,
      keys,
      events: core.origin.events,
      faults: core.faults,
      clock: core.virtualClock,
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

export interface StartOptions {
  /** Any settings; ports are free ones and the log is silent unless said otherwise. */
  readonly settings?: PartialConfig
  /** Kept afterwards. Absent: a temporary one, removed at close. */
  readonly dataDir?: string
  readonly clock?: Clock
  readonly log?: Logger
  readonly inheritedSockets?: InheritedSockets
  /** As in {@link OpenOptions}. */
  readonly observeRequests?: boolean
  /** As in {@link OpenOptions}. */
  readonly waitersPerCacheMax?: number
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
  const { config, sources } = resolveConfig({
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
    sources,
    dataDirectory,
    observeRequests: options.observeRequests ?? true,
    waitersPerCacheMax: options.waitersPerCacheMax,
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
