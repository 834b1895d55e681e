/**
 * How soon a reader has the first byte of a segment that is still being uploaded: an encoder sends
 * ten chunks over half a second, a reader asks after the first. Counted from the moment the chunk was
 * given to the kernel, on one clock, since both are this process.
 */

import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ScenarioResult } from './results.ts'
import { ServerProcess } from './server-process.ts'
import type { ServerOptions } from './server-process.ts'
import { roundTo, spreadOf } from './statistics.ts'

export const FIRST_BYTE = 'first-byte-in-progress'

const CHUNK = Buffer.alloc(64 * 1024, 0x47)
const CHUNK_COUNT = 10
const CHUNK_GAP_MS = 50
/** A timer's tick and a turn of two loops: below it nothing is told apart. */
const SLACK_MS = 2

/** @param uploadCount  How many uploads are measured. */
export async function runFirstByte(
  uploadCount: number,
  options: Omit<ServerOptions, 'settings'>,
): Promise<ScenarioResult> {
  const server = await ServerProcess.start({ ...options, settings: {} })
  const target = { url: server.dataPlaneUrl, apiKey: server.apiKey }
  const firstByteMs: number[] = []
  const wholeMs: number[] = []
  // The key is verified before: an upload that waits for that is not in progress yet.
  const warmUp = `${target.url}/cache/live-origin/warm-up.ts`
  await fetch(warmUp, { method: 'PUT', body: 'x', headers: { authorization: target.apiKey } })
  for (let count = 0; count <= uploadCount; count++) {
    const run = await measureOne(target, `first-byte-${count}.ts`)
    // The first run meets code that was never compiled.
    if (count === 0) continue
    firstByteMs.push(run.firstByteMs)
    wholeMs.push(run.wholeMs)
  }
  await server.stop()
  return {
    name: FIRST_BYTE,
    metric: {
      name: 'firstByteMs',
      unit: 'ms',
      slack: SLACK_MS,
      ...spreadOf(firstByteMs, 2),
    },
    details: {
      worstMs: roundTo(Math.max(...firstByteMs), 2),
      // Ten chunks, 50 ms apart: what a server that stores first would make the reader wait.
      uploadMs: roundTo(Math.min(...wholeMs), 0),
    },
  }
}

async function measureOne(
  { url, apiKey }: { readonly url: string; readonly apiKey: string },
  key: string,
): Promise<{ readonly firstByteMs: number; readonly wholeMs: number }> {
  const { hostname, port } = new URL(url)
  const head = (method: string, fields: string) =>
    `${method} /cache/live-origin/${key} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: ${apiKey}\r\n${fields}\r\n`
  const encoder = await open(hostname, Number(port))
  const reader = await open(hostname, Number(port))
  const startedAtMs = performance.now()
  encoder.write(head('PUT', 'Transfer-Encoding: chunked\r\n'))
  encoder.write(chunked(CHUNK))
  const arrived = firstByte(reader)
  reader.write(head('GET', 'Connection: close\r\n'))
  const firstByteMs = (await arrived) - startedAtMs
  for (let sent = 1; sent < CHUNK_COUNT; sent++) {
    await sleep(CHUNK_GAP_MS)
    encoder.write(chunked(CHUNK))
  }
  const whole = new Promise<void>((resolve) => reader.once('end', resolve))
  encoder.write('0\r\n\r\n')
  await whole
  const wholeMs = performance.now() - startedAtMs
  encoder.destroy()
  reader.destroy()
  return { firstByteMs, wholeMs }
}

/** When a byte of a 200's body was here. @throws Error for another answer. */
function firstByte(reader: Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    let head = ''
    reader.on('data', (bytes: Buffer) => {
      const atMs = performance.now()
      if (head.includes('\r\n\r\n')) return
      head += bytes.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end === -1) return
      if (!head.startsWith('HTTP/1.1 200 ')) reject(new Error(head.slice(0, 200)))
      else if (head.length > end + 4) resolve(atMs)
      else reader.once('data', () => resolve(performance.now()))
    })
  })
}

function open(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true }, () => resolve(socket))
    socket.once('error', reject)
  })
}

function chunked(bytes: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`${bytes.length.toString(16)}\r\n`),
    bytes,
    Buffer.from('\r\n'),
  ])
}
