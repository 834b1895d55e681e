/** `/api/caches/:name/objects`: list, look at, download, upload and delete what is stored. */

import type { FastifyInstance, FastifyReply } from 'fastify'
import Type from 'typebox'
import type { TObject, TSchema, TString, TUnsafe } from 'typebox'
import type { Clock } from '../../base/clock.ts'
import { HeadwaterError } from '../../base/errors.ts'
import { byteStringFromText } from '../../base/names.ts'
import type { Cache } from '../../origin/caches.ts'
import { listObjects, OBJECT_SORTS } from '../../origin/object-list.ts'
import type { Store } from '../../storage/store.ts'
import { requireCache } from './admin-guard.ts'
import { receiveObject, replyRefusal, sendObject } from './object-transfer.ts'
import type { UploadOptions } from './object-transfer.ts'
import { objectInPath, objectOfBase64Url, ObjectSchema, viewObject } from './object-view.ts'
import type { NamedObject } from './object-view.ts'
import { addRoute, closed, NoBody } from './route.ts'
import type { AdminRequest } from './route.ts'

export interface ObjectRoutesOptions extends UploadOptions {
  readonly store: Store
  readonly clock: Clock
  readonly ttlSecondsMax: number
}

const NameSchema = Type.Object({ name: Type.String({ minLength: 1, maxLength: 255 }) })
const KeySchema = Type.Object({
  ...NameSchema.properties,
  '*': Type.String({
    minLength: 1,
    description: 'The key, percent-encoded where a URL asks for it; slashes as they are.',
  }),
})
const ListSchema = Type.Object(
  {
    prefix: Type.Optional(
      Type.String({ maxLength: 1024, description: 'Only keys that start with this text.' }),
    ),
    sort: Type.Optional(
      Type.Union(
        OBJECT_SORTS.map((sort) => Type.Literal(sort)),
        { description: 'With a minus from the end. `key` unless said, which is the cheapest.' },
      ),
    ),
    after: Type.Optional(
      Type.String({ maxLength: 1500, description: '`nextAfter` of the page before.' }),
    ),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1000, description: '100 unless said.' }),
    ),
  },
  closed,
)
const PageSchema = Type.Object(
  {
    objects: Type.Array(ObjectSchema),
    nextAfter: Type.Union([Type.String(), Type.Null()], {
      description: 'For the next page with the same prefix and order; `null` on the last.',
    }),
  },
  closed,
)
const UploadQuerySchema = Type.Object(
  { ttlSeconds: Type.Optional(Type.Integer({ minimum: 1 })) },
  closed,
)
const Base64Properties = {
  keyBase64Url: Type.String({
    minLength: 2,
    maxLength: 1400,
    description: 'The exact bytes of the key, base64url.',
  }),
}
const Base64Schema = Type.Object(Base64Properties, closed)
const Base64UploadSchema = Type.Object(
  { ...Base64Properties, ...UploadQuerySchema.properties },
  closed,
)
const Bytes = Type.String({ description: 'The bytes.' })
/** Not looked at: the route reads its body itself. */
const UploadSchema = Type.Unknown({ description: 'The bytes.' })
/** A cache is copied object by object; who guesses keys is slowed down by the guard. */
const OBJECTS_PER_MINUTE_MAX = 60_000
const NO_CACHE = { 404: 'There is no such cache.' }
const NO_OBJECT = { 404: 'There is no such cache or object.' }
const UPLOAD_REFUSALS = {
  ...NO_CACHE,
  408: 'The upload was silent for too long.',
  411: 'Neither Content-Length nor chunked.',
  413: 'Over `itemSizeBytesMax` of the cache.',
  422: 'A playlist that breaks the rules of a strict cache, or holds the key of its own upload.',
  503: 'Too many unfinished uploads, or the store does not answer.',
  507: 'Live windows leave no room.',
}

/** One of the two ways to name an object. */
interface Naming {
  readonly url: string
  readonly words: string
  readonly params: TObject<{ name: TString }>
  readonly query: TSchema
  readonly uploadQuery: TSchema
  readonly find: (request: ObjectRequest) => NamedObject
}

type ObjectRequest = AdminRequest<
  { readonly name: string },
  { readonly keyBase64Url?: string; readonly ttlSeconds?: number },
  unknown
>

export async function registerObjectRoutes(
  app: FastifyInstance,
  options: ObjectRoutesOptions,
): Promise<void> {
  registerList(app, options)
  await app.register((bodies, _options, registered) => {
    // Any type, none read: an upload's body goes to the store as it comes.
    bodies.removeAllContentTypeParsers()
    bodies.addContentTypeParser('*', (_request, _payload, done) => done(null))
    registerObject(bodies, options, {
      url: '/api/caches/:name/objects/*',
      words: 'By its key in the path.',
      params: KeySchema,
      query: Type.Object({}, closed),
      uploadQuery: UploadQuerySchema,
      find: ({ request }) => objectInPath(request),
    })
    registerObject(bodies, options, {
      url: '/api/caches/:name/object',
      words: 'By the exact bytes of its key, for those that are no text.',
      params: NameSchema,
      query: Base64Schema,
      uploadQuery: Base64UploadSchema,
      find: ({ params, query }) => objectOfBase64Url(params.name, query.keyBase64Url ?? ''),
    })
    registered()
  })
}

function registerList(app: FastifyInstance, { store, clock, origin }: ObjectRoutesOptions): void {
  addRoute(app, {
    method: 'GET',
    url: '/api/caches/:name/objects',
    tag: 'objects',
    summary: 'List objects',
    description:
      'By prefix, in pages. An order other than `key` looks at all that have the prefix.',
    params: NameSchema,
    query: ListSchema,
    answer: { status: 200, description: 'A page.', schema: PageSchema },
    refusals: NO_CACHE,
    handle: async ({ grant, params, query }) => {
      requireCache(grant, params.name)
      const cache = origin.caches.read(params.name)
      const page = await listObjects(store, {
        cacheName: cache.name,
        keyPrefix: byteStringFromText(query.prefix ?? ''),
        sort: OBJECT_SORTS.find((sort) => sort === query.sort) ?? 'key',
        after: query.after,
        limit: query.limit ?? 100,
      })
      if (page === undefined) {
        throw new HeadwaterError('HW_REQUEST_INVALID', 'after is not the nextAfter of a page.')
      }
      return {
        objects: page.items.map((item) => viewObject(item, clock)),
        nextAfter: page.nextAfter ?? null,
      }
    },
  })
}

function registerObject(app: FastifyInstance, options: ObjectRoutesOptions, naming: Naming): void {
  const { origin, store, clock } = options
  const { url, words, params } = naming
  // The three schemas of a naming have these types; the compiler is told once, here.
  const query = naming.query as TUnsafe<ObjectRequest['query']>
  /** The object and its cache, if this key administers it. */
  const find = (request: ObjectRequest): { readonly cache: Cache; readonly named: NamedObject } => {
    requireCache(request.grant, request.params.name)
    return { cache: origin.caches.read(request.params.name), named: naming.find(request) }
  }
  const send = async (request: ObjectRequest): Promise<FastifyReply> => {
    const { storeKey } = find(request).named
    const known = store.inspect(storeKey)
    // Without its body, or somewhere else altogether.
    const isWhole = known === 'absent' || (known !== 'elsewhere' && known.chunks.length > 0)
    const item = isWhole ? known : await store.load(storeKey)
    if (typeof item === 'object') return sendObject(request.request, request.reply, item, clock)
    return replyRefusal(request.reply, { reason: 'key-not-found' })
  }
  const common = { url, tag: 'objects', params, perMinuteMax: OBJECTS_PER_MINUTE_MAX } as const
  const answer = {
    status: 200,
    description: 'The object.',
    schema: Bytes,
    mediaType: '*/*',
  } as const
  addRoute(app, {
    ...common,
    method: 'GET',
    query,
    summary: 'Download an object',
    description: `${words} As it is stored, tokens in playlists included, as an attachment. \`X-Headwater-Stored-At\`, \`-Expires-At\` and \`-Ttl-Seconds-Left\` are of these bytes.`,
    answer,
    refusals: NO_OBJECT,
    handle: send,
  })
  addRoute(app, {
    ...common,
    method: 'HEAD',
    query,
    summary: 'Look at the head of an object',
    description: `${words} What its download would say, without the bytes.`,
    answer,
    refusals: NO_OBJECT,
    handle: send,
  })
  addRoute(app, {
    ...common,
    method: 'PUT',
    query: naming.uploadQuery as TUnsafe<ObjectRequest['query']>,
    summary: 'Upload an object',
    description: `${words} By the rules of the data plane: size, content, tokens in playlists, budget. The rates of the cache do not count it.`,
    body: UploadSchema,
    bodyMediaType: '*/*',
    answer: { status: 201, description: 'The stored object.', schema: ObjectSchema },
    refusals: UPLOAD_REFUSALS,
    handle: async (request) => upload(request, find(request), options),
  })
  addRoute(app, {
    ...common,
    method: 'DELETE',
    query,
    summary: 'Delete an object',
    description: `${words} 204 whether or not there was one.`,
    answer: { status: 204, description: 'There is none now.', schema: NoBody },
    refusals: NO_CACHE,
    handle: async (request) => {
      await origin.delete(find(request).named.storeKey)
      return request.reply.send()
    },
  })
}

async function upload(
  { request, reply, query }: ObjectRequest,
  { cache, named }: { readonly cache: Cache; readonly named: NamedObject },
  options: ObjectRoutesOptions,
) {
  const { ttlSecondsMax, clock } = options
  const ttlSeconds = query.ttlSeconds ?? Math.min(cache.settings.defaultTtlSeconds, ttlSecondsMax)
  if (ttlSeconds > ttlSecondsMax) {
    throw new HeadwaterError('HW_REQUEST_INVALID', `ttlSeconds is at most ${ttlSecondsMax}.`)
  }
  const outcome = await receiveObject(request, reply, { named, cache, ttlSeconds }, options)
  if (outcome === 'ignored') return reply.code(204).send()
  return 'reason' in outcome ? replyRefusal(reply, outcome) : viewObject(outcome, clock)
}
