import t from 'tap'
import { Progress } from '../../../src/cli/archive/progress.ts'
import { ManualClock } from '../../support/manual-clock.ts'

for (const [isTTY, everyMs] of [
  [true, 200],
  [false, 10_000],
] as const) {
  t.test(`${isTTY ? 'a terminal' : 'a log'} is told every ${everyMs} ms`, async (t) => {
    const clock = new ManualClock()
    let text = ''
    const stderr = { isTTY, write: (more: string) => (text += more) }
    const progress = new Progress({ stderr, clock }, 'exported')
    progress.add(1024)
    clock.advance(everyMs - 1)
    progress.add(1024)
    t.equal(text, '')
    clock.advance(1)
    progress.add(1024)
    t.match(text, /^\r?3 objects exported, 3\.0 KiB/)
    t.equal(text.endsWith('\n'), !isTTY)
    text = ''
    progress.say('Done.')
    t.equal(text, isTTY ? `\r${' '.repeat(60)}\rDone.\n` : 'Done.\n')
    text = ''
    progress.say('Again.')
    t.equal(text, 'Again.\n')
  })
}
