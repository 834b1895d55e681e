/**
 * The small GET of an object in memory, with a store behind that memory against without: it should
 * cost the same. Two origins, asked in turn, compared pair by pair.
 */

import { httpScenarios } from '../http-scenarios.ts'
import { Recorder } from '../recorder.ts'
import type { ScenarioResult } from '../results.ts'
import { measure } from '../rounds.ts'
import { ServerProcess } from '../server-process.ts'
import type { ServerOptions } from '../server-process.ts'
import { roundTo, spreadOf } from '../statistics.ts'
import { startValkey } from './valkey-process.ts'

export const NEAR_HIT = 'storage-near-hit'

const SCENARIO = 'get-playlist'
const TIMING = { settleMs: 150, windowMs: 600 }
const WARM_UP = { settleMs: 0, windowMs: 2000 }
/** Not measured: an origin's code is compiled while it answers, and a busy machine takes its time. */
const PAIRS_BEFORE = 2
const SLACK_PERCENT = 2
const READS = {
  disk: 'headwater_disk_reads_total',
  valkey: 'headwater_valkey_reads_total',
} as const

/** @param pairCount  How many pairs are measured, for each kind of store. */
export async function runNearHit(
  pairCount: number,
  options: Omit<ServerOptions, 'settings'>,
  say: (text: string) => void,
): Promise<readonly ScenarioResult[]> {
  const scenario = httpScenarios().find(({ name }) => name === SCENARIO)
  if (scenario === undefined) throw new Error(`no scenario ${SCENARIO}`)
  const valkey = await startValkey()
  const recorder = new Recorder()
  const servers = {
    memory: await ServerProcess.start({ ...options, settings: {} }),
    disk: await ServerProcess.start({ ...options, settings: { storage: { kind: 'disk' } } }),
    valkey: await ServerProcess.start({ ...options, settings: valkey.settings }),
  }
  for (const server of Object.values(servers)) await measure(scenario, server, recorder, WARM_UP)
  const cpuUs = async (kind: keyof typeof servers) =>
    (await measure(scenario, servers[kind], recorder, TIMING)).cpuUsPerRequest
  const results: ScenarioResult[] = []
  for (const kind of ['disk', 'valkey'] as const) {
    const pairs: { readonly memoryUs: number; readonly us: number }[] = []
    const readsBefore = await servers[kind].gauge(READS[kind])
    for (let pair = -PAIRS_BEFORE; pair < pairCount; pair++) {
      // Neither is always the one that comes second.
      const isFirst = pair % 2 === 0
      const first = await cpuUs(isFirst ? 'memory' : kind)
      const second = await cpuUs(isFirst ? kind : 'memory')
      const measured = isFirst ? { memoryUs: first, us: second } : { memoryUs: second, us: first }
      if (pair < 0) continue
      pairs.push(measured)
      say(`${NEAR_HIT}-${kind}, pair ${pair + 1}: ${costPercent(measured).toFixed(1)} %`)
    }
    const median = (pick: (pair: (typeof pairs)[number]) => number) =>
      roundTo(spreadOf(pairs.map(pick), 1).median, 1)
    results.push({
      name: `${NEAR_HIT}-${kind}`,
      metric: {
        name: 'costPercent',
        unit: 'percent',
        slack: SLACK_PERCENT,
        ...spreadOf(pairs.map(costPercent), 1),
      },
      details: {
        memoryCpuUsPerRequest: median(({ memoryUs }) => memoryUs),
        cpuUsPerRequest: median(({ us }) => us),
        // Few: each window stores its objects anew. More, and no hits were measured.
        readThroughCount: (await servers[kind].gauge(READS[kind])) - readsBefore,
      },
    })
  }
  for (const server of Object.values(servers)) await server.stop()
  await valkey.stop()
  return results
}

/** CPU time of a request, more than without. */
function costPercent(pair: { readonly memoryUs: number; readonly us: number }): number {
  return 100 * (pair.us / pair.memoryUs - 1)
}
