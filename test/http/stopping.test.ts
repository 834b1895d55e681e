import t from 'tap'
import { startHeadwater } from '../../src/app.ts'
import type { Headwater } from '../../src/app.ts'
import { Health } from '../../src/http/health.ts'
import { http } from '../support/http.ts'
import { head, RawClient } from '../support/raw-client.ts'

type HttpSettings = NonNullable<
  NonNullable<NonNullable<Parameters<typeof startHeadwater>[0]>['settings']>['http']
>

const TARGET = '/cache/live-origin/a.ts'

const start = (settings: HttpSettings) => startHeadwater({ settings: { http: settings } })

function put(origin: Headwater, more: readonly string[] = []): string {
  const authorization = `Authorization: ${origin.keys.encoder}`
  return head('PUT', TARGET, [authorization, 'Content-Length: 5', ...more])
}

t.test('first it is not ready, and serves on, closing every connection', async (t) => {
  const origin = await start({ shutdownDelaySeconds: 0.5, shutdownSeconds: 5 })
  const kept = await RawClient.open(origin.dataPlaneUrl)
  t.equal((await kept.request('GET', '/health/ready')).header('connection'), 'keep-alive')
  const closed = origin.close()

  const readiness = await kept.request('GET', '/health/ready')
  t.equal(readiness.status, 503)
  t.equal(readiness.header('connection'), 'close', 'also on a connection from before')
  t.equal(await kept.waitForEnd(), 'fin')

  const fresh = await RawClient.open(origin.dataPlaneUrl)
  await fresh.send(put(origin), 'bytes')
  const stored = await fresh.readResponse('PUT')
  t.equal(stored.status, 204)
  t.equal(stored.header('connection'), 'close')
  t.equal(await fresh.waitForEnd(), 'fin')

  const authorization = origin.keys.player
  const read = await http(`${origin.dataPlaneUrl}${TARGET}`, { headers: { authorization } })
  t.equal(read.text, 'bytes')
  t.equal(read.headers.connection, 'close')
  const page = await http(`${origin.dataPlaneUrl}/`)
  t.equal(page.status, 200)
  t.equal(page.headers.connection, 'close', 'pages, too')
  await closed
})

t.test('then nobody is accepted any more, and idle connections get FIN', async (t) => {
  const origin = await start({ shutdownSeconds: 5 })
  const used = await RawClient.open(origin.dataPlaneUrl)
  t.ok(await used.isUsable())
  const unused = await RawClient.open(origin.dataPlaneUrl)
  const upload = await RawClient.open(origin.dataPlaneUrl)
  await upload.send(put(origin), 'by')
  const closed = origin.close()
  t.equal(await used.waitForEnd(), 'fin')
  t.equal(await unused.waitForEnd(), 'fin')
  await t.rejects(RawClient.open(origin.dataPlaneUrl))
  t.equal(upload.end, 'open', 'an upload in progress goes on')
  await upload.send('tes')
  const answer = await upload.readResponse('PUT')
  t.equal(answer.status, 204)
  t.equal(answer.header('connection'), 'close')
  t.equal(await upload.waitForEnd(), 'fin')
  await closed
})

t.test('requests that cross the FIN of an idle connection are dropped without RST', async (t) => {
  const origin = await start({ shutdownSeconds: 5 })
  const clients: RawClient[] = []
  for (let count = 0; count < 20; count++) {
    const client = await RawClient.open(origin.dataPlaneUrl)
    t.ok(await client.isUsable())
    clients.push(client)
  }
  const closed = origin.close()
  const ends = clients.map(async (client) => {
    // One after the other over the time in which idle connections are closed.
    for (let count = 0; count < 40 && client.end === 'open'; count++) {
      await client.send(put(origin), 'bytes')
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    return client.waitForEnd()
  })
  for (const end of await Promise.all(ends)) t.equal(end, 'fin')
  await closed
})

t.test('pipelined uploads: the first is answered with close, no RST follows', async (t) => {
  const origin = await start({ shutdownDelaySeconds: 0.3, shutdownSeconds: 5 })
  const client = await RawClient.open(origin.dataPlaneUrl)
  t.ok(await client.isUsable())
  const closed = origin.close()
  await client.send(`${put(origin)}bytes`.repeat(50))
  const first = await client.readResponse('PUT')
  t.equal(first.status, 204)
  t.equal(first.header('connection'), 'close')
  for (let count = 0; count < 20; count++) await client.send(`${put(origin)}bytes`)
  t.equal(await client.waitForEnd(), 'fin')
  await closed
})

t.test(
  'an upload that takes longer than shutdownSeconds is ended, and nothing is stored',
  async (t) => {
    const origin = await start({ shutdownSeconds: 0.1 })
    const client = await RawClient.open(origin.dataPlaneUrl)
    await client.send(put(origin), 'by')
    t.ok(await (await RawClient.open(origin.dataPlaneUrl)).isUsable())
    const stored: unknown[] = []
    origin.events.on('item-stored', (item) => stored.push(item))
    await origin.close()
    t.equal(await client.waitForEnd(), 'fin')
    t.same(stored, [])
  },
)

t.test('the admin plane answers until the data plane is done', async (t) => {
  const origin = await start({ shutdownSeconds: 5 })
  const upload = await RawClient.open(origin.dataPlaneUrl)
  await upload.send(put(origin), 'by')
  const gone = await RawClient.open(origin.dataPlaneUrl)
  const closed = origin.close()
  await gone.waitForEnd()
  const ready = await http(`${origin.adminUrl}/health/ready`)
  t.equal(ready.status, 503)
  t.equal((await http(`${origin.adminUrl}/metrics`)).status, 200)
  await upload.send('tes')
  t.equal((await upload.readResponse('PUT')).status, 204)
  await closed
  await t.rejects(RawClient.open(origin.adminUrl))
})

t.test('waiters are told once the listener is closed', async (t) => {
  const health = new Health()
  t.notOk(health.draining.aborted)
  health.startDraining()
  t.ok(health.draining.aborted)
})

t.test('closing twice is closing once', async () => {
  const origin = await start({ shutdownDelaySeconds: 0.05 })
  await Promise.all([origin.close(), origin.close()])
  await origin.close()
})
