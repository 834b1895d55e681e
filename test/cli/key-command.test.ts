import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { closeIdleConnections, http } from '../support/http.ts'
import { cli, readyLine, startCli } from './cli-run.ts'
import type { CliResult, CliRunOptions } from './cli-run.ts'

t.teardown(() => closeIdleConnections())

const FREE_PORTS = ['--port', '0', '--admin-port', '0']
const SECRET = 'an-opaque-secret-of-an-encoder'

interface Place {
  readonly cwd: string
  readonly url: string
  readonly key: (argv: readonly string[], options?: Partial<CliRunOptions>) => Promise<CliResult>
}

/** A data directory after its first start, with the server running or stopped again. */
async function openPlace(t: Test, isRunning: boolean): Promise<Place> {
  const cwd = t.testdir()
  const server = await startCli(t, FREE_PORTS, { cwd })
  const url = readyLine(server.out())['dataPlaneUrl'] ?? ''
  if (!isRunning) await server.stop()
  return { cwd, url, key: (argv, options) => cli(['key', ...argv], { cwd, ...options }) }
}

const READER = ['--cache', 'live-origin', '--role', 'readonly']

for (const [name, isRunning] of [
  ['with a server', true],
  ['without one', false],
] as const) {
  t.test(`${name}: create --json is a momento_key_info.json`, async (t) => {
    const { key } = await openPlace(t, isRunning)
    const { exitCode, out } = await key(['create', ...READER, '--expires-in', '30d', '--json'])
    t.equal(exitCode, 0)
    const info = JSON.parse(out) as Record<string, unknown> // Checked below.
    t.strictSame(Object.keys(info).sort(), ['apiKey', 'refreshToken', 'restEndpoint', 'validUntil'])
    const validSeconds = Number(info['validUntil']) - Date.now() / 1000
    t.ok(Math.abs(validSeconds - 30 * 86_400) < 60)
  })

  t.test(`${name}: refresh, and revoke whatever is presented`, async (t) => {
    const { cwd, key } = await openPlace(t, isRunning)
    const made = await key(['create', ...READER, '--expires-in', '30d', '--json'])
    writeFileSync(join(cwd, 'old.json'), made.out)
    const refreshed = await key(['refresh', 'old.json'])
    t.equal(refreshed.exitCode, 0, refreshed.err)
    writeFileSync(join(cwd, 'new.json'), refreshed.out)
    t.match(await key(['revoke', '--credential', '--from-file', 'new.json']), {
      exitCode: 0,
      out: /^key-[0-9a-f]{16} is revoked\.$/m,
    })
    const dead = await key(['refresh', 'new.json'])
    t.match(dead, { exitCode: 1, err: /its key is revoked/ })
    const env = { OLD: (JSON.parse(made.out) as { apiKey: string }).apiKey } // As the first test has it.
    t.equal((await key(['revoke', '--credential-env', 'OLD', '--json'], { env })).exitCode, 0)
    t.match((await key(['refresh', 'old.json'])).err, 'its key is revoked')
    t.match((await key(['revoke', 'lost', '--unknown'])).out, 'lost is revoked.')
    t.match((await key(['revoke', 'disposable:', '--unknown'])).out, 'disposable: is revoked.')
    t.equal((await key(['revoke', 'lost'])).exitCode, 1, 'a typing error is none without the flag')
    t.equal((await key(['revoke', '--credential', '--unknown'])).exitCode, 2)
    t.equal((await key(['revoke', '--unknown'])).exitCode, 2)
    t.match((await key(['refresh', 'nothing.json'])).err, 'cannot be read')
    writeFileSync(join(cwd, 'odd.json'), '{"apiKey":"x"}')
    t.match((await key(['refresh', 'odd.json'])).err, 'has no refreshToken')
  })

  t.test(`${name}: list, show and revoke`, async (t) => {
    const { key } = await openPlace(t, isRunning)
    await key(['create', ...READER, '--id', 'cdn', '--key-prefix', '/Movie/', '--description', 'D'])
    const list = await key(['list'])
    t.match(list.out, /^KEY ID +ALLOWS +VALID +KIND +DESCRIPTION$/m)
    t.match(
      list.out,
      /^cdn +readonly on live-origin \(prefix \/Movie\/\) +never expires +minted +D$/m,
    )
    t.match(list.out, /super-user +never expires/)
    t.notMatch(list.out, /eyJ/)
    t.match((await key(['show', 'cdn'])).out, /^allows +readonly on live-origin/m)
    const shown: unknown = JSON.parse((await key(['show', 'cdn', '--json'])).out)
    t.match(shown, { key: { keyId: 'cdn', expiresAt: null } })
    t.match((await key(['revoke', 'cdn'])).out, 'Key cdn is revoked')
    t.match((await key(['list'])).out, /^cdn .*revoked \d{4}-\d\d-\d\d/m)
    const missing = await key(['revoke', 'nobody'])
    t.equal(missing.exitCode, 1)
    t.match(missing.err, 'HW_KEY_NOT_FOUND')
  })

  t.test(`${name}: import reads the secret from stdin, never shows it`, async (t) => {
    const { key } = await openPlace(t, isRunning)
    const argv = ['import', '--cache', 'live-origin', '--role', 'readwrite', '--id', 'enc']
    const imported = await key(argv, { stdin: `${SECRET}\n` })
    t.equal(imported.exitCode, 0, imported.err)
    t.match(imported.out, 'Key enc is accepted: readwrite on live-origin')
    t.notMatch(imported.out + imported.err + (await key(['list', '--json'])).out, SECRET)
    const again = await key(argv, { stdin: SECRET })
    t.equal(again.exitCode, 1)
    t.match(again.err, 'HW_KEY_EXISTS')
  })
}

t.test(
  'a key that was made while the server runs opens the cache, until it is revoked',
  async (t) => {
    const { key, url } = await openPlace(t, true)
    const argv = ['create', '--cache', 'live-origin', '--role', 'readwrite', '--id', 'enc']
    const { out, err } = await key(argv)
    t.match(out, /^eyJ\S+\n$/, 'the key alone, for $(…)')
    t.match(err, 'It is shown this once')
    const put = () =>
      http(`${url}/cache/live-origin/a.ts`, {
        method: 'PUT',
        headers: { authorization: out.trim() },
        body: 'x',
      })
    t.equal((await put()).status, 204)
    await key(['revoke', 'enc'])
    t.equal((await put()).status, 401)
  },
)

t.test('an imported secret, from a file, a variable or a person', async (t) => {
  const { key, cwd } = await openPlace(t, false)
  const grant = ['import', '--all-caches', '--role', 'readonly']
  writeFileSync(join(cwd, 'info.json'), JSON.stringify({ apiKey: `${SECRET}-1` }))
  writeFileSync(join(cwd, 'plain.txt'), `${SECRET}-2\n`)
  writeFileSync(join(cwd, 'bad.json'), `{"x":"${SECRET}"`)
  t.equal((await key([...grant, '--from-file', 'info.json'])).exitCode, 0)
  t.match((await key([...grant, '--from-file', 'info.json'])).err, 'HW_KEY_EXISTS')
  t.equal((await key([...grant, '--from-file', 'plain.txt'])).exitCode, 0)
  const bad = await key([...grant, '--from-file', 'bad.json'])
  t.equal(bad.exitCode, 2)
  t.notMatch(bad.err, SECRET)
  t.equal((await key([...grant, '--from-file', 'none.txt'])).exitCode, 2)
  const env = { ENCODER_SECRET: `${SECRET}-3` }
  t.equal((await key([...grant, '--credential-env', 'ENCODER_SECRET'], { env })).exitCode, 0)
  t.equal((await key([...grant, '--credential-env', 'NOT_SET'])).exitCode, 2)
  t.equal((await key([...grant, '--credential-env', 'A', '--from-file', 'B'])).exitCode, 2)
  const asked = await key([...grant, '--json'], { tty: true, answers: [`${SECRET}-4`] })
  t.equal(asked.exitCode, 0)
  t.match(asked.asked[0], 'not shown')
  t.equal((await key(grant, { stdin: '  \n' })).exitCode, 2)
  t.equal((await key(grant, { stdin: 'x'.repeat(65_537) })).exitCode, 2)
})

t.test('grant flags that do not fit together: exit 2, all of them', async (t) => {
  const { key } = await openPlace(t, false)
  const nothing = await key(['create'])
  t.equal(nothing.exitCode, 2)
  t.match(nothing.err, 'say what it is for')
  t.match(nothing.err, 'say what it may do')
  t.match((await key(['create', '--super-user', '--cache', 'a'])).err, 'allows everything')
  t.match(
    (await key(['create', '--cache', 'a', '--all-caches', '--role', 'raedonly'])).err,
    /must be one of .*did you mean readonly.*\n.*|exclude each other/,
  )
  t.match((await key(['create', ...READER, '--key', 'a', '--key-prefix', 'b'])).err, 'exclude')
  for (const time of ['3w', '0s', '-1d', '30', '99999d', '']) {
    t.equal((await key(['create', ...READER, '--expires-in', time])).exitCode, 2, time)
  }
  t.equal((await key(['create', '--super-user', '--expires-in', 'never'])).exitCode, 0)
})

t.test('a key for a cache that is not there: made, with a warning', async (t) => {
  const { key } = await openPlace(t, false)
  const { exitCode, err } = await key(['create', '--cache', 'nope', '--role', 'readonly'])
  t.equal(exitCode, 0)
  t.match(err, 'headwater cache create nope')
})

t.test('an explicit admin URL must answer', async (t) => {
  const { key, cwd } = await openPlace(t, true)
  const info: unknown = JSON.parse(readFileSync(join(cwd, '.headwater/server.json'), 'utf8'))
  const { adminUrl, dataPlaneUrl } = info as { adminUrl: string; dataPlaneUrl: string }
  t.equal((await key(['list', '--admin-url', `${adminUrl}/`])).exitCode, 0)
  const env = { HEADWATER_ADMIN_URL: 'http://127.0.0.1:1' }
  const refused = await key(['list'], { env })
  t.equal(refused.exitCode, 1)
  t.match(refused.err, 'HW_CLI_SERVER_UNREACHABLE')
  const wrongPlane = await key(['list', '--admin-url', dataPlaneUrl])
  t.equal(wrongPlane.exitCode, 1)
  t.equal((await key(['list', '--admin-url', 'localhost:8081'])).exitCode, 2)
  const wrongKey = await key(['list'], { env: { HEADWATER_ADMIN_KEY: 'wrong-wrong' } })
  t.equal(wrongKey.exitCode, 1)
  t.match(wrongKey.err, 'Set HEADWATER_ADMIN_KEY')
  const elsewhere = await key(['list', '--admin-url', adminUrl], { cwd: t.testdir({ x: {} }) })
  t.match(elsewhere.err, 'HW_ADMIN_UNAUTHORIZED')
})

t.test('a stale server.json is no server: the directory is worked on itself', async (t) => {
  const { key, cwd } = await openPlace(t, false)
  const stale = (pid: number) =>
    writeFileSync(
      join(cwd, '.headwater/server.json'),
      JSON.stringify({
        pid,
        ...{ dataPlaneUrl: 'http://127.0.0.1:1', adminUrl: 'http://127.0.0.1:1' },
        ...{ publicUrl: 'http://127.0.0.1:1', startedAt: 'x', version: '0' },
      }),
    )
  stale(process.pid)
  t.equal((await key(['list'])).exitCode, 0, 'its process id went to another one')
  stale(2 ** 22 + 1)
  t.equal((await key(['list'])).exitCode, 0, 'its process is gone')
  writeFileSync(join(cwd, '.headwater/server.json'), '{"half')
  t.equal((await key(['list'])).exitCode, 0, 'it is cut')
})

t.test('another server on the old port is not taken for this one', async (t) => {
  const place = await openPlace(t, false)
  const other = await startCli(t, [...FREE_PORTS, '--data-dir', 'other'], { cwd: place.cwd })
  const { adminUrl } = readyLine(other.out())
  writeFileSync(
    join(place.cwd, '.headwater/server.json'),
    JSON.stringify({
      pid: process.ppid,
      ...{ dataPlaneUrl: '', adminUrl, publicUrl: '', startedAt: '', version: '' },
    }),
  )
  const { err } = await place.key(['list'])
  // It refuses our key: better words than about a lock that nobody holds.
  t.match(err, /HW_ADMIN_UNAUTHORIZED|^$/)
})

t.test('while another process owns the directory and has no server: who it is', async (t) => {
  const { key, cwd } = await openPlace(t, true)
  writeFileSync(join(cwd, '.headwater/server.json'), '{}')
  const { exitCode, err } = await key(['list'])
  t.equal(exitCode, 1)
  t.match(err, 'HW_DATA_DIR_LOCKED')
})
