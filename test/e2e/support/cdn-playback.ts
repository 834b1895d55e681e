/** A live ladder through a CDN: in a browser and in ffprobe. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { launchBrowser, untilPlayed } from '../../support/browser.ts'
import { probeStreams, startFfmpeg } from '../../support/ffmpeg.ts'
import { http } from '../../support/http.ts'
import { openOrigin } from '../../support/origin.ts'
import { openCdn } from './cdn-process.ts'
import type { CdnProgram } from './cdn-process.ts'
import { OriginGate } from './origin-gate.ts'

/**
 * Two small rungs at 15 frames a second: two cores encode, serve, cache and play. Segments of 2 s: nginx
 * counts whole seconds, and Chromium's own player gives up on a playlist that is two segments behind.
 */
function startLadder(base: string, apiKey: string) {
  return startFfmpeg([
    ...['-filter_complex', '[0:v]fps=15,split=2[a][b];[a]scale=320:180[v0];[b]scale=160:90[v1]'],
    ...['-map', '[v0]', '-map', '1:a', '-map', '[v1]', '-map', '1:a'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
    ...['-g', '30', '-keyint_min', '30', '-sc_threshold', '0', '-b:v:0', '200k', '-b:v:1', '80k'],
    ...['-c:a', 'aac', '-b:a', '64k', '-t', '180', '-f', 'hls', '-hls_time', '2'],
    ...['-hls_list_size', '6', '-hls_flags', 'independent_segments', '-method', 'PUT'],
    ...['-http_persistent', '1', '-timeout', '10', '-ignore_io_errors', '1'],
    ...['-headers', `Authorization: ${apiKey}\r\n`],
    ...['-master_pl_name', 'playlist.m3u8?ttl_seconds=600'],
    ...['-var_stream_map', 'v:0,a:0,name:180p v:1,a:1,name:90p'],
    ...['-hls_segment_filename', `${base}/playlist_%v_%05d.ts?ttl_seconds=60`],
    `${base}/playlist_%v.m3u8?ttl_seconds=60`,
  ])
}

/** Plays in Chromium (the player page with hls.js, then natively) and in ffprobe. */
export function checkPlayback(t: Test, program: CdnProgram): void {
  t.test('a live ladder plays through it in a browser and in ffprobe', async (t) => {
    const origin = await openOrigin(t)
    const gate = await OriginGate.open(t, origin.dataPlaneUrl)
    const { encoder: encoderKey, player: playerKey } = origin.keys
    const cdnUrl = await openCdn(t, program, { originUrl: gate.url, playerKey })
    const ladder = startLadder(`${origin.dataPlaneUrl}/cache/live-origin`, encoderKey)
    t.teardown(() => ladder.process.kill('SIGKILL'))
    let playlist = await http(`${cdnUrl}/playlist_90p.m3u8`)
    while (!playlist.text.includes('_00002.ts') && ladder.process.exitCode === null) {
      await sleep(20)
      playlist = await http(`${cdnUrl}/playlist_90p.m3u8`)
    }
    t.equal(ladder.process.exitCode, null, 'the encoder runs')

    const codecs = new Set(
      (await probeStreams(`${cdnUrl}/playlist.m3u8`)).map(({ codec_name }) => codec_name),
    )
    t.same([...codecs].sort(), ['aac', 'h264'], 'ffprobe reads it')

    const browser = await launchBrowser(t)
    const page = await browser.newPage()
    const failed: string[] = []
    const credentials: string[] = []
    page.on('response', (response) => {
      if (response.status() >= 400) failed.push(`${String(response.status())} ${response.url()}`)
    })
    page.on('request', (request) => {
      if (request.headers()['authorization'] !== undefined) credentials.push(request.url())
    })
    // No token: the CDN has the key.
    await page.goto(`${cdnUrl}/play/live-origin/playlist.m3u8`)
    await untilPlayed(page, 5)
    t.same(failed, [], 'every request of the page was answered well')
    t.same(credentials, [], 'the page sent no credential')
    await page.close()

    // The browser's own player, as Safari has it: a range on every request, no script.
    const bare = await browser.newPage()
    await bare.setContent(`<video muted autoplay src="${cdnUrl}/playlist.m3u8"></video>`)
    await untilPlayed(bare, 5)
    t.equal(ladder.process.exitCode, null, 'the encoder still runs')
  })
}
