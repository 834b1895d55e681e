import { createServer } from 'node:net'
import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { closeIdleConnections, http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'
import { cli, startCli } from './cli-run.ts'

t.teardown(() => closeIdleConnections())

const FREE_PORTS = ['--port', '0', '--admin-port', '0']
const DEMO = ['demo', '--source', 'generator']

interface Ready {
  readonly event: string
  readonly dataPlaneUrl: string
  readonly dataDir: string
  readonly source: string
  readonly playerUrls: readonly string[]
}

function readReady(out: string): Ready {
  // The ready line; the tests look at its members.
  return JSON.parse(out.split('\n')[0] ?? '') as Ready
}

/** The playlist that a player page plays, with the token of its fragment. */
async function playlistOf(playerUrl: string) {
  const [page = '', token = ''] = playerUrl.split('#token=')
  return http(page.replace('/play/', '/cache/'), { headers: { authorization: token } })
}

t.test('ready: the channels can be played with what is printed', async (t) => {
  const cwd = t.testdir()
  const demo = await startCli(t, [...DEMO, ...FREE_PORTS, '--channels', '2'], { cwd })
  const ready = readReady(demo.out())
  t.match(ready, { event: 'ready', source: 'generator', dataDir: join(cwd, '.headwater/demo') })
  t.equal(ready.playerUrls.length, 2)
  for (const playerUrl of ready.playerUrls) {
    const answer = await playlistOf(playerUrl)
    t.equal(answer.status, 200)
    t.match(answer.text, '#EXTM3U')
  }
  t.equal(await demo.stop(), 0)
  t.notOk(existsSync(join(cwd, '.headwater/demo/server.json')))
})

t.test('on a terminal: progress, then the page', async (t) => {
  const demo = await startCli(t, [...DEMO, ...FREE_PORTS], { cwd: t.testdir(), tty: true })
  t.match(demo.out(), 'Pushing a live channel with the built-in generator')
  t.match(demo.out(), /^http:\S+\/play\/live-origin\/demo\/playlist\.m3u8#token=\S+$/m)
})

t.test('it takes a file of faults, and shows what is on', async (t) => {
  const cwd = t.testdir({ 'faults.yaml': 'faults:\n  - { id: broken, action: no-cors }\n' })
  const argv = [...DEMO, ...FREE_PORTS, '--faults', 'faults.yaml']
  t.match((await cli(argv, { cwd })).err, '--profile rig')
  const elsewhere = ['demo', '--push-only', 'http://127.0.0.1:1', '--faults', 'faults.yaml']
  t.equal((await cli(elsewhere, { cwd })).exitCode, 2)
  const demo = await startCli(t, [...argv, '--profile', 'rig'], { cwd, tty: true })
  t.match(demo.out(), /faults are on \(1\): broken for 3600 s/)
})

t.test('SIGUSR2 opens the access log again', { skip: process.platform === 'win32' }, async (t) => {
  const cwd = t.testdir()
  const path = join(cwd, 'access.jsonl')
  const flags = [...FREE_PORTS, '--access-log-path', path]
  const demo = await startCli(t, [...DEMO, ...flags], { cwd })
  renameSync(path, `${path}.1`)
  demo.signal('SIGUSR2')
  while (!existsSync(path)) await setTimeout(10)
  t.equal(await demo.stop(), 0)
})

t.test('another cache is made, with keys for it', async (t) => {
  const argv = [...DEMO, ...FREE_PORTS, '--cache', 'news']
  const demo = await startCli(t, argv, { cwd: t.testdir() })
  const [playerUrl = ''] = readReady(demo.out()).playerUrls
  t.match(playerUrl, '/play/news/demo/')
  t.equal((await playlistOf(playerUrl)).status, 200)
})

t.test('it runs beside a server of the same folder', async (t) => {
  const cwd = t.testdir()
  await startCli(t, FREE_PORTS, { cwd })
  const demo = await startCli(t, [...DEMO, ...FREE_PORTS], { cwd })
  t.equal(readReady(demo.out()).event, 'ready')
})

t.test('a taken default port: free ones, and it says so; a chosen one: an error', async (t) => {
  const blocker = createServer()
  const isOurs = await new Promise<boolean>((resolve) => {
    blocker.once('error', () => resolve(false))
    blocker.listen(8080, '127.0.0.1', () => resolve(true))
  })
  t.teardown(() => (isOurs ? blocker.close() : undefined))
  const demo = await startCli(t, [...DEMO, '--admin-port', '0'], { cwd: t.testdir(), tty: true })
  t.match(demo.out(), 'Port 8080 is taken: using free ones.')
  const argv = [...DEMO, '--port', '8080', '--admin-port', '0', '--data-dir', 'other']
  const chosen = await cli(argv, { cwd: t.testdirName })
  t.equal(chosen.exitCode, 1)
  t.match(chosen.err, 'HW_START_PORT_TAKEN')
})

t.test('--push-only pushes to another origin, by its key', async (t) => {
  const cwd = t.testdir()
  const origin = await openOrigin(t)
  writeFileSync(join(cwd, 'key.json'), JSON.stringify({ apiKey: origin.keys.encoder }))
  const argv = [...DEMO, '--push-only', `${origin.dataPlaneUrl}/`, '--key-file', 'key.json']
  const demo = await startCli(t, argv, { cwd })
  const ready = readReady(demo.out())
  t.equal(ready.dataPlaneUrl, origin.dataPlaneUrl)
  t.strictSame(ready.playerUrls, [`${origin.dataPlaneUrl}/play/live-origin/demo/playlist.m3u8`])
  t.notMatch(demo.out(), 'eyJ')
  const url = `${origin.dataPlaneUrl}/cache/live-origin/demo/playlist.m3u8`
  const headers = { authorization: origin.keys.player }
  t.equal((await http(url, { headers })).status, 200)
  t.equal(await demo.stop(), 0)
  t.notOk(existsSync(join(cwd, '.headwater')))
})

t.test('wrong flags: exit 2, nothing is started', async (t) => {
  const cwd = t.testdir()
  for (const argv of [
    ['--channels', '0'],
    ['--channels', '51'],
    ['--channels', 'two'],
    ['--ladder', '720,x'],
    ['--source', 'obs'],
    ['--cache', 'a/b'],
    ['--key', 'dev-encoder'],
    ['--push-only', 'localhost'],
    ['--push-only', 'http://127.0.0.1:1'],
    ['--push-only', 'http://127.0.0.1:1', '--key', 'a', '--key-file', 'b'],
  ]) {
    t.equal((await cli(['demo', ...argv], { cwd })).exitCode, 2, argv.join(' '))
  }
  t.notOk(existsSync(join(cwd, '.headwater')))
})

t.test('what cannot run ends with exit code 1 and everything closed', async (t) => {
  const cwd = t.testdir()
  const argv = [...DEMO, ...FREE_PORTS, '--input', 'film.mp4', '--log-level', 'silent']
  const { exitCode, err } = await cli(argv, { cwd })
  t.equal(exitCode, 1)
  t.match(err, 'HW_DEMO_FAILED')
  t.notOk(existsSync(join(cwd, '.headwater/demo/server.json')))
})
