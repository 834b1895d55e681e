/** `/api/server` and `/api/config`: which server this is, and the configuration in force. */

import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { ShownSetting } from '../../config/shown-settings.ts'
import { requireSuperUser } from './admin-guard.ts'
import type { NotReadyReason } from '../health.ts'
import { addRoute, closed, Time } from './route.ts'

/** Which server this is. */
export interface ServerInfo {
  readonly version: string
  /** What encoders and players are told: `http.publicUrl`, else where it listens. */
  readonly dataPlaneUrl: string
  readonly adminUrl: string
  readonly pid: number
  readonly nodeVersion: string
  readonly startedAt: string
  /** The server's clock, for who wants to compare. */
  readonly now: string
  /** `starting` and `stopping` as `/health/ready` says them. */
  readonly state: 'ready' | NotReadyReason
  /** `rig.enabled`. */
  readonly rigEnabled: boolean
  /** Faults that everybody meets now. */
  readonly faultCount: number
}

export interface ServerRoutesOptions {
  readonly serverInfo: () => ServerInfo
  /** The settings in force, secrets not among the values. */
  readonly settings: readonly ShownSetting[]
}

const ServerSchema = Type.Object(
  {
    version: Type.String(),
    dataPlaneUrl: Type.String({ description: 'What encoders and players are told.' }),
    adminUrl: Type.String(),
    pid: Type.Integer(),
    nodeVersion: Type.String(),
    startedAt: Time,
    now: Time,
    state: Type.Union([
      Type.Literal('ready'),
      Type.Literal('starting'),
      Type.Literal('stopping'),
      Type.Literal('store-unavailable'),
    ]),
    rigEnabled: Type.Boolean({ description: 'Whether this is a test rig.' }),
    faultCount: Type.Integer({ description: 'Faults that everybody meets now; scenarios aside.' }),
  },
  closed,
)
const SettingSchema = Type.Object(
  {
    name: Type.String(),
    value: Type.Unknown({ description: 'Of a secret only whether it is set.' }),
    source: Type.String({
      description:
        '`default`, `profile <name>`, `file <path>`, `env <name>`, `flag <name>` or `option`.',
    }),
    description: Type.String(),
  },
  closed,
)

export function registerServerRoutes(app: FastifyInstance, options: ServerRoutesOptions): void {
  addRoute(app, {
    method: 'GET',
    url: '/api/server',
    tag: 'server',
    summary: 'Show the server',
    description: 'Its version, its addresses and how it is.',
    answer: { status: 200, description: 'The server.', schema: ServerSchema },
    handle: () => options.serverInfo(),
  })
  addRoute(app, {
    method: 'GET',
    url: '/api/config',
    tag: 'server',
    summary: 'Show the configuration in force',
    description:
      'Every setting with its value and where that comes from, as `headwater config` prints it. Needs a super-user key.',
    answer: {
      status: 200,
      description: 'The settings.',
      schema: Type.Object({ settings: Type.Array(SettingSchema) }, closed),
    },
    handle: ({ grant }) => {
      requireSuperUser(grant)
      return { settings: options.settings }
    },
  })
}
