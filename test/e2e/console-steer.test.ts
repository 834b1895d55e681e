/** What somebody does in the console: caches, keys, lines to paste into a real ffmpeg, reasons. */

import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { delimiter, dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import t from 'tap'
import type { Test } from 'tap'
import type { Headwater } from '../../src/app.ts'
import { launchBrowser, untilPlayed } from '../support/browser.ts'
import { checkUsable, openConsole, openPage } from '../support/console-page.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'

const PHONE = { width: 390, height: 844 }

/** Runs what was copied as a person would who pastes it into bash. */
function paste(t: Test, line: string) {
  const ffmpeg = process.env['E2E_FFMPEG'] ?? 'ffmpeg'
  const path = `${dirname(ffmpeg)}${delimiter}${process.env['PATH'] ?? ''}`
  const shell = spawn('bash', ['-c', `exec ${line}`], {
    stdio: 'ignore',
    env: { ...process.env, PATH: path },
  })
  t.teardown(() => shell.kill('SIGKILL'))
  return shell
}

const go = (page: Page, name: string) =>
  page.getByRole('navigation', { name: 'Console' }).getByRole('link', { name, exact: true }).click()

/** The lines below a heading of Connect. */
const linesOf = async (page: Page, title: RegExp) =>
  (await page.getByRole('region', { name: title }).textContent()) ?? ''

const refusedPut = (origin: Headwater, path: string, headers: Record<string, string>) =>
  http(`${origin.dataPlaneUrl}/cache/${path}`, { method: 'PUT', body: 'x', headers })

t.test(
  'a new cache, two keys, the pasted line, a channel that plays, faults explained',
  { skip: process.platform === 'win32' && 'the line is for bash' },
  async (t) => {
    const origin = await openOrigin(t)
    const { page, problems } = await openConsole(await launchBrowser(t), origin, 'caches')

    await t.test('a cache is made', async (t) => {
      await page.getByRole('button', { name: 'Create a cache' }).click()
      const name = page.getByLabel('Name')
      await name.fill('no spaces')
      await page.getByText('letters, digits').waitFor()
      await name.fill('studio')
      await checkUsable(t, page, 'the dialog')
      await page.getByRole('button', { name: 'Create', exact: true }).click()
      await page.getByRole('heading', { name: 'studio', level: 1 }).waitFor()
      await page.getByLabel('Default TTL seconds').waitFor()
    })

    await t.test('Connect has its line, with keys made in the page', async (t) => {
      await page.getByRole('navigation', { name: 'Of this cache' }).getByText('Connect').click()
      t.equal(await page.getByLabel('Cache', { exact: true }).inputValue(), 'studio')
      await page.getByLabel('Shell').selectOption('bash, zsh')
      t.match(await linesOf(page, /^One rendition \(/), /Authorization: ENCODER_KEY/)
      await page.getByRole('button', { name: 'Make an encoder key' }).click()
      await page.getByRole('button', { name: 'Make a player key' }).click()
      await page.getByText('The lines hold a key').waitFor()
      while ((await page.locator('.key-made').count()) < 2) await sleep(20)
      await checkUsable(t, page, 'Connect')
      const kept = await page.evaluate<string>(
        'JSON.stringify([Object.values(sessionStorage), Object.values(localStorage), location.href])',
      )
      const [, key = ''] =
        /Authorization: ([^\\]+)/.exec(await linesOf(page, /^One rendition \(/)) ?? []
      t.ok(key.length > 100 && !kept.includes(key), 'the key is kept nowhere')
    })

    const encoder = paste(t, await linesOf(page, /^One rendition \(/))
    await page.getByRole('link', { name: 'VLC and others' }).click()
    const watch = await linesOf(page, /^Media, Open Network/)

    await t.test('the pasted line makes a channel, which plays', async (t) => {
      await go(page, 'Channels')
      await page.getByRole('link', { name: 'playlist.m3u8' }).click({ timeout: 60_000 })
      await untilPlayed(page, 2)
      t.equal((await http(watch)).status, 200, 'and the address for VLC reads it')
    })

    await t.test('its playlist leads to its segments', async (t) => {
      await go(page, 'Caches')
      await page.getByRole('link', { name: 'studio' }).click()
      await page.getByRole('link', { name: 'playlist.m3u8', exact: true }).click()
      const segment = page.locator('.playlist a').first()
      const uri = (await segment.textContent()) ?? ''
      await checkUsable(t, page, 'a playlist')
      await segment.click()
      await page.getByRole('heading', { name: uri.split('?')[0] ?? '', level: 1 }).waitFor()
      const downloaded = page.waitForEvent('download')
      await page.getByRole('button', { name: 'Download' }).click()
      const path = await (await downloaded).path()
      t.equal((await readFile(path)).at(0), 0x47, 'a transport stream')
      await page.getByRole('link', { name: 'All of studio' }).click()
      await page.getByRole('button', { name: 'Flush', exact: true }).click()
      await page.getByText('It is live').waitFor()
      t.ok(
        await page.getByRole('button', { name: /^Flush \d+ objects/ }).isDisabled(),
        'a live cache wants its name typed',
      )
      await page.keyboard.press('Escape')
    })

    await t.test('faults are explained while one looks', async (t) => {
      await go(page, 'Why?')
      await page.getByText('Nothing was refused').waitFor()
      await checkUsable(t, page, 'nothing refused')
      await refusedPut(origin, 'studio/seg_00001.ts', { 'user-agent': 'Lavf/59.27.100' })
      await page.getByText('ffmpeg dropped the query').waitFor()
      await page.locator('.why-command').getByText('-hls_segment_filename').waitFor()
      await page.getByRole('button', { name: 'Pause' }).click()
      await refusedPut(origin, 'studio/a.ts', { authorization: 'a-key-of-elsewhere' })
      await page.getByText('1 request since then').waitFor()
      t.equal(await page.getByText('not a key of this server').count(), 0)
      await page.getByRole('button', { name: 'Go on' }).click()
      await page.getByText('not a key of this server').waitFor()
      await page.getByLabel('Status').selectOption('5xx: could not be served')
      await page.getByText('None with this cache and status').waitFor()
      await page.getByRole('button', { name: 'Show all' }).click()
      await page.getByText('not a key of this server').waitFor()
      await checkUsable(t, page, 'Why?')
    })

    await t.test('a revoked key stops its encoder, and Why? says so', async (t) => {
      await go(page, 'Keys')
      const row = page.getByRole('row', { name: /Made in the console for an encoder/ })
      await row.getByRole('button', { name: 'Revoke' }).click()
      await page.getByText('their channels go stale').waitFor()
      await checkUsable(t, page, 'the question')
      await page.getByRole('button', { name: 'Revoke', exact: true }).click()
      await page.getByText(/is revoked\./).waitFor()
      await go(page, 'Why?')
      await page.getByText('credential-revoked').first().waitFor({ timeout: 30_000 })
    })
    encoder.kill('SIGKILL')
    t.same(problems, [], 'no error, nothing that the policy forbids, no other host')
  },
)

t.test('the wizard makes the key that was reviewed, once', async (t) => {
  const origin = await openOrigin(t)
  const { page, problems } = await openConsole(await launchBrowser(t), origin, 'keys/new')
  await page.getByRole('button', { name: 'Review' }).click()
  await page.getByText('Choose at least one cache').waitFor()
  await checkUsable(t, page, 'the form')
  await page.getByLabel('Name (optional)').fill('player-7')
  await page.getByText('1 hour').click()
  await page.getByLabel('Role', { exact: true }).selectOption('Read only: a player, a CDN')
  await page.getByLabel('Items', { exact: true }).selectOption('Keys with a prefix')
  await page.getByLabel('Prefix', { exact: true }).fill('Movie/')
  await page.getByLabel('live-origin', { exact: true }).check()
  await page.getByRole('button', { name: 'Review' }).click()
  await page.getByText('Read live-origin: keys that begin with “Movie/”').waitFor()
  await checkUsable(t, page, 'the review')
  await page.getByRole('button', { name: 'Generate the key' }).click()
  await page.getByText('It is shown once').waitFor()
  await checkUsable(t, page, 'the key')
  const downloaded = page.waitForEvent('download')
  await page.getByRole('button', { name: /^Download/ }).click()
  const download = await downloaded
  t.equal(download.suggestedFilename(), 'momento_key_info.json')
  const file = await readFile(await download.path(), 'utf8')
  // Momento's shape, whose members are looked at next.
  const keyInfo = JSON.parse(file) as Readonly<Record<string, unknown>>
  t.same(Object.keys(keyInfo), ['apiKey', 'refreshToken', 'validUntil', 'restEndpoint'])
  const authorization = String(keyInfo['apiKey'])
  const read = (key: string) =>
    http(`${origin.dataPlaneUrl}/cache/live-origin/${key}`, { headers: { authorization } })
  t.equal((await read('Movie/a.ts')).status, 404, 'may read, but there is nothing')
  t.equal((await read('Other/a.ts')).status, 403)

  await page.getByRole('link', { name: 'To the keys' }).click()
  await page.getByLabel('Search').fill('movie player-7')
  await page.getByRole('row', { name: /player-7/ }).waitFor()
  t.notOk((await page.content()).includes(authorization), 'and no more')
  await page.getByRole('link', { name: 'Import' }).click()
  await page.getByLabel('Secret').fill('the-secret-of-an-old-encoder')
  await page.getByLabel('All caches, future ones too').check()
  await page.getByRole('button', { name: 'Review' }).click()
  await page.getByRole('button', { name: 'Import it' }).click()
  await page.getByText('It is known now').waitFor()
  const put = await refusedPut(origin, 'live-origin/a?ttl_seconds=60', {
    authorization: 'the-secret-of-an-old-encoder',
  })
  t.equal(put.status, 204)
  t.same(problems, [])
})

t.test('settings are saved, objects uploaded, deleted, flushed', async (t) => {
  const origin = await openOrigin(t)
  const { page, problems } = await openConsole(
    await launchBrowser(t),
    origin,
    'caches/live-origin/settings',
  )
  await page.getByLabel('Default TTL seconds').fill('0')
  await page.getByText('At least 1.').waitFor()
  await page.getByLabel('Default TTL seconds').fill('90')
  await page.getByLabel('Low latency').uncheck()
  await checkUsable(t, page, 'settings')
  await page.getByRole('button', { name: 'Save 2 of the settings' }).click()
  await page.getByText('It holds from the next request on').waitFor()
  const headers = { authorization: origin.keys.superUser }
  const shown = await http(`${origin.adminUrl}/api/caches/live-origin`, { headers })
  t.match(JSON.parse(shown.text), { overrides: { defaultTtlSeconds: 90, lowLatency: false } })

  await page.getByRole('link', { name: 'Objects' }).click()
  await page.getByText('There is nothing in this cache').waitFor()
  await page.getByRole('button', { name: 'Upload…' }).click()
  const file = { name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') }
  await page.getByLabel('Key', { exact: true }).fill('notes/')
  await page.getByLabel('File').setInputFiles(file)
  t.equal(await page.getByLabel('Key', { exact: true }).inputValue(), 'notes/note.txt')
  await checkUsable(t, page, 'the upload')
  await page.getByRole('button', { name: 'Upload', exact: true }).click()
  await page.getByRole('link', { name: 'notes/note.txt' }).waitFor()
  await page.getByLabel('Keys that begin with').fill('other/')
  await page.getByText('No key begins with “other/”').waitFor()
  await page.getByLabel('Keys that begin with').fill('')
  await page.getByRole('link', { name: 'notes/note.txt' }).click()
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByText('There is nothing in this cache').waitFor()
  await refusedPut(origin, 'live-origin/b', { authorization: origin.keys.encoder })
  await page.getByRole('link', { name: 'b', exact: true }).waitFor()
  await page.getByRole('button', { name: 'Flush', exact: true }).click()
  await page.getByRole('button', { name: /^Flush 1 object, / }).click()
  await page.getByText('1 object of live-origin are gone').waitFor()
  t.same(problems, [])
})

/** Keys, programs, playlists and notes that try to be markup. */
async function plantHostile(origin: Headwater): Promise<string> {
  const key = `<img src=x onerror=alert(1)>/"><script>alert(2)</script>.m3u8`
  const path = `live-origin/${key.split('/').map(encodeURIComponent).join('/')}`
  const text =
    '#EXTM3U\n#EXT-X-TARGETDURATION:1\n# <b>x</b>\n#EXTINF:1,\n<svg onload=alert(3)>.ts\n'
  await http(`${origin.dataPlaneUrl}/cache/${path}?ttl_seconds=60`, {
    method: 'PUT',
    body: `${text}#EXT-X-MAP:URI="javascript:alert(4)"\n`,
    headers: { authorization: origin.keys.encoder },
  })
  await refusedPut(origin, path, { 'user-agent': '<script>alert(5)</script>' })
  const description = '<img src=x onerror=alert(6)>'
  await http(`${origin.adminUrl}/api/keys`, {
    method: 'POST',
    body: JSON.stringify({ description, role: 'readonly', caches: ['live-origin'] }),
    headers: { authorization: origin.keys.superUser, 'content-type': 'application/json' },
  })
  return key
}

t.test('whatever comes from outside is text', async (t) => {
  const origin = await openOrigin(t)
  const key = await plantHostile(origin)
  const { page, problems } = await openConsole(await launchBrowser(t), origin, 'why')
  const strange = () =>
    page
      .locator('main img, main script, main b:has-text("x"), main [onerror], main [onload]')
      .count()
  await page.getByText('<script>alert(5)</script>').waitFor()
  t.equal(await strange(), 0, 'Why?')
  await go(page, 'Keys')
  await page.getByText('<img src=x onerror=alert(6)>').waitFor()
  t.equal(await strange(), 0, 'Keys')
  await go(page, 'Caches')
  await page.getByRole('link', { name: 'live-origin' }).click()
  await page.getByRole('link', { name: key }).click()
  await page.locator('.playlist').getByText('<svg onload=alert(3)>.ts').waitFor()
  t.equal(await strange(), 0, 'a playlist')
  t.equal(await page.locator('a[href^="javascript:"]').count(), 0)
  t.same(problems, [])
})

t.test('an administrator of one cache sees that one, and makes tokens for it', async (t) => {
  const origin = await openOrigin(t)
  const made = await http(`${origin.adminUrl}/api/keys`, {
    method: 'POST',
    body: JSON.stringify({ admin: ['live-origin'] }),
    headers: { authorization: origin.keys.superUser, 'content-type': 'application/json' },
  })
  // The contract of the admin API.
  const { keyInfo } = JSON.parse(made.text) as { readonly keyInfo: { readonly apiKey: string } }
  const { page, problems } = await openPage(await launchBrowser(t), origin)
  await page.goto(`${origin.adminUrl}/#/keys`)
  await page.getByLabel('Key').fill(keyInfo.apiKey)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('Keys are for super-users').waitFor()
  await checkUsable(t, page, 'no keys')
  await page.getByRole('link', { name: 'To Connect' }).click()
  await page.getByRole('button', { name: 'Make an encoder key' }).click()
  await page.getByText(/^disposable:/).waitFor()
  await go(page, 'Caches')
  await page.getByRole('link', { name: 'live-origin' }).waitFor()
  t.equal(await page.getByRole('button', { name: 'Create a cache' }).count(), 0)
  t.same(problems, [])
})

t.test('every program’s lines and every page, on a phone in the dark', async (t) => {
  const origin = await openOrigin(t)
  const browser: Browser = await launchBrowser(t)
  const { page, problems } = await openConsole(browser, origin, 'connect', {
    size: PHONE,
    colorScheme: 'dark',
  })
  for (const name of [
    ...['OBS Studio', 'AWS MediaLive', 'Shaka Packager', 'CloudFront', 'Varnish', 'nginx'],
    ...['Player page', 'VLC and others', 'hls.js'],
  ]) {
    await page
      .getByRole('navigation', { name: 'Programs' })
      .getByText(name, { exact: true })
      .click()
    await page.getByRole('heading', { name, level: 2 }).waitFor()
    await checkUsable(t, page, name)
  }
  for (const [hash, text] of [
    ['why', 'Nothing was refused'],
    ['keys', 'first start: encoder'],
    ['keys/new', 'Add a permission'],
    ['caches', 'live-origin'],
    ['caches/live-origin', 'There is nothing in this cache'],
    ['caches/live-origin/settings', 'Nothing to save'],
    ['caches/none', 'There is no such cache'],
    ['caches/live-origin/object?key=YQ', 'There is no such object'],
  ] as const) {
    await page.goto(`${origin.adminUrl}/#/${hash}`)
    await page.locator('main').getByText(text).first().waitFor()
    await checkUsable(t, page, hash)
  }
  t.same(problems, [])
})
