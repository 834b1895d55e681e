import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { http } from '../../support/http.ts'
import { openOrigin } from '../../support/origin.ts'
import { cli, startCli } from '../cli-run.ts'

const PLAYLIST = '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:2,\n1.ts\n'

async function openRig(t: Test, enabled = true) {
  const origin = await openOrigin(t, { rig: { enabled } })
  const cwd = t.testdir({})
  const env = { HEADWATER_ADMIN_URL: origin.adminUrl, HEADWATER_ADMIN_KEY: origin.keys.superUser }
  const run = (...argv: string[]) => cli(argv, { cwd, env })
  const put = (key: string, body: string) =>
    http(`${origin.dataPlaneUrl}/cache/live-origin/${key}`, {
      method: 'PUT',
      body,
      headers: { authorization: origin.keys.superUser },
    })
  return { origin, cwd, run, put }
}

t.test('faults are added by flags, listed and cleared', async (t) => {
  const { run, origin } = await openRig(t)
  const added = await run(
    ...['fault', 'add', 'status', '--id', 'down', '--status-code', '502', '--kind', 'segment'],
    ...['--probability', '0.5', '--limit-seconds', '60'],
  )
  t.equal(added.exitCode, 0, added.err)
  await run('fault', 'add', 'headers', '--set', 'X-A: b: c', '--remove', 'ETag')
  t.match(origin.faults?.everybody.list(), [
    { id: 'down', fault: { statusCode: 502, match: { kind: 'segment', probability: 0.5 } } },
    { id: 'headers', fault: { set: { 'X-A': 'b: c' }, remove: ['ETag'] } },
  ])
  t.match((await run('fault', 'list')).out, /down +status +kind=segment probability=0.5/)
  t.match(JSON.parse((await run('fault', 'list', '--json')).out), { faults: [{ id: 'down' }, {}] })
  t.match((await run('fault', 'clear', '--id', 'down')).out, '1 cleared')
  t.equal((await run('fault', 'clear', '--id', 'down')).exitCode, 1)
  t.match((await run('fault', 'clear')).out, '1 cleared')
  t.match((await run('fault', 'list')).out, 'No fault is on')
})

t.test('a file of faults is added, and what is wrong with one is said', async (t) => {
  const { run, cwd, origin } = await openRig(t)
  writeFileSync(
    join(cwd, 'faults.yaml'),
    'faults:\n  - action: no-cors\nscenarios:\n  mine:\n    faults:\n      - action: lose\n',
  )
  t.equal((await run('fault', 'add', '--file', 'faults.yaml')).exitCode, 0)
  t.ok(origin.faults?.scenarios().some(({ name }) => name === 'mine'))
  writeFileSync(join(cwd, 'wrong.yaml'), 'faults:\n  - action: explode\n')
  t.match((await run('fault', 'add', '--file', 'wrong.yaml')).err, /HW_FAULT_INVALID.*\/faults\/0/)
  t.equal((await run('fault', 'add', '--file', 'absent.yaml')).exitCode, 2)
  for (const wrong of [
    ['--status-code', 'x'],
    ['--set', 'nothing'],
    ['--status-code', '99'],
  ]) {
    t.not((await run('fault', 'add', 'status', ...wrong)).exitCode, 0, wrong.join(' '))
  }
  t.equal((await run('fault', 'add')).exitCode, 2)
})

t.test('without rig.enabled the words say what to do', async (t) => {
  const { run } = await openRig(t, false)
  t.match((await run('fault', 'list')).err, /HW_RIG_DISABLED[\s\S]*--profile rig/)
  t.match((await run('reset')).err, /HW_RIG_DISABLED/)
})

t.test('a reset empties what was chosen and says so', async (t) => {
  const { origin, run, put } = await openRig(t)
  await origin.createCache('tests')
  await put('a.txt', 'a')
  origin.faults?.add({ action: 'no-cors' })
  const json = await run('reset', '--cache', 'tests', '--json')
  t.same(JSON.parse(json.out), { caches: ['tests'], itemCount: 0, faultCount: 1 })
  t.match((await run('reset')).out, /^1 object is gone from .*live-origin.*; 0 faults have ended/)
  t.match((await run('reset', '--cache', 'none')).err, 'HW_CACHE_NOT_FOUND')
  t.equal((await run('reset', 'live-origin')).exitCode, 2)
})

t.test('without a server there is nothing to do', async (t) => {
  const { exitCode, err } = await cli(['fault', 'list'], { cwd: t.testdir({}) })
  t.equal(exitCode, 1)
  t.match(err, 'HW_CLI_SERVER_UNREACHABLE')
})

t.test('serve takes a file, and shows what is on', async (t) => {
  const cwd = t.testdir({ 'faults.json': '{"faults":[{"id":"broken","action":"no-cors"}]}' })
  const flags = ['--port', '0', '--admin-port', '0', '--faults', 'faults.json']
  const refused = await cli(['serve', ...flags], { cwd })
  t.equal(refused.exitCode, 2)
  t.match(refused.err, '--profile rig')
  const running = await startCli(t, ['serve', ...flags, '--profile', 'rig'], { cwd, tty: true })
  t.match(running.out(), /faults are on \(1\): broken for 3600 s/)
  t.match(running.out(), 'this is a test rig')
})

t.test('wait ends when the channel is there, or in time', async (t) => {
  const { run, put } = await openRig(t, false)
  const where = ['wait', '--cache', 'live-origin', '--key', 'live.m3u8']
  const late = await run(...where, '--timeout', '0')
  t.equal(late.exitCode, 1)
  t.match(late.err, /HW_CLI_WAIT_OVER.*is no channel after 0 s/)
  await put('1.ts', 'bytes')
  await put('media.m3u8', PLAYLIST)
  await put('live.m3u8', '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000000\nmedia.m3u8\n')
  t.match((await run(...where)).out, 'live-origin/live.m3u8 is live')
  t.match((await run(...where, '--state', 'stale', '--timeout', '0.01')).err, 'is live after')
  t.equal((await run('wait', '--cache', 'live-origin')).exitCode, 2)
  t.equal((await run(...where, '--state', 'dead')).exitCode, 2)
  t.equal((await run(...where, '--timeout', 'soon')).exitCode, 2)
})

t.test('assert tells kept promises from broken ones, in JUnit too', async (t) => {
  const { run, put, cwd } = await openRig(t, false)
  const assert = ['assert', '--for-seconds', '0']
  const alone = await run(...assert)
  t.equal(alone.exitCode, 1, 'nothing to look at is no success')
  t.match(alone.out, 'no channel was known')
  await put('1.ts', 'bytes')
  await put('media.m3u8', PLAYLIST)
  await put('live.m3u8', '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000000\nmedia.m3u8\n')
  const promises = ['--no-findings', '--live', '--edge-lag-seconds-max', '60']
  const kept = await run(...assert, ...promises, '--missing-segments-max', '0', '--json')
  t.equal(kept.exitCode, 0, kept.out)
  t.match(JSON.parse(kept.out), { isKept: true, promises: { length: 5 } })
  const broken = await run(...assert, '--edge-lag-seconds-max', '0', '--junit', 'out.xml')
  t.equal(broken.exitCode, 1)
  t.match(
    broken.out,
    /BROKEN {2}the live edge lags by 0 s at most\n +live-origin\/live.m3u8 lagged/,
  )
  const xml = readFileSync(join(cwd, 'out.xml'), 'utf8')
  t.match(xml, '<testsuite name="headwater assert" tests="2" failures="1"')
  t.match(xml, /<failure message="broken 1 times">live-origin\/live.m3u8 lagged/)
  t.equal((await run(...assert, '--key', 'x')).exitCode, 2)
})

t.test('a finding while it watches breaks the promise', async (t) => {
  const { run, put } = await openRig(t, false)
  await put('1.ts', 'bytes')
  await put('media.m3u8', PLAYLIST)
  await put('live.m3u8', '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000000\nmedia.m3u8\n')
  const watching = run('assert', '--no-findings', '--for-seconds', '0.5')
  await new Promise((resolve) => setTimeout(resolve, 20))
  await put('media.m3u8', PLAYLIST.replace('#EXTINF:2,', '#EXTINF:9,'))
  const { exitCode, out } = await watching
  t.equal(exitCode, 1, out)
  t.match(out, /BROKEN {2}nothing is found\n +live-origin\/media.m3u8: /)
})
