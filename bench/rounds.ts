/**
 * Measures the HTTP scenarios against one origin, in interleaved rounds: what the machine does
 * meanwhile hits every scenario alike. CPU per request first, the rest as it comes.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { HttpScenario } from './http-scenarios.ts'
import { Recorder } from './recorder.ts'
import type { ScenarioResult } from './results.ts'
import type { ServerProcess } from './server-process.ts'
import { roundTo, spreadOf } from './statistics.ts'

export interface RoundsOptions {
  readonly rounds: number
  /** Under load, not counted, at the start of each scenario. */
  readonly settleMs: number
  readonly windowMs: number
  /** Of each scenario, once, before the first round: the origin's code is compiled by then. */
  readonly warmUpMs: number
}

/** One window of a scenario. */
export interface Measured {
  readonly cpuUsPerRequest: number
  readonly userCpuPercent: number
  readonly requestsPerSecond: number
  readonly mibPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Near 100: the origin was the bottleneck, and requests per second say something about it. */
  readonly serverCorePercent: number
}

/** @param say  Told of progress. */
export async function runRounds(
  scenarios: readonly HttpScenario[],
  server: ServerProcess,
  options: RoundsOptions,
  say: (text: string) => void,
): Promise<readonly ScenarioResult[]> {
  const recorder = new Recorder()
  for (const scenario of scenarios) {
    await scenario.warmUp?.({ url: server.dataPlaneUrl, apiKey: server.apiKey })
    await measure(scenario, server, recorder, { settleMs: 0, windowMs: options.warmUpMs })
  }
  const measured = new Map<HttpScenario, Measured[]>(scenarios.map((scenario) => [scenario, []]))
  for (let round = 0; round < options.rounds; round++) {
    for (let index = 0; index < scenarios.length; index++) {
      // Each round begins with another one, so that none always follows the same neighbour.
      const scenario = scenarios[(index + round) % scenarios.length]
      if (scenario === undefined) continue
      const result = await measure(scenario, server, recorder, options)
      measured.get(scenario)?.push(result)
      const { cpuUsPerRequest } = result
      say(`round ${round + 1}: ${scenario.name} ${cpuUsPerRequest.toFixed(1)} us CPU/request`)
    }
  }
  return scenarios.map((scenario) => summarise(scenario.name, measured.get(scenario) ?? []))
}

/** Loads the origin with a scenario, settles, and measures one window. */
export async function measure(
  scenario: HttpScenario,
  server: ServerProcess,
  recorder: Recorder,
  { settleMs, windowMs }: Pick<RoundsOptions, 'settleMs' | 'windowMs'>,
): Promise<Measured> {
  const target = { url: server.dataPlaneUrl, apiKey: server.apiKey }
  const load = await scenario.start(target, recorder)
  await sleep(settleMs)
  const before = await server.cpuTime()
  recorder.restart()
  await sleep(windowMs)
  const after = await server.cpuTime()
  const recorded = recorder.take()
  await load.stop()
  const { requestCount, seconds } = recorded
  const totalUs = after.totalUs - before.totalUs
  return {
    cpuUsPerRequest: totalUs / requestCount,
    userCpuPercent: (100 * (after.userUs - before.userUs)) / totalUs,
    requestsPerSecond: requestCount / seconds,
    mibPerSecond: recorded.bodyBytes / 1024 ** 2 / seconds,
    p50Ms: recorded.p50Ms,
    p99Ms: recorded.p99Ms,
    serverCorePercent: totalUs / 1e4 / seconds,
  }
}

/** Differences below it are not told from noise, however small the figure is. */
const SLACK_US = 1

function summarise(name: string, rounds: readonly Measured[]): ScenarioResult {
  const median = (pick: (round: Measured) => number, digits: number) =>
    roundTo(spreadOf(rounds.map(pick), digits).median, digits)
  return {
    name,
    metric: {
      name: 'cpuUsPerRequest',
      unit: 'us',
      slack: SLACK_US,
      ...spreadOf(
        rounds.map((round) => round.cpuUsPerRequest),
        1,
      ),
    },
    details: {
      userCpuPercent: median((round) => round.userCpuPercent, 0),
      requestsPerSecond: median((round) => round.requestsPerSecond, 0),
      mibPerSecond: median((round) => round.mibPerSecond, 0),
      p50Ms: median((round) => round.p50Ms, 2),
      p99Ms: median((round) => round.p99Ms, 2),
      serverCorePercent: median((round) => round.serverCorePercent, 0),
    },
  }
}
