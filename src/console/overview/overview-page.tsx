/** The overview: what the origin does now, and did in the last hour. */

import { useMemo } from 'preact/hooks'
import type { MetricsPoint } from '../api/api-types.ts'
import { useConsole } from '../app/console-context.tsx'
import { useServerNow } from '../app/use-now.ts'
import {
  formatBitRate,
  formatBytes,
  formatClock,
  formatCount,
  formatSeconds,
} from '../ui/format-figures.ts'
import { Empty, ErrorBanner, Facts, Loading, PageHead } from '../ui/parts.tsx'
import { Table } from '../ui/table.tsx'
import { ChannelSummary } from './channel-summary.tsx'
import { HotStore } from './hot-store.tsx'
import { MetricsCharts } from './metrics-charts.tsx'
import { toTableRows, toWindow } from './metrics-series.ts'
import { useMetrics } from './use-metrics.ts'

export function OverviewPage() {
  const { points, now, error } = useMetrics()
  const { server } = useConsole()
  return (
    <>
      <PageHead
        title="Overview"
        lead={
          <>
            Encoders and players use <code>{server.dataPlaneUrl}</code>
            <UpFor startedAt={server.startedAt} />
          </>
        }
      />
      <ErrorBanner error={error} />
      <ChannelSummary />
      <Now now={now} />
      {points === undefined ? (
        error === undefined && <Loading what="the last hour" />
      ) : (
        <LastHour points={points} now={now} />
      )}
    </>
  )
}

function UpFor({ startedAt = '' }: { readonly startedAt?: string | undefined }) {
  const nowMs = useServerNow(10_000)
  const seconds = Math.floor((nowMs - Date.parse(startedAt)) / 1000)
  return Number.isNaN(seconds) ? null : <> · up for {formatSeconds(Math.max(1, seconds))}</>
}

/** The last 10 seconds. */
function Now({ now }: { readonly now: MetricsPoint | undefined }) {
  const perMinute = (rate: number | undefined) =>
    formatCount(rate === undefined ? undefined : rate * 60)
  const errorsPerSecond =
    now === undefined
      ? undefined
      : now.readStatus5xxPerSecond + now.writeStatus4xxPerSecond + now.writeStatus5xxPerSecond
  return (
    <Facts
      label="The last 10 seconds"
      facts={[
        {
          term: 'Reads a minute',
          value: perMinute(now?.readsPerSecond),
          note: `${formatBitRate(now?.bytesOutPerSecond)} out`,
        },
        {
          term: 'Writes a minute',
          value: perMinute(now?.writesPerSecond),
          note: `${formatBitRate(now?.bytesInPerSecond)} in`,
        },
        {
          term: 'GET latency',
          value: formatSeconds(now?.getP50Seconds),
          note: `median; 99 % within ${formatSeconds(now?.getP99Seconds)}`,
        },
        {
          term: 'PUT latency',
          value: formatSeconds(now?.putP50Seconds),
          note: `median; 99 % within ${formatSeconds(now?.putP99Seconds)}`,
        },
        {
          term: 'Failures a minute',
          value: perMinute(errorsPerSecond),
          note: 'refused writes, and every 5xx',
          ...((errorsPerSecond ?? 0) > 0 && { tone: 'bad' as const }),
        },
        {
          term: 'Connections',
          value: formatCount(now?.connections),
          note: `${formatCount(now?.waiters)} waiting for media`,
        },
      ]}
    />
  )
}

function LastHour(props: {
  readonly points: readonly MetricsPoint[]
  readonly now: MetricsPoint | undefined
}) {
  const { clockOffsetMs } = useConsole()
  const { points, now } = props
  const window = useMemo(() => toWindow(points, Date.now() + clockOffsetMs), [points])
  if (points.length === 0) {
    return (
      <Empty title="No figures yet" icon="overview">
        <p>
          The server keeps one point every 10 seconds, for an hour, and has just started. The first
          one is here in a moment.
        </p>
      </Empty>
    )
  }
  const isQuiet = points.every((point) => point.readsPerSecond === 0 && point.writesPerSecond === 0)
  return (
    <>
      {isQuiet && (
        <Empty title="No request in the last hour" icon="overview">
          <p>Nothing was pushed and nothing was pulled, so the lines below lie at zero.</p>
        </Empty>
      )}
      <MetricsCharts window={window} />
      <HotStore points={points} now={now} window={window} />
      <FiguresTable points={points} />
    </>
  )
}

/** The charts in words: for who does not see them, or wants to copy figures. */
function FiguresTable({ points }: { readonly points: readonly MetricsPoint[] }) {
  const rows = useMemo(() => toTableRows(points), [points])
  return (
    <details class="figures-table">
      <summary>These figures as a table, five minutes a row</summary>
      <Table
        caption="Figures of the last hour"
        rows={rows}
        rowKey={(row) => row.at}
        columns={[
          { title: 'Until', isName: true, cell: (row) => formatClock(row.at) },
          perMinuteColumn('Reads / min', (row) => row.readsPerSecond),
          perMinuteColumn('Writes / min', (row) => row.writesPerSecond),
          { title: 'Out', isFigure: true, cell: (row) => formatBitRate(row.bytesOutPerSecond) },
          { title: 'In', isFigure: true, cell: (row) => formatBitRate(row.bytesInPerSecond) },
          { title: 'GET 99 %', isFigure: true, cell: (row) => formatSeconds(row.getP99Seconds) },
          { title: 'PUT 99 %', isFigure: true, cell: (row) => formatSeconds(row.putP99Seconds) },
          perMinuteColumn(
            '4xx / min',
            (row) => row.readStatus4xxPerSecond + row.writeStatus4xxPerSecond,
          ),
          perMinuteColumn(
            '5xx / min',
            (row) => row.readStatus5xxPerSecond + row.writeStatus5xxPerSecond,
          ),
          { title: 'Hot store', isFigure: true, cell: (row) => formatBytes(row.hotStoreBytes) },
          { title: 'Evictions', isFigure: true, cell: (row) => formatCount(row.evictions) },
        ]}
      />
    </details>
  )
}

function perMinuteColumn(title: string, rate: (row: MetricsPoint) => number) {
  return {
    title,
    isFigure: true,
    cell: (row: MetricsPoint) => formatCount(rate(row) * 60),
  }
}
