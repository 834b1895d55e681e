/** `headwater record`: how it begins and ends, and what it says. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { http } from '../../support/http.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { cli, startCli } from '../cli-run.ts'
import { openRigRun } from './encoder.ts'
import type { RigRun } from './encoder.ts'

async function push({ origin }: RigRun, key: string): Promise<number> {
  const url = `${origin.dataPlaneUrl}/cache/live-origin/${key}`
  const headers = { authorization: origin.keys.encoder }
  return (await http(url, { method: 'PUT', body: 'x'.repeat(1000), headers })).status
}

t.test('until Ctrl-C, into a file that is named after cache and time', async (t) => {
  const rig = await openRigRun(t)
  const { cwd, env } = rig
  const running = await startCli(t, ['record', '--cache', 'live-origin'], { cwd, env, tty: true })
  t.match(running.out(), 'Recording live-origin; Ctrl-C ends it.')
  await push(rig, '1.ts')
  t.equal(await running.stop('SIGINT'), 0)
  const [, file = ''] = /1000 B, in [\d.]+ s into (.*\.tape\.gz)\.\n/.exec(running.out()) ?? []
  t.match(file, /live-origin-\d{8}T\d{6}Z\.tape\.gz$/)
  t.match(gunzipSync(readFileSync(file)).toString('latin1'), /"type":"end".*"requestCount":1/)
  t.match(running.err(), /\r1 requests, 1000 B/)
})

t.test('for some seconds, and nothing came', async (t) => {
  const rig = await openRigRun(t)
  const { exitCode, out } = await rig.run([
    ...['record', '--cache', 'live-origin', '--seconds', '1', '--out', 'a.tape'],
  ])
  t.equal(exitCode, 0)
  t.match(out, /for 1 s, or until Ctrl-C[\s\S]*Recorded 0 requests.*Nothing was pushed/)
})

t.test(
  'a server that stops ends the tape in order; one that cuts it off leaves a cut one',
  async (t) => {
    const stopping = await openRigRun(t)
    const recording = stopping.run(['record', '--cache', 'live-origin', '--out', 'a.tape'])
    await stopping.untilRecording(1)
    await push(stopping, '1.ts')
    await stopping.origin.close()
    t.equal((await recording).exitCode, 0)

    const clock = new ManualClock()
    const rig = await openRigRun(t, {}, { clock })
    const { apiKey } = await rig.origin.mintKey({ superUser: true, keyId: 'recorder' })
    const env = { ...rig.env, HEADWATER_ADMIN_KEY: apiKey }
    const cut = rig.run(['record', '--cache', 'live-origin', '--out', 'a.tape'], { env })
    await rig.untilRecording(1)
    await push(rig, '1.ts')
    await rig.origin.revokeKey('recorder')
    // When its key is asked for again.
    clock.advance(15_000)
    const { exitCode, err } = await cut
    t.equal(exitCode, 1)
    t.match(err, /HW_RECORDING_BROKEN[\s\S]*--accept-cut/)
    t.notMatch(readFileSync(join(rig.cwd, 'a.tape'), 'utf8'), '"type":"end"')
    const to = `${rig.origin.dataPlaneUrl}/cache/copy`
    t.equal((await rig.run(['replay', 'a.tape', '--to', to])).exitCode, 1)
    t.match(await rig.run(['replay', 'a.tape', '--to', to, '--accept-cut']), { exitCode: 0 })
  },
)

t.test('the second recorder, and what cannot be', async (t) => {
  const rig = await openRigRun(t)
  const first = rig.run(['record', '--cache', 'live-origin', '--out', 'a.tape'])
  await rig.untilRecording(1)
  const second = await rig.run(['record', '--cache', 'live-origin', '--out', 'b.tape'])
  t.match(second, { exitCode: 1, err: /HW_RECORDING_EXISTS/ })
  await rig.stopRecording()
  t.equal((await first).exitCode, 0)
  const lost = await rig.run(['record', '--cache', 'live-origin', '--out', 'no/such/a.tape'])
  t.match(lost, { exitCode: 1, err: /HW_TAPE_FILE.*cannot be written/ })
  t.match(await rig.run(['record', '--cache', 'absent']), {
    exitCode: 1,
    err: /HW_CACHE_NOT_FOUND/,
  })
  for (const argv of [[], ['--cache', 'a b'], ['--cache', 'a', '--seconds', '0']]) {
    t.equal((await rig.run(['record', ...argv])).exitCode, 2, argv.join(' '))
  }
  t.match(await cli(['record', '--cache', 'a'], { cwd: rig.cwd }), {
    err: /HW_CLI_SERVER_UNREACHABLE/,
  })
})

t.test('Ctrl-C ends a replay with what came of it', async (t) => {
  const rig = await openRigRun(t)
  const { cwd, env } = rig
  const recording = rig.run(['record', '--cache', 'live-origin', '--out', 'a.tape'])
  await rig.untilRecording(1)
  await push(rig, '1.ts')
  await new Promise((done) => setTimeout(done, 20))
  await push(rig, '2.ts')
  await rig.stopRecording()
  await recording
  const to = `${rig.origin.dataPlaneUrl}/cache/copy`
  const argv = ['replay', 'a.tape', '--to', to, '--speed', '0.01', '--loop']
  const running = await startCli(t, argv, { cwd, env, tty: true })
  const headers = { authorization: rig.origin.keys.superUser }
  while ((await http(`${to}/1.ts`, { headers })).status !== 200) {
    await new Promise((done) => setTimeout(done, 10))
  }
  t.equal(await running.stop('SIGINT'), 0)
  t.match(running.out(), /Replayed 1 requests, 1000 B/)
  t.match(running.err(), /\r0:00 of 0:00, 0 requests/)
})
