import t from 'tap'
import {
  AGE_BOUNDS_SECONDS,
  Histogram,
  LATENCY_BOUNDS_SECONDS,
  quantileOf,
} from '../../src/metrics/histogram.ts'

t.test('a value at a bound is within it, one above is not', async (t) => {
  const histogram = new Histogram([1, 2])
  for (const value of [0, 1, 1.0001, 2, 2.0001, 1e9]) histogram.observe(value)
  t.same([...histogram.counts], [2, 2, 2])
  t.equal(histogram.count, 6)
})

t.test('what a wrong clock makes, negative or no number, counts as 0', async (t) => {
  const histogram = new Histogram([1])
  histogram.observe(-5)
  histogram.observe(NaN)
  t.same([...histogram.counts], [2, 0])
  t.equal(histogram.sum, 0)
})

t.test('quantiles are linear within their bucket', async (t) => {
  t.equal(quantileOf(0.5, [1, 2], [0, 0, 0]), undefined, 'of nothing there is none')
  t.equal(quantileOf(0.5, [1, 2, 4], [0, 10, 0, 0]), 1.5)
  t.equal(quantileOf(0.5, [1, 2, 4], [5, 0, 5, 0]), 1)
  t.equal(quantileOf(0.75, [1, 2, 4], [5, 0, 5, 0]), 3)
  t.equal(quantileOf(0.99, [1, 2, 4], [1, 0, 0, 99]), 4, 'beyond the last bound: the last bound')
})

t.test('the bounds ascend', async (t) => {
  for (const bounds of [LATENCY_BOUNDS_SECONDS, AGE_BOUNDS_SECONDS]) {
    t.same(
      bounds,
      [...bounds].sort((a, b) => a - b),
    )
    t.equal(new Set(bounds).size, bounds.length)
  }
})
