/** `/api/caches`: list, create, show, change, flush, delete. */

import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { Grant } from '../../auth/grant.ts'
import { formatIsoTime } from '../../base/dates.ts'
import { CacheSettingsSchema } from '../../config/schema.ts'
import type { Cache } from '../../origin/caches.ts'
import type { Origin } from '../../origin/origin.ts'
import type { CacheUsage } from '../../storage/store.ts'
import { administers, requireCache, requireSuperUser } from './admin-guard.ts'
import { addRoute, closed, NoBody, Time } from './route.ts'

/** A cache's name in the path. Longer ones, or other characters, are no cache's: 404. */
export const CacheNameSchema = Type.String({ minLength: 1, maxLength: 255 })

const NameSchema = Type.Object({ name: CacheNameSchema })
/** Any settings of a cache. */
export const SettingsSchema = Type.Partial(CacheSettingsSchema, {
  ...closed,
  description: 'Settings of this cache; the others are those of `caches.defaults`.',
})
const CreateSchema = Type.Object(
  { name: CacheNameSchema, settings: Type.Optional(SettingsSchema) },
  closed,
)
const UsageSchema = Type.Object(
  {
    itemCount: Type.Integer(),
    sizeBytes: Type.Integer({ description: 'Bodies only.' }),
    accountedBytes: Type.Integer({
      description: 'Bodies, keys and overhead: what `sizeBytesMax` bounds.',
    }),
    pinnedItemCount: Type.Integer({
      description: 'Objects that current live playlists name: never evicted.',
    }),
    pinnedBytes: Type.Integer({ description: 'The pinned part of `accountedBytes`.' }),
  },
  closed,
)
/** {@link CacheView} as JSON. */
export const CacheSchema = Type.Object(
  {
    name: Type.String(),
    declared: Type.Boolean({ description: 'Named in `caches.items` of the configuration.' }),
    createdAt: Time,
    settings: CacheSettingsSchema,
    overrides: SettingsSchema,
    usage: UsageSchema,
  },
  closed,
)
const NOT_FOUND = { 404: 'There is no such cache.' }

/** A cache as the admin API shows it. */
export interface CacheView {
  readonly name: string
  readonly declared: boolean
  readonly createdAt: string
  readonly settings: Cache['settings']
  readonly overrides: Cache['overrides']
  readonly usage: CacheUsage
}

/** Told of what became of a cache, once it has. */
export type CacheChangeListener = (
  cacheName: string,
  change: 'changed' | 'flushed' | 'deleted',
) => void

export function registerCacheRoutes(
  app: FastifyInstance,
  origin: Origin,
  tell: CacheChangeListener,
): void {
  const view = (cache: Cache): CacheView => ({
    name: cache.name,
    declared: cache.declared,
    createdAt: formatIsoTime(cache.createdAtMs),
    settings: cache.settings,
    overrides: cache.overrides,
    usage: origin.usage(cache.name),
  })
  /** The cache in the path, if this key administers it. */
  const named = (grant: Grant, { name }: { readonly name: string }): Cache => {
    requireCache(grant, name)
    return origin.caches.read(name)
  }
  registerAllCaches(app, origin, view)
  addRoute(app, {
    method: 'GET',
    url: '/api/caches/:name',
    tag: 'caches',
    summary: 'Show a cache',
    description: 'Its settings in force, those that are its own, and what it holds.',
    params: NameSchema,
    answer: { status: 200, description: 'The cache.', schema: CacheSchema },
    refusals: NOT_FOUND,
    handle: ({ grant, params }) => view(named(grant, params)),
  })
  addRoute(app, {
    method: 'PATCH',
    url: '/api/caches/:name',
    tag: 'caches',
    summary: 'Change settings of a cache',
    description:
      'Those that are given, from the next request on. They outlive a restart, unless the configuration declares them.',
    params: NameSchema,
    body: SettingsSchema,
    answer: { status: 200, description: 'The cache as it is now.', schema: CacheSchema },
    refusals: NOT_FOUND,
    handle: async ({ grant, params, body }) => {
      const cache = await origin.caches.set(named(grant, params).name, body)
      tell(cache.name, 'changed')
      return view(cache)
    },
  })
  addRoute(app, {
    method: 'POST',
    url: '/api/caches/:name/flush',
    tag: 'caches',
    summary: 'Delete all objects of a cache',
    description: 'Live channels go on with their next writes; the cache and its settings stay.',
    params: NameSchema,
    answer: {
      status: 200,
      description: 'How many objects there were.',
      schema: Type.Object({ flushedCount: Type.Integer() }, closed),
    },
    refusals: NOT_FOUND,
    handle: async ({ grant, params }) => {
      const { name } = named(grant, params)
      const flushedCount = await origin.flush(name)
      tell(name, 'flushed')
      return { flushedCount }
    },
  })
  addRoute(app, {
    method: 'DELETE',
    url: '/api/caches/:name',
    tag: 'caches',
    summary: 'Delete a cache',
    description: 'With all its objects and settings. Needs a super-user key.',
    params: NameSchema,
    answer: { status: 204, description: 'It is gone.', schema: NoBody },
    refusals: NOT_FOUND,
    handle: async ({ grant, params, reply }) => {
      requireSuperUser(grant)
      const { name } = named(grant, params)
      await origin.caches.delete(name)
      await origin.flush(name)
      tell(name, 'deleted')
      return reply.send()
    },
  })
}

function registerAllCaches(
  app: FastifyInstance,
  origin: Origin,
  view: (cache: Cache) => CacheView,
): void {
  addRoute(app, {
    method: 'GET',
    url: '/api/caches',
    tag: 'caches',
    summary: 'List caches',
    description: 'Those that the key administers, in order of their names.',
    answer: {
      status: 200,
      description: 'The caches.',
      schema: Type.Object({ caches: Type.Array(CacheSchema) }, closed),
    },
    handle: ({ grant }) => ({
      caches: origin.caches
        .list()
        .filter((cache) => administers(grant, cache.name))
        .map(view),
    }),
  })
  addRoute(app, {
    method: 'POST',
    url: '/api/caches',
    tag: 'caches',
    summary: 'Create a cache',
    description: 'Needs a super-user key.',
    body: CreateSchema,
    answer: { status: 201, description: 'The new cache.', schema: CacheSchema },
    refusals: { 409: 'There is one of this name.' },
    handle: async ({ grant, body }) => {
      requireSuperUser(grant)
      const cache = await origin.caches.create(body.name, body.settings ?? {})
      origin.events.emit('cache-created', cache.name)
      return view(cache)
    },
  })
}
