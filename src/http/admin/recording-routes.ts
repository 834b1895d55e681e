/** `/api/recordings`: tapes of what is pushed into a cache. 404 without `rig.enabled`. */

import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { Clock } from '../../base/clock.ts'
import { formatIsoTime } from '../../base/dates.ts'
import { HeadwaterError } from '../../base/errors.ts'
import type { CacheRegistry } from '../../origin/caches.ts'
import type { TapeSink } from '../rig/recording.ts'
import type { Recordings } from '../rig/recordings.ts'
import { recheckAdmin, requireSuperUser } from './admin-guard.ts'
import type { AdminGuardOptions } from './admin-guard.ts'
import { addRoute, closed, NoBody, Time } from './route.ts'

export interface RecordingRoutesOptions {
  /** `undefined` without `rig.enabled`. */
  readonly recordings: Recordings | undefined
  readonly caches: Pick<CacheRegistry, 'list'>
  readonly guard: AdminGuardOptions
  readonly clock: Clock
}

const DISABLED = { 404: 'Without `rig.enabled`, or there is no such cache or recording.' }
/** How often it is asked whether the recorder's key is still worth something. */
const RECHECK_MS = 15_000

const RecordingSchema = Type.Object(
  {
    cache: Type.String(),
    startedAt: Time,
    requestCount: Type.Integer(),
    bodyBytes: Type.Integer(),
    missedCount: Type.Integer({ description: 'Requests that are a gap on the tape.' }),
  },
  closed,
)

const BeginSchema = Type.Object(
  {
    cache: Type.String({ maxLength: 255 }),
    scrubMedia: Type.Optional(
      Type.Boolean({ description: 'Of all but playlists and manifests sizes alone.' }),
    ),
    seconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 86_400, description: 'Ends by itself then.' }),
    ),
  },
  closed,
)

export function registerRecordingRoutes(
  app: FastifyInstance,
  { recordings, caches, guard, clock }: RecordingRoutesOptions,
): void {
  const known = (): Recordings => {
    if (recordings !== undefined) return recordings
    throw new HeadwaterError('HW_RIG_DISABLED', 'This server is no test rig.', {
      detail: 'Start it with --rig-enabled, or with --profile rig.',
    })
  }
  addRoute(app, {
    method: 'GET',
    url: '/api/recordings',
    tag: 'rig',
    summary: 'List recordings',
    description: 'The caches that are being recorded.',
    answer: {
      status: 200,
      description: 'The recordings.',
      schema: Type.Object({ recordings: Type.Array(RecordingSchema) }, closed),
    },
    refusals: DISABLED,
    handle: ({ grant }) => {
      requireSuperUser(grant)
      return {
        recordings: known()
          .list()
          .map(({ cacheName, startedAtMs, stats }) => ({
            ...{ cache: cacheName, startedAt: formatIsoTime(startedAtMs) },
            ...stats,
          })),
      }
    },
  })
  addRoute(app, {
    method: 'POST',
    url: '/api/recordings',
    tag: 'rig',
    summary: 'Record a cache',
    description:
      'Answers with a tape (docs/tapes.md) that grows by a record whenever an upload into the cache is over, until `seconds`, `DELETE /api/recordings/:cache` or the end of the connection. What the reader does not take in time is a gap on the tape, never a slower upload. Credentials are not on it.',
    body: BeginSchema,
    answer: {
      status: 200,
      description: 'The tape.',
      schema: Type.String(),
      mediaType: 'application/octet-stream',
    },
    refusals: { ...DISABLED, 409: 'Somebody records it, or as many are recorded as may be.' },
    handle: ({ grant, body, request, reply }) => {
      requireSuperUser(grant)
      const all = known()
      const cache = caches.list().find(({ name }) => name === body.cache)
      if (cache === undefined) {
        throw new HeadwaterError('HW_CACHE_NOT_FOUND', `There is no cache ${body.cache}.`)
      }
      const recording = all.begin({
        ...{ cacheName: cache.name, isScrubbed: body.scrubMedia === true, seconds: body.seconds },
        sink: sinkOf(reply.raw),
      })
      reply.raw.on('drain', () => recording.taken())
      const recheck = () => {
        timer = clock.setTimer(recheck, RECHECK_MS)
        void recheckAdmin(request, guard).then((worth) => {
          if (worth?.superUser !== true) all.abandon(recording)
        })
      }
      let timer = clock.setTimer(recheck, RECHECK_MS)
      const leave = () => {
        clock.clearTimer(timer)
        all.abandon(recording)
      }
      reply.raw.once('close', leave)
      // A connection may be open on one side alone: this reader has no more to say, so it has gone.
      request.raw.socket.once('end', leave)
      reply.hijack()
      return reply
    },
  })
  addRoute(app, {
    method: 'DELETE',
    url: '/api/recordings/:cache',
    tag: 'rig',
    summary: 'End a recording',
    description: 'Its tape gets its last record; uploads in progress are not on it.',
    params: Type.Object({ cache: Type.String() }),
    answer: { status: 204, description: 'It has ended.', schema: NoBody },
    refusals: DISABLED,
    handle: ({ grant, params, reply }) => {
      requireSuperUser(grant)
      known().stop(params.cache)
      return reply.send()
    },
  })
}

/** An answer whose head goes with the first bytes. */
function sinkOf(response: ServerResponse): TapeSink {
  return {
    write: (bytes) => {
      if (response.destroyed || response.writableEnded) return
      if (!response.headersSent) {
        response.writeHead(200, {
          'Content-Type': 'application/octet-stream',
          'Cache-Control': 'no-store',
          'X-Content-Type-Options': 'nosniff',
          // nginx would hold the tape back until a buffer is full.
          'X-Accel-Buffering': 'no',
        })
      }
      response.write(bytes)
    },
    get waitingBytes() {
      return response.writableLength
    },
    end: (how) => {
      if (how === 'broken') {
        response.destroy()
        return
      }
      // What waits is still sent: the server waits for it as for any answer.
      response.shouldKeepAlive = false
      response.end()
    },
  }
}
