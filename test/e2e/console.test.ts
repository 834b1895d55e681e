/** The console in a real browser: signing in, overview, channels with a real encoder, restarts. */

import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import type { Test } from 'tap'
import type { Headwater } from '../../src/app.ts'
import { launchBrowser, untilPlayed } from '../support/browser.ts'
import { checkUsable, openConsole, openPage } from '../support/console-page.ts'
import { startFfmpeg } from '../support/ffmpeg.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'
import { serveMain } from './spawn-cli.ts'

const PHONE = { width: 390, height: 844 }
const BUNDLE = new URL('../../dist/console/assets/', import.meta.url)

/** ffmpeg pushing one rendition of 1 s segments until the test ends. */
async function push(t: Test, { dataPlaneUrl, keys }: Headwater): Promise<void> {
  const base = `${dataPlaneUrl}/cache/live-origin/show`
  const encoder = startFfmpeg([
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
    ...['-g', '30', '-keyint_min', '30', '-sc_threshold', '0', '-b:v', '300k'],
    ...['-c:a', 'aac', '-b:a', '96k', '-t', '180', '-f', 'hls', '-hls_time', '1'],
    ...['-hls_list_size', '6', '-method', 'PUT', '-http_persistent', '1', '-timeout', '10'],
    ...['-headers', `Authorization: ${keys.encoder}\r\n`],
    ...['-hls_segment_filename', `${base}/s_%05d.ts?ttl_seconds=60`],
    `${base}/playlist.m3u8?ttl_seconds=60`,
  ])
  t.teardown(() => encoder.process.kill('SIGKILL'))
  const headers = { authorization: keys.player }
  let text = ''
  while (!text.includes('s_00003.ts') && encoder.process.exitCode === null) {
    text = (await http(`${base}/playlist.m3u8`, { headers })).text
    await sleep(20)
  }
}

t.test('somebody signs in with a key, stays, and signs out', async (t) => {
  const origin = await openOrigin(t)
  const { page, problems } = await openPage(await launchBrowser(t), origin)
  const requested: string[] = []
  page.on('request', (request) => requested.push(request.url()))
  await page.goto(`${origin.adminUrl}/`)
  await checkUsable(t, page, 'sign-in')

  const key = page.getByLabel('Key')
  await key.fill(origin.keys.player)
  await key.press('Enter')
  await page.getByText('This key is for the data plane alone').waitFor()
  t.equal(await key.inputValue(), '', 'the key is out of the field')
  await key.fill(origin.keys.superUser)
  await key.press('Enter')
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  await page.reload()
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  const kept = await page.evaluate<string>(
    'JSON.stringify([Object.values(sessionStorage), Object.values(localStorage), document.cookie])',
  )
  t.notOk(kept.includes(origin.keys.superUser), 'the key is kept nowhere')

  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByText('You are signed out').waitFor()
  await page.reload()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  t.notOk(
    requested.some((url) => url.includes(origin.keys.superUser)),
    'no URL had the key',
  )
  t.same(problems, [])
})

t.test('a link signs in once and leaves the address bar', async (t) => {
  const origin = await openOrigin(t)
  const browser = await launchBrowser(t)
  const link = origin.createSignInUrl()
  const first = await openPage(browser, origin)
  await first.page.goto(link)
  await first.page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  t.notMatch(first.page.url(), /sign-in/)
  const second = await openPage(browser, origin)
  await second.page.goto(link)
  await second.page.getByText('The link is not accepted').waitFor()
  t.notMatch(second.page.url(), /sign-in/)
  t.same([...first.problems, ...second.problems], [])
})

t.test('nothing is empty without saying why', async (t) => {
  const origin = await openOrigin(t)
  const browser = await launchBrowser(t)
  const { page } = await openConsole(browser, origin, 'overview')
  await page.getByText('no encoder has written an HLS playlist').waitFor()
  await page.getByText(/No figures yet|No request in the last hour/).waitFor()
  await checkUsable(t, page, 'the empty overview')
  await page.getByRole('link', { name: 'Channels', exact: true }).click()
  await page.getByText('No channel yet').waitFor()
  t.equal(await page.title(), 'Channels · Headwater')
  await checkUsable(t, page, 'no channels')
  await page.goto(`${origin.adminUrl}/#/channels/live-origin/none.m3u8`)
  await page.getByText('There is no such channel').waitFor()
  await page.goto(`${origin.adminUrl}/#/nowhere`)
  await page.getByText('The console has no page “nowhere”').waitFor()
})

t.test('a channel is seen live, watched, and explained', async (t) => {
  const origin = await openOrigin(t)
  await push(t, origin)
  const browser = await launchBrowser(t)
  const { page, problems } = await openConsole(browser, origin, 'overview')

  await t.test('the overview moves', async (t) => {
    await page.getByText('1 live').waitFor()
    const writes = page.locator('.fact', { hasText: 'Writes a minute' }).locator('dd')
    while (!/^[1-9]/.test(await writes.innerText())) await sleep(20)
    await page.locator('.uplot canvas').first().waitFor({ timeout: 30_000 })
    t.equal(await page.locator('figure.chart').count(), 7)
    t.match(await page.locator('figure.chart p').first().textContent(), /writes: now \d/)
    await page.getByText('These figures as a table').click()
    await page
      .getByRole('row', { name: /bit\/s/ })
      .first()
      .waitFor()
    await checkUsable(t, page, 'the overview')
  })

  await t.test('the list leads to the channel, by keyboard', async (t) => {
    await page.getByRole('link', { name: 'Channels', exact: true }).focus()
    await page.keyboard.press('Enter')
    const row = page.getByRole('row', { name: /show\/playlist\.m3u8/ })
    await row.getByText('Live', { exact: true }).waitFor()
    await checkUsable(t, page, 'the list of channels')
    await row.getByRole('link').focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'show/playlist.m3u8', level: 1 }).waitFor()
    const heading = await page.evaluate<string>('document.activeElement.textContent')
    t.equal(heading, 'show/playlist.m3u8', 'the focus is at the top of the page')
  })

  await t.test('its player plays and tells how, its uploads are on the line', async (t) => {
    await untilPlayed(page, 3)
    const player = page.locator('.player')
    while ((await player.getAttribute('data-state')) !== 'playing') await sleep(20)
    for (const [term, shown] of [
      ['Level', /^180p/],
      ['Latency', /^\d+\.\d s/],
      ['Buffer', /^\d+\.\d s/],
      ['Stalls', /^\d+/],
    ] as const) {
      t.match(await player.locator('.fact', { hasText: term }).locator('dd').innerText(), shown)
    }
    t.ok((await page.locator('.lane rect').count()) > 3, 'a bar for each segment')
    t.match(await page.locator('.lane-head').innerText(), /\d+ segments: \d+ on time/)
    await page.locator('.lane summary').click()
    await page
      .getByRole('row', { name: /show\/s_\d+\.ts/ })
      .first()
      .waitFor()
    await checkUsable(t, page, 'a channel')
    await player.getByRole('button', { name: 'Stop' }).click()
    await player.getByText('Nothing is loaded').waitFor()
  })

  await t.test('on a phone, in the dark', async (t) => {
    const phone = await openConsole(browser, origin, 'channels/live-origin/show/playlist.m3u8', {
      size: PHONE,
      colorScheme: 'dark',
    })
    await untilPlayed(phone.page, 1)
    await checkUsable(t, phone.page, 'a channel on a phone')
    await phone.page.getByRole('link', { name: 'Overview', exact: true }).click()
    await phone.page.locator('.uplot canvas').first().waitFor()
    await checkUsable(t, phone.page, 'the overview on a phone')
    t.same(phone.problems, [])
  })
  t.same(problems, [], 'no error, nothing that the policy forbids, no other host')
})

t.test('names and playlists from outside are text, whatever they say', async (t) => {
  const origin = await openOrigin(t)
  const key = `<img src=x onerror="alert(1)">/"><script>alert(2)</script>.m3u8`
  const path = key.split('/').map(encodeURIComponent).join('/')
  const segment = '<svg onload=alert(3)>.ts'
  const playlist = [
    ...['#EXTM3U', '#EXT-X-VERSION:3', '#EXT-X-TARGETDURATION:1', '#EXT-X-MEDIA-SEQUENCE:1'],
    ...['#EXTINF:9,<b onmouseover=alert(4)>', segment, ''],
  ].join('\n')
  const put = await http(`${origin.dataPlaneUrl}/cache/live-origin/${path}?ttl_seconds=60`, {
    method: 'PUT',
    body: playlist,
    headers: { authorization: origin.keys.encoder },
  })
  t.equal(put.status, 204)
  const { page, problems } = await openConsole(await launchBrowser(t), origin, 'channels')
  await page.getByRole('link', { name: key }).click()
  await page.getByRole('heading', { name: key, level: 1 }).waitFor()
  await page.locator('.findings li').first().waitFor()
  const strange = await page.locator('main img, main script, main b, main [onerror]').count()
  t.equal(strange, 0, 'no element came of it')
  t.same(problems, [])
})

t.test('a server that restarts while the console is open', async (t) => {
  const cwd = t.testdir({})
  const argv = ['serve', '--port', '0', '--admin-port', '0']
  const served = await serveMain(t, argv, { cwd })
  const { adminUrl = '', dataPlaneUrl = '' } = served.ready
  const portOf = (url: string) => new URL(url).port
  const file = await readFile(`${cwd}/.headwater/super-user-key.json`, 'utf8')
  // Momento's shape, which the first start writes.
  const { apiKey } = JSON.parse(file) as { readonly apiKey: string }
  const urls = { adminUrl, dataPlaneUrl, keys: { superUser: apiKey, encoder: '', player: '' } }
  const { page, problems } = await openConsole(await launchBrowser(t), urls, 'channels')
  await page.getByText('No channel yet').waitFor()

  await served.end('SIGKILL')
  await page.getByText('The server is not answering').waitFor()
  await checkUsable(t, page, 'without a server')
  t.ok(await page.getByText('No channel yet').isVisible(), 'what was known stays')

  const again = ['serve', '--port', portOf(dataPlaneUrl), '--admin-port', portOf(adminUrl)]
  await serveMain(t, again, { cwd })
  await page.getByText('The server answers again').waitFor({ timeout: 60_000 })
  await page.getByText('Live', { exact: true }).waitFor()
  await page.getByRole('link', { name: 'Overview', exact: true }).click()
  await page.getByText('up for').waitFor()
  t.same(problems, [], 'and nobody had to sign in again')
})

t.test('the console is small; the player comes only where it is needed', async (t) => {
  const names = await readdir(BUNDLE)
  let sizeBytes = 0
  for (const name of names) {
    const isLoaded = !/^player-panel-|\.txt$/.test(name)
    if (isLoaded) sizeBytes += gzipSync(await readFile(new URL(name, BUNDLE)), { level: 9 }).length
  }
  t.ok(names.some((name) => name.startsWith('player-panel-')))
  t.ok(sizeBytes > 10_000 && sizeBytes < 250 * 1024, `${sizeBytes} bytes gzipped`)
})
