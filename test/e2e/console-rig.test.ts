/** The console of a test rig: the notice that nobody overlooks, the faults, a scenario to play. */

import t from 'tap'
import { systemClock } from '../../src/base/clock.ts'
import { runDemoChannels } from '../../src/cli/demo/demo.ts'
import { launchBrowser, untilPlayed } from '../support/browser.ts'
import { checkUsable, openConsole, openPage } from '../support/console-page.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'

const PHONE = { width: 375, height: 812 }
const TABLET = { width: 820, height: 1180 }

t.setTimeout(300_000)

t.test('faults are in sight on every page, and end by a button or by themselves', async (t) => {
  const origin = await openOrigin(t, { rig: { enabled: true } })
  const { page, problems } = await openConsole(await launchBrowser(t), origin, 'overview')
  const notice = page.getByRole('region', { name: 'Faults in force' })
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  t.equal(await notice.count(), 0, 'none is on')
  origin.faults?.add({ id: 'gone', action: 'status', statusCode: 404, match: { key: '*.ts' } })
  await notice.getByText('1 fault is on').waitFor()
  await notice.getByText(/gone \(status, 0 hits, ends in /).waitFor()
  await checkUsable(t, page, 'the notice')

  await notice.getByRole('link', { name: 'Show them' }).click()
  await page.getByRole('heading', { name: 'Test rig' }).waitFor()
  await page.getByRole('row', { name: /gone/ }).getByText('key=*.ts').waitFor()
  await http(`${origin.dataPlaneUrl}/cache/live-origin/a.ts`, {
    headers: { authorization: origin.keys.player },
  })
  await page.getByText('live-origin/a.ts').waitFor({ timeout: 30_000 })
  await page.getByText('1 of 1').waitFor()
  origin.faults?.add({ id: 'brief', action: 'no-cors', limitSeconds: 0.05 })
  await page.getByText('brief has ended by its time limit').waitFor()
  await page.getByRole('button', { name: 'End gone' }).click()
  await page.getByText('No fault is on').waitFor()
  t.equal(origin.faults?.everybody.size, 0)

  for (let count = 0; count < 5; count++) origin.faults?.add({ action: 'delay' })
  await notice.getByText('and 2 more').waitFor()
  await page.getByRole('navigation', { name: 'Console' }).getByText('Why?').click()
  await notice.getByRole('button', { name: 'End all' }).click()
  await notice.waitFor({ state: 'detached' })
  t.equal(origin.faults?.everybody.size, 0)
  t.same(problems, [])
})

t.test('a scenario is played from the list', async (t) => {
  const origin = await openOrigin(t, { rig: { enabled: true } })
  const { dataPlaneUrl, keys } = origin
  const demo = await runDemoChannels({
    origin: { dataPlaneUrl, cacheName: 'live-origin', encoderKey: keys.encoder },
    clock: systemClock,
    source: 'generator',
    onProgress: () => undefined,
  })
  t.teardown(() => demo.close())
  await demo.ready
  const { page, problems } = await openConsole(await launchBrowser(t), origin, 'rig')
  const row = page.getByRole('row', { name: /flaky-404/ })
  const opened = page.context().waitForEvent('page')
  await row.getByRole('link', { name: 'Play' }).click()
  const player = await opened
  await untilPlayed(player, 1)
  const runs = () => new Set(origin.faults?.events().map(({ scenario }) => scenario))
  for (let turn = 0; turn < 1500 && !runs().has('flaky-404'); turn++)
    await player.waitForTimeout(20)
  t.ok(runs().has('flaky-404'), 'it meets the scenario')
  await player.close()
  t.same(problems, [])

  origin.faults?.add({ id: 'slow', action: 'delay', match: { kind: 'segment', probability: 0.5 } })
  for (const size of [PHONE, TABLET]) {
    await page.setViewportSize(size)
    await page.getByText('1 fault is on').waitFor()
    await checkUsable(t, page, `the rig at ${size.width}`)
  }
})

t.test('who may not steer faults is told of them; who has no rig sees no page', async (t) => {
  const browser = await launchBrowser(t)
  const origin = await openOrigin(t, { rig: { enabled: true } })
  const made = await http(`${origin.adminUrl}/api/keys`, {
    method: 'POST',
    body: JSON.stringify({ admin: '*' }),
    headers: { authorization: origin.keys.superUser, 'content-type': 'application/json' },
  })
  // The contract of the admin API.
  const { keyInfo } = JSON.parse(made.text) as { readonly keyInfo: { readonly apiKey: string } }
  const { page } = await openPage(browser, origin)
  await page.goto(`${origin.adminUrl}/#/rig`)
  await page.getByLabel('Key').fill(keyInfo.apiKey)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('Faults and scenarios are for super-users').waitFor()
  origin.faults?.add({ action: 'no-cors' })
  await page.getByText('1 fault is on').waitFor()
  t.equal(await page.getByRole('button', { name: 'End it' }).count(), 0)
  await checkUsable(t, page, 'the notice for others')

  const plain = await openOrigin(t)
  const other = await openConsole(browser, plain, 'rig', { colorScheme: 'dark' })
  await other.page.getByText('This server is no test rig').waitFor()
  const navigation = other.page.getByRole('navigation', { name: 'Console' })
  t.equal(await navigation.getByText('Test rig').count(), 0)
  await checkUsable(t, other.page, 'no rig')
})
