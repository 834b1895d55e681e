/** Liveness and readiness, for images, balancers and supervisors. No credential, no host check. */

import type { FastifyInstance } from 'fastify'

/** Why the origin is not ready; `undefined` when it is. */
export type NotReadyReason = 'starting' | 'stopping'

export class Health {
  #reason: NotReadyReason | undefined = 'starting'

  get notReady(): NotReadyReason | undefined {
    return this.#reason
  }

  set(reason: NotReadyReason | undefined): void {
    this.#reason = reason
  }
}

export function registerHealth(app: FastifyInstance, health: Health): void {
  app.get('/health/live', async (_request, reply) => {
    return reply.header('Cache-Control', 'no-store').send({ status: 'live' })
  })
  app.get('/health/ready', async (_request, reply) => {
    void reply.header('Cache-Control', 'no-store')
    const reason = health.notReady
    if (reason === undefined) return reply.send({ status: 'ready' })
    return reply.code(503).header('Retry-After', '1').send({ status: reason })
  })
}
