/**
 * What `storage.sync` costs an encoder: a PUT of 500 KiB to memory, to disk with `interval` and with
 * `always`, one at a time and eight, in turn. `TMPDIR` names the disk that is asked about.
 */

import { KIB, pathOf, segmentBody } from '../objects.ts'
import type { ScenarioResult } from '../results.ts'
import { ServerProcess } from '../server-process.ts'
import type { ServerOptions } from '../server-process.ts'
import { quantile, roundTo, spreadOf } from '../statistics.ts'
import { TimedClient } from './timed-client.ts'

export const SYNC_PRICE = 'storage-sync'

const BODY_BYTES = 500 * KIB
const AT_ONCE = [1, 8] as const
const PUTS_PER_TURN = 25
const SLACK_MS = 0.5
const KINDS = {
  memory: {},
  interval: { storage: { kind: 'disk', sync: 'interval' } },
  always: { storage: { kind: 'disk', sync: 'always' } },
} as const

/** @param turnCount  Of each kind and number at a time, 25 PUTs long. */
export async function runSyncPrice(
  turnCount: number,
  options: Omit<ServerOptions, 'settings'>,
): Promise<readonly ScenarioResult[]> {
  const body = segmentBody(BODY_BYTES, 3)
  const clients = new Map<string, TimedClient>()
  const servers: ServerProcess[] = []
  for (const [kind, settings] of Object.entries(KINDS)) {
    const server = await ServerProcess.start({ ...options, settings })
    servers.push(server)
    clients.set(kind, new TimedClient({ url: server.dataPlaneUrl, apiKey: server.apiKey }))
  }
  const measured = new Map<string, number[]>()
  let sequence = 0
  for (let turn = -1; turn < turnCount; turn++) {
    for (const atOnce of AT_ONCE) {
      for (const [kind, client] of clients) {
        const name = `${SYNC_PRICE}-${kind}-${atOnce}`
        const timesMs = measured.get(name) ?? []
        measured.set(name, timesMs)
        let leftCount = PUTS_PER_TURN
        const write = async () => {
          while (leftCount-- > 0) {
            // A window of names, as an encoder's.
            const path = pathOf(`sync/${kind}/${sequence++ % 100}.ts`)
            const { ms } = await client.put(path, body)
            // The first turn meets code that was never compiled.
            if (turn >= 0) timesMs.push(ms)
          }
        }
        await Promise.all(Array.from({ length: atOnce }, write))
      }
    }
  }
  for (const client of clients.values()) client.close()
  for (const server of servers) await server.stop()
  return [...measured].map(([name, timesMs]) => ({
    name,
    metric: { name: 'putMs', unit: 'ms', slack: SLACK_MS, ...spreadOf(timesMs, 2) },
    details: {
      p99Ms: roundTo(
        quantile(
          [...timesMs].sort((left, right) => left - right),
          0.99,
        ),
        2,
      ),
    },
  }))
}
