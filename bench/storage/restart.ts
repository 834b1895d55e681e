/**
 * How long a start takes with so many objects on disk: from the launch of the process until it says
 * that it is ready, against the same with none. One object in fifty is a live playlist.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/base/clock.ts'
import { parseCacheName, parseItemKey, toStoreKey } from '../../src/base/names.ts'
import type { StoreKey } from '../../src/base/names.ts'
import { NO_ATTACHMENTS } from '../../src/storage/attachment-codec.ts'
import { prepareDiskDirectory } from '../../src/storage/disk-directory.ts'
import { DiskStore } from '../../src/storage/disk-store.ts'
import { HotStore } from '../../src/storage/hot-store.ts'
import { CACHE_NAME, KIB, playlists } from '../objects.ts'
import type { ScenarioResult } from '../results.ts'
import { ServerProcess } from '../server-process.ts'
import type { ServerOptions } from '../server-process.ts'
import { roundTo, spreadOf } from '../statistics.ts'

export const RESTART = 'storage-restart'

const MIB = 1024 * KIB
const DISK_BYTES_MAX = 4096 * MIB
const BATCH = 500
const PLAYLIST_EVERY = 50
const SLACK_MS = 50

/**
 * @param objectCounts  On disk at the start.
 * @param startCount  Measured starts with each.
 */
export async function runRestart(
  {
    objectCounts,
    startCount,
  }: { readonly objectCounts: readonly number[]; readonly startCount: number },
  options: Omit<ServerOptions, 'settings'>,
  say: (text: string) => void,
): Promise<readonly ScenarioResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'headwater-bench-restart-'))
  const settings = {
    storage: { kind: 'disk' as const, disk: { sizeBytesMax: DISK_BYTES_MAX } },
  }
  const startMs = async (count: number) => {
    const beganMs = performance.now()
    const dataDir = join(folder, String(count))
    const server = await ServerProcess.start({ ...options, settings, dataDir })
    const ms = performance.now() - beganMs
    if (count > 0) await checkOne(server, count)
    await server.stop()
    return ms
  }
  try {
    const counts = [0, ...objectCounts]
    for (const count of objectCounts) {
      say(`${RESTART}-${count}: storing`)
      await fill(join(folder, String(count)), count)
    }
    // Makes keys and caches, and warms what the system keeps of files.
    for (const count of counts) await startMs(count)
    const measured = new Map<number, number[]>(counts.map((count) => [count, []]))
    for (let start = 0; start < startCount; start++) {
      for (const count of counts) measured.get(count)?.push(await startMs(count))
    }
    const emptyMs = spreadOf(measured.get(0) ?? [], 0).median
    return objectCounts.map((count) => {
      const spread = spreadOf(measured.get(count) ?? [], 0)
      return {
        name: `${RESTART}-${count}`,
        metric: { name: 'startMs', unit: 'ms', slack: SLACK_MS, ...spread },
        details: { emptyStartMs: emptyMs, forTheObjectsMs: roundTo(spread.median - emptyMs, 0) },
      }
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Without an origin: only reading them back is measured. */
async function fill(dataDir: string, count: number): Promise<void> {
  const path = join(dataDir, 'objects')
  await prepareDiskDirectory(path, systemClock)
  const store = new DiskStore({
    ...{ hot: new HotStore({ sizeBytesMax: 16 * MIB, clock: systemClock }), path },
    ...{ sizeBytesMax: DISK_BYTES_MAX, sync: 'interval', clock: systemClock },
    attachments: NO_ATTACHMENTS,
  })
  const playlist = playlists()[0]?.body ?? Buffer.alloc(0)
  const segment = Buffer.alloc(2 * KIB, 0x47)
  for (let index = 0; index < count; index += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, count - index) }, (_, at) => {
      const isPlaylist = (index + at) % PLAYLIST_EVERY === 0
      const body = isPlaylist ? playlist : segment
      return store.put({
        storeKey: keyAt(index + at, isPlaylist),
        chunks: [body],
        sizeBytes: body.length,
        kind: isPlaylist ? 'media' : 'segment',
        contentType: isPlaylist ? 'application/vnd.apple.mpegurl' : 'video/mp2t',
        contentEncoding: '',
        etag: `bench-${index + at}`,
        storedAtMs: systemClock.nowMs(),
        ttlSeconds: 86_400,
        expiresAtMonotonicMs: systemClock.monotonicMs() + 86_400_000,
        version: 1,
        attachment: undefined,
      })
    })
    await Promise.all(batch)
  }
  await store.close()
}

async function checkOne(server: ServerProcess, count: number): Promise<void> {
  const path = `/cache/${CACHE_NAME}/restart/${count - 1}.ts`
  const response = await fetch(`${server.dataPlaneUrl}${path}`, {
    headers: { authorization: server.apiKey },
  })
  const { byteLength } = await response.arrayBuffer()
  if (response.status !== 200 || byteLength !== 2 * KIB) {
    throw new Error(`GET ${path} after the restart: ${response.status} with ${byteLength} bytes`)
  }
}

function keyAt(index: number, isPlaylist: boolean): StoreKey {
  const cacheName = parseCacheName(CACHE_NAME)
  const key = parseItemKey(`restart/${index}.${isPlaylist ? 'm3u8' : 'ts'}`)
  if (cacheName === undefined || key === undefined) throw new Error('not a key')
  return toStoreKey(cacheName, key)
}
