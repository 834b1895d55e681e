import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { CHECK_IDS } from '../../../src/cli/doctor/finding.ts'
import type { Headwater } from '../../../src/app.ts'
import { http } from '../../support/http.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { openOrigin } from '../../support/origin.ts'
import { runDoctor, runDoctorJson } from './doctor-run.ts'
import { LiveChannel } from './live-channel.ts'
import type { ChannelFile } from './live-channel.ts'

async function push(origin: Headwater, files: readonly ChannelFile[]): Promise<void> {
  for (const { name, body } of files) {
    const url = `${origin.dataPlaneUrl}/cache/live-origin/${name}?ttl_seconds=3600`
    const { status } = await http(url, {
      method: 'PUT',
      headers: { authorization: origin.keys.encoder },
      body,
    })
    if (status !== 204) throw new Error(`${name}: ${status}`)
  }
}

async function openChannel(t: Test, channel = new LiveChannel()) {
  const clock = new ManualClock()
  const origin = await openOrigin(t, {}, { clock })
  await push(origin, channel.files())
  const keyFile = join(t.testdir(), 'player-key.json')
  writeFileSync(keyFile, JSON.stringify({ apiKey: origin.keys.player }))
  return {
    ...{ clock, origin, keyFile },
    url: `${origin.dataPlaneUrl}/cache/live-origin/playlist.m3u8`,
    onWait: () => push(origin, channel.goOn()),
  }
}

t.test('a live channel on a Headwater has nothing that breaks playback', async (t) => {
  const { clock, url, keyFile, onWait, origin } = await openChannel(t)
  const { exitCode, report, verdicts, stdout } = await runDoctorJson([url, '--key-file', keyFile], {
    clock,
    onWait,
  })
  t.strictSame(
    report.findings.filter(({ verdict }) => verdict !== 'ok'),
    [],
  )
  t.equal(exitCode, 0)
  t.strictSame(Object.keys(verdicts), CHECK_IDS)
  t.equal(report.cache, 'none')
  t.ok(report.requestCount <= 60, `${report.requestCount} requests`)
  t.notMatch(stdout, origin.keys.player)
})

t.test('the cache or the server is enough: the playlist is found in it', async (t) => {
  const { clock, origin, onWait } = await openChannel(t)
  for (const url of [origin.dataPlaneUrl, `${origin.dataPlaneUrl}/cache/live-origin/`]) {
    const run = await runDoctorJson([url], {
      ...{ clock, onWait },
      env: { HEADWATER_DOCTOR_KEY: origin.keys.player },
    })
    t.equal(run.exitCode, 0)
    t.match(run.report.url, /\/cache\/live-origin\/playlist\.m3u8$/)
  }
})

t.test('a playlist with its token in the URL, as players are given it', async (t) => {
  const { clock, url, origin, onWait } = await openChannel(t)
  const { stdout, exitCode } = await runDoctor(
    [`${url}?token=${encodeURIComponent(origin.keys.player)}`],
    { clock, onWait },
  )
  t.equal(exitCode, 0)
  t.match(stdout, /Nothing breaks playback: 0 warnings/)
  t.notMatch(stdout, origin.keys.player)
})

t.test('no key, a wrong key, no server, no playlist', async (t) => {
  const { clock, url, origin } = await openChannel(t)
  const none = await runDoctorJson([url], { clock })
  t.equal(none.exitCode, 1)
  t.equal(none.verdicts['access.anonymous'], 'breaks-playback')
  t.equal(none.verdicts['playlist.parse'], 'could-not-be-checked')

  const wrong = await runDoctorJson([url, '--key', 'not-a-key-of-this-server'], { clock })
  t.equal(wrong.exitCode, 1)
  t.equal(wrong.verdicts['access.header'], 'breaks-playback')
  t.notMatch(wrong.stdout, 'not-a-key-of-this-server')

  const gone = await runDoctorJson(['http://127.0.0.1:1/playlist.m3u8'], { clock })
  t.equal(gone.exitCode, 1)
  t.match(gone.report.findings[0]?.seen, 'refused')
  t.equal(gone.report.counts['could-not-be-checked'], CHECK_IDS.length - 1)

  const page = await runDoctorJson([`${origin.dataPlaneUrl}/health/live`], { clock })
  t.equal(page.verdicts['playlist.parse'], 'breaks-playback')
})

t.test('a channel whose encoder has stopped', async (t) => {
  const { clock, url, keyFile } = await openChannel(t)
  const { exitCode, verdicts, report } = await runDoctorJson([url, '--key-file', keyFile], {
    clock,
  })
  t.equal(exitCode, 1)
  t.equal(verdicts['caching.moves'], 'breaks-playback')
  t.equal(verdicts['clock.last-modified'], 'breaks-playback')
  t.ok(report.tookSeconds > 2 * 2)
})

t.test('an encoder that puts its key into the playlist', async (t) => {
  const clock = new ManualClock()
  const origin = await openOrigin(t, {}, { clock })
  const key = encodeURIComponent(origin.keys.encoder)
  const channel = new LiveChannel(`?token=${key}&ttl_seconds=3600`)
  await push(origin, channel.files())
  const { verdicts, stdout } = await runDoctorJson(
    [`${origin.dataPlaneUrl}/cache/live-origin/`, '--key', origin.keys.player],
    { clock, onWait: () => push(origin, channel.goOn()) },
  )
  t.match(verdicts['keys.leak'], /breaks-playback|ok/)
  t.notMatch(stdout, origin.keys.encoder)
})

t.test('the report for people is grouped, and coloured only on a terminal', async (t) => {
  const { clock, url, keyFile, onWait } = await openChannel(t)
  const argv = [url, '--key-file', keyFile]
  const plain = await runDoctor(argv, { clock, onWait })
  t.match(plain.stdout, /\nCaching\n {2}ok {7}multivariant {5}Cache-Control: public, max-age=/)
  t.notMatch(plain.stdout, '\u001b')
  t.equal(plain.stderr, '')
  const coloured = await runDoctor(argv, { clock, onWait, isTTY: true })
  t.match(coloured.stdout, '\u001b[32m')
  t.match(coloured.stderr, 'half a minute')
  const refused = await runDoctor(argv, { clock, onWait, isTTY: true, env: { NO_COLOR: '1' } })
  t.notMatch(refused.stdout, '\u001b')
})

t.test('--help', async (t) => {
  const { stdout, exitCode } = await runDoctor(['--help'], { clock: new ManualClock() })
  t.match(stdout, 'Usage: headwater doctor')
  t.equal(exitCode, 0)
})
