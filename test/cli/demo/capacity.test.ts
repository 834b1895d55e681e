import t from 'tap'
import { hotStoreBytes } from '../../../src/cli/demo/capacity.ts'
import { runCapacityCommand } from '../../../src/cli/capacity-command.ts'

const MIB = 1024 * 1024
const guide = ['--bitrates', '2500,1500,750', '--segment-seconds', '2.5', '--window-seconds', '300']

function run(...argv: string[]) {
  let stdout = ''
  let stderr = ''
  const exitCode = runCapacityCommand({
    argv,
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
  })
  return { exitCode, stdout, stderr }
}

t.test("the guide's own example: 850, 500 and 250 KiB, about 200 MiB for 5 minutes", async (t) => {
  const capacity = hotStoreBytes({
    bitratesKbps: [2500, 1500, 750],
    segmentSeconds: 2.5,
    windowSeconds: 300,
  })
  const expectedKib = [850, 500, 250]
  for (const [index, { segmentBytes }] of capacity.renditions.entries()) {
    t.ok(Math.abs(segmentBytes / 1024 - (expectedKib[index] ?? 0)) < 15, `${segmentBytes} bytes`)
  }
  t.equal(capacity.segmentCount, 120)
  t.ok(capacity.totalBytes > 180 * MIB && capacity.totalBytes < 200 * MIB)
  t.equal(capacity.channelBytes, capacity.totalBytes)
})

t.test('a window that ends within a segment needs that segment whole', async (t) => {
  const capacity = hotStoreBytes({
    bitratesKbps: [8],
    segmentSeconds: 2,
    windowSeconds: 5,
    overhead: 1,
  })
  t.equal(capacity.segmentCount, 3)
  t.equal(capacity.totalBytes, 6000)
})

t.test('the command prints the sum and the setting', async (t) => {
  const { exitCode, stdout, stderr } = run(...guide)
  t.equal(exitCode, 0)
  t.equal(stderr, '')
  t.match(stdout, '2500 kbit/s')
  t.match(stdout, '839 KiB')
  t.match(stdout, '120 segments of 2.5 s: 186.9 MiB of hot store')
  t.match(stdout, `--hot-store-size-bytes-max ${187 * MIB}`)
})

t.test('channels multiply', async (t) => {
  const { stdout } = run(...guide, '--channels', '3')
  t.match(stdout, '3 channels of 186.9 MiB each')
  t.match(stdout, '560.6 MiB of hot store')
})

t.test('--json prints one document', async (t) => {
  const { exitCode, stdout } = run(...guide, '--json', '--channels', '2')
  t.equal(exitCode, 0)
  t.match(JSON.parse(stdout), { channelCount: 2, segmentCount: 120, totalBytes: 391_875_120 })
})

t.test('--help is not an error', async (t) => {
  const { exitCode, stdout } = run('--help')
  t.equal(exitCode, 0)
  t.match(stdout, 'Usage: headwater capacity')
})

t.test('a wrong command line names every problem and exits with 2', async (t) => {
  const rows: [argv: string[], problems: (string | RegExp)[]][] = [
    [[], ['--bitrates is missing', '--segment-seconds is missing', '--window-seconds is missing']],
    [['--bitrates', '2500,,750', ...guide.slice(2)], ['"2500,,750" is not a list of positive']],
    [['--bitrates', '1e3', ...guide.slice(2)], ['"1e3" is not a list']],
    [['--bitrates', '0', ...guide.slice(2)], ['"0" is not a list']],
    [
      [...guide.slice(0, 2), '--segment-seconds', '-1', '--window-seconds', 'x'],
      [/segment-seconds/],
    ],
    [[...guide.slice(0, 4), '--window-seconds', 'x'], ['--window-seconds "x" is not a positive']],
    [[...guide.slice(0, 4), '--window-seconds', '2'], ['--window-seconds 2 is shorter than one']],
    [[...guide, '--channels', '1.5'], ['--channels "1.5" is not a positive whole number']],
    [[...guide, '--channels', 'x'], ['--channels "x" is not']],
    [[...guide, '--nonsense'], ['--nonsense']],
  ]
  for (const [argv, problems] of rows) {
    const { exitCode, stdout, stderr } = run(...argv)
    t.equal(exitCode, 2, argv.join(' '))
    t.equal(stdout, '')
    for (const problem of problems) t.match(stderr, problem)
    t.match(stderr, 'Usage:')
  }
})
