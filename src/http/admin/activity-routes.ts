/** What happened: refused and missed requests, findings, the last hour of metrics. */

import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { Grant } from '../../auth/grant.ts'
import type { RecentFindings } from '../../origin/recent-findings.ts'
import { administers, requireCache } from './admin-guard.ts'
import { RECENT_REQUESTS_MAX } from '../recent-requests.ts'
import type { RecentRequests } from '../recent-requests.ts'
import { FindingSchema, viewFinding } from './finding-view.ts'
import { addRoute, closed, Time } from './route.ts'

/** Numbers of one moment; which ones is for the metrics room to say. */
export interface MetricPoint {
  /** RFC 3339. */
  readonly at: string
}

/** The last hour of metrics, wherever it is kept. */
export interface MetricHistory<Point extends MetricPoint = MetricPoint> {
  /** Oldest first. */
  points(): readonly Point[]
  /** @returns The function that ends it. */
  onPoint(listener: (point: Point) => void): () => void
}

export interface ActivityRoutesOptions {
  readonly recentRequests: Pick<RecentRequests, 'list'>
  readonly recentFindings: Pick<RecentFindings, 'list'>
  readonly history: Pick<MetricHistory, 'points'>
  /** Seconds between the points. */
  readonly historyStepSeconds: number
}

const CacheQuery = Type.Optional(
  Type.String({ maxLength: 255, description: 'Only of this cache.' }),
)
const limitQuery = (maximum: number) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum, description: '100 unless said.' }))
const RequestSchema = Type.Object(
  {
    id: Type.Integer({ description: 'Stays the same while repeats are counted into it.' }),
    at: Time,
    firstAt: Time,
    count: Type.Integer(),
    clientAddress: Type.String(),
    method: Type.String(),
    operation: Type.String(),
    cache: Type.String({ description: 'Empty when the target named none.' }),
    key: Type.String({ description: 'As text, the last one.' }),
    keyId: Type.Union([Type.String(), Type.Null()]),
    statusCode: Type.Integer({ description: '0: the client was gone before the answer.' }),
    reason: Type.String({ description: 'As `X-Headwater-Reason` said it.' }),
    sentence: Type.String({ description: 'What happened.' }),
    advice: Type.String({ description: 'What to do.' }),
    commands: Type.Array(Type.String(), { description: 'What to type or write instead.' }),
    detail: Type.Union([Type.String(), Type.Null()]),
    userAgent: Type.String(),
  },
  closed,
)
const PointSchema = Type.Object(
  { at: Time },
  {
    additionalProperties: Type.Union([Type.Number(), Type.Null()]),
    description: 'Rates since the point before and gauges at its end; `null` for what was not.',
  },
)

/** What of one cache, or of none, a key may see. */
export function maySee(grant: Grant): (cacheName: string) => boolean {
  return (cacheName) => administers(grant, cacheName)
}

export function registerActivityRoutes(app: FastifyInstance, options: ActivityRoutesOptions): void {
  const { recentRequests, recentFindings, history, historyStepSeconds } = options
  addRoute(app, {
    method: 'GET',
    url: '/api/requests/recent',
    tag: 'activity',
    summary: 'List requests that were refused or missed',
    description: 'The last ones, newest first, each with its reason and what to do about it.',
    query: Type.Object(
      {
        cache: CacheQuery,
        status: Type.Optional(
          Type.Integer({ minimum: 0, maximum: 599, description: '404, or 4 for all of 4xx.' }),
        ),
        limit: limitQuery(RECENT_REQUESTS_MAX),
      },
      closed,
    ),
    answer: {
      status: 200,
      description: 'The requests.',
      schema: Type.Object({ requests: Type.Array(RequestSchema) }, closed),
    },
    handle: ({ grant, query }) => {
      if (query.cache !== undefined) requireCache(grant, query.cache)
      const { cache, status, limit = 100 } = query
      return { requests: recentRequests.list({ cache, status, limit, maySee: maySee(grant) }) }
    },
  })
  addRoute(app, {
    method: 'GET',
    url: '/api/findings',
    tag: 'activity',
    summary: 'List findings',
    description: 'What is wrong with the playlists that were written, newest first.',
    query: Type.Object({ cache: CacheQuery, limit: limitQuery(1000) }, closed),
    answer: {
      status: 200,
      description: 'The findings.',
      schema: Type.Object({ findings: Type.Array(FindingSchema) }, closed),
    },
    handle: ({ grant, query }) => {
      const { cache, limit = 100 } = query
      if (cache !== undefined) requireCache(grant, cache)
      const found = recentFindings.list(
        limit,
        ({ cacheName }) =>
          administers(grant, cacheName) && (cache === undefined || cache === cacheName),
      )
      return { findings: found.map(viewFinding) }
    },
  })
  addRoute(app, {
    method: 'GET',
    url: '/api/metrics/history',
    tag: 'activity',
    summary: 'Show the last hour of metrics',
    description: 'Of the whole server, oldest first. `/metrics` has all of them, for Prometheus.',
    answer: {
      status: 200,
      description: 'The points.',
      schema: Type.Object({ stepSeconds: Type.Number(), points: Type.Array(PointSchema) }, closed),
    },
    handle: ({ reply }) =>
      reply.send({ stepSeconds: historyStepSeconds, points: history.points() }),
  })
}
