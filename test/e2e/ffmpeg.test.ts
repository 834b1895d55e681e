/**
 * The command lines that the README gives, run by the real ffmpeg against a running origin: it
 * exits cleanly, nothing is refused, everything it announced is there, and ffprobe can play it.
 */

import t from 'tap'
import type { Test } from 'tap'
import type { Headwater } from '../../src/app.ts'
import { probeStreams, startFfmpeg } from '../support/ffmpeg.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'

/** The encoding options of the recipes, with the fastest preset; key frames every 2 s. */
const ENCODE = [
  ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
  ...['-g', '60', '-keyint_min', '60', '-sc_threshold', '0'],
  ...['-c:a', 'aac', '-b:a', '96k', '-ac', '2', '-ar', '48000'],
]
const VIDEO = ['-b:v', '300k']
const SECONDS = ['-t', '8']
const HLS = ['-f', 'hls', '-hls_time', '2', '-hls_list_size', '6']
const NET = [
  ...['-method', 'PUT', '-http_persistent', '1'],
  ...['-timeout', '10', '-ignore_io_errors', '1'],
]
const LADDER = [
  '-filter_complex',
  '[0:v]split=3[a][b][c];[a]scale=320:180[v0];[b]scale=214:120[v1];[c]scale=106:60[v2]',
  ...['-map', '[v0]', '-map', '1:a', '-map', '[v1]', '-map', '1:a', '-map', '[v2]', '-map', '1:a'],
]
const LADDER_RATES = ['-b:v:0', '300k', '-b:v:1', '150k', '-b:v:2', '80k']
const LADDER_NAMES = [
  '-var_stream_map',
  'v:0,a:0,name:720p30 v:1,a:1,name:480p30 v:2,a:2,name:240p30',
]

/** A cache of its own for each command: they all use the guide's file names. */
async function openCommand(t: Test, cacheName: string) {
  const origin = await openOrigin(t)
  await origin.createCache(cacheName)
  const scope = { caches: [cacheName], items: { kind: 'all' } } as const
  const { apiKey } = await origin.mintKey({ ...scope, role: 'readwrite' })
  const player = (await origin.mintKey({ ...scope, role: 'readonly' })).apiKey
  return { origin, apiKey, player, base: `${origin.dataPlaneUrl}/cache/${cacheName}` }
}

/** Runs the command to its end. */
async function encode(t: Test, options: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await startFfmpeg(options).finished
  t.equal(exitCode, 0, `exit code; ${stderr.slice(-500)}`)
  t.notMatch(stderr, /upload segment failed|HTTP error|Failed to open/i)
}

/** The counter of refused writes, by reason; a reason that never happened is absent. */
async function refusals(origin: Headwater): Promise<Readonly<Record<string, number>>> {
  const { superUser } = origin.keys
  const metrics = await http(`${origin.adminUrl}/metrics`, {
    headers: { authorization: superUser },
  })
  const counts: Record<string, number> = {}
  for (const line of metrics.text.split('\n')) {
    const [, reason, count] =
      /^headwater_refused_writes_total\{reason="([^"]+)"\} (\d+)/.exec(line) ?? []
    if (reason !== undefined && Number(count) > 0) counts[reason] = Number(count)
  }
  return counts
}

/** Reads a media playlist and all it names; returns the segments' bytes. */
async function checkMediaPlaylist(
  t: Test,
  url: string,
  player: string,
): Promise<readonly Buffer[]> {
  const headers = { authorization: player }
  const playlist = await http(url, { headers })
  t.equal(playlist.status, 200, url)
  t.match(playlist.text, /^#EXTM3U/)
  t.match(playlist.text, /#EXT-X-ENDLIST/)
  const map = /#EXT-X-MAP:URI="([^"]+)"/.exec(playlist.text)?.[1]
  const init = map === undefined ? Buffer.alloc(0) : await readReference(t, map, url, player)
  const names = playlist.text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  t.ok(names.length >= 4, `${String(names.length)} segments`)
  const segments: Buffer[] = []
  for (const name of names) {
    segments.push(Buffer.concat([init, await readReference(t, name, url, player)]))
  }
  return segments
}

async function readReference(t: Test, reference: string, playlistUrl: string, player: string) {
  const answer = await http(new URL(reference, playlistUrl).href, {
    headers: { authorization: player },
  })
  t.equal(answer.status, 200, reference.replace(/\?.*/, ''))
  t.ok(answer.body.length > 0)
  return answer.body
}

async function checkStreams(t: Test, source: string | Uint8Array, player?: string): Promise<void> {
  const streams = await probeStreams(source, player)
  const codecs = new Set(streams.map(({ codec_name }) => codec_name))
  t.same([...codecs].sort(), ['aac', 'h264'])
}

t.jobs = 3

t.test('A: single rendition, key and TTL in the query', async (t) => {
  const { origin, apiKey, player, base } = await openCommand(t, 'command-a')
  const query = `token=${apiKey}&ttl_seconds=3600`
  await encode(t, [
    ...[...ENCODE, ...VIDEO, ...SECONDS, ...HLS, ...NET],
    ...[
      '-hls_segment_filename',
      `${base}/playlist_%05d.ts?${query}`,
      `${base}/playlist.m3u8?${query}`,
    ],
  ])
  const segments = await checkMediaPlaylist(t, `${base}/playlist.m3u8`, player)
  await checkStreams(t, segments[0] ?? Buffer.alloc(0))
  await checkStreams(t, `${base}/playlist.m3u8`, player)
  t.same(await refusals(origin), {})
})

t.test('A2: single rendition, key in a header', async (t) => {
  const { origin, apiKey, player, base } = await openCommand(t, 'command-a2')
  await encode(t, [
    ...[...ENCODE, ...VIDEO, ...SECONDS, ...HLS, ...NET],
    ...['-headers', `Authorization: ${apiKey}\r\n`],
    ...['-hls_segment_filename', `${base}/playlist_%05d.ts?ttl_seconds=3600`],
    `${base}/playlist.m3u8?ttl_seconds=3600`,
  ])
  const segments = await checkMediaPlaylist(t, `${base}/playlist.m3u8`, player)
  for (const segment of segments) await checkStreams(t, segment)
  await checkStreams(t, `${base}/playlist.m3u8`, player)
  const playlist = await http(`${base}/playlist.m3u8?token=${player}`)
  t.notOk(playlist.text.includes(apiKey), 'the encoder key does not show')
  t.same(await refusals(origin), {})
})

t.test('B: ladder of three with a multivariant playlist', async (t) => {
  const { origin, apiKey, player, base } = await openCommand(t, 'command-b')
  const query = `token=${apiKey}&ttl_seconds=3600`
  await encode(t, [
    ...[...LADDER, ...ENCODE, ...LADDER_RATES, ...SECONDS, ...HLS, ...NET],
    ...['-hls_flags', 'independent_segments', '-master_pl_name', `playlist.m3u8?${query}`],
    ...[...LADDER_NAMES, '-hls_segment_filename', `${base}/playlist_%v_%05d.ts?${query}`],
    `${base}/playlist_%v.m3u8?${query}`,
  ])
  const multivariant = await http(`${base}/playlist.m3u8`, { headers: { authorization: player } })
  t.equal(multivariant.status, 200)
  t.equal(multivariant.text.match(/#EXT-X-STREAM-INF/g)?.length, 3)
  for (const name of ['720p30', '480p30', '240p30']) {
    t.ok(multivariant.text.includes(`playlist_${name}.m3u8`))
    const segments = await checkMediaPlaylist(t, `${base}/playlist_${name}.m3u8`, player)
    await checkStreams(t, segments.at(-1) ?? Buffer.alloc(0))
  }
  await checkStreams(t, `${base}/playlist.m3u8`, player)
  t.same(await refusals(origin), {})
})

t.test('C: fMP4 segments with an init section', async (t) => {
  const { origin, apiKey, player, base } = await openCommand(t, 'command-c')
  const query = `token=${apiKey}&ttl_seconds=3600`
  await encode(t, [
    ...[...ENCODE, ...VIDEO, ...SECONDS, ...HLS, ...NET, '-hls_segment_type', 'fmp4'],
    ...['-hls_fmp4_init_filename', `init.mp4?${query}`],
    ...['-hls_segment_filename', `${base}/playlist_%05d.m4s?${query}`],
    `${base}/playlist.m3u8?${query}`,
  ])
  const segments = await checkMediaPlaylist(t, `${base}/playlist.m3u8`, player)
  for (const segment of segments) await checkStreams(t, segment)
  await checkStreams(t, `${base}/playlist.m3u8`, player)
  t.same(await refusals(origin), {})
})

t.test('D: DASH, key through -http_opts', async (t) => {
  const { origin, apiKey, player, base } = await openCommand(t, 'command-d')
  await encode(t, [
    ...[...ENCODE, ...VIDEO, ...SECONDS, '-f', 'dash', '-seg_duration', '2'],
    ...['-window_size', '6', '-extra_window_size', '4', ...NET],
    ...['-http_opts', `headers=Authorization\\: ${apiKey}`],
    ...['-init_seg_name', 'init-$RepresentationID$.m4s?ttl_seconds=3600'],
    ...['-media_seg_name', 'chunk-$RepresentationID$-$Number%05d$.m4s?ttl_seconds=3600'],
    `${base}/manifest.mpd?ttl_seconds=3600`,
  ])
  const headers = { authorization: player }
  const manifest = await http(`${base}/manifest.mpd`, { headers })
  t.equal(manifest.status, 200)
  t.match(manifest.text, /<\/MPD>\s*$/)
  for (const id of ['0', '1']) {
    const init = await readReference(t, `init-${id}.m4s`, `${base}/manifest.mpd`, player)
    for (const number of ['00001', '00004']) {
      const name = `chunk-${id}-${number}.m4s`
      const chunk = await readReference(t, name, `${base}/manifest.mpd`, player)
      const streams = await probeStreams(Buffer.concat([init, chunk]))
      t.equal(streams[0]?.codec_name, id === '0' ? 'h264' : 'aac')
    }
  }
  t.same(await refusals(origin), {})
})

t.test('F: no options at all, the key as the last parameter', async (t) => {
  const { origin, apiKey, player, base } = await openCommand(t, 'command-f')
  const target = `${base}?token=${apiKey}&ttl_seconds=3600&key=playlist.m3u8`
  await encode(t, [...ENCODE, ...VIDEO, ...SECONDS, ...HLS, ...NET, target])
  const segments = await checkMediaPlaylist(t, `${base}?key=playlist.m3u8`, player)
  await checkStreams(t, segments[0] ?? Buffer.alloc(0))
  await checkStreams(t, `${base}?key=playlist.m3u8`, player)
  t.same(await refusals(origin), {})
})

t.test('G: user and password in the URL: the challenge is answered before any byte', async (t) => {
  const { origin, apiKey, player, base } = await openCommand(t, 'command-g')
  const withUser = base.replace('http://', `http://momento:${apiKey}@`)
  await encode(t, [...ENCODE, ...VIDEO, ...SECONDS, ...HLS, ...NET, `${withUser}/playlist.m3u8`])
  const segments = await checkMediaPlaylist(t, `${base}/playlist.m3u8`, player)
  await checkStreams(t, segments[0] ?? Buffer.alloc(0))
  await checkStreams(t, `${base}/playlist.m3u8`, player)
  const refused = await refusals(origin)
  t.same(Object.keys(refused), ['credential-missing'], 'the challenges, and nothing else')
})

t.test('G2: the same as a Basic header, which is never challenged', async (t) => {
  const { origin, apiKey, player, base } = await openCommand(t, 'command-g2')
  const basic = Buffer.from(`momento:${apiKey}`).toString('base64')
  await encode(t, [
    ...[...ENCODE, ...VIDEO, ...SECONDS, ...HLS, ...NET],
    ...['-headers', `Authorization: Basic ${basic}\r\n`, `${base}/playlist.m3u8`],
  ])
  await checkMediaPlaylist(t, `${base}/playlist.m3u8`, player)
  await checkStreams(t, `${base}/playlist.m3u8`, player)
  t.same(await refusals(origin), {})
})
