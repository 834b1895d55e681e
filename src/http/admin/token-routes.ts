/**
 * What is made from keys and what ends any of it: disposable tokens, the console's player token,
 * refreshed keys, revocations of whatever is presented. Keys themselves are key-routes.ts's.
 */

import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { Authenticator } from '../../auth/authenticator.ts'
import type { ClientAddresses } from '../../auth/client-address.ts'
import { DISPOSABLE_SECONDS_MAX } from '../../auth/disposable-claims.ts'
import type { DisposableTokens } from '../../auth/disposable-tokens.ts'
import { toKeyInfo } from '../../auth/key-service.ts'
import type { KeyService } from '../../auth/key-service.ts'
import { formatIsoTime } from '../../base/dates.ts'
import { HeadwaterError } from '../../base/errors.ts'
import type { CacheRegistry } from '../../origin/caches.ts'
import { clientAddressOf, refusalOf, requireCache, requireSuperUser } from './admin-guard.ts'
import { Caches, Items, KeyInfoSchema, KeySchema, Role, Text, viewKey } from './key-routes.ts'
import { addRoute, closed, Time } from './route.ts'

export interface TokenRoutesOptions {
  readonly keys: KeyService
  readonly disposables: DisposableTokens
  readonly caches: CacheRegistry
  readonly authenticator: Authenticator
  readonly clientAddresses: ClientAddresses
}

/** The console's player asks for a new one before this is over. */
const PLAY_TOKEN_SECONDS = 3600

const DisposableSchema = Type.Object(
  {
    tokenId: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description: 'For logs, as `disposable:<tokenId>`: printable ASCII. Default: random.',
      }),
    ),
    expiresInSeconds: Type.Integer({ minimum: 1, maximum: DISPOSABLE_SECONDS_MAX }),
    role: Type.Optional(Role),
    caches: Type.Optional(Caches),
    items: Type.Optional(Items),
    permissions: Type.Optional(
      Type.Array(Type.Object({ role: Role, caches: Caches, items: Type.Optional(Items) }, closed), {
        maxItems: 20,
      }),
    ),
  },
  closed,
)
const RefreshSchema = Type.Object(
  {
    refreshToken: Type.String({ minLength: 1, maxLength: 4096 }),
    apiKey: Type.Optional(
      Type.String({ maxLength: 4096, description: 'The key itself, to be sure it is its token.' }),
    ),
  },
  closed,
)
const RevokeSchema = Type.Object(
  {
    credential: Type.Optional(Type.String({ minLength: 1, maxLength: 4096 })),
    keyId: Type.Optional(Type.String({ minLength: 1, maxLength: 80 })),
  },
  { ...closed, minProperties: 1, maxProperties: 1 },
)
const PlaySchema = Type.Object(
  { cache: Type.String({ minLength: 1, maxLength: 255 }), keyPrefix: Type.Optional(Text) },
  closed,
)

export function registerTokenRoutes(app: FastifyInstance, options: TokenRoutesOptions): void {
  registerDisposables(app, options)
  registerRefresh(app, options)
  addRoute(app, {
    method: 'POST',
    url: '/api/keys/revoke',
    tag: 'keys',
    summary: 'Revoke whatever is presented',
    description:
      'A credential of any kind that was made here or is imported, or an id, also one that is not in the list: of a key whose record was lost, `disposable:<tokenId>`, `disposable:` (all disposable tokens made until now), `sign-in:link` (all sessions by link until now). Needs a super-user key.',
    body: RevokeSchema,
    answer: {
      status: 200,
      description: 'What is revoked now.',
      schema: Type.Object(
        {
          keyId: Type.String(),
          revokedAt: Time,
          key: Type.Union([KeySchema, Type.Null()], { description: '`null`: it has no record.' }),
        },
        closed,
      ),
    },
    refusals: { 404: 'The credential was not made here and is not imported.' },
    handle: async ({ grant, body }) => {
      requireSuperUser(grant)
      const { credential, keyId = '' } = body
      const what = credential === undefined ? { keyId } : { credential }
      const { record, revokedAtMs, ...revoked } = await options.keys.revokeAny(what)
      return {
        keyId: revoked.keyId,
        revokedAt: formatIsoTime(revokedAtMs),
        key: record === undefined ? null : viewKey(record),
      }
    },
  })
}

function registerDisposables(
  app: FastifyInstance,
  { disposables, caches }: TokenRoutesOptions,
): void {
  addRoute(app, {
    method: 'POST',
    url: '/api/keys/disposable',
    tag: 'keys',
    summary: 'Make a disposable token',
    description:
      'A key that always expires, within 25 hours, and is in no list. It ends with the key that asked for it, at the latest. An admin key makes them for the caches that it administers.',
    body: DisposableSchema,
    answer: {
      status: 201,
      description: 'The token. It is in no other answer.',
      schema: Type.Object(
        {
          apiKey: Type.String(),
          validUntil: Type.Integer({ description: 'Seconds since 1970.' }),
          tokenId: Type.String(),
          restEndpoint: Type.String(),
        },
        closed,
      ),
    },
    handle: async ({ grant, body, reply }) => {
      const { apiKey, validUntil, tokenId, restEndpoint } = await disposables.mint(body, grant)
      reply.header('Cache-Control', 'no-store')
      return { apiKey, validUntil, tokenId, restEndpoint }
    },
  })
  addRoute(app, {
    method: 'POST',
    url: '/api/play-token',
    tag: 'keys',
    summary: 'Make a token for watching',
    description: `A disposable token that reads a cache, or the keys of a prefix, for ${String(PLAY_TOKEN_SECONDS)} s.`,
    body: PlaySchema,
    answer: {
      status: 201,
      description: 'The token, in its short form. It is in no other answer.',
      schema: Type.Object({ token: Type.String(), expiresAt: Time }, closed),
    },
    refusals: { 404: 'There is no such cache.' },
    handle: async ({ grant, body, reply }) => {
      requireCache(grant, body.cache)
      const { name } = caches.read(body.cache)
      const { keyPrefix } = body
      const { innerJwt, validUntil } = await disposables.mint(
        {
          ...{ tokenId: 'play', expiresInSeconds: PLAY_TOKEN_SECONDS },
          ...{ role: 'readonly', caches: [name] },
          items: keyPrefix === undefined ? { kind: 'all' } : { kind: 'keyPrefix', keyPrefix },
        },
        grant,
      )
      reply.header('Cache-Control', 'no-store')
      return { token: innerJwt, expiresAt: formatIsoTime(validUntil * 1000) }
    },
  })
}

function registerRefresh(app: FastifyInstance, options: TokenRoutesOptions): void {
  const { keys, authenticator } = options
  addRoute(app, {
    method: 'POST',
    url: '/api/keys/refresh',
    tag: 'keys',
    summary: 'Refresh a key',
    description:
      'A new key with the permissions and the duration of the one that the refresh token came with. The old one stays valid until it expires. Needs no other credential.',
    body: RefreshSchema,
    isOpen: true,
    answer: {
      status: 201,
      description: 'The new key.',
      schema: Type.Object({ key: KeySchema, keyInfo: KeyInfoSchema }, closed),
    },
    refusals: { 401: 'Not a refresh token of this server, or its key has expired or is revoked.' },
    handle: async ({ body, request, reply }) => {
      const refund = authenticator.takeFailure(clientAddressOf(request, options))
      if (typeof refund === 'number') {
        throw refusalOf({ reason: 'throttled', retryAfterSeconds: refund }, reply)
      }
      try {
        const minted = await keys.refresh(body)
        refund()
        reply.header('Cache-Control', 'no-store')
        return { key: viewKey(minted.record), keyInfo: toKeyInfo(minted) }
      } catch (error) {
        // Only what is not accepted counts as a guess.
        if (!(error instanceof HeadwaterError) || error.statusCode !== 401) refund()
        throw error
      }
    },
  })
}
