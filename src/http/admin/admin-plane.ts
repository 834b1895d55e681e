/**
 * The admin plane: `/api` behind its guard, `/metrics` and health without one, a front page. On a
 * port of its own, so that an operator can keep it off the network.
 */

import rateLimit from '@fastify/rate-limit'
import fastify, { LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { RequestListener } from 'node:http'
import type { DisposableTokens } from '../../auth/disposable-tokens.ts'
import type { KeyService } from '../../auth/key-service.ts'
import type { SignInLinks } from '../../auth/sign-in-links.ts'
import { withTimeOfDay } from '../../base/clock.ts'
import type { Clock } from '../../base/clock.ts'
import { formatIsoTime } from '../../base/dates.ts'
import type { Logger } from '../../base/log.ts'
import { VERSION } from '../../base/version.ts'
import type { ShownSetting } from '../../config/shown-settings.ts'
import type { Channels } from '../../origin/channel-view.ts'
import type { Origin } from '../../origin/origin.ts'
import type { RecentFindings } from '../../origin/recent-findings.ts'
import type { Faults } from '../../rig/faults.ts'
import { registerCacheRoutes } from './cache-routes.ts'
import { guardAdmin } from './admin-guard.ts'
import type { AdminGuardOptions } from './admin-guard.ts'
import { registerKeyRoutes } from './key-routes.ts'
import { registerActivityRoutes } from './activity-routes.ts'
import type { ActivityRoutesOptions, MetricHistory } from './activity-routes.ts'
import { registerClockRoutes } from './clock-routes.ts'
import type { ClockRoutesOptions } from './clock-routes.ts'
import { registerChannelRoutes } from './channel-routes.ts'
import { registerEventRoutes } from './event-routes.ts'
import { connectEvents } from './event-sources.ts'
import { EventStreams } from './event-streams.ts'
import { registerObjectRoutes } from './object-routes.ts'
import type { ObjectRoutesOptions } from './object-routes.ts'
import type { RecentRequests } from '../recent-requests.ts'
import { describeApi } from './openapi.ts'
import { registerRecordingRoutes } from './recording-routes.ts'
import { registerRigRoutes } from './rig-routes.ts'
import { useAdminSchemas } from './route.ts'
import { registerServerRoutes } from './server-routes.ts'
import type { ServerInfo } from './server-routes.ts'
import { registerSignInRoutes } from './sign-in-routes.ts'
import { registerTokenRoutes } from './token-routes.ts'
import { closeGently } from '../closing.ts'
import { registerConsole } from '../console-pages.ts'
import { registerHealth } from '../health.ts'
import type { Health } from '../health.ts'
import type { Recordings } from '../rig/recordings.ts'
import { PlaneServer } from '../plane-server.ts'
import type { PlaneServerOptions } from '../plane-server.ts'
import { replyProblem } from '../problems.ts'

export interface AdminPlaneOptions {
  readonly origin: Origin
  readonly keys: KeyService
  readonly tokens: { readonly disposables: DisposableTokens; readonly links: SignInLinks }
  readonly guard: AdminGuardOptions
  readonly health: Health
  readonly log: Logger
  readonly server: Omit<PlaneServerOptions, 'name' | 'onExpectContinue'>
  /** Prometheus text. */
  readonly metricsText: () => string
  /** What `/api/server` says: version and URLs. */
  readonly serverInfo: () => ServerInfo
  /** Of the object routes; the origin is theirs, too. */
  readonly objects: Omit<ObjectRoutesOptions, 'origin'>
  /** Of a test rig; `undefined` otherwise. */
  readonly faults: Faults | undefined
  /** Of a test rig; `undefined` otherwise. */
  readonly recordings: Recordings | undefined
  readonly clock: ClockRoutesOptions & {
    /** What streams of events live by. */
    readonly machine: Clock
  }
  /** Where what happens is known. */
  readonly activity: AdminActivity
  /** The settings in force. */
  readonly settings: readonly ShownSetting[]
}

/** What happens and has happened, of the other rooms. */
export interface AdminActivity extends ActivityRoutesOptions {
  readonly channels: Channels
  readonly recentRequests: RecentRequests
  readonly recentFindings: RecentFindings
  readonly history: MetricHistory
}

export interface AdminPlane {
  readonly plane: PlaneServer
  /** For tests: `inject`. */
  readonly app: FastifyInstance
}

/** A script that manages hundreds of caches passes; a guesser of keys does not. */
const REQUESTS_PER_MINUTE_MAX = 1200

export async function createAdminPlane(options: AdminPlaneOptions): Promise<AdminPlane> {
  let plane: PlaneServer | undefined
  // The wider type keeps every route's signature free of pino.
  const loggerInstance: FastifyBaseLogger = options.log
  const app = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 256 * 1024,
    routerOptions: { maxParamLength: options.server.urlBytesMax },
    // What a request does not say stays unsaid: a default would become a setting.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false } },
    serverFactory: (listener: RequestListener) => {
      plane = new PlaneServer(
        {
          ...options.server,
          name: 'admin plane',
          onExpectContinue: (request, response) => {
            response.writeContinue()
            plane?.server.emit('request', request, response)
          },
        },
        listener,
      )
      return plane.server
    },
    frameworkErrors: (error, request, reply) => void replyProblem(request, reply, error),
  })
  app.setErrorHandler((error, request, reply) => replyProblem(request, reply, error))
  app.setNotFoundHandler((request, reply) => replyProblem(request, reply, undefined))

  registerHealth(app, options.health)
  app.get('/metrics', async (_request, reply) =>
    reply
      .type('text/plain; version=0.0.4; charset=utf-8')
      .header('Cache-Control', 'no-store')
      .send(options.metricsText()),
  )
  await registerConsole(app, {
    text: FRONT_TEXT,
    dataPlaneUrl: () => options.serverInfo().dataPlaneUrl,
  })
  const { machine } = options.clock
  const streams = new EventStreams({ clock: machine, version: VERSION })
  const disconnect = connectEvents(streams, {
    ...options.activity,
    clock: withTimeOfDay(options.objects.clock, machine),
    events: options.origin.events,
  })
  // Before the planes wait for their last answers: these would never end.
  options.health.draining.addEventListener('abort', () => {
    streams.close()
    options.recordings?.close()
  })
  app.addHook('onClose', () => {
    disconnect()
    streams.close()
  })
  await app.register(async (api) => {
    await api.register(rateLimit, { max: REQUESTS_PER_MINUTE_MAX, timeWindow: '1 minute' })
    // A refusal before the body has come: node would go on reading it for as long as it comes.
    api.addHook('onSend', (request, reply, _payload, done) => {
      if (reply.statusCode >= 400 && !request.raw.complete) closeGently(request.raw, reply.raw)
      done()
    })
    guardAdmin(api, options.guard)
    useAdminSchemas(api)
    await describeApi(api, VERSION)
    registerServerRoutes(api, options)
    registerCacheRoutes(api, options.origin, (cache, change) => {
      const at = formatIsoTime(options.objects.clock.nowMs())
      streams.send('cache', { at, cache, change }, cache)
    })
    await registerObjectRoutes(api, { ...options.objects, origin: options.origin })
    registerChannelRoutes(api, options.activity.channels)
    registerActivityRoutes(api, options.activity)
    registerEventRoutes(api, streams, options.guard)
    registerRigRoutes(api, {
      ...{ ...options.activity, faults: options.faults, origin: options.origin },
      nowMonotonicMs: () => machine.monotonicMs(),
      onReset: () => options.clock.virtualClock?.setRate(1),
    })
    registerClockRoutes(api, options.clock)
    registerRecordingRoutes(api, {
      ...{ recordings: options.recordings, caches: options.origin.caches },
      ...{ guard: options.guard, clock: options.server.clock },
    })
    registerKeyRoutes(api, options.keys)
    registerTokenRoutes(api, {
      ...{ ...options.guard, keys: options.keys, caches: options.origin.caches },
      disposables: options.tokens.disposables,
    })
    registerSignInRoutes(api, { ...options.guard, links: options.tokens.links })
  })
  await app.ready()
  if (plane === undefined) throw new TypeError('Fastify did not ask for a server')
  return { plane, app }
}

const FRONT_TEXT = `Headwater, the admin plane.

Console:    this address in a browser
Admin API:  /api/caches, /api/keys, /api/server  (Authorization: <super-user key>)
Metrics:    /metrics
Health:     /health/live, /health/ready

From a shell: headwater cache list, headwater key create --help
`
