/**
 * Keys and caches without a server: this process owns the data directory for a moment. The items of
 * a memory store are not there then, so sizes are 0 and there is nothing to flush.
 */

import { FIRST_CACHE_NAME } from '../app.ts'
import { readSigningSecret } from '../auth/first-keys.ts'
import { KeyRegistry } from '../auth/key-registry.ts'
import type { GrantRequest } from '../auth/key-request.ts'
import { KeyService, toKeyInfo } from '../auth/key-service.ts'
import type { KeyInfo } from '../auth/key-service.ts'
import type { Clock } from '../base/clock.ts'
import { formatIsoTime } from '../base/dates.ts'
import type { CacheSettings, Config } from '../config/schema.ts'
import type { CacheView } from '../http/admin/cache-routes.ts'
import { viewKey } from '../http/admin/key-routes.ts'
import type { KeyView } from '../http/admin/key-routes.ts'
import { CacheRegistry } from '../origin/caches.ts'
import type { Cache } from '../origin/caches.ts'
import { DataDirectory } from '../storage/data-directory.ts'
import type { Control, RevokedThing } from './control.ts'

export interface OfflineControlOptions {
  readonly config: Config
  /** Absolute; it exists. */
  readonly dataDir: string
  readonly clock: Clock
}

export class OfflineControl implements Control {
  readonly where: string
  readonly #directory: DataDirectory
  readonly #keys: KeyService
  readonly #caches: CacheRegistry
  readonly #isNew: boolean

  private constructor(parts: {
    readonly directory: DataDirectory
    readonly keys: KeyService
    readonly caches: CacheRegistry
    readonly isNew: boolean
  }) {
    this.#directory = parts.directory
    this.#keys = parts.keys
    this.#caches = parts.caches
    this.#isNew = parts.isNew
    this.where = `the data directory ${parts.directory.path}`
  }

  /** @throws HeadwaterError as `DataDirectory.open`; `HW_DATA_DIR_CORRUPT`. */
  static async open({ config, dataDir, clock }: OfflineControlOptions): Promise<OfflineControl> {
    const directory = await DataDirectory.open(dataDir, { create: false, clock })
    try {
      const { documents } = directory
      const document = (name: string) => ({
        read: () => documents.read(name),
        write: (value: unknown) => documents.write(name, value),
      })
      const caches = await CacheRegistry.open({
        document: document('caches.json'),
        clock,
        defaults: config.caches.defaults,
        declared: config.caches.items,
        cachesMax: config.limits.cachesMax,
      })
      const keys = new KeyService({
        secret: await readSigningSecret(documents, config.auth.signingKey),
        keys: await KeyRegistry.open({ records: document('keys.json'), clock }),
        clock,
        publicUrl: () => publicUrlOf(config),
      })
      const isNew = (await documents.read('caches.json')) === undefined
      return new OfflineControl({ directory, keys, caches, isNew })
    } catch (error) {
      await directory.close()
      throw error
    }
  }

  async createKey(request: GrantRequest): Promise<{ key: KeyView; keyInfo: KeyInfo }> {
    const minted = await this.#keys.mint(request)
    return { key: viewKey(minted.record), keyInfo: toKeyInfo(minted) }
  }

  async importKey(request: GrantRequest & { readonly credential: string }): Promise<KeyView> {
    return viewKey(await this.#keys.import(request))
  }

  async listKeys(): Promise<readonly KeyView[]> {
    return Promise.resolve(this.#keys.list().map(viewKey))
  }

  async showKey(keyId: string): Promise<KeyView> {
    return Promise.resolve().then(() => viewKey(this.#keys.show(keyId)))
  }

  async revokeKey(keyId: string): Promise<KeyView> {
    return viewKey(await this.#keys.revoke(keyId))
  }

  async revokeAny(what: RevokedThing): Promise<string> {
    return (await this.#keys.revokeAny(what)).keyId
  }

  async refreshKey(refreshToken: string): Promise<{ key: KeyView; keyInfo: KeyInfo }> {
    const minted = await this.#keys.refresh({ refreshToken })
    return { key: viewKey(minted.record), keyInfo: toKeyInfo(minted) }
  }

  async createCache(name: string, settings: Partial<CacheSettings>): Promise<CacheView> {
    // A first start makes the first cache only where there is no list of caches yet.
    const isMissing = !this.#caches.list().some((cache) => cache.name === FIRST_CACHE_NAME)
    if (this.#isNew && isMissing && name !== FIRST_CACHE_NAME) {
      await this.#caches.create(FIRST_CACHE_NAME)
    }
    return viewCache(await this.#caches.create(name, settings))
  }

  async listCaches(): Promise<readonly CacheView[]> {
    return Promise.resolve(this.#caches.list().map(viewCache))
  }

  async showCache(name: string): Promise<CacheView> {
    return Promise.resolve().then(() => viewCache(this.#caches.read(name)))
  }

  async setCache(name: string, settings: Partial<CacheSettings>): Promise<CacheView> {
    return viewCache(await this.#caches.set(name, settings))
  }

  async flushCache(name: string): Promise<number> {
    return Promise.resolve().then(() => {
      this.#caches.read(name)
      return 0
    })
  }

  deleteCache(name: string): Promise<void> {
    return this.#caches.delete(name)
  }

  close(): Promise<void> {
    return this.#directory.close()
  }
}

function viewCache(cache: Cache): CacheView {
  const { name, declared, settings, overrides, createdAtMs } = cache
  const usage = {
    itemCount: 0,
    sizeBytes: 0,
    accountedBytes: 0,
    pinnedItemCount: 0,
    pinnedBytes: 0,
  }
  return { name, declared, createdAt: formatIsoTime(createdAtMs), settings, overrides, usage }
}

/** What the server would say it is; its address when nothing is set. */
function publicUrlOf({ http }: Config): string {
  if (http.publicUrl !== '') return http.publicUrl
  const isEverywhere = ['localhost', '*', '::', '0.0.0.0'].includes(http.host)
  const host = isEverywhere ? '127.0.0.1' : http.host
  const name = host.includes(':') ? `[${host}]` : host
  return http.port === 0 ? `http://${name}` : `http://${name}:${http.port}`
}
