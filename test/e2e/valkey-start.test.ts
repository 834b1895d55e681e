import t from 'tap'
import type { Test } from 'tap'
import type { Redis } from 'ioredis'
import { systemClock } from '../../src/base/clock.ts'
import { createLogger } from '../../src/base/log.ts'
import { openValkey } from '../../src/storage/valkey/open-valkey.ts'
import { recordingLog } from '../support/tls.ts'
import { connectTo, freePort, startValkeyServer, until } from '../support/valkey-server.ts'
import type { ValkeyServer } from '../support/valkey-server.ts'

function open(url: string) {
  return openValkey({ url, timeoutMs: 2000, clock: systemClock, log: createLogger('silent') })
}

async function refused(t: Test, url: string, message: RegExp) {
  await t.rejects(open(url), { code: 'HW_START_VALKEY', message })
}

t.test('what is no URL, without what it holds', async (t) => {
  const error: unknown = await open('redis://me:hunter2@').catch((thrown: unknown) => thrown)
  t.match(error, { code: 'HW_START_VALKEY' })
  t.notMatch(JSON.stringify(error) + String(error), 'hunter2')
})

t.test('an empty server is claimed, and found again', async (t) => {
  const server = await startValkeyServer(t)
  const direct = connectTo(t, server)
  await (await open(server.url)).close()
  t.equal(await direct.get('hw:layout'), 'headwater-1')
  await (await open(server.url)).close()
  await direct.set('hw:layout', 'headwater-9')
  await refused(t, server.url, /layout/)
})

t.test('a database of somebody else is left alone; another one will do', async (t) => {
  const server = await startValkeyServer(t)
  const direct = connectTo(t, server)
  await direct.set('session:1', 'x')
  await refused(t, server.url, /in use by something else.*session:1/)
  t.same(await direct.keys('*'), ['session:1'])
  await (await open(`${server.url}/1`)).close()
})

t.test('an eviction policy that drops live objects', async (t) => {
  const args = ['--maxmemory', '64mb', '--maxmemory-policy', 'volatile-lru']
  const server = await startValkeyServer(t, { args })
  await refused(t, server.url, /volatile-lru.*set maxmemory-policy to noeviction/)
})

t.test('a wrong password, and none', async (t) => {
  const server = await startValkeyServer(t, {
    args: ['--requirepass', 'right'],
    password: 'right',
  })
  await refused(t, `redis://:wrong@127.0.0.1:${server.port}`, /WRONGPASS/)
  await refused(t, server.url, /NOAUTH/)
  await (await open(`redis://:right@127.0.0.1:${server.port}`)).close()
})

t.test('rights that are missing are named, all at once; those of the page suffice', async (t) => {
  const server = await startValkeyServer(t)
  const direct = connectTo(t, server)
  const rights = '~hw:* resetchannels &__redis__:invalidate -@all +@read +@write +@scripting'
  const enough = `${rights} +@transaction +@connection +@pubsub +client +info +time`
  await direct.call('ACL', 'SETUSER', 'some', 'on', '>pw', ...enough.split(' '), '-eval', '-zadd')
  await refused(t, `redis://some:pw@127.0.0.1:${server.port}`, /ZADD, EVAL/)
  await direct.call('ACL', 'SETUSER', 'all', 'on', '>pw', ...enough.split(' '))
  await (await open(`redis://all:pw@127.0.0.1:${server.port}`)).close()
})

t.test('rights to names and channels, not only to commands', async (t) => {
  const server = await startValkeyServer(t)
  const direct = connectTo(t, server)
  const all = ['+@all', '-@admin', '-@dangerous', '+info', '+client']
  const user = (name: string, ...rights: readonly string[]) =>
    direct.call('ACL', 'SETUSER', name, 'on', '>pw', ...all, ...rights)
  await user('names', '~hw:u:*', '&*')
  await refused(t, `redis://names:pw@127.0.0.1:${server.port}`, /may not run UNLINK on hw:\*/)
  await user('reads', '%R~hw:*', '&*')
  await refused(t, `redis://reads:pw@127.0.0.1:${server.port}`, /may not run SET, .*UNLINK/)
  await user('deaf', '~hw:*', 'resetchannels', '&other')
  await refused(t, `redis://deaf:pw@127.0.0.1:${server.port}`, /may not run SUBSCRIBE/)
  await direct.call('ACL', 'SETUSER', 'blind', 'on', '>pw', '~hw:*', '&*', '+@all', '-info')
  await refused(t, `redis://blind:pw@127.0.0.1:${server.port}`, /INFO is refused.*allow it: ~hw/)
})

t.test('a number of a database that does not exist is not taken for database 0', async (t) => {
  const server = await startValkeyServer(t, { args: ['--databases', '2'] })
  await refused(t, `${server.url}/2`, /has no database 2 .*name one that exists/)
  t.same(await connectTo(t, server).keys('*'), [])
})

t.test('a cluster: not whole, without replicas, without rights', async (t) => {
  const servers: (ValkeyServer & { readonly busPort: number; readonly direct: Redis })[] = []
  for (let index = 0; index < 2; index++) {
    const busPort = await freePort()
    const args = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort)]
    args.push('--cluster-announce-ip', '127.0.0.1', '--cluster-config-file', `n-${index}.conf`)
    const server = await startValkeyServer(t, { args })
    servers.push({ ...server, busPort, direct: connectTo(t, server) })
  }
  const [a, b] = servers
  if (a === undefined || b === undefined) throw new Error('no server')
  await a.direct.call('CLUSTER', 'MEET', '127.0.0.1', b.port, b.busPort)
  await a.direct.call('CLUSTER', 'ADDSLOTSRANGE', 0, 8000)
  await refused(t, a.url, /the cluster is not whole .*: some slots have no primary/)
  await b.direct.call('CLUSTER', 'ADDSLOTSRANGE', 8001, 16_383)
  await until(async () => {
    const states = await Promise.all(servers.map(({ direct }) => direct.cluster('INFO')))
    return states.every((text) => String(text).includes('cluster_state:ok'))
  }, 20_000)
  for (const { direct } of servers) {
    const rights = ['~hw:*', '&*', '+@all', '-@admin', '-@dangerous', '+info', '+client']
    await direct.call('ACL', 'SETUSER', 'some', 'on', '>pw', ...rights, '-cluster', '-zadd')
  }
  await refused(t, `redis://some:pw@127.0.0.1:${a.port}`, /CLUSTER is refused.*ZADD.*\+cluster/)
  await refused(t, `${a.url}/1`, /a cluster has 0 alone/)
  // Of another primary than the one that was asked.
  await b.direct.config('SET', 'maxmemory', '64mb', 'maxmemory-policy', 'allkeys-lru')
  await refused(
    t,
    a.url,
    new RegExp(`127\\.0\\.0\\.1:${b.port}: its eviction policy is allkeys-lru`),
  )
  await b.direct.config('SET', 'maxmemory', '0')

  const { log, lines } = recordingLog()
  const startedAtMs = performance.now()
  const link = await openValkey({ url: a.url, timeoutMs: 2000, clock: systemClock, log })
  t.comment(`a cluster of two is open after ${(performance.now() - startedAtMs).toFixed(0)} ms`)
  await link.close()
  const warnings = lines.map(({ warning }) => warning).join('\n')
  t.match(warnings, /2 of the cluster's primaries have no replica .*: add replicas/)
  t.match(warnings, `127.0.0.1:${a.port}`)
  t.match(warnings, `127.0.0.1:${b.port}`)
})

t.test('a replica', async (t) => {
  const primary = await startValkeyServer(t)
  const replica = await startValkeyServer(t, {
    args: ['--replicaof', '127.0.0.1', String(primary.port)],
  })
  await refused(t, replica.url, /replica, which takes no writes/)
})
