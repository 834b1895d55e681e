/** The player page in a real browser, while a real encoder pushes. */

import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { launchBrowser, playedSeconds, untilPlayed } from '../support/browser.ts'
import { probeStreams, startFfmpeg } from '../support/ffmpeg.ts'
import { hlsErrors, openHlsJsPage, openNativePage } from '../support/hls-page.ts'
import { http } from '../support/http.ts'
import { innerJwt, openOrigin } from '../support/origin.ts'
import { openRecordingProxy } from '../support/recording-proxy.ts'

t.test('a page plays five seconds of a live channel and talks to nobody else', async (t) => {
  const origin = await openOrigin(t)
  const { dataPlaneUrl, keys } = origin
  const base = `${dataPlaneUrl}/cache/live-origin`
  const encoder = startFfmpeg([
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
    ...['-g', '30', '-keyint_min', '30', '-sc_threshold', '0', '-b:v', '300k'],
    ...['-c:a', 'aac', '-b:a', '96k', '-t', '120', '-f', 'hls', '-hls_time', '1'],
    ...['-hls_list_size', '6', '-method', 'PUT', '-http_persistent', '1', '-timeout', '10'],
    ...['-headers', `Authorization: ${keys.encoder}\r\n`],
    ...['-hls_segment_filename', `${base}/playlist_%05d.ts?ttl_seconds=60`],
    `${base}/playlist.m3u8?ttl_seconds=60`,
  ])
  t.teardown(() => encoder.process.kill('SIGKILL'))
  const headers = { authorization: keys.player }
  let playlist = await http(`${base}/playlist.m3u8`, { headers })
  while (!playlist.text.includes('playlist_00002.ts') && encoder.process.exitCode === null) {
    playlist = await http(`${base}/playlist.m3u8`, { headers })
  }
  t.equal(encoder.process.exitCode, null, 'the encoder runs')

  const page = await (await launchBrowser(t)).newPage()
  const requested: string[] = []
  const failed: string[] = []
  const problems: string[] = []
  page.on('request', (request) => requested.push(request.url()))
  page.on('response', (response) => {
    if (response.status() >= 400) failed.push(`${String(response.status())} ${response.url()}`)
  })
  page.on('pageerror', (error) => problems.push(error.message))

  await page.goto(`${dataPlaneUrl}/play/live-origin/playlist.m3u8#token=${keys.player}`)
  await untilPlayed(page, 5)
  await untilPlayed(page, (await playedSeconds(page)) + 1)
  const size = await page.evaluate<number>("document.querySelector('video').videoWidth")
  t.equal(size, 320, 'it shows the picture of the encoder')

  const strangers = requested.filter(
    (url) => !/^(blob|data):/.test(url) && new URL(url).origin !== new URL(dataPlaneUrl).origin,
  )
  t.same(strangers, [], 'no other host was asked')
  t.same(problems, [], 'no error on the page')
  t.same(failed, [], 'every request of the page was answered well')
  t.notOk(
    requested.some((url) => url.split('#')[0]?.includes(keys.player)),
    'the token is in no URL that was sent',
  )
})

interface CommandLine {
  readonly name: string
  /** Path and query of what a player opens, behind `/cache/<cache>`; the token goes behind it. */
  readonly entry: string
  /** A media playlist of it. */
  readonly media: string
  /** The key of the encoder is in every URL that the command has. */
  readonly options: (base: string, query: string) => readonly string[]
}

const NET = ['-method', 'PUT', '-http_persistent', '1', '-timeout', '10', '-ignore_io_errors', '1']
const ENCODE = [
  ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
  ...['-g', '15', '-keyint_min', '15', '-sc_threshold', '0', '-c:a', 'aac', '-b:a', '64k'],
  ...['-t', '120', '-f', 'hls', '-hls_time', '1', '-hls_list_size', '6', ...NET],
]
const SINGLE = ['-vf', 'fps=15,scale=160:90', '-b:v', '80k', ...ENCODE]

const COMMAND_LINES: readonly CommandLine[] = [
  {
    name: 'A, a single rendition',
    entry: '/playlist.m3u8?',
    media: '/playlist.m3u8?',
    options: (base, query) => [
      ...[...SINGLE, '-hls_segment_filename', `${base}/playlist_%05d.ts?${query}`],
      `${base}/playlist.m3u8?${query}`,
    ],
  },
  {
    name: 'B, a ladder',
    entry: '/playlist.m3u8?',
    media: '/playlist_90p.m3u8?',
    options: (base, query) => [
      ...['-filter_complex', '[0:v]fps=15,split=2[a][b];[a]scale=320:180[v0];[b]scale=160:90[v1]'],
      ...['-map', '[v0]', '-map', '1:a', '-map', '[v1]', '-map', '1:a'],
      ...[
        '-b:v:0',
        '200k',
        '-b:v:1',
        '80k',
        ...ENCODE,
        '-master_pl_name',
        `playlist.m3u8?${query}`,
      ],
      ...['-var_stream_map', 'v:0,a:0,name:180p v:1,a:1,name:90p'],
      ...['-hls_segment_filename', `${base}/playlist_%v_%05d.ts?${query}`],
      `${base}/playlist_%v.m3u8?${query}`,
    ],
  },
  {
    name: 'C, fMP4',
    entry: '/playlist.m3u8?',
    media: '/playlist.m3u8?',
    options: (base, query) => [
      ...[...SINGLE, '-hls_segment_type', 'fmp4', '-hls_fmp4_init_filename', `init.mp4?${query}`],
      ...['-hls_segment_filename', `${base}/playlist_%05d.m4s?${query}`],
      `${base}/playlist.m3u8?${query}`,
    ],
  },
  {
    name: 'F, the name of the file last in the query',
    entry: '?key=playlist.m3u8&',
    media: '?key=playlist.m3u8&',
    options: (base, query) => [...SINGLE, `${base}?${query}&key=playlist.m3u8`],
  },
]

t.test('with keys in its URLs an encoder leaks nothing, a player key is enough', async (t) => {
  const origin = await openOrigin(t)
  const readers = await openRecordingProxy(t, origin.dataPlaneUrl)
  const browser = await launchBrowser(t)
  const secrets: string[] = []
  t.jobs = COMMAND_LINES.length
  const commands = COMMAND_LINES.map(({ name, entry, media, options }, index) =>
    t.test(name, async (t) => {
      const cacheName = `command-${String(index)}`
      await origin.createCache(cacheName)
      const scope = { caches: [cacheName], items: { kind: 'all' } } as const
      const { apiKey } = await origin.mintKey({ ...scope, role: 'readwrite' })
      const player = (await origin.mintKey({ ...scope, role: 'readonly' })).apiKey
      secrets.push(apiKey, innerJwt(apiKey))
      const query = `token=${apiKey}&ttl_seconds=60`
      const encoder = startFfmpeg(options(`${origin.dataPlaneUrl}/cache/${cacheName}`, query))
      t.teardown(() => encoder.process.kill('SIGKILL'))
      const base = `${readers.url}/cache/${cacheName}`
      let text = ''
      while ((text.match(/#EXTINF/g)?.length ?? 0) < 3 && encoder.process.exitCode === null) {
        text = (await http(`${base}${media}token=${player}`)).text
        await sleep(20)
      }
      t.equal(encoder.process.exitCode, null, 'the encoder runs')

      // The whole of what a viewer is given: one URL, with a key that can read.
      const address = `${base}${entry}token=${player}`
      const codecs = (await probeStreams(address)).map(({ codec_name }) => codec_name)
      t.same([...new Set(codecs)].sort(), ['aac', 'h264'], 'ffprobe reads it all')
      const withHlsJs = await openHlsJsPage(browser, address)
      await untilPlayed(withHlsJs, 5)
      t.notOk((await hlsErrors(withHlsJs)).some((error) => error.startsWith('fatal')))
      await withHlsJs.close()
      const native = await openNativePage(browser, address)
      await untilPlayed(native, 5)
      await native.close()
    }),
  )
  await Promise.all(commands)
  t.equal(secrets.length, 2 * COMMAND_LINES.length)
  t.ok(readers.exchanges.length > 100, `${String(readers.exchanges.length)} answers`)
  for (const secret of secrets) {
    const shown = readers.countWith(secret) + readers.countWith(encodeURIComponent(secret))
    t.equal(shown, 0, 'no answer held a key that can write')
    t.notOk(readers.exchanges.some(({ target }) => target.includes(secret)))
  }
  const refused = readers.exchanges.filter(({ status }) => status === 401 || status === 403)
  t.same(refused, [], 'every request had a key that is enough')
})

t.test('what looks for leaks finds one where keys are kept', async (t) => {
  const origin = await openOrigin(t, { caches: { defaults: { playlistTokens: 'keep' } } })
  const readers = await openRecordingProxy(t, origin.dataPlaneUrl)
  const { encoder, player } = origin.keys
  const segments = `#EXTINF:2,\na.ts?token=${encoder}\n`.repeat(20)
  await http(`${origin.dataPlaneUrl}/cache/live-origin/a.m3u8?token=${encoder}&ttl_seconds=60`, {
    method: 'PUT',
    body: `#EXTM3U\n#EXT-X-TARGETDURATION:2\n${segments}`,
  })
  const headers = { 'accept-encoding': 'gzip' }
  await http(`${readers.url}/cache/live-origin/a.m3u8?token=${player}`, { headers })
  t.equal(readers.exchanges[0]?.headers['content-encoding'], 'gzip')
  t.equal(readers.countWith(encoder), 1)
})
