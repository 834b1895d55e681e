/**
 * The same live load on one, two and four origins that share a Valkey: what a request costs in all of
 * them together, and what readers wait for. Paced, not as fast as it goes: encoders and players have
 * their own clock.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { KIB, pathOf, playlists, segmentBody } from '../objects.ts'
import type { ScenarioResult } from '../results.ts'
import { ServerProcess } from '../server-process.ts'
import type { ServerOptions } from '../server-process.ts'
import { quantile, roundTo, spreadOf } from '../statistics.ts'
import { TimedClient } from './timed-client.ts'
import { startValkey } from './valkey-process.ts'

export const NODES = 'storage-nodes'

const NODE_COUNTS = [1, 2, 4] as const
const RENDITIONS = 8
/** Of a segment: each rendition is written, and each player asks, once in it. */
const PERIOD_MS = 1000
const PLAYERS = 150
const SEGMENT_BYTES = 500 * KIB
const SLACK_US = 20

interface Window {
  readonly cpuUsPerRequest: number
  readonly playlistMs: readonly number[]
  readonly segmentMs: readonly number[]
  readonly failedReadCount: number
  readonly failedWriteCount: number
}

/**
 * @param rounds  Each measures every number of nodes.
 * @param periods  Of a window.
 */
export async function runNodes(
  { rounds, periods }: { readonly rounds: number; readonly periods: number },
  options: Omit<ServerOptions, 'settings'>,
  say: (text: string) => void,
): Promise<readonly ScenarioResult[]> {
  const valkey = await startValkey()
  const { settings } = valkey
  const servers: ServerProcess[] = []
  for (let node = 0; node < Math.max(...NODE_COUNTS); node++) {
    servers.push(await ServerProcess.start({ ...options, settings }))
  }
  const windows = new Map<number, Window[]>(NODE_COUNTS.map((count) => [count, []]))
  const mix = new Mix()
  // The first window meets code that was never compiled.
  await mix.run(servers, periods)
  for (let round = 0; round < rounds; round++) {
    for (let index = 0; index < NODE_COUNTS.length; index++) {
      const count = NODE_COUNTS[(index + round) % NODE_COUNTS.length] ?? 1
      const window = await mix.run(servers.slice(0, count), periods)
      windows.get(count)?.push(window)
      say(
        `round ${round + 1}: ${NODES}-${count} ${window.cpuUsPerRequest.toFixed(0)} us CPU/request`,
      )
    }
  }
  for (const server of servers) await server.stop()
  await valkey.stop()
  return NODE_COUNTS.map((count) => resultOf(count, windows.get(count) ?? []))
}

/** Segments that follow on from window to window. */
class Mix {
  readonly #playlist = playlists()[0]?.body ?? Buffer.alloc(0)
  readonly #segment = segmentBody(SEGMENT_BYTES, 7)
  #sequence = 0

  async run(servers: readonly ServerProcess[], periods: number): Promise<Window> {
    const clients = servers.map(
      (server) => new TimedClient({ url: server.dataPlaneUrl, apiKey: server.apiKey }),
    )
    const clientOf = (index: number) => clients[index % clients.length]
    const playlistMs: number[] = []
    const segmentMs: number[] = []
    let failedReadCount = 0
    let failedWriteCount = 0
    let requestCount = 0
    const write = async (rendition: number) => {
      const client = clientOf(rendition)
      const answers = [
        await client?.tryPut(segmentPath(rendition, this.#sequence), this.#segment),
        await client?.tryPut(playlistPath(rendition), this.#playlist),
      ]
      requestCount += 2
      for (const answer of answers) if (answer?.status !== 204) failedWriteCount++
    }
    const read = async (player: number) => {
      const rendition = player % RENDITIONS
      // Not always the node that its encoder writes to.
      const client = clientOf(Math.floor(player / RENDITIONS))
      const playlist = await client?.get(playlistPath(rendition))
      const segment = await client?.get(segmentPath(rendition, this.#sequence - 1))
      requestCount += 2
      for (const answer of [playlist, segment]) if (answer?.status !== 200) failedReadCount++
      if (playlist !== undefined) playlistMs.push(playlist.ms)
      if (segment !== undefined) segmentMs.push(segment.ms)
    }
    await this.#period(write, undefined)
    await this.#period(write, read)
    playlistMs.length = segmentMs.length = requestCount = 0
    failedReadCount = failedWriteCount = 0
    const before = await cpuUsOf(servers)
    for (let period = 0; period < periods; period++) await this.#period(write, read)
    const cpuUs = (await cpuUsOf(servers)) - before
    for (const client of clients) client.close()
    const cpuUsPerRequest = cpuUs / requestCount
    return { cpuUsPerRequest, playlistMs, segmentMs, failedReadCount, failedWriteCount }
  }

  /** Everybody once, spread over the period. */
  async #period(
    write: (rendition: number) => Promise<void>,
    read: ((player: number) => Promise<void>) | undefined,
  ): Promise<void> {
    this.#sequence++
    const spread = (count: number, act: (index: number) => Promise<void>) =>
      Array.from({ length: count }, async (_, index) => {
        await sleep((PERIOD_MS * index) / count)
        await act(index)
      })
    await Promise.all([
      sleep(PERIOD_MS),
      ...spread(RENDITIONS, write),
      ...(read === undefined ? [] : spread(PLAYERS, read)),
    ])
  }
}

async function cpuUsOf(servers: readonly ServerProcess[]): Promise<number> {
  const times = await Promise.all(servers.map((server) => server.cpuTime()))
  return times.reduce((sum, { totalUs }) => sum + totalUs, 0)
}

function playlistPath(rendition: number): string {
  return pathOf(`nodes/${rendition}/index.m3u8`)
}

function segmentPath(rendition: number, sequence: number): string {
  return pathOf(`nodes/${rendition}/${sequence}.ts`)
}

function resultOf(count: number, windows: readonly Window[]): ScenarioResult {
  const at = (pick: (window: Window) => readonly number[], fraction: number) =>
    roundTo(
      spreadOf(
        windows.map((window) =>
          quantile(
            [...pick(window)].sort((a, b) => a - b),
            fraction,
          ),
        ),
        2,
      ).median,
      2,
    )
  return {
    name: `${NODES}-${count}`,
    metric: {
      // Of the origins; Valkey's is not in it.
      name: 'allNodesCpuUsPerRequest',
      unit: 'us',
      slack: SLACK_US,
      ...spreadOf(
        windows.map((window) => window.cpuUsPerRequest),
        0,
      ),
    },
    details: {
      playlistP50Ms: at(({ playlistMs }) => playlistMs, 0.5),
      playlistP99Ms: at(({ playlistMs }) => playlistMs, 0.99),
      segmentP50Ms: at(({ segmentMs }) => segmentMs, 0.5),
      segmentP99Ms: at(({ segmentMs }) => segmentMs, 0.99),
      failedReads: windows.reduce((sum, { failedReadCount }) => sum + failedReadCount, 0),
      failedWrites: windows.reduce((sum, { failedWriteCount }) => sum + failedWriteCount, 0),
    },
  }
}
