/** The clock of a real process: the demo's channel goes by it, sockets do not, a restart forgets it. */

import { spawnSync } from 'node:child_process'
import t from 'tap'
import { adminRequest } from '../support/admin-request.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'
import { startValkeyServer } from '../support/valkey-server.ts'
import { runMain, serveMain } from './spawn-cli.ts'

const FREE_PORTS = ['--profile', 'rig', '--port', '0', '--admin-port', '0']
const PLAYER = { authorization: 'dev-player' }

// A dozen processes on machines that have other things to do.
t.setTimeout(180_000)

t.test('five minutes of the demo, pushed while the clock is moved', async (t) => {
  const cwd = t.testdir()
  const server = await serveMain(t, ['demo', '--source', 'generator', ...FREE_PORTS], { cwd })
  const dataPlaneUrl = server.ready['dataPlaneUrl'] ?? ''
  const clock = async (...argv: string[]) => {
    const done = await runMain(['clock', ...argv, '--json', '--data-dir', '.headwater/demo'], {
      cwd,
    })
    t.equal(done.exitCode, 0, done.err)
    // Its own document.
    return JSON.parse(done.out) as { readonly now: string; readonly aheadSeconds: number }
  }
  const playlist = async () => {
    const { text } = await http(`${dataPlaneUrl}/cache/live-origin/demo/playlist_360p25.m3u8`, {
      headers: PLAYER,
    })
    const first = Number(/MEDIA-SEQUENCE:(\d+)/.exec(text)?.[1])
    const names = text.split('\n').filter((line) => line.endsWith('.ts'))
    const [started = ''] = /(?<=DATE-TIME:)\S+/.exec(text) ?? []
    const seconds = [...text.matchAll(/#EXTINF:([\d.]+)/g)].map(([, each]) => Number(each))
    const endMs = Date.parse(started) + 1000 * seconds.reduce((sum, each) => sum + each, 0)
    return { next: first + names.length, names, endMs }
  }
  await clock('rate', '0')
  const before = await playlist()
  const { now } = await clock('advance', '5m')
  const after = await playlist()
  const pushed = after.next - before.next
  t.ok(pushed >= 149 && pushed <= 151, `${pushed} segments of two seconds`)
  const edgeMs = Date.parse(now) - after.endMs
  t.ok(edgeMs >= 0 && edgeMs < 2100, `the live edge is ${edgeMs} ms behind the clock`)
  for (const name of after.names) {
    const url = `${dataPlaneUrl}/cache/live-origin/demo/${name}`
    t.equal((await http(url, { headers: PLAYER })).status, 200, name)
  }
  const live = await runMain(
    [
      ...['wait', '--cache', 'live-origin', '--key', 'demo/playlist.m3u8', '--state', 'live'],
    ].concat(...['--timeout', '20', '--data-dir', '.headwater/demo']),
    { cwd },
  )
  t.equal(live.exitCode, 0, live.err)
  t.match(server.texts().err, '"msg":"clock changed"')
})

t.test('a restart begins with the machine’s time', async (t) => {
  const cwd = t.testdir()
  const show = async (): Promise<unknown> =>
    JSON.parse((await runMain(['clock', 'show', '--json'], { cwd })).out)
  const first = await serveMain(t, ['serve', ...FREE_PORTS], { cwd })
  const moved = await runMain(['clock', 'advance', '30d'], { cwd })
  // The machine's two clocks differ by a fraction of a millisecond now and then.
  t.match(moved.out, /(?:2592000|2591999\.99\d|2592000\.0\d+) s ahead/)
  t.match(await show(), { isReal: false })
  const health = await http(`${first.ready['dataPlaneUrl'] ?? ''}/health/live`)
  t.ok(Date.parse(health.headers.date ?? '') - Date.now() > 29 * 86_400_000)
  if (process.platform === 'win32') return
  t.equal(await first.end('SIGTERM'), 0, 'a moved clock delays no stop')
  await serveMain(t, ['serve', ...FREE_PORTS], { cwd })
  t.match(await show(), { isReal: true, aheadSeconds: 0 })
})

const redis = process.env['E2E_REDIS_SERVER'] ?? 'redis-server'
const hasRedis = spawnSync(redis, ['--version']).status === 0

t.test(
  'with Valkey the engine’s clock rules, and none is moved',
  { skip: !hasRedis },
  async (t) => {
    const { url } = await startValkeyServer(t)
    const origin = await openOrigin(t, {
      ...{ rig: { enabled: true }, storage: { kind: 'valkey', valkey: { url } } },
    })
    t.equal(origin.clock, undefined)
    for (const [method, body] of [['GET'], ['POST', { rate: 0 }]] as const) {
      t.match(await adminRequest(origin, method, '/api/clock', body), {
        status: 409,
        json: { code: 'HW_CLOCK_FIXED', detail: /valkey/ },
      })
    }
  },
)
