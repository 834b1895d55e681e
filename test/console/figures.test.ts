import t from 'tap'
import { parseRoute, routeHref } from '../../src/console/app/route.ts'
import { summarizeChart } from '../../src/console/ui/chart-summary.ts'
import {
  countOf,
  formatAgo,
  formatBitRate,
  formatBytes,
  formatClock,
  formatCount,
  formatDateTime,
  formatFor,
  formatLag,
  formatSeconds,
  formatShortCount,
} from '../../src/console/ui/format-figures.ts'

t.test('figures are short and have their unit', async (t) => {
  const rows: [shown: string, expected: string][] = [
    [formatCount(1234567), '1,234,567'],
    [formatCount(0.4), '0'],
    [formatShortCount(950), '950'],
    [formatShortCount(999.7), '1.00k'],
    [formatShortCount(12_345), '12.3k'],
    [formatBytes(0), '0 B'],
    [formatBytes(1023), '1023 B'],
    [formatBytes(1536), '1.50 KiB'],
    [formatBytes(10 * 1024 ** 2), '10 MiB'],
    [formatBytes(3 * 1024 ** 5), '3072 TiB'],
    [formatBitRate(125_000), '1 Mbit/s'],
    [formatBitRate(0), '0 bit/s'],
    [formatSeconds(0), '0 s'],
    [formatSeconds(0.0000125), '12.5 µs'],
    [formatSeconds(0.0124), '12.4 ms'],
    [formatSeconds(0.9999), '1.00 s'],
    [formatSeconds(1.5), '1.50 s'],
    [formatSeconds(-0.25), '−250 ms'],
    [formatSeconds(59.97), '1 min'],
    [formatSeconds(200), '3 min 20 s'],
    [formatSeconds(3600), '1 h'],
    [formatSeconds(90_061), '1 d 1 h'],
    [formatLag(0.02), '0.0 s'],
    [formatLag(-1.26), '−1.3 s'],
    [formatLag(75), '1 min 15 s'],
    [countOf(1, 'cache'), '1 cache'],
    [countOf(2, 'cache'), '2 caches'],
  ]
  for (const [shown, expected] of rows) t.equal(shown, expected)
})

t.test('what is not known is a dash', async (t) => {
  const formats = [formatCount, formatShortCount, formatBytes, formatBitRate, formatSeconds]
  for (const format of [...formats, formatLag]) {
    for (const value of [null, undefined, Number.NaN, Infinity]) t.equal(format(value), '–')
  }
  for (const at of [null, undefined, 'never']) {
    t.same([formatAgo(at, 0), formatClock(at), formatDateTime(at)], ['–', '–', '–'])
  }
})

t.test('ages are whole and never ahead', async (t) => {
  const at = '2026-11-21T12:00:00Z'
  const ago = (seconds: number) => formatAgo(at, Date.parse(at) + seconds * 1000)
  t.same([-5, 0.9, 1, 59.9, 60, 150, 7300, 90_000].map(ago), [
    'now',
    'now',
    '1 s ago',
    '59 s ago',
    '1 min ago',
    '2 min ago',
    '2 h ago',
    '1 d ago',
  ])
  t.equal(formatFor(at, Date.parse(at)), '0 s')
  t.equal(formatFor(at, Date.parse(at) + 61_000), '1 min')
})

t.test("times are those of this browser's zone", async (t) => {
  const date = new Date(2026, 10, 21, 9, 5, 7)
  t.equal(formatClock(date.getTime()), '09:05:07')
  t.equal(formatDateTime(date.toISOString()), '2026-11-21 09:05:07')
})

t.test('an address names a page; keys keep their slashes and their odd characters', async (t) => {
  const key = 'a/ü %2F?#&<b>.m3u8'
  const href = routeHref('channels', ['live-origin', key], { tab: 'a b' })
  const route = parseRoute(href)
  t.equal(route.page, 'channels')
  t.equal(route.rest.slice(1).join('/'), key)
  t.equal(route.query.get('tab'), 'a b')
  t.match(parseRoute(''), { page: '', rest: [] })
  t.match(parseRoute('#/why'), { page: 'why', rest: [] })
  t.match(parseRoute('#/caches/100%'), { page: 'caches', rest: ['100%'] })
  t.equal(routeHref('overview'), '#/overview')
})

t.test('a chart says in words what it shows', async (t) => {
  const series = [
    { label: 'Reads', values: [3, null, 1, 2] },
    { label: 'Writes', values: [null] },
  ]
  t.equal(summarizeChart(series, String), 'Reads: now 2, lowest 1, highest 3. Writes: no figures.')
})
