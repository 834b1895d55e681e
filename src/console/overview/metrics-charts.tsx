/** The overview's charts: requests, throughput, latency, statuses by operation. */

import type { MetricsPoint } from '../api/api-types.ts'
import { Chart } from '../ui/chart.tsx'
import { formatBitRate, formatSeconds, formatShortCount } from '../ui/format-figures.ts'
import type { MetricsWindow } from './metrics-series.ts'

/** Reads one line of the window's points. */
type Reader = (point: MetricsPoint) => number | null

export function MetricsCharts({ window }: { readonly window: MetricsWindow }) {
  const values = (read: Reader) =>
    window.points.map((point) => (point === undefined ? null : read(point)))
  const line = (label: string, color: string, read: Reader, isDashed = false) => ({
    label,
    color,
    values: values(read),
    isDashed,
  })
  const perMinute = (read: (point: MetricsPoint) => number) => (point: MetricsPoint) =>
    read(point) * 60
  const latency = (title: string, color: string, median: Reader, slow: Reader) => (
    <Chart
      {...window}
      title={title}
      format={formatSeconds}
      topMin={0.001}
      series={[line('median', color, median), line('99 % within', color, slow, true)]}
    />
  )
  return (
    <div class="grid-3">
      <Chart
        {...window}
        title="Requests a minute"
        format={formatShortCount}
        topMin={10}
        series={[
          line(
            'reads',
            '--chart-out',
            perMinute((point) => point.readsPerSecond),
          ),
          line(
            'writes',
            '--chart-in',
            perMinute((point) => point.writesPerSecond),
          ),
        ]}
      />
      {latency(
        'GET latency',
        '--chart-out',
        (p) => p.getP50Seconds,
        (p) => p.getP99Seconds,
      )}
      <Chart
        {...window}
        title="Answers to reads, a minute"
        format={formatShortCount}
        topMin={10}
        series={[
          line(
            '2xx, 3xx',
            '--chart-good',
            perMinute((p) => p.readStatus2xxPerSecond + p.readStatus3xxPerSecond),
          ),
          line(
            '4xx',
            '--chart-wait',
            perMinute((point) => point.readStatus4xxPerSecond),
          ),
          line(
            '5xx',
            '--chart-bad',
            perMinute((point) => point.readStatus5xxPerSecond),
          ),
        ]}
      />
      <Chart
        {...window}
        title="Throughput"
        format={formatBits}
        topMin={8000}
        series={[
          line('out', '--chart-out', (point) => point.bytesOutPerSecond * 8),
          line('in', '--chart-in', (point) => point.bytesInPerSecond * 8),
        ]}
      />
      {latency(
        'PUT latency',
        '--chart-in',
        (p) => p.putP50Seconds,
        (p) => p.putP99Seconds,
      )}
      <Chart
        {...window}
        title="Answers to writes, a minute"
        format={formatShortCount}
        topMin={10}
        series={[
          line(
            '2xx',
            '--chart-good',
            perMinute((point) => point.writeStatus2xxPerSecond),
          ),
          line(
            '4xx',
            '--chart-wait',
            perMinute((point) => point.writeStatus4xxPerSecond),
          ),
          line(
            '5xx',
            '--chart-bad',
            perMinute((point) => point.writeStatus5xxPerSecond),
          ),
        ]}
      />
    </div>
  )
}

/** The axis is in bits, so that its steps are round. */
function formatBits(bitsPerSecond: number): string {
  return formatBitRate(bitsPerSecond / 8)
}
