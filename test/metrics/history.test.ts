import t from 'tap'
import { HISTORY_POINTS_MAX, MetricsHistory } from '../../src/metrics/history.ts'
import type { HistoryPoint } from '../../src/metrics/history.ts'
import { PlaylistReads } from '../../src/metrics/playlist-reads.ts'
import { RequestMeters } from '../../src/metrics/request-meters.ts'
import { ManualClock } from '../support/manual-clock.ts'

function open(t: { teardown(end: () => void): void }) {
  const clock = new ManualClock()
  const requests = new RequestMeters(new PlaylistReads(1))
  const store = {
    ...{ hitCount: 0, missCount: 0, putCount: 0, deleteCount: 0, evictionCount: 0 },
    ...{ expirationCount: 0, itemCount: 0, sizeBytes: 0, sizeBytesMax: 1000 },
    ...{ pinnedItemCount: 0, pinnedBytes: 0 },
  }
  const connection = {
    open: 3,
    openedCount: 0,
    refusedCount: 0,
    malformedCount: 0,
    frontRequestCount: 0,
    handedOverCount: 0,
  }
  const history = new MetricsHistory({
    clock,
    sources: {
      requests,
      store,
      connections: { data: connection, admin: connection },
      waiterCount: () => 7,
      overload: { level: 0, refusedCount: 0, eventLoopDelayMs: 4 },
    },
  })
  t.teardown(() => history.close())
  const read = (statusCode: number, durationMs = 1) =>
    requests.requestEnded({
      ...{ operation: 'read', statusCode, isComplete: true, source: 'store', durationMs },
      ...{ objectAgeMs: 0, heldMs: 0, headAfterMs: 1, bytesIn: 0, bytesOut: 1000 },
      item: {
        ...{ storeKey: '' as never, chunks: [], sizeBytes: 0, kind: 'segment', contentType: '' },
        ...{ contentEncoding: '', etag: '', storedAtMs: 0, ttlSeconds: 1, version: 1 },
        ...{ expiresAtMonotonicMs: 0, attachment: undefined },
      },
    })
  const write = (statusCode: number, durationMs: number) =>
    requests.requestEnded({
      ...{ operation: 'write', statusCode, isComplete: true, source: 'none', durationMs },
      ...{ objectAgeMs: -1, heldMs: 0, headAfterMs: 1, bytesIn: 500, bytesOut: 0, item: undefined },
    })
  return { clock, history, requests, store, read, write }
}

t.test('a point every 10 s: rates of what happened in it, gauges of its end', async (t) => {
  const { clock, history, store, read, write } = open(t)
  for (let count = 0; count < 30; count++) read(200)
  for (let count = 0; count < 10; count++) read(404)
  write(204, 2000)
  write(401, 1)
  store.evictionCount = 4
  clock.advance(10_000)
  store.sizeBytes = 600
  for (let count = 0; count < 5; count++) read(304, 90)
  store.evictionCount = 5
  clock.advance(9_999)
  t.equal(history.points().length, 1)
  clock.advance(1)
  const [first, second] = history.points()
  t.match(first, {
    at: '2026-01-15T12:00:10.000Z',
    readsPerSecond: 4,
    writesPerSecond: 0.2,
    deletesPerSecond: 0,
    bytesInPerSecond: 100,
    bytesOutPerSecond: 4000,
    readStatus2xxPerSecond: 3,
    readStatus4xxPerSecond: 1,
    writeStatus2xxPerSecond: 0.1,
    writeStatus4xxPerSecond: 0.1,
    hotStoreBytes: 0,
    hotStoreBytesMax: 1000,
    evictions: 4,
    connections: 3,
    waiters: 7,
    eventLoopDelaySeconds: 0.004,
  })
  t.ok((first?.putP50Seconds ?? 0) > 1 && (first?.putP50Seconds ?? 0) <= 2.5)
  t.ok((first?.getP99Seconds ?? 1) <= 0.001)
  t.match(second, { readsPerSecond: 0.5, readStatus3xxPerSecond: 0.5, evictions: 1 })
  t.equal(second?.hotStoreBytes, 600)
  t.equal(second?.putP50Seconds, null, 'no write, no latency')
  t.ok((second?.getP50Seconds ?? 0) > 0.05, 'of its own interval alone')
})

t.test('a live point every 2 s, until nobody listens', async (t) => {
  const { clock, history, read } = open(t)
  const seen: HistoryPoint[] = []
  t.equal(history.latest(), undefined)
  const end = history.onPoint((point) => seen.push(point))
  read(200)
  clock.advance(4000)
  t.same(
    seen.map(({ readsPerSecond }) => readsPerSecond),
    [0.5, 0],
  )
  t.equal(history.latest(), seen[1])
  end()
  clock.advance(2000)
  t.equal(seen.length, 2)
  t.equal(history.latest()?.at, '2026-01-15T12:00:06.000Z')
})

t.test('an hour is kept, and not more', async (t) => {
  const { clock, history } = open(t)
  clock.advance(HISTORY_POINTS_MAX * 10_000)
  t.equal(history.points().length, HISTORY_POINTS_MAX)
  clock.advance(10_000)
  t.equal(history.points().length, HISTORY_POINTS_MAX)
  t.equal(history.points()[0]?.at, '2026-01-15T12:00:20.000Z')
})

t.test('closing ends its timer', async (t) => {
  const { clock, history } = open(t)
  history.close()
  history.close()
  t.equal(clock.timerCount, 0)
})
