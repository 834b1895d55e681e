/** The scenarios of durable stores: by their names alone, since they need a redis-server and time. */

import type { ScenarioResult } from '../results.ts'
import type { ServerOptions } from '../server-process.ts'
import { NEAR_HIT, runNearHit } from './near-hit.ts'
import { NODES, runNodes } from './nodes.ts'
import { READ_THROUGH, runReadThrough } from './read-through.ts'
import { RESTART, runRestart } from './restart.ts'
import { runSyncPrice, SYNC_PRICE } from './sync-price.ts'
import { runVisible, VISIBLE } from './visible.ts'

export const STORAGE_SCENARIOS = [VISIBLE, NEAR_HIT, READ_THROUGH, NODES, RESTART, SYNC_PRICE]

const FULL = {
  visiblePuts: 500,
  hitPairs: 20,
  throughReads: 200,
  nodes: { rounds: 5, periods: 4 },
  restart: { objectCounts: [1000, 10_000, 100_000], startCount: 5 },
  syncTurns: 8,
}
const QUICK: typeof FULL = {
  visiblePuts: 10,
  hitPairs: 2,
  throughReads: 5,
  nodes: { rounds: 1, periods: 1 },
  restart: { objectCounts: [1000], startCount: 1 },
  syncTurns: 1,
}

/**
 * @param names  Those to run, in the order of {@link STORAGE_SCENARIOS}.
 * @param say  Told of progress.
 */
export async function runStorageScenarios(
  names: ReadonlySet<string>,
  quick: boolean,
  options: Omit<ServerOptions, 'settings'>,
  say: (text: string) => void,
): Promise<readonly ScenarioResult[]> {
  const size = quick ? QUICK : FULL
  const runs = {
    [VISIBLE]: () => runVisible(size.visiblePuts, options),
    [NEAR_HIT]: () => runNearHit(size.hitPairs, options, say),
    [READ_THROUGH]: () => runReadThrough(size.throughReads, options, say),
    [NODES]: () => runNodes(size.nodes, options, say),
    [RESTART]: () => runRestart(size.restart, options, say),
    [SYNC_PRICE]: () => runSyncPrice(size.syncTurns, options),
  }
  const results: ScenarioResult[] = []
  for (const [name, run] of Object.entries(runs)) {
    if (!names.has(name)) continue
    say(name)
    results.push(...(await run()))
  }
  return results
}
