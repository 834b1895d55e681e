/** An RTMP push (OBS, or ffmpeg in its place) becomes a ladder at the origin, by docker/rtmp. */

import { spawn } from 'node:child_process'
import { chmodSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { Test } from 'tap'
import type { Headwater } from '../../src/app.ts'
import { probeStreams, startFfmpeg } from '../support/ffmpeg.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'
import { freePort, makeDirectory, superviseUntilListening } from './support/cdn-process.ts'

const DOCKER = fileURLToPath(new URL('../../docker/', import.meta.url))
const MS_MAX = 60_000

async function openRtmp(t: Test, origin: Headwater): Promise<string> {
  const directory = makeDirectory(t)
  const port = await freePort()
  const keyFile = join(directory, 'encoder-key.json')
  writeFileSync(keyFile, JSON.stringify({ apiKey: origin.keys.encoder }, undefined, 2))
  // Under root the worker is another user.
  chmodSync(keyFile, 0o644)
  // Found on the PATH, as in the image.
  const script = join(directory, 'push-ladder.sh')
  writeFileSync(script, readFileSync(join(DOCKER, 'encoder/push-ladder.sh')))
  chmodSync(script, 0o755)
  for (const tool of ['ffmpeg', 'ffprobe']) {
    const path = process.env[`E2E_${tool.toUpperCase()}`]
    if (path !== undefined) symlinkSync(path, join(directory, tool))
  }
  const template = readFileSync(join(DOCKER, 'rtmp/nginx.conf'), 'utf8')
  const modulePath = process.env['E2E_NGINX_RTMP'] ?? '/usr/lib/nginx/modules/ngx_rtmp_module.so'
  const file = join(directory, 'nginx.conf')
  writeFileSync(
    file,
    template
      .replace('/usr/lib/nginx/modules/ngx_rtmp_module.so', modulePath)
      .replace('listen 1935;', `listen 127.0.0.1:${String(port)};`)
      .replace('127.0.0.1:1935/live', `127.0.0.1:${String(port)}/live`),
  )
  const child = spawn(
    process.env['E2E_NGINX'] ?? '/usr/sbin/nginx',
    ['-p', directory, '-c', file, '-e', 'stderr', '-g', 'daemon off;'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: `${directory}${delimiter}${process.env['PATH'] ?? ''}`,
        ORIGIN_URL: origin.dataPlaneUrl,
        ENCODER_KEY_FILE: keyFile,
        // Light enough for two cores.
        LADDER: '180p:320x180:200 90p:160x90:80',
        FRAMES_PER_SECOND: '15',
        SEGMENT_SECONDS: '1',
        PRESET: 'ultrafast',
      },
    },
  )
  await superviseUntilListening(t, child, port, 'nginx with RTMP')
  return `rtmp://127.0.0.1:${String(port)}/live`
}

/** What OBS sends: FLV with H.264 and AAC. */
function publish(t: Test, url: string, sound: readonly string[]) {
  const publisher = startFfmpeg([
    ...['-map', '0:v', ...sound, '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency'],
    ...['-pix_fmt', 'yuv420p', '-g', '30', '-b:v', '300k', '-c:a', 'aac', '-t', '120', '-f', 'flv'],
    url,
  ])
  t.teardown(() => publisher.process.kill('SIGKILL'))
  return publisher
}

async function readUntil(
  origin: Headwater,
  key: string,
  isRight: (text: string) => boolean,
): Promise<string> {
  const endsAtMs = performance.now() + MS_MAX
  const url = `${origin.dataPlaneUrl}/cache/live-origin/${key}`
  for (;;) {
    const answer = await http(url, { headers: { authorization: origin.keys.player } })
    if (answer.status === 200 && isRight(answer.text)) return answer.text
    if (performance.now() > endsAtMs) {
      throw new Error(`${key}: ${String(answer.status)} ${answer.text}`)
    }
    await sleep(20)
  }
}

t.test('a published stream is a ladder under its name, and ends with the publisher', async (t) => {
  const origin = await openOrigin(t)
  const rtmp = await openRtmp(t, origin)
  const publisher = publish(t, `${rtmp}/teststream`, ['-map', '1:a'])
  const media = await readUntil(origin, 'teststream/playlist_90p.m3u8', (text) => {
    return text.split('#EXTINF').length > 3
  })
  const multivariant = await readUntil(origin, 'teststream/playlist.m3u8', () => true)
  t.equal(multivariant.match(/^#EXT-X-STREAM-INF/gm)?.length, 2)
  t.notMatch(multivariant, /^[ \t]/m, 'not indented: strict parsers refuse that')
  t.notOk(multivariant.includes(origin.keys.encoder), 'without the key')
  const base = `${origin.dataPlaneUrl}/cache/live-origin/teststream`
  const headers = { authorization: origin.keys.player }
  for (const name of media.split('\n').filter((line) => /^[^#]/.test(line))) {
    t.equal((await http(`${base}/${name}`, { headers })).status, 200, 'what is listed is there')
  }
  const streams = await probeStreams(`${base}/playlist.m3u8`, origin.keys.player)
  t.same([...new Set(streams.map(({ codec_name }) => codec_name))].sort(), ['aac', 'h264'])
  publisher.process.kill('SIGINT')
  const ended = await readUntil(origin, 'teststream/playlist_90p.m3u8', (text) => {
    return text.includes('#EXT-X-ENDLIST')
  })
  t.match(ended, /^#EXTM3U/)
})

t.test('a stream without sound gets silence', async (t) => {
  const origin = await openOrigin(t)
  const rtmp = await openRtmp(t, origin)
  publish(t, `${rtmp}/silent`, [])
  await readUntil(origin, 'silent/playlist_90p.m3u8', (text) => text.split('#EXTINF').length > 2)
  const url = `${origin.dataPlaneUrl}/cache/live-origin/silent/playlist_90p.m3u8`
  const streams = await probeStreams(url, origin.keys.player)
  t.same([...new Set(streams.map(({ codec_name }) => codec_name))].sort(), ['aac', 'h264'])
})

t.test('a name that could be more than a name is refused', async (t) => {
  const directory = makeDirectory(t)
  const keyFile = join(directory, 'key')
  writeFileSync(keyFile, 'secret-key-of-an-encoder')
  for (const name of ['../other', 'a/b', 'a b', 'a?token=x', '']) {
    const child = spawn(
      'sh',
      [join(DOCKER, 'encoder/push-ladder.sh'), 'rtmp://127.0.0.1/x', name],
      {
        env: { PATH: process.env['PATH'] ?? '', ENCODER_KEY_FILE: keyFile },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data: Buffer) => (output += data.toString()))
    }
    const exitCode = await new Promise((resolve) => child.once('close', resolve))
    t.equal(exitCode, 2, name)
    t.match(output, /stream name/)
    t.notOk(output.includes('secret-key'))
  }
})
