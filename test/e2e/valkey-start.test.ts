import t from 'tap'
import type { Test } from 'tap'
import { systemClock } from '../../src/base/clock.ts'
import { createLogger } from '../../src/base/log.ts'
import { openValkey } from '../../src/storage/valkey/open-valkey.ts'
import { connectTo, startValkeyServer } from '../support/valkey-server.ts'

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

t.test('a replica', async (t) => {
  const primary = await startValkeyServer(t)
  const replica = await startValkeyServer(t, {
    args: ['--replicaof', '127.0.0.1', String(primary.port)],
  })
  await refused(t, replica.url, /replica, which takes no writes/)
})
