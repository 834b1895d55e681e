/** How full the memory for objects is, how much of it live channels hold, what had to go. */

import type { MetricsPoint } from '../api/api-types.ts'
import { Chart } from '../ui/chart.tsx'
import { countOf, formatBytes, formatCount } from '../ui/format-figures.ts'
import { Card } from '../ui/parts.tsx'
import type { MetricsWindow } from './metrics-series.ts'

export interface HotStoreProps {
  readonly points: readonly MetricsPoint[]
  readonly now: MetricsPoint | undefined
  readonly window: MetricsWindow
}

export function HotStore({ points, now, window }: HotStoreProps) {
  const last = now ?? points.at(-1)
  if (last === undefined) return null
  const { hotStoreBytes, hotStoreBytesMax, pinnedBytes } = last
  const evictions = points.reduce((sum, point) => sum + point.evictions, 0)
  const percent = (sizeBytes: number) =>
    hotStoreBytesMax > 0 ? Math.min(100, (sizeBytes / hotStoreBytesMax) * 100) : 0
  const words = `${formatBytes(hotStoreBytes)} of ${formatBytes(hotStoreBytesMax)} in use, ${formatBytes(pinnedBytes)} of them pinned by live channels`
  return (
    <div class="grid-2">
      <Card title="Hot store" aside={<b>{percent(hotStoreBytes).toFixed(0)} %</b>}>
        <div
          class="meter"
          role="meter"
          aria-label="Hot store in use"
          aria-valuemin={0}
          aria-valuemax={hotStoreBytesMax}
          aria-valuenow={hotStoreBytes}
          aria-valuetext={words}
        >
          <span class="meter-pinned" style={{ width: `${percent(pinnedBytes)}%` }} />
          <span
            class="meter-used"
            style={{ width: `${percent(Math.max(0, hotStoreBytes - pinnedBytes))}%` }}
          />
        </div>
        <dl class="pairs">
          <div>
            <dt>
              <span class="swatch swatch-pinned" />
              Pinned by live channels
            </dt>
            <dd>{formatBytes(pinnedBytes)}</dd>
          </div>
          <div>
            <dt>
              <span class="swatch swatch-used" />
              Other objects
            </dt>
            <dd>{formatBytes(Math.max(0, hotStoreBytes - pinnedBytes))}</dd>
          </div>
          <div>
            <dt>
              <span class="swatch" />
              Limit
            </dt>
            <dd>{formatBytes(hotStoreBytesMax)}</dd>
          </div>
          <div>
            <dt>Evictions in the last hour</dt>
            <dd>{formatCount(evictions)}</dd>
          </div>
        </dl>
        <p class="quiet">
          {evictions === 0
            ? 'Nothing had to make room: objects go when their time to live is over.'
            : `${countOf(evictions, 'object')} went before the time to live was over, to make room. Give the store more memory (hotStore.sizeBytesMax) or objects less time.`}
        </p>
      </Card>
      <Chart
        {...window}
        title="Hot store, last hour"
        format={formatBytes}
        topMin={1024 * 1024}
        isBinary
        series={[
          {
            label: 'in use',
            color: '--chart-out',
            values: window.points.map((point) => point?.hotStoreBytes ?? null),
          },
          {
            label: 'pinned',
            color: '--chart-in',
            values: window.points.map((point) => point?.pinnedBytes ?? null),
            isDashed: true,
          },
        ]}
      />
    </div>
  )
}
