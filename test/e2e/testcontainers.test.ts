/**
 * The module for Testcontainers on a real Docker engine: `HEADWATER_TEST_IMAGE=headwater` names the
 * image to run. Without it nothing runs, and the output says so.
 */

import t from 'tap'
import { HeadwaterContainer } from '../../src/testcontainers.ts'

const image = process.env['HEADWATER_TEST_IMAGE'] ?? ''
const skip = image === '' && 'HEADWATER_TEST_IMAGE names no image'

t.test('an origin in a container has the shape of one in the process', { skip }, async (t) => {
  const settings = {
    profile: 'rig',
    caches: { items: [{ name: 'declared' }] },
  } as const
  const origin = await new HeadwaterContainer(image).withSettings(settings).start()
  t.teardown(() => origin.close())

  const url = `${origin.dataPlaneUrl}/cache/live-origin/playlist.m3u8`
  const put = await fetch(`${url}?ttl_seconds=60`, {
    method: 'PUT',
    headers: { authorization: origin.keys.encoder },
    body: '#EXTM3U\n',
  })
  t.equal(put.status, 204)
  const got = await fetch(url, { headers: { authorization: origin.keys.player } })
  t.equal(await got.text(), '#EXTM3U\n')

  await origin.createCache('made')
  const key = await origin.mintKey({
    role: 'readwrite',
    caches: ['made', 'declared'],
    items: { kind: 'all' },
  })
  for (const cache of ['made', 'declared']) {
    const target = `${origin.dataPlaneUrl}/cache/${cache}/a?ttl_seconds=60&token=${key.apiKey}`
    t.equal((await fetch(target, { method: 'PUT', body: 'x' })).status, 204, cache)
  }
  await origin.revokeKey(key.keyId)
  const refused = await fetch(`${origin.dataPlaneUrl}/cache/made/a?token=${key.apiKey}`)
  t.equal(refused.status, 401)
  const faults = await fetch(`${origin.adminUrl}/api/faults`, {
    headers: { authorization: origin.keys.superUser },
  })
  t.equal(faults.status, 200, 'the settings took effect: the rig is on')
})

t.test('two of them side by side share nothing', { skip }, async (t) => {
  const [a, b] = await Promise.all([
    new HeadwaterContainer(image).start(),
    new HeadwaterContainer(image).start(),
  ])
  t.teardown(() => Promise.all([a.close(), b.close()]))
  t.not(a.dataPlaneUrl, b.dataPlaneUrl)
  const stranger = await fetch(`${b.dataPlaneUrl}/cache/live-origin/a`, {
    headers: { authorization: a.keys.player },
  })
  t.equal(stranger.status, 401)
})

t.test('an image of somebody else is said to be none of ours', { skip }, async (t) => {
  const wrong = new HeadwaterContainer(image).withEnvironment({
    HEADWATER_DATA_DIR: '/tmp/elsewhere',
  })
  await t.rejects(wrong.start(), { message: /is it one of Headwater/ })
})
