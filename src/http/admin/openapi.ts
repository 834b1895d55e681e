/**
 * The OpenAPI text of the admin API, made from the routes themselves: `/api/openapi.json`, and
 * `docs/openapi.json` by `npm run docs`.
 */

import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { CacheSettingsSchema } from '../../config/schema.ts'
import { FaultSchema } from '../../rig/fault-schema.ts'
import { CacheSchema, SettingsSchema } from './cache-routes.ts'
import { KeyInfoSchema, KeySchema } from './key-routes.ts'
import { FindingSchema } from './finding-view.ts'
import { ObjectSchema } from './object-view.ts'
import { addRoute, ProblemSchema } from './route.ts'

const INTRODUCTION = `Steers a running Headwater: caches and their objects, keys, channels, what was refused and why.

On the admin port. Every route needs \`Authorization\`: a super-user key, a key with an admin grant
(which may be limited to caches), or the session token of a sign-in. Keys of the data plane get 403.
Pages of other sites and rebound host names are refused (\`Origin\`, \`Host\`).`

/** Call it before the first route of the scope: later ones are described. */
export async function describeApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    exposeHeadRoutes: true,
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Headwater admin API', description: INTRODUCTION, version },
      servers: [{ url: '/', description: 'The admin port.' }],
      components: {
        securitySchemes: {
          key: {
            type: 'apiKey',
            name: 'Authorization',
            in: 'header',
            description: 'The key itself, `Bearer <key>`, or Basic with the key as password.',
          },
        },
      },
      security: [{ key: [] }],
    },
    // OpenAPI knows no path parameter that is called `*`.
    transform: ({ schema, url }) => ({
      url: url.replace(/\*$/, ':key'),
      schema: url.endsWith('*') ? renameStar(schema) : schema,
    }),
  })
  addRoute(app, {
    method: 'GET',
    url: '/api/openapi.json',
    tag: 'server',
    summary: 'This document',
    description: 'OpenAPI 3.1, made from the routes.',
    answer: {
      status: 200,
      description: 'The document.',
      schema: Type.Object({ openapi: Type.String() }, { description: 'OpenAPI 3.1.' }),
    },
    handle: ({ reply }) => reply.send(openApiOf(app)),
  })
}

/** What many routes have in common, said once. */
const SHARED: Readonly<Record<string, object>> = {
  Problem: ProblemSchema,
  CacheSettings: CacheSettingsSchema,
  CacheOverrides: SettingsSchema,
  Cache: CacheSchema,
  Object: ObjectSchema,
  Key: KeySchema,
  KeyInfo: KeyInfoSchema,
  Finding: FindingSchema,
  Fault: FaultSchema,
}

/** Once the routes are there. */
export function openApiOf(app: FastifyInstance): object {
  const shared = Object.entries(SHARED).map(
    ([name, schema]) => [name, asSwaggerHasIt(schema)] as const,
  )
  const names = new Map(shared.map(([name, schema]) => [JSON.stringify(schema), name]))
  const share = (value: unknown, isInside = true): unknown => {
    if (typeof value !== 'object' || value === null) return value
    const name = isInside ? names.get(JSON.stringify(value)) : undefined
    if (name !== undefined) return { $ref: `#/components/schemas/${name}` }
    if (Array.isArray(value)) return value.map((inner) => share(inner))
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, share(inner)]))
  }
  // `openapi` is set above, so it is no Swagger 2 document.
  const document = app.swagger() as { readonly components?: object; readonly paths?: object }
  const schemas = Object.fromEntries(shared.map(([name, schema]) => [name, share(schema, false)]))
  return {
    ...document,
    components: { ...document.components, schemas },
    paths: share(document.paths),
  }
}

/** It writes `const` as an `enum` of one. */
function asSwaggerHasIt(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(asSwaggerHasIt)
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]: [string, unknown]) =>
      key === 'const' ? ['enum', [inner]] : [key, asSwaggerHasIt(inner)],
    ),
  )
}

function renameStar<Schema extends { params?: unknown }>(schema: Schema): Schema {
  // Every route with a `*` declares its parameters as an object.
  const params = schema.params as {
    readonly properties: Readonly<Record<string, unknown>>
    readonly required?: readonly string[]
  }
  const rename = (name: string) => (name === '*' ? 'key' : name)
  return {
    ...schema,
    params: {
      ...params,
      properties: Object.fromEntries(
        Object.entries(params.properties).map(([name, value]) => [rename(name), value]),
      ),
      required: (params.required ?? []).map(rename),
    },
  }
}
