/**
 * From a PUT on one node to the first answer with it on another, over a real Valkey or Redis. The
 * other node has what was there before in its memory: it must be told first.
 */

import { KIB, pathOf, segmentBody } from '../objects.ts'
import type { ScenarioResult } from '../results.ts'
import { ServerProcess } from '../server-process.ts'
import type { ServerOptions } from '../server-process.ts'
import { quantile, roundTo, spreadOf } from '../statistics.ts'
import { TimedClient } from './timed-client.ts'
import { startValkey } from './valkey-process.ts'

export const VISIBLE = 'storage-visible'

const SIZES = { 'playlist-1500': 1500, 'segment-850k': 850 * KIB }
const SLACK_MS = 1
const WAIT_MS_MAX = 5000

/** @param putCount  Measured PUTs of each size. */
export async function runVisible(
  putCount: number,
  options: Omit<ServerOptions, 'settings'>,
): Promise<readonly ScenarioResult[]> {
  const valkey = await startValkey()
  const { settings } = valkey
  const writer = await ServerProcess.start({ ...options, settings })
  const reader = await ServerProcess.start({ ...options, settings })
  const writing = new TimedClient({ url: writer.dataPlaneUrl, apiKey: writer.apiKey })
  const reading = new TimedClient({ url: reader.dataPlaneUrl, apiKey: reader.apiKey })
  const results: ScenarioResult[] = []
  for (const [name, sizeBytes] of Object.entries(SIZES)) {
    const path = pathOf(`visible/${name}.bin`)
    const measured: { readonly putMs: number; readonly fromPutMs: number }[] = []
    // The first ones meet code that was never compiled, and names that were never asked for.
    for (let count = -3; count < putCount; count++) {
      const body = segmentBody(sizeBytes, count + 1000)
      const put = await writing.put(path, body)
      const seenAtMs = await untilSeen(reading, path, body)
      if (count >= 0) measured.push({ putMs: put.ms, fromPutMs: seenAtMs - put.endedAtMs })
    }
    results.push(resultOf(`${VISIBLE}-${name}`, measured))
  }
  writing.close()
  reading.close()
  await writer.stop()
  await reader.stop()
  await valkey.stop()
  return results
}

async function untilSeen(client: TimedClient, path: string, body: Buffer): Promise<number> {
  const startedAtMs = performance.now()
  while (performance.now() - startedAtMs < WAIT_MS_MAX) {
    const answer = await client.get(path)
    if (answer.status === 200 && answer.body.equals(body)) return answer.endedAtMs
  }
  throw new Error(`${path} was not seen on the other node within ${WAIT_MS_MAX} ms`)
}

function resultOf(
  name: string,
  measured: readonly { readonly putMs: number; readonly fromPutMs: number }[],
): ScenarioResult {
  const fromPutMs = measured.map((each) => each.fromPutMs)
  const sorted = [...fromPutMs].sort((left, right) => left - right)
  const puts = spreadOf(
    measured.map(({ putMs }) => putMs),
    2,
  )
  return {
    name,
    metric: {
      name: 'readableElsewhereAfterPutMs',
      unit: 'ms',
      slack: SLACK_MS,
      ...spreadOf(fromPutMs, 2),
    },
    details: {
      p99Ms: roundTo(quantile(sorted, 0.99), 2),
      worstMs: roundTo(sorted.at(-1) ?? 0, 2),
      putMs: puts.median,
    },
  }
}
