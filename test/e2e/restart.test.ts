/** The origin restarts under a real encoder: with an inherited socket nobody is refused. */

import t from 'tap'
import { launchBrowser, playedSeconds, untilPlayed } from '../support/browser.ts'
import { startFfmpeg } from '../support/ffmpeg.ts'
import { http } from '../support/http.ts'
import {
  canInheritSockets,
  openListeningSocket,
  startOriginChild,
} from '../support/listening-parent.ts'

const skip = canInheritSockets ? false : 'this platform hands no sockets to children'

/** Nothing that would help it over a refused connection: no -ignore_io_errors. */
function push(base: string, apiKey: string, more: readonly string[]): readonly string[] {
  return [
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
    ...['-g', '30', '-keyint_min', '30', '-sc_threshold', '0', '-b:v', '300k'],
    ...['-c:a', 'aac', '-b:a', '96k', '-t', '20', '-f', 'hls', '-hls_time', '1'],
    ...['-hls_list_size', '5', '-method', 'PUT', ...more],
    ...['-headers', `Authorization: ${apiKey}\r\n`, `${base}/playlist.m3u8`],
  ]
}

for (const [name, more] of [
  ['a connection for each object', []],
  ['persistent connections', ['-http_persistent', '1']],
] as const) {
  t.test(`ffmpeg with ${name} pushes on over a restart`, { skip }, async (t) => {
    const dataDir = t.testdir()
    const socket = openListeningSocket()
    t.teardown(() => socket.close())
    const first = await startOriginChild(socket, dataDir)
    const { encoder = '', player = '' } = first.ready
    const base = `${socket.url}/cache/live-origin`
    const headers = { authorization: player }
    const read = (key: string) => http(`${base}/${key}`, { headers })

    const encoding = startFfmpeg(push(base, encoder, more))
    t.teardown(() => encoding.process.kill('SIGKILL'))
    while (!(await read('playlist.m3u8')).text.includes('playlist2.ts')) await pause(100)
    t.equal(await first.stop(), 0)
    // Longer than a segment: what is pushed now waits.
    await pause(1500)
    t.equal(encoding.process.exitCode, null, 'it was not refused')
    const second = await startOriginChild(socket, dataDir)
    t.teardown(() => second.stop())

    const { exitCode, stderr } = await encoding.finished
    t.equal(exitCode, 0, stderr.slice(-500))
    t.notMatch(stderr, /refused|reset by peer|Broken pipe|Failed to open/i)
    const playlist = await read('playlist.m3u8')
    t.match(playlist.text, /#EXT-X-ENDLIST/)
    const segments = playlist.text.split('\n').filter((line) => /^playlist\d+\.ts/.test(line))
    t.equal(segments.length, 5)
    for (const segment of segments) t.equal((await read(segment)).status, 200, segment)
  })
}

t.test('a player plays on over a restart', { skip }, async (t) => {
  const dataDir = t.testdir()
  const socket = openListeningSocket()
  t.teardown(() => socket.close())
  const first = await startOriginChild(socket, dataDir)
  const { encoder = '', player = '' } = first.ready
  const base = `${socket.url}/cache/live-origin`
  const options = push(base, encoder, ['-http_persistent', '1'])
  const encoding = startFfmpeg(options.map((option) => (option === '20' ? '120' : option)))
  t.teardown(() => encoding.process.kill('SIGKILL'))
  const headers = { authorization: player }
  const playlist = `${base}/playlist.m3u8`
  while (!(await http(playlist, { headers })).text.includes('playlist2.ts')) await pause(100)

  const page = await (await launchBrowser(t)).newPage()
  await page.goto(`${socket.url}/play/live-origin/playlist.m3u8#token=${player}`)
  await untilPlayed(page, 3)
  t.equal(await first.stop(), 0)
  const second = await startOriginChild(socket, dataDir)
  t.teardown(() => second.stop())
  const before = await playedSeconds(page)
  // More than what was buffered: segments that the second process was given.
  await untilPlayed(page, before + 10)
  t.equal(encoding.process.exitCode, null, 'the encoder was not refused either')
})

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
