import t from 'tap'
import type { MetricsPoint } from '../../src/console/api/api-types.ts'
import {
  combinePoints,
  joinPoints,
  toTableRows,
  toWindow,
} from '../../src/console/overview/metrics-series.ts'

const START_MS = Date.parse('2026-11-21T12:00:00Z')

function point(seconds: number, figures: Partial<MetricsPoint> = {}): MetricsPoint {
  return {
    at: new Date(START_MS + seconds * 1000).toISOString(),
    readsPerSecond: 0,
    writesPerSecond: 0,
    deletesPerSecond: 0,
    bytesInPerSecond: 0,
    bytesOutPerSecond: 0,
    readStatus2xxPerSecond: 0,
    readStatus3xxPerSecond: 0,
    readStatus4xxPerSecond: 0,
    readStatus5xxPerSecond: 0,
    writeStatus2xxPerSecond: 0,
    writeStatus4xxPerSecond: 0,
    writeStatus5xxPerSecond: 0,
    getP50Seconds: null,
    getP99Seconds: null,
    putP50Seconds: null,
    putP99Seconds: null,
    hotStoreBytes: 0,
    hotStoreBytesMax: 100,
    pinnedBytes: 0,
    evictions: 0,
    connections: 0,
    waiters: 0,
    ...figures,
  }
}

t.test(
  'intervals join: rates averaged, evictions added, the worst latency, the last gauge',
  async (t) => {
    t.equal(combinePoints([]), undefined)
    const joined = combinePoints([
      point(2, { readsPerSecond: 10, evictions: 1, getP99Seconds: 0.5, connections: 9 }),
      point(4, { readsPerSecond: 20, evictions: 2, connections: 3 }),
    ])
    t.match(joined, {
      at: point(4).at,
      readsPerSecond: 15,
      evictions: 3,
      getP99Seconds: 0.5,
      putP99Seconds: null,
      connections: 3,
    })
  },
)

t.test('live points follow the history in steps of ten seconds, none twice', async (t) => {
  const history = [point(0), point(10)]
  const live = [8, 10, 12, 14, 16, 18, 20, 22].map((at) => point(at, { readsPerSecond: at }))
  const joined = joinPoints(history, live)
  t.same(
    joined.map(({ at }) => at),
    [0, 10, 20, 22].map((at) => point(at).at),
  )
  t.equal(joined[2]?.readsPerSecond, (12 + 14 + 16 + 18 + 20) / 5)
  t.same(joinPoints(history, []), history)
  t.equal(joinPoints([], [point(2), point(4)]).length, 1)
})

t.test(
  'the window is an hour, less for a young server, and shows where there was none',
  async (t) => {
    const hour = Array.from({ length: 400 }, (_, index) => point(index * 10))
    const full = toWindow(hour, START_MS + 3_990_000)
    t.equal(full.toSeconds - full.fromSeconds, 3600)
    t.equal(full.points.length, 361)

    const young = toWindow([point(0), point(10)], START_MS + 10_000)
    t.equal(young.toSeconds - young.fromSeconds, 300)
    t.equal(toWindow([], START_MS).timesSeconds.length, 0)

    const broken = toWindow([point(0), point(10), point(200)], START_MS + 200_000)
    t.same(
      broken.points.map((shown) => shown?.at),
      [point(0).at, point(10).at, undefined, point(200).at],
    )
    t.equal(broken.timesSeconds.length, 4)
  },
)

t.test('the table has a row for five minutes, newest first', async (t) => {
  const rows = toTableRows([
    point(10, { evictions: 1 }),
    point(290, { evictions: 1 }),
    point(310, { evictions: 5 }),
  ])
  t.same(
    rows.map(({ at, evictions }) => [at, evictions]),
    [
      [point(310).at, 5],
      [point(290).at, 2],
    ],
  )
})
