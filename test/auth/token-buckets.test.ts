import t from 'tap'
import { TokenBuckets } from '../../src/auth/token-buckets.ts'
import { ManualClock } from '../support/manual-clock.ts'

function openBuckets(bucketsMax = 100) {
  const clock = new ManualClock()
  return {
    clock,
    buckets: new TokenBuckets({ clock, tokensPerSecond: 2, tokensMax: 3, bucketsMax }),
  }
}

t.test('a bucket gives its burst, then what comes back', async (t) => {
  const { clock, buckets } = openBuckets()
  for (let taken = 0; taken < 3; taken++) t.equal(buckets.take('a'), true)
  t.equal(buckets.take('a'), false)
  t.equal(buckets.take('b'), true, 'another has its own')
  t.equal(buckets.retryAfterSeconds('a'), 1)
  clock.advance(499)
  t.equal(buckets.take('a'), false)
  clock.advance(1)
  t.equal(buckets.take('a'), true)
  clock.advance(60_000)
  for (let taken = 0; taken < 3; taken++) t.equal(buckets.take('a'), true)
  t.equal(buckets.take('a'), false, 'never more than the burst')
})

t.test('a wall clock that jumps changes nothing', async (t) => {
  const { clock, buckets } = openBuckets()
  for (let taken = 0; taken < 3; taken++) buckets.take('a')
  clock.jumpWall(3_600_000)
  t.equal(buckets.take('a'), false)
})

t.test('a token can be given back, and a full bucket is forgotten', async (t) => {
  const { buckets } = openBuckets()
  buckets.take('a')
  buckets.take('a')
  buckets.giveBack('a')
  t.equal(buckets.size, 1)
  buckets.giveBack('a')
  t.equal(buckets.size, 0)
  buckets.giveBack('a')
  t.equal(buckets.size, 0)
})

t.test('slow buckets say how long', async (t) => {
  const clock = new ManualClock()
  const buckets = new TokenBuckets({ clock, tokensPerSecond: 0.1, tokensMax: 1, bucketsMax: 9 })
  t.equal(buckets.retryAfterSeconds('a'), 1, 'never less than a second')
  buckets.take('a')
  t.equal(buckets.retryAfterSeconds('a'), 10)
})

t.test('the number of buckets is bounded', async (t) => {
  const { buckets } = openBuckets(10)
  for (let index = 0; index < 10; index++) buckets.take(`a${index}`)
  t.equal(buckets.size, 10)
  for (let index = 0; index < 1000; index++) buckets.take(`b${index}`)
  t.equal(buckets.size, 10)
})
