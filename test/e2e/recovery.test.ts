/** A real encoder dies and comes back: stale, then live again, and players go on by themselves. */

import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { launchBrowser, playedSeconds, untilPlayed, untilPlaysOn } from '../support/browser.ts'
import { startFfmpeg, startReader } from '../support/ffmpeg.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'

interface Encoder {
  readonly name: string
  /** What a player opens, and a media playlist of it. */
  readonly entry: string
  readonly media: string
  /** After ffmpeg's inputs. */
  readonly options: (base: string, apiKey: string, videoBitrate: string) => readonly string[]
  /** What the validator has to say of the restart, and nothing else. */
  readonly findings: readonly string[]
}

const ENCODE = [
  ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
  ...['-g', '15', '-keyint_min', '15', '-sc_threshold', '0', '-c:a', 'aac', '-b:a', '64k'],
]
const HLS = [
  ...['-t', '120', '-f', 'hls', '-hls_time', '1', '-hls_list_size', '6', '-method', 'PUT'],
  ...['-http_persistent', '1', '-timeout', '10'],
]

/** The two ways in which a restarted ffmpeg numbers its segments. */
const ENCODERS: readonly Encoder[] = [
  {
    name: 'a single rendition that counts from 0 again and writes over its names',
    entry: 'playlist.m3u8',
    media: 'playlist.m3u8',
    options: (base, apiKey, videoBitrate) => [
      ...['-vf', 'fps=15,scale=160:90', ...ENCODE, '-b:v', videoBitrate, ...HLS],
      ...['-headers', `Authorization: ${apiKey}\r\n`],
      ...['-hls_segment_filename', `${base}/playlist_%05d.ts?ttl_seconds=60`],
      `${base}/playlist.m3u8?ttl_seconds=60`,
    ],
    findings: ['encoder-restarted', 'segment-name-reused'],
  },
  {
    name: 'a ladder with numbers that begin with the time',
    entry: 'playlist.m3u8',
    media: 'playlist_90p.m3u8',
    options: (base, apiKey, videoBitrate) => [
      ...['-filter_complex', '[0:v]fps=15,split=2[a][b];[a]scale=320:180[v0];[b]scale=160:90[v1]'],
      ...['-map', '[v0]', '-map', '1:a', '-map', '[v1]', '-map', '1:a', ...ENCODE],
      ...['-b:v:0', '200k', '-b:v:1', videoBitrate, ...HLS, '-hls_start_number_source', 'epoch'],
      ...['-headers', `Authorization: ${apiKey}\r\n`],
      ...['-master_pl_name', 'playlist.m3u8?ttl_seconds=60'],
      ...['-var_stream_map', 'v:0,a:0,name:180p v:1,a:1,name:90p'],
      ...['-hls_segment_filename', `${base}/playlist_%v_%05d.ts?ttl_seconds=60`],
      `${base}/playlist_%v.m3u8?ttl_seconds=60`,
    ],
    findings: ['encoder-restarted'],
  },
]

const browser = await launchBrowser(t)
t.jobs = ENCODERS.length

for (const encoder of ENCODERS) {
  t.test(`killed, stale, restarted, live: ${encoder.name}`, async (t) => {
    const origin = await openOrigin(t, {
      caches: { defaults: { staleAfterTargetDurations: 3 } },
    })
    const { dataPlaneUrl, keys } = origin
    const base = `${dataPlaneUrl}/cache/live-origin`
    const headers = { authorization: keys.player }
    const states: string[] = []
    origin.events.on('channel-changed', ({ state }) => states.push(state))
    const findings: string[] = []
    origin.events.on('finding', ({ finding }) => findings.push(finding.rule))
    // The test picture is the same each time: another bit rate makes other bytes.
    const start = (videoBitrate: string) => {
      const running = startFfmpeg(encoder.options(base, keys.encoder, videoBitrate))
      t.teardown(() => running.process.kill('SIGKILL'))
      return running
    }
    const untilMedia = async (isRight: (text: string) => boolean) => {
      for (;;) {
        const answer = await http(`${base}/${encoder.media}`, { headers })
        if (answer.status === 200 && isRight(answer.text)) return answer.text
        await sleep(20)
      }
    }
    const segmentCount = (text: string) => text.match(/#EXTINF/g)?.length ?? 0

    const first = start('80k')
    await untilMedia((text) => segmentCount(text) >= 3)
    const page = await browser.newPage()
    t.teardown(() => page.close())
    await page.goto(`${dataPlaneUrl}/play/live-origin/${encoder.entry}#token=${keys.player}`)
    const watched = startReader(`${base}/${encoder.entry}?token=${keys.player}`, 60)
    t.teardown(() => watched.process.kill('SIGKILL'))
    await untilPlayed(page, 3)

    first.process.kill('SIGKILL')
    const before = await untilMedia(() => true)
    let stale = await http(`${base}/${encoder.entry}`, { headers })
    while (stale.status === 200) {
      await sleep(20)
      stale = await http(`${base}/${encoder.entry}`, { headers })
    }
    t.equal(stale.status, 404)
    t.equal(stale.headers['x-headwater-reason'], 'stale')
    t.equal(stale.headers['cache-control'], 'no-store')
    t.match(stale.text, /nothing was written for \d+ s/)
    t.equal((await http(`${base}/${encoder.media}`, { headers })).status, 404, 'all of the channel')
    // What was buffered is played, then the page says what it waits for.
    const stateOf = () => page.evaluate<string>('document.documentElement.dataset.state')
    while ((await stateOf()) !== 'waiting') await sleep(20)
    // ffmpeg as a player gives up on a 404; who runs it starts it again.
    await watched.finished
    while (states.at(-1) !== 'stale') await sleep(20)

    start('120k')
    const after = await untilMedia((text) => text !== before)
    t.notOk(after.includes('#EXT-X-ENDLIST'))
    await untilPlaysOn(page, 5)
    t.equal(await stateOf(), 'playing')
    t.ok((await playedSeconds(page)) > 0)
    const again = startReader(`${base}/${encoder.entry}?token=${keys.player}`, 3)
    const { exitCode, stderr } = await again.finished
    t.equal(exitCode, 0, `ffmpeg plays three seconds again; ${stderr.slice(-500)}`)
    while (states.at(-1) !== 'live') await sleep(20)
    t.same(states, ['live', 'stale', 'live'])
    t.same([...new Set(findings)].sort(), encoder.findings, 'and nothing else is told')
  })
}
