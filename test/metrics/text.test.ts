import t from 'tap'
import { Histogram } from '../../src/metrics/histogram.ts'
import { formatMetrics, seriesNames } from '../../src/metrics/text.ts'
import type { Family } from '../../src/metrics/text.ts'

t.test('the text format: help, type, labels and escapes', async (t) => {
  const families: readonly Family<number>[] = [
    {
      name: 'headwater_a_total',
      help: 'A.',
      type: 'counter',
      labels: { reason: 'any', x: ['1'] },
      read: (value) => [{ labels: { reason: 'a"b\\c\nd', x: '1' }, value }, { value: 0.5 }],
    },
    {
      name: 'headwater_b',
      help: 'B.',
      type: 'gauge',
      labels: {},
      read: () => [{ labels: {}, value: NaN }],
    },
    {
      name: 'headwater_c',
      help: 'C.',
      type: 'gauge',
      labels: {},
      read: () => [{ value: Infinity }, { value: -Infinity }],
    },
  ]
  t.equal(
    formatMetrics(families, 2),
    [
      '# HELP headwater_a_total A.',
      '# TYPE headwater_a_total counter',
      'headwater_a_total{reason="a\\"b\\\\c\\nd",x="1"} 2',
      'headwater_a_total 0.5',
      '# HELP headwater_b B.',
      '# TYPE headwater_b gauge',
      'headwater_b NaN',
      '# HELP headwater_c C.',
      '# TYPE headwater_c gauge',
      'headwater_c +Inf',
      'headwater_c -Inf',
      '',
    ].join('\n'),
  )
})

t.test('a histogram has cumulated buckets, sum and count; a summary the last two', async (t) => {
  const histogram = new Histogram([0.5, 1])
  for (const value of [0.25, 0.5, 0.75, 9]) histogram.observe(value)
  const families: readonly Family<undefined>[] = [
    {
      name: 'headwater_h_seconds',
      help: 'H.',
      type: 'histogram',
      labels: { k: ['v'] },
      read: () => [{ labels: { k: 'v' }, histogram }],
    },
    {
      name: 'headwater_s_seconds',
      help: 'S.',
      type: 'summary',
      labels: {},
      read: () => [{ sum: 3, count: 2 }],
    },
  ]
  t.equal(
    formatMetrics(families, undefined),
    [
      '# HELP headwater_h_seconds H.',
      '# TYPE headwater_h_seconds histogram',
      'headwater_h_seconds_bucket{k="v",le="0.5"} 2',
      'headwater_h_seconds_bucket{k="v",le="1"} 3',
      'headwater_h_seconds_bucket{k="v",le="+Inf"} 4',
      'headwater_h_seconds_sum{k="v"} 10.5',
      'headwater_h_seconds_count{k="v"} 4',
      '# HELP headwater_s_seconds S.',
      '# TYPE headwater_s_seconds summary',
      'headwater_s_seconds_sum 3',
      'headwater_s_seconds_count 2',
      '',
    ].join('\n'),
  )
})

t.test('names of series by type', async (t) => {
  t.same(seriesNames({ name: 'a', type: 'gauge' }), ['a'])
  t.same(seriesNames({ name: 'a', type: 'summary' }), ['a_sum', 'a_count'])
  t.same(seriesNames({ name: 'a', type: 'histogram' }), ['a_bucket', 'a_sum', 'a_count'])
})
