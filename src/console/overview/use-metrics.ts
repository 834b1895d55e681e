/** The last hour of figures, moving: history when the page opens and now and then, live in between. */

import { useEffect, useMemo, useState } from 'preact/hooks'
import type { MetricsHistory, MetricsPoint } from '../api/api-types.ts'
import { useLiveEvent, useResource } from '../app/use-resource.ts'
import { combinePoints, joinPoints } from './metrics-series.ts'

const HISTORY_REFRESH_MS = 60_000
/** More than what can come between two histories. */
const LIVE_POINTS_MAX = 60
/** What stands as "now": the last 10 seconds. One live step is 2. */
const NOW_POINTS = 5

export interface Metrics {
  /** Oldest first; `undefined` while nothing is loaded. */
  readonly points: readonly MetricsPoint[] | undefined
  /** The last 10 seconds; `undefined` while there is none. */
  readonly now: MetricsPoint | undefined
  readonly error: unknown
}

export function useMetrics(): Metrics {
  const history = useResource<MetricsHistory>('/api/metrics/history', {
    refreshMs: HISTORY_REFRESH_MS,
  })
  const [live, setLive] = useState<readonly MetricsPoint[]>([])
  useLiveEvent('metrics', (data) => {
    // One point of the history's shape; so the API's description says.
    const point = data as MetricsPoint
    setLive((before) => [...before, point].slice(-LIVE_POINTS_MAX))
  })
  // What was told before a break belongs to another stretch of time.
  useLiveEvent('disconnected', () => setLive([]))
  const points = useMemo(
    () => (history.data === undefined ? undefined : joinPoints(history.data.points, live)),
    [history.data, live],
  )
  const [now, setNow] = useState<MetricsPoint>()
  useEffect(() => setNow(combinePoints(live.slice(-NOW_POINTS)) ?? points?.at(-1)), [live, points])
  return { points, now, error: history.error }
}
