/**
 * What it costs to see: the small GET of an origin that measures every request and logs one in a
 * hundred, against one that does neither. Two processes, asked in turn, compared pair by pair: what
 * else the machine does hits both.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { httpScenarios } from './http-scenarios.ts'
import { Recorder } from './recorder.ts'
import type { ScenarioResult } from './results.ts'
import { measure } from './rounds.ts'
import type { Measured } from './rounds.ts'
import { ServerProcess } from './server-process.ts'
import type { ServerOptions } from './server-process.ts'
import { roundTo, spreadOf } from './statistics.ts'

export const OBSERVATION_COST = 'observation-cost'

const SCENARIO = 'get-playlist'
const SAMPLE = 0.01
const TIMING = { settleMs: 200, windowMs: 800 }
const WARM_UP = { settleMs: 0, windowMs: 2000 }
/** Below it nothing is told apart, per cent. */
const SLACK_PERCENT = 2

/**
 * @param pairCount  How many pairs are measured.
 * @param say  Told of progress.
 */
export async function runObservationCost(
  pairCount: number,
  options: Omit<ServerOptions, 'settings'>,
  say: (text: string) => void,
): Promise<ScenarioResult> {
  const scenario = httpScenarios().find(({ name }) => name === SCENARIO)
  if (scenario === undefined) throw new Error(`no scenario ${SCENARIO}`)
  const directory = mkdtempSync(join(tmpdir(), 'headwater-bench-'))
  const settings = { accessLog: { path: join(directory, 'access.log'), sample: SAMPLE } }
  const off = await ServerProcess.start({ ...options, settings: {}, observeRequests: false })
  const on = await ServerProcess.start({ ...options, settings })
  const recorder = new Recorder()
  for (const server of [off, on]) await measure(scenario, server, recorder, WARM_UP)
  const pairs: { readonly off: Measured; readonly on: Measured }[] = []
  for (let pair = 0; pair < pairCount; pair++) {
    // Neither is always the one that comes second.
    const isOffFirst = pair % 2 === 0
    const first = await measure(scenario, isOffFirst ? off : on, recorder, TIMING)
    const second = await measure(scenario, isOffFirst ? on : off, recorder, TIMING)
    const measured = isOffFirst ? { off: first, on: second } : { off: second, on: first }
    pairs.push(measured)
    say(`pair ${pair + 1}: ${costPercent(measured).toFixed(1)} %`)
  }
  await off.stop()
  await on.stop()
  rmSync(directory, { recursive: true, force: true })
  const cpuUs = (pick: (pair: (typeof pairs)[number]) => Measured) =>
    spreadOf(
      pairs.map((pair) => pick(pair).cpuUsPerRequest),
      1,
    ).median
  return {
    name: OBSERVATION_COST,
    metric: {
      name: 'costPercent',
      unit: 'percent',
      slack: SLACK_PERCENT,
      ...spreadOf(pairs.map(costPercent), 1),
    },
    details: {
      offCpuUsPerRequest: cpuUs((pair) => pair.off),
      onCpuUsPerRequest: cpuUs((pair) => pair.on),
      offCorePercent: roundTo(
        spreadOf(
          pairs.map((pair) => pair.off.serverCorePercent),
          0,
        ).median,
        0,
      ),
    },
  }
}

/** CPU time of a request, more than without. */
function costPercent({ off, on }: { readonly off: Measured; readonly on: Measured }): number {
  return 100 * (on.cpuUsPerRequest / off.cpuUsPerRequest - 1)
}
