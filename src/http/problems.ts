/** Error answers of everything that is not an item: same shape, a code of our own, no internal text. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import { HeadwaterError } from '../base/errors.ts'

interface Problem {
  readonly statusCode: number
  readonly code: string
  readonly message: string
  readonly detail?: string | undefined
}

/** @param error  `undefined` for a route that does not exist. */
export function replyProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
): FastifyReply {
  const problem = toProblem(error)
  if (problem.statusCode >= 500) request.log.error({ err: error }, 'request failed')
  return reply
    .code(problem.statusCode)
    .header('Cache-Control', 'no-store')
    .header('X-Headwater-Reason', problem.code)
    .send({
      status: problem.statusCode,
      code: problem.code,
      message: problem.message,
      detail: problem.detail ?? problem.message,
    })
}

function toProblem(error: unknown): Problem {
  if (error === undefined) {
    return {
      statusCode: 404,
      code: 'route-not-found',
      message: 'Not Found',
      detail: 'There is nothing at this path. Items live under /cache/<name>/<key>.',
    }
  }
  if (error instanceof HeadwaterError && error.statusCode < 500) {
    const { statusCode, code, message, detail } = error
    return { statusCode, code, message, detail }
  }
  if (error instanceof HeadwaterError) {
    // Backend and operator faults have a general sentence; the particular one is for the log.
    return {
      statusCode: error.statusCode,
      code: error.code,
      message: 'The server cannot do this now.',
    }
  }
  const statusCode = statusCodeOf(error)
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500 && error instanceof Error) {
    // Fastify's own: validation, body limit, rate limit, bad URL.
    return { statusCode, code: 'HW_REQUEST_INVALID', message: error.message }
  }
  return { statusCode: 500, code: 'HW_INTERNAL', message: 'Internal Server Error' }
}

function statusCodeOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return undefined
  return typeof error.statusCode === 'number' ? error.statusCode : undefined
}
