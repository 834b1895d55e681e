import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { runConfigCommand } from '../../src/cli/config-command.ts'
import { loadConfig } from '../../src/cli/load-config.ts'

const SECRET = 'hunter2-hunter2-hunter2-hunter2-hunter2'

async function run(argv: string[], cwd: string, env: Record<string, string> = {}) {
  let out = ''
  let err = ''
  const exitCode = await runConfigCommand({
    argv,
    env,
    cwd,
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
  })
  return { exitCode, out, err }
}

t.test('effective values with their sources', async (t) => {
  const cwd = t.testdir({ 'headwater.config.json': '{"http":{"port":9000}}' })
  const { exitCode, out, err } = await run(['--host', '127.0.0.1'], cwd, {
    HEADWATER_LOG_LEVEL: 'debug',
    HEADWATER_X: '1',
  })
  t.equal(exitCode, 0)
  t.match(out, /^http\.port +9000 +file headwater\.config\.json$/m)
  t.match(out, /^http\.host +127\.0\.0\.1 +flag --host$/m)
  t.match(out, /^log\.level +debug +env HEADWATER_LOG_LEVEL$/m)
  t.match(out, /^http\.publicUrl +"" +default$/m)
  t.match(out, /^caches\.items +\[\] +default$/m)
  t.equal(err, 'warning: env HEADWATER_X: no such setting, ignored\n')
})

t.test('--json prints one document', async (t) => {
  const { out } = await run(['--json', 'http.port', 'log'], t.testdir())
  t.strictSame(JSON.parse(out), {
    settings: {
      'http.port': { value: 8080, source: 'default' },
      'log.level': { value: 'info', source: 'default' },
    },
    warnings: [],
  })
})

t.test('a secret is shown as set or not set', async (t) => {
  const cwd = t.testdir({ 'key.txt': `${SECRET}\n` })
  const env = { HEADWATER_AUTH_SIGNING_KEY_FILE: 'key.txt' }
  const plain = await run(['auth.signingKey'], cwd, env)
  const json = await run(['auth', '--json'], cwd, env)
  t.match(plain.out, '(set)')
  t.match(plain.out, 'env HEADWATER_AUTH_SIGNING_KEY_FILE')
  t.notMatch(plain.out + plain.err + json.out + json.err, SECRET)
  t.match((await run(['auth.signingKey'], cwd)).out, '(not set)')
})

t.test('wrong settings: all of them, exit 1', async (t) => {
  const cwd = t.testdir({ 'headwater.config.json': '{"http":{"port":"x"},"nonsense":1}' })
  const plain = await run(['--bogus'], cwd)
  t.equal(plain.exitCode, 1)
  t.equal(plain.out, '')
  t.match(plain.err, /^HW_CONFIG_INVALID: The configuration has 3 problems\.\n {2}--bogus/)
  const json = await run(['--json'], cwd)
  t.equal(json.exitCode, 1)
  const { error } = JSON.parse(json.out) as { error: { code: string; problems: string[] } }
  t.equal(error.code, 'HW_CONFIG_INVALID')
  t.equal(error.problems.length, 2)
})

t.test('a wrong command line is exit 2', async (t) => {
  const cwd = t.testdir()
  t.equal((await run(['--bogus'], cwd)).exitCode, 2)
  const unknown = await run(['htpp', ''], cwd)
  t.equal(unknown.exitCode, 2)
  t.match(unknown.err, 'htpp: no such setting; did you mean http?')
})

t.test('--help prints the flags', async (t) => {
  for (const flag of ['--help', '-h']) {
    const { exitCode, out } = await run([flag], t.testdir())
    t.equal(exitCode, 0)
    t.match(out, '--hot-store-size-bytes-max BYTES')
  }
})

t.test('the file: --config, then HEADWATER_CONFIG, then the working directory', async (t) => {
  const cwd = t.testdir({
    'a.json': '{"http":{"port":1}}',
    'b.json': '{"http":{"port":2}}',
    'headwater.config.json': '{"http":{"port":3}}',
  })
  const load = (argv: string[], env = {}) => loadConfig({ argv, env, cwd, own: {} })
  const env = { HEADWATER_CONFIG: join(cwd, 'b.json') }
  t.equal(load(['--config', 'a.json'], env).config.http.port, 1)
  t.equal(load([], env).config.http.port, 2)
  t.equal(load([], { HEADWATER_CONFIG: '' }).config.http.port, 3)
  t.equal(load([]).configFile, 'headwater.config.json')
  t.equal(loadConfig({ argv: [], env: {}, cwd: t.testdir(), own: {} }).configFile, undefined)
})

t.test('a named file that is missing, a folder or huge is a problem', async (t) => {
  const cwd = t.testdir({ folder: {} })
  writeFileSync(join(cwd, 'huge.json'), ' '.repeat(1_048_577))
  for (const name of ['missing.json', 'folder', 'huge.json']) {
    const { exitCode, err } = await run([`--config=${name}`], cwd)
    t.not(exitCode, 0, name)
    t.match(err, `file ${name} (flag --config):`)
  }
  const { err } = await run([], cwd, { HEADWATER_CONFIG: 'missing.json' })
  t.match(err, 'file missing.json (env HEADWATER_CONFIG): cannot be read')
})

t.test('own flags, words and overrides of a command', async (t) => {
  const { own, positionals, config, sources } = loadConfig({
    argv: ['create', '--cache', 'live', '--config', 'c.json', '--port=1'],
    env: {},
    cwd: t.testdir({ 'c.json': '{}' }),
    own: { cache: 'string' },
    overrides: { http: { port: 0 } },
  })
  t.strictSame(own, { cache: 'live' })
  t.strictSame(positionals, ['create'])
  t.equal(config.http.port, 0)
  t.equal(sources.get('http.port'), 'option')
})
