/**
 * One route of the admin API, declared: what it takes, what it answers, what is said about it. Checks
 * come from the same schemas as the OpenAPI text, and a handler's answer has the schema's type.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Static, TObject, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { Grant } from '../../auth/grant.ts'
import { adminGrant } from './admin-guard.ts'

/** As answers are built: nothing of a schema's type has to be mutable. */
export type ReadonlyDeep<T> = T extends readonly (infer Item)[]
  ? readonly ReadonlyDeep<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: ReadonlyDeep<T[Key]> }
    : T

/** What a handler gets, checked by the route's schemas. */
export interface AdminRequest<Params, Query, Body> {
  readonly grant: Grant
  readonly params: Params
  readonly query: Query
  readonly body: Body
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** What a route answers when it works. */
export interface AdminAnswer<Schema extends TSchema> {
  readonly status: 200 | 201 | 204
  readonly description: string
  /** Of the body. 204 has `NoBody`. */
  readonly schema: Schema
  /** `application/json` unless said. */
  readonly mediaType?: string
}

export interface AdminRoute<
  Params extends TObject,
  Query extends TSchema,
  Body extends TSchema,
  Answer extends TSchema,
> {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** As Fastify writes it: `:name`, and `*` for the rest of the path. */
  readonly url: string
  readonly tag:
    'caches' | 'objects' | 'keys' | 'sign-in' | 'channels' | 'activity' | 'server' | 'rig'
  readonly summary: string
  readonly description: string
  /** Of the parts of the path. A `*` is the parameter `*` here and `key` in the OpenAPI text. */
  readonly params?: Params
  readonly query?: Query
  readonly body?: Body
  /** Media type of a body that is not JSON, for the OpenAPI text. */
  readonly bodyMediaType?: string
  readonly answer: AdminAnswer<Answer>
  /** Refusals of its own, besides those of every route: status -> when. */
  readonly refusals?: Readonly<Record<number, string>>
  /** Whether it may be called without a key. */
  readonly isOpen?: boolean
  /** Requests a minute from one address; absent: the API's own bound. */
  readonly perMinuteMax?: number
  readonly handle: (
    request: AdminRequest<Static<Params>, Static<Query>, Static<Body>>,
  ) =>
    | ReadonlyDeep<Static<Answer>>
    | FastifyReply
    | Promise<ReadonlyDeep<Static<Answer>> | FastifyReply>
}

/** Objects of the API say everything they hold: a field that is not declared is a fault. */
export const closed = { additionalProperties: false } as const

/** The body of a 204. */
export const NoBody = Type.Null()

/** RFC 3339. */
export const Time = Type.String({ format: 'date-time' })

/** Every answer that is not 2xx. */
export const ProblemSchema = Type.Object(
  {
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    code: Type.String({ description: 'For programs; also in `X-Headwater-Reason`.' }),
    message: Type.String(),
    detail: Type.String({ description: 'What to do about it.' }),
  },
  { ...closed, description: 'What went wrong.' },
)

const REFUSALS_OF_ALL: Readonly<Record<number, string>> = {
  400: 'The request does not fit the schema.',
  401: 'No key, or one that is not accepted.',
  403: 'The key does not allow it, or Host or Origin name a site that may not use this API.',
  429: 'Too many requests within a minute.',
}

/** Adds a route to a guarded scope that {@link useAdminSchemas} has prepared. */
export function addRoute<
  Params extends TObject = TObject,
  Query extends TSchema = TSchema,
  Body extends TSchema = TSchema,
  Answer extends TSchema = TSchema,
>(app: FastifyInstance, route: AdminRoute<Params, Query, Body, Answer>): void {
  const { answer, params, query, body, isOpen = false } = route
  app.route({
    method: route.method,
    url: route.url,
    exposeHeadRoute: false,
    config: {
      isOpen,
      ...(route.perMinuteMax === undefined ? {} : { rateLimit: { max: route.perMinuteMax } }),
    },
    schema: {
      tags: [route.tag],
      summary: route.summary,
      description: route.description,
      ...(isOpen ? { security: [] } : {}),
      ...(params === undefined ? {} : { params }),
      ...(query === undefined ? {} : { querystring: query }),
      ...(body === undefined ? {} : { body: withMediaType(body, route.bodyMediaType) }),
      response: responsesOf(route),
    },
    handler: (request, reply) => {
      if (answer.status !== 200) reply.code(answer.status)
      return route.handle({
        // Only open routes look at no grant; the others have been through the guard.
        grant: isOpen ? NO_GRANT : adminGrant(request),
        // The route's schemas have checked them.
        params: request.params as Static<Params>,
        query: request.query as Static<Query>,
        body: request.body as Static<Body>,
        request,
        reply,
      })
    },
  })
}

const NO_GRANT: Grant = {
  keyId: '',
  superUser: false,
  permissions: [],
  admin: undefined,
  expiresAtMs: undefined,
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route may be called without a key. */
    isOpen?: boolean
  }
}

/**
 * Makes a scope check by the schemas themselves and answer what handlers return, as it is: Fastify's
 * own serializer would leave out, in silence, whatever a schema forgot.
 */
export function useAdminSchemas(app: FastifyInstance): void {
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  app.setValidatorCompiler<TSchema>(({ schema, httpPart }) => (data: unknown) => {
    if (schema === undefined) return { value: data }
    const value = httpPart === 'querystring' ? readNumbers(schema, data) : data
    if (Value.Check(schema, value)) return { value }
    const problems = [...Value.Errors(schema, value)]
      .filter(({ keyword }) => keyword !== 'boolean')
      .slice(0, 5)
      .map(({ instancePath, message }) => `${httpPart ?? ''}${instancePath} ${message}`)
    return { error: new Error(`${problems.join('; ')}.`) }
  })
}

/** A query is text: where the schema has an integer, digits become one. Bodies say what they mean. */
function readNumbers(schema: TSchema, data: unknown): unknown {
  if (!Type.IsObject(schema) || typeof data !== 'object' || data === null) return data
  const { properties } = schema
  return Object.fromEntries(
    Object.entries(data).map(([name, value]: [string, unknown]) => {
      const property = properties[name]
      const isNumber = property !== undefined && Type.IsInteger(property)
      const isDigits = typeof value === 'string' && /^[0-9]{1,15}$/.test(value)
      return [name, isNumber && isDigits ? Number(value) : value]
    }),
  )
}

function responsesOf({
  answer,
  refusals = {},
  isOpen = false,
}: Pick<AdminRoute<TObject, TSchema, TSchema, TSchema>, 'answer' | 'refusals' | 'isOpen'>): Record<
  number,
  unknown
> {
  const responses: Record<number, unknown> = {}
  responses[answer.status] =
    answer.status === 204
      ? { description: answer.description, type: 'null' }
      : {
          description: answer.description,
          content: { [answer.mediaType ?? 'application/json']: { schema: answer.schema } },
        }
  for (const [status, description] of Object.entries({ ...REFUSALS_OF_ALL, ...refusals })) {
    if (isOpen && status === '401' && refusals[401] === undefined) continue
    responses[Number(status)] = {
      description,
      content: { 'application/json': { schema: ProblemSchema } },
    }
  }
  return responses
}

function withMediaType(schema: TSchema, mediaType: string | undefined): unknown {
  return mediaType === undefined ? schema : { content: { [mediaType]: { schema } } }
}
