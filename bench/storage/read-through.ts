/**
 * What a reader waits for when memory does not have an object: read through from disk or Valkey, by
 * size, each against the same GET right after it, which memory answers.
 */

import { KIB, pathOf, segmentBody } from '../objects.ts'
import type { ScenarioResult } from '../results.ts'
import { ServerProcess } from '../server-process.ts'
import type { ServerOptions } from '../server-process.ts'
import { quantile, roundTo, spreadOf } from '../statistics.ts'
import { TimedClient } from './timed-client.ts'
import { startValkey } from './valkey-process.ts'

export const READ_THROUGH = 'storage-read-through'

const MIB = 1024 * KIB
const SIZES = [
  { name: '1k', sizeBytes: KIB },
  { name: '64k', sizeBytes: 64 * KIB },
  { name: '512k', sizeBytes: 512 * KIB },
  { name: '2m', sizeBytes: 2 * MIB },
  { name: '8m', sizeBytes: 8 * MIB },
] as const
const SLACK_MS = 0.3
/** Objects that are stored are so many times those that memory holds. */
const TURNOVER = 3
const HOT_BYTES_MIN = 256 * KIB
/** What an object takes beside its body, about. */
const OVERHEAD_BYTES = 512

/** @param readCount  Measured reads of each kind and size. */
export async function runReadThrough(
  readCount: number,
  options: Omit<ServerOptions, 'settings'>,
  say: (text: string) => void,
): Promise<readonly ScenarioResult[]> {
  const valkey = await startValkey()
  const results: ScenarioResult[] = []
  for (const size of SIZES) {
    for (const kind of ['disk', 'valkey'] as const) {
      say(`${READ_THROUGH}-${kind}-${size.name}`)
      const disk = { storage: { kind: 'disk' as const, disk: { sizeBytesMax: 1024 * MIB } } }
      results.push(
        await runOne(`${READ_THROUGH}-${kind}-${size.name}`, size.sizeBytes, readCount, {
          ...options,
          settings: { ...(kind === 'disk' ? disk : valkey.settings), ...bounds(size.sizeBytes) },
        }),
      )
    }
  }
  await valkey.stop()
  return results
}

function bounds(sizeBytes: number) {
  const sizeBytesMax = Math.max(HOT_BYTES_MIN, 2 * (sizeBytes + OVERHEAD_BYTES))
  return {
    hotStore: { sizeBytesMax },
    caches: { defaults: { itemSizeBytesMax: Math.max(KIB, sizeBytes) } },
  }
}

async function runOne(
  name: string,
  sizeBytes: number,
  readCount: number,
  options: ServerOptions,
): Promise<ScenarioResult> {
  const server = await ServerProcess.start(options)
  const client = new TimedClient({ url: server.dataPlaneUrl, apiKey: server.apiKey })
  const hotCount = Math.ceil(bounds(sizeBytes).hotStore.sizeBytesMax / (sizeBytes + OVERHEAD_BYTES))
  const paths = Array.from({ length: hotCount * TURNOVER }, (_, index) =>
    pathOf(`${name}/${index}.ts`),
  )
  const body = segmentBody(sizeBytes, 1)
  // Several at a time: flushes of the disk are waited for together.
  let next = 0
  const store = async () => {
    for (let path = paths[next++]; path !== undefined; path = paths[next++]) {
      await client.put(path, body)
    }
  }
  await Promise.all([store(), store(), store(), store()])
  const pairs: { readonly coldMs: number; readonly hotMs: number }[] = []
  for (let read = -5; read < readCount; read++) {
    const path = paths[(read + 5) % paths.length] ?? ''
    const cold = await client.get(path)
    const hot = await client.get(path)
    for (const answer of [cold, hot]) {
      if (answer.status !== 200 || !answer.body.equals(body)) {
        throw new Error(`GET ${path} was answered ${answer.status}, or with other bytes`)
      }
    }
    // The first ones meet code that was never compiled.
    if (read >= 0) pairs.push({ coldMs: cold.ms, hotMs: hot.ms })
  }
  client.close()
  await server.stop()
  const coldMs = pairs.map((pair) => pair.coldMs)
  const sorted = [...coldMs].sort((left, right) => left - right)
  const hot = spreadOf(
    pairs.map((pair) => pair.hotMs),
    3,
  )
  return {
    name,
    metric: { name: 'readThroughMs', unit: 'ms', slack: SLACK_MS, ...spreadOf(coldMs, 3) },
    details: { p99Ms: roundTo(quantile(sorted, 0.99), 3), fromMemoryMs: hot.median },
  }
}
