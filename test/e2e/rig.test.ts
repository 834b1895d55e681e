/** Two players on one live channel, side by side: one under a scenario, one not. */

import t from 'tap'
import { systemClock } from '../../src/base/clock.ts'
import { runDemoChannels } from '../../src/cli/demo/demo.ts'
import { launchBrowser, playedSeconds, untilPlayed } from '../support/browser.ts'
import { hlsErrors, openHlsJsPage } from '../support/hls-page.ts'
import { openOrigin } from '../support/origin.ts'

t.test('a player under a scenario suffers, the one beside it plays on', async (t) => {
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
  origin.faults?.define({
    name: 'one-404',
    description: '',
    faults: [{ action: 'status', statusCode: 404, match: { kind: 'segment', skip: 1, count: 1 } }],
  })
  const browser = await launchBrowser(t)
  const playlist = `cache/live-origin/${demo.channels[0]?.playlistKey ?? ''}?token=${keys.player}`
  const good = await openHlsJsPage(browser, `${dataPlaneUrl}/${playlist}`)
  const faulty = await openHlsJsPage(browser, `${dataPlaneUrl}/rig/one-404/${playlist}`)
  const blind = await openHlsJsPage(browser, `${dataPlaneUrl}/rig/no-cors/${playlist}`)
  await untilPlayed(good, 5)
  t.strictSame(await hlsErrors(good), [], 'nothing went wrong')
  t.ok((await hlsErrors(blind)).includes('fatal manifestLoadError'), 'it may read nothing')
  t.equal(await playedSeconds(blind), 0)
  await untilPlayed(faulty, 2)
  const events = origin.faults?.events().filter(({ scenario }) => scenario === 'one-404') ?? []
  t.equal(events.length, 1)
  const errors = await hlsErrors(faulty)
  t.ok(errors.includes('fragLoadError'), 'it was done to')
  t.notOk(
    errors.some((error) => error.startsWith('fatal')),
    'and it gets over it',
  )
})
