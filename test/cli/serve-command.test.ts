import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { connect } from 'node:tls'
import t from 'tap'
import { DataDirectory } from '../../src/storage/data-directory.ts'
import { closeIdleConnections, http } from '../support/http.ts'
import { installCertificate } from '../support/tls.ts'
import { cli, readyLine, startCli } from './cli-run.ts'

const FREE_PORTS = ['--port', '0', '--admin-port', '0']

/** Flags of a TLS port whose certificate lies in the folder. */
async function tlsFlags(cwd: string, port = '0'): Promise<string[]> {
  const { certFile, keyFile } = await installCertificate(cwd, 'first')
  const files = ['--http-tls-cert-file', certFile, '--http-tls-key-file', keyFile]
  return ['--http-tls-port', port, ...files]
}

/** Of the certificate that new connections get. */
async function fingerprintAt(tlsUrl: string): Promise<string> {
  const socket = connect({ port: Number(new URL(tlsUrl).port), rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.end()
  return fingerprint256
}

t.teardown(() => closeIdleConnections())

t.test('the ready line is JSON, and the server can be used', async (t) => {
  const cwd = t.testdir()
  const server = await startCli(t, FREE_PORTS, { cwd })
  const ready = readyLine(server.out())
  t.match(ready, {
    event: 'ready',
    dataPlaneUrl: /^http:\/\/127\.0\.0\.1:\d+$/,
    adminUrl: /^http:\/\/127\.0\.0\.1:\d+$/,
    dataDir: join(cwd, '.headwater'),
    pid: process.pid,
  })
  t.equal((await http(`${ready['dataPlaneUrl']}/health/ready`)).status, 200)
  t.equal(await server.stop(), 0)
  await t.rejects(http(`${ready['dataPlaneUrl']}/health/ready`))
})

t.test('server.json says where it is while it runs, for its owner alone', async (t) => {
  const cwd = t.testdir()
  const file = join(cwd, '.headwater/server.json')
  const server = await startCli(t, FREE_PORTS, { cwd })
  const ready = readyLine(server.out())
  t.match(JSON.parse(readFileSync(file, 'utf8')), {
    pid: process.pid,
    dataPlaneUrl: ready['dataPlaneUrl'],
    adminUrl: ready['adminUrl'],
    startedAt: /^\d{4}-/,
  })
  if (process.platform !== 'win32') t.equal(statSync(file).mode & 0o777, 0o600)
  await server.stop()
  t.notOk(existsSync(file))
})

t.test('no credential is printed where nobody looks', async (t) => {
  const cwd = t.testdir()
  const server = await startCli(t, FREE_PORTS, { cwd })
  t.notMatch(server.out() + server.err(), /eyJ|sign-in/)
})

t.test('a terminal shows a link that signs in to the console, once', async (t) => {
  const cwd = t.testdir()
  const server = await startCli(t, FREE_PORTS, { cwd, tty: true, env: { NO_COLOR: '1' } })
  const url = /^(http:\S+)\/#sign-in=(\S{43})$/m.exec(server.out())
  const [, adminUrl = '', link = ''] = url ?? []
  const signIn = async () =>
    http(`${adminUrl}/api/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ link }),
    })
  t.match(await signIn(), { status: 200, text: /"superUser":true/ })
  t.equal((await signIn()).status, 401)
  t.notMatch(server.err(), link)
})

t.test('on a terminal: a banner with everything to begin with', async (t) => {
  const cwd = t.testdir()
  const server = await startCli(t, FREE_PORTS, { cwd, tty: true, env: { NO_COLOR: '1' } })
  const out = server.out()
  t.match(out, /Headwater \d+\.\d+\.\d+ is running/)
  t.match(out, 'encoder-key.json')
  t.match(out, /^KEY=\$\(node -p /m)
  t.match(out, /^ffmpeg \\$/m)
  t.match(out, '"Authorization: $KEY"$\'\\r\\n\'')
  t.match(out, /HLS basic put.*\n.*\?token=ENCODER_KEY&ttl_seconds=3600&role=origin/)
  t.match(out, /HLS Akamai, user momento.*\n.*\?ttl_seconds=3600&role=origin/)
  t.match(out, /^http:\S+\/play\/live-origin\/playlist\.m3u8#token=eyJ\S+$/m)

  t.notMatch(out, /\u001b/)
  for (const line of out
    .split('\n')
    .filter((line) => !line.includes(cwd) && !/https?:/.test(line))) {
    t.ok(line.length <= 100, line)
  }
})

t.test('a terminal with colours gets them; --json takes the banner away', async (t) => {
  const cwd = t.testdir()
  const colours = await startCli(t, FREE_PORTS, { cwd, tty: true })

  t.match(colours.out(), /\u001b\[1mHeadwater/)
  await colours.stop()
  t.match(colours.out(), 'Stopping')
  const json = await startCli(t, [...FREE_PORTS, '--json'], { cwd, tty: true })
  t.equal(readyLine(json.out())['event'], 'ready')
})

t.test('dev keys are printed as they are, and warned about', async (t) => {
  const cwd = t.testdir()
  const argv = ['serve', ...FREE_PORTS, '--profile', 'dev']
  const { out } = await startCli(t, argv, { cwd, tty: true, columns: 200 })
  t.match(out(), 'Authorization: dev-encoder')
  t.match(out(), '#token=dev-player')
  t.match(out(), 'WARNING: dev keys are on')
  t.match(out(), 'WARNING: programs on this machine need no key')
})

t.test('--lan: the network URL is the public one, with a QR code on a terminal', async (t) => {
  const cwd = t.testdir()
  const { out } = await startCli(t, ['--lan', ...FREE_PORTS], { cwd, tty: true })
  t.match(out(), /█▀|▄█/)
  const admin = /Admin.*?http:\/\/([^:/\s]+):/.exec(out())
  t.equal(admin?.[1], '127.0.0.1')
})

t.test('--lan with a loopback host contradicts itself', async (t) => {
  const { exitCode, err } = await cli(['--lan', '--host', '127.0.0.1'], { cwd: t.testdir() })
  t.equal(exitCode, 2)
  t.match(err, '--lan listens on the network, but http.host is 127.0.0.1')
})

t.test('http.publicUrl rules what is printed', async (t) => {
  const cwd = t.testdir()
  const argv = [...FREE_PORTS, '--http-public-url', 'https://origin.example.com']
  const { out } = await startCli(t, argv, { cwd, tty: true })
  t.match(out(), 'https://origin.example.com/play/live-origin/')
  t.match(out(), "'https://origin.example.com/cache/live-origin/playlist.m3u8?ttl_seconds=3600'")
  t.notMatch(out(), 'AWS must reach the URL')
})

t.test('a second owner of the data directory is refused and told who the first is', async (t) => {
  const cwd = t.testdir()
  await startCli(t, FREE_PORTS, { cwd })
  const { exitCode, err } = await cli(FREE_PORTS, { cwd })
  t.equal(exitCode, 1)
  t.match(err, `is in use by process ${process.pid}`)
})

t.test('a taken port: which one, and the flag that changes it', async (t) => {
  const blocker = createServer()
  await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve))
  t.teardown(() => blocker.close())
  const address = blocker.address()
  const port = typeof address === 'object' && address !== null ? String(address.port) : ''
  const cwd = t.testdir()
  const data = await cli(['--port', port, '--admin-port', '0'], { cwd })
  t.equal(data.exitCode, 1)
  t.match(data.err, 'HW_START_PORT_TAKEN')
  t.match(data.err, `has port ${port}, or choose another one with --port (setting http.port)`)
  const admin = await cli(['--port', '0', '--admin-port', port], { cwd })
  t.match(admin.err, '--admin-port (setting admin.port)')
  const tls = await cli([...FREE_PORTS, ...(await tlsFlags(cwd, port))], { cwd })
  t.match(tls.err, `has port ${port}, or choose another one with --http-tls-port (setting`)
  t.match(tls.err, '(setting http.tls.port)')
  // The directory is free again.
  await (await DataDirectory.open(join(cwd, '.headwater'), { create: false })).close()
})

t.test('the TLS port: in the ready line, in server.json, in the banner', async (t) => {
  const cwd = t.testdir()
  const server = await startCli(t, [...FREE_PORTS, ...(await tlsFlags(cwd))], { cwd })
  const { tlsUrl = '', dataPlaneUrl } = readyLine(server.out())
  t.match(tlsUrl, /^https:\/\/127\.0\.0\.1:\d+$/)
  const file = join(cwd, '.headwater/server.json')
  t.match(JSON.parse(readFileSync(file, 'utf8')), { tlsUrl, dataPlaneUrl })
  await server.stop()
  const argv = [...FREE_PORTS, ...(await tlsFlags(cwd))]
  const { out } = await startCli(t, argv, { cwd, tty: true, env: { NO_COLOR: '1' } })
  t.match(out(), /^ {12}https:\/\/127\.0\.0\.1:\d+ +the same, by TLS$/m)
})

t.test('without a certificate nothing speaks of TLS', async (t) => {
  const cwd = t.testdir()
  const server = await startCli(t, FREE_PORTS, { cwd })
  t.notOk('tlsUrl' in readyLine(server.out()))
  t.notMatch(readFileSync(join(cwd, '.headwater/server.json'), 'utf8'), 'tlsUrl')
  server.signal('SIGHUP')
  const url = readyLine(server.out())['dataPlaneUrl'] ?? ''
  t.equal((await http(`${url}/health/ready`)).status, 200, 'SIGHUP has nothing to do')
})

t.test('SIGHUP reads the certificate again, SIGUSR2 does not', async (t) => {
  const cwd = t.testdir()
  const server = await startCli(t, [...FREE_PORTS, ...(await tlsFlags(cwd))], { cwd })
  const { tlsUrl = '' } = readyLine(server.out())
  const before = await fingerprintAt(tlsUrl)
  await installCertificate(cwd, 'second')
  server.signal('SIGUSR2')
  t.equal(await fingerprintAt(tlsUrl), before)
  server.signal('SIGHUP')
  let after = before
  for (let attempt = 0; attempt < 100 && after === before; attempt++) {
    after = await fingerprintAt(tlsUrl)
  }
  t.not(after, before)
  writeFileSync(join(cwd, 'cert.pem'), 'no certificate')
  server.signal('SIGHUP')
  t.equal(await fingerprintAt(tlsUrl), after, 'what cannot be used changes nothing')
})

t.test('sockets of a supervisor are used', async (t) => {
  // No descriptor of this process can be given away; that they arrive shows by what is wrong with them.
  const inheritedSockets = { https: [3] }
  const { exitCode, err } = await cli(FREE_PORTS, { cwd: t.testdir(), inheritedSockets })
  t.equal(exitCode, 1)
  t.match(err, 'HW_START_TLS_UNUSABLE: There is an inherited socket for https')
})

t.test('a data directory that cannot be one: its name, and nothing is touched', async (t) => {
  const cwd = t.testdir({ '.headwater': 'a file' })
  const { exitCode, err } = await cli(FREE_PORTS, { cwd })
  t.equal(exitCode, 1)
  t.match(err, 'HW_DATA_DIR_UNUSABLE')
  t.match(err, join(cwd, '.headwater'))
  t.equal(readFileSync(join(cwd, '.headwater'), 'utf8'), 'a file')
})

t.test('corrupt files: start refuses, names them, destroys nothing', async (t) => {
  for (const [name, content] of Object.entries({
    'caches.json': '{"version":1,',
    'keys.json': '{"version":7}',
    'signing.key': 'short',
    'encoder-key.json': '{}',
  })) {
    const cwd = t.testdir()
    const dataDir = join(cwd, '.headwater')
    mkdirSync(dataDir)
    writeFileSync(join(dataDir, name), content)
    const { exitCode, err } = await cli([...FREE_PORTS, '--log-level', 'silent'], { cwd })
    t.equal(exitCode, 1, name)
    t.match(err, 'HW_DATA_DIR_CORRUPT')
    t.equal(readFileSync(join(dataDir, name), 'utf8'), content)
    t.notOk(readdirSync(dataDir).includes('server.json'))
  }
})

t.test('an uncaught error stops it with exit code 1', async (t) => {
  const server = await startCli(t, FREE_PORTS, { cwd: t.testdir() })
  t.equal(await server.stop(new Error('boom')), 1)
})

t.test('refused writes and channels show on the terminal', async (t) => {
  const cwd = t.testdir()
  const argv = [...FREE_PORTS]
  const server = await startCli(t, argv, { cwd, tty: true, env: { NO_COLOR: '1' } })
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(server.out())?.[0] ?? ''
  const headers = { authorization: 'wrong-key-wrong-key', 'user-agent': 'Lavf/59' }
  await http(`${url}/cache/live-origin/a.ts`, { method: 'PUT', headers, body: 'x' })
  await server.stop()
  t.match(server.out(), /warning {2}1 segment refused with 401 \(ffmpeg, 127\.0\.0\.1, cache/)
})
