/** Encoders and tools that speak https push to the TLS port and read from it. */

import { spawn } from 'node:child_process'
import t from 'tap'
import { probeStreams, startFfmpeg } from '../support/ffmpeg.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'
import { tlsFixture } from '../support/tls.ts'

const TLS = { certFile: tlsFixture('first.cert.pem'), keyFile: tlsFixture('first.key.pem') }

t.test('ffmpeg pushes by https; ffprobe plays it by https and by http', async (t) => {
  const origin = await openOrigin(t, { http: { tls: { port: 0, ...TLS } } })
  const base = `${origin.tlsUrl ?? ''}/cache/live-origin`
  for (const [name, persistent] of [
    ['once', '0'],
    ['kept', '1'],
  ] as const) {
    const { exitCode, stderr } = await startFfmpeg([
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
      ...['-g', '30', '-keyint_min', '30', '-sc_threshold', '0', '-b:v', '300k'],
      ...['-c:a', 'aac', '-b:a', '96k', '-t', '12', '-f', 'hls', '-hls_time', '1'],
      ...['-hls_list_size', '0'],
      ...['-method', 'PUT', '-http_persistent', persistent, '-tls_verify', '0'],
      ...['-headers', `Authorization: ${origin.keys.encoder}\r\n`, `${base}/${name}.m3u8`],
    ]).finished
    t.equal(exitCode, 0, stderr.slice(-500))
    const headers = { authorization: origin.keys.player }
    const plain = `${origin.dataPlaneUrl}/cache/live-origin/${name}.m3u8`
    const playlist = await http(plain, { headers })
    t.match(playlist.text, /#EXT-X-ENDLIST/)
    for (const segment of playlist.text.split('\n').filter((line) => /\.ts$/.test(line))) {
      const url = `${origin.dataPlaneUrl}/cache/live-origin/${segment}`
      t.equal((await http(url, { headers })).status, 200, `${segment} was not lost`)
    }
    for (const url of [plain, `${base}/${name}.m3u8`]) {
      const streams = await probeStreams(url, origin.keys.player)
      t.same(streams.map(({ codec_name }) => codec_name).sort(), ['aac', 'h264'], url)
    }
  }
})

t.test('curl -k uploads and reads', async (t) => {
  const origin = await openOrigin(t, { http: { tls: { port: 0, ...TLS } } })
  const url = `${origin.tlsUrl ?? ''}/cache/live-origin/a.txt`
  const user = ['-u', `encoder:${origin.keys.encoder}`]
  const put = await curl(['-T', '-', ...user, '-w', '%{http_code}', url], 'bytes by https')
  if (put === undefined) return t.comment('curl is not installed')
  t.equal(put, '204')
  t.equal(await curl([...user, url]), 'bytes by https')
  t.equal(await curl(['--http2', '-w', ' %{http_version}', ...user, url]), 'bytes by https 1.1')
  t.equal(await curl(['--tlsv1.2', '--tls-max', '1.2', ...user, url]), 'bytes by https')
})

/** What it prints; `undefined` when this machine has none. */
function curl(args: readonly string[], input = ''): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn('curl', ['-sk', ...args], { stdio: 'pipe' })
    let output = ''
    child.stdout.on('data', (data: Buffer) => (output += data.toString()))
    child.once('error', () => resolve(undefined))
    child.once('close', () => resolve(output))
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })
}
