import { copyFile, readFile, rm, writeFile } from 'node:fs/promises'
import { connect as connectTcp, createServer } from 'node:net'
import { request as httpsRequest } from 'node:https'
import { connect as connectTls } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import t from 'tap'
import type { Test } from 'tap'
import { startHeadwater } from '../../src/app.ts'
import type { Headwater } from '../../src/app.ts'
import { http } from '../support/http.ts'
import { openOrigin } from '../support/origin.ts'
import { head, RawClient } from '../support/raw-client.ts'
import { installCertificate, recordingLog, tlsFixture } from '../support/tls.ts'

type HttpSettings = NonNullable<Parameters<typeof openOrigin>[1]>['http']

const FILES = { certFile: tlsFixture('first.cert.pem'), keyFile: tlsFixture('first.key.pem') }

async function openTlsOrigin(t: Test, settings: HttpSettings = {}) {
  const origin = await openOrigin(t, { http: { ...settings, tls: { port: 0, ...FILES } } })
  return { origin, url: tlsUrlOf(origin) }
}

function tlsUrlOf(origin: Headwater): string {
  if (origin.tlsUrl === undefined) throw new Error('no TLS port')
  return origin.tlsUrl
}

/** The certificate's common name, as a new connection sees it. */
async function nameSeen(url: string): Promise<string> {
  const client = await RawClient.open(url)
  const { subject } = (client.socket as TLSSocket).getPeerCertificate()
  client.destroy()
  return String(subject.CN)
}

t.test('encoders and players use the TLS port like the plain one', async (t) => {
  const { origin, url } = await openTlsOrigin(t)
  t.match(url, /^https:\/\/127\.0\.0\.1:\d+$/)
  const client = await RawClient.open(url, { ALPNProtocols: ['h2', 'http/1.1'] })
  const socket = client.socket as TLSSocket
  t.equal(socket.alpnProtocol, 'http/1.1')
  t.equal(socket.getProtocol(), 'TLSv1.2', 'what loses no upload of ffmpeg')
  const authorization = `Authorization: ${origin.keys.encoder}`
  const target = '/cache/live-origin/a.ts'
  const written = await client.request('PUT', target, [authorization, 'Content-Length: 5'], 'bytes')
  t.equal(written.status, 204)
  const read = await client.request('GET', target, [authorization])
  t.equal(read.body.toString(), 'bytes')
  const plain = await http(`${origin.dataPlaneUrl}${target}`, {
    headers: { authorization: origin.keys.player },
  })
  t.equal(plain.text, 'bytes')
  t.equal((await client.request('GET', '/health/ready')).status, 200)
})

t.test('TLS 1.3 is spoken where it is asked for', async (t) => {
  const origin = await openOrigin(t, {
    http: { tls: { port: 0, versionMax: 'TLSv1.3', ...FILES } },
  })
  const client = await RawClient.open(origin.tlsUrl ?? '')
  t.equal((client.socket as TLSSocket).getProtocol(), 'TLSv1.3')
  client.destroy()
})

t.test('a client that checks the certificate is content with it', async (t) => {
  const { url } = await openTlsOrigin(t)
  const ca = await readFile(FILES.certFile)
  const status = await new Promise<number | undefined>((resolve, reject) => {
    httpsRequest(`${url}/health/live`, { ca, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
  t.equal(status, 200)
})

t.test('TLS 1.2 is spoken, TLS 1.1 and suites without forward secrecy are not', async (t) => {
  const { url } = await openTlsOrigin(t)
  const client = await RawClient.open(url, { maxVersion: 'TLSv1.2' })
  const socket = client.socket as TLSSocket
  t.equal(socket.getProtocol(), 'TLSv1.2')
  t.match(socket.getCipher().name, /^ECDHE-ECDSA-(AES\d+-GCM|CHACHA20)/)
  client.destroy()
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' } as const
  await t.rejects(RawClient.open(url, old))
  await t.rejects(RawClient.open(url, { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA256' }))
  await t.rejects(RawClient.open(url, { ALPNProtocols: ['h2'] }), 'HTTP/2 alone is refused')
  t.equal(await nameSeen(url), 'first.origin.test')
})

t.test('the rules of the plain port hold on the TLS port', async (t) => {
  const { origin, url } = await openTlsOrigin(t)
  const authorization = `Authorization: ${origin.keys.encoder}`
  const target = '/cache/live-origin/a.ts'

  const halfOpen = await RawClient.open(url)
  await halfOpen.send(head('PUT', target, [authorization, 'Content-Length: 5']), 'bytes')
  halfOpen.endWriting()
  t.equal((await halfOpen.readResponse('PUT')).status, 204, 'a half-closed encoder is answered')
  t.equal(await halfOpen.waitForEnd(), 'fin')

  const expecting = await RawClient.open(url)
  await expecting.send(head('PUT', target, ['Content-Length: 5', 'Expect: 100-continue']))
  t.equal((await expecting.readResponse('PUT')).status, 401, 'no 100 for an unknown writer')

  const malformed = await RawClient.open(url)
  await malformed.send('GARBAGE\r\n\r\n')
  t.equal((await malformed.readResponse()).header('x-headwater-reason'), 'request-malformed')
  t.equal(await malformed.waitForEnd(), 'fin')

  const twoHosts = await RawClient.open(url)
  const answer = await twoHosts.request('GET', target, ['Host: a', 'Host: b'])
  t.equal(answer.header('x-headwater-reason'), 'host-ambiguous')
})

t.test('connections of both ports count together', async (t) => {
  const { origin, url } = await openTlsOrigin(t, { connectionsMax: 16 })
  const clients = []
  for (let count = 0; count < 8; count++) {
    clients.push(await RawClient.open(url), await RawClient.open(origin.dataPlaneUrl))
  }
  const over = await RawClient.open(origin.dataPlaneUrl)
  t.not(await over.waitForEnd(), 'open')
  await t.rejects(RawClient.open(url))
  for (const client of clients) t.ok(await client.isUsable())
  for (const client of clients) client.destroy()
})

t.test('a plain request on the TLS port is told so, and the connection closes', async (t) => {
  const { url } = await openTlsOrigin(t)
  const client = await RawClient.open(url.replace('https:', 'http:'))
  await client.send(head('GET', '/cache/live-origin/a.ts'), 'and more than anybody reads')
  const answer = await client.readResponse()
  t.equal(answer.status, 400)
  t.equal(answer.header('x-headwater-reason'), 'plain-on-tls-port')
  t.match(answer.body.toString(), /https:/)
  t.equal(await client.waitForEnd(), 'fin')
  t.equal(await nameSeen(url), 'first.origin.test')
})

t.test('a TLS handshake on the plain port is told so, and the connection closes', async (t) => {
  const { origin } = await openTlsOrigin(t)
  const port = Number(new URL(origin.dataPlaneUrl).port)
  const tcp = connectTcp({ host: '127.0.0.1', port, allowHalfOpen: true })
  let answer = ''
  // The client of node fails at the first byte, which is the H of HTTP: what came is read below it.
  const ended = new Promise((resolve) => tcp.once('close', resolve))
  const hello = await clientHello()
  tcp.on('data', (chunk: Buffer) => (answer += chunk.toString()))
  tcp.once('end', () => tcp.end())
  tcp.write(hello)
  await ended
  t.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/)
  t.match(answer, /X-Headwater-Reason: tls-on-plain-port\r\n/)
  await t.rejects(RawClient.open(origin.dataPlaneUrl.replace('http:', 'https:')))
  t.equal((await http(`${origin.dataPlaneUrl}/health/live`)).status, 200)
})

t.test('who says nothing, or half a handshake, is cut after the time for a head', async (t) => {
  const { url } = await openTlsOrigin(t, { headersTimeoutSeconds: 1 })
  const silent = await RawClient.open(url.replace('https:', 'http:'))
  const half = await RawClient.open(url.replace('https:', 'http:'))
  await half.send((await clientHello()).subarray(0, 40))
  const early = await RawClient.open(url.replace('https:', 'http:'))
  early.endWriting()
  t.equal(await early.waitForEnd(), 'fin', 'a probe that leaves at once')
  t.not(await silent.waitForEnd(5000), 'open')
  t.not(await half.waitForEnd(5000), 'open')
})

t.test('a failed handshake is in the log, once in a while', async (t) => {
  const { log, lines } = recordingLog()
  const settings = { http: { tls: { port: 0, ...FILES } } }
  const origin = await openOrigin(t, settings, { log })
  for (let count = 0; count < 3; count++) {
    await t.rejects(RawClient.open(tlsUrlOf(origin), { ALPNProtocols: ['h2'] }))
  }
  const failures = lines.filter(({ msg }) => msg === 'TLS handshake failed')
  t.equal(failures.length, 1)
  t.match(failures[0], { clientAddress: /127\.0\.0\.1/, reason: /ALPN|APPLICATION_PROTOCOL/ })
})

t.test('reloading: new connections get the new certificate, old ones live on', async (t) => {
  const directory = t.testdir()
  const files = await installCertificate(directory, 'first')
  const { log, lines } = recordingLog()
  const origin = await openOrigin(t, { http: { tls: { port: 0, ...files } } }, { log })
  const url = tlsUrlOf(origin)
  const before = await RawClient.open(url)
  await installCertificate(directory, 'second')
  t.equal(await nameSeen(url), 'first.origin.test', 'not before it is told')
  t.equal(await origin.reloadTls(), 'reloaded')
  t.equal(await nameSeen(url), 'second.origin.test')
  t.ok(await before.isUsable())
  t.match(
    lines.find(({ msg }) => msg === 'certificate reloaded'),
    { names: /second\.origin\.test/, fingerprint: /^[0-9A-F:]{95}$/ },
  )
})

t.test('reloading keeps the old certificate when a file is gone or does not fit', async (t) => {
  const directory = t.testdir()
  const files = await installCertificate(directory, 'first')
  const { log, lines } = recordingLog()
  const origin = await openOrigin(t, { http: { tls: { port: 0, ...files } } }, { log })
  const url = tlsUrlOf(origin)
  const said = () => JSON.stringify(lines.at(-1))
  await rm(files.certFile)
  t.equal(await origin.reloadTls(), 'kept')
  t.match(said(), /certificate not reloaded/)
  t.match(said(), /http\.tls\.certFile.*there is no such file/)
  await installCertificate(directory, 'second')
  await writeFile(files.keyFile, 'rubbish')
  t.equal(await origin.reloadTls(), 'kept')
  t.match(said(), /http\.tls\.keyFile.*has no PEM key/)
  await copyFile(FILES.keyFile, files.keyFile)
  t.equal(await origin.reloadTls(), 'kept')
  t.match(said(), /is not the key of/)
  t.notMatch(said(), /PRIVATE KEY/)
  t.equal(await nameSeen(url), 'first.origin.test')
})

t.test('without a certificate there is no TLS port', async (t) => {
  const origin = await openOrigin(t)
  t.equal(origin.tlsUrl, undefined)
  t.equal(await origin.reloadTls(), undefined)
})

t.test('start refuses files that cannot be used, naming them', async (t) => {
  const directory = t.testdir({ 'rubbish.pem': 'rubbish' })
  const rubbish = `${directory}/rubbish.pem`
  const cases: [Partial<typeof FILES>, RegExp][] = [
    [{ certFile: `${directory}/none.pem` }, /certFile ".*none\.pem" cannot be read: there is no/],
    [{ keyFile: directory }, /keyFile ".*" cannot be read: it is a directory/],
    [{ certFile: rubbish }, /certFile ".*rubbish\.pem" has no PEM certificate/],
    [{ keyFile: rubbish }, /keyFile ".*rubbish\.pem" has no PEM key/],
    [{ certFile: rubbish, keyFile: rubbish }, /certFile .*; http\.tls\.keyFile /],
    [{ keyFile: tlsFixture('locked.key.pem') }, /keyFile ".*" is locked with a passphrase/],
    [{ keyFile: tlsFixture('second.key.pem') }, /is not the key of http\.tls\.certFile/],
    [
      { certFile: tlsFixture('weak.cert.pem'), keyFile: tlsFixture('weak.key.pem') },
      /weak\.cert\.pem".*too small/,
    ],
  ]
  for (const [files, message] of cases) {
    const settings = { http: { tls: { port: 0, ...FILES, ...files } } }
    await t.rejects(startHeadwater({ settings }), { code: 'HW_START_TLS_UNUSABLE', message })
  }
})

t.test('a TLS port that is taken is said so', async (t) => {
  const { url } = await openTlsOrigin(t)
  const port = Number(new URL(url).port)
  await t.rejects(startHeadwater({ settings: { http: { tls: { port, ...FILES } } } }), {
    code: 'HW_START_PORT_TAKEN',
    message: /TLS port of the data plane/,
  })
})

t.test('an expired certificate is served, with a warning', async (t) => {
  const { log, lines } = recordingLog()
  const certFile = tlsFixture('expired.cert.pem')
  const tls = { port: 0, ...FILES, certFile }
  const origin = await openOrigin(t, { http: { tls } }, { log })
  t.match(
    lines.find(({ level }) => level === 40),
    { msg: /has expired/, certFile },
  )
  t.equal(await nameSeen(tlsUrlOf(origin)), 'expired.origin.test')
})

t.test('a stopping server ends idle TLS connections, silent ones too, with FIN', async (t) => {
  const { origin, url } = await openTlsOrigin(t, { shutdownSeconds: 5 })
  const idle = await RawClient.open(url)
  t.ok(await idle.isUsable())
  const silent = await RawClient.open(url.replace('https:', 'http:'))
  const closed = origin.close()
  t.equal(await idle.waitForEnd(), 'fin')
  t.equal(await silent.waitForEnd(), 'fin')
  await closed
  await t.rejects(RawClient.open(url))
})

/** The first flight of a TLS client. */
async function clientHello(): Promise<Buffer> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const received = new Promise<Buffer>((resolve) => {
    server.once('connection', (socket) => {
      socket.once('data', (data: Buffer) => {
        resolve(data)
        socket.destroy()
      })
    })
  })
  const client = connectTls({ host: '127.0.0.1', port })
  client.on('error', () => undefined)
  const hello = await received
  client.destroy()
  server.close()
  return hello
}
