/** What `headwater capacity` promises against what a ladder of the real ffmpeg really pins. */

import t from 'tap'
import { hotStoreBytes } from '../../src/cli/demo/capacity.ts'
import { startHeadwater } from '../../src/app.ts'
import { runFfmpeg } from '../support/ffmpeg.ts'

const BITRATES_KBPS = [2500, 1500, 750]
const AUDIO_KBPS = 96
const SEGMENT_SECONDS = 2
const WINDOW_SEGMENTS = 15

t.test('a live ladder pins within a tenth of what `headwater capacity` says', async (t) => {
  const origin = await startHeadwater()
  t.teardown(() => origin.close())
  const destination = `${origin.dataPlaneUrl}/cache/live-origin`
  const video = BITRATES_KBPS.flatMap((bitrateKbps, index) => {
    const rate = `${bitrateKbps - AUDIO_KBPS}k`
    return [`-b:v:${index}`, rate, `-maxrate:v:${index}`, rate, `-bufsize:v:${index}`, rate]
  })
  const { exitCode, stderr } = await runFfmpeg([
    // Noise, so that every picture needs all of its bits. As fast as it goes: more than a window.
    ...['-f', 'lavfi', '-i', 'testsrc2=size=426x240:rate=25:duration=40'],
    ...['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000:duration=40'],
    ...['-filter_complex', '[0:v]noise=alls=40:allf=t,split=3[a][b][c]'],
    ...['[a]', '[b]', '[c]'].flatMap((label) => ['-map', label, '-map', '1:a']),
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50', '-sc_threshold', '0', ...video],
    ...['-c:a', 'aac', '-b:a', `${AUDIO_KBPS}k`],
    ...['-f', 'hls', '-hls_time', String(SEGMENT_SECONDS)],
    ...['-hls_list_size', String(WINDOW_SEGMENTS), '-hls_flags', 'omit_endlist'],
    ...['-var_stream_map', 'v:0,a:0 v:1,a:1 v:2,a:2', '-master_pl_name', 'index.m3u8'],
    ...['-method', 'PUT', '-headers', `Authorization: ${origin.keys.encoder}\r\n`],
    ...['-hls_segment_filename', `${destination}/v%v/s%d.ts`, `${destination}/v%v/p.m3u8`],
  ])
  t.equal(exitCode, 0, stderr)
  const metrics = await (await fetch(`${origin.adminUrl}/metrics`)).text()
  const read = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(metrics)?.[1])
  const capacity = hotStoreBytes({
    bitratesKbps: BITRATES_KBPS,
    segmentSeconds: SEGMENT_SECONDS,
    windowSeconds: SEGMENT_SECONDS * WINDOW_SEGMENTS,
  })
  const pinnedBytes = read('headwater_hot_store_pinned_bytes')
  // Three windows and their playlists.
  t.equal(read('headwater_hot_store_pinned_items'), 3 * WINDOW_SEGMENTS + 3)
  const ratio = capacity.totalBytes / pinnedBytes
  t.comment(`pinned ${pinnedBytes}, computed ${capacity.totalBytes}, ratio ${ratio.toFixed(3)}`)
  t.ok(ratio > 0.9 && ratio < 1.1, `ratio ${ratio.toFixed(3)}`)
})
