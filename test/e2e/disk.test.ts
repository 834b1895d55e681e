/** An origin with objects on disk restarts in the middle of a channel: the window is there again. */

import t from 'tap'
import { startFfmpeg, startReader } from '../support/ffmpeg.ts'
import { http } from '../support/http.ts'
import {
  canInheritSockets,
  openListeningSocket,
  startOriginChild,
} from '../support/listening-parent.ts'

const skip = canInheritSockets ? false : 'this platform hands no sockets to children'

function push(base: string, apiKey: string): readonly string[] {
  return [
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
    ...['-g', '30', '-keyint_min', '30', '-sc_threshold', '0', '-b:v', '300k'],
    ...['-c:a', 'aac', '-b:a', '96k', '-t', '15', '-f', 'hls', '-hls_time', '1'],
    // An upload may be under way when the origin is killed.
    ...['-hls_list_size', '8', '-method', 'PUT', '-ignore_io_errors', '1'],
    ...['-headers', `Authorization: ${apiKey}\r\n`, `${base}/playlist.m3u8`],
  ]
}

const segmentsOf = (playlist: string) =>
  playlist.split('\n').filter((line) => /^playlist\d+\.ts/.test(line))

const sequenceOf = (playlist: string) =>
  Number(/^#EXT-X-MEDIA-SEQUENCE:(\d+)/m.exec(playlist)?.[1] ?? -1)

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  t.test(`after ${signal} the channel goes on with its window`, { skip }, async (t) => {
    t.setTimeout(180_000)
    const dataDir = t.testdir()
    const socket = openListeningSocket()
    t.teardown(() => socket.close())
    const first = await startOriginChild(socket, dataDir, 'disk')
    const { encoder = '', player = '' } = first.ready
    const base = `${socket.url}/cache/live-origin`
    const headers = { authorization: player }
    const read = (key: string) => http(`${base}/${key}`, { headers })

    const encoding = startFfmpeg(push(base, encoder))
    t.teardown(() => encoding.process.kill('SIGKILL'))
    while (!(await read('playlist.m3u8')).text.includes('playlist4.ts')) await pause(100)
    const reader = startReader(`${base}/playlist.m3u8?token=${player}`, 6)
    t.teardown(() => reader.process.kill('SIGKILL'))
    await pause(1500)
    const before = await read('playlist.m3u8')
    await first.stop(signal)
    const second = await startOriginChild(socket, dataDir, 'disk')
    t.teardown(() => second.stop())

    const after = await read('playlist.m3u8')
    t.equal(after.status, 200)
    // The encoder goes on meanwhile, so how much of the window is new depends on the machine.
    t.ok(sequenceOf(after.text) >= sequenceOf(before.text), 'the playlist does not go back')
    for (const segment of segmentsOf(before.text)) {
      t.equal((await read(segment)).status, 200, `${segment} outlived ${signal}`)
    }
    t.equal((await reader.finished).exitCode, 0, 'a reader plays on')
    const { exitCode, stderr } = await encoding.finished
    t.equal(exitCode, 0, stderr.slice(-500))
    t.match((await read('playlist.m3u8')).text, /#EXT-X-ENDLIST/)
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
