/**
 * The data plane on a {@link PlaneServer}: `/cache` by the item handler, everything else (health, the
 * front page, the player) by Fastify.
 */

import fastify, { LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { RequestListener } from 'node:http'
import type { Logger } from '../base/log.ts'
import type { Faults } from '../rig/faults.ts'
import { isItemTarget } from '../wire/target.ts'
import { registerAccountApi } from './account-api/account-routes.ts'
import type { AccountApiOptions } from './account-api/account-routes.ts'
import { registerHealth } from './health.ts'
import type { Health } from './health.ts'
import type { ItemHandler } from './item-handler.ts'
import { markExpectsContinue } from './item-write.ts'
import { registerPages } from './pages.ts'
import { PlaneServer } from './plane-server.ts'
import type { PlaneServerOptions } from './plane-server.ts'
import { replyProblem } from './problems.ts'
import type { Recordings } from './rig/recordings.ts'
import { enterScenario } from './rig/rig-paths.ts'
import { registerScenarios } from './rig/scenario-routes.ts'

export interface DataPlaneOptions {
  readonly items: ItemHandler
  /** Momento's `/api-keys` and `/roles`. */
  readonly account: AccountApiOptions
  readonly health: Health
  /** Of a test rig: `/rig/<scenario>/cache/…` is there; `undefined` otherwise. */
  readonly faults: Faults | undefined
  /** Of a test rig: told of item requests; `undefined` otherwise. */
  readonly recordings: Recordings | undefined
  readonly log: Logger
  readonly server: Omit<PlaneServerOptions, 'name' | 'onExpectContinue'>
  /** The admin plane's URL, for the front page. */
  readonly adminUrl: () => string
  readonly version: string
}

export interface DataPlane {
  readonly plane: PlaneServer
  /** Everything but items. */
  readonly app: FastifyInstance
}

export async function createDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const { items, faults, recordings } = options
  let plane: PlaneServer | undefined
  // The wider type keeps every route's signature free of pino.
  const loggerInstance: FastifyBaseLogger = options.log
  const app = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: options.server.urlBytesMax },
    serverFactory: (listener: RequestListener) => {
      plane = new PlaneServer(
        {
          ...options.server,
          name: 'data plane',
          onExpectContinue: (request, response) => {
            if (faults !== undefined) enterScenario(faults, request)
            // Items answer it themselves: 401 instead of 100, before a byte of the body.
            if (isItemTarget(request.url ?? '')) markExpectsContinue(request)
            else response.writeContinue()
            plane?.server.emit('request', request, response)
          },
        },
        // Items pass the router by: their keys are bytes it could not decode, their bodies have any
        // type or none, and every request would pay for a look at both (5 % of a playlist's GET).
        (request, response) => {
          if (faults !== undefined) enterScenario(faults, request)
          if (isItemTarget(request.url ?? '')) {
            if (recordings !== undefined) recordings.watch(request, response)
            items.handle(request, response)
          } else listener(request, response)
        },
      )
      return plane.server
    },
    frameworkErrors: (error, request, reply) => void replyProblem(request, reply, error),
  })
  app.setErrorHandler((error, request, reply) => replyProblem(request, reply, error))
  app.setNotFoundHandler((request, reply) => replyProblem(request, reply, undefined))

  registerHealth(app, options.health)
  if (faults !== undefined) registerScenarios(app, faults)
  await registerAccountApi(app, options.account)
  await registerPages(app, { adminUrl: options.adminUrl, version: options.version })
  await app.ready()
  if (plane === undefined) throw new TypeError('Fastify did not ask for a server')
  return { plane, app }
}
