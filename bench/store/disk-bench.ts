/**
 * The disk store by itself: what a write waits for, what reading through costs by size and how long it
 * holds the event loop up, how long a start takes. One JSON document on stdout. An argument names the
 * folder to work in, on the disk that is asked about; a temporary one otherwise.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { systemClock } from '../../src/base/clock.ts'
import { parseCacheName, parseItemKey, toStoreKey } from '../../src/base/names.ts'
import type { StoreKey } from '../../src/base/names.ts'
import { NO_ATTACHMENTS } from '../../src/storage/attachment-codec.ts'
import { prepareDiskDirectory } from '../../src/storage/disk-directory.ts'
import { DiskStore } from '../../src/storage/disk-store.ts'
import type { SyncMode } from '../../src/storage/disk-tables.ts'
import { HotStore } from '../../src/storage/hot-store.ts'
import type { StoredItem } from '../../src/storage/store.ts'

const KIB = 1024
const MIB = 1024 ** 2
const WRITES = 200
const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'headwater-disk-bench-'))

try {
  const results = {
    writesMs: [
      await writes('interval', 500 * KIB, 1),
      await writes('always', 500 * KIB, 1),
      await writes('interval', 500 * KIB, 8),
      await writes('always', 500 * KIB, 8),
    ],
    readThroughMs: [
      await readThrough(2 * KIB, 200),
      await readThrough(500 * KIB, 100),
      await readThrough(10 * MIB, 10),
    ],
    startMs: [await start(1000), await start(10_000), await start(100_000)],
  }
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    coreCount: cpus().length,
    node: process.version,
    kernel: `${process.platform} ${release()}`,
  }
  console.log(JSON.stringify({ machine, results }, undefined, 2))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Of 200 writes, so many at a time, each when it was acknowledged. */
async function writes(sync: SyncMode, sizeBytes: number, atOnce: number): Promise<unknown> {
  const store = await open(`writes-${sync}-${atOnce}`, sync)
  const timesMs: number[] = []
  let sequence = 0
  const write = async () => {
    while (sequence < WRITES) {
      const item = makeItem(sequence++, sizeBytes)
      const beganMs = performance.now()
      await store.put(item)
      timesMs.push(performance.now() - beganMs)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, write))
  await store.close()
  return { sync, sizeBytes, atOnce, ...spread(timesMs) }
}

/** Of objects that were stored by a store before: from the system's page cache. */
async function readThrough(sizeBytes: number, count: number): Promise<unknown> {
  const name = `read-${sizeBytes}`
  const first = await open(name, 'interval')
  for (let index = 0; index < count; index++) await first.put(makeItem(index, sizeBytes))
  await first.close()
  const second = await open(name, 'interval')
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const timesMs: number[] = []
  for (let index = 0; index < count; index++) {
    const beganMs = performance.now()
    await second.load(keyAt(index))
    timesMs.push(performance.now() - beganMs)
  }
  delay.disable()
  await second.close()
  const longestTurnMs = round(delay.max / 1e6)
  return { sizeBytes, ...spread(timesMs), longestTurnMs }
}

/** Until the store can answer. */
async function start(count: number): Promise<unknown> {
  const name = `start-${count}`
  const first = await open(name, 'interval')
  for (let index = 0; index < count; index += 500) {
    const batch = Array.from({ length: 500 }, (_, at) => makeItem(index + at, 2 * KIB))
    await Promise.all(batch.map((item) => first.put(item)))
  }
  await first.close()
  const beganMs = performance.now()
  const second = await open(name, 'interval')
  second.restorePlaylists(3_600_000)
  const ms = round(performance.now() - beganMs)
  await second.close()
  return { count, ms }
}

async function open(name: string, sync: SyncMode): Promise<DiskStore> {
  const path = join(folder, name)
  await prepareDiskDirectory(path, systemClock)
  const hot = new HotStore({ sizeBytesMax: 256 * MIB, clock: systemClock })
  return new DiskStore({
    ...{ hot, path, sync, clock: systemClock },
    sizeBytesMax: 8 * 1024 * MIB,
    attachments: NO_ATTACHMENTS,
  })
}

function makeItem(index: number, sizeBytes: number): StoredItem {
  const chunks: Buffer[] = []
  for (let at = 0; at < sizeBytes; at += 64 * KIB) {
    chunks.push(Buffer.alloc(Math.min(64 * KIB, sizeBytes - at), index))
  }
  return {
    storeKey: keyAt(index),
    chunks,
    sizeBytes,
    kind: 'segment',
    contentType: 'video/mp2t',
    contentEncoding: '',
    etag: `bench-${index}`,
    storedAtMs: systemClock.nowMs(),
    ttlSeconds: 3600,
    expiresAtMonotonicMs: systemClock.monotonicMs() + 3_600_000,
    version: 1,
    attachment: undefined,
  }
}

function keyAt(index: number): StoreKey {
  const cacheName = parseCacheName('bench')
  const key = parseItemKey(`channel/segment-${index}.ts`)
  if (cacheName === undefined || key === undefined) throw new Error('not a key')
  return toStoreKey(cacheName, key)
}

function spread(timesMs: number[]): { readonly median: number; readonly p99: number } {
  timesMs.sort((left, right) => left - right)
  const at = (share: number) => round(timesMs[Math.floor(share * (timesMs.length - 1))] ?? 0)
  return { median: at(0.5), p99: at(0.99) }
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100
}
