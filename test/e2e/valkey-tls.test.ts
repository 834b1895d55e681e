import t from 'tap'
import type { Test } from 'tap'
import { startHeadwater } from '../../src/app.ts'
import { systemClock } from '../../src/base/clock.ts'
import { openValkey } from '../../src/storage/valkey/open-valkey.ts'
import { readTlsFiles } from '../../src/storage/valkey/read-tls-files.ts'
import { recordingLog, tlsFixture } from '../support/tls.ts'
import { connectTo, freePort, startValkeyServer, tlsArgs, until } from '../support/valkey-server.ts'

const FIRST = tlsFixture('first.cert.pem')
const NO_FILES = { caFile: '', certFile: '', keyFile: '' }
const PASSWORD = 'correct-horse-battery'

async function startTls(t: Test, authClients: 'yes' | 'no', more: readonly string[] = []) {
  const tlsPort = await freePort()
  const args = [...tlsArgs(tlsPort, authClients), ...more]
  return { tlsPort, server: await startValkeyServer(t, { args }) }
}

async function open(url: string, files: Partial<typeof NO_FILES> = {}) {
  const { log, lines } = recordingLog()
  const tlsFiles = await readTlsFiles({ ...NO_FILES, ...files })
  const opening = openValkey({ url, timeoutMs: 2000, tlsFiles, clock: systemClock, log })
  return { opening, lines }
}

/** Refused for this reason, without a word of the secrets. */
async function refused(t: Test, url: string, files: Partial<typeof NO_FILES>, message: RegExp) {
  const { opening, lines } = await open(url, files)
  const error: unknown = await opening.then(
    (link) => link.close(),
    (thrown: unknown) => thrown,
  )
  t.match(error, { code: 'HW_START_VALKEY', message })
  const cause = error instanceof Error ? error.cause : undefined
  t.notMatch(JSON.stringify([error, lines, cause]) + String(error), PASSWORD)
}

t.test('an origin over TLS, with a user and a password from a file', async (t) => {
  const { server, tlsPort } = await startTls(t, 'no')
  const direct = connectTo(t, server)
  const rights = '~hw:* &__redis__:invalidate +@all -@admin -@dangerous +info +client'
  await direct.call('ACL', 'SETUSER', 'origin', 'on', `>${PASSWORD}`, ...rights.split(' '))
  await direct.call('ACL', 'SETUSER', 'default', 'off')
  const url = `valkeys://origin:${PASSWORD}@127.0.0.1:${tlsPort}`
  const origin = await startHeadwater({
    settings: {
      storage: { kind: 'valkey', valkey: { url, caFile: FIRST } },
      http: { shutdownSeconds: 1 },
    },
  })
  t.teardown(() => origin.close())
  const item = `${origin.dataPlaneUrl}/cache/live-origin/1.ts?ttl_seconds=60`
  const headers = { authorization: origin.keys.encoder }
  // Large enough for several chunks, and for several records of TLS.
  const body = Buffer.alloc(3_000_000, 7)
  t.equal((await fetch(item, { method: 'PUT', body, headers })).status, 204)
  const player = { authorization: origin.keys.player }
  const read = await fetch(item, { headers: player })
  t.ok(Buffer.from(await read.arrayBuffer()).equals(body))
  // Another connection, with the same TLS, once this one is cut.
  await direct.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  await until(async () => (await fetch(item, { method: 'PUT', body, headers })).status === 204)
})

t.test('what is wrong is said, and how to put it right', async (t) => {
  const { server, tlsPort } = await startTls(t, 'no')
  const url = `valkeys://:${PASSWORD}@127.0.0.1:${tlsPort}`
  await connectTo(t, server).config('SET', 'requirepass', PASSWORD)
  await refused(t, url, {}, /self-signed certificate.*storage\.valkey\.caFile/)
  const wrong = { caFile: tlsFixture('second.cert.pem') }
  await refused(t, url, wrong, /certificate: no authority that is known here signed.*caFile/)
  await refused(t, url.replace(PASSWORD, 'wrong'), { caFile: FIRST }, /WRONGPASS.*correct it/)
  const { opening } = await open(url, { caFile: FIRST })
  await (await opening).close()
})

t.test('a client certificate, for a server that asks for one', async (t) => {
  const { tlsPort } = await startTls(t, 'yes')
  const url = `rediss://127.0.0.1:${tlsPort}`
  const own = (name: string) => ({
    ...{ caFile: FIRST, certFile: tlsFixture(`${name}.cert.pem`) },
    keyFile: tlsFixture(`${name}.key.pem`),
  })
  await refused(t, url, { caFile: FIRST }, /client certificate.*storage\.valkey\.certFile/)
  await refused(t, url, own('second'), /client certificate that its authorities signed/)
  const { opening } = await open(url, own('first'))
  await (await opening).close()
})

t.test('a cluster over TLS, of one', async (t) => {
  const { server, tlsPort } = await startTls(t, 'no', [
    ...['--cluster-enabled', 'yes', '--tls-cluster', 'yes', '--cluster-announce-ip', '127.0.0.1'],
    ...['--cluster-port', String(await freePort())],
  ])
  const direct = connectTo(t, server)
  await direct.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383)
  await until(async () => String(await direct.cluster('INFO')).includes('cluster_state:ok'))
  const { opening, lines } = await open(`valkeys://127.0.0.1:${tlsPort}`, { caFile: FIRST })
  const link = await opening
  t.ok(link.isTracking)
  await link.close()
  t.match(lines.map(({ warning }) => warning).join('\n'), /have no replica \(127\.0\.0\.1:/)
})
