/** A live ladder goes to origin A, viewers are at origin B, and A is killed: does anybody notice? */

import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { launchBrowser, untilPlayed, untilPlaysOn } from '../support/browser.ts'
import { startFfmpeg } from '../support/ffmpeg.ts'
import { hlsErrors, openHlsJsPage } from '../support/hls-page.ts'
import { http } from '../support/http.ts'
import { meterStalls } from '../support/stall-meter.ts'
import { startValkeyServer, until } from '../support/valkey-server.ts'
import { openCdn } from './support/cdn-process.ts'
import { EdgeWatch } from './support/edge-watch.ts'
import { openPushBalancer } from './support/push-balancer.ts'
import { startValkeyPair } from './support/valkey-pair.ts'
import { median } from './support/valkey-origin.ts'

const SEGMENT_SECONDS = 2

/** Two variants, small, as docs/encoders.md has it. */
function ladder(base: string, apiKey: string): readonly string[] {
  return [
    ...['-filter_complex', '[0:v]fps=15,split=2[a][b];[a]scale=320:180[v0];[b]scale=160:90[v1]'],
    ...['-map', '[v0]', '-map', '1:a', '-map', '[v1]', '-map', '1:a'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
    ...['-g', '30', '-keyint_min', '30', '-sc_threshold', '0', '-b:v:0', '200k', '-b:v:1', '80k'],
    ...['-c:a', 'aac', '-b:a', '64k', '-t', '150', '-f', 'hls', '-method', 'PUT'],
    ...['-hls_time', String(SEGMENT_SECONDS), '-hls_list_size', '6', '-timeout', '10'],
    ...['-hls_start_number_source', 'epoch', '-headers', `Authorization: ${apiKey}\r\n`],
    ...['-master_pl_name', 'playlist.m3u8?ttl_seconds=60'],
    ...['-var_stream_map', 'v:0,a:0,name:180p v:1,a:1,name:90p'],
    ...['-hls_segment_filename', `${base}/playlist_%v_%05d.ts?ttl_seconds=60`],
    `${base}/playlist_%v.m3u8?ttl_seconds=60`,
  ]
}

/** When each segment was named there for the first time, by its name. */
async function watchNames(
  url: string,
  headers: Record<string, string>,
  seen: Map<string, number>,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    const answer = await http(url, { headers })
    const names = answer.status === 200 ? (answer.text.match(/^[^#\s].*\.ts/gm) ?? []) : []
    for (const name of names) if (!seen.has(name)) seen.set(name, performance.now())
    await sleep(20)
  }
}

t.test('pushed to A, played from B; A is killed, and the player plays on', async (t) => {
  const valkey = await startValkeyServer(t)
  const { a, b } = await startValkeyPair(t, valkey.url)
  const pushUrl = await openPushBalancer(t, a.url, b.url)
  // Viewers are at B; A is what Varnish would fall back to.
  const { playerKey } = b
  const cdnUrl = await openCdn(t, 'varnish', { originUrl: b.url, originBUrl: a.url, playerKey })
  const encoder = startFfmpeg(ladder(`${pushUrl}/cache/live-origin`, a.encoderKey))
  t.teardown(() => encoder.process.kill('SIGKILL'))

  const isThere = async () => (await http(`${cdnUrl}/playlist.m3u8`)).status === 200
  await until(isThere, 60_000)
  const edge = new EdgeWatch(`${cdnUrl}/playlist_180p.m3u8`)
  t.teardown(() => edge.stop())
  let isMeasured = false
  const [atA, atViewers] = [new Map<string, number>(), new Map<string, number>()]
  const headers = { authorization: a.playerKey }
  const measuring = Promise.all([
    watchNames(`${a.url}/cache/live-origin/playlist_180p.m3u8`, headers, atA, () => isMeasured),
    watchNames(`${cdnUrl}/playlist_180p.m3u8`, {}, atViewers, () => isMeasured),
  ])

  const browser = await launchBrowser(t)
  const page = await openHlsJsPage(browser, `${cdnUrl}/playlist.m3u8`)
  await untilPlayed(page, 3)
  await until(() => atViewers.size >= 6, 60_000)
  isMeasured = true
  await measuring
  // Those that were there at the first look say nothing.
  const lagsMs = [...atViewers].slice(2).map(([name, ms]) => ms - (atA.get(name) ?? ms))
  const lagMs = median(lagsMs)
  t.ok(lagMs < SEGMENT_SECONDS * 1000, 'within one segment')
  const before = edge.take()
  t.strictSame(before.failures, [])

  const stalls = await meterStalls(page)
  await a.served.end('SIGKILL')
  const killedAt = edge.edge
  await until(() => edge.edge >= killedAt + 4, 60_000)
  await untilPlaysOn(page, 8)
  const { count, longestMs } = await stalls()
  const after = edge.take()
  t.comment(
    `PUT on A to playlist at viewers of B: median ${lagMs.toFixed(0)} ms, most ` +
      `${Math.max(...lagsMs).toFixed(0)} ms (segments of ${String(SEGMENT_SECONDS)} s)`,
  )
  t.comment(
    `kill -9 of A: ${String(count)} stalls, longest ${String(longestMs)} ms; longest gap between ` +
      `segments ${String(after.longestGapMs)} ms (before: ${String(before.longestGapMs)} ms); ` +
      `${String(after.failures.length)} failed reads, ${String(after.wrongOrderCount)} in wrong order`,
  )
  t.ok(count <= 1, 'at most one stall')
  t.ok(longestMs < 3000, 'under 3 s')
  t.equal(encoder.process.exitCode, null, 'the encoder goes on')
  t.strictSame(after.failures, [], 'no segment was lost')
  t.equal(after.wrongOrderCount, 0)
  const fatal = (await hlsErrors(page)).filter((error) => error.startsWith('fatal'))
  t.strictSame(fatal, [])
})
