/** `/api/keys`: list, mint, import, show, revoke. A key is in an answer once: when it is made. */

import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { Static } from 'typebox'
import type { CachePermission } from '../auth/grant.ts'
import type { KeyRecord } from '../auth/key-record.ts'
import { toKeyInfo } from '../auth/key-service.ts'
import type { KeyService } from '../auth/key-service.ts'
import { formatIsoTime } from '../base/dates.ts'
import { formatItemKey, parseItemKey } from '../base/names.ts'
import { adminGrant, requireSuperUser } from './admin-guard.ts'

const closed = { additionalProperties: false }
const Text = Type.String({ minLength: 1, maxLength: 4096 })
const Role = Type.Union([
  Type.Literal('readwrite'),
  Type.Literal('readonly'),
  Type.Literal('writeonly'),
])
const Caches = Type.Union([Type.Literal('*'), Type.Array(Text, { minItems: 1, maxItems: 100 })])
const Items = Type.Union([
  Type.Object({ kind: Type.Literal('all') }, closed),
  Type.Object({ kind: Type.Literal('key'), key: Text }, closed),
  Type.Object({ kind: Type.Literal('keyPrefix'), keyPrefix: Text }, closed),
])
const requestProperties = {
  keyId: Type.Optional(Type.String({ maxLength: 64 })),
  description: Type.Optional(Type.String({ maxLength: 200 })),
  role: Type.Optional(Role),
  caches: Type.Optional(Caches),
  items: Type.Optional(Items),
  permissions: Type.Optional(
    Type.Array(Type.Object({ role: Role, caches: Caches, items: Type.Optional(Items) }, closed), {
      maxItems: 20,
    }),
  ),
  superUser: Type.Optional(Type.Boolean()),
  admin: Type.Optional(Caches),
  expiresInSeconds: Type.Optional(Type.Integer({ minimum: 1 })),
} as const
const MintSchema = Type.Object(requestProperties, closed)
const ImportSchema = Type.Object(
  { ...requestProperties, credential: Type.String({ minLength: 1, maxLength: 8192 }) },
  closed,
)
const IdSchema = Type.Object({ keyId: Type.String({ maxLength: 64 }) })

/** A key as lists show it. */
export interface KeyView {
  readonly keyId: string
  readonly description: string
  readonly kind: KeyRecord['kind']
  readonly superUser: boolean
  readonly permissions: readonly {
    readonly role: CachePermission['role']
    readonly cache: string
    readonly items: string
  }[]
  readonly admin: '*' | readonly string[] | null
  readonly issuedAt: string
  readonly expiresAt: string | null
  readonly revokedAt: string | null
}

/** @returns Times in RFC 3339; item selectors in words a person reads (`all`, `key x`, `prefix x`). */
export function viewKey(record: KeyRecord): KeyView {
  return {
    keyId: record.keyId,
    description: record.description,
    kind: record.kind,
    superUser: record.superUser,
    permissions: record.permissions.map(({ role, cacheName, items }) => ({
      role,
      cache: cacheName,
      items: viewItems(items),
    })),
    admin: record.admin?.cacheNames ?? null,
    issuedAt: formatIsoTime(record.issuedAtMs),
    expiresAt: record.expiresAtMs === undefined ? null : formatIsoTime(record.expiresAtMs),
    revokedAt: record.revokedAtMs === undefined ? null : formatIsoTime(record.revokedAtMs),
  }
}

export function registerKeyRoutes(app: FastifyInstance, keys: KeyService): void {
  app.get('/api/keys', (request) => {
    requireSuperUser(adminGrant(request))
    return { keys: keys.list().map(viewKey) }
  })
  app.post('/api/keys', { schema: { body: MintSchema } }, async (request, reply) => {
    requireSuperUser(adminGrant(request))
    // The route's schema has checked it.
    const minted = await keys.mint(request.body as Static<typeof MintSchema>)
    return reply
      .code(201)
      .header('Cache-Control', 'no-store')
      .send({ key: viewKey(minted.record), keyInfo: toKeyInfo(minted) })
  })
  app.post('/api/keys/import', { schema: { body: ImportSchema } }, async (request, reply) => {
    requireSuperUser(adminGrant(request))
    // The route's schema has checked it.
    const record = await keys.import(request.body as Static<typeof ImportSchema>)
    return reply.code(201).send({ key: viewKey(record) })
  })
  app.get('/api/keys/:keyId', { schema: { params: IdSchema } }, (request) => {
    requireSuperUser(adminGrant(request))
    // The route's schema has checked it.
    return { key: viewKey(keys.show((request.params as Static<typeof IdSchema>).keyId)) }
  })
  app.delete('/api/keys/:keyId', { schema: { params: IdSchema } }, async (request) => {
    requireSuperUser(adminGrant(request))
    // The route's schema has checked it.
    const { keyId } = request.params as Static<typeof IdSchema>
    await keys.revoke(keyId)
    return { key: viewKey(keys.show(keyId)) }
  })
}

function viewItems(items: CachePermission['items']): string {
  if (items.kind === 'all') return 'all'
  if (items.kind === 'key') return `key ${formatItemKey(items.key)}`
  const prefix = parseItemKey(items.prefix)
  return `prefix ${prefix === undefined ? items.prefix : formatItemKey(prefix)}`
}
