import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import type { Test } from 'tap'
import { systemClock } from '../../../src/base/clock.ts'
import { readDemoClip } from '../../../src/cli/demo/demo-clip.ts'
import { runDemoChannels } from '../../../src/cli/demo/demo.ts'
import { ItemClient } from '../../../src/cli/item-client.ts'
import { probePlayable, waitUntilPlayable } from '../../../src/cli/demo/playable-probe.ts'
import { ManualClock } from '../../support/manual-clock.ts'

type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void

async function listen(t: Test, handler: Handler): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => handler(request, response, Buffer.concat(chunks)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Keeps what is PUT with the right key and a TTL. */
function memoryOrigin() {
  const items = new Map<string, Buffer>()
  const handler: Handler = (request, response, body) => {
    const url = new URL(request.url ?? '', 'http://origin')
    if (request.headers.authorization !== 'KEY') {
      response.writeHead(401).end(JSON.stringify({ message: 'Unauthorized' }))
    } else if (request.method === 'PUT') {
      if (url.searchParams.has('ttl_seconds')) items.set(url.pathname, body)
      response.writeHead(204).end()
    } else {
      const item = items.get(url.pathname)
      response.writeHead(item === undefined ? 404 : 200).end(item)
    }
  }
  return { items, handler }
}

const origin = (dataPlaneUrl: string, encoderKey = 'KEY') => ({
  dataPlaneUrl,
  cacheName: 'live-origin',
  encoderKey,
})

t.test('the bundled clip is whole, and small', async (t) => {
  const clip = await readDemoClip()
  t.same(
    clip.renditions.map(({ name }) => name),
    ['360p25', '240p25', '144p25'],
  )
  let totalBytes = 0
  for (const rendition of clip.renditions) {
    t.equal(rendition.bodies.length, clip.durationsSeconds.length)
    for (const body of rendition.bodies) {
      totalBytes += body.byteLength
      t.equal(body[0], 0x47, 'MPEG-TS')
    }
  }
  t.ok(totalBytes < 1024 * 1024)
})

t.test('a clip that is not there, or is not cut alike, is told', async (t) => {
  const empty = pathToFileURL(`${t.testdir({})}/`)
  await t.rejects(readDemoClip(empty), { code: 'HW_DEMO_FAILED' })
  const renditions = [[2], [3]].map((durations) => ({
    segments: durations.map((durationSeconds) => ({ file: 'a.seg', durationSeconds })),
  }))
  const uneven = t.testdir({
    'clip.json': JSON.stringify({ framesPerSecond: 25, renditions }),
    'a.seg': 'x',
  })
  await t.rejects(readDemoClip(pathToFileURL(`${uneven}/`)), { code: 'HW_DEMO_FAILED' })
})

t.test('the generator makes channels that can be played', async (t) => {
  const { items, handler } = memoryOrigin()
  const lines: string[] = []
  const demo = await runDemoChannels({
    origin: origin(await listen(t, handler)),
    clock: systemClock,
    channels: 2,
    source: 'generator',
    onProgress: (line) => lines.push(line),
  })
  t.teardown(() => demo.close())
  await demo.ready
  t.equal(demo.source, 'generator')
  t.same(
    demo.channels.map(({ playlistKey }) => playlistKey),
    ['demo/playlist.m3u8', 'demo-2/playlist.m3u8'],
  )
  t.match(items.get('/cache/live-origin/demo/playlist.m3u8')?.toString(), 'playlist_360p25.m3u8')
  t.match(lines[0], 'Pushing 2 live channels with the built-in generator (360p25, 240p25, 144p25)')
  t.ok(lines.some((line) => line.startsWith('demo-2/playlist.m3u8 is live (after ')))
  t.notMatch(lines.join('\n'), 'KEY')
  await demo.close()
})

t.test('without ffmpeg the generator takes over, and says why', async (t) => {
  const { handler } = memoryOrigin()
  const lines: string[] = []
  const demo = await runDemoChannels({
    origin: origin(await listen(t, handler)),
    clock: systemClock,
    ffmpegCommand: '/nowhere/ffmpeg',
    onProgress: (line) => lines.push(line),
  })
  t.teardown(() => demo.close())
  t.equal(demo.source, 'generator')
  t.match(lines[1], 'ffmpeg is not installed: the built-in generator pushes its clip instead.')
  await demo.ready
})

t.test('what needs ffmpeg fails without it', async (t) => {
  const options = {
    origin: origin('http://127.0.0.1:1'),
    clock: systemClock,
    ffmpegCommand: '/nowhere/ffmpeg',
    onProgress: () => undefined,
  }
  const failed = { code: 'HW_DEMO_FAILED' }
  await t.rejects(runDemoChannels({ ...options, source: 'ffmpeg' }), failed)
  await t.rejects(runDemoChannels({ ...options, input: 'a.mp4' }), failed)
  await t.rejects(runDemoChannels({ ...options, input: 'a.mp4', source: 'generator' }), failed)
})

t.test('a channel that is refused says so when the wait is over', async (t) => {
  const { handler } = memoryOrigin()
  const lines: string[] = []
  const demo = await runDemoChannels({
    origin: origin(await listen(t, handler), 'OTHER'),
    clock: systemClock,
    source: 'generator',
    readyTimeoutMs: 0,
    onProgress: (line) => lines.push(line),
  })
  t.teardown(() => demo.close())
  await t.rejects(demo.ready, {
    code: 'HW_DEMO_FAILED',
    message: /demo\/playlist\.m3u8: 401 Unauthorized/,
  })
})

t.test('the probe names what is missing', async (t) => {
  const { items, handler } = memoryOrigin()
  const client = new ItemClient(origin(await listen(t, handler)))
  t.teardown(() => client.close())
  const put = (name: string, text: string) =>
    items.set(`/cache/live-origin/demo/${name}`, Buffer.from(text))
  const probe = () => probePlayable(client, 'demo/playlist.m3u8')

  t.match(await probe(), '404')
  put('playlist.m3u8', '#EXTM3U\n')
  t.match(await probe(), 'names no variant')
  put('playlist.m3u8', '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n')
  t.match(await probe(), '/demo/v.m3u8: 404')
  put('v.m3u8', '#EXTM3U\n')
  t.match(await probe(), 'v.m3u8 names no segment')
  put('v.m3u8', '#EXTM3U\r\n#EXTINF:2,\r\na.ts\r\n#EXTINF:2,\r\nb.ts\r\n')
  put('a.ts', 'x')
  t.match(await probe(), 'b.ts: 404')
  put('b.ts', 'x')
  t.equal(await probe(), undefined)
})

t.test('waiting asks again until it is there, or the time is over', async (t) => {
  const clock = new ManualClock()
  let askedCount = 0
  const client = {
    urlOf: (key: string) => new URL(`http://origin/cache/c/${key}`),
    get: () => {
      askedCount++
      const body = Buffer.from('next')
      return Promise.resolve(
        askedCount < 3
          ? ({ kind: 'failed', statusCode: 404, reason: 'no' } as const)
          : ({ kind: 'ok', body } as const),
      )
    },
  }
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
  const waiting = waitUntilPlayable(client, 'p', { clock, timeoutMs: 1000 })
  for (let count = 0; count < 4; count++) {
    await settle()
    clock.advance(250)
  }
  t.equal(await waiting, undefined)
  askedCount = -100
  const late = waitUntilPlayable(client, 'p', { clock, timeoutMs: 500 })
  for (let count = 0; count < 4; count++) {
    await settle()
    clock.advance(250)
  }
  t.match(await late, '404 no')
  t.match(
    await waitUntilPlayable(client, 'p', { clock, timeoutMs: 500, isCancelled: () => true }),
    '404',
  )
})

t.test('the client tells the origin’s own reason', async (t) => {
  const rows: [
    statusCode: number,
    headers: Record<string, string>,
    body: string,
    reason: string,
  ][] = [
    [403, { 'x-headwater-reason': 'read only' }, '{"message":"Forbidden"}', 'read only'],
    [404, {}, '{"message":"Cache Not Found"}', 'Cache Not Found'],
    [502, {}, '<html>', 'Bad Gateway'],
    [500, {}, '[]', 'Internal Server Error'],
  ]
  let next = 0
  const url = await listen(t, (_request, response) => {
    const [statusCode, headers, body] = rows[next++] ?? [200, {}, '']
    response.writeHead(statusCode, headers).end(body)
  })
  const client = new ItemClient(origin(url))
  t.teardown(() => client.close())
  for (const [statusCode, , , reason] of rows) {
    t.same(await client.put('k', Buffer.from('x'), 60), { kind: 'failed', statusCode, reason })
  }
})

t.test('the client encodes keys and keeps a path before /cache', async (t) => {
  const client = new ItemClient(origin('https://origin.example/base/'))
  t.teardown(() => client.close())
  t.equal(
    client.urlOf('a b/ü?.ts').href,
    'https://origin.example/base/cache/live-origin/a%20b/%C3%BC%3F.ts',
  )
})

t.test('a connection that the server closed while it was idle is no failure', async (t) => {
  let requestCount = 0
  const url = await listen(t, (request, response) => {
    requestCount++
    // The second request on the connection is cut off, as by an idle timeout that comes first.
    if (requestCount === 2) request.socket.destroy()
    else response.writeHead(204).end()
  })
  const client = new ItemClient(origin(url))
  t.teardown(() => client.close())
  t.equal((await client.put('a', Buffer.from('x'), 60)).kind, 'ok')
  t.equal((await client.put('b', Buffer.from('x'), 60)).kind, 'ok')
  t.equal(requestCount, 3)
})

t.test('no server, a cut answer and a closed client are failures with a reason', async (t) => {
  const url = await listen(t, (request, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('x')
    setImmediate(() => request.socket.destroy())
  })
  const client = new ItemClient(origin(url))
  t.match(await client.get(client.urlOf('a')), { kind: 'failed', reason: /the answer broke off/ })
  client.close()
  t.match(await client.get(client.urlOf('a')), { kind: 'failed', statusCode: undefined })
  const nobody = new ItemClient(origin('http://127.0.0.1:1'))
  t.teardown(() => nobody.close())
  t.match(await nobody.put('a', Buffer.from('x'), 60), { reason: 'nothing listens there' })
})
