import t from 'tap'
import type { Test } from 'tap'
import { systemClock } from '../../src/base/clock.ts'
import { storeConformance } from '../storage/store-conformance.ts'
import { readItem } from '../storage/store-conformance.ts'
import { sampleItem, storeKey } from '../storage/sample-item.ts'
import { connectTo, freePort, startValkeyServer, until } from '../support/valkey-server.ts'
import type { ValkeyServer } from '../support/valkey-server.ts'
import { openTestStore } from '../support/valkey-store.ts'

const SLOT_COUNT = 16_384

/** Three primaries, each with a replica, on loopback. */
async function startCluster(t: Test): Promise<readonly ValkeyServer[]> {
  const servers: ValkeyServer[] = []
  for (let index = 0; index < 6; index++) {
    const [port, busPort] = [await freePort(), await freePort()]
    const args = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort)]
    args.push('--cluster-node-timeout', '2000', '--cluster-config-file', `nodes-${index}.conf`)
    args.push('--repl-diskless-sync-delay', '0', '--cluster-announce-ip', '127.0.0.1')
    servers.push(Object.assign(await startValkeyServer(t, { port, args }), { busPort }))
  }
  const clients = servers.map((server) => connectTo(t, server))
  const [first] = clients
  if (first === undefined) throw new Error('no server')
  for (const server of servers.slice(1)) {
    const { port, busPort } = server as ValkeyServer & { busPort: number }
    await first.call('CLUSTER', 'MEET', '127.0.0.1', port, busPort)
  }
  for (const [index, client] of clients.slice(0, 3).entries()) {
    const from = Math.floor((index * SLOT_COUNT) / 3)
    const to = Math.floor(((index + 1) * SLOT_COUNT) / 3) - 1
    await client.call('CLUSTER', 'ADDSLOTSRANGE', from, to)
  }
  await until(async () => {
    const known = await Promise.all(clients.map((client) => client.cluster('NODES')))
    return known.every((text) => String(text).trim().split('\n').length === 6)
  }, 20_000)
  for (const [index, client] of clients.slice(3).entries()) {
    const primaryId = String(await clients[index]?.cluster('MYID'))
    await client.call('CLUSTER', 'REPLICATE', primaryId)
  }
  await until(async () => {
    const states = await Promise.all(clients.map((client) => client.cluster('INFO')))
    return states.every((text) => String(text).includes('cluster_state:ok'))
  }, 20_000)
  return servers
}

const servers = await startCluster(t)
const url = `redis://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`
const primaries = servers.slice(0, 3).map((server) => connectTo(t, server))
const nowMs = () => systemClock.monotonicMs()

t.test('a store on a cluster of six conforms', async (t) => {
  storeConformance(
    t,
    async ({ clock, sizeBytesMax }) => {
      for (const primary of primaries) await primary.flushall()
      const options = { url, clock, sizeBytesMax, isEngineClock: true, isCluster: true }
      return (await openTestStore(options)).store
    },
    { pins: false },
  )
})

t.test('nodes hear of each other, whichever primary has the key', async (t) => {
  const startedAtMs = nowMs()
  const a = await openTestStore({ url, isCluster: true })
  t.comment(
    `changes on every primary are told ${(nowMs() - startedAtMs).toFixed(0)} ms after the start`,
  )
  const b = await openTestStore({ url, isCluster: true })
  t.teardown(() => Promise.all([a.store.close(), b.store.close()]))
  for (let index = 0; index < 30; index++) {
    for (const body of ['old', 'new']) {
      await a.store.put(sampleItem(`live/${index}`, nowMs(), { body }))
      await until(async () => {
        const item = await readItem(b.store, storeKey(`live/${index}`))
        return Buffer.concat(item?.chunks ?? []).toString() === body
      }, 1000)
    }
    t.type(a.store.peek(storeKey(`live/${index}`)), 'object')
  }
})

t.test('a primary dies: its replica takes over, and nodes agree again', async (t) => {
  const a = await openTestStore({ url, isCluster: true })
  const b = await openTestStore({ url, isCluster: true })
  t.teardown(() => Promise.all([a.store.close(), b.store.close()]))
  await servers[0]?.kill()
  const startedAtMs = nowMs()
  for (let index = 0; index < 30; index++) {
    const key = `live/after-${index}`
    await until(async () => {
      const outcome = await a.store.put(sampleItem(key, nowMs())).catch(() => undefined)
      return outcome?.kind === 'stored'
    }, 30_000)
    await until(async () => {
      return (await readItem(b.store, storeKey(key)).catch(() => undefined)) !== undefined
    }, 30_000)
  }
  t.comment(`all slots take writes again after ${(nowMs() - startedAtMs).toFixed(0)} ms`)
  await until(() => a.link.isTracking && b.link.isTracking, 30_000)
  t.pass('and what is read is remembered again')
})
