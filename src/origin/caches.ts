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
  /** `'conflict'` when another process has written since the last read: nothing is written then. */
  write(value: unknown): Promise<unknown>
  /** Tells when another process has, or may have, written; absent where none can. */
  subscribe?(listener: () => void): () => void
}

export interface CacheRegistryOptions {
  readonly document: CacheDocument
  readonly clock: Clock
  readonly defaults: CacheSettings
  readonly declared: readonly DeclaredCache[]
  readonly cachesMax: number
}

const WRITE_ATTEMPTS_MAX = 10

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
  #writing: Promise<unknown> = Promise.resolve()

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
    registry.#declare()
    options.document.subscribe?.(() => {
      // Ignored: what cannot be read now is told of again when it can.
      registry.#writing = registry.#writing.then(() => registry.#reload()).catch(() => undefined)
    })
    return registry
  }

  /** What the configuration says wins over what is stored. */
  #declare(): void {
    for (const { name, ...overrides } of this.#options.declared) this.#declareOne(name, overrides)
  }

  #declareOne(name: string, overrides: Partial<CacheSettings>): void {
    const cacheName = readCacheName(name)
    const before = this.#caches.get(cacheName)
    this.#set({
      name: cacheName,
      overrides: { ...before?.overrides, ...overrides },
      declared: true,
      createdAtMs: before?.createdAtMs ?? this.#options.clock.nowMs(),
    })
  }

  async #reload(): Promise<void> {
    const stored = await this.#options.document.read()
    if (stored === undefined) return
    this.#caches.clear()
    this.#load(stored)
    for (const { name, ...overrides } of this.#options.declared) {
      const before = this.#caches.get(readCacheName(name))
      // What was changed while the processes run holds until a restart, on every node.
      if (before === undefined) this.#declareOne(name, overrides)
      else this.#set({ ...before, declared: true })
    }
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
    const wanted = readOverrides(overrides)
    return this.#change(() => {
      if (this.#caches.has(cacheName)) {
        throw new HeadwaterError('HW_CACHE_EXISTS', `The cache ${cacheName} exists.`)
      }
      if (this.#caches.size >= this.#options.cachesMax) {
        throw new HeadwaterError(
          'HW_CACHE_INVALID',
          `There are ${this.#caches.size} caches, as many as limits.cachesMax allows.`,
        )
      }
      return this.#set({
        name: cacheName,
        overrides: wanted,
        declared: false,
        createdAtMs: this.#options.clock.nowMs(),
      })
    })
  }

  /**
   * Changes settings, the given ones only.
   * @throws HeadwaterError HW_CACHE_NOT_FOUND, HW_CACHE_INVALID.
   */
  async set(name: string, overrides: unknown): Promise<Cache> {
    this.read(name)
    const wanted = readOverrides(overrides)
    return this.#change(() => {
      const before = this.read(name)
      return this.#set({ ...before, overrides: { ...before.overrides, ...wanted } })
    })
  }

  /** @throws HeadwaterError HW_CACHE_NOT_FOUND. */
  async delete(name: string): Promise<void> {
    await this.#change(() => this.#caches.delete(this.read(name).name))
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

  /** One change after the other; again on what another process has written meanwhile. */
  #change<Result>(change: () => Result): Promise<Result> {
    const done = this.#writing.then(async () => {
      for (let attempt = 1; attempt <= WRITE_ATTEMPTS_MAX; attempt++) {
        const result = change()
        if ((await this.#save()) !== 'conflict') return result
        await this.#reload()
      }
      throw new HeadwaterError('HW_STORE_UNAVAILABLE', 'The caches are being written by others.')
    })
    // A failed write is the caller's error; the next one starts all the same.
    this.#writing = done.catch(() => undefined)
    return done
  }

  #save(): Promise<unknown> {
    return this.#options.document.write({
      version: 1,
      caches: this.list().map(({ name, createdAtMs, overrides }) => ({
        name,
        createdAtMs,
        overrides,
      })),
    })
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
