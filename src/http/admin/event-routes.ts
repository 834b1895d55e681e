/** `/api/events`: the live events as a stream that stays open. */

import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { HeadwaterError } from '../../base/errors.ts'
import { recheckAdmin } from './admin-guard.ts'
import type { AdminGuardOptions } from './admin-guard.ts'
import type { EventStreams } from './event-streams.ts'
import { addRoute } from './route.ts'

const EVENTS = `\`hello\` first, then as they happen:

- \`channel\`: \`{at, cacheName, key, state, detail}\`, a channel's state changed
- \`finding\`: as in \`/api/findings\`
- \`write-refused\`: \`{at, cache, key, reason, statusCode, clientAddress, userAgent}\`
- \`request\`: as in \`/api/requests/recent\`, a refused or missed request, new or counted again
- \`cache\`: \`{at, cache, change}\`, \`created\`, \`changed\`, \`flushed\` or \`deleted\`
- \`metrics\`: a point as in \`/api/metrics/history\`, every two seconds
- \`faults\`: \`{at, change, faultId, action, limitSeconds, activeCount}\`, \`added\`, \`deleted\`, \`cleared\` or
  \`lapsed\` on a test rig; of no cache, so for keys that administer all

Of the caches that the key administers. A comment every 15 s; at most 50 events of a kind in a second;
nothing is repeated after a reconnect (no \`Last-Event-ID\`). Who does not read is cut off, and so is
who has a key that was revoked or has expired.`

export function registerEventRoutes(
  app: FastifyInstance,
  streams: EventStreams,
  guard: AdminGuardOptions,
): void {
  addRoute(app, {
    method: 'GET',
    url: '/api/events',
    tag: 'activity',
    summary: 'Follow what happens',
    description: EVENTS,
    answer: {
      status: 200,
      description: 'Server-sent events, until either side ends it.',
      schema: Type.String(),
      mediaType: 'text/event-stream',
    },
    refusals: { 429: 'Too many requests within a minute, or as many streams as may be.' },
    handle: ({ grant, request, reply }) => {
      if (streams.isFull) {
        throw new HeadwaterError('HW_ADMIN_STREAMS_FULL', 'As many streams are open as may be.')
      }
      reply.hijack()
      streams.open({ grant, response: reply.raw, recheck: () => recheckAdmin(request, guard) })
      return reply
    },
  })
}
