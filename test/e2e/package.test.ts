import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { http } from '../support/http.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const isWindows = process.platform === 'win32'

function run(command: string, args: readonly string[], cwd: string) {
  const result = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    shell: isWindows,
    // The runner's own npm settings (a prefix, a lock) must not decide what is installed.
    env: Object.fromEntries(
      Object.entries(process.env).filter(
        ([name]) => !/^npm_(?!config_(?:cafile|registry))/i.test(name),
      ),
    ),
  })
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}\n${result.stderr}`)
  return result.stdout
}

t.test('the package, installed into an empty folder, plays its demo', async (t) => {
  const folder = t.testdir({ packed: {}, empty: {} })
  run('npm', ['pack', '--ignore-scripts', '--pack-destination', join(folder, 'packed')], ROOT)
  const [tarball = ''] = readdirSync(join(folder, 'packed'))
  t.match(tarball, /^headwater-\d+\.\d+\.\d+\.tgz$/)
  const empty = join(folder, 'empty')
  mkdirSync(empty, { recursive: true })
  writeFileSync(join(empty, 'package.json'), '{"private":true}\n')
  run('npm', ['install', '--no-audit', '--no-fund', join(folder, 'packed', tarball)], empty)

  const flags = ['--source', 'generator', '--http-port', '0', '--admin-port', '0']
  const demo = spawn('npx', ['headwater', 'demo', ...flags], {
    cwd: empty,
    shell: isWindows,
    // A group of its own: npx has a child, and both get what Ctrl-C would send.
    detached: !isWindows,
  })
  const exited = new Promise<void>((resolve) => demo.once('exit', () => resolve()))
  const stop = (signal: NodeJS.Signals) => {
    if (isWindows || demo.pid === undefined) demo.kill(signal)
    else process.kill(-demo.pid, signal)
  }
  t.teardown(() => {
    if (demo.exitCode === null && demo.signalCode === null) stop('SIGKILL')
  })
  let firstLine = ''
  for await (const line of createInterface({ input: demo.stdout })) {
    firstLine = line
    break
  }
  // The ready line's shape is part of what scripts rely on.
  const ready = JSON.parse(firstLine) as {
    event: string
    dataPlaneUrl: string
    playerUrls: string[]
  }
  t.equal(ready.event, 'ready')
  const page = await http(ready.playerUrls[0]?.split('#')[0] ?? '')
  t.equal(page.status, 200)
  t.match(page.text, /player\.page\.js/)
  t.equal((await http(`${ready.dataPlaneUrl}/play/assets/player.page.js`)).status, 200)
  const token = ready.playerUrls[0]?.split('#token=')[1] ?? ''
  const playlist = await http(`${ready.dataPlaneUrl}/cache/live-origin/demo/playlist.m3u8`, {
    headers: { authorization: token },
  })
  t.match(playlist.text, /^#EXTM3U/)
  stop('SIGINT')
  await exited
  await t.rejects(http(`${ready.dataPlaneUrl}/health/live`), 'nobody listens any more')
})
