import t from 'tap'
import { http } from '../support/http.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { openOrigin } from '../support/origin.ts'

t.test(
  'over its rates a cache answers 429 in words, and writes have a rate of their own',
  async (t) => {
    const clock = new ManualClock()
    const origin = await openOrigin(t, {}, { clock })
    await origin.createCache('c', { readsPerSecondMax: 2, writesPerSecondMax: 2 })
    const url = `${origin.dataPlaneUrl}/cache/c/x.ts`
    const headers = { authorization: origin.keys.superUser }
    const put = () => http(url, { method: 'PUT', headers, body: 'bytes' })
    t.equal((await put()).status, 204)
    t.equal((await put()).status, 204)
    const refusedWrite = await put()
    t.match(refusedWrite, {
      status: 429,
      headers: { 'retry-after': '1', 'x-headwater-reason': 'writes-per-second' },
    })
    t.match(JSON.parse(refusedWrite.text), {
      status: 429,
      code: 'ResourceExhausted',
      message: 'Request rate exceeded.',
    })
    for (let count = 0; count < 2; count++) t.equal((await http(url, { headers })).status, 200)
    t.match(await http(url, { headers }), {
      status: 429,
      headers: {
        'retry-after': '1',
        'x-headwater-reason': 'reads-per-second',
        'cache-control': 'no-store',
      },
    })
    clock.advance(1000)
    t.equal((await http(url, { headers })).status, 200)
    t.equal((await http(url, { method: 'DELETE', headers })).status, 204)
  },
)

t.test('bytes per second count what was sent, not what is stored', async (t) => {
  const clock = new ManualClock()
  const origin = await openOrigin(t, {}, { clock })
  await origin.createCache('c', { readBytesPerSecondMax: 1000, writeBytesPerSecondMax: 4000 })
  const url = `${origin.dataPlaneUrl}/cache/c/x.ts`
  const authorization = origin.keys.superUser
  const put = () =>
    http(url, { method: 'PUT', headers: { authorization }, body: Buffer.alloc(4000) })
  t.equal((await put()).status, 204)
  t.match(await put(), {
    status: 429,
    headers: { 'x-headwater-reason': 'write-bytes-per-second' },
    text: /Throughput rate exceeded\./,
  })
  const range = () => http(url, { headers: { authorization, range: 'bytes=0-499' } })
  for (let count = 0; count < 2; count++) t.equal((await range()).status, 206)
  t.match(await range(), {
    status: 429,
    headers: { 'x-headwater-reason': 'read-bytes-per-second' },
  })
  clock.advance(4000)
  t.equal((await range()).status, 206)
  t.equal((await put()).status, 204)
})
