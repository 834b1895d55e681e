/** `/api/faults`, `/api/scenarios` and `/api/reset`: what a test rig can do. 404 without `rig.enabled`. */

import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { Static } from 'typebox'
import { formatIsoTime } from '../../base/dates.ts'
import { HeadwaterError } from '../../base/errors.ts'
import { formatItemKey } from '../../base/names.ts'
import { redactText } from '../../base/redact.ts'
import type { Origin } from '../../origin/origin.ts'
import type { RecentFindings } from '../../origin/recent-findings.ts'
import { ScenarioSchema } from '../../rig/fault-file.ts'
import type { FaultRule } from '../../rig/fault-rule.ts'
import { FAULT_NAME, FaultSchema } from '../../rig/fault-schema.ts'
import type { FaultEvent, Faults, Scenario } from '../../rig/faults.ts'
import { requireSuperUser } from './admin-guard.ts'
import type { RecentRequests } from '../recent-requests.ts'
import { addRoute, closed, NoBody, Time } from './route.ts'
import type { ReadonlyDeep } from './route.ts'

export interface RigRoutesOptions {
  /** `undefined` without `rig.enabled`. */
  readonly faults: Faults | undefined
  readonly origin: Origin
  readonly recentRequests: Pick<RecentRequests, 'forgetCache'>
  readonly recentFindings: Pick<RecentFindings, 'forgetCache'>
  /** By the clock of the faults' limits. */
  readonly nowMonotonicMs: () => number
  /** What else begins anew at a reset. */
  readonly onReset: () => void
}

const Name = Type.String({ pattern: FAULT_NAME })
const FaultInForceSchema = Type.Object(
  {
    id: Type.String(),
    fault: FaultSchema,
    matchedCount: Type.Integer({ description: 'Requests it was meant for.' }),
    appliedCount: Type.Integer({ description: 'Of them, those it was done to.' }),
    isSpent: Type.Boolean({ description: 'Done as often as `match.count` says.' }),
    endsInSeconds: Type.Number({ description: 'Until its limit takes it away.' }),
  },
  closed,
)
const ScenarioInListSchema = Type.Object(
  {
    name: Type.String(),
    description: Type.String(),
    isShipped: Type.Boolean(),
    faults: Type.Array(FaultSchema),
  },
  closed,
)
const FaultEventSchema = Type.Object(
  {
    number: Type.Integer({ description: 'Counts up from 1 since the start or the last reset.' }),
    at: Time,
    scenario: Type.String({ description: 'As in the path; empty for faults of everybody.' }),
    faultId: Type.String(),
    action: Type.String(),
    operation: Type.String(),
    cache: Type.String(),
    key: Type.String(),
  },
  closed,
)

/** A fault and how it does. */
export type FaultInForce = ReadonlyDeep<Static<typeof FaultInForceSchema>>

const DISABLED = { 404: 'Without `rig.enabled`, or nothing has this name.' }
const FULL = { 409: 'The name is taken, or there are as many as may be.' }

export function registerRigRoutes(app: FastifyInstance, options: RigRoutesOptions): void {
  const faultsOf = (): Faults => {
    if (options.faults !== undefined) return options.faults
    throw new HeadwaterError('HW_RIG_DISABLED', 'This server is no test rig.', {
      detail: 'Start it with --rig-enabled, or with --profile rig.',
    })
  }
  const view = (rule: FaultRule) => viewRule(rule, options.nowMonotonicMs())
  addRoute(app, {
    method: 'GET',
    url: '/api/faults',
    tag: 'rig',
    summary: 'List faults',
    description: 'Those for everybody, in the order in which they apply.',
    answer: {
      status: 200,
      description: 'The faults.',
      schema: Type.Object({ faults: Type.Array(FaultInForceSchema) }, closed),
    },
    refusals: DISABLED,
    handle: ({ grant }) => {
      requireSuperUser(grant)
      return { faults: faultsOf().everybody.list().map(view) }
    },
  })
  addRoute(app, {
    method: 'POST',
    url: '/api/faults',
    tag: 'rig',
    summary: 'Add a fault',
    description:
      'For everybody, from now on, until its limit, `DELETE` or `match.count`. At most 100 at once. Each faulted answer has its id in `X-Headwater-Fault`.',
    body: FaultSchema,
    answer: { status: 201, description: 'The fault in force.', schema: FaultInForceSchema },
    refusals: { ...DISABLED, ...FULL },
    handle: ({ grant, body }) => {
      requireSuperUser(grant)
      return view(faultsOf().add(body))
    },
  })
  addRoute(app, {
    method: 'DELETE',
    url: '/api/faults',
    tag: 'rig',
    summary: 'Clear the faults',
    description: 'All of everybody; scenarios stay and begin anew.',
    answer: {
      status: 200,
      description: 'How many went.',
      schema: Type.Object({ clearedCount: Type.Integer() }, closed),
    },
    refusals: DISABLED,
    handle: ({ grant }) => {
      requireSuperUser(grant)
      return { clearedCount: faultsOf().clear() }
    },
  })
  addRoute(app, {
    method: 'DELETE',
    url: '/api/faults/:id',
    tag: 'rig',
    summary: 'Delete a fault',
    description: 'One for everybody.',
    params: Type.Object({ id: Type.String() }),
    answer: { status: 204, description: 'It is gone.', schema: NoBody },
    refusals: DISABLED,
    handle: ({ grant, params, reply }) => {
      requireSuperUser(grant)
      faultsOf().delete(params.id)
      return reply.send()
    },
  })
  addRoute(app, {
    method: 'GET',
    url: '/api/faults/events',
    tag: 'rig',
    summary: 'List what was done',
    description:
      'The last 1,000 faulted requests, oldest first, of scenarios too. The same requests under the same seeds give the same list.',
    answer: {
      status: 200,
      description: 'The events.',
      schema: Type.Object({ events: Type.Array(FaultEventSchema) }, closed),
    },
    refusals: DISABLED,
    handle: ({ grant }) => {
      requireSuperUser(grant)
      return { events: faultsOf().events().map(viewEvent) }
    },
  })
  registerScenarioRoutes(app, faultsOf)
  registerReset(app, options, faultsOf)
}

function registerScenarioRoutes(app: FastifyInstance, faultsOf: () => Faults): void {
  addRoute(app, {
    method: 'GET',
    url: '/api/scenarios',
    tag: 'rig',
    summary: 'List scenarios',
    description: 'Those that come with the program and those that were added.',
    answer: {
      status: 200,
      description: 'The scenarios.',
      schema: Type.Object({ scenarios: Type.Array(ScenarioInListSchema) }, closed),
    },
    refusals: DISABLED,
    handle: ({ grant }) => {
      requireSuperUser(grant)
      return { scenarios: faultsOf().scenarios().map(viewScenario) }
    },
  })
  addRoute(app, {
    method: 'PUT',
    url: '/api/scenarios/:name',
    tag: 'rig',
    summary: 'Add or replace a scenario',
    description:
      'Faults for who reads or writes by `/rig/<name>/cache/…` on the data plane, and for nobody else. Limits count from the first request of a run.',
    params: Type.Object({ name: Name }),
    body: ScenarioSchema,
    answer: { status: 204, description: 'It is there.', schema: NoBody },
    refusals: { ...DISABLED, ...FULL },
    handle: ({ grant, params, body, reply }) => {
      requireSuperUser(grant)
      const { description = '', faults } = body
      faultsOf().define({ name: params.name, description, faults })
      return reply.send()
    },
  })
  addRoute(app, {
    method: 'DELETE',
    url: '/api/scenarios/:name',
    tag: 'rig',
    summary: 'Delete a scenario',
    description: 'One that was added; those that come with the program stay.',
    params: Type.Object({ name: Name }),
    answer: { status: 204, description: 'It is gone.', schema: NoBody },
    refusals: DISABLED,
    handle: ({ grant, params, reply }) => {
      requireSuperUser(grant)
      faultsOf().undefine(params.name)
      return reply.send()
    },
  })
}

function registerReset(
  app: FastifyInstance,
  { origin, recentRequests, recentFindings, onReset }: RigRoutesOptions,
  faultsOf: () => Faults,
): void {
  addRoute(app, {
    method: 'POST',
    url: '/api/reset',
    tag: 'rig',
    summary: 'Begin anew, between two tests',
    description:
      'Empties caches and forgets their channels, findings and recent requests; takes away faults, added scenarios and the list of events; the clock goes at its usual pace from where it is. Keys, caches and their settings stay, and so do metrics.',
    body: Type.Object(
      {
        caches: Type.Optional(
          Type.Array(Type.String({ maxLength: 255 }), {
            maxItems: 1000,
            description: 'Which ones; all unless said.',
          }),
        ),
      },
      closed,
    ),
    answer: {
      status: 200,
      description: 'What went.',
      schema: Type.Object(
        {
          caches: Type.Array(Type.String()),
          itemCount: Type.Integer(),
          faultCount: Type.Integer(),
        },
        closed,
      ),
    },
    refusals: DISABLED,
    handle: async ({ grant, body }) => {
      requireSuperUser(grant)
      const faults = faultsOf()
      const all = origin.caches.list()
      const chosen =
        body.caches === undefined
          ? all
          : body.caches.map((name) => {
              const cache = all.find((each) => each.name === name)
              if (cache !== undefined) return cache
              throw new HeadwaterError('HW_CACHE_NOT_FOUND', `There is no cache ${name}.`)
            })
      // First, so that no late write comes into an emptied cache.
      const faultCount = faults.reset()
      onReset()
      let itemCount = 0
      for (const { name } of chosen) {
        itemCount += await origin.reset(name)
        recentFindings.forgetCache(name)
        recentRequests.forgetCache(name)
      }
      return { caches: chosen.map(({ name }) => name), itemCount, faultCount }
    },
  })
}

function viewRule(rule: FaultRule, nowMonotonicMs: number): FaultInForce {
  const { id, fault, matchedCount, appliedCount, isSpent, addedAtMonotonicMs, limitMs } = rule
  const endsInSeconds = Math.max(0, addedAtMonotonicMs + limitMs - nowMonotonicMs) / 1000
  return { id, fault, matchedCount, appliedCount, isSpent, endsInSeconds }
}

function viewScenario({ name, description, isShipped, faults }: Scenario) {
  return { name, description, isShipped, faults }
}

function viewEvent(event: FaultEvent): ReadonlyDeep<Static<typeof FaultEventSchema>> {
  const { number, atMs, scenario, faultId, action, operation, cacheName, key } = event
  const shownKey = redactText(formatItemKey(key))
  return {
    ...{ number, at: formatIsoTime(atMs), scenario, faultId, action, operation },
    ...{ cache: cacheName, key: shownKey },
  }
}
