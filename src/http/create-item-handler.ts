/** Puts the item routes together from settings: access, answers, reads and writes. */

import type { Authenticator } from '../auth/authenticator.ts'
import type { ReaderTokens } from '../auth/reader-tokens.ts'
import type { ClientAddresses } from '../auth/client-address.ts'
import { withTimeOfDay } from '../base/clock.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Config } from '../config/schema.ts'
import type { Origin } from '../origin/origin.ts'
import type { Overload } from '../origin/overload.ts'
import { RateLimits } from '../origin/rate-limits.ts'
import { Representations } from '../origin/representations.ts'
import type { Faults } from '../rig/faults.ts'
import type { Store } from '../storage/store.ts'
import type { Health } from './health.ts'
import { ItemAccess } from './item-access.ts'
import { ItemAnswers } from './item-answers.ts'
import { ItemHandler, reportRefusal } from './item-handler.ts'
import { ItemRead } from './item-read.ts'
import { ItemSend } from './item-send.ts'
import { ItemWrite } from './item-write.ts'
import type { RequestObserver } from './request-record.ts'
import { ItemFaults } from './rig/item-faults.ts'
import { WebDav } from './webdav.ts'

export interface CreateItemHandlerOptions {
  readonly config: Config
  /** What objects and answers go by. */
  readonly clock: Clock
  /** What requests are measured by. */
  readonly machineClock: Clock
  readonly log: Logger
  readonly origin: Origin
  readonly store: Store
  readonly overload: Overload
  readonly authenticator: Authenticator
  readonly readerTokens: ReaderTokens
  /** Host and port under which this origin is known, lower case. */
  readonly publicHosts: () => readonly string[]
  readonly clientAddresses: ClientAddresses
  readonly health: Health
  /** Of a test rig; `undefined` otherwise. */
  readonly faults: Faults | undefined
  /** Told of every item request. */
  readonly observers: readonly RequestObserver[]
}

export function createItemHandler(options: CreateItemHandlerOptions): ItemHandler {
  const { config, clock, machineClock, log, origin, overload, authenticator, health, publicHosts } =
    options
  const answers = new ItemAnswers({
    clock,
    corsOrigin: config.delivery.corsOrigin,
    oversizeStatus: config.emulation.oversizeStatus,
    cacheControl: config.delivery.cacheControl,
    missMaxAgeSeconds: config.delivery.missMaxAgeSeconds,
    serverTiming: config.delivery.serverTiming,
    isAccepting: () => health.notReady !== 'stopping',
  })
  const access = new ItemAccess({
    authenticator,
    caches: origin.caches,
    clientAddresses: options.clientAddresses,
    bothCredentials: config.emulation.bothCredentials,
    loopbackWithoutKey: config.auth.loopbackWithoutKey,
  })
  const readerStallMs = config.http.readerStallSeconds * 1000
  const read = new ItemRead({
    origin,
    representations: new Representations(),
    readerTokens: options.readerTokens,
    overload,
    answers,
    send: new ItemSend({ answers, clock, readerStallMs }),
    publicHosts,
    readInProgress: config.delivery.readInProgress,
    gzip: config.delivery.gzip,
    readerStallMs,
  })
  const write = new ItemWrite({
    origin,
    answers,
    ttlSecondsMax: config.limits.ttlSecondsMax,
    ttlRequired: config.emulation.ttlRequired,
    uploadIdleMs: config.http.uploadIdleSeconds * 1000,
    publicHosts,
    // Before the cache is known, the size it would allow is not either.
    drainBytesMax: 2 * config.caches.defaults.itemSizeBytesMax,
    onRefused: reportRefusal(origin, access, answers),
  })
  const webDav = new WebDav({
    ...{ access, answers, write },
    store: options.store,
    caches: origin.caches,
    autoCreate: config.caches.autoCreate,
  })
  // Rates are of real requests, and latencies real ones; how old an object is, its own time says.
  const watch = withTimeOfDay(clock, machineClock)
  const rateLimits = new RateLimits({ clock: watch, caches: origin.caches, store: options.store })
  const recording = { clock: watch, observers: [rateLimits, ...options.observers] }
  const rig =
    options.faults === undefined
      ? undefined
      : new ItemFaults({
          ...{ faults: options.faults, origin, access, answers, read, write },
          ...{ clock, machineClock, log, publicHosts },
        })
  const routes = { access, answers, read, write, webDav }
  return new ItemHandler({ ...routes, rateLimits, rig, recording, log })
}
