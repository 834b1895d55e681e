import t from 'tap'
import { VERSION } from '../../src/base/version.ts'
import { cli } from './cli-run.ts'

const COMMANDS = ['serve', 'demo', 'key', 'cache', 'config', 'capacity', 'version']

t.test('--help lists every command, with exit codes and first steps', async (t) => {
  for (const argv of [['--help'], ['-h'], ['help']]) {
    const { exitCode, out, err } = await cli(argv, { cwd: t.testdirName })
    t.equal(exitCode, 0)
    t.equal(err, '')
    for (const name of COMMANDS) t.match(out, new RegExp(`^  ${name} +\\S`, 'm'))
    t.match(out, /Exit codes: 0 clean, 1 failure, 2/)
  }
})

t.test('every command has help, by flag and by name', async (t) => {
  const cwd = t.testdirName
  for (const name of COMMANDS) {
    const byFlag = await cli([name, '--help'], { cwd })
    t.equal(byFlag.exitCode, 0, name)
    t.match(byFlag.out, /^Usage: headwater /)
    t.equal((await cli(['help', name], { cwd })).exitCode, 0)
  }
  const subcommands = {
    key: ['create', 'import', 'list', 'show', 'revoke'],
    cache: ['create', 'list', 'show', 'set', 'flush', 'delete'],
  }
  for (const [group, names] of Object.entries(subcommands)) {
    for (const name of names) {
      const { exitCode, out } = await cli([group, name, '-h'], { cwd })
      t.equal(exitCode, 0)
      t.match(out, new RegExp(`^Usage: headwater ${group} ${name}`))
      t.equal((await cli(['help', group, name], { cwd })).out, out)
    }
  }
})

t.test('help fits a terminal of 100 columns', async (t) => {
  const cwd = t.testdirName
  for (const argv of [
    [],
    ['serve'],
    ['demo'],
    ['key', 'create'],
    ['key', 'import'],
    ['cache', 'set'],
  ]) {
    const { out } = await cli(['help', ...argv], { cwd })
    for (const line of out.split('\n')) t.ok(line.length <= 100, `${line.length}: ${line}`)
  }
})

t.test('an unknown command: the closest one, exit 2', async (t) => {
  const cwd = t.testdirName
  const command = await cli(['sevre'], { cwd })
  t.equal(command.exitCode, 2)
  t.match(command.err, 'There is no command "sevre"; did you mean serve?')
  const subcommand = await cli(['key', 'creat'], { cwd })
  t.equal(subcommand.exitCode, 2)
  t.match(subcommand.err, 'did you mean key create?')
  t.match(
    (await cli(['help', 'nonsense-word'], { cwd })).err,
    'There is no command "nonsense-word".',
  )
  t.equal((await cli(['constructor'], { cwd })).exitCode, 2)
  t.equal((await cli(['key', 'constructor'], { cwd })).exitCode, 2)
})

t.test('a group without a command: its commands on stderr, exit 2', async (t) => {
  const { exitCode, out, err } = await cli(['cache'], { cwd: t.testdirName })
  t.equal(exitCode, 2)
  t.equal(out, '')
  t.match(err, /flush +remove all items/)
  t.equal((await cli(['cache', '--help'], { cwd: t.testdirName })).exitCode, 0)
})

t.test('an unknown flag or a word too many: exit 2, before anything is touched', async (t) => {
  const cwd = t.testdir()
  for (const argv of [
    ['--prot', '1'],
    ['serve', '--prot'],
    ['key', 'list', '--nope'],
  ]) {
    const { exitCode, err } = await cli(argv, { cwd })
    t.equal(exitCode, 2)
    t.match(err, 'HW_CLI_USAGE')
  }
  t.match((await cli(['serve', 'now'], { cwd })).err, 'a word too many: "now"')
  t.match((await cli(['key', 'show'], { cwd })).err, '<key id> is missing')
})

t.test('wrong settings: exit 1, each one named', async (t) => {
  const { exitCode, err } = await cli(['serve', '--port', '70000', '--admin-port', 'x'], {
    cwd: t.testdir(),
  })
  t.equal(exitCode, 1)
  t.match(err, 'HW_CONFIG_INVALID: The configuration has 2 problems.')
  t.match(err, /^ {2}http\.port = 70000 \(flag --port\)/m)
})

t.test('--json: an error is one document on stdout, its words on stderr', async (t) => {
  const { exitCode, out, err } = await cli(['key', 'list', '--json'], { cwd: t.testdir() })
  t.equal(exitCode, 1)
  t.match(JSON.parse(out), { error: { code: 'HW_DATA_DIR_UNUSABLE', message: String } })
  t.match(err, /^HW_DATA_DIR_UNUSABLE: There is no data directory/)
})

t.test('version, in words and as JSON', async (t) => {
  const cwd = t.testdirName
  for (const argv of [['version'], ['--version'], ['-V']]) {
    t.equal((await cli(argv, { cwd })).out, `${VERSION}\n`)
  }
  const { out } = await cli(['version', '--json'], { cwd })
  t.strictSame(JSON.parse(out), { version: VERSION })
})

t.test('config and capacity run with their own arguments', async (t) => {
  const cwd = t.testdir()
  t.match((await cli(['config', 'http.port'], { cwd })).out, /^http\.port +8080 +default$/m)
  const capacity = await cli(
    ['capacity', '--bitrates', '2500', '--segment-seconds', '2', '--window-seconds', '60'],
    { cwd },
  )
  t.equal(capacity.exitCode, 0)
  t.match(capacity.out, 'of hot store')
})
