import t from 'tap'
import { ClockTeller } from '../../src/cli/clock-teller.ts'
import type { ClockChange } from '../../src/origin/events.ts'
import { ManualClock } from '../support/manual-clock.ts'

const change = (nowMs: number): ClockChange => ({ nowMs, machineNowMs: 0, rate: 0 })

t.test('the first change is told at once, of many in a row the last', async (t) => {
  const clock = new ManualClock()
  const told: number[] = []
  const teller = new ClockTeller(clock, ({ nowMs }) => told.push(nowMs))
  for (let nowMs = 1; nowMs <= 100; nowMs++) teller.tell(change(nowMs))
  t.strictSame(told, [1])
  clock.advance(1999)
  t.strictSame(told, [1])
  clock.advance(1)
  t.strictSame(told, [1, 100])
  clock.advance(10_000)
  t.strictSame(told, [1, 100])
  teller.tell(change(200))
  t.strictSame(told, [1, 100, 200])
  t.equal(clock.timerCount, 1)
  teller.tell(change(300))
  teller.close()
  teller.close()
  clock.advance(10_000)
  t.strictSame(told, [1, 100, 200])
  t.equal(clock.timerCount, 0)
})
