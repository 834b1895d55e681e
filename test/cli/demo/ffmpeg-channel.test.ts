import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import type { ChildProcess } from 'node:child_process'
import t from 'tap'
import type { Test } from 'tap'
import { FfmpegChannel } from '../../../src/cli/demo/ffmpeg-channel.ts'
import { ManualClock } from '../../support/manual-clock.ts'

/** A process that ends when the test says so, or at a signal. */
class FakeProcess extends EventEmitter {
  readonly stderr = new PassThrough()
  readonly signals: string[] = []
  ignoresSigterm = false

  kill(signal: string): boolean {
    this.signals.push(signal)
    if (signal === 'SIGKILL' || !this.ignoresSigterm) this.emit('close', null, signal)
    return true
  }
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

function start(t: Test) {
  const clock = new ManualClock()
  const processes: FakeProcess[] = []
  const lines: string[] = []
  const channel = new FfmpegChannel({
    args: ['-i', 'x'],
    playlistKey: 'demo/playlist.m3u8',
    clock,
    encoderKey: 'SECRET.KEY',
    onProgress: (line) => lines.push(line),
    spawnProcess: () => {
      const child = new FakeProcess()
      processes.push(child)
      // The channel uses stderr, kill and two events of a ChildProcess; the fake has those.
      return child as unknown as ChildProcess
    },
  })
  t.teardown(() => channel.close())
  channel.start()
  return { clock, processes, lines, channel }
}

t.test('ffmpeg that exits is started again, its last words told without the key', async (t) => {
  const { clock, processes, lines, channel } = start(t)
  processes[0]?.stderr.write('first\nPUT failed Authorization: SECRET.KEY ?token=abc\n')
  await settle()
  processes[0]?.emit('close', 1, null)
  t.equal(processes.length, 1)
  t.equal(lines.length, 1)
  t.match(lines[0], 'ffmpeg (demo/playlist.m3u8) ended with exit code 1; again in 1 s.')
  t.match(lines[0], '  PUT failed')
  t.notMatch(lines[0], /SECRET|abc/)
  t.equal(channel.quickExitCount, 1)
  clock.advance(1000)
  t.equal(processes.length, 2)
})

t.test('only the last lines are kept', async (t) => {
  const { processes, channel } = start(t)
  processes[0]?.stderr.write(Array.from({ length: 20 }, (_, index) => `line ${index}`).join('\n'))
  await settle()
  t.equal(channel.lastWords.split('\n').length, 8)
  t.match(channel.lastWords, /line 19$/)
})

t.test('the delay doubles up to 10 s and starts again after a long run', async (t) => {
  const { clock, processes, lines } = start(t)
  for (const delaySeconds of [1, 2, 4, 8, 10, 10]) {
    processes.at(-1)?.emit('close', 1, null)
    t.match(lines.at(-1), `again in ${delaySeconds} s`)
    const count = processes.length
    clock.advance(delaySeconds * 1000 - 1)
    t.equal(processes.length, count)
    clock.advance(1)
    t.equal(processes.length, count + 1)
  }
  clock.advance(30_000)
  processes.at(-1)?.emit('close', null, 'SIGSEGV')
  t.match(lines.at(-1), 'ended with SIGSEGV; again in 1 s.')
})

t.test('ffmpeg that cannot be started is told once', async (t) => {
  const { processes, lines } = start(t)
  processes[0]?.emit('error', new Error('spawn ffmpeg ENOENT'))
  processes[0]?.emit('close', -2, null)
  t.equal(lines.length, 1)
  t.match(lines[0], 'could not be started: spawn ffmpeg ENOENT')
})

t.test('closing ends the process by SIGTERM and restarts nothing', async (t) => {
  const { clock, processes, lines, channel } = start(t)
  await channel.close()
  t.same(processes[0]?.signals, ['SIGTERM'])
  clock.advance(60_000)
  t.equal(processes.length, 1)
  t.same(lines, [])
  t.equal(clock.timerCount, 0)
})

t.test('closing kills what does not end within 3 s', async (t) => {
  const { clock, processes, channel } = start(t)
  const [child] = processes
  if (child === undefined) throw new Error('no process')
  child.ignoresSigterm = true
  const closing = channel.close()
  clock.advance(2999)
  t.same(child.signals, ['SIGTERM'])
  clock.advance(1)
  await closing
  t.same(child.signals, ['SIGTERM', 'SIGKILL'])
})

t.test('closing while it waits to start again', async (t) => {
  const { clock, processes, channel } = start(t)
  processes[0]?.emit('close', 1, null)
  await channel.close()
  clock.advance(60_000)
  t.equal(processes.length, 1)
  channel.start()
  t.equal(processes.length, 1, 'a closed channel stays closed')
})

t.test('a real process is started and ended', async (t) => {
  const lines: string[] = []
  const channel = new FfmpegChannel({
    args: [],
    playlistKey: 'p',
    clock: new ManualClock(),
    encoderKey: 'SECRET.KEY',
    // Node takes no `-hide_banner`: it says so and exits.
    command: process.execPath,
    onProgress: (line) => lines.push(line),
  })
  t.teardown(() => channel.close())
  await new Promise<void>((resolve) => {
    const check = () => (lines.length > 0 ? resolve() : setTimeout(check, 10))
    channel.start()
    check()
  })
  t.match(lines[0], /ended with exit code 9; again in 1 s\.[^]*bad option/)
})
