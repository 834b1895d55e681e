/** Liveness and readiness, for images, balancers and supervisors. No credential, no host check. */

import type { FastifyInstance } from 'fastify'

/** Why the origin is not ready; `undefined` when it is. */
export type NotReadyReason = 'starting' | 'stopping' | 'store-unavailable'

export class Health {
  #reason: 'starting' | 'stopping' | undefined = 'starting'
  #isStoreDown: () => boolean = () => false
  readonly #draining = new AbortController()

  /**
   * Aborted when a stopping server has closed its listeners: whoever waits for something that has
   * not come yet answers now.
   */
  get draining(): AbortSignal {
    return this.#draining.signal
  }

  get notReady(): NotReadyReason | undefined {
    return this.#reason ?? (this.#isStoreDown() ? 'store-unavailable' : undefined)
  }

  /**
   * Asks the store whenever somebody asks here: while it is down, what is in memory goes on being
   * served, but a balancer has better places.
   *
   * @param isDown  Synchronous and quick.
   */
  watchStore(isDown: () => boolean): void {
    this.#isStoreDown = isDown
  }

  set(reason: 'starting' | 'stopping' | undefined): void {
    this.#reason = reason
  }

  /** Called once, by whoever stops the planes. */
  startDraining(): void {
    this.#draining.abort()
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
