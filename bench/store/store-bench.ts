/**
 * The memory store by itself: look-up, write, listing, a crowd that expires at once, memory after
 * turnover. One JSON document on stdout. Arguments name the parts to run; all when there are none.
 * `overhead` needs `node --expose-gc`.
 */

import { cpus, release } from 'node:os'
import { systemClock } from '../../src/base/clock.ts'
import { parseCacheName, parseItemKey, toStoreKey } from '../../src/base/names.ts'
import type { StoreKey } from '../../src/base/names.ts'
import { accountedBytesOf } from '../../src/storage/hot-entry.ts'
import { HotStore } from '../../src/storage/hot-store.ts'
import type { StoredItem } from '../../src/storage/store.ts'

const KIB = 1024
const GIB = 1024 ** 3
const SEGMENT_BYTES = 850 * KIB
const CHUNK_BYTES = 64 * KIB

const cacheName = mustBe(parseCacheName('bench'))

const parts: Readonly<Record<string, () => Promise<unknown>>> = {
  turnover,
  overhead,
  operations,
  pins,
  listing,
  expiry,
}

await main(process.argv.slice(2))

async function main(names: readonly string[]): Promise<void> {
  const results: Record<string, unknown> = {}
  for (const [name, run] of Object.entries(parts)) {
    if (names.length === 0 || names.includes(name)) results[name] = await run()
  }
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    coreCount: cpus().length,
    node: process.version,
    kernel: `${process.platform} ${release()}`,
  }
  console.log(JSON.stringify({ machine, results }, undefined, 2))
}

/** Goal: RSS at most 1.15 times the live bytes after 3 turnovers of 2 GiB. */
async function turnover(): Promise<unknown> {
  const store = open(2 * GIB)
  const itemCount = Math.floor((2 * GIB) / SEGMENT_BYTES)
  const ratio = (): number => round(process.memoryUsage.rss() / liveBytes(store), 3)
  let sequence = 0
  const fill = async (): Promise<void> => {
    for (let index = 0; index < itemCount; index++) {
      await store.put(makeItem(keyAt(sequence++), segmentChunks(), 3600))
      // As sockets do: the event loop turns between bodies.
      if (index % 8 === 0) await turnOfLoop()
    }
  }
  await fill()
  const afterFill = ratio()
  const startCpu = process.cpuUsage()
  const pause = watchPauses()
  let peak = 0
  for (let round = 0; round < 3; round++) {
    await fill()
    peak = Math.max(peak, ratio())
  }
  const { user, system } = process.cpuUsage(startCpu)
  const result = {
    liveMib: Math.round(liveBytes(store) / KIB / KIB),
    rssToLiveAfterFill: afterFill,
    rssToLiveAfter3Turnovers: ratio(),
    rssToLivePeakSampled: peak,
    cpuUsPerStoredSegment: Math.round((user + system) / (3 * itemCount)),
    longestPauseMs: pause.stop(),
    evictionCount: store.stats.evictionCount,
  }
  await store.close()
  return result
}

/** What an item costs beside body and key, with one chunk and with more. */
async function overhead(): Promise<unknown> {
  const itemCount = 100_000
  const measure = async (chunkCount: number): Promise<number> => {
    const store = open(4 * GIB)
    const before = usedBytes()
    for (let index = 0; index < itemCount; index++) {
      const chunks = Array.from({ length: chunkCount }, () => Buffer.allocUnsafeSlow(64))
      await store.put(makeItem(keyAt(index), chunks, 3600))
    }
    const bodyAndKeyBytes = chunkCount * 64 + keyAt(0).length
    const bytes = (usedBytes() - before) / itemCount - bodyAndKeyBytes
    await store.close()
    return bytes
  }
  const one = await measure(1)
  const five = await measure(5)
  const perChunk = (five - one) / 4
  const accounted = accountedBytesOf(makeItem(keyAt(0), [Buffer.allocUnsafeSlow(64)], 1))
  return {
    bytesPerItem: Math.round(one - perChunk),
    bytesPerChunk: Math.round(perChunk),
    accountedForOneChunk: accounted - 64 - keyAt(0).length,
  }
}

async function operations(): Promise<unknown> {
  const itemCount = 10_000
  const store = open(GIB)
  const keys = Array.from({ length: itemCount }, (_, index) => keyAt(index))
  const chunks = [Buffer.allocUnsafeSlow(1500)]
  const items = keys.map((key) => makeItem(key, chunks, 3600))
  const absentKeys = keys.map((_, index) => keyAt(index + itemCount))
  for (const item of items) void store.put(item)
  const loop = (list: readonly StoreKey[]) => () => {
    for (const key of list) store.peek(key)
  }
  const result = {
    peekHitNs: nsPer(itemCount, loop(keys)),
    peekMissNs: nsPer(itemCount, loop(absentKeys)),
    putOverwriteNs: nsPer(itemCount, () => {
      for (const item of items) void store.put(item)
    }),
    putAndDeleteNs: nsPer(itemCount, () => {
      for (const key of keys) void store.delete(key)
      for (const item of items) void store.put(item)
    }),
    peekBytesAllocated: await bytesAllocatedPer(itemCount, loop(keys)),
  }
  await store.close()
  return result
}

/**
 * Pins, as a playlist's PUT sets them: fresh strings each time, the window moved on by one. Reads and
 * writes beside them; what a write costs that is refused, or that its cache's budget makes room for.
 */
async function pins(): Promise<unknown> {
  const result: Record<string, unknown> = {}
  // The first is to warm up.
  for (const keyCount of [900, 6, 60, 900]) {
    const store = open(GIB)
    const owner = keyAt(99_999_999)
    let first = 0
    const windows = Array.from({ length: 300 }, () => {
      first++
      return Array.from({ length: keyCount }, (_, index) => keyAt(first + index))
    })
    // Keys of their own: the store has not seen the strings that a playlist's names are made into.
    for (let index = 0; index < keyCount + windows.length; index++) {
      void store.put(makeItem(keyAt(index), [Buffer.alloc(1)], 3600))
    }
    const timesUs = windows.map((window) => {
      const startMs = performance.now()
      store.replacePins(owner, window)
      return (performance.now() - startMs) * 1000
    })
    result[`replacePins${keyCount}Us`] = round(median(timesUs.slice(50)), 1)
    await store.close()
  }

  const itemCount = 10_000
  const store = open(GIB)
  const keys = Array.from({ length: itemCount }, (_, index) => keyAt(index))
  const items = keys.map((key) => makeItem(key, [Buffer.alloc(1500)], 3600))
  store.replacePins(keyAt(99_999_999), keys)
  for (const item of items) void store.put(item)
  result['peekPinnedHitNs'] = nsPer(itemCount, () => {
    for (const key of keys) store.peek(key)
  })
  result['putPinnedOverwriteNs'] = nsPer(itemCount, () => {
    for (const item of items) void store.put(item)
  })
  const { pinnedBytes } = store.stats
  const late = makeItem(keyAt(itemCount), [Buffer.alloc(1500)], 3600)
  result['refusedPutUs'] = round(
    nsPer(20, () => {
      for (let index = 0; index < 20; index++) void store.put(late, { cacheBytesMax: pinnedBytes })
    }) / 1000,
    1,
  )
  store.releasePins(keyAt(99_999_999))
  let next = itemCount
  result['putWithinBudgetNs'] = nsPer(1000, () => {
    for (let index = 0; index < 1000; index++) {
      const item = makeItem(keyAt(next++), late.chunks, 3600)
      void store.put(item, { cacheBytesMax: pinnedBytes })
    }
  })
  result['extendDeadlineNs'] = nsPer(1000, () => {
    const deadlineMs = systemClock.monotonicMs() + 3_700_000
    for (let index = 1; index <= 1000; index++) {
      void store.extendDeadline(keyAt(next - index), deadlineMs + index)
    }
  })
  await store.close()
  return result
}

async function listing(): Promise<unknown> {
  const store = open(GIB)
  const itemCount = 100_000
  const chunks = [Buffer.allocUnsafeSlow(10)]
  for (let index = 0; index < itemCount; index++) {
    // Not in order: the multiplier is prime.
    void store.put(makeItem(keyAt((index * 7919) % itemCount), chunks, 3600))
  }
  const pagesMs: number[] = []
  let after: StoreKey | undefined
  do {
    const startMs = performance.now()
    const page = await store.list(cacheName, {
      keyPrefix: '',
      limit: 1000,
      ...(after === undefined ? {} : { after }),
    })
    pagesMs.push(performance.now() - startMs)
    after = page.nextAfter
    // The cache lives on meanwhile.
    void store.put(makeItem(keyAt(itemCount + pagesMs.length), chunks, 3600))
  } while (after !== undefined)
  const startMs = performance.now()
  await store.flush(cacheName)
  const flushMs = round(performance.now() - startMs, 1)
  await store.close()
  const [firstMs = 0, ...laterMs] = pagesMs
  return {
    pageCount: pagesMs.length,
    firstPageMs: round(firstMs, 1),
    medianLaterPageMs: round(laterMs.sort((a, b) => a - b)[laterMs.length >> 1] ?? 0, 1),
    longestLaterPageMs: round(Math.max(...laterMs), 1),
    flushMs,
  }
}

/** Goal: 100,000 keys that expire together stall the event loop for 20 ms at most, 5 ms wanted. */
async function expiry(): Promise<unknown> {
  const runs: unknown[] = []
  for (let run = 0; run < 5; run++) {
    const store = open(GIB)
    const chunks = [Buffer.allocUnsafeSlow(10)]
    for (let index = 0; index < 100_000; index++) {
      void store.put(makeItem(keyAt(index), chunks, 1))
      if (index % 2000 === 0) await turnOfLoop()
    }
    while (store.stats.expirationCount === 0) await turnOfLoop()
    const pause = watchPauses()
    const startMs = performance.now()
    while (store.stats.itemCount > 0) await turnOfLoop()
    const elapsedMs = Math.round(performance.now() - startMs)
    const longestStallMs = pause.stop()
    await store.close()
    // What this machine's other work does to an idle loop in the same time.
    const idle = watchPauses()
    const idleUntilMs = performance.now() + elapsedMs
    while (performance.now() < idleUntilMs) await turnOfLoop()
    runs.push({ longestStallMs, elapsedMs, longestIdleStallMs: idle.stop() })
  }
  return runs
}

function open(sizeBytesMax: number): HotStore {
  return new HotStore({ sizeBytesMax, clock: systemClock })
}

function keyAt(index: number): StoreKey {
  const name = `channel/video_1080p_${String(index).padStart(8, '0')}.ts`
  return toStoreKey(cacheName, mustBe(parseItemKey(name)))
}

function makeItem(
  storeKey: StoreKey,
  chunks: readonly Uint8Array[],
  ttlSeconds: number,
): StoredItem {
  return {
    storeKey,
    chunks,
    sizeBytes: chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    kind: 'segment',
    contentType: 'video/mp2t',
    contentEncoding: '',
    etag: `e1-${storeKey.length}`,
    storedAtMs: 0,
    ttlSeconds,
    expiresAtMonotonicMs: systemClock.monotonicMs() + ttlSeconds * 1000,
    version: 1,
    attachment: undefined,
  }
}

/** Buffers of their own, of the exact size, with every page touched: what a read from a socket is. */
function segmentChunks(): readonly Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let left = SEGMENT_BYTES; left > 0; left -= CHUNK_BYTES) {
    chunks.push(Buffer.allocUnsafeSlow(Math.min(left, CHUNK_BYTES)).fill(1))
  }
  return chunks
}

function liveBytes(store: HotStore): number {
  return store.usage(cacheName).sizeBytes
}

/** Heap and buffers in use, after a collection when `--expose-gc` is given. */
function usedBytes(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** The longest time between two turns of the event loop until it is stopped. */
function watchPauses(): { stop(): number } {
  let longestMs = 0
  let lastMs = performance.now()
  let stopped = false
  const turn = (): void => {
    const nowMs = performance.now()
    longestMs = Math.max(longestMs, nowMs - lastMs)
    lastMs = nowMs
    if (!stopped) setImmediate(turn)
  }
  setImmediate(turn)
  return {
    stop: () => {
      stopped = true
      return round(longestMs, 1)
    },
  }
}

/** Median of 7 rounds after 3 to warm up. */
function nsPer(operationCount: number, run: () => void): number {
  const roundsNs: number[] = []
  for (let index = 0; index < 10; index++) {
    const startMs = performance.now()
    for (let repeat = 0; repeat < 5; repeat++) run()
    roundsNs.push(((performance.now() - startMs) * 1e6) / (5 * operationCount))
  }
  return Math.round(median(roundsNs.slice(3)))
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0
}

/** Heap growth per operation; a collection in between would spoil it, so the least of a few. */
async function bytesAllocatedPer(operationCount: number, run: () => void): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let index = 0; index < 5; index++) {
    await turnOfLoop()
    const before = process.memoryUsage().heapUsed
    run()
    const grownBytes = process.memoryUsage().heapUsed - before
    if (grownBytes >= 0) least = Math.min(least, grownBytes / operationCount)
  }
  return round(least, 1)
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

function mustBe<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('a name of this bench is not valid')
  return value
}
