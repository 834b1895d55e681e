/** `/api/keys`: list, mint, import, show, revoke. A key is in an answer once: when it is made. */

import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { CachePermission } from '../../auth/grant.ts'
import type { KeyRecord } from '../../auth/key-record.ts'
import { toKeyInfo } from '../../auth/key-service.ts'
import type { KeyService } from '../../auth/key-service.ts'
import { formatIsoTime } from '../../base/dates.ts'
import { formatItemKey, parseItemKey } from '../../base/names.ts'
import { requireSuperUser } from './admin-guard.ts'
import { addRoute, closed, Time } from './route.ts'

export const Text = Type.String({ minLength: 1, maxLength: 4096 })
export const Role = Type.Union([
  Type.Literal('readwrite'),
  Type.Literal('readonly'),
  Type.Literal('writeonly'),
])
export const Caches = Type.Union([
  Type.Literal('*'),
  Type.Array(Text, { minItems: 1, maxItems: 100 }),
])
export const Items = Type.Union([
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
  /** Of a `v2` key. */
  readonly roleId: string | null
  /** The key that this one is a refreshed copy of. */
  readonly refreshedFrom: string | null
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
    roleId: record.roleId ?? null,
    refreshedFrom: record.refreshedFrom ?? null,
  }
}

const PermissionView = Type.Object(
  {
    role: Role,
    cache: Type.String({ description: '`*` for every cache.' }),
    items: Type.String({ description: '`all`, `key <key>` or `prefix <prefix>`.' }),
  },
  closed,
)
export const KeySchema = Type.Object(
  {
    keyId: Type.String(),
    description: Type.String(),
    kind: Type.Union([Type.Literal('minted'), Type.Literal('imported'), Type.Literal('v2')]),
    superUser: Type.Boolean(),
    permissions: Type.Array(PermissionView),
    admin: Type.Union([Type.Literal('*'), Type.Array(Type.String()), Type.Null()], {
      description: 'Caches it administers; `null` for a key of the data plane.',
    }),
    issuedAt: Time,
    expiresAt: Type.Union([Time, Type.Null()]),
    revokedAt: Type.Union([Time, Type.Null()]),
    roleId: Type.Union([Type.String(), Type.Null()], {
      description: 'Role of a key that was made by the account API (`v2`).',
    }),
    refreshedFrom: Type.Union([Type.String(), Type.Null()], {
      description: 'The key that this one is a refreshed copy of.',
    }),
  },
  closed,
)
/** `momento_key_info.json`. */
export const KeyInfoSchema = Type.Object(
  {
    apiKey: Type.String(),
    refreshToken: Type.String(),
    validUntil: Type.Integer({ description: 'Seconds since 1970.' }),
    restEndpoint: Type.String(),
  },
  { ...closed, description: '`momento_key_info.json`. It is in no other answer.' },
)
const OneKeySchema = Type.Object({ key: KeySchema }, closed)
const NOT_FOUND = { 404: 'There is no such key.' }
const SUPER_USER = 'Needs a super-user key.'

export function registerKeyRoutes(app: FastifyInstance, keys: KeyService): void {
  registerKeyCreation(app, keys)
  addRoute(app, {
    method: 'GET',
    url: '/api/keys',
    tag: 'keys',
    summary: 'List keys',
    description: `What they allow and until when, never the keys. ${SUPER_USER}`,
    answer: {
      status: 200,
      description: 'The keys.',
      schema: Type.Object({ keys: Type.Array(KeySchema) }, closed),
    },
    handle: ({ grant }) => {
      requireSuperUser(grant)
      return { keys: keys.list().map(viewKey) }
    },
  })
  addRoute(app, {
    method: 'GET',
    url: '/api/keys/:keyId',
    tag: 'keys',
    summary: 'Show a key',
    description: `What it allows and until when. ${SUPER_USER}`,
    params: IdSchema,
    answer: { status: 200, description: 'The key.', schema: OneKeySchema },
    refusals: NOT_FOUND,
    handle: ({ grant, params }) => {
      requireSuperUser(grant)
      return { key: viewKey(keys.show(params.keyId)) }
    },
  })
  addRoute(app, {
    method: 'DELETE',
    url: '/api/keys/:keyId',
    tag: 'keys',
    summary: 'Revoke a key',
    description: `It is refused from the next request on, and stays in the list. ${SUPER_USER}`,
    params: IdSchema,
    answer: { status: 200, description: 'The revoked key.', schema: OneKeySchema },
    refusals: NOT_FOUND,
    handle: async ({ grant, params }) => {
      requireSuperUser(grant)
      await keys.revoke(params.keyId)
      return { key: viewKey(keys.show(params.keyId)) }
    },
  })
}

function registerKeyCreation(app: FastifyInstance, keys: KeyService): void {
  addRoute(app, {
    method: 'POST',
    url: '/api/keys',
    tag: 'keys',
    summary: 'Make a key',
    description: `The answer is the only place where it is. ${SUPER_USER}`,
    body: MintSchema,
    answer: {
      status: 201,
      description: 'The new key.',
      schema: Type.Object({ key: KeySchema, keyInfo: KeyInfoSchema }, closed),
    },
    refusals: { 409: 'There is one of this id.' },
    handle: async ({ grant, body, reply }) => {
      requireSuperUser(grant)
      const minted = await keys.mint(body)
      reply.header('Cache-Control', 'no-store')
      return { key: viewKey(minted.record), keyInfo: toKeyInfo(minted) }
    },
  })
  addRoute(app, {
    method: 'POST',
    url: '/api/keys/import',
    tag: 'keys',
    summary: 'Import a key',
    description: `A secret that an encoder already has: its hash is kept, and what it allows. ${SUPER_USER}`,
    body: ImportSchema,
    answer: { status: 201, description: 'What it allows.', schema: OneKeySchema },
    refusals: { 409: 'There is one of this id.' },
    handle: async ({ grant, body }) => {
      requireSuperUser(grant)
      return { key: viewKey(await keys.import(body)) }
    },
  })
}

function viewItems(items: CachePermission['items']): string {
  if (items.kind === 'all') return 'all'
  if (items.kind === 'key') return `key ${formatItemKey(items.key)}`
  const prefix = parseItemKey(items.prefix)
  return `prefix ${prefix === undefined ? items.prefix : formatItemKey(prefix)}`
}
