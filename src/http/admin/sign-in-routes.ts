/** `/api/sign-in` and `/api/sign-out`: a key or a single-use link for a session, and its end. */

import type { FastifyInstance, FastifyReply } from 'fastify'
import Type from 'typebox'
import type { Authenticator } from '../../auth/authenticator.ts'
import type { ClientAddresses } from '../../auth/client-address.ts'
import type { Grant } from '../../auth/grant.ts'
import { LINK_CHARS_MAX } from '../../auth/sign-in-links.ts'
import type { SignInLinks } from '../../auth/sign-in-links.ts'
import { LINK_GRANT } from '../../auth/sessions.ts'
import type { Sessions } from '../../auth/sessions.ts'
import { formatIsoTime } from '../../base/dates.ts'
import { HeadwaterError } from '../../base/errors.ts'
import { adminCredential, clientAddressOf, refusalOf, requireAdmin } from './admin-guard.ts'
import { addRoute, closed, NoBody, Time } from './route.ts'

export interface SignInRoutesOptions {
  readonly authenticator: Authenticator
  readonly sessions: Sessions
  readonly links: SignInLinks
  readonly clientAddresses: ClientAddresses
}

const SignInSchema = Type.Object(
  {
    key: Type.Optional(Type.String({ minLength: 1, maxLength: 4096 })),
    link: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: LINK_CHARS_MAX,
        description: 'What follows `#sign-in=` in the URL that the terminal shows.',
      }),
    ),
  },
  { ...closed, minProperties: 1, maxProperties: 1 },
)
const SessionSchema = Type.Object(
  {
    session: Type.String({ description: 'Send it as `Authorization: Bearer <session>`.' }),
    expiresAt: Time,
    superUser: Type.Boolean(),
    adminCaches: Type.Union([Type.Literal('*'), Type.Array(Type.String())], {
      description: 'Caches it administers; of a super-user all.',
    }),
  },
  closed,
)

export function registerSignInRoutes(app: FastifyInstance, options: SignInRoutesOptions): void {
  const { authenticator, sessions, links } = options
  const grantOfLink = (link: string, clientAddress: string, reply: FastifyReply): Grant => {
    const refund = authenticator.takeFailure(clientAddress)
    if (typeof refund === 'number') {
      throw refusalOf({ reason: 'throttled', retryAfterSeconds: refund }, reply)
    }
    if (!links.redeem(link)) {
      throw new HeadwaterError('HW_ADMIN_UNAUTHORIZED', 'The link is not accepted.', {
        detail:
          'A link is good once, for 10 minutes. Sign in with a key, or start the server anew.',
      })
    }
    refund()
    return LINK_GRANT
  }
  addRoute(app, {
    method: 'POST',
    url: '/api/sign-in',
    tag: 'sign-in',
    summary: 'Sign in',
    description:
      'A key that may administer, or a single-use link, for a session of 12 hours (or as long as the key). The session ends when its key is revoked.',
    body: SignInSchema,
    isOpen: true,
    answer: { status: 200, description: 'The session.', schema: SessionSchema },
    refusals: { 401: 'The key or the link is not accepted.' },
    handle: async ({ body, request, reply }) => {
      const clientAddress = clientAddressOf(request, options)
      const { key, link = '' } = body
      const grant =
        key === undefined
          ? grantOfLink(link, clientAddress, reply)
          : requireAdmin(await authenticator.verify(key, clientAddress), reply)
      const { session, expiresAtMs } = await sessions.open(grant)
      reply.header('Cache-Control', 'no-store')
      return {
        session,
        expiresAt: formatIsoTime(expiresAtMs),
        superUser: grant.superUser,
        adminCaches: grant.superUser ? '*' : (grant.admin?.cacheNames ?? []),
      }
    },
  })
  addRoute(app, {
    method: 'POST',
    url: '/api/sign-out',
    tag: 'sign-in',
    summary: 'Sign out',
    description: 'Ends the session that is sent. A key is refused: it would be revoked elsewhere.',
    answer: { status: 204, description: 'It is over.', schema: NoBody },
    handle: async ({ request, reply }) => {
      const session = adminCredential(request) ?? ''
      if (!sessions.isSession(session)) {
        throw new HeadwaterError('HW_REQUEST_INVALID', 'This is a key, not a session.')
      }
      await sessions.close(session)
      return reply.code(204).send()
    },
  })
}
