/** Low-latency HLS from a real packager to a real browser: behind by less than three seconds. */

import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import type { Headwater } from '../../src/app.ts'
import { launchBrowser, untilPlayed, untilPlaysOn } from '../support/browser.ts'
import { probeStreams } from '../support/ffmpeg.ts'
import { hlsErrors, openHlsJsPage } from '../support/hls-page.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'
import { openRecordingProxy } from '../support/recording-proxy.ts'
import type { Exchange } from '../support/recording-proxy.ts'
import {
  PARTS_IN_SEGMENT,
  SEGMENT_SECONDS,
  startLowLatencyPackager,
} from './support/low-latency-packager.ts'
import type { Packager } from './support/low-latency-packager.ts'

const LATENCY_SECONDS_MAX = 3
const WATCHED_SECONDS = 10
const SETTLE_MS_MAX = 30_000

/** What the player says of itself, and the page's clock against the dates in the playlist. */
interface Latency {
  readonly edgeSeconds: number
  readonly clockSeconds: number
  readonly positionSeconds: number
  /** The page's clock when it was asked. */
  readonly atSeconds: number
}

const HLS_JS_LATENCY = `({
  edgeSeconds: hls.latency,
  clockSeconds: (Date.now() - hls.playingDate.getTime()) / 1000,
  positionSeconds: hls.media.currentTime,
  atSeconds: performance.now() / 1000,
})`

/** The same of this project's player page, which shows it to tests. */
const PLAYER_PAGE_LATENCY = `(({ latencySeconds, clockLatencySeconds }) => ({
  edgeSeconds: Number(latencySeconds),
  clockSeconds: Number(clockLatencySeconds),
  positionSeconds: document.querySelector('video').currentTime,
  atSeconds: performance.now() / 1000,
}))(document.documentElement.dataset)`

const browser = await launchBrowser(t)

async function openChannel(t: Test) {
  const origin = await openOrigin(t)
  const findings: string[] = []
  origin.events.on('finding', ({ finding }) => findings.push(finding.message))
  const start = () =>
    startLowLatencyPackager(t, {
      base: `${origin.dataPlaneUrl}/cache/live-origin`,
      apiKey: origin.keys.encoder,
    })
  const packager = start()
  while (packager.segmentCount() < 3) {
    if (packager.refused.length > 0) throw new Error(packager.refused.join())
    await sleep(20)
  }
  return { origin, packager, findings, start }
}

t.test('two players are less than three seconds behind, without a stall', async (t) => {
  const { origin, packager, findings } = await openChannel(t)
  const { player } = origin.keys
  const readers = await openRecordingProxy(t, origin.dataPlaneUrl)
  const address = `${readers.url}/cache/live-origin/${packager.playlistName}?token=${player}`
  const bare = await openHlsJsPage(browser, address, {
    lowLatencyMode: true,
    // Makes up for a slow start.
    maxLiveSyncPlaybackRate: 1.5,
  })
  const own = await browser.newPage()
  await own.goto(`${origin.dataPlaneUrl}/play/live-origin/${packager.playlistName}#token=${player}`)
  const ofBare = () => bare.evaluate<Latency>(HLS_JS_LATENCY)
  const ofOwn = () => own.evaluate<Latency>(PLAYER_PAGE_LATENCY)
  await Promise.all([untilPlayed(bare, 2), untilPlayed(own, 2)])
  await Promise.all([untilSettled(ofBare), untilSettled(ofOwn)])

  const stallCount = () => own.evaluate('document.documentElement.dataset.stallCount')
  const stallsBefore = await stallCount()
  const watchedFrom = readers.exchanges.length
  await Promise.all([checkLatency(t, 'hls.js', ofBare), checkLatency(t, 'the player page', ofOwn)])
  t.notOk((await hlsErrors(bare)).some((error) => error.startsWith('fatal')))
  t.equal(await stallCount(), stallsBefore, 'the page saw no stall')
  const watched = readers.exchanges.slice(watchedFrom)
  const refused = watched.filter(({ status }) => status !== 200)
  t.same(refused, [], 'no 404, no 503')
  checkBlockingReloads(t, watched)
  checkDeltaUpdates(t, watched)
  t.same(packager.refused, [])
  t.same(findings, [], 'the validator has nothing to say')
})

async function openPlayerPage(t: Test, origin: Headwater, { playlistName }: Packager) {
  const page = await browser.newPage()
  t.teardown(() => page.close())
  const { dataPlaneUrl, keys } = origin
  await page.goto(`${dataPlaneUrl}/play/live-origin/${playlistName}#token=${keys.player}`)
  return page
}

/** A player may start late when the machine has other things to do. */
async function untilSettled(read: () => Promise<Latency>): Promise<void> {
  const endsAtMs = performance.now() + SETTLE_MS_MAX
  while (!((await read()).clockSeconds < LATENCY_SECONDS_MAX - 0.3)) {
    if (performance.now() > endsAtMs) return
    await sleep(20)
  }
}

/** Watches a player for a while; what it has played meanwhile shows whether it stood still. */
async function checkLatency(t: Test, name: string, read: () => Promise<Latency>): Promise<void> {
  const startedMs = performance.now()
  const samples: Latency[] = []
  while (performance.now() - startedMs < WATCHED_SECONDS * 1000) {
    samples.push(await read())
    await sleep(20)
  }
  const edge = Math.max(...samples.map(({ edgeSeconds }) => edgeSeconds))
  const clock = Math.max(...samples.map(({ clockSeconds }) => clockSeconds))
  t.ok(edge < LATENCY_SECONDS_MAX, `${name}: ${edge.toFixed(2)} s behind the live edge at most`)
  t.ok(clock < LATENCY_SECONDS_MAX, `${name}: ${clock.toFixed(2)} s behind the camera at most`)
  const [first, last] = [samples[0], samples.at(-1)]
  if (first === undefined || last === undefined) throw new Error('there is one at least')
  const watchedSeconds = last.atSeconds - first.atSeconds
  const played = last.positionSeconds - first.positionSeconds
  const share = `${played.toFixed(2)} of ${watchedSeconds.toFixed(2)} s`
  t.ok(played > watchedSeconds - 0.5, `${name}: ${share} were played`)
}

/** One playlist for each part, answered when the part is there. */
function checkBlockingReloads(t: Test, watched: readonly Exchange[]): void {
  const playlists = watched.filter(({ target }) => target.includes('.m3u8'))
  const parts = watched.filter(({ target }) => target.includes('/part_'))
  t.ok(parts.length >= (WATCHED_SECONDS - 2) * PARTS_IN_SEGMENT, `${String(parts.length)} parts`)
  t.ok(
    playlists.length <= parts.length + PARTS_IN_SEGMENT,
    `${String(playlists.length)} playlists: nobody polls`,
  )
  const blocking = playlists.filter(({ target }) => target.includes('_HLS_part='))
  // hls.js asks without when it was not answered for a second.
  t.ok(blocking.length > playlists.length - PARTS_IN_SEGMENT, 'with the part that comes next')
  for (const { target, body } of blocking) {
    const { searchParams } = new URL(target, 'http://origin')
    const [msn, part] = [searchParams.get('_HLS_msn'), searchParams.get('_HLS_part')]
    const name = `part_${String(msn)}_${String(part)}.m4s`
    t.ok(body.includes(name), `${name} is in the playlist that was asked for with it`)
  }
  const waitedMs = playlists.map(({ askedMs, answeredMs }) => answeredMs - askedMs)
  const held = waitedMs.filter((ms) => ms > 100).length
  t.ok(held > playlists.length / 2, `${String(held)} of ${String(playlists.length)} were held`)
}

/** What the player has is not sent again. */
function checkDeltaUpdates(t: Test, watched: readonly Exchange[]): void {
  const deltas = watched.filter(({ body }) => body.includes('#EXT-X-SKIP:SKIPPED-SEGMENTS='))
  t.ok(deltas.length > WATCHED_SECONDS, `${String(deltas.length)} delta updates`)
  t.ok(deltas.every(({ target }) => target.includes('_HLS_skip=')))
}

t.test('a dead packager holds nobody for ever; with the next one players go on', async (t) => {
  const { origin, packager, findings, start } = await openChannel(t)
  const page = await openPlayerPage(t, origin, packager)
  await untilPlayed(page, 2)
  await packager.stop()

  const playlist = `${origin.dataPlaneUrl}/cache/live-origin/${packager.playlistName}`
  const askedMs = performance.now()
  const url = `${playlist}?_HLS_msn=${String(packager.segmentCount() + 1)}`
  const refused = await http(url, { headers: { authorization: origin.keys.player } })
  const heldMs = performance.now() - askedMs
  t.equal(refused.status, 503)
  t.equal(refused.headers['x-headwater-reason'], 'reload-timeout')
  t.equal(refused.headers['cache-control'], 'no-store')
  t.ok(heldMs > 2900 * SEGMENT_SECONDS, `after ${heldMs.toFixed(0)} ms: three target durations`)
  const stateOf = () => page.evaluate<string>('document.documentElement.dataset.state')
  while ((await stateOf()) !== 'waiting') await sleep(20)

  start()
  await untilPlaysOn(page, 3)
  t.equal(await stateOf(), 'playing')
  t.equal(findings.length, 1)
  t.match(findings[0], /begins anew/)
})

t.test('who knows no parts plays the segments', async (t) => {
  const { origin, packager } = await openChannel(t)
  const url = `${origin.dataPlaneUrl}/cache/live-origin/${packager.playlistName}`
  const codecs = (await probeStreams(url, origin.keys.player)).map(({ codec_name }) => codec_name)
  t.same(codecs.sort(), ['aac', 'h264'])
})
