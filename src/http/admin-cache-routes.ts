/** `/api/caches`: list, create, show, change, flush, delete. */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { CacheSettingsSchema } from '../config/schema.ts'
import type { Cache } from '../origin/caches.ts'
import type { Origin } from '../origin/origin.ts'
import { formatIsoTime } from '../base/dates.ts'
import { adminGrant, administers, requireCache, requireSuperUser } from './admin-guard.ts'

const NameSchema = Type.Object({ name: Type.String({ minLength: 1, maxLength: 255 }) })
const SettingsSchema = Type.Partial(CacheSettingsSchema, { additionalProperties: false })
const CreateSchema = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 255 }),
    settings: Type.Optional(SettingsSchema),
  },
  { additionalProperties: false },
)

/** A cache as the admin API shows it. */
export interface CacheView {
  readonly name: string
  readonly declared: boolean
  readonly createdAt: string
  readonly settings: Cache['settings']
  readonly overrides: Cache['overrides']
  readonly usage: { readonly itemCount: number; readonly sizeBytes: number }
}

export function registerCacheRoutes(app: FastifyInstance, origin: Origin): void {
  const view = (cache: Cache): CacheView => ({
    name: cache.name,
    declared: cache.declared,
    createdAt: formatIsoTime(cache.createdAtMs),
    settings: cache.settings,
    overrides: cache.overrides,
    usage: origin.usage(cache.name),
  })
  /** The cache in the path, if this key administers it. */
  const named = (request: FastifyRequest): Cache => {
    // The route's schema has checked it.
    const { name } = request.params as { name: string }
    requireCache(adminGrant(request), name)
    return origin.caches.read(name)
  }

  app.get('/api/caches', (request) => {
    const grant = adminGrant(request)
    return {
      caches: origin.caches
        .list()
        .filter((cache) => administers(grant, cache.name))
        .map(view),
    }
  })
  app.post('/api/caches', { schema: { body: CreateSchema } }, async (request, reply) => {
    requireSuperUser(adminGrant(request))
    // The route's schema has checked it.
    const { name, settings } = request.body as { name: string; settings?: unknown }
    const cache = await origin.caches.create(name, settings ?? {})
    origin.events.emit('cache-created', cache.name)
    return reply.code(201).send(view(cache))
  })
  app.get('/api/caches/:name', { schema: { params: NameSchema } }, (request) =>
    view(named(request)),
  )
  app.patch(
    '/api/caches/:name',
    { schema: { params: NameSchema, body: SettingsSchema } },
    async (request) => view(await origin.caches.set(named(request).name, request.body)),
  )
  app.post('/api/caches/:name/flush', { schema: { params: NameSchema } }, async (request) => ({
    flushedCount: await origin.flush(named(request).name),
  }))
  app.delete('/api/caches/:name', { schema: { params: NameSchema } }, async (request, reply) => {
    requireSuperUser(adminGrant(request))
    const { name } = named(request)
    await origin.caches.delete(name)
    await origin.flush(name)
    return reply.code(204).send()
  })
}
