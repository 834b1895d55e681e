/**
 * The real ffmpeg pushes a ladder, which is recorded, replayed 20 times as fast into another origin,
 * and looped as a live channel: the same objects there, and a channel that nothing is found with.
 */

import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Test } from 'tap'
import { hashesOf, openRigRun, recordTape } from '../cli/tape/encoder.ts'
import type { RigRun } from '../cli/tape/encoder.ts'
import { probeStreams, startFfmpeg } from '../support/ffmpeg.ts'
import { http } from '../support/http.ts'

const ENCODE = [
  ...['-filter_complex', '[0:v]split=2[a][b];[a]scale=320:180[v0];[b]scale=160:90[v1]'],
  ...['-map', '[v0]', '-map', '1:a', '-map', '[v1]', '-map', '1:a'],
  ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
  ...['-g', '30', '-keyint_min', '30', '-sc_threshold', '0', '-b:v:0', '300k', '-b:v:1', '100k'],
  ...['-c:a', 'aac', '-b:a', '96k', '-ac', '2', '-ar', '48000', '-t', '8'],
]
const HLS = [
  ...['-f', 'hls', '-hls_time', '1', '-hls_list_size', '5'],
  ...['-var_stream_map', 'v:0,a:0,name:180p v:1,a:1,name:90p'],
]
const NET = ['-method', 'PUT', '-timeout', '10', '-ignore_io_errors', '1']

async function push({ origin }: RigRun, t: Test, options: readonly string[]): Promise<void> {
  const base = `${origin.dataPlaneUrl}/cache/live-origin`
  const query = `token=${origin.keys.encoder}&ttl_seconds=3600`
  const output = [
    ...['-master_pl_name', `playlist.m3u8?${query}`],
    ...['-hls_segment_filename', `${base}/playlist_%v_%05d.ts?${query}`],
    `${base}/playlist_%v.m3u8?${query}`,
  ]
  const { exitCode, stderr } = await startFfmpeg([...ENCODE, ...HLS, ...options, ...NET, ...output])
    .finished
  t.equal(exitCode, 0, stderr.slice(-500))
}

async function rulesFound({ origin }: RigRun, cache: string): Promise<readonly string[]> {
  const headers = { authorization: origin.keys.superUser }
  const answer = await http(`${origin.adminUrl}/api/findings?cache=${cache}`, { headers })
  // The shape is the route's.
  const { findings } = JSON.parse(answer.text) as { readonly findings: { readonly rule: string }[] }
  return findings.map(({ rule }) => rule)
}

t.test("a ladder's tape replays to equal hashes, and loops as a live channel", async (t) => {
  const rig = await openRigRun(t)
  const other = await openRigRun(t)
  const options = ['-http_persistent', '1', '-hls_flags', 'independent_segments+program_date_time']
  const file = `${rig.cwd}/ladder.tape`
  const recorded = await recordTape(rig, () => push(rig, t, options), ['--out', file])
  t.match(recorded, { refusedCount: 0, missedCount: 0, unfinishedCount: 0 })
  t.notOk(readFileSync(file).includes(rig.origin.keys.encoder), 'the key is not on the tape')

  const original = await hashesOf(rig, 'live-origin')
  t.ok(Object.keys(original).length > 15, Object.keys(original).join(' '))
  const replay = (cache: string, ...flags: string[]) =>
    other.run([
      ...[
        'replay',
        file,
        '--to',
        `${other.origin.dataPlaneUrl}/cache/${cache}`,
        '--json',
        ...flags,
      ],
    ])
  const replayed = await replay('copy', '--speed', '20')
  t.equal(replayed.exitCode, 0, replayed.err)
  t.match(JSON.parse(replayed.out), { differences: [], retriedCount: 0, refusedCount: 0 })
  t.same(await hashesOf(other, 'copy'), original)

  await other.origin.createCache('looped')
  const looped = await replay('looped', '--speed', '20', '--rebase', '--loops', '2')
  t.equal(looped.exitCode, 0, looped.err)
  const headers = { authorization: other.origin.keys.superUser }
  // The bit rate of the test picture is the encoder's, whose last segments are not judged once it ends.
  const rules = await rulesFound(other, 'looped')
  t.same(
    rules.filter((rule) => rule !== 'bandwidth-exceeded'),
    [],
  )
  const url = `${other.origin.dataPlaneUrl}/cache/looped`
  const playlist = await http(`${url}/playlist_180p.m3u8`, { headers })
  t.match(playlist.text, /#EXT-X-MEDIA-SEQUENCE:1\d\n/)
  const streams = await probeStreams(`${url}/playlist_180p.m3u8`, other.origin.keys.superUser)
  t.match(streams, [{ codec_type: 'video' }, { codec_type: 'audio' }])
})
