/**
 * The admin API in tests. Every answer is held against the OpenAPI text that the server itself gives
 * out: a field or a status that is not described fails the test that met it.
 */

import type { Test } from 'tap'
import Type from 'typebox'
import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { Headwater } from '../../src/app.ts'
import { http } from './http.ts'
import type { HttpAnswer, HttpOptions } from './http.ts'

export interface ApiAnswer extends HttpAnswer {
  /** `undefined` when the body is empty or no JSON. */
  readonly json: unknown
}

export type CallApi = (
  method: string,
  path: string,
  body?: unknown,
  options?: HttpOptions,
) => Promise<ApiAnswer>

/** The parts of the document that are looked at. */
export interface OpenApi {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

export interface Operation {
  readonly summary?: string
  readonly description?: string
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly description?: string
        readonly content?: Readonly<Record<string, { readonly schema?: TSchema }>>
      }
    >
  >
}

/** Calls with a key, the super-user's unless said; '' sends none. */
export async function openApi(
  t: Test,
  origin: Headwater,
  key = origin.keys.superUser,
): Promise<CallApi> {
  const document = await readOpenApi(origin)
  return async (method, path, body, options = {}) => {
    const answer = await http(`${origin.adminUrl}${path}`, {
      method,
      ...options,
      headers: {
        ...(key === '' ? {} : { authorization: key }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const isJson = answer.headers['content-type']?.startsWith('application/json') === true
    const json: unknown = isJson && answer.text !== '' ? JSON.parse(answer.text) : undefined
    checkDescribed(t, document, method, path, { ...answer, json })
    return { ...answer, json }
  }
}

export async function readOpenApi(origin: Headwater): Promise<OpenApi> {
  const { text } = await http(`${origin.adminUrl}/api/openapi.json`, {
    headers: { authorization: origin.keys.superUser },
  })
  // Its own test looks at the whole of it.
  return withoutReferences(JSON.parse(text)) as OpenApi
}

/** Each `$ref` of the document, replaced by what it names: none is in itself. */
function withoutReferences(document: unknown): unknown {
  const { schemas } = (document as { components: { schemas: Record<string, unknown> } }).components
  const resolve = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return value.map(resolve)
    if ('$ref' in value) {
      return resolve(schemas[String(value.$ref).replace('#/components/schemas/', '')])
    }
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner)]))
  }
  return resolve(document)
}

/** The operation of a request; `undefined` when none is described. */
export function operationOf(
  document: OpenApi,
  method: string,
  path: string,
): Operation | undefined {
  const [pathname = ''] = path.split('?')
  const found = Object.entries(document.paths)
    .filter(([template]) => patternOf(template).test(pathname))
    // `/api/keys/import` is no key id.
    .sort(([a], [b]) => a.split('{').length - b.split('{').length)
    .find(([, operations]) => operations[method.toLowerCase()] !== undefined)
  return found?.[1][method.toLowerCase()]
}

function patternOf(template: string): RegExp {
  const pattern = template
    .replaceAll('.', '\\.')
    .replace(/\{key\}$/, '.+')
    .replaceAll(/\{[^}]+\}/g, '[^/]+')
  return new RegExp(`^${pattern}$`)
}

function checkDescribed(
  t: Test,
  document: OpenApi,
  method: string,
  path: string,
  answer: ApiAnswer,
): void {
  const operation = operationOf(document, method, path)
  if (operation === undefined) {
    if (answer.status !== 404) t.fail(`${method} ${path} is not described`)
    return
  }
  const response = operation.responses[String(answer.status)]
  if (response === undefined) {
    t.fail(`${method} ${path}: ${answer.status} is not described: ${answer.text}`)
    return
  }
  const schema = response.content?.['application/json']?.schema
  if (schema === undefined || method === 'HEAD') return
  // OpenAPI's schemas are JSON Schema, which TypeBox's are.
  const problems = [...Value.Errors(Type.Unsafe(schema), answer.json)]
  if (problems.length === 0) return
  t.fail(`${method} ${path}: ${answer.status} is not as described`, { problems, text: answer.text })
}
