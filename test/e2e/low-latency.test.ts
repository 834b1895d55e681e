/** Low-latency HLS from a real packager to a real browser: behind by less than three seconds. */

import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { launchBrowser, untilPlayed } from '../support/browser.ts'
import { probeStreams } from '../support/ffmpeg.ts'
import { hlsErrors, openHlsJsPage } from '../support/hls-page.ts'
import { openOrigin } from '../support/origin.ts'
import { openRecordingProxy } from '../support/recording-proxy.ts'
import type { Exchange } from '../support/recording-proxy.ts'
import { PARTS_IN_SEGMENT, startLowLatencyPackager } from './support/low-latency-packager.ts'

const LATENCY_SECONDS_MAX = 3
const WATCHED_SECONDS = 10

/** What hls.js says of itself, and the page's clock against the dates in the playlist. */
interface Latency {
  readonly edgeSeconds: number
  readonly clockSeconds: number
  readonly positionSeconds: number
}

const LATENCY = `({
  edgeSeconds: hls.latency,
  clockSeconds: (Date.now() - hls.playingDate.getTime()) / 1000,
  positionSeconds: hls.media.currentTime,
})`

async function openChannel(t: Test) {
  const origin = await openOrigin(t)
  const findings: string[] = []
  origin.events.on('finding', ({ finding }) => findings.push(finding.message))
  const packager = startLowLatencyPackager(t, {
    base: `${origin.dataPlaneUrl}/cache/live-origin`,
    apiKey: origin.keys.encoder,
  })
  while (packager.segmentCount() < 3) {
    if (packager.refused.length > 0) throw new Error(packager.refused.join())
    await sleep(20)
  }
  return { origin, packager, findings }
}

t.test('hls.js plays at less than three seconds behind, without a stall', async (t) => {
  const { origin, packager, findings } = await openChannel(t)
  const readers = await openRecordingProxy(t, origin.dataPlaneUrl)
  const address = `${readers.url}/cache/live-origin/${packager.playlistName}?token=${origin.keys.player}`
  const page = await openHlsJsPage(await launchBrowser(t), address, { lowLatencyMode: true })
  await untilPlayed(page, 2)

  const watchedFrom = readers.exchanges.length
  const startedMs = performance.now()
  const samples: Latency[] = []
  while (performance.now() - startedMs < WATCHED_SECONDS * 1000) {
    samples.push(await page.evaluate<Latency>(LATENCY))
    await sleep(20)
  }
  const watchedSeconds = (performance.now() - startedMs) / 1000
  const edge = Math.max(...samples.map(({ edgeSeconds }) => edgeSeconds))
  const clock = Math.max(...samples.map(({ clockSeconds }) => clockSeconds))
  t.ok(edge < LATENCY_SECONDS_MAX, `${edge.toFixed(2)} s behind the live edge at most`)
  t.ok(clock < LATENCY_SECONDS_MAX, `${clock.toFixed(2)} s behind the camera at most`)
  const played = (samples.at(-1)?.positionSeconds ?? 0) - (samples[0]?.positionSeconds ?? 0)
  t.ok(played > watchedSeconds - 0.5, `${played.toFixed(2)} of ${watchedSeconds.toFixed(2)} s`)
  t.same(await hlsErrors(page), [], 'hls.js has nothing to complain of')

  const watched = readers.exchanges.slice(watchedFrom)
  t.same(
    watched.filter(({ status }) => status !== 200),
    [],
    'no 404, no 503',
  )
  checkBlockingReloads(t, watched)
  t.same(packager.refused, [])
  t.same(findings, [], 'the validator has nothing to say')
})

/** One playlist for each part, answered when the part is there. */
function checkBlockingReloads(t: Test, watched: readonly Exchange[]): void {
  const playlists = watched.filter(({ target }) => target.includes('.m3u8'))
  const parts = watched.filter(({ target }) => target.includes('/part_'))
  t.ok(parts.length >= (WATCHED_SECONDS - 1) * PARTS_IN_SEGMENT, `${String(parts.length)} parts`)
  t.ok(
    playlists.length <= parts.length + PARTS_IN_SEGMENT,
    `${String(playlists.length)} playlists: nobody polls`,
  )
  for (const { target, body } of playlists) {
    const { searchParams } = new URL(target, 'http://origin')
    const [msn, part] = [searchParams.get('_HLS_msn'), searchParams.get('_HLS_part')]
    t.ok(body.includes(`part_${String(msn)}_${String(part)}.m4s`), `${String(msn)}.${String(part)}`)
  }
  const waitedMs = playlists.map(({ askedMs, answeredMs }) => answeredMs - askedMs)
  const held = waitedMs.filter((ms) => ms > 100).length
  t.ok(held > playlists.length / 2, `${String(held)} of ${String(playlists.length)} were held`)
}

t.test('who knows no parts plays the segments', async (t) => {
  const { origin, packager } = await openChannel(t)
  const url = `${origin.dataPlaneUrl}/cache/live-origin/${packager.playlistName}`
  const codecs = (await probeStreams(url, origin.keys.player)).map(({ codec_name }) => codec_name)
  t.same(codecs.sort(), ['aac', 'h264'])
})
