/** `headwater pull` of real things: the demo channel, through Varnish; a film made by ffmpeg. */

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { ClipGenerator } from '../../src/cli/demo/generator.ts'
import { readDemoClip } from '../../src/cli/demo/demo-clip.ts'
import { ItemClient } from '../../src/cli/item-client.ts'
import { systemClock } from '../../src/base/clock.ts'
import { launchBrowser, untilPlayed } from '../support/browser.ts'
import { probeStreams, runFfmpeg } from '../support/ffmpeg.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'
import { runMain, serveMain } from './spawn-cli.ts'
import { openCdn } from './support/cdn-process.ts'

t.test('the demo channel, pulled into a second origin, plays through Varnish', async (t) => {
  const source = await openOrigin(t)
  const generator = new ClipGenerator({
    client: new ItemClient({
      dataPlaneUrl: source.dataPlaneUrl,
      cacheName: 'live-origin',
      encoderKey: source.keys.encoder ?? '',
    }),
    clip: await readDemoClip(),
    clock: systemClock,
    keyPrefix: 'demo/',
  })
  t.teardown(() => generator.close())
  generator.start()
  await generator.ready

  const cwd = t.testdir()
  const second = await serveMain(t, ['serve', '--port', '0', '--admin-port', '0'], { cwd })
  const sourceUrl = `${source.dataPlaneUrl}/cache/live-origin/demo/playlist.m3u8`
  const token = encodeURIComponent(source.keys.player ?? '')
  const flags = ['--cache', 'live-origin', '--allow-private']
  const pull = await serveMain(t, ['pull', `${sourceUrl}?token=${token}`, ...flags], { cwd })
  const playerKey = await keyOf(cwd)
  const cdnUrl = await openCdn(t, 'varnish', {
    originUrl: second.ready['dataPlaneUrl'] ?? '',
    playerKey,
  })
  const playlist = await http(`${cdnUrl}/playlist.m3u8`)
  t.match(playlist.text, '#EXT-X-STREAM-INF')
  t.notMatch(playlist.text, 'token')
  const codecs = (await probeStreams(`${cdnUrl}/playlist.m3u8`)).map(({ codec_name }) => codec_name)
  t.same([...new Set(codecs)].sort(), ['aac', 'h264'], 'ffprobe reads it')
  const page = await (await launchBrowser(t)).newPage()
  await page.goto(`${cdnUrl}/play/live-origin/playlist.m3u8`)
  await untilPlayed(page, 5)
  await page.close()
  t.equal(await pull.end('SIGINT'), 0)
  const { out, err } = pull.texts()
  t.notMatch(out + err, token)
  t.match(err, /Stopped: \d+ segments, [^,]+\.\n/, 'nothing was lost')
})

t.test('a film of ffmpeg: renditions, init sections, subtitles; every byte', async (t) => {
  const film = t.testdir()
  await writeFile(join(film, 'words.srt'), '1\n00:00:00,000 --> 00:00:03,000\nHeadwater\n')
  await makeFilm([
    ...['-i', join(film, 'words.srt'), '-t', '6'],
    ...['-map', '0:v', '-map', '1:a', '-map', '2:s', '-map', '0:v', '-map', '1:a', ...CODECS],
    ...['-b:v:0', '150k', '-b:v:1', '80k', '-c:s', 'webvtt', '-f', 'hls', '-hls_time', '2'],
    ...['-hls_playlist_type', 'vod', '-hls_segment_type', 'fmp4'],
    ...['-hls_fmp4_init_filename', 'init_%v.mp4', '-master_pl_name', 'master.m3u8'],
    ...['-var_stream_map', 'v:0,a:0,s:0,sgroup:subs,name:high v:1,a:1,name:low'],
    ...['-hls_segment_filename', join(film, '%v_%d.m4s'), join(film, '%v.m3u8')],
  ])
  await checkFilm(t, film, 'master.m3u8', ['.m4s', '.vtt', 'init.mp4'])
})

t.test('a film of ffmpeg under AES-128', async (t) => {
  const film = t.testdir()
  await writeFile(join(film, 'film.key'), '0123456789abcdef')
  await writeFile(join(film, 'info'), `film.key\n${join(film, 'film.key')}\n`)
  await makeFilm([
    ...['-t', '6', ...CODECS, '-f', 'hls', '-hls_time', '2', '-hls_playlist_type', 'vod'],
    ...['-hls_key_info_file', join(film, 'info')],
    ...['-hls_segment_filename', join(film, '%d.ts'), join(film, 'film.m3u8')],
  ])
  await checkFilm(t, film, 'film.m3u8', ['.ts', 'key.key'])
})

const CODECS = [
  ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '30'],
  ...['-c:a', 'aac', '-b:a', '64k'],
]

async function makeFilm(options: readonly string[]): Promise<void> {
  const made = await runFfmpeg([
    ...['-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=15', '-f', 'lavfi', '-i', 'sine=440'],
    ...options,
  ])
  if (made.exitCode !== 0) throw new Error(made.stderr)
}

/** Pulls it and compares every file's bytes; then ffmpeg plays the copy. */
async function checkFilm(
  t: Test,
  film: string,
  playlist: string,
  kindsExpected: readonly string[],
): Promise<void> {
  const filmUrl = await serveFolder(t, film)
  const origin = await openOrigin(t)
  await writeFile(join(film, 'key.json'), JSON.stringify({ apiKey: origin.keys.encoder }))
  const pulled = await runMain(
    [
      ...['pull', `${filmUrl}/${playlist}`, '--cache', 'live-origin', '--key-prefix', 'film/'],
      ...['--to', origin.dataPlaneUrl, '--key-file', 'key.json', '--allow-private', '--json'],
    ],
    { cwd: film },
  )
  t.equal(pulled.exitCode, 0, pulled.err)
  t.match(JSON.parse(pulled.out), { hasEnded: true, failedRenditionCount: 0, lostSegmentCount: 0 })

  const headers = { authorization: origin.keys.player ?? '' }
  const base = `${origin.dataPlaneUrl}/cache/live-origin/film/`
  const pulledHashes = new Set<string>()
  const kinds = new Set<string>()
  const visit = async (url: URL): Promise<void> => {
    const answer = await http(url.href, { headers })
    t.equal(answer.status, 200, url.pathname)
    if (!url.pathname.endsWith('.m3u8')) {
      pulledHashes.add(hash(answer.body))
      kinds.add(url.pathname.replace(/^.*\/(init|key)?[^/]*(\.\w+)$/, '$1$2'))
      return
    }
    for (const uri of allUris(answer.text)) await visit(new URL(uri, url))
  }
  await visit(new URL(playlist, base))
  t.strictSame([...kinds].sort(), kindsExpected)
  const names = (await readdir(film)).filter((name) => /\.(?:m4s|mp4|vtt|key|ts)$/.test(name))
  const sourceHashes = await Promise.all(
    names.map(async (name) => hash(await readFile(join(film, name)))),
  )
  t.strictSame([...pulledHashes].sort(), [...new Set(sourceHashes)].sort())

  const token = encodeURIComponent(origin.keys.player ?? '')
  const played = await runFfmpeg([
    ...['-xerror', '-allowed_extensions', 'ALL', '-i', `${base}${playlist}?token=${token}`],
    ...['-map', '0:v', '-map', '0:a', '-f', 'null', '-'],
  ])
  t.equal(played.exitCode, 0, played.stderr)
}

async function serveFolder(t: Test, folder: string): Promise<string> {
  const server = createServer((request, response) => {
    const file = createReadStream(join(folder, (request.url ?? '').slice(1)))
    file.on('error', () => response.writeHead(404).end())
    file.pipe(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  // A TCP server's address, not a pipe's.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function keyOf(cwd: string): Promise<string> {
  const text = await readFile(join(cwd, '.headwater', 'player-key.json'), 'utf8')
  // A file that the server wrote.
  return (JSON.parse(text) as { readonly apiKey: string }).apiKey
}

function allUris(text: string): readonly string[] {
  return text
    .split('\n')
    .flatMap((line) => (line.startsWith('#') ? (/URI="([^"]+)"/.exec(line)?.[1] ?? '') : line))
    .filter((uri) => uri !== '')
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
