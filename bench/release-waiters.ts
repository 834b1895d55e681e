/**
 * How soon the last of many blocked readers has its playlist after one PUT of it: blocking playlist
 * reload. Counted from the moment the PUT was given to the kernel; the readers' own work is in it, since
 * readers and encoder are this process.
 */

import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ScenarioResult } from './results.ts'
import { ServerProcess } from './server-process.ts'
import type { ServerOptions } from './server-process.ts'
import { roundTo, spreadOf } from './statistics.ts'

export const RELEASE_WAITERS = 'release-500-waiters'

const READER_COUNT = 500
const FIRST_MSN = 1000
/** Requests that were sent have arrived, and wait. */
const SETTLE_MS = 300
/** Two turns of two loops, and what else runs on two cores. */
const SLACK_MS = 10

/** @param releaseCount  How many releases are measured. */
export async function runReleaseWaiters(
  releaseCount: number,
  options: Omit<ServerOptions, 'settings'>,
): Promise<ScenarioResult> {
  const server = await ServerProcess.start({ ...options, settings: {} })
  const { hostname, port } = new URL(server.dataPlaneUrl)
  const url = `${server.dataPlaneUrl}/cache/live-origin/live.m3u8`
  const authorization = server.apiKey
  const put = (body: string) => fetch(url, { method: 'PUT', body, headers: { authorization } })
  await put(playlist(0))
  const readers = await Promise.all(
    Array.from({ length: READER_COUNT }, () => open(hostname, Number(port))),
  )
  const lastMs: number[] = []
  for (let version = 1; version <= releaseCount + 1; version++) {
    const answers = readers.map((reader) => answered(reader))
    for (const reader of readers) {
      reader.write(
        `GET /cache/live-origin/live.m3u8?_HLS_msn=${FIRST_MSN + version} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: ${authorization}\r\n\r\n`,
      )
    }
    await sleep(SETTLE_MS)
    const startedAtMs = performance.now()
    const written = put(playlist(version))
    const lastAtMs = Math.max(...(await Promise.all(answers)))
    await written
    // The first run meets code that was never compiled.
    if (version === 1) continue
    lastMs.push(lastAtMs - startedAtMs)
  }
  for (const reader of readers) reader.destroy()
  await server.stop()
  return {
    name: RELEASE_WAITERS,
    metric: { name: 'lastReaderMs', unit: 'ms', slack: SLACK_MS, ...spreadOf(lastMs, 1) },
    details: { worstMs: roundTo(Math.max(...lastMs), 1), readers: READER_COUNT },
  }
}

/** Twenty segments of which the last is `FIRST_MSN + version`, about 600 bytes. */
function playlist(version: number): string {
  const segments = Array.from({ length: 20 }, (_, index) => `#EXTINF:2,\nsegment_${index}.m4s\n`)
  return (
    '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES\n' +
    `#EXT-X-MEDIA-SEQUENCE:${FIRST_MSN + version - 19}\n${segments.join('')}`
  )
}

/** When the body of a 200 was here. @throws Error for another answer. */
function answered(reader: Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      reader.off('data', onData)
      if (chunk.toString('latin1', 0, 12) === 'HTTP/1.1 200') resolve(performance.now())
      else reject(new Error(`no playlist: ${chunk.toString('latin1', 0, 40)}`))
    }
    reader.on('data', onData)
  })
}

function open(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true })
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
  })
}
