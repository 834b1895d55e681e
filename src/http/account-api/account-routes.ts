/**
 * Momento's account API on the data plane: `/api-keys` and `/roles`, as its documents describe them.
 * With Momento it is one global host; here it is any origin.
 */

import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify'
import type { AccountKeys } from '../../auth/account-keys.ts'
import { HeadwaterError } from '../../base/errors.ts'
import type { AccountAccessOptions } from './account-access.ts'
import { AccountProblem, sendProblem } from './account-problem.ts'
import { registerApiKeyRoutes } from './api-key-routes.ts'
import { registerRoleRoutes } from './role-routes.ts'

export interface AccountApiOptions extends AccountAccessOptions {
  readonly keys: AccountKeys
}

const BODY_BYTES_MAX = 64 * 1024

const PREFLIGHT = {
  'Access-Control-Allow-Methods': 'GET, POST, PUT, DELETE',
  'Access-Control-Allow-Headers': 'Authorization, Content-Type',
  'Access-Control-Max-Age': '86400',
} as const

export async function registerAccountApi(
  app: FastifyInstance,
  options: AccountApiOptions,
): Promise<void> {
  await app.register(
    (scope, _options, done) => {
      prepareScope(scope)
      registerApiKeyRoutes(scope, options)
      done()
    },
    { prefix: '/api-keys' },
  )
  await app.register(
    (scope, _options, done) => {
      prepareScope(scope)
      registerRoleRoutes(scope, options)
      done()
    },
    { prefix: '/roles' },
  )
}

function prepareScope(scope: FastifyInstance): void {
  // Every key here is in a header, so no page can use what its visitor's browser would send along.
  scope.addHook('onRequest', async (_request, reply) => {
    reply.headers({ 'Cache-Control': 'no-store', 'Access-Control-Allow-Origin': '*' })
  })
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser(
    'application/json',
    { parseAs: 'string', bodyLimit: BODY_BYTES_MAX },
    (_request, text, done) => {
      // Some clients name a type for the body that their DELETE does not have.
      if (text === '') done(null, undefined)
      else parseJson(text.toString(), done)
    },
  )
  scope.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = problemOf(error)
    if (problem.statusCode === 500) request.log.error({ err: error }, 'request failed')
    return sendProblem(reply, problem)
  })
  scope.setNotFoundHandler((_request, reply) => sendNotFound(reply))
  const preflight = async (_request: unknown, reply: FastifyReply) =>
    reply.code(204).headers(PREFLIGHT).send()
  scope.options('/', preflight)
  scope.options('/*', preflight)
}

function sendNotFound(reply: FastifyReply): FastifyReply {
  const problem = new AccountProblem(404, 'There is nothing at this path, or not by this method.')
  // Its hooks do not run for what is no route.
  reply.headers({ 'Cache-Control': 'no-store', 'Access-Control-Allow-Origin': '*' })
  return sendProblem(reply, problem)
}

function parseJson(text: string, done: (error: Error | null, body?: unknown) => void): void {
  try {
    done(null, JSON.parse(text))
  } catch {
    // The parser's words quote the body: they go no further.
    done(new AccountProblem(400, 'The body is not JSON.'))
  }
}

function problemOf(error: FastifyError): AccountProblem {
  if (error instanceof AccountProblem) return error
  if (error instanceof HeadwaterError && error.statusCode === 400) {
    // The registry is full: the only thing a checked request can fail by.
    return new AccountProblem(429, error.message)
  }
  if (error.statusCode === 413) return new AccountProblem(413, 'The body is too long.')
  if (error.statusCode === 415) {
    return new AccountProblem(400, 'The body must be application/json.')
  }
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return new AccountProblem(400, 'The request is not valid.')
  }
  return new AccountProblem(500, 'Internal Server Error')
}
