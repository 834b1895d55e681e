/** `/api/clock`: the time of a test rig, and how it is moved. 404 without `rig.enabled`. */

import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { Static } from 'typebox'
import { formatIsoTime, parseIsoTime } from '../../base/dates.ts'
import { HeadwaterError } from '../../base/errors.ts'
import { CLOCK_AHEAD_MS_MAX, CLOCK_RATE_MAX } from '../../rig/virtual-clock.ts'
import type { VirtualClock } from '../../rig/virtual-clock.ts'
import { requireSuperUser } from './admin-guard.ts'
import { addRoute, closed, Time } from './route.ts'
import type { ReadonlyDeep } from './route.ts'

export interface ClockRoutesOptions {
  /** `undefined` without `rig.enabled`, and where another clock rules. */
  readonly virtualClock: VirtualClock | undefined
  /** A test rig whose clock cannot be moved. */
  readonly isClockFixed: boolean
}

const clockFields = {
  now: Time,
  machineNow: Time,
  aheadSeconds: Type.Number({ description: 'Of the machine.' }),
  rate: Type.Number({ description: 'Seconds that pass in a second; 0: it stands.' }),
  isReal: Type.Boolean({ description: 'Nobody has moved it: it is the machine’s.' }),
  isMoving: Type.Boolean({ description: 'A move is under way.' }),
  timerCount: Type.Integer({ description: 'What waits for its time.' }),
}
const ClockSchema = Type.Object(clockFields, closed)
const MovedClockSchema = Type.Object(
  { ...clockFields, firedCount: Type.Integer({ description: 'What fell due on the way.' }) },
  closed,
)
const MoveSchema = Type.Object(
  {
    rate: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: CLOCK_RATE_MAX,
        description: 'Seconds that pass in a second from now on; 0 freezes it. Done first.',
      }),
    ),
    advanceSeconds: Type.Optional(
      Type.Number({
        maximum: CLOCK_AHEAD_MS_MAX / 1000,
        description: 'How far to move on. Not together with `now`.',
      }),
    ),
    now: Type.Optional(
      Type.Union([Type.String({ maxLength: 40 }), Type.Number()], {
        description: 'The time to move on to: RFC 3339, or milliseconds since 1970.',
      }),
    ),
  },
  closed,
)

/** The clock, as the API shows it. */
export type ClockView = ReadonlyDeep<Static<typeof ClockSchema>>
export type MovedClockView = ReadonlyDeep<Static<typeof MovedClockSchema>>

export function registerClockRoutes(app: FastifyInstance, options: ClockRoutesOptions): void {
  const clockOf = (): VirtualClock => {
    const { virtualClock, isClockFixed } = options
    if (virtualClock !== undefined) return virtualClock
    if (isClockFixed) {
      throw new HeadwaterError('HW_CLOCK_FIXED', 'The clock of this server cannot be moved.', {
        detail: 'With storage.kind valkey, Valkey’s own clock ends objects. Use memory or disk.',
      })
    }
    throw new HeadwaterError('HW_RIG_DISABLED', 'This server is no test rig.', {
      detail: 'Start it with --rig-enabled, or with --profile rig.',
    })
  }
  const refusals = {
    404: 'Without `rig.enabled`.',
    409: 'Back in time, too much on the way, or a clock that cannot be moved.',
  }
  addRoute(app, {
    method: 'GET',
    url: '/api/clock',
    tag: 'rig',
    summary: 'Show the clock',
    description: 'The time that the origin goes by, beside that of its machine.',
    answer: { status: 200, description: 'The clock.', schema: ClockSchema },
    refusals,
    handle: ({ grant }) => {
      requireSuperUser(grant)
      return viewClock(clockOf())
    },
  })
  addRoute(app, {
    method: 'POST',
    url: '/api/clock',
    tag: 'rig',
    summary: 'Move the clock, or change its pace',
    description:
      'Forwards only. Answered when all has happened that fell due on the way, in order; moves wait for each other. Sockets, their limits and what is measured stay with the machine’s clock.',
    body: MoveSchema,
    answer: { status: 200, description: 'The clock afterwards.', schema: MovedClockSchema },
    refusals,
    handle: async ({ grant, body }) => {
      requireSuperUser(grant)
      const clock = clockOf()
      const move = readMove(body)
      if (body.rate !== undefined) clock.setRate(body.rate)
      const { firedCount } = (await move?.(clock)) ?? { firedCount: 0 }
      return { ...viewClock(clock), firedCount }
    },
  })
}

type Move = (clock: VirtualClock) => Promise<{ readonly firedCount: number }>

/** `undefined` when only the rate changes. @throws HeadwaterError `HW_CLOCK_INVALID`. */
function readMove({ rate, advanceSeconds, now }: Static<typeof MoveSchema>): Move | undefined {
  if (advanceSeconds !== undefined && now !== undefined) {
    throw invalid('Say advanceSeconds or now, not both.')
  }
  if (advanceSeconds !== undefined) return (clock) => clock.advance(advanceSeconds * 1000)
  if (now !== undefined) {
    const timeMs = typeof now === 'number' ? now : parseIsoTime(now)
    if (timeMs === undefined) throw invalid('now is no time: write it like 2026-12-01T12:00:00Z.')
    return (clock) => clock.set(timeMs)
  }
  if (rate === undefined) throw invalid('Say rate, advanceSeconds or now.')
  return undefined
}

function viewClock(clock: VirtualClock): ClockView {
  const { nowMs, machineNowMs, ...rest } = clock.state
  return {
    now: formatIsoTime(nowMs),
    machineNow: formatIsoTime(machineNowMs),
    aheadSeconds: (nowMs - machineNowMs) / 1000,
    ...rest,
  }
}

function invalid(message: string): HeadwaterError {
  return new HeadwaterError('HW_CLOCK_INVALID', message)
}
