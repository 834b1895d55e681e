/** An origin on a small hot store, for tests of the rules. */

import { pino } from 'pino'
import { Authenticator } from '../../src/auth/authenticator.ts'
import { KeyRegistry } from '../../src/auth/key-registry.ts'
import { parseCacheName, itemKeyFromText, toStoreKey } from '../../src/base/names.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import type { CacheSettings } from '../../src/config/schema.ts'
import { CacheRegistry } from '../../src/origin/caches.ts'
import { OriginEvents } from '../../src/origin/events.ts'
import { Origin } from '../../src/origin/origin.ts'
import type { OriginOptions } from '../../src/origin/origin.ts'
import { TokenGuard } from '../../src/origin/token-guard.ts'
import type { UploadOutcome } from '../../src/origin/upload.ts'
import { HotStore } from '../../src/storage/hot-store.ts'
import { ManualClock } from '../support/manual-clock.ts'

export const DEFAULT_SETTINGS: CacheSettings = resolveConfig({}).config.caches.defaults

export function cacheName(text: string) {
  const name = parseCacheName(text)
  if (name === undefined) throw new TypeError(text)
  return name
}

export function itemKey(text: string) {
  const key = itemKeyFromText(text)
  if (key === undefined) throw new TypeError(text)
  return key
}

export interface TestRequest {
  readonly contentType?: string
  readonly contentEncoding?: string
  readonly credentials?: readonly string[]
}

async function openTokenGuard(events: OriginEvents, clock: ManualClock): Promise<TokenGuard> {
  const keys = await KeyRegistry.open({
    records: { read: async () => undefined, write: async () => undefined },
    clock,
  })
  const authenticator = new Authenticator({
    secret: Buffer.alloc(32, 1),
    keys,
    clock,
    devKeys: true,
    failuresPerSecondMax: 10,
    failuresBurst: 10,
  })
  return new TokenGuard({ authenticator, events })
}

export async function openTestOrigin(
  settings: Partial<CacheSettings> = {},
  options: Partial<OriginOptions> & { readonly sizeBytesMax?: number } = {},
) {
  const clock = new ManualClock()
  const store = new HotStore({ sizeBytesMax: options.sizeBytesMax ?? 10_000_000, clock })
  const caches = await CacheRegistry.open({
    document: { read: async () => undefined, write: async () => undefined },
    clock,
    defaults: { ...DEFAULT_SETTINGS, ...settings },
    declared: [{ name: 'live' }],
    cachesMax: 3,
  })
  const events = new OriginEvents()
  const origin = new Origin({
    store,
    caches,
    events,
    tokenGuard: await openTokenGuard(events, clock),
    clock,
    log: pino({ level: 'silent' }),
    uploadsInFlightBytesMax: 1_000_000,
    segmentMaxAgeSeconds: 300,
    contentType: 'by-extension',
    autoCreate: false,
    ...options,
  })
  const open = (key: string, request: TestRequest = {}) =>
    origin.openUpload({
      cache: caches.read('live'),
      key: itemKey(key),
      storeKey: toStoreKey(cacheName('live'), itemKey(key)),
      keyForm: 'path',
      ttlSeconds: 60,
      contentType: request.contentType,
      contentEncoding: request.contentEncoding ?? '',
      ownHosts: ['origin.example'],
      credentials: request.credentials ?? [],
    })
  const put = async (
    key: string,
    body: string | Uint8Array,
    request: TestRequest = {},
  ): Promise<UploadOutcome> => {
    const upload = open(key, request)
    if (body.length > 0) upload.add(Buffer.from(body))
    return upload.finish()
  }
  const read = (key: string) => {
    const item = origin.peek(toStoreKey(cacheName('live'), itemKey(key)))
    return typeof item === 'string' ? undefined : item
  }
  const text = (key: string) => {
    const item = read(key)
    return item === undefined ? undefined : Buffer.concat(item.chunks).toString()
  }
  return { origin, clock, store, caches, events, open, put, read, text }
}
