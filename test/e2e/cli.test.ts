import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { canInheritSockets, openListeningSocket } from '../support/listening-parent.ts'
import { installCertificate } from '../support/tls.ts'
import { runMain, serveMain } from './spawn-cli.ts'

const FREE_PORTS = ['--port', '0', '--admin-port', '0']
const hasSignals = process.platform !== 'win32'

// Some twenty processes, one after the other, on machines that have other things to do.
t.setTimeout(180_000)

t.test('the first line of stdout is the ready line, all else goes to stderr', async (t) => {
  const cwd = t.testdir()
  const server = await serveMain(t, ['serve', ...FREE_PORTS], { cwd })
  const { ready } = server
  t.match(ready, { event: 'ready', dataPlaneUrl: /^http:/, adminUrl: /^http:/ })
  const answer = await fetch(`${ready['dataPlaneUrl']}/health/ready`)
  t.equal(answer.status, 200)
  if (hasSignals) t.equal(await server.end('SIGTERM'), 0)
  t.equal(server.texts().out.trim().split('\n').length, 1)
  for (const line of server.texts().err.trim().split('\n')) t.match(JSON.parse(line), { msg: /./ })
  t.notMatch(server.texts().out + server.texts().err, 'eyJ')
})

t.test('SIGINT and SIGTERM end it cleanly', { skip: !hasSignals }, async (t) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const cwd = t.testdir()
    const server = await serveMain(t, FREE_PORTS, { cwd })
    t.equal(await server.end(signal), 0)
    t.notOk(readdirSync(join(cwd, '.headwater')).includes('server.json'))
  }
})

t.test(
  'SIGHUP reads the certificate again; SIGUSR2 ends nothing',
  { skip: !hasSignals },
  async (t) => {
    const cwd = t.testdir()
    const { certFile, keyFile } = await installCertificate(cwd, 'first')
    const files = ['--http-tls-cert-file', certFile, '--http-tls-key-file', keyFile]
    const argv = [...FREE_PORTS, '--http-tls-port', '0', ...files]
    const server = await serveMain(t, argv, { cwd })
    t.match(server.ready['tlsUrl'], /^https:/)
    const { child } = server
    child.kill('SIGUSR2')
    await installCertificate(cwd, 'second')
    child.kill('SIGHUP')
    await server.said('certificate reloaded')
    writeFileSync(certFile, 'no certificate')
    child.kill('SIGHUP')
    await server.said('certificate not reloaded')
    t.equal((await fetch(`${server.ready['dataPlaneUrl']}/health/ready`)).status, 200)
    t.equal(await server.end('SIGTERM'), 0)
  },
)

t.test('a socket of a supervisor is used', { skip: !canInheritSockets }, async (t) => {
  const socket = openListeningSocket()
  t.teardown(() => socket.close())
  const argv = ['--admin-port', '0']
  const server = await serveMain(t, argv, { cwd: t.testdir(), inheritedFd: socket.fd })
  t.equal(server.ready['dataPlaneUrl'], socket.url)
  t.equal((await fetch(`${socket.url}/health/ready`)).status, 200)
  t.equal(await server.end('SIGTERM'), 0)
})

t.test('a reader that hangs up does not end it', async (t) => {
  const server = await serveMain(t, FREE_PORTS, { cwd: t.testdir() })
  server.child.stdout.destroy()
  server.child.stderr.destroy()
  const url = `${server.ready['dataPlaneUrl']}/cache/live-origin/a.ts`
  for (let index = 0; index < 3; index++)
    t.equal((await fetch(url, { method: 'PUT', body: 'x' })).status, 401)
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.equal(server.child.exitCode, null)
})

t.test('the next start reuses keys, and a killed server leaves nothing in the way', async (t) => {
  const cwd = t.testdir()
  const first = await serveMain(t, FREE_PORTS, { cwd })
  const key = readFileSync(join(cwd, '.headwater/encoder-key.json'), 'utf8')
  await first.end('SIGKILL')
  t.equal((await runMain(['key', 'list'], { cwd })).exitCode, 0, 'its server.json is stale')
  const second = await serveMain(t, FREE_PORTS, { cwd })
  t.equal(readFileSync(join(cwd, '.headwater/encoder-key.json'), 'utf8'), key)
  const { apiKey } = JSON.parse(key) as { apiKey: string } // The file's shape is part of the contract.
  const answer = await fetch(`${second.ready['dataPlaneUrl']}/cache/live-origin/a.ts`, {
    method: 'PUT',
    headers: { authorization: apiKey },
    body: 'x',
  })
  t.equal(answer.status, 204)
})

t.test('one process owns a data directory: the second is told who the first is', async (t) => {
  const cwd = t.testdir()
  const server = await serveMain(t, FREE_PORTS, { cwd })
  const { exitCode, err, out } = await runMain(FREE_PORTS, { cwd })
  t.equal(exitCode, 1)
  t.match(err, `process ${server.child.pid}`)
  t.equal(out, '')
})

t.test('a taken port', async (t) => {
  const cwd = t.testdir()
  const server = await serveMain(t, FREE_PORTS, { cwd })
  const port = new URL(server.ready['dataPlaneUrl'] ?? '').port
  const { exitCode, err } = await runMain(['--port', port, '--data-dir', 'other'], { cwd })
  t.equal(exitCode, 1)
  t.match(err, /^HW_START_PORT_TAKEN: /)
  t.match(err, '--port 0 picks a free one')
  t.notMatch(err, /^\s+at /m)
})

t.test('key create --json, against the running server and without one', async (t) => {
  const cwd = t.testdir()
  const argv = ['key', 'create', '--cache', 'live-origin', '--role', 'readonly', '--json']
  const server = await serveMain(t, FREE_PORTS, { cwd })
  // A momento_key_info.json, checked below.
  const online = JSON.parse((await runMain([...argv, '--expires-in', '30d'], { cwd })).out) as {
    readonly apiKey: string
  }
  t.match(online, {
    apiKey: /^eyJ/,
    refreshToken: /^eyJ/,
    validUntil: Number,
    restEndpoint: server.ready['dataPlaneUrl'],
  })
  const answer = await fetch(`${server.ready['dataPlaneUrl']}/cache/live-origin/none`, {
    headers: { authorization: online.apiKey },
  })
  t.equal(answer.status, 404, 'it may read; there is nothing')
  await server.end(hasSignals ? 'SIGTERM' : 'SIGKILL')
  const offline = await runMain(argv, { cwd })
  t.equal(offline.exitCode, 0)
  t.match(JSON.parse(offline.out), { apiKey: /^eyJ/, restEndpoint: 'http://127.0.0.1:8080' })
})

t.test('key import reads the secret from stdin', async (t) => {
  const cwd = t.testdir()
  const server = await serveMain(t, FREE_PORTS, { cwd })
  const argv = ['key', 'import', '--cache', 'live-origin', '--role', 'readwrite']
  const stdin = 'the-secret-of-an-old-encoder\n'
  t.equal((await runMain(argv, { cwd, stdin })).exitCode, 0)
  const answer = await fetch(`${server.ready['dataPlaneUrl']}/cache/live-origin/a.ts`, {
    method: 'PUT',
    headers: { authorization: stdin.trim() },
    body: 'x',
  })
  t.equal(answer.status, 204)
})

t.test('a data directory that cannot be used: start refuses and destroys nothing', async (t) => {
  const cwd = t.testdir({
    file: 'not a directory',
    corrupt: { 'keys.json': '{"half' },
  })
  const file = await runMain([...FREE_PORTS, '--data-dir', 'file'], { cwd })
  t.equal(file.exitCode, 1)
  t.match(file.err, join(cwd, 'file'))
  t.equal(readFileSync(join(cwd, 'file'), 'utf8'), 'not a directory')
  const corrupt = await runMain([...FREE_PORTS, '--data-dir', 'corrupt'], { cwd })
  t.equal(corrupt.exitCode, 1)
  t.match(corrupt.err, join(cwd, 'corrupt', 'keys.json'))
  t.match(corrupt.err, 'Restore it from a backup')
  t.equal(readFileSync(join(cwd, 'corrupt/keys.json'), 'utf8'), '{"half')
})

t.test('config shows values and sources', async (t) => {
  const cwd = t.testdir()
  writeFileSync(join(cwd, 'headwater.config.json'), '{"http":{"port":9000}}')
  const env = { HEADWATER_LOG_LEVEL: 'debug' }
  const { exitCode, out } = await runMain(['config'], { cwd, env })
  t.equal(exitCode, 0)
  t.match(out, /^http\.port +9000 +file headwater\.config\.json$/m)
  t.match(out, /^log\.level +debug +env HEADWATER_LOG_LEVEL$/m)
})

t.test('help of every command, exit 0; a wrong command line, exit 2', async (t) => {
  const cwd = t.testdir()
  const names = ['serve', 'demo', 'key', 'cache', 'config', 'capacity', 'version']
  const wrong = [['sevre'], ['--prot', '1'], ['key'], ['key', 'create'], ['capacity']]
  const helps = await Promise.all(names.map((name) => runMain([name, '--help'], { cwd })))
  for (const { exitCode, out, err } of helps) {
    t.equal(exitCode, 0)
    t.match(out, /^Usage: headwater/)
    t.equal(err, '')
  }
  const results = await Promise.all(wrong.map((argv) => runMain(argv, { cwd })))
  for (const [index, { exitCode }] of results.entries()) t.equal(exitCode, 2, String(wrong[index]))
})

t.test('demo: a channel that plays, and its children end with it', async (t) => {
  const cwd = t.testdir()
  const demo = await serveMain(t, ['demo', ...FREE_PORTS, '--source', 'generator'], { cwd })
  const [playerUrl = ''] = demo.ready['playerUrls'] ?? []
  const [page = '', token = ''] = playerUrl.split('#token=')
  const headers = { authorization: token }
  const answer = await fetch(page.replace('/play/', '/cache/'), { headers })
  t.match(await answer.text(), '#EXT-X-STREAM-INF')
  if (hasSignals) t.equal(await demo.end('SIGINT'), 0)
})
