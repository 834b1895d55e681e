/** The real Prometheus: what it says of the metrics, the alerts and the queries, and a scrape. */

import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { dashboardExpressions } from '../docker/grafana-files.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'
import { freePort, makeDirectory, superviseUntilListening } from './support/cdn-process.ts'

const PROMTOOL = process.env['E2E_PROMTOOL'] ?? 'promtool'
const PROMETHEUS = process.env['E2E_PROMETHEUS'] ?? 'prometheus'
const CONFIG = fileURLToPath(new URL('../../docker/grafana/prometheus/', import.meta.url))
const RULES_TEST = fileURLToPath(new URL('../docker/headwater.rules.test.yml', import.meta.url))

const PLAYLIST = `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:7
#EXTINF:2,
s7.ts
#EXTINF:2,
s8.ts
`

const MULTIVARIANT = `#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=300000
live.m3u8
`

function promtool(args: readonly string[], input = '') {
  const { status, stdout, stderr } = spawnSync(PROMTOOL, args, { input, encoding: 'utf8' })
  return { status, text: `${stdout}${stderr}` }
}

/** A channel that is written, read and waited for, and a refused write. */
async function openBusyOrigin(t: Parameters<typeof openOrigin>[0]) {
  const origin = await openOrigin(t)
  const url = (key: string) => `${origin.dataPlaneUrl}/cache/live-origin/${key}`
  const put = (key: string, body: string, authorization = origin.keys.encoder) =>
    http(url(key), { method: 'PUT', headers: { authorization }, body })
  for (const key of ['s7.ts', 's8.ts']) await put(key, 'x'.repeat(1000))
  await put('live.m3u8', PLAYLIST)
  await put('channel.m3u8', MULTIVARIANT)
  await put('live.m3u8', PLAYLIST, origin.keys.player)
  for (const key of ['live.m3u8', 's7.ts', 'absent.ts']) {
    await http(url(key), { headers: { authorization: origin.keys.player } })
  }
  return { origin, put }
}

t.test('promtool finds nothing wrong with /metrics', async (t) => {
  const { origin } = await openBusyOrigin(t)
  const { body } = await http(`${origin.adminUrl}/metrics`)
  const text = body.toString()
  t.match(
    text,
    /^headwater_channel_state\{cache="live-origin",channel="channel.m3u8",state="live"\} 1$/m,
  )
  const checked = promtool(['check', 'metrics'], text)
  t.same(checked, { status: 0, text: '' })
})

t.test('promtool accepts configuration and alerts, and the alerts do what they say', async (t) => {
  const config = promtool(['check', 'config', join(CONFIG, 'prometheus.yml')])
  t.equal(config.status, 0, config.text)
  const tested = promtool(['test', 'rules', RULES_TEST])
  t.equal(tested.status, 0, tested.text)
})

t.test('every query of the dashboard is one', async (t) => {
  const directory = makeDirectory(t)
  const rules = dashboardExpressions()
    .filter((text) => !text.startsWith('label_values('))
    .map((text, index) => ({
      record: `dashboard:${String(index)}`,
      expr: text.replaceAll('$__rate_interval', '1m').replaceAll(/\$(?:instance|cache)/g, '.*'),
    }))
  const file = join(directory, 'rules.yml')
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
  const checked = promtool(['check', 'rules', '--lint=none', file])
  t.equal(checked.status, 0, checked.text)
})

t.test('Prometheus scrapes an origin and fires the alert of a refused write', async (t) => {
  const { origin, put } = await openBusyOrigin(t)
  const directory = makeDirectory(t)
  const port = await freePort()
  const config = readFileSync(join(CONFIG, 'prometheus.yml'), 'utf8')
    .replaceAll('origin:8081', new URL(origin.adminUrl).host)
    .replaceAll(': 5s', ': 200ms')
    .replace('headwater.rules.yml', join(CONFIG, 'headwater.rules.yml'))
  writeFileSync(join(directory, 'prometheus.yml'), config)
  const child = spawn(
    PROMETHEUS,
    [
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${String(port)}`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  await superviseUntilListening(t, child, port, 'prometheus')
  const ask = async (path: string): Promise<string> => {
    const { body } = await http(`http://127.0.0.1:${String(port)}/api/v1/${path}`)
    return body.toString()
  }
  const until = async (path: string, found: RegExp) => {
    const endsAtMs = performance.now() + 30_000
    let text = ''
    while (performance.now() < endsAtMs) {
      text = await ask(path)
      if (found.test(text)) return text
      await sleep(20)
    }
    throw new Error(`${path} never had ${String(found)}: ${text.slice(0, 2000)}`)
  }
  await until('query?query=headwater_build_info', /"version":"\d/)
  const lag = await ask('query?query=headwater_rendition_last_write_age_seconds')
  t.match(lag, /"cache":"live-origin","channel":"channel.m3u8"[^}]*"rendition":"live.m3u8"/)
  await put('live.m3u8', PLAYLIST, origin.keys.player)
  await until('alerts', /"alertname":"HeadwaterWritesRefused"[^}]*"reason":"permission-denied"/)
  const rules = await until('rules', /"lastEvaluation":"20/)
  t.match(rules, /"name":"HeadwaterEncoderDead"/)
  t.notMatch(rules, /"health":"err"/, 'every rule can be evaluated')
  const targets = await ask('targets')
  t.match(targets, /"health":"up"/)
})
