/** Refusals of Momento's account API: `{code, message, err?}`, which is not the shape of `/cache`. */

import type { FastifyReply } from 'fastify'

/** Source: Momento, API Keys HTTP API and Roles HTTP API, "Error responses"; 501 is ours. */
const CODES = {
  400: 'Bad Request',
  401: 'Unauthenticated',
  403: 'PermissionDenied',
  404: 'NotFound',
  409: 'AlreadyExists',
  412: 'FailedPrecondition',
  413: 'Bad Request',
  429: 'ResourceExhausted',
  500: 'Internal',
  501: 'Unimplemented',
} as const

export type AccountStatus = keyof typeof CODES

/** Thrown by the routes of the account API; the scope's error handler answers it. */
export class AccountProblem extends Error {
  override readonly name = 'AccountProblem'
  readonly statusCode: AccountStatus
  /** Momento's optional `err`: one word for programs. */
  readonly err: string | undefined
  readonly retryAfterSeconds: number

  constructor(
    statusCode: AccountStatus,
    message: string,
    options: { readonly err?: string; readonly retryAfterSeconds?: number } = {},
  ) {
    super(message)
    this.statusCode = statusCode
    this.err = options.err
    this.retryAfterSeconds = options.retryAfterSeconds ?? 0
  }
}

/** Ends the reply. A 401 says how to authenticate, as everywhere on the data plane. */
export function sendProblem(reply: FastifyReply, problem: AccountProblem): FastifyReply {
  const { statusCode, message, err, retryAfterSeconds } = problem
  if (statusCode === 401) reply.header('WWW-Authenticate', 'Basic realm="headwater"')
  if (statusCode === 429) reply.header('Retry-After', String(Math.max(1, retryAfterSeconds)))
  return reply
    .code(statusCode)
    .send({ code: CODES[statusCode], message, ...(err === undefined ? {} : { err }) })
}
