/** A store on a real server, for tests. */

import type { Clock } from '../../src/base/clock.ts'
import { systemClock } from '../../src/base/clock.ts'
import { createLogger } from '../../src/base/log.ts'
import { HotStore } from '../../src/storage/hot-store.ts'
import type { StoredItem } from '../../src/storage/store.ts'
import { OBJECT_PREFIX, UPLOAD_PREFIX } from '../../src/storage/valkey/valkey-keys.ts'
import { ValkeyLink } from '../../src/storage/valkey/valkey-link.ts'
import { ValkeyStore } from '../../src/storage/valkey/valkey-store.ts'
import { parseValkeyUrl } from '../../src/storage/valkey/valkey-url.ts'

export interface TestStoreOptions {
  readonly url: string
  readonly clock?: Clock
  /** The clock of the test is the engine's, too. */
  readonly isEngineClock?: boolean
  readonly isCluster?: boolean
  readonly sizeBytesMax?: number
  readonly timeoutMs?: number
  readonly servableWhileDownMs?: (item: StoredItem) => number
}

export async function openTestStore(
  options: TestStoreOptions,
): Promise<{ readonly store: ValkeyStore; readonly link: ValkeyLink }> {
  const { clock = systemClock, servableWhileDownMs } = options
  const address = parseValkeyUrl(options.url)
  if (address === undefined) throw new Error('not a URL of Valkey')
  const link = new ValkeyLink({
    address,
    timeoutMs: options.timeoutMs ?? 5000,
    isCluster: options.isCluster ?? false,
    prefixes: [OBJECT_PREFIX, UPLOAD_PREFIX],
    clock: systemClock,
    log: createLogger('silent'),
  })
  await link.tracking()
  const store = new ValkeyStore({
    link,
    clock,
    hot: new HotStore({ sizeBytesMax: options.sizeBytesMax ?? 64 * 1024 ** 2, clock }),
    ...(options.isEngineClock === true ? { engineNowMs: () => clock.monotonicMs() } : {}),
    ...(servableWhileDownMs === undefined ? {} : { servableWhileDownMs }),
  })
  return { store, link }
}
