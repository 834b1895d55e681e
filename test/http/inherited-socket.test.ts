import { closeSync, openSync } from 'node:fs'
import t from 'tap'
import { startHeadwater } from '../../src/app.ts'
import { head, RawClient } from '../support/raw-client.ts'
import {
  canInheritSockets,
  openListeningSocket,
  startOriginChild,
} from '../support/listening-parent.ts'

const skip = canInheritSockets ? false : 'this platform hands no sockets to children'

t.test('a restart refuses no connection: they wait for the next process', { skip }, async (t) => {
  const dataDir = t.testdir()
  const socket = openListeningSocket()
  t.teardown(() => socket.close())
  const first = await startOriginChild(socket, dataDir)
  t.equal(first.ready['dataPlaneUrl'], socket.url)
  const authorization = `Authorization: ${first.ready['encoder'] ?? ''}`
  const kept = await RawClient.open(socket.url)
  t.ok(await kept.isUsable())
  t.equal(await first.stop(), 0)
  t.equal(await kept.waitForEnd(), 'fin')

  const waiting: RawClient[] = []
  for (let count = 0; count < 20; count++) {
    const client = await RawClient.open(socket.url)
    const target = `/cache/live-origin/${String(count)}.ts`
    await client.send(head('PUT', target, [authorization, 'Content-Length: 5']), 'bytes')
    waiting.push(client)
  }
  t.ok(waiting.every((client) => client.end === 'open' && client.unreadBytes === 0))

  const second = await startOriginChild(socket, dataDir)
  t.teardown(() => second.stop())
  for (const client of waiting) {
    t.equal((await client.readResponse('PUT')).status, 204, 'its keys outlived the restart')
    client.destroy()
  }
  const reader = await RawClient.open(socket.url)
  const read = await reader.request('GET', '/cache/live-origin/19.ts', [authorization])
  t.equal(read.body.toString(), 'bytes')
})

t.test('several sockets of one name are several addresses', { skip }, async (t) => {
  const sockets = [openListeningSocket(), openListeningSocket()]
  const fds = sockets.map(({ fd }) => fd)
  const origin = await startHeadwater({ inheritedSockets: { http: fds } })
  t.equal(origin.dataPlaneUrl, sockets[0]?.url)
  for (const { url } of sockets) t.ok(await (await RawClient.open(url)).isUsable())
  await origin.close()
  for (const { url } of sockets)
    await t.rejects(RawClient.open(url), 'this process had the only copy')
})

t.test('the admin plane and the TLS port take sockets, too', { skip }, async (t) => {
  const [admin, https] = [openListeningSocket(), openListeningSocket()]
  const { tlsFixture } = await import('../support/tls.ts')
  const tls = { certFile: tlsFixture('first.cert.pem'), keyFile: tlsFixture('first.key.pem') }
  const origin = await startHeadwater({
    settings: { http: { tls } },
    inheritedSockets: { admin: [admin.fd], https: [https.fd] },
  })
  t.equal(origin.adminUrl, admin.url)
  t.equal(origin.tlsUrl, https.url.replace('http:', 'https:'))
  t.ok(await (await RawClient.open(origin.tlsUrl ?? '')).isUsable())
  t.ok(await (await RawClient.open(admin.url)).isUsable())
  await origin.close()
})

t.test('what is no listening socket, or not for us, stops the start', { skip }, async (t) => {
  const https = openListeningSocket()
  await t.rejects(startHeadwater({ inheritedSockets: { https: [https.fd] } }), {
    code: 'HW_START_TLS_UNUSABLE',
    message: /no certificate/,
  })
  https.close()
  const file = openSync(import.meta.filename, 'r')
  await t.rejects(startHeadwater({ inheritedSockets: { http: [file] } }), {
    code: 'HW_START_LISTEN_FAILED',
    message: /data plane cannot use the inherited socket/,
  })
  closeSync(file)
  await t.rejects(startHeadwater({ inheritedSockets: { admin: [9999] } }), {
    code: 'HW_START_LISTEN_FAILED',
    message: /admin plane/,
  })
})
