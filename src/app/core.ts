/** The part of the composition root that no socket touches: stores, keys, caches, the origin. */

import { AccountKeys } from '../auth/account-keys.ts'
import { Authenticator } from '../auth/authenticator.ts'
import { DisposableTokens } from '../auth/disposable-tokens.ts'
import { readSigningSecret } from '../auth/first-keys.ts'
import { KeyRegistry } from '../auth/key-registry.ts'
import { KeyService } from '../auth/key-service.ts'
import { ReaderTokens } from '../auth/reader-tokens.ts'
import { Sessions } from '../auth/sessions.ts'
import { SignInLinks } from '../auth/sign-in-links.ts'
import { withTimeOfDay } from '../base/clock.ts'
import type { Clock } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Config } from '../config/schema.ts'
import type { MeasuredValkey } from '../metrics/sources.ts'
import { CacheRegistry } from '../origin/caches.ts'
import { OriginEvents } from '../origin/events.ts'
import { Origin } from '../origin/origin.ts'
import { TokenGuard } from '../origin/token-guard.ts'
import { Faults } from '../rig/faults.ts'
import { VirtualClock } from '../rig/virtual-clock.ts'
import type { DataDirectory } from '../storage/data-directory.ts'
import type { DiskStats } from '../storage/disk-items.ts'
import type { Store } from '../storage/store.ts'
import { ValkeyDocuments } from '../storage/valkey/valkey-documents.ts'
import { openStore, openValkeyLink } from './open-store.ts'

/** The cache that exists from the first start. */
export const FIRST_CACHE_NAME = 'live-origin'

/** What every plane shares. */
export interface Core {
  /** What objects, keys and answers go by: the machine's clock, unless it is a test rig's. */
  readonly clock: Clock
  /** What sockets, limits and measurements go by. */
  readonly machineClock: Clock
  /** {@link clock}, when it can be moved. */
  readonly virtualClock: VirtualClock | undefined
  readonly store: Store
  /** Whether the store does not answer, while memory goes on. */
  readonly isStoreDown: () => boolean
  /** `undefined` without a disk. */
  readonly diskStats: DiskStats | undefined
  /** `undefined` without Valkey. */
  readonly measuredValkey: MeasuredValkey | undefined
  readonly origin: Origin
  readonly authenticator: Authenticator
  readonly tokenGuard: TokenGuard
  readonly readerTokens: ReaderTokens
  readonly keys: KeyService
  readonly disposables: DisposableTokens
  readonly accountKeys: AccountKeys
  readonly sessions: Sessions
  readonly signInLinks: SignInLinks
  /** What is made to go wrong; `undefined` without `rig.enabled`. */
  readonly faults: Faults | undefined
  /** Settled once the data plane listens. */
  readonly publicUrl: () => string
  readonly setListeningUrl: (url: string) => void
}

export interface CoreOptions {
  readonly config: Config
  readonly dataDirectory: DataDirectory
  /** The machine's. */
  readonly clock: Clock
  readonly log: Logger
  readonly waitersPerCacheMax: number | undefined
}

/** Opens the stores, the keys and the origin; nothing listens yet. What fails leaves nothing open. */
export async function openCore(options: CoreOptions): Promise<Core> {
  const opened = { close: () => Promise.resolve() }
  try {
    return await openParts(options, opened)
  } catch (error) {
    await opened.close()
    throw error
  }
}

async function openParts(
  options: CoreOptions,
  whatIsOpen: { close: () => Promise<void> },
): Promise<Core> {
  const { config, clock: machineClock, log } = options
  const events = new OriginEvents()
  const virtualClock = openVirtualClock(config, machineClock, events)
  const clock: Clock = virtualClock ?? machineClock
  const { documents } = options.dataDirectory
  const valkey = config.storage.kind === 'valkey' ? await openValkeyLink(options) : undefined
  if (valkey !== undefined) whatIsOpen.close = () => valkey.close()
  const shared = valkey === undefined ? undefined : new ValkeyDocuments(valkey)
  const document = (name: string) =>
    shared?.document(name) ?? {
      read: () => documents.read(name),
      write: (value: unknown) => documents.write(name, value),
    }
  const secret =
    shared === undefined || config.auth.signingKey !== ''
      ? await readSigningSecret(documents, config.auth.signingKey)
      : await shared.signingSecret()
  const registry = await KeyRegistry.open({ records: document('keys.json'), clock })
  const caches = await CacheRegistry.open({
    document: document('caches.json'),
    clock,
    defaults: config.caches.defaults,
    declared: config.caches.items,
    cachesMax: config.limits.cachesMax,
  })
  // The first start alone: a cache that was deleted on purpose does not come back.
  if ((await document('caches.json').read()) === undefined) await makeFirstCache(caches)
  const clocks = { clock, machineClock }
  const opened = await openStore({ ...options, ...clocks, valkey })
  const { store, diskStats, restoredPlaylists } = opened
  whatIsOpen.close = () => store.close()
  const authenticator = new Authenticator({
    secret,
    keys: registry,
    // Keys end by the origin's time; who guesses them is slowed down by the machine's.
    clock: withTimeOfDay(clock, machineClock),
    devKeys: config.auth.devKeys,
    failuresPerSecondMax: config.auth.failuresPerSecondMax,
    failuresBurst: config.auth.failuresBurst,
  })
  const tokenGuard = new TokenGuard({ authenticator, events })
  const origin = new Origin({
    store,
    shared: opened.shared,
    caches,
    events,
    tokenGuard,
    clock,
    log,
    uploadsInFlightBytesMax: config.limits.uploadsInFlightBytesMax,
    segmentMaxAgeSeconds: config.delivery.segmentMaxAgeSeconds,
    contentType: config.delivery.contentType,
    autoCreate: config.caches.autoCreate,
    waitersPerCacheMax: options.waitersPerCacheMax,
  })
  origin.restore(await restoredPlaylists())
  let listeningUrl = ''
  const publicUrl = () => config.http.publicUrl || listeningUrl
  return {
    ...{ clock, machineClock, virtualClock },
    store,
    isStoreDown: opened.isDown,
    diskStats,
    measuredValkey: opened.measuredValkey,
    origin,
    authenticator,
    tokenGuard,
    readerTokens: new ReaderTokens({ secret, clock }),
    keys: new KeyService({ secret, keys: registry, clock, publicUrl }),
    disposables: new DisposableTokens({ secret, clock, publicUrl }),
    accountKeys: new AccountKeys({ secret, keys: registry, clock }),
    sessions: new Sessions({
      // Of people, who go by their own clocks.
      ...{ secret, keys: registry, clock: machineClock, keyClock: clock },
      ...{ throttle: authenticator, devKeys: config.auth.devKeys },
    }),
    signInLinks: new SignInLinks(machineClock),
    faults: config.rig.enabled
      ? new Faults(clock, (change) => events.emit('faults-changed', change), machineClock)
      : undefined,
    publicUrl,
    setListeningUrl: (url) => {
      listeningUrl = url
    },
  }
}

/** With Valkey it is the engine's clock that ends objects, and nobody moves that one. */
function openVirtualClock(
  { rig, storage }: Config,
  machineClock: Clock,
  events: OriginEvents,
): VirtualClock | undefined {
  if (!rig.enabled || storage.kind === 'valkey') return undefined
  return new VirtualClock(machineClock, {
    onChange: (state) => events.emit('clock-changed', state),
  })
}

async function makeFirstCache(caches: CacheRegistry): Promise<void> {
  if (caches.list().some((cache) => cache.name === FIRST_CACHE_NAME)) return
  try {
    await caches.create(FIRST_CACHE_NAME)
  } catch (error) {
    // Another node, started at the same moment, was quicker.
    if (!(error instanceof HeadwaterError && error.code === 'HW_CACHE_EXISTS')) throw error
  }
}
