import t from 'tap'
import { LocalCache } from '../../../src/cli/pull/local-cache.ts'
import { openOrigin } from '../../support/origin.ts'
import { HlsSource } from './hls-source.ts'

t.test('uploads whose key was revoked get one other key together', async (t) => {
  const origin = await openOrigin(t)
  let renewCount = 0
  const local = new LocalCache({
    target: { dataPlaneUrl: origin.dataPlaneUrl, cacheName: 'live-origin', encoderKey: 'revoked' },
    keyPrefix: 'a/',
    renewKey: async () => {
      renewCount += 1
      return origin.keys.encoder ?? ''
    },
  })
  t.teardown(() => local.close())
  const put = (name: string) => local.put(name, Buffer.from('x'), { ttlSeconds: 60 })
  t.strictSame(await Promise.all(['1.ts', '2.ts', '3.ts'].map(put)), [
    { kind: 'stored' },
    { kind: 'stored' },
    { kind: 'stored' },
  ])
  t.equal(renewCount, 1)
  t.equal(await local.has('1.ts'), true)
  t.equal(await local.has('4.ts'), false)
})

t.test('what answers of the origin mean', async (t) => {
  const gate = await HlsSource.open(t)
  let statusCode = 204
  gate.answers.get = () => (_, response) => {
    if (statusCode === 0) response.destroy()
    else response.writeHead(statusCode).end()
  }
  const local = new LocalCache({
    target: { dataPlaneUrl: gate.url, cacheName: 'live-origin', encoderKey: 'key' },
    keyPrefix: '',
  })
  t.teardown(() => local.close())
  const put = () => local.put('1.ts', Buffer.from('x'), { ttlSeconds: 60, contentType: 'a/b' })
  for (const [status, kind] of [
    [204, 'stored'],
    [413, 'refused'],
    [422, 'refused'],
    [429, 'unavailable'],
    [503, 'unavailable'],
    [507, 'unavailable'],
    [0, 'unavailable'],
    [0, 'unavailable'],
  ] as const) {
    statusCode = status
    t.equal((await put()).kind, kind, String(status))
  }
  t.equal(local.outageCount, 1, 'one outage, however many notice it')
  t.equal(await local.has('1.ts'), undefined)
  for (const status of [401, 403, 404]) {
    statusCode = status
    await t.rejects(put(), { code: 'HW_PULL_FAILED' })
  }
})
