import t from 'tap'
import type { Test } from 'tap'
import { parseDurationMs } from '../../../src/cli/durations.ts'
import { openOrigin } from '../../support/origin.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { cli, startCli } from '../cli-run.ts'

const HOUR_MS = 3_600_000

async function openRig(t: Test, enabled = true) {
  const machine = new ManualClock()
  const origin = await openOrigin(t, { rig: { enabled } }, { clock: machine })
  const env = { HEADWATER_ADMIN_URL: origin.adminUrl, HEADWATER_ADMIN_KEY: origin.keys.superUser }
  const run = (...argv: string[]) => cli(['clock', ...argv], { cwd: t.testdir({}), env })
  return { origin, machine, run }
}

t.test('the clock is shown, moved, set, frozen', async (t) => {
  const { origin, machine, run } = await openRig(t)
  const startMs = machine.nowMs()
  const iso = (ms: number) => new Date(ms).toISOString()
  t.equal((await run('show')).out, `${iso(startMs)}, as on the machine\n`)
  const advanced = await run('advance', '1h30m')
  t.equal(advanced.exitCode, 0, advanced.err)
  t.equal(advanced.out, `${iso(startMs + 1.5 * HOUR_MS)}, 5400 s ahead of the machine, rate 1\n`)
  t.match((await run('rate', '0')).out, ', frozen\n')
  t.match((await run('rate', '0.5')).out, ', rate 0.5\n')
  t.equal((await run('set', iso(startMs + 2 * HOUR_MS))).exitCode, 0)
  t.equal(origin.clock?.nowMs(), startMs + 2 * HOUR_MS)
  t.equal((await run('set', String(startMs + 3 * HOUR_MS))).exitCode, 0)
  const shown = await run('show', '--json')
  t.match(JSON.parse(shown.out), { aheadSeconds: 10_800, rate: 0.5, isReal: false })
  t.match(JSON.parse((await run('advance', '1s', '--json')).out), { firedCount: Number })
  machine.advance(4 * HOUR_MS)
  t.match((await run('show')).out, /s ahead|s behind/)
})

t.test('what is wrong is said, with exit code 2 where it is the command line', async (t) => {
  const { machine, run } = await openRig(t)
  for (const wrong of [
    ['advance', 'soon'],
    ['advance', '90'],
    ['advance'],
    ['rate', 'fast'],
    ['rate'],
    ['set'],
    ['show', 'all'],
  ]) {
    t.equal((await run(...wrong)).exitCode, 2, wrong.join(' '))
  }
  const past = await run('set', new Date(machine.nowMs() - 1000).toISOString())
  t.equal(past.exitCode, 1)
  t.match(past.err, /HW_CLOCK_BACKWARDS[\s\S]*forwards only/)
  t.match((await run('set', 'tomorrow')).err, /HW_CLOCK_INVALID/)
  t.match((await run('rate', '1001')).err, /HW_REQUEST_INVALID/)
})

t.test('without rig.enabled the words say what to do', async (t) => {
  const { run } = await openRig(t, false)
  t.match((await run('show')).err, /HW_RIG_DISABLED[\s\S]*--profile rig/)
})

t.test('durations, alone and several together', async (t) => {
  const cases: [string, number | undefined][] = [
    ['250ms', 250],
    ['1.5s', 1500],
    ['30m', 1_800_000],
    ['1h30m', 5_400_000],
    [' 7D ', 604_800_000],
    ['0s', 0],
    ['', undefined],
    ['10', undefined],
    ['1h 30m', undefined],
    ['-1h', undefined],
    ['1w', undefined],
    [`${'1s'.repeat(50)}`, 50_000],
    [`${'1s'.repeat(51)}`, undefined],
  ]
  for (const [text, ms] of cases) t.equal(parseDurationMs(text), ms, text)
})

t.test('the demo’s generator goes by it, and the terminal tells', async (t) => {
  const cwd = t.testdir({})
  const running = await startCli(
    t,
    ['demo', '--profile', 'rig', '--source', 'generator', '--port', '0', '--admin-port', '0'],
    { cwd, tty: true },
  )
  const run = (...argv: string[]) =>
    cli(argv, { cwd, env: { HEADWATER_DATA_DIR: '.headwater/demo' } })
  t.equal((await run('clock', 'rate', '0')).exitCode, 0)
  const itemCount = async () => {
    const { out } = await run('cache', 'show', 'live-origin', '--json')
    return Number(/"itemCount": ?(\d+)/.exec(out)?.[1] ?? 0)
  }
  const before = await itemCount()
  t.ok(before > 0)
  const advanced = await run('clock', 'advance', '20s', '--json')
  t.equal(advanced.exitCode, 0, advanced.err)
  // Three renditions, ten segments of two seconds.
  t.ok((await itemCount()) - before >= 27, 'each segment was pushed when it was due')
  t.match(running.out(), /clock.* it is .* for the origin, .* and stands/)
  t.equal(await running.stop(), 0)
})
