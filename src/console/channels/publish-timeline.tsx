/** The last uploads of each playlist against the time they were due, as bars and as a table. */

import type { ChannelView, RenditionView } from '../api/api-types.ts'
import { useServerNow } from '../app/use-now.ts'
import { UNKNOWN, formatBytes, formatClock, formatSeconds } from '../ui/format-figures.ts'
import { Empty } from '../ui/parts.tsx'
import { Table } from '../ui/table.tsx'
import { renditionTitle } from './channel-words.ts'
import {
  PUNCTUALITY_WORDS,
  summarizeBars,
  toTimelineBars,
  toTimelineScale,
} from './timeline-bars.ts'
import type { TimelineBar, TimelineScale } from './timeline-bars.ts'

const LANE_HEIGHT_PIXELS = 56

export function PublishTimeline({ channel }: { readonly channel: ChannelView }) {
  const lanes = channel.renditions.filter(({ recentSegments = [] }) => recentSegments.length > 0)
  if (lanes.length === 0) {
    return (
      <Empty title="No segment yet">
        <p>Each segment becomes a bar here when it was stored, or when it is overdue.</p>
      </Empty>
    )
  }
  const scale = toTimelineScale(
    lanes.map(({ recentSegments = [] }) => recentSegments),
    channel.targetDurationSeconds,
  )
  return (
    <div class="timeline">
      <ul class="legend" aria-hidden="true">
        <li>
          <span class="bar-key bar-on-time" /> on time
        </li>
        <li>
          <span class="bar-key bar-late" /> late
        </li>
        <li>
          <span class="bar-key bar-very-late" /> later than{' '}
          {formatSeconds(channel.targetDurationSeconds)}
        </li>
        <li>
          <span class="bar-key bar-missing" /> missing
        </li>
      </ul>
      {lanes.map((rendition) => (
        <Lane key={rendition.key} rendition={rendition} scale={scale} />
      ))}
      <p class="quiet">
        The line is the moment an encoder that keeps pace is done; above it is late. Newest at the
        right.
      </p>
    </div>
  )
}

function Lane(props: { readonly rendition: RenditionView; readonly scale: TimelineScale }) {
  const { rendition, scale } = props
  const nowMs = useServerNow(1000)
  const { recentSegments = [], targetDurationSeconds } = rendition
  const bars = toTimelineBars(recentSegments, scale, targetDurationSeconds, nowMs)
  const zero = scale.lateSecondsMax / (scale.lateSecondsMax + scale.earlySecondsMax)
  const title = renditionTitle(rendition)
  const summary = summarizeBars(bars)
  return (
    <section class="lane" aria-label={`Uploads of ${title}`}>
      <div class="lane-head">
        <h3>{title}</h3>
        <p class="quiet">{summary}</p>
      </div>
      <div class="lane-plot" aria-hidden="true">
        <svg width="100%" height={LANE_HEIGHT_PIXELS}>
          {bars.map((bar) => (
            <Bar key={bar.point.mediaSequenceNumber} bar={bar} />
          ))}
          <line
            class="lane-zero"
            x1="0"
            x2="100%"
            y1={zero * LANE_HEIGHT_PIXELS}
            y2={zero * LANE_HEIGHT_PIXELS}
          />
        </svg>
        <span class="lane-top">+{formatSeconds(scale.lateSecondsMax)}</span>
      </div>
      <details>
        <summary>
          As a table<span class="visually-hidden">: uploads of {title}</span>
        </summary>
        <BarTable bars={bars} title={title} />
      </details>
    </section>
  )
}

function Bar({ bar }: { readonly bar: TimelineBar }) {
  return (
    <rect
      class={`bar bar-${bar.punctuality}`}
      x={`${bar.leftPercent}%`}
      width={`${bar.widthPercent}%`}
      y={bar.top * LANE_HEIGHT_PIXELS}
      height={Math.max(2, bar.height * LANE_HEIGHT_PIXELS)}
      rx="1"
    >
      <title>{describe(bar)}</title>
    </rect>
  )
}

function describe({ point, punctuality, delaySeconds }: TimelineBar): string {
  const due = `#${point.mediaSequenceNumber}, due ${formatClock(point.dueAt)}`
  if (delaySeconds === null) return `${due}: ${PUNCTUALITY_WORDS[punctuality]}`
  return `${due}, stored ${formatDelay(delaySeconds)}, ${formatBytes(point.sizeBytes)}`
}

function formatDelay(delaySeconds: number | null): string {
  if (delaySeconds === null) return UNKNOWN
  return `${formatSeconds(Math.abs(delaySeconds))} ${delaySeconds < 0 ? 'early' : 'late'}`
}

function BarTable(props: { readonly bars: readonly TimelineBar[]; readonly title: string }) {
  return (
    <Table
      caption={`Uploads of ${props.title}, newest first`}
      rows={[...props.bars].reverse()}
      rowKey={({ point }) => String(point.mediaSequenceNumber)}
      columns={[
        {
          title: 'Segment',
          isName: true,
          cell: ({ point }) => (
            <>
              #{point.mediaSequenceNumber}
              <small>{point.key}</small>
            </>
          ),
        },
        { title: 'Due', isFigure: true, cell: ({ point }) => formatClock(point.dueAt) },
        { title: 'Stored', isFigure: true, cell: ({ point }) => formatClock(point.storedAt) },
        {
          title: 'That is',
          cell: ({ punctuality, delaySeconds }) =>
            delaySeconds === null ? PUNCTUALITY_WORDS[punctuality] : formatDelay(delaySeconds),
        },
        {
          title: 'Size',
          isFigure: true,
          cell: ({ point }) => (point.sizeBytes === 0 ? UNKNOWN : formatBytes(point.sizeBytes)),
        },
      ]}
    />
  )
}
