/**
 * The caches of this origin and their settings: declared in the configuration, made by the admin
 * API, or by a first write. Kept in the data directory, except what the configuration declares.
 */

import Type from 'typebox'
import { Value } from 'typebox/value'
import type { Clock } from '../base/clock.ts'
import { HeadwaterError } from '../base/errors.ts'
import { parseCacheName } from '../base/names.ts'
import type { CacheName } from '../base/names.ts'
import { CacheSettingsSchema } from '../config/schema.ts'
import type { CacheSettings, DeclaredCache } from '../config/schema.ts'

export interface Cache {
  readonly name: CacheName
  /** Complete: defaults, then what was set, then what the configuration declares. */
  readonly settings: CacheSettings
  /** The settings that differ from `caches.defaults`. */
  readonly overrides: Partial<CacheSettings>
  /** Named in `caches.items`: its declared settings win at every start. */
  readonly declared: boolean
  readonly createdAtMs: number
}

/** Where the registry's document is kept. */
export interface CacheDocument {
  read(): Promise<unknown>
  write(value: unknown): Promise<void>
}

export interface CacheRegistryOptions {
  readonly document: CacheDocument
  readonly clock: Clock
  readonly defaults: CacheSettings
  readonly declared: readonly DeclaredCache[]
  readonly cachesMax: number
}

const PartialSettingsSchema = Type.Partial(CacheSettingsSchema, { additionalProperties: false })

const DocumentSchema = Type.Object({
  version: Type.Literal(1),
  caches: Type.Array(
    Type.Object({
      name: Type.String(),
      createdAtMs: Type.Number(),
      overrides: PartialSettingsSchema,
    }),
  ),
})

export class CacheRegistry {
  readonly #options: CacheRegistryOptions
  readonly #caches = new Map<string, Cache>()
  #writing: Promise<void> = Promise.resolve()

  private constructor(options: CacheRegistryOptions) {
    this.#options = options
  }

  /**
   * @throws HeadwaterError HW_DATA_DIR_CORRUPT when the document is not one of ours. It is left as it is.
   */
  static async open(options: CacheRegistryOptions): Promise<CacheRegistry> {
    const registry = new CacheRegistry(options)
    const stored = await options.document.read()
    if (stored !== undefined) registry.#load(stored)
    for (const { name, ...overrides } of options.declared) {
      const cacheName = readCacheName(name)
      const before = registry.#caches.get(cacheName)
      registry.#set({
        name: cacheName,
        overrides: { ...before?.overrides, ...overrides },
        declared: true,
        createdAtMs: before?.createdAtMs ?? options.clock.nowMs(),
      })
    }
    return registry
  }

  get(name: CacheName): Cache | undefined {
    return this.#caches.get(name)
  }

  /** In order of name. */
  list(): readonly Cache[] {
    return [...this.#caches.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /**
   * @throws HeadwaterError HW_CACHE_INVALID, HW_CACHE_EXISTS.
   */
  async create(name: string, overrides: unknown = {}): Promise<Cache> {
    const cacheName = readCacheName(name)
    if (this.#caches.has(cacheName)) {
      throw new HeadwaterError('HW_CACHE_EXISTS', `The cache ${cacheName} exists.`)
    }
    if (this.#caches.size >= this.#options.cachesMax) {
      throw new HeadwaterError(
        'HW_CACHE_INVALID',
        `There are ${this.#caches.size} caches, as many as limits.cachesMax allows.`,
      )
    }
    const cache = this.#set({
      name: cacheName,
      overrides: readOverrides(overrides),
      declared: false,
      createdAtMs: this.#options.clock.nowMs(),
    })
    await this.#save()
    return cache
  }

  /**
   * Changes settings, the given ones only.
   * @throws HeadwaterError HW_CACHE_NOT_FOUND, HW_CACHE_INVALID.
   */
  async set(name: string, overrides: unknown): Promise<Cache> {
    const before = this.read(name)
    const cache = this.#set({
      ...before,
      overrides: { ...before.overrides, ...readOverrides(overrides) },
    })
    await this.#save()
    return cache
  }

  /** @throws HeadwaterError HW_CACHE_NOT_FOUND. */
  async delete(name: string): Promise<void> {
    const cache = this.read(name)
    this.#caches.delete(cache.name)
    await this.#save()
  }

  /** @throws HeadwaterError HW_CACHE_NOT_FOUND. */
  read(name: string): Cache {
    const cache = this.#caches.get(name)
    if (cache === undefined) {
      throw new HeadwaterError('HW_CACHE_NOT_FOUND', `There is no cache named ${name}.`)
    }
    return cache
  }

  #set(cache: Omit<Cache, 'settings'>): Cache {
    const made: Cache = {
      name: cache.name,
      settings: Object.freeze({ ...this.#options.defaults, ...cache.overrides }),
      overrides: cache.overrides,
      declared: cache.declared,
      createdAtMs: cache.createdAtMs,
    }
    this.#caches.set(made.name, made)
    return made
  }

  #load(stored: unknown): void {
    if (!Value.Check(DocumentSchema, stored)) {
      throw new HeadwaterError(
        'HW_DATA_DIR_CORRUPT',
        'caches.json in the data directory is not a list of caches.',
        { detail: 'Restore it from a backup, or move it away: caches are then made anew.' },
      )
    }
    for (const { name, createdAtMs, overrides } of stored.caches) {
      this.#set({ name: readCacheName(name), createdAtMs, overrides, declared: false })
    }
  }

  /** Writes one after the other, the newest state last. */
  #save(): Promise<void> {
    const write = () =>
      this.#options.document.write({
        version: 1,
        caches: this.list().map(({ name, createdAtMs, overrides }) => ({
          name,
          createdAtMs,
          overrides,
        })),
      })
    const written = this.#writing.then(write)
    // A failed write is the caller's error; the next one starts all the same.
    this.#writing = written.catch(() => undefined)
    return written
  }
}

function readCacheName(name: string): CacheName {
  const cacheName = parseCacheName(name)
  if (cacheName === undefined) {
    throw new HeadwaterError('HW_CACHE_INVALID', 'A cache name is 1 to 255 of A-Z a-z 0-9 . _ -')
  }
  return cacheName
}

function readOverrides(overrides: unknown): Partial<CacheSettings> {
  if (Value.Check(PartialSettingsSchema, overrides)) return overrides
  const problems = [...Value.Errors(PartialSettingsSchema, overrides)].map(
    (problem) => `${problem.instancePath.slice(1) || 'settings'} ${problem.message}`,
  )
  throw new HeadwaterError('HW_CACHE_INVALID', `A setting is not valid: ${problems.join('; ')}.`)
}
