/** The clock of a test rig over a machine's clock that moves only when told. */

import t from 'tap'
import type { Test } from 'tap'
import { systemClock, withTimeOfDay } from '../../src/base/clock.ts'
import {
  CLOCK_AHEAD_MS_MAX,
  CLOCK_MOVES_MAX,
  CLOCK_RATE_MAX,
  VirtualClock,
} from '../../src/rig/virtual-clock.ts'
import type { ClockState } from '../../src/rig/virtual-clock.ts'
import { ManualClock } from '../support/manual-clock.ts'

const HOUR_MS = 3_600_000

function open(options: ConstructorParameters<typeof VirtualClock>[1] = {}) {
  const machine = new ManualClock()
  return { machine, clock: new VirtualClock(machine, options) }
}

/** Notes when it was called, by the clock's own time since its start. */
function recorder(clock: VirtualClock) {
  const startMs = clock.monotonicMs()
  const notes: string[] = []
  return {
    notes,
    note: (name: string) => () => notes.push(`${name}@${clock.monotonicMs() - startMs}`),
  }
}

/** The machine's timers keep no process: a server does. */
function keepAlive(t: Test): void {
  const timer = setInterval(() => undefined, 1000)
  t.teardown(() => clearInterval(timer))
}

t.test('a clock that nobody moves is the machine’s, jumps and all', async (t) => {
  const { machine, clock } = open()
  const { notes, note } = recorder(clock)
  clock.setTimer(note('a'), 20)
  const cancelled = clock.setTimer(note('b'), 10)
  clock.clearTimer(cancelled)
  clock.clearTimer(cancelled)
  clock.setTimer(note('c'), -5)
  machine.advance(19)
  t.strictSame(notes, ['c@0'])
  machine.jumpWall(-5000)
  t.equal(clock.nowMs(), machine.nowMs())
  t.equal(clock.monotonicMs(), machine.monotonicMs())
  machine.advance(1)
  t.strictSame(notes, ['c@0', 'a@20'])
  const { isReal, rate, timerCount, isMoving } = clock.state
  t.strictSame(
    { isReal, rate, timerCount, isMoving },
    { isReal: true, rate: 1, timerCount: 0, isMoving: false },
  )
  t.equal(machine.timerCount, 0)
})

t.test('timers of a move fire in due order, each at its own time', async (t) => {
  const { machine, clock } = open()
  const { notes, note } = recorder(clock)
  const startMs = clock.nowMs()
  for (const delayMs of [50, 10, 30, 10, 100, 20]) clock.setTimer(note(String(delayMs)), delayMs)
  const wall: number[] = []
  clock.setTimer(() => wall.push(clock.nowMs() - startMs), 30)
  const { firedCount } = await clock.advance(60)
  t.strictSame(notes, ['10@10', '10@10', '20@20', '30@30', '50@50'])
  t.strictSame(wall, [30])
  t.equal(firedCount, 6)
  t.equal(clock.nowMs() - startMs, 60)
  t.equal(clock.state.timerCount, 1)
  machine.advance(39)
  t.equal(notes.length, 5)
  machine.advance(1)
  t.equal(notes.at(-1), '100@100', 'what is left fires by the machine’s time')
})

t.test('many timers, set and cleared at random, still fire in order', async (t) => {
  const { clock } = open()
  let seed = 7
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
  const fired: number[] = []
  const timers = Array.from({ length: 2000 }, () => {
    const delayMs = Math.floor(random() * 500)
    return { delayMs, timer: clock.setTimer(() => fired.push(delayMs), delayMs) }
  })
  const kept = timers.filter(({ timer }) => {
    const isKept = random() < 0.6
    if (!isKept) clock.clearTimer(timer)
    return isKept
  })
  t.equal(clock.state.timerCount, kept.length)
  const { firedCount } = await clock.advance(500)
  t.equal(firedCount, kept.length)
  t.strictSame(
    fired,
    kept.map(({ delayMs }) => delayMs).sort((left, right) => left - right),
  )
})

t.test('a timer may set, clear and fire others on the same way', async (t) => {
  const { clock } = open()
  const { notes, note } = recorder(clock)
  const victim = clock.setTimer(note('victim'), 20)
  clock.setTimer(() => {
    note('first')()
    clock.clearTimer(victim)
    clock.setTimer(note('at once'), 0)
    clock.setTimer(note('later'), 5)
    clock.setTimer(note('beyond'), 1000)
  }, 10)
  clock.setTimer(note('same time'), 10)
  await clock.advance(100)
  t.strictSame(notes, ['first@10', 'same time@10', 'at once@10', 'later@15'])
})

t.test('what a timer began is over before the next one fires', async (t) => {
  const { clock } = open()
  const { notes, note } = recorder(clock)
  clock.setTimer(() => {
    const work = (async () => {
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
      note('work')()
      clock.setTimer(note('after work'), 2)
    })()
    clock.waitFor(work)
  }, 10)
  clock.setTimer(() => void Promise.resolve().then(() => note('microtask')()), 11)
  clock.setTimer(note('next'), 12)
  await clock.advance(20)
  t.strictSame(notes, ['work@10', 'microtask@11', 'next@12', 'after work@12'])
})

t.test('work that fails is waited for, and what hangs is not for ever', async (t) => {
  keepAlive(t)
  const clock = new VirtualClock(systemClock, { workMsMax: 5 })
  const failing = Promise.reject(new Error('work'))
  clock.waitFor(failing)
  clock.waitFor(new Promise(() => undefined))
  t.equal((await clock.advance(1000)).firedCount, 0)
  await t.rejects(failing)
})

t.test('a move that is asked for while another is under way comes after it', async (t) => {
  const { clock } = open()
  const { notes, note } = recorder(clock)
  let inner: Promise<unknown> | undefined
  clock.setTimer(() => void (inner = clock.advance(100)), 50)
  clock.setTimer(note('a'), 80)
  clock.setTimer(note('b'), 150)
  const first = clock.advance(100).then(() => note('first')())
  const second = clock.advance(100).then(() => note('second')())
  t.ok(clock.state.isMoving)
  await Promise.all([first, second])
  await inner
  t.strictSame(notes, ['a@80', 'first@100', 'b@150', 'second@200'])
  t.equal(clock.monotonicMs() - 1000, 300)
  t.notOk(clock.state.isMoving)
})

t.test('the machine’s time does not pass while the clock is moved', async (t) => {
  const { machine, clock } = open()
  const startMs = clock.monotonicMs()
  clock.setTimer(() => machine.advance(500), 10)
  await clock.advance(100)
  t.equal(clock.monotonicMs() - startMs, 100)
  machine.advance(7)
  t.equal(clock.monotonicMs() - startMs, 107)
})

t.test('it goes at its rate, and stands at 0', async (t) => {
  const { machine, clock } = open()
  const { notes, note } = recorder(clock)
  const startMs = clock.nowMs()
  clock.setRate(4)
  clock.setTimer(note('a'), 1000)
  machine.advance(249)
  t.strictSame(notes, [])
  machine.advance(1)
  t.strictSame(notes, ['a@1000'])
  t.equal(clock.nowMs() - startMs, 1000)
  clock.setTimer(note('b'), 100)
  clock.setRate(0)
  machine.advance(HOUR_MS)
  t.equal(clock.nowMs() - startMs, 1000)
  t.equal(machine.timerCount, 0)
  clock.setTimer(note('c'), 50)
  clock.setRate(0.5)
  machine.advance(100)
  t.strictSame(notes, ['a@1000', 'c@1050'])
  machine.advance(100)
  t.strictSame(notes, ['a@1000', 'c@1050', 'b@1100'])
  machine.jumpWall(-HOUR_MS)
  t.equal(clock.nowMs() - startMs, 1100, 'its wall clock is its own by now')
})

t.test('a frozen clock is moved all the same', async (t) => {
  const { machine, clock } = open()
  const { notes, note } = recorder(clock)
  clock.setRate(0)
  clock.setTimer(note('a'), 10)
  await clock.advance(10)
  machine.advance(1000)
  t.strictSame(notes, ['a@10'])
  t.equal(clock.monotonicMs(), 1010)
})

t.test('timers that are long past due fire in order when time goes fast', async (t) => {
  const { machine, clock } = open()
  const names: string[] = []
  clock.setRate(CLOCK_RATE_MAX)
  for (const delayMs of [3, 1, 2]) clock.setTimer(() => names.push(String(delayMs)), delayMs)
  clock.setTimer(() => {
    clock.setTimer(() => names.push('again'), 0)
    names.push('0')
  }, 0)
  machine.advance(1)
  t.strictSame(names.slice(0, 1), ['0'])
  t.strictSame([...names].sort(), ['0', '1', '2', '3', 'again'])
})

t.test('it is set to a time to come, to the millisecond', async (t) => {
  const { clock } = open()
  const timeMs = Date.UTC(2027, 5, 1, 12, 0, 0, 123)
  await clock.set(timeMs)
  t.equal(clock.nowMs(), timeMs)
  await clock.set(timeMs)
  t.equal(clock.nowMs(), timeMs)
  await t.rejects(clock.set(timeMs - 1), { code: 'HW_CLOCK_BACKWARDS', statusCode: 409 })
  t.equal(clock.nowMs(), timeMs)
})

t.test('fractions of the machine’s clock do not make it late or go back', async (t) => {
  const { machine, clock } = open()
  machine.advance(0.7)
  const beforeMs = machine.nowMs()
  clock.setRate(0)
  t.ok(clock.nowMs() >= Math.floor(beforeMs))
  t.ok(Number.isInteger(clock.nowMs()))
  const timeMs = Date.UTC(2027, 5, 1)
  await clock.set(timeMs)
  t.equal(clock.nowMs(), timeMs)
})

t.test('what is no way forward is refused', async (t) => {
  const { clock } = open()
  await t.rejects(clock.advance(-1), { code: 'HW_CLOCK_BACKWARDS' })
  await t.rejects(clock.advance(Number.NaN), { code: 'HW_CLOCK_INVALID' })
  await t.rejects(clock.advance(Infinity), { code: 'HW_CLOCK_INVALID' })
  await t.rejects(clock.set(Number.NaN), { code: 'HW_CLOCK_INVALID' })
  await t.rejects(clock.set(-1e300), { code: 'HW_CLOCK_INVALID' })
  await t.rejects(clock.set(0), { code: 'HW_CLOCK_BACKWARDS' })
  for (const rate of [-1, CLOCK_RATE_MAX + 0.1, Number.NaN]) {
    t.throws(() => clock.setRate(rate), { code: 'HW_CLOCK_INVALID' })
  }
  t.ok(clock.state.isReal, 'nothing has been moved')
  await clock.advance(CLOCK_AHEAD_MS_MAX)
  await t.rejects(clock.advance(1), { code: 'HW_CLOCK_INVALID' })
})

t.test('a timer that comes again each time stops the move, not the server', async (t) => {
  const { clock } = open({ timersPerMoveMax: 100 })
  const tick = () => void clock.setTimer(tick, 1)
  tick()
  let turns = 0
  let isOver = false
  const others = (async () => {
    for (; !isOver; turns++) await new Promise((resolve) => setImmediate(resolve))
  })()
  t.equal((await clock.advance(100)).firedCount, 100, 'at the bound')
  await t.rejects(clock.advance(101), { code: 'HW_CLOCK_STOPPED', message: /100 timers/ })
  isOver = true
  await others
  t.ok(turns >= 10, 'everybody else had a turn now and then')
  t.equal(clock.monotonicMs(), 1200, 'it stands where it came to')
  t.equal((await clock.advance(1)).firedCount, 1, 'and goes on from there')
})

t.test('only so many moves wait', async (t) => {
  const { clock } = open()
  const moves = Array.from({ length: CLOCK_MOVES_MAX }, () => clock.advance(1))
  await t.rejects(clock.advance(1), { code: 'HW_CLOCK_BUSY' })
  await Promise.all(moves)
  t.equal(clock.monotonicMs(), 1000 + CLOCK_MOVES_MAX)
  await clock.advance(1)
})

t.test('a stop ends the move under way and refuses those behind it', async (t) => {
  const { clock } = open()
  clock.setTimer(() => clock.stop(), 10)
  clock.setTimer(() => t.fail('too late'), 20)
  const [first, second] = await Promise.allSettled([clock.advance(100), clock.advance(100)])
  t.match(first, { reason: { code: 'HW_CLOCK_STOPPED' } })
  t.match(second, { reason: { code: 'HW_CLOCK_STOPPED' } })
  t.equal(clock.monotonicMs(), 1010)
})

t.test('who listens is told of each change', async (t) => {
  const states: ClockState[] = []
  const { clock } = open({ onChange: (state) => states.push(state) })
  clock.setRate(1)
  t.equal(states.length, 0, 'that is no change')
  clock.setRate(2)
  await clock.advance(1000)
  t.strictSame(
    states.map(({ rate, nowMs, machineNowMs, isReal }) => [rate, nowMs - machineNowMs, isReal]),
    [
      [2, 0, false],
      [2, 1000, false],
    ],
  )
})

t.test('over the system’s clock it fires in real time', async (t) => {
  keepAlive(t)
  const clock = new VirtualClock(systemClock)
  const order: string[] = []
  await new Promise<void>((resolve) => {
    clock.setTimer(() => order.push('1'), 1)
    clock.setTimer(() => {
      order.push('5')
      resolve()
    }, 5)
    // What is never: node's own would fire at once.
    clock.setTimer(() => order.push('never'), 3e9)
  })
  t.strictSame(order, ['1', '5'])
})

t.test('the time of day of one clock, the intervals of another', async (t) => {
  const { machine, clock } = open()
  t.equal(withTimeOfDay(machine, machine), machine)
  const both = withTimeOfDay(clock, machine)
  await clock.advance(HOUR_MS)
  t.equal(both.nowMs(), clock.nowMs())
  t.equal(both.monotonicMs(), machine.monotonicMs())
  let firedCount = 0
  both.clearTimer(both.setTimer(() => firedCount++, 5))
  both.setTimer(() => firedCount++, 5)
  await clock.advance(HOUR_MS)
  t.equal(firedCount, 0)
  machine.advance(5)
  t.equal(firedCount, 1)
})
