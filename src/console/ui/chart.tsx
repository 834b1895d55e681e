/**
 * Lines over time, drawn by uPlot on a canvas; its figures stand above it as text and follow the
 * pointer, and a summary is there for who does not see it. Colours are the tokens' of CSS.
 */

import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { summarizeChart } from './chart-summary.ts'
import { UNKNOWN, formatClock } from './format-figures.ts'

export interface ChartSeries {
  readonly label: string
  /** A colour of `tokens.css`: `--chart-out`. */
  readonly color: string
  /** As long as the chart's times; `null` interrupts the line. */
  readonly values: readonly (number | null)[]
  /** A second mark besides the colour, for lines that belong together. */
  readonly isDashed?: boolean
}

export interface ChartProps {
  readonly title: string
  readonly timesSeconds: readonly number[]
  readonly fromSeconds: number
  readonly toSeconds: number
  readonly series: readonly ChartSeries[]
  readonly format: (value: number) => string
  /** The axis goes at least so far: small noise is not blown up. */
  readonly topMin?: number
  /** Bytes: the axis counts in powers of two. */
  readonly isBinary?: boolean
}

const BINARY_STEPS = Array.from({ length: 50 }, (_, power) => 2 ** power)

const HEIGHT_PIXELS = 132

export function Chart(props: ChartProps) {
  const { title, series, format } = props
  const frame = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const latest = useRef(props)
  latest.current = props
  const [pointedIndex, setPointedIndex] = useState<number | null>(null)
  const theme = useTheme()

  useEffect(() => {
    const element = frame.current
    if (element === null) return undefined
    const chart = new uPlot(toOptions(element, latest, setPointedIndex), toData(props), element)
    plot.current = chart
    const observer = new ResizeObserver(() =>
      chart.setSize({ width: element.clientWidth, height: HEIGHT_PIXELS }),
    )
    observer.observe(element)
    return () => {
      observer.disconnect()
      chart.destroy()
      plot.current = undefined
    }
    // The lines' names and colours are those of the chart's place on the page.
  }, [theme, series.length])
  useEffect(() => plot.current?.setData(toData(props)), [props.timesSeconds, props.toSeconds])

  const shownIndex = pointedIndex ?? props.timesSeconds.length - 1
  const at = pointedIndex === null ? undefined : props.timesSeconds[pointedIndex]
  return (
    <figure class="chart" aria-label={title}>
      <figcaption>
        <h2>
          {title}
          {at !== undefined && <small class="quiet">{formatClock(at * 1000)}</small>}
        </h2>
        <p class="visually-hidden">{summarizeChart(series, format)}</p>
        <ul class="legend" aria-hidden="true">
          {series.map((line) => (
            <li key={line.label}>
              <span
                class="legend-line"
                style={{
                  borderTopColor: `var(${line.color})`,
                  borderTopStyle: line.isDashed ? 'dashed' : 'solid',
                }}
              />
              {line.label} <b>{formatAt(line, shownIndex, format)}</b>
            </li>
          ))}
        </ul>
      </figcaption>
      <div class="chart-frame" ref={frame} aria-hidden="true">
        {series.every(({ values }) => values.every((value) => value === null)) && (
          <p class="chart-empty">None in this time</p>
        )}
      </div>
    </figure>
  )
}

function formatAt(line: ChartSeries, index: number, format: (value: number) => string): string {
  const value = line.values[index]
  return value === null || value === undefined ? UNKNOWN : format(value)
}

function toData(props: ChartProps): uPlot.AlignedData {
  // uPlot's types want arrays that it might change; it does not.
  return [props.timesSeconds, ...props.series.map(({ values }) => values)] as uPlot.AlignedData
}

function toOptions(
  element: HTMLElement,
  latest: { readonly current: ChartProps },
  onPoint: (index: number | null) => void,
): uPlot.Options {
  const color = (name: string) => resolveColor(element, name)
  const font = `11px ${getComputedStyle(element).fontFamily}`
  const axis = {
    stroke: color('--quiet'),
    font,
    grid: { stroke: color('--chart-grid'), width: 1 },
    ticks: { show: false },
  }
  return {
    width: element.clientWidth,
    height: HEIGHT_PIXELS,
    padding: [6, 16, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { size: 6 },
      drag: { x: false, y: false },
      sync: { key: 'charts' },
    },
    hooks: { setCursor: [(chart) => onPoint(chart.cursor.idx ?? null)] },
    scales: {
      x: { range: () => [latest.current.fromSeconds, latest.current.toSeconds] },
      y: {
        range: (_, __, top) => [0, Math.max((top ?? 0) * 1.08, latest.current.topMin ?? 0) || 1],
      },
    },
    axes: [
      { ...axis, size: 22, gap: 2, space: 48, values: (_, splits) => splits.map(formatMinute) },
      {
        ...axis,
        // As wide as its longest label, 11 px a line of text.
        size: (_, labels) => 10 + 6.5 * Math.max(3, ...(labels ?? []).map(({ length }) => length)),
        gap: 4,
        space: 24,
        ...(latest.current.isBinary === true && { incrs: BINARY_STEPS }),
        values: (_, splits) => splits.map((value) => latest.current.format(value)),
      },
    ],
    series: [
      {},
      ...latest.current.series.map((line) => ({
        label: line.label,
        stroke: color(line.color),
        width: 1.5,
        // A value between two gaps is no line; it is shown as a point.
        points: { show: true, size: 4, filter: isolatedIndices },
        ...(line.isDashed
          ? { dash: [4, 3] }
          : { fill: color(line.color).replace(/^rgb\((.*)\)$/, 'rgba($1, 0.08)') }),
      })),
    ],
  }
}

function isolatedIndices(chart: uPlot, seriesIndex: number): number[] {
  const values = chart.data[seriesIndex] ?? []
  const isThere = (index: number) => values[index] !== null && values[index] !== undefined
  return [...values.keys()].filter(
    (index) => isThere(index) && !isThere(index - 1) && !isThere(index + 1),
  )
}

function formatMinute(atSeconds: number): string {
  return formatClock(atSeconds * 1000).slice(0, 5)
}

/** A token's colour as a canvas understands it: `light-dark()` is for CSS alone. */
function resolveColor(element: HTMLElement, name: string): string {
  const probe = document.createElement('span')
  probe.style.color = `var(${name})`
  element.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

/** Counts up when light turns to dark or back. */
function useTheme(): number {
  const [count, setCount] = useState(0)
  useEffect(() => {
    const update = () => setCount((before) => before + 1)
    const system = matchMedia('(prefers-color-scheme: dark)')
    system.addEventListener('change', update)
    window.addEventListener('headwater-theme', update)
    return () => {
      system.removeEventListener('change', update)
      window.removeEventListener('headwater-theme', update)
    }
  }, [])
  return count
}
