/**
 * What the process weighs when its store has been full for a while: segments are uploaded over
 * HTTP until the store has been replaced three times. Memory is asked for by the allocator and not
 * given back, so the figure is about the whole process, not the store alone (`store/`).
 */

import { UPLOAD_BYTES, UPLOAD_CONNECTIONS, uploads } from './http-scenarios.ts'
import { startRawLoad } from './raw-client.ts'
import { Recorder } from './recorder.ts'
import type { ScenarioResult } from './results.ts'
import { ServerProcess } from './server-process.ts'
import type { ServerOptions } from './server-process.ts'
import { roundTo, spreadOf } from './statistics.ts'

export const MEMORY_TURNOVER = 'memory-turnover'

const TURNOVER_COUNT = 3
/** Of RSS to live bytes: 1.00 against 1.02 is not a difference of kind. */
const SLACK_RATIO = 0.02

/** @param storeBytes  Size of the hot store. */
export async function runMemoryTurnover(
  storeBytes: number,
  options: Omit<ServerOptions, 'settings'>,
): Promise<ScenarioResult> {
  const server = await ServerProcess.start({
    ...options,
    settings: { hotStore: { sizeBytesMax: storeBytes } },
  })
  const rssBytesEmpty = (await server.usage()).rssBytes
  const segmentCount = Math.floor(storeBytes / UPLOAD_BYTES)
  const target = { url: server.dataPlaneUrl, apiKey: server.apiKey }
  const nextUpload = uploads(target, 'content-length')
  const recorder = new Recorder()
  const fill = async () => {
    const load = await startRawLoad({
      url: server.dataPlaneUrl,
      connections: UPLOAD_CONNECTIONS,
      requestCount: segmentCount,
      nextRequest: () => nextUpload().request,
      recorder,
    })
    await load.done
  }
  await fill()
  const afterFill = await ratioOf(server)
  const cpuBefore = await server.cpuTime()
  recorder.restart()
  for (let turnover = 0; turnover < TURNOVER_COUNT; turnover++) await fill()
  const recorded = recorder.take()
  const cpuAfter = await server.cpuTime()
  const afterTurnover = await ratioOf(server)
  await server.stop()
  return {
    name: MEMORY_TURNOVER,
    metric: {
      name: 'rssToLiveBytes',
      unit: 'ratio',
      slack: SLACK_RATIO,
      ...spreadOf([afterTurnover.ratio], 3),
    },
    details: {
      rssToLiveBytesAfterFill: roundTo(afterFill.ratio, 3),
      rssToLiveBytesPeak: roundTo(afterTurnover.peakRatio, 3),
      liveMib: Math.round(afterTurnover.liveBytes / 1024 ** 2),
      rssMibEmpty: Math.round(rssBytesEmpty / 1024 ** 2),
      cpuUsPerRequest: roundTo((cpuAfter.totalUs - cpuBefore.totalUs) / recorded.requestCount, 1),
      p99Ms: roundTo(recorded.p99Ms, 2),
    },
  }
}

async function ratioOf(server: ServerProcess) {
  const liveBytes = await server.gauge('headwater_hot_store_size_bytes')
  const { rssBytes, rssBytesPeak } = await server.usage()
  return { liveBytes, ratio: rssBytes / liveBytes, peakRatio: rssBytesPeak / liveBytes }
}
