/** The player page in a real browser, while a real encoder pushes. */

import t from 'tap'
import { launchBrowser, playedSeconds, untilPlayed } from '../support/browser.ts'
import { probeStreams, startFfmpeg } from '../support/ffmpeg.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'

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

t.test(
  'with keys in its URLs an encoder leaks nothing, and a player key in one URL is enough',
  async (t) => {
    const origin = await openOrigin(t)
    const { dataPlaneUrl, keys } = origin
    const base = `${dataPlaneUrl}/cache/live-origin`
    const query = `token=${keys.encoder}&ttl_seconds=60`
    // The ladder of the guide with the query written three times: every URI names the encoder's key.
    const encoder = startFfmpeg([
      ...['-filter_complex', '[0:v]fps=15,split=2[a][b];[a]scale=320:180[v0];[b]scale=160:90[v1]'],
      ...['-map', '[v0]', '-map', '1:a', '-map', '[v1]', '-map', '1:a'],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
      ...['-g', '15', '-keyint_min', '15', '-sc_threshold', '0', '-b:v:0', '200k', '-b:v:1', '80k'],
      ...['-c:a', 'aac', '-b:a', '64k', '-t', '120', '-f', 'hls', '-hls_time', '1'],
      ...['-hls_list_size', '6', '-method', 'PUT', '-http_persistent', '1', '-timeout', '10'],
      ...['-master_pl_name', `playlist.m3u8?${query}`],
      ...['-var_stream_map', 'v:0,a:0,name:180p v:1,a:1,name:90p'],
      ...['-hls_segment_filename', `${base}/playlist_%v_%05d.ts?${query}`],
      `${base}/playlist_%v.m3u8?${query}`,
    ])
    t.teardown(() => encoder.process.kill('SIGKILL'))
    const headers = { authorization: keys.player }
    let media = await http(`${base}/playlist_90p.m3u8`, { headers })
    while (!media.text.includes('_00002.ts') && encoder.process.exitCode === null) {
      media = await http(`${base}/playlist_90p.m3u8`, { headers })
    }
    const address = `${base}/playlist.m3u8?token=${keys.player}`
    for (const text of [media.text, (await http(address)).text])
      t.notOk(text.includes(keys.encoder))

    const codecs = (await probeStreams(address)).map(({ codec_name }) => codec_name)
    t.same([...new Set(codecs)].sort(), ['aac', 'h264'], 'ffprobe reads it all')
    const page = await (await launchBrowser(t)).newPage()
    const seen: string[] = []
    page.on('request', (request) => seen.push(request.url()))
    await page.setContent(`<video muted autoplay src="${address}"></video>`)
    await untilPlayed(page, 5)
    t.notOk(
      seen.some((url) => url.includes(keys.encoder)),
      'the key of the encoder is nowhere',
    )
  },
)
