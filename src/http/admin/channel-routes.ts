/** `/api/channels`: what is live and how it does. The list is short, one channel is whole. */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Static } from 'typebox'
import { formatIsoTime } from '../../base/dates.ts'
import { HeadwaterError } from '../../base/errors.ts'
import { formatItemKey } from '../../base/names.ts'
import { oneOf } from '../../config/sections/fields.ts'
import type {
  ChannelView,
  Channels,
  PublishPoint,
  RenditionView,
} from '../../origin/channel-view.ts'
import { parseItemTarget } from '../../wire/target.ts'
import { administers, requireCache } from './admin-guard.ts'
import { FindingSchema, viewFinding } from './finding-view.ts'
import { addRoute, closed, Time } from './route.ts'
import type { ReadonlyDeep } from './route.ts'

const orNull = <Schema extends Parameters<typeof Type.Array>[0]>(schema: Schema) =>
  Type.Union([schema, Type.Null()])
const State = oneOf(['live', 'stale', 'ended', 'broken'], {
  description:
    '`broken`: written, but what its playlists name cannot be had. `stale`: nothing was written for too long.',
})
const renditionProperties = {
  key: Type.String(),
  role: oneOf(['variant', 'rendition', 'i-frames', 'alone'], {
    description: 'By which tag the multivariant playlist names it; `alone` when there is none.',
  }),
  bandwidthBitsPerSecond: orNull(Type.Number()),
  widthPixels: orNull(Type.Number()),
  heightPixels: orNull(Type.Number()),
  codecs: orNull(Type.String()),
  name: orNull(Type.String()),
  state: oneOf(['live', 'stale', 'ended', 'broken', 'waiting'], {
    description: '`waiting`: named, but never written.',
  }),
  targetDurationSeconds: Type.Number(),
  segmentCount: Type.Integer(),
  lastMediaSequenceNumber: orNull(Type.Integer()),
  edgeProgramDateTimeAt: orNull(Time),
  edgeLagSeconds: orNull(Type.Number()),
  publishDelaySeconds: orNull(Type.Number({ description: 'Negative is early.' })),
  missingSegmentCount: Type.Integer(),
  skewSeconds: Type.Number({ description: 'Behind the furthest rendition.' }),
  lastWriteAt: orNull(Time),
}
const SegmentSchema = Type.Object(
  {
    key: Type.String(),
    mediaSequenceNumber: Type.Integer(),
    durationSeconds: Type.Number(),
    sizeBytes: Type.Integer({ description: '0 while it is missing.' }),
    dueAt: Time,
    storedAt: orNull(Time),
  },
  closed,
)
const channelProperties = {
  cacheName: Type.String(),
  key: Type.String({
    description: 'Of the multivariant playlist, or of the media playlist that has none.',
  }),
  state: State,
  stateSinceAt: Time,
  stateDetail: Type.String({ description: 'Why it is not simply live.' }),
  targetDurationSeconds: Type.Number(),
  lastWriteAt: orNull(Time),
  edgeLagSeconds: orNull(Type.Number()),
  publishDelaySeconds: orNull(Type.Number()),
  missingSegmentCount: Type.Integer(),
  skewSeconds: Type.Number(),
  findingCount: Type.Integer({ description: 'Of the last findings, at most 200.' }),
}
const ChannelInListSchema = Type.Object(
  { ...channelProperties, renditions: Type.Array(Type.Object(renditionProperties, closed)) },
  closed,
)
const ChannelSchema = Type.Object(
  {
    ...channelProperties,
    renditions: Type.Array(
      Type.Object(
        {
          ...renditionProperties,
          recentSegments: Type.Array(SegmentSchema, { description: 'Oldest first, at most 60.' }),
        },
        closed,
      ),
    ),
    findings: Type.Array(FindingSchema, { description: 'Newest first, at most 200.' }),
  },
  closed,
)

/** A channel as lists and events show it. */
export type ChannelInList = ReadonlyDeep<Static<typeof ChannelInListSchema>>

export function registerChannelRoutes(app: FastifyInstance, channels: Channels): void {
  addRoute(app, {
    method: 'GET',
    url: '/api/channels',
    tag: 'channels',
    summary: 'List channels',
    description: 'Those of the caches that the key administers, by cache and key.',
    query: Type.Object({ cache: Type.Optional(Type.String({ maxLength: 255 })) }, closed),
    answer: {
      status: 200,
      description: 'The channels.',
      schema: Type.Object({ channels: Type.Array(ChannelInListSchema) }, closed),
    },
    handle: ({ grant, query }) => {
      if (query.cache !== undefined) requireCache(grant, query.cache)
      return {
        channels: channels
          .list()
          .filter(({ cacheName }) => administers(grant, cacheName))
          .filter(({ cacheName }) => query.cache === undefined || cacheName === query.cache)
          .map(viewChannelInList),
      }
    },
  })
  addRoute(app, {
    method: 'GET',
    url: '/api/channels/:cache/*',
    tag: 'channels',
    summary: 'Show a channel',
    description: 'With the last segments of each rendition and the last findings.',
    params: Type.Object({
      cache: Type.String({ minLength: 1, maxLength: 255 }),
      '*': Type.String({ minLength: 1, description: "The key of the channel's playlist." }),
    }),
    answer: { status: 200, description: 'The channel.', schema: ChannelSchema },
    refusals: { 404: 'There is no such channel.' },
    handle: ({ grant, params, request }) => {
      requireCache(grant, params.cache)
      const channel = channelInPath(request, channels)
      if (channel === undefined) {
        throw new HeadwaterError('HW_CHANNEL_NOT_FOUND', 'There is no such channel.', {
          detail:
            'A channel is there once its playlist was written; it goes when nothing renews it.',
        })
      }
      return viewChannel(channel)
    },
  })
}

/** Decoded as the data plane decodes keys. */
function channelInPath(request: FastifyRequest, channels: Channels): ChannelView | undefined {
  const [path = ''] = (request.raw.url ?? '').split(/[?#]/, 1)
  const target = parseItemTarget(`/cache/${path.slice('/api/channels/'.length)}`)
  return target.problem === undefined ? channels.get(target.cacheName, target.key) : undefined
}

export function viewChannelInList(channel: ChannelView): ChannelInList {
  return { ...channelFacts(channel), renditions: channel.renditions.map(renditionFacts) }
}

function viewChannel(channel: ChannelView): ReadonlyDeep<Static<typeof ChannelSchema>> {
  return {
    ...channelFacts(channel),
    renditions: channel.renditions.map((rendition) => ({
      ...renditionFacts(rendition),
      recentSegments: rendition.recentSegments.map(viewSegment),
    })),
    findings: channel.findings
      .map((finding) => viewFinding({ ...finding, cacheName: channel.cacheName }))
      .reverse(),
  }
}

function channelFacts(channel: ChannelView) {
  return {
    cacheName: channel.cacheName,
    key: formatItemKey(channel.key),
    state: channel.state,
    stateSinceAt: formatIsoTime(channel.stateSinceMs),
    stateDetail: channel.stateDetail,
    targetDurationSeconds: channel.targetDurationSeconds,
    lastWriteAt: timeOrNull(channel.lastWriteAtMs),
    edgeLagSeconds: channel.edgeLagSeconds ?? null,
    publishDelaySeconds: channel.publishDelaySeconds ?? null,
    missingSegmentCount: channel.missingSegmentCount,
    skewSeconds: channel.skewSeconds,
    findingCount: channel.findings.length,
  }
}

function renditionFacts(rendition: RenditionView) {
  return {
    key: formatItemKey(rendition.key),
    role: rendition.role,
    bandwidthBitsPerSecond: rendition.bandwidthBitsPerSecond ?? null,
    widthPixels: rendition.widthPixels ?? null,
    heightPixels: rendition.heightPixels ?? null,
    codecs: rendition.codecs ?? null,
    name: rendition.name ?? null,
    state: rendition.state,
    targetDurationSeconds: rendition.targetDurationSeconds,
    segmentCount: rendition.segmentCount,
    lastMediaSequenceNumber: rendition.lastMediaSequenceNumber ?? null,
    edgeProgramDateTimeAt: timeOrNull(rendition.edgeProgramDateTimeMs),
    edgeLagSeconds: rendition.edgeLagSeconds ?? null,
    publishDelaySeconds: rendition.publishDelaySeconds ?? null,
    missingSegmentCount: rendition.missingSegmentCount,
    skewSeconds: rendition.skewSeconds,
    lastWriteAt: timeOrNull(rendition.lastWriteAtMs),
  }
}

function viewSegment(point: PublishPoint) {
  return {
    key: formatItemKey(point.key),
    mediaSequenceNumber: point.mediaSequenceNumber,
    durationSeconds: point.durationSeconds,
    sizeBytes: point.sizeBytes,
    dueAt: formatIsoTime(point.dueAtMs),
    storedAt: timeOrNull(point.storedAtMs),
  }
}

/** 0 is a rendition that was never written. Playlists may name times that no calendar has. */
function timeOrNull(timeMs: number | undefined): string | null {
  if (timeMs === undefined || timeMs <= 0 || timeMs > 253_402_300_799_999) return null
  return formatIsoTime(timeMs)
}
