/**
 * The data plane: Fastify with `/cache`, health, the front page and the player, on a
 * {@link PlaneServer}.
 */

import fastify, { LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { RequestListener } from 'node:http'
import type { Logger } from '../base/log.ts'
import { isItemTarget } from '../wire/target.ts'
import { registerHealth } from './health.ts'
import type { Health } from './health.ts'
import type { ItemHandler } from './item-handler.ts'
import { markExpectsContinue } from './item-write.ts'
import { registerPages } from './pages.ts'
import { PlaneServer } from './plane-server.ts'
import type { PlaneServerOptions } from './plane-server.ts'
import { replyProblem } from './problems.ts'

export interface DataPlaneOptions {
  readonly items: ItemHandler
  readonly health: Health
  readonly log: Logger
  readonly server: Omit<PlaneServerOptions, 'name' | 'onExpectContinue'>
  /** The admin plane's URL, for the front page. */
  readonly adminUrl: () => string
  readonly version: string
}

export interface DataPlane {
  readonly plane: PlaneServer
  /** For tests: `inject`. */
  readonly app: FastifyInstance
}

export async function createDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const { items } = options
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
            // Items answer it themselves: 401 instead of 100, before a byte of the body.
            if (isItemTarget(request.url ?? '')) markExpectsContinue(request)
            else response.writeContinue()
            plane?.server.emit('request', request, response)
          },
        },
        listener,
      )
      return plane.server
    },
    // A target that the router cannot decode may still be an item's: its key is bytes, not text.
    frameworkErrors: (error, request, reply) => {
      if (isItemTarget(request.raw.url ?? '')) {
        reply.hijack()
        items.handle(request.raw, reply.raw)
        return
      }
      replyProblem(request, reply, error)
    },
  })
  app.setErrorHandler((error, request, reply) => replyProblem(request, reply, error))
  app.setNotFoundHandler((request, reply) => replyProblem(request, reply, undefined))

  // A method that the router does not know is the item handler's to refuse, too.
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.is404 || !isItemTarget(request.raw.url ?? '')) return done()
    reply.hijack()
    items.handle(request.raw, reply.raw)
  })
  for (const url of ['/cache', '/cache/*']) {
    app.route({
      method: ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS'],
      url,
      exposeHeadRoute: false,
      // Before Fastify looks at the body or its type: every type, or none, is taken as bytes.
      onRequest: (request, reply) => {
        reply.hijack()
        items.handle(request.raw, reply.raw)
      },
      handler: () => undefined,
    })
  }
  registerHealth(app, options.health)
  await registerPages(app, { adminUrl: options.adminUrl, version: options.version })
  await app.ready()
  if (plane === undefined) throw new TypeError('Fastify did not ask for a server')
  return { plane, app }
}
