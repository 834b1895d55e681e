/** `/rig` on the data plane, for people: which scenarios there are, and what to ask for instead. */

import type { FastifyInstance } from 'fastify'
import { HeadwaterError } from '../../base/errors.ts'
import type { Faults } from '../../rig/faults.ts'

/** Paths below a scenario that has not been taken as an item's. */
export function registerScenarios(app: FastifyInstance, faults: Faults): void {
  app.get('/rig', async (_request, reply) =>
    reply
      .header('Cache-Control', 'no-store')
      .type('text/plain; charset=utf-8')
      .send(
        [
          'Headwater, test rig. Read any item by /rig/<scenario>/cache/<cache>/<key>:',
          '',
          ...faults.scenarios().map(({ name, description }) => `${name}\n  ${description}`),
          '',
        ].join('\n'),
      ),
  )
  app.all('/rig/*', () => {
    throw new HeadwaterError(
      'HW_SCENARIO_NOT_FOUND',
      'There is no such scenario, or no item path.',
      {
        detail:
          'Write /rig/<scenario>/cache/<cache>/<key>; /rig lists the scenarios. A suffix (flaky-404~player-2) is a run of its own.',
      },
    )
  })
}
